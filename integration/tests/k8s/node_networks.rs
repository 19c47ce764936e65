//! Pods with several networks: what they get, what the cluster is told of it, and how they go.

use std::fs;

use integration::listing;
use serde_json::{Value, json};
use testkit::k8s::{Cluster, busybox_pod};

use crate::bed::{self, CNI_CONF, CNI_CONF_DIR};
use crate::node_state::{NETWORKS, RECORDS, define_bridges, delete, leases, ports, state};

/// A pod with the default network, `storage` as net1 and `video` as cam.
pub(crate) fn three_networks(cluster: &Cluster, name: &str) -> Value {
    define_bridges(cluster);
    busybox_pod("default", name, &json!({"k8s.v1.cni.cncf.io/networks": "storage, video@cam"}))
}

/// The interfaces of such a pod.
pub(crate) const INTERFACES: [&str; 3] = ["eth0", "net1", "cam"];

/// What the cluster was told of a pod's networks.
pub(crate) fn network_status(cluster: &Cluster, pod: &str) -> Vec<Value> {
    let pod = cluster.get(&["pod", pod]);
    let status = pod["metadata"]["annotations"]["k8s.v1.cni.cncf.io/network-status"].as_str();
    serde_json::from_str(status.unwrap_or_else(|| panic!("no network-status: {pod:#}"))).unwrap()
}

/// A pod's address on the network of an interface, as the cluster was told it.
pub(crate) fn address(cluster: &Cluster, pod: &str, interface: &str) -> String {
    let status = network_status(cluster, pod);
    let entry = status.iter().find(|entry| entry["interface"] == interface);
    entry.unwrap()["ips"][0].as_str().unwrap().to_owned()
}

#[test]
fn the_only_configuration_is_that_of_multus_lite() {
    let node = bed::node();
    let files = listing(CNI_CONF_DIR);
    assert_eq!(files, ["00-multus.conf", "multus.d"]);
    let conf: Value = serde_json::from_slice(&fs::read(CNI_CONF).unwrap()).unwrap();
    assert_eq!((&conf["type"], &conf["cniVersion"]), (&json!("multus-lite"), &json!("1.0.0")));
    drop(node);
}

#[test]
fn pods_with_three_networks_see_each_other_on_each_and_go() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let before = state(&node);
    let pods = ["one", "two"];
    cluster.apply(&json!({
        "apiVersion": "v1", "kind": "List",
        "items": pods.map(|pod| three_networks(cluster, pod)),
    }));
    for pod in pods {
        cluster.wait_pod_running("default", pod);
        check_status(cluster, pod);
    }
    for interface in INTERFACES {
        for [from, to] in [["one", "two"], ["two", "one"]] {
            let ping = ["ping", "-c", "1", "-W", "5", "-I", interface];
            cluster.pod_exec(
                "default",
                from,
                &[&ping[..], &[&address(cluster, to, interface)]].concat(),
            );
        }
    }
    assert_eq!(ports().len(), 6);
    assert_eq!(NETWORKS.map(|(network, _)| leases(network).len()), [2, 2, 2]);
    for pod in pods {
        let sandboxes = node.sandboxes("default", pod);
        assert!(listing(RECORDS).contains(&format!("@{}:eth0.json", sandboxes[0])), "{pod}");
    }
    delete(cluster, &node, &pods, &before);
}

/// What the cluster was told is what the pod sees.
fn check_status(cluster: &Cluster, pod: &str) {
    let status = network_status(cluster, pod);
    let names: Vec<&Value> = status.iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["default", "default/storage", "default/video"]);
    let interfaces: Vec<&Value> = status.iter().map(|entry| &entry["interface"]).collect();
    assert_eq!(interfaces, INTERFACES);
    for (index, entry) in status.iter().enumerate() {
        assert_eq!(entry["default"].as_bool().unwrap_or_default(), index == 0, "{entry}");
        let show = ["ip", "addr", "show", INTERFACES[index]];
        let inside = cluster.pod_exec("default", pod, &show);
        let (mac, ips) = (entry["mac"].as_str().unwrap(), entry["ips"].as_array().unwrap());
        assert!(inside.contains(&format!("link/ether {mac} ")), "{entry}: {inside}");
        assert_eq!(ips.len(), 1, "{entry}");
        assert!(
            inside.contains(&format!("inet {}/24 ", ips[0].as_str().unwrap())),
            "{entry}: {inside}"
        );
    }
    let links = cluster.pod_exec("default", pod, &["ls", "/sys/class/net"]);
    let mut links: Vec<&str> = links.split_whitespace().collect();
    links.sort_unstable();
    assert_eq!(links, ["cam", "eth0", "lo", "net1"]);
    assert_eq!(status[0]["ips"][0], cluster.get(&["pod", pod])["status"]["podIP"]);
}
