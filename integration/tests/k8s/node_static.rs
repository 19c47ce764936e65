//! A pod that kubelet runs from a file. The API server has a mirror of it, with another uid.

use std::fs;

use serde_json::json;
use testkit::wait::eventually;

use crate::bed;
use crate::node_devices::{define_marked, pod, serve};
use crate::node_marker as marker;
use crate::node_networks::network_status;
use crate::node_state::{SOON, define_bridges, expect_state, forget, state};

const NAME: &str = "static-node1";
const POD_RESOURCES: &str = "/var/lib/kubelet/pod-resources/kubelet.sock";

#[test]
fn a_static_pod_gets_its_networks_and_devices() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let before = state(&node);
    serve(cluster);
    define_bridges(cluster);
    define_marked(cluster, &["left"], "fastpath.dev/test");
    // Where kubelet does not answer, its checkpoint does. There a pod is found by its uid.
    let hidden = format!("{POD_RESOURCES}.hidden");
    fs::rename(POD_RESOURCES, &hidden).unwrap();
    let file = node.static_pods().join("static.json");
    fs::write(&file, pod("static", "storage, left", &["main"]).to_string()).unwrap();
    eventually(SOON, "its mirror", || !cluster.get(&["pod", NAME]).is_null());
    cluster.wait_pod_running("default", NAME);
    fs::rename(&hidden, POD_RESOURCES).unwrap();

    let mirror = &cluster.get(&["pod", NAME])["metadata"];
    let uid = json!(mirror["annotations"]["kubernetes.io/config.hash"]);
    assert_ne!(mirror["uid"], uid);
    let status = network_status(cluster, NAME);
    let interfaces: Vec<_> = status.iter().map(|entry| &entry["interface"]).collect();
    assert_eq!(interfaces, ["eth0", "net1", "net2"]);
    let shown = cluster.pod_exec("default", NAME, &["ip", "addr", "show", "net1"]);
    assert!(shown.contains(status[1]["ips"][0].as_str().unwrap()), "{status:#?} {shown}");
    let sandbox = node.sandboxes("default", NAME).remove(0);
    let variable = ["sh", "-c", "echo $PCIDEVICE_FASTPATH_DEV_TEST"];
    let device = cluster.pod_exec("default", NAME, &variable);
    assert_eq!(marker::device("left", &sandbox, "net2"), device.trim());

    fs::remove_file(&file).unwrap();
    expect_state(&node, &before);
    forget(cluster, &[NAME]);
}
