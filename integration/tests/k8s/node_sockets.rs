//! Pods with a vhost-user socket of OVS-DPDK: in a slot that a device plugin hands out, and in the pod's
//! own volume.

use std::fs;
use std::path::Path;

use integration::{SOCKETS, listing, with};
use serde_json::{Value, json};
use testkit::device_plugin::{DevicePlugin, KUBELET_DIR};
use testkit::k8s::{Cluster, NODE_NAME, busybox_pod};
use testkit::netns::Netns;
use testkit::ovs::Ovs;
use testkit::testpmd::{Options, Testpmd};
use testkit::wait::eventually;

use crate::bed;
use crate::node_networks::network_status;
use crate::node_state::{SOON, define, delete, state};

pub(crate) const BRIDGE: &str = "fast0";
pub(crate) const RESOURCE: &str = "fastpath.dev/vhostuser";
pub(crate) const SLOTS: &str = "/run/fastpath/slots";
/// The pod's user, who may do nothing.
pub(crate) const USER: u32 = 1000;

/// A switch with a bridge.
fn ovs() -> Ovs {
    let ovs = Ovs::start();
    ovs.add_bridge(BRIDGE);
    ovs
}

/// A pod with one network, whose program is of a user.
pub(crate) fn pod(name: &str, network: &str) -> Value {
    let mut pod = busybox_pod("default", name, &json!({"k8s.v1.cni.cncf.io/networks": network}));
    pod["spec"]["securityContext"] = json!({"runAsUser": USER, "fsGroup": USER});
    pod
}

pub(crate) fn network(cluster: &Cluster, name: &str, annotations: &Value, keys: &Value) {
    let conf = json!({"cniVersion": "1.1.0", "name": name, "type": "vhostuser", "bridge": BRIDGE,
                      "capabilities": {"CNIDeviceInfoFile": true}});
    define(cluster, name, annotations, &with(&conf, keys));
}

/// The pod reads its arguments and may make the socket in `dir`; then a user of the host does, at the path
/// that the switch has, and the link comes up.
pub(crate) fn is_usable(cluster: &Cluster, ovs: &Ovs, pod: &str, dir: &str, user: Option<u32>) {
    let args = cluster.pod_exec("default", pod, &["cat", &format!("{dir}/eal-args")]);
    assert!(args.starts_with(&format!("--vdev=virtio_user_net1,path={dir}/vhost.sock,")), "{args}");
    cluster.pod_exec("default", pod, &["sh", "-c", &format!("touch {dir}/mine && rm {dir}/mine")]);
    let status = &network_status(cluster, pod)[1];
    let device = json!({"type": "vhost-user", "version": "1.1.0",
                        "vhost-user": {"mode": "server", "path": format!("{dir}/vhost.sock")}});
    assert_eq!(status["device-info"], device, "{status}");
    let port = ovs.ports(BRIDGE).remove(0);
    let rows = ovs.find("Interface", &["options"], &[&format!("name={port}")]);
    let path = rows[0]["options"]["vhost-server-path"].as_str().unwrap();
    let eal = args.trim().replace(&format!("{dir}/vhost.sock"), path);
    let options = Options { eal: vec![eal], user, ..Options::default() };
    let _testpmd = Testpmd::start(&Netns::new(), &options);
    ovs.wait_link_up(&port);
}

#[test]
fn a_pod_has_its_socket_in_a_slot() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let (before, ovs) = (state(&node), ovs());
    let slot = format!("{SLOTS}/slot-0");
    fs::create_dir_all(format!("{slot}/pod")).unwrap();
    let info = json!({"version": 1, "pool": RESOURCE, "bridge": BRIDGE});
    fs::write(format!("{slot}/slot.json"), info.to_string()).unwrap();
    let plugin =
        DevicePlugin::serve_slots(RESOURCE, &["slot-0"], Path::new(KUBELET_DIR), Path::new(SLOTS));
    eventually(SOON, "the node to have the slot", || {
        cluster.get(&["node", NODE_NAME])["status"]["allocatable"][RESOURCE] == "1"
    });
    let annotations = json!({"k8s.v1.cni.cncf.io/resourceName": RESOURCE});
    let owner = json!({"socketDir": {"owner": USER}});
    network(cluster, "slotted", &annotations, &owner);
    let mut pod = pod("slotted", "slotted");
    pod["spec"]["containers"][0]["resources"] = json!({"limits": {RESOURCE: "1"}});
    cluster.apply(&pod);
    cluster.wait_pod_running("default", "slotted");
    is_usable(cluster, &ovs, "slotted", &format!("{slot}/pod"), Some(USER));
    let seen = cluster.pod_exec("default", "slotted", &["ls", SLOTS, &slot]);
    assert!(!seen.contains("slot.json"), "{seen}");
    delete(cluster, &node, &["slotted"], &before);
    assert!(listing(format!("{slot}/pod")).is_empty() && ovs.ports(BRIDGE).is_empty());
    drop(plugin);
    fs::remove_dir_all(SLOTS).unwrap();
}

#[test]
fn a_pod_has_its_socket_in_its_volume() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let (before, ovs) = (state(&node), ovs());
    network(cluster, "in-volume", &json!({}), &json!({"mountPath": "/sockets"}));
    let mut pod = pod("in-volume", "in-volume");
    pod["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "shared-dir", "mountPath": "/sockets"}]);
    pod["spec"]["volumes"] = json!([{"name": "shared-dir", "emptyDir": {}}]);
    cluster.apply(&pod);
    cluster.wait_pod_running("default", "in-volume");
    // What kubelet keeps of its pods is closed to users of the host.
    is_usable(cluster, &ovs, "in-volume", "/sockets/net1", None);
    delete(cluster, &node, &["in-volume"], &before);
    assert!(listing(SOCKETS).is_empty() && ovs.ports(BRIDGE).is_empty());
}

#[test]
fn a_pod_without_either_is_told_so() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let (before, _ovs) = (state(&node), ovs());
    network(cluster, "nowhere", &json!({}), &json!({}));
    cluster.apply(&pod("nowhere", "nowhere"));
    eventually(SOON, "the event", || {
        let events =
            cluster.kubectl(&["get", "events", "--field-selector=involvedObject.name=nowhere"]);
        events.contains("neither a slot of the node agent nor a volume shared-dir")
    });
    delete(cluster, &node, &["nowhere"], &before);
}
