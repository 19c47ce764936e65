//! Kubernetes' Node objects, read for what they publish. The shapes only: who asks for them is another
//! matter.

use std::collections::HashMap;

use serde::Deserialize;

use crate::Node;

/// A Node, or the metadata of one (`PartialObjectMetadata`).
#[derive(Debug, Deserialize)]
pub struct NodeObject {
    /// What is read of it.
    pub metadata: NodeMetadata,
}

/// Its metadata.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeMetadata {
    /// Its name; empty in a bookmark of a watch.
    #[serde(default)]
    pub name: String,
    /// Where a watch goes on behind it.
    #[serde(default)]
    pub resource_version: String,
    #[serde(default)]
    labels: Option<HashMap<String, String>>,
    #[serde(default)]
    annotations: Option<HashMap<String, String>>,
}

/// A list of them, as the API server answers and `kubectl get nodes -o json` prints it.
#[derive(Debug, Deserialize)]
pub struct NodeObjects {
    /// What is said of the list.
    #[serde(default)]
    pub metadata: ListMetadata,
    /// The nodes.
    #[serde(default)]
    pub items: Option<Vec<NodeObject>>,
}

/// What is said of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListMetadata {
    /// Where a watch goes on behind it.
    #[serde(default)]
    pub resource_version: String,
    /// Where the next page begins; none or empty on the last.
    #[serde(default, rename = "continue")]
    pub next: Option<String>,
}

impl NodeObject {
    /// What placing a pod needs of it.
    #[must_use]
    pub fn node(&self) -> Node {
        Node::from_metadata(
            |key| self.metadata.labels.as_ref()?.get(key).map(String::as_str),
            |key| self.metadata.annotations.as_ref()?.get(key).map(String::as_str),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Datapath, Figure};

    #[test]
    fn what_kubectl_prints_is_read() {
        let text = r#"{"kind": "List", "metadata": {"resourceVersion": ""}, "items": [
            {"kind": "Node", "metadata": {"name": "a", "labels": {"fastpath.dev/vf-p99-us": "20"}}, "spec": {}},
            {"metadata": {"name": "b", "labels": null}}]}"#;
        let nodes: NodeObjects = serde_json::from_str(text).unwrap();
        let [a, b] = nodes.items.as_deref().unwrap() else { panic!("{nodes:?}") };
        assert_eq!((a.metadata.name.as_str(), b.metadata.name.as_str()), ("a", "b"));
        assert_eq!(a.node().offer(Datapath::Vf).figure, Figure::P99(20));
        assert_eq!(b.node(), Node::default());
    }

    #[test]
    fn a_list_without_nodes_has_none() {
        let nodes: NodeObjects = serde_json::from_str(r#"{"items": null}"#).unwrap();
        assert!(nodes.items.is_none() && nodes.metadata.next.is_none());
    }
}
