//! What the tests share: an API server, and a node.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::json;
use testkit::cni::bin_dir;
use testkit::k8s::{Cluster, Node, private_host};

/// Where the node's container runtime looks for its networks.
pub(crate) const CNI_CONF_DIR: &str = "/etc/cni/net.d";
/// The bridge of the default network.
pub(crate) const BRIDGE: &str = "cni0";
/// The leases of the default network, a file for each.
pub(crate) const LEASES: &str = "/var/lib/cni/networks/default";

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

/// A cluster with the node of [`node`].
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        private_host();
        Cluster::with_controllers()
    })
}

/// The node, ready; its only network is Debian's `bridge`. There is one for all tests, so they take
/// turns.
pub(crate) fn node() -> MutexGuard<'static, Node<'static>> {
    static NODE: OnceLock<Mutex<Node<'static>>> = OnceLock::new();
    let node = NODE.get_or_init(|| {
        let cluster = cluster();
        write_default_network();
        let plugins = testkit::k8s::cni_plugins();
        Mutex::new(Node::start(cluster, Path::new(CNI_CONF_DIR), &[&bin_dir(), &plugins]))
    });
    let node = node.lock().unwrap_or_else(PoisonError::into_inner);
    node.wait_ready();
    node
}

fn write_default_network() {
    let list = json!({
        "cniVersion": "1.0.0",
        "name": "default",
        "plugins": [{
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": true,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/24"}]]},
        }],
    });
    fs::create_dir_all(CNI_CONF_DIR).unwrap();
    fs::write(Path::new(CNI_CONF_DIR).join("20-default.conflist"), list.to_string()).unwrap();
}
