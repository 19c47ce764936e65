//! From what the API server answered, or did not, to what a plugin can say about it.

use http::StatusCode;
use kube::core::Status;

use super::super::{DefinitionError, Reason};
use super::connection::{Answer, Trouble};
use super::credential::Credential;
use super::text::excerpt;

const RIGHTS: &str = "the user of the kubeconfig needs what deploy/multus-lite-rbac.yaml grants";
const CRD: &str = "the cluster does not know the kind: apply deploy/crd.yaml";

/// What was asked, and of whom.
pub(super) struct Inquiry<'a> {
    /// "get pod" and the like.
    pub(super) verb: &'static str,
    /// "pod" or "network".
    pub(super) kind: &'static str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// Its address, without credentials.
    pub(super) server: &'a str,
}

impl Inquiry<'_> {
    fn operation(&self) -> String {
        format!("{} {} {}/{}", self.verb, self.kind, self.namespace, self.name)
    }

    /// Where the object is, below the group and version. Names are checked: they come from a pod's
    /// author and must not become another path.
    pub(super) fn path(&self, plural: &str) -> Result<String, DefinitionError> {
        let Self { namespace, name, .. } = self;
        if !(is_object_name(namespace) && is_object_name(name)) {
            return Err(self.failed("no object has such a name: a-z, 0-9, '-' and '.' are allowed"));
        }
        Ok(format!("namespaces/{namespace}/{plural}/{name}"))
    }

    /// The answer is no use.
    pub(super) fn failed(&self, reason: &str) -> DefinitionError {
        let reason = Reason(format!("{}: {reason}", self.server));
        DefinitionError::Failed { operation: self.operation(), reason }
    }

    /// There was no answer.
    pub(super) fn unanswered(&self, trouble: Trouble) -> DefinitionError {
        let reason = match trouble {
            Trouble::TooLong => return self.failed("the answer is too long for an object"),
            Trouble::Late(doing) => format!("the time allowed ended while {doing}"),
            Trouble::Lost(error) => format!("the connection broke: {}", cni::chain(&*error)),
            Trouble::Connect(error) => not_connected(&cni::chain(&*error)),
        };
        let server = self.server.to_owned();
        DefinitionError::Unreachable { operation: self.operation(), server, reason: Reason(reason) }
    }

    /// The answer is a refusal.
    pub(super) fn refused(&self, answer: &Answer, credential: &Credential) -> DefinitionError {
        let status = serde_json::from_slice::<Status>(&answer.body).ok();
        let said = said(answer, status.as_ref());
        match answer.status {
            StatusCode::UNAUTHORIZED => self.denied(&said, &not_accepted(credential)),
            StatusCode::FORBIDDEN => self.denied(&said, RIGHTS),
            StatusCode::NOT_FOUND if self.is_about_the_object(status.as_ref()) => self.missing(),
            StatusCode::NOT_FOUND if self.kind == "network" => {
                let reason = Reason(format!("{}: {said}. Maybe {CRD}", self.server));
                DefinitionError::UnknownKind { operation: self.operation(), reason }
            }
            _ => self.failed(&said),
        }
    }

    fn denied(&self, said: &str, hint: &str) -> DefinitionError {
        let reason = Reason(format!("{}: {said}; {hint}", self.server));
        DefinitionError::Denied { operation: self.operation(), reason }
    }

    fn missing(&self) -> DefinitionError {
        DefinitionError::Missing {
            kind: self.kind,
            namespace: self.namespace.to_owned(),
            name: self.name.to_owned(),
        }
    }

    /// Whether a 404 names the object. Otherwise it is the kind that does not exist, or the server
    /// is no API server; a pod that exists must not pass for a missing one then.
    fn is_about_the_object(&self, status: Option<&Status>) -> bool {
        let details = status.and_then(|status| status.details.as_ref());
        details.is_some_and(|details| details.name == self.name)
    }
}

/// Whether it is a DNS subdomain (RFC 1123), as the names of pods, networks and namespaces are.
fn is_object_name(name: &str) -> bool {
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
