//! How the API server is reached: a kubeconfig, or what kubelet mounts into a pod.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::InvalidHeaderValue;
use kube::Config;
use kube::config::{AuthInfo, Kubeconfig, KubeconfigError};
use secrecy::{ExposeSecret, SecretString};

use super::super::{DefinitionError, Reason};
use super::text::chain;
use super::token;

const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const NO_PROXY: &str = "http://none.invalid/";

/// Where it is written how to reach the API server, and as whom.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// A kubeconfig on the node. It may name no executables.
    Kubeconfig(PathBuf),
    /// The environment and the files kubelet gives a pod.
    InCluster,
}

/// The server, its certificate authority, our certificate; and what else says who we are.
pub(super) struct Endpoint {
    pub(super) config: Config,
    pub(super) credential: Credential,
}

/// What goes into the `Authorization` header.
pub(super) enum Credential {
    /// Nothing: a client certificate, if anything, says who we are.
    None,
    /// A user name and a password.
    Basic(HeaderValue),
    /// A token, and the file it came from.
    Token { text: SecretString, header: HeaderValue, file: Option<PathBuf> },
}

/// What the log should say about the life of the token, if it matters: it nears its end or is over.
/// Asks nobody, and never fails: a missing file is the business of [`Endpoint::read`].
pub(crate) fn token_warning(access: &Access) -> Option<String> {
    let endpoint = Endpoint::read(access).ok()?;
    let life = endpoint.credential.life()?;
    Some(format!(
        "the token in {} {life}; is whatever renews it running?",
        place(&endpoint, access)
    ))
}

fn place(endpoint: &Endpoint, access: &Access) -> String {
    match &endpoint.credential {
        Credential::Token { file: Some(file), .. } => file.display().to_string(),
        _ => access.path(),
    }
}

impl Access {
    fn path(&self) -> String {
        match self {
            Self::Kubeconfig(path) => path.display().to_string(),
            Self::InCluster => MOUNTED.to_owned(),
        }
    }
}

impl Endpoint {
    /// Reads all that is needed, tokens and certificates included; asks nobody.
    pub(super) fn read(access: &Access) -> Result<Self, DefinitionError> {
        let unusable =
            |reason| DefinitionError::Access { path: access.path(), reason: Reason(reason) };
        let mut config = match access {
            Access::Kubeconfig(path) => read_kubeconfig(path).map_err(unusable)?,
            Access::InCluster => Config::incluster().map_err(|error| unusable(chain(&error)))?,
        };
        refuse_unsupported(&config).map_err(unusable)?;
        if config.accept_invalid_certs {
            // Nothing is verified: the system's certificates, 100 and more, need not be read.
            config.root_cert.get_or_insert_default();
        }
        let credential = Credential::take(&mut config.auth_info).map_err(unusable)?;
        Ok(Self { config, credential })
    }
}

fn read_kubeconfig(path: &Path) -> Result<Config, String> {
    let mut kubeconfig = Kubeconfig::read_from(path).map_err(|error| explain(&error))?;
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        // Without one here, kube takes a proxy from the environment. Ours is that of the container
        // runtime, which has one for pulling images; the API server is next door.
        cluster.proxy_url.get_or_insert_with(|| NO_PROXY.to_owned());
    }
    let mut config = Config::try_from(kubeconfig).map_err(|error| explain(&error))?;
    config.proxy_url.take_if(|proxy| *proxy == NO_PROXY);
    Ok(config)
}

/// What is wrong with a kubeconfig. The parser's own text shows the lines around the mistake, and
/// those may hold a token.
fn explain(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => format!("no kubeconfig: see line {}, column {}", at.line(), at.column()),
            None => "no kubeconfig".to_owned(),
        },
        error => chain(error),
    }
}

/// Refuses what would run an executable, and what would silently not be done.
fn refuse_unsupported(config: &Config) -> Result<(), String> {
    let auth = &config.auth_info;
    let unsupported = [
        (
            auth.exec.is_some(),
            "user.exec is not supported, for no executable that a configuration \
                               names is ever run: use tokenFile or client-certificate",
        ),
        (
            auth.auth_provider.is_some(),
            "user.auth-provider is not supported, for it may run an \
                                        executable: use tokenFile or client-certificate",
        ),
        (
            auth.impersonate.is_some(),
            "user.as is not supported: grant the rights to the user itself",
        ),
        (config.proxy_url.is_some(), "cluster.proxy-url is not supported"),
    ];
    if let Some((_, what)) = unsupported.iter().find(|(found, _)| *found) {
        return Err((*what).to_owned());
    }
    let url = &config.cluster_url;
    if url.host().is_none() || !matches!(url.scheme_str(), Some("https" | "http")) {
        return Err("cluster.server is no https:// address".to_owned());
    }
    Ok(())
}

impl Credential {
    /// Takes everything but the certificate out of `auth`. As with other clients, a token file comes
    /// before a token.
    fn take(auth: &mut AuthInfo) -> Result<Self, String> {
        let auth_taken = AuthInfo {
            client_certificate: auth.client_certificate.take(),
            client_certificate_data: auth.client_certificate_data.take(),
            client_key: auth.client_key.take(),
            client_key_data: auth.client_key_data.take(),
            ..AuthInfo::default()
        };
        let auth = std::mem::replace(auth, auth_taken);
        if let Some(file) = auth.token_file.map(PathBuf::from) {
            let text =
                token::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            return Self::token(text, Some(file));
        }
        if let Some(text) = auth.token {
            return Self::token(text.expose_secret().trim().into(), None);
        }
        match (auth.username, auth.password) {
            (Some(user), Some(password)) => basic(&user, &password).map(Self::Basic),
            _ => Ok(Self::None),
        }
    }

    fn token(text: SecretString, file: Option<PathBuf>) -> Result<Self, String> {
        let header = sensitive(&format!("Bearer {}", text.expose_secret()))
            .map_err(|_invalid| "the token holds characters that no token has".to_owned())?;
        Ok(Self::Token { text, header, file })
    }

    /// The value of the header.
    pub(super) fn header(&self) -> Option<&HeaderValue> {
        match self {
            Self::None => None,
            Self::Basic(header) | Self::Token { header, .. } => Some(header),
        }
    }

    /// Reads the token anew and tells whether it is another one now.
    pub(super) fn renew(&mut self) -> bool {
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
    pub(super) fn life(&self) -> Option<token::Life> {
        let Self::Token { text, .. } = self else { return None };
        token::life(text.expose_secret(), SystemTime::now())
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
