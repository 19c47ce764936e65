//! What the tests share: an API server, and a node.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::cni::bin_dir;
use testkit::k8s::{Cluster, Node, private_host};
use testkit::wait::eventually;

use crate::node_marker as marker;
use crate::node_state::SOON;

/// Where the node's container runtime looks for its networks.
pub(crate) const CNI_CONF_DIR: &str = "/etc/cni/net.d";
/// The only file in it.
pub(crate) const CNI_CONF: &str = "/etc/cni/net.d/00-multus.conf";
/// The default network, in the directory where multus-lite looks for networks.
pub(crate) const DEFAULT_NETWORK: &str = "/etc/cni/multus/net.d/10-default.conflist";
/// How multus-lite reaches the API server; token and certificate are beside it.
pub(crate) const KUBECONFIG: &str = "/etc/cni/net.d/multus.d/multus.kubeconfig";
/// The bridge of the default network.
pub(crate) const BRIDGE: &str = "cni0";
/// Where multus-lite tells what it does.
pub(crate) const LOG: &str = "/var/log/multus-lite.log";

/// A cluster of an API server and nothing else, for tests that keep to a namespace of their own.
pub(crate) fn api() -> &'static Cluster {
    static API: OnceLock<Cluster> = OnceLock::new();
    API.get_or_init(own_api)
}

/// The same for one test alone, which may stop it.
pub(crate) fn own_api() -> Cluster {
    private_host();
    Cluster::start()
}

/// A cluster with the node of [`node`], and multus-lite's kind and rights in it.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(own_cluster)
}

/// The same without the node, for one test alone.
pub(crate) fn own_cluster() -> Cluster {
    private_host();
    let cluster = Cluster::with_controllers();
    for file in ["crd.yaml", "multus-lite-rbac.yaml"] {
        cluster.apply_file(&repository().join("deploy").join(file));
    }
    let kind = "crd/network-attachment-definitions.k8s.cni.cncf.io";
    cluster.kubectl(&["wait", "--for=condition=established", kind]);
    cluster
}

/// The node, ready; its only network configuration is that of multus-lite. There is one for all
/// tests, so they take turns.
pub(crate) fn node() -> MutexGuard<'static, Node<'static>> {
    static NODE: OnceLock<Mutex<Node<'static>>> = OnceLock::new();
    let node = NODE.get_or_init(|| {
        let cluster = cluster();
        write_access(cluster, Path::new(KUBECONFIG));
        write_default_network();
        fs::write(CNI_CONF, conf().to_string()).unwrap();
        let plugins = cni_path();
        let plugins: Vec<&Path> = plugins.iter().map(PathBuf::as_path).collect();
        Mutex::new(Node::start(cluster, Path::new(CNI_CONF_DIR), &plugins))
    });
    let guard = node.lock().unwrap_or_else(PoisonError::into_inner);
    if node.is_poisoned() {
        // What the test that failed has left is not to fail the next one.
        cluster().kubectl(&["delete", "pods", "--all", "--force", "--grace-period=0"]);
        eventually(SOON, "its pods to be gone", || {
            guard.ctr(&["tasks", "list", "--quiet"]).is_empty()
        });
        node.clear_poison();
    }
    guard.wait_ready();
    guard
}

/// The configuration of the node's container runtime.
pub(crate) fn conf() -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "node",
        "type": "multus-lite",
        "kubeconfig": KUBECONFIG,
        "confDir": Path::new(DEFAULT_NETWORK).parent(),
        "clusterNetwork": "default",
        "logLevel": "debug",
        "logFile": LOG,
    })
}

/// The directories of the node's plugins: ours, Debian's, and the one that leaves marks.
pub(crate) fn cni_path() -> [PathBuf; 3] {
    [bin_dir(), testkit::k8s::cni_plugins(), marker::install().into()]
}

/// This repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Writes a kubeconfig for multus-lite with what it needs beside it, as deploy/README.md says.
pub(crate) fn write_access(cluster: &Cluster, kubeconfig: &Path) {
    let day = Duration::from_hours(24);
    let token = cluster.service_account_token("kube-system", "multus-lite", day);
    cluster.write_access(kubeconfig, "127.0.0.1", &token.token);
}

fn write_default_network() {
    fs::create_dir_all(Path::new(DEFAULT_NETWORK).parent().unwrap()).unwrap();
    fs::write(DEFAULT_NETWORK, default_network().to_string()).unwrap();
}

/// The network that every pod has.
pub(crate) fn default_network() -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "default",
        "plugins": [{
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": true,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": "10.88.0.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })
}
