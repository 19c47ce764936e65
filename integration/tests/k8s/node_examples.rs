//! The configurations that we ship, on this node.

use std::fs;
use std::path::Path;

use serde_json::Value;
use testkit::k8s::Node;

use crate::bed::{self, CNI_CONF, DEFAULT_NETWORK};
use crate::node_networks::{network_status, three_networks};
use crate::node_state::{RECORDS, delete, state};

const FLANNEL: &str = "/etc/cni/net.d/10-flannel.conflist";

/// In the place of the node's own configuration, until it is dropped.
struct Example;

impl Example {
    const FILE: &str = "/etc/cni/net.d/00-multus-lite.conf";

    /// Its file, and a network in the place of flannel's.
    fn install(name: &str) -> (Self, Value) {
        let file = bed::repository().join("conf-examples/multus-lite").join(name);
        let text = fs::read(file).unwrap();
        fs::write(Self::FILE, &text).unwrap();
        fs::copy(DEFAULT_NETWORK, FLANNEL).unwrap();
        fs::remove_file(CNI_CONF).unwrap();
        (Self, serde_json::from_slice(&text).unwrap())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        fs::write(CNI_CONF, bed::conf().to_string()).unwrap();
        fs::remove_file(Self::FILE).unwrap();
        fs::remove_file(FLANNEL).unwrap();
    }
}

#[test]
fn a_pod_with_three_networks_runs_by_kubernetes_conf() {
    let (cluster, mut node) = (bed::cluster(), bed::node());
    let before = state(&node);
    let (example, conf) = Example::install("kubernetes.conf");
    assert_eq!(conf["clusterNetwork"], FLANNEL);
    let kubeconfig = Path::new(conf["kubeconfig"].as_str().unwrap());
    bed::write_access(cluster, kubeconfig);
    let ready = Path::new(conf["readinessindicatorfile"].as_str().unwrap());
    fs::create_dir_all(ready.parent().unwrap()).unwrap();
    fs::write(ready, "").unwrap();
    load(&mut node);

    cluster.apply(&three_networks(cluster, "shipped"));
    cluster.wait_pod_running("default", "shipped");
    assert_eq!(network_status(cluster, "shipped").len(), 3);
    let sandbox = &node.sandboxes("default", "shipped")[0];
    let record = fs::read(Path::new(RECORDS).join(format!("@{sandbox}:eth0.json"))).unwrap();
    let record = String::from_utf8(record).unwrap();
    assert!(record.contains(r#""network":"multus-lite""#), "{record}");
    delete(cluster, &node, &["shipped"], &before);

    drop(example);
    fs::remove_file(ready).unwrap();
    fs::remove_dir_all(kubeconfig.parent().unwrap()).unwrap();
    load(&mut node);
}

/// The runtime looks at its configuration when it starts.
fn load(node: &mut Node<'_>) {
    node.restart_containerd();
    node.wait_ready();
}
