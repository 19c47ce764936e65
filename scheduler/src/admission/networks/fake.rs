//! Networks of a test.

use policy::Datapath;
use serde_json::{Value, json};

use super::{LABEL, Network, Networks};
use crate::admission::Refusal;

/// The API objects there are.
pub(crate) struct Fake(pub(crate) Vec<Value>);

/// A definition; an empty resource or label is none.
pub(crate) fn definition(namespace: &str, name: &str, resource: &str, label: &str) -> Value {
    json!({
        "metadata": {
            "namespace": namespace, "name": name,
            "annotations": {"k8s.v1.cni.cncf.io/resourceName": resource},
            "labels": {LABEL: label},
        },
    })
}

impl Networks for Fake {
    fn named(&self, namespace: &str, name: &str) -> Result<Network, Refusal> {
        let is = |one: &&Value| {
            one["metadata"]["namespace"] == namespace && one["metadata"]["name"] == name
        };
        let missing = || Refusal::Missing(format!("{namespace}/{name}"));
        Network::from_json(self.0.iter().find(is).ok_or_else(missing)?)
    }

    fn labelled(&self, namespace: &str, path: Datapath) -> Result<Vec<Network>, Refusal> {
        let is = |one: &&Value| {
            one["metadata"]["namespace"] == namespace
                && one["metadata"]["labels"][LABEL] == path.as_str()
        };
        self.0.iter().filter(is).map(Network::from_json).collect()
    }
}
