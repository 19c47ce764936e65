//! `AdmissionReview`, `admission.k8s.io/v1`: what the API server asks, and what it is answered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refusal;

const VERSION: &str = "admission.k8s.io/v1";

/// It is no review.
#[derive(Debug, thiserror::Error)]
pub enum NoReview {
    /// It is not JSON, or has another shape.
    #[error("the body is no AdmissionReview: {0}")]
    Shape(#[from] serde_json::Error),
    /// It is another kind, or another version of it.
    #[error("the body is a {found}, and only an AdmissionReview of {VERSION} is understood")]
    Kind {
        /// Kind and version, shortened.
        found: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    kind: String,
    request: Request,
}

/// What is asked: may this be done to this object?
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    uid: String,
    kind: Kind,
    #[serde(default)]
    sub_resource: Option<String>,
    operation: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    pub(crate) object: Value,
    #[serde(default)]
    pub(crate) old_object: Value,
}

#[derive(Debug, Deserialize)]
struct Kind {
    group: String,
    kind: String,
}

/// What it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A pod is created.
    Created,
    /// A pod is changed.
    Updated,
    /// Something else, which is not for us to judge.
    Other,
}

/// What is allowed.
#[derive(Debug, Default)]
pub(crate) struct Allowed {
    /// Changes (RFC 6902).
    pub(crate) patch: Vec<Value>,
    /// For the author of the object.
    pub(crate) warnings: Vec<String>,
}

impl Request {
    /// Reads a review.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, NoReview> {
        let value: Value = serde_json::from_slice(body)?;
        let Review { api_version, kind, request } = Review::deserialize(value)?;
        if api_version != VERSION || kind != "AdmissionReview" {
            let found = format!("{kind:.40?} of {api_version:.40?}");
            return Err(NoReview::Kind { found });
        }
        Ok(request)
    }

    /// Where the object is, or is to be.
    pub(crate) fn namespace(&self) -> String {
        self.namespace.clone().unwrap_or_default()
    }

    pub(crate) fn subject(&self) -> Subject {
        let is_pod = self.kind.group.is_empty() && self.kind.kind == "Pod";
        let whole = self.sub_resource.as_deref().is_none_or(str::is_empty);
        match self.operation.as_str() {
            "CREATE" if is_pod && whole => Subject::Created,
            "UPDATE" if is_pod => Subject::Updated,
            _ => Subject::Other,
        }
    }

    /// The review that answers it.
    pub(crate) fn answer(&self, verdict: Result<Allowed, Refusal>) -> Value {
        let mut response = json!({"uid": self.uid, "allowed": verdict.is_ok()});
        match verdict {
            Ok(Allowed { patch, warnings }) => {
                if !patch.is_empty() {
                    response["patchType"] = json!("JSONPatch");
                    response["patch"] = json!(STANDARD.encode(Value::Array(patch).to_string()));
                }
                if !warnings.is_empty() {
                    response["warnings"] = json!(warnings);
                }
            }
            Err(refusal) => {
                let code = refusal.code().as_u16();
                response["status"] = json!({"code": code, "message": refusal.to_string()});
            }
        }
        json!({"apiVersion": VERSION, "kind": "AdmissionReview", "response": response})
    }
}
