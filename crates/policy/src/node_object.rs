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
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
struct NodeStatus {
    #[serde(default)]
    allocatable: Option<HashMap<String, String>>,
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
    /// The nodes.
    #[serde(default)]
    pub items: Option<Vec<NodeObject>>,
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

    /// How many devices of a resource its pods may have altogether; 0 of one that it does not have.
    #[must_use]
    pub fn allocatable(&self, resource: &str) -> u64 {
        self.quantity(resource).and_then(device_count).unwrap_or_default()
    }

    /// How many whole CPUs its pods may have.
    #[must_use]
    pub fn allocatable_cpus(&self) -> u64 {
        let millis = self.quantity("cpu").and_then(|cpus| cpus.strip_suffix('m'));
        let millis = millis.and_then(|millis| millis.parse::<u64>().ok());
        millis.map_or_else(|| self.allocatable("cpu"), |millis| millis / 1000)
    }

    fn quantity(&self, resource: &str) -> Option<&str> {
        self.status.allocatable.as_ref()?.get(resource).map(String::as_str)
    }
}

/// A number of devices, as Kubernetes writes quantities: `16`, and `2k` for 2000. None when it is no whole number.
#[must_use]
pub fn device_count(quantity: &str) -> Option<u64> {
    let (digits, unit) = match quantity.strip_suffix('k') {
        Some(thousands) => (thousands, 1000),
        None => (quantity, 1),
    };
    let number: u64 = digits.parse().ok().filter(|_| !digits.starts_with('+'))?;
    number.checked_mul(unit)
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
    fn devices_are_counted_as_kubernetes_writes_them() {
        for (quantity, count) in [
            ("0", Some(0)),
            ("16", Some(16)),
            ("2k", Some(2000)),
            ("1500m", None),
            ("+1", None),
            ("k", None),
            ("", None),
            ("18446744073709551615k", None),
        ] {
            assert_eq!(device_count(quantity), count, "{quantity}");
        }
        let text =
            r#"{"metadata": {}, "status": {"allocatable": {"fastpath.dev/vf": "16", "cpu": "4"}}}"#;
        let node: NodeObject = serde_json::from_str(text).unwrap();
        assert_eq!(
            ["fastpath.dev/vf", "fastpath.dev/vhostuser"].map(|of| node.allocatable(of)),
            [16, 0]
        );
        assert_eq!(node.allocatable_cpus(), 4);
    }

    #[test]
    fn a_list_without_nodes_has_none() {
        let nodes: NodeObjects = serde_json::from_str(r#"{"items": null}"#).unwrap();
        assert!(nodes.items.is_none());
    }
}
