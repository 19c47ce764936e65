//! What goes into the `Authorization` header.

use std::path::PathBuf;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::InvalidHeaderValue;
use kube::config::AuthInfo;
use secrecy::{ExposeSecret, SecretString};

use crate::token;
use cni::chain;

/// As whom we ask.
pub(crate) enum Credential {
    /// A client certificate, if anything, says who we are.
    None,
    /// A user name and a password.
    Basic(HeaderValue),
    /// A token, and the file it came from.
    Token { text: SecretString, header: HeaderValue, file: Option<PathBuf> },
}

impl Credential {
    /// What the kubeconfig says. As with other clients, a token file comes before a token: it may
    /// have been renewed since.
    pub(crate) fn read(auth: &AuthInfo) -> Result<Self, String> {
        if let Some(file) = auth.token_file.as_ref().map(PathBuf::from) {
            let text = token::read(&file)
                .map_err(|error| format!("token file {}: {error}", file.display()))?;
            return Self::token(text, Some(file));
        }
        if let Some(text) = &auth.token {
            return Self::token(text.expose_secret().trim().into(), None);
        }
        match (&auth.username, &auth.password) {
            (Some(user), Some(password)) => basic(user, password).map(Self::Basic),
            _ => Ok(Self::None),
        }
    }

    fn token(text: SecretString, file: Option<PathBuf>) -> Result<Self, String> {
        let header = sensitive(&format!("Bearer {}", text.expose_secret()))
            .map_err(|_invalid| "the token holds characters that no token has".to_owned())?;
        Ok(Self::Token { text, header, file })
    }

    /// The value of the header.
    pub(crate) fn header(&self) -> Option<&HeaderValue> {
        match self {
            Self::None => None,
            Self::Basic(header) | Self::Token { header, .. } => Some(header),
        }
    }

    /// Reads the token anew and tells whether it is another one now.
    pub(crate) fn renew(&mut self) -> bool {
        let Self::Token { text, file: Some(file), .. } = self else { return false };
        let Ok(now) = token::read(file) else { return false };
        if now.expose_secret() == text.expose_secret() {
            return false;
        }
        let Ok(renewed) = Self::token(now, Some(file.clone())) else { return false };
        *self = renewed;
        true
    }

    /// What there is to say about the life of the token.
    pub(crate) fn life(&self) -> Option<token::Life> {
        let Self::Token { text, .. } = self else { return None };
        token::life(text.expose_secret(), SystemTime::now())
    }

    /// The file the token came from.
    pub(crate) fn file(&self) -> Option<String> {
        let Self::Token { file: Some(file), .. } = self else { return None };
        Some(file.display().to_string())
    }
}

fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, String> {
    let pair = format!("{user}:{}", password.expose_secret());
    sensitive(&format!("Basic {}", STANDARD.encode(pair))).map_err(|error| chain(&error))
}

/// A header that no log shows.
fn sensitive(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut header = HeaderValue::from_str(text)?;
    header.set_sensitive(true);
    Ok(header)
}
