//! Nodes without a kubelet, as their agent and their kubelet would describe them.

use serde_json::{Value, json};

use super::scene::Scene;

/// A Node object.
pub(crate) struct Node(Value);

impl Node {
    /// A plain one, with room for many pods.
    pub(crate) fn plain(name: &str) -> Self {
        let room = json!({"cpu": "16", "memory": "64Gi", "pods": "110"});
        Self(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}, "annotations": {}},
            "status": {
                "capacity": room, "allocatable": room,
                "conditions": [{"type": "Ready", "status": "True", "reason": "Test", "message": "",
                    "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            },
        }))
    }

    /// One with a path and so many devices of it.
    pub(crate) fn with(name: &str, path: &str, devices: usize) -> Self {
        let mut node = Self::plain(name).label(&format!("fastpath.dev/{path}"), "true");
        let resource = if path == "vf" { "fastpath.dev/vf" } else { "fastpath.dev/vhostuser" };
        for kind in ["capacity", "allocatable"] {
            node.0["status"][kind][resource] = json!(devices.to_string());
        }
        node
    }

    /// The same, measured.
    pub(crate) fn measured(name: &str, path: &str, devices: usize, p99_us: u64) -> Self {
        let label = format!("fastpath.dev/{path}-p99-us");
        Self::with(name, path, devices).label(&label, &p99_us.to_string())
    }

    /// The same, whose agent has not been heard of since.
    pub(crate) fn renewed(mut self, time: &str) -> Self {
        self.0["metadata"]["annotations"]["fastpath.dev/report-renewed"] = json!(time);
        self
    }

    fn label(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"]["labels"][key] = json!(value);
        self
    }
}

impl Scene {
    /// Makes nodes, all at once.
    pub(crate) fn nodes(&self, nodes: impl IntoIterator<Item = Node>) {
        let items: Vec<Value> = nodes.into_iter().map(|node| node.0).collect();
        self.create(&json!({"apiVersion": "v1", "kind": "List", "items": items}), &[]).unwrap();
    }
}
