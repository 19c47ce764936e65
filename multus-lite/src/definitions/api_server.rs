//! The API server as a source of definitions.
//!
//! One process asks little and ends soon: one TLS connection, one request per object, no discovery,
//! no watches. Every call blocks until there is an answer or the time allowed is used up.

mod access;
mod connection;
mod credential;
#[cfg(test)]
mod fake_server;
mod runtime;
mod session;
mod shapes;
#[cfg(test)]
mod tests;
mod text;
mod tls;
mod token;
mod verdict;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::StatusCode;
use npwg::NetworkAttachmentDefinition;
use serde_json::json;

use super::{DefinitionError, Definitions, Pod, Reason};
use access::Endpoint;
use connection::Answer;
use runtime::Runtime;
use session::{Question, Session};
use shapes::PodObject;
use verdict::Inquiry;

pub(crate) use access::{Access, token_warning};

/// The API server of a cluster.
pub(crate) struct ApiServer {
    server: String,
    runtime: Runtime,
    session: Mutex<Session>,
}

impl ApiServer {
    /// Prepares to ask the server: reads how to reach it, certificates and the token included. The
    /// connection is made with the first question.
    ///
    /// All questions together may take the time there is until `deadline`. What passes between them
    /// does not count: the last one comes after all plugins are done, and those may be slow.
    pub(crate) fn connect(access: &Access, deadline: Instant) -> Result<Self, DefinitionError> {
        let endpoint = Endpoint::read(access)?;
        let server = text::server(&endpoint.url);
        let runtime = Runtime::new().map_err(|error| DefinitionError::Failed {
            operation: "start an event loop".to_owned(),
            reason: Reason(error.to_string()),
        })?;
        let session =
            Mutex::new(Session::new(endpoint, deadline.saturating_duration_since(Instant::now())));
        Ok(Self { server, runtime, session })
    }

    /// Asks, and returns the answer if it is not a refusal.
    fn ask(&self, inquiry: &Inquiry, question: &Question) -> Result<Answer, DefinitionError> {
        let answer = self.ask_any(inquiry, question)?;
        self.accepted(inquiry, answer)
    }

    fn accepted(&self, inquiry: &Inquiry, answer: Answer) -> Result<Answer, DefinitionError> {
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(inquiry.refused(&answer, self.session().credential()))
    }

    /// Gets an object as the server has it at hand, which spares the cluster's store at a storm of
    /// pods. What it does not have at hand yet is asked for in earnest.
    fn get(&self, inquiry: &Inquiry, path: &str) -> Result<Answer, DefinitionError> {
        let cached = Question::Get { path: format!("{path}?resourceVersion=0") };
        let answer = self.ask_any(inquiry, &cached)?;
        if answer.status == StatusCode::NOT_FOUND {
            return self.ask(inquiry, &Question::Get { path: path.to_owned() });
        }
        self.accepted(inquiry, answer)
    }

    /// Asks, and returns whatever is answered.
    fn ask_any(&self, inquiry: &Inquiry, question: &Question) -> Result<Answer, DefinitionError> {
        let mut session = self.session();
        self.runtime.block_on(session.ask(question)).map_err(|trouble| inquiry.unanswered(trouble))
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        // A panic while asking leaves no half-used connection behind: it is put back when idle.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the change of a pod was refused: it may be another pod by now.
    fn why_refused(&self, inquiry: &Inquiry, pod: &Pod, answer: &Answer) -> DefinitionError {
        let doubtful = [StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY];
        if doubtful.contains(&answer.status) {
            match self.latest_pod(&pod.namespace, &pod.name) {
                Ok(now) if now.uid != pod.uid => return replaced(pod),
                Err(missing @ DefinitionError::Missing { .. }) => return missing,
                _ => {}
            }
        }
        inquiry.refused(answer, self.session().credential())
    }

    fn latest_pod(&self, namespace: &str, name: &str) -> Result<Pod, DefinitionError> {
        let inquiry = Inquiry { verb: "get", kind: "pod", namespace, name, server: &self.server };
        let path = format!("/api/v1/{}", inquiry.path("pods")?);
        let answer = self.ask(&inquiry, &Question::Get { path })?;
        pod_of(&answer, &inquiry)
    }
}

fn pod_of(answer: &Answer, inquiry: &Inquiry) -> Result<Pod, DefinitionError> {
    let object: PodObject = serde_json::from_slice(&answer.body)
        .map_err(|error| inquiry.failed(&format!("the answer is no pod: {error}")))?;
    Ok(object.into_pod(inquiry.namespace, inquiry.name))
}

impl Definitions for ApiServer {
    fn pod(&self, namespace: &str, name: &str, uid: Option<&str>) -> Result<Pod, DefinitionError> {
        let inquiry = Inquiry { verb: "get", kind: "pod", namespace, name, server: &self.server };
        let path = format!("/api/v1/{}", inquiry.path("pods")?);
        let pod = pod_of(&self.get(&inquiry, &path)?, &inquiry)?;
        match uid {
            // What the server has at hand may be the former pod.
            Some(uid) if pod.uid != uid => self.latest_pod(namespace, name),
            _ => Ok(pod),
        }
    }

    fn network(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<NetworkAttachmentDefinition, DefinitionError> {
        let inquiry =
            Inquiry { verb: "get", kind: "network", namespace, name, server: &self.server };
        let path = inquiry.path("network-attachment-definitions")?;
        let path = format!("/apis/k8s.cni.cncf.io/v1/{path}");
        let answer = self.get(&inquiry, &path)?;
        let object = serde_json::from_slice(&answer.body)
            .map_err(|error| inquiry.failed(&format!("the answer is no JSON: {error}")))?;
        NetworkAttachmentDefinition::from_json(&object)
            .map_err(|error| inquiry.failed(&cni::chain(&error)))
    }

    fn annotate(&self, pod: &Pod, key: &str, value: &str) -> Result<(), DefinitionError> {
        let Pod { namespace, name, uid, .. } = pod;
        let inquiry =
            Inquiry { verb: "annotate", kind: "pod", namespace, name, server: &self.server };
        let path = format!("/api/v1/{}/status", inquiry.path("pods")?);
        // A uid that differs from the object's is refused: it cannot be changed.
        let body = json!({"metadata": {"uid": uid, "annotations": {key: value}}}).to_string();
        let answer = self.ask_any(&inquiry, &Question::Patch { path, body })?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(self.why_refused(&inquiry, pod, &answer))
    }
}

fn replaced(pod: &Pod) -> DefinitionError {
    let Pod { namespace, name, uid, .. } = pod.clone();
    DefinitionError::Replaced { namespace, name, uid }
}
