//! From what the API server answered, or did not, to what can be said about it.

use http::StatusCode;
use kube::core::Status;

use crate::connection::{Answer, Trouble};
use crate::credential::Credential;
use crate::text::excerpt;
use crate::{Error, Reason};

/// What is asked for, as errors tell it.
#[derive(Debug)]
pub struct Inquiry<'a> {
    /// "get pod default/web" and the like.
    pub operation: String,
    /// Name of the object.
    pub name: &'a str,
    /// What to do where the rights do not suffice.
    pub rights: &'static str,
}

impl Inquiry<'_> {
    /// The answer is no use.
    pub(crate) fn failed(&self, server: &str, reason: &str) -> Error {
        let reason = Reason(format!("{server}: {reason}"));
        Error::Failed { operation: self.operation.clone(), reason }
    }

    /// There was no answer.
    pub(crate) fn unanswered(&self, server: &str, trouble: Trouble) -> Error {
        let reason = match trouble {
            Trouble::TooLong => return self.failed(server, "the answer is too long for an object"),
            Trouble::Late(doing) => format!("the time allowed ended while {doing}"),
            Trouble::Lost(error) => format!("the connection broke: {}", cni::chain(&*error)),
            Trouble::Connect(error) => not_connected(&cni::chain(&*error)),
        };
        let (operation, server) = (self.operation.clone(), server.to_owned());
        Error::Unreachable { operation, server, reason: Reason(reason) }
    }

    /// The answer is a refusal.
    pub(crate) fn refused(&self, server: &str, answer: &Answer, credential: &Credential) -> Error {
        let operation = self.operation.clone();
        let status = serde_json::from_slice::<Status>(&answer.body).ok();
        let said = format!("{server}: {}", said(answer, status.as_ref()));
        match answer.status {
            StatusCode::UNAUTHORIZED => {
                let reason = Reason(format!("{said}; {}", not_accepted(credential)));
                Error::Denied { operation, reason }
            }
            StatusCode::FORBIDDEN => {
                Error::Denied { operation, reason: Reason(format!("{said}; {}", self.rights)) }
            }
            StatusCode::NOT_FOUND if self.is_about_the_object(status.as_ref()) => {
                Error::Missing { operation }
            }
            StatusCode::NOT_FOUND => Error::UnknownKind { operation, reason: Reason(said) },
            _ => Error::Failed { operation, reason: Reason(said) },
        }
    }

    /// Whether a 404 names the object. Otherwise it is the kind that does not exist, or the server
    /// is no API server; an object that exists must not pass for a missing one then.
    fn is_about_the_object(&self, status: Option<&Status>) -> bool {
        let details = status.and_then(|status| status.details.as_ref());
        details.is_some_and(|details| details.name == self.name)
    }
}

/// Whether it is a DNS subdomain (RFC 1123), as the names of most objects are. Such a name becomes no
/// other path of the server.
#[must_use]
pub fn is_object_name(name: &str) -> bool {
    let label = |part: &str| {
        let inner = part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        inner && !part.is_empty() && !part.starts_with('-') && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// The server's own words.
fn said(answer: &Answer, status: Option<&Status>) -> String {
    let code = answer.status;
    let text = match status {
        Some(status) if !status.message.is_empty() => excerpt(&status.message),
        _ => excerpt(&String::from_utf8_lossy(&answer.body)),
    };
    if text.is_empty() { code.to_string() } else { format!("{code}: {text}") }
}

fn not_connected(why: &str) -> String {
    let hint = if why.contains("peer certificate") {
        ". Compare certificate-authority and server of the kubeconfig with the certificate it shows"
    } else {
        ""
    };
    format!("{why}{hint}")
}

fn not_accepted(credential: &Credential) -> String {
    match credential {
        Credential::None => {
            "the kubeconfig has no token, or its certificate is not accepted".into()
        }
        Credential::Basic(_) => "the user name and password are not accepted".into(),
        Credential::Token { .. } => {
            let place = credential.file().unwrap_or_else(|| "the kubeconfig".to_owned());
            let why =
                credential.life().map_or("expired or revoked".into(), |life| life.to_string());
            format!("the token in {place} is not accepted: {why}. Write a new one there")
        }
    }
}
