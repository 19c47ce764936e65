//! The API server as a source of definitions.

mod object;
mod shapes;
#[cfg(test)]
mod tests;

use std::time::Instant;

use apiserver::{Access, Answer, Error, Inquiry, Question, StatusCode};
use npwg::NetworkAttachmentDefinition;
use serde_json::json;

use super::{DefinitionError, Definitions, Pod};
use object::Object;
use shapes::PodObject;

const CLIENT: &str = concat!("multus-lite/", env!("CARGO_PKG_VERSION"));

/// The API server of a cluster.
pub(crate) struct ApiServer(apiserver::ApiServer);

impl ApiServer {
    /// Prepares to ask the server: reads how to reach it, certificates and the token included. The
    /// connection is made with the first question.
    ///
    /// All questions together may take the time there is until `deadline`. What passes between them
    /// does not count: the last one comes after all plugins are done, and those may be slow.
    pub(crate) fn connect(access: &Access, deadline: Instant) -> Result<Self, DefinitionError> {
        let server = apiserver::ApiServer::connect(access, CLIENT, deadline);
        server.map(Self).map_err(DefinitionError::Api)
    }

    /// Gets an object as the server has it at hand, which spares the cluster's store at a storm of
    /// pods. What it does not have at hand yet is asked for in earnest.
    fn get(&self, inquiry: &Inquiry, path: &str) -> Result<Answer, Error> {
        let cached = Question::Get { path: format!("{path}?resourceVersion=0") };
        let answer = self.0.ask_any(inquiry, &cached)?;
        match answer.status {
            StatusCode::NOT_FOUND => self.0.ask(inquiry, &Question::Get { path: path.to_owned() }),
            status if status.is_success() => Ok(answer),
            _ => Err(self.0.refused(inquiry, &answer)),
        }
    }

    /// Why the change of a pod was refused: it may be another pod by now.
    fn why_refused(&self, object: &Object, pod: &Pod, answer: &Answer) -> DefinitionError {
        let doubtful = [StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY];
        if doubtful.contains(&answer.status) {
            match self.latest_pod(&pod.namespace, &pod.name) {
                Ok(now) if now.uid != pod.uid => return replaced(pod),
                Err(missing @ DefinitionError::Missing { .. }) => return missing,
                _ => {}
            }
        }
        object.error(self.0.refused(&object.inquiry(), answer))
    }

    fn latest_pod(&self, namespace: &str, name: &str) -> Result<Pod, DefinitionError> {
        let object = Object { verb: "get", kind: "pod", namespace, name };
        let question = Question::Get { path: self.path(&object)? };
        let answer = self.0.ask(&object.inquiry(), &question);
        self.pod_of(&answer.map_err(|error| object.error(error))?, &object)
    }

    fn path(&self, object: &Object) -> Result<String, DefinitionError> {
        let why = "no object has such a name: a-z, 0-9, '-' and '.' are allowed";
        object.path().ok_or_else(|| self.failed(object, why))
    }

    fn pod_of(&self, answer: &Answer, object: &Object) -> Result<Pod, DefinitionError> {
        let shape: PodObject = serde_json::from_slice(&answer.body)
            .map_err(|error| self.failed(object, &format!("the answer is no pod: {error}")))?;
        Ok(shape.into_pod(object.namespace, object.name))
    }

    /// The answer is no use.
    fn failed(&self, object: &Object, reason: &str) -> DefinitionError {
        DefinitionError::Api(self.0.failed(&object.inquiry(), reason))
    }
}

impl Definitions for ApiServer {
    fn pod(&self, namespace: &str, name: &str, uid: Option<&str>) -> Result<Pod, DefinitionError> {
        let object = Object { verb: "get", kind: "pod", namespace, name };
        let answer = self.get(&object.inquiry(), &self.path(&object)?);
        let pod = self.pod_of(&answer.map_err(|error| object.error(error))?, &object)?;
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
        let object = Object { verb: "get", kind: "network", namespace, name };
        let answer = self.get(&object.inquiry(), &self.path(&object)?);
        let answer = answer.map_err(|error| object.error(error))?;
        let definition = serde_json::from_slice(&answer.body)
            .map_err(|error| self.failed(&object, &format!("the answer is no JSON: {error}")))?;
        NetworkAttachmentDefinition::from_json(&definition)
            .map_err(|error| self.failed(&object, &cni::chain(&error)))
    }

    fn annotate(&self, pod: &Pod, key: &str, value: &str) -> Result<(), DefinitionError> {
        let Pod { namespace, name, uid, .. } = pod;
        let object = Object { verb: "annotate", kind: "pod", namespace, name };
        let path = format!("{}/status", self.path(&object)?);
        // A uid that differs from the object's is refused: it cannot be changed.
        let body = json!({"metadata": {"uid": uid, "annotations": {key: value}}}).to_string();
        let answer = self
            .0
            .ask_any(&object.inquiry(), &Question::Patch { path, body })
            .map_err(|error| object.error(error))?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(self.why_refused(&object, pod, &answer))
    }
}

fn replaced(pod: &Pod) -> DefinitionError {
    let Pod { namespace, name, uid, .. } = pod.clone();
    DefinitionError::Replaced { namespace, name, uid }
}
