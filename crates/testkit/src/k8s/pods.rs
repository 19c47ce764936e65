//! Pods: making, waiting, looking inside.

use std::time::Duration;

use serde_json::{Value, json};

use super::Cluster;
use super::node::NODE_NAME;

/// A pod that sleeps, on the node, with these annotations; its image has all of busybox.
#[must_use]
pub fn busybox_pod(namespace: &str, name: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {
            "nodeName": NODE_NAME,
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": "docker.io/library/busybox:test"}],
        },
    })
}

impl Cluster {
    /// Waits until a pod is ready; panics with what is known of it when it is not after a minute.
    pub fn wait_pod_running(&self, namespace: &str, name: &str) {
        self.wait_pod_running_within(Duration::from_mins(1), namespace, name);
    }

    /// The same, where it may take longer or shorter.
    pub fn wait_pod_running_within(&self, limit: Duration, namespace: &str, name: &str) {
        let (pod, limit) = (format!("pod/{name}"), format!("--timeout={}s", limit.as_secs()));
        let wait = ["wait", "-n", namespace, "--for=condition=Ready", &limit, &pod];
        if let Err(error) = self.try_kubectl(&wait) {
            let state = self.kubectl(&["describe", "-n", namespace, &pod]);
            panic!("{error}{state}\n{}", self.tails());
        }
    }

    /// Runs a command in a pod's first container and returns what it printed.
    pub fn pod_exec(&self, namespace: &str, name: &str, command: &[&str]) -> String {
        self.kubectl(&[&["exec", "-n", namespace, name, "--"], command].concat())
    }

    /// Deletes a pod and waits until its node has confirmed that it is gone.
    pub fn delete_pod(&self, namespace: &str, name: &str) {
        self.kubectl(&["delete", "pod", "-n", namespace, name, "--timeout=60s"]);
    }
}
