//! The node agent with a real kubelet: slots of OVS-DPDK that it hands out.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use integration::listing;
use serde_json::{Value, json};
use testkit::device_plugin::KUBELET_DIR;
use testkit::k8s::{Cluster, NODE_NAME};
use testkit::node_agent::NodeAgent;
use testkit::ovs::Ovs;
use testkit::wait::eventually;

use crate::bed;
use crate::node_sockets::{self as sockets, BRIDGE, RESOURCE, SLOTS, USER};
use crate::node_state::{SOON, delete, state};

/// The example: four slots on a bridge that is made.
fn config() -> String {
    fs::read_to_string(bed::repository().join("conf-examples/node-agent/slots.yaml")).unwrap()
}

/// What the agent answers.
fn get(path: &str) -> String {
    integration::http::get("127.0.0.1:9464", path).unwrap()
}

/// Waits until the node says that it has so many.
fn wait_allocatable(cluster: &Cluster, wanted: &str) {
    eventually(SOON, &format!("the node to have {wanted} slots"), || {
        cluster.get(&["node", NODE_NAME])["status"]["allocatable"][RESOURCE] == wanted
    });
}

/// What kubelet keeps of its devices: containers by the ids that they have.
fn allocations() -> Vec<Value> {
    let file = Path::new(KUBELET_DIR).join("kubelet_internal_checkpoint");
    let checkpoint: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let entries = checkpoint["Data"]["PodDeviceEntries"].as_array().cloned().unwrap_or_default();
    entries.into_iter().filter(|entry| entry["ResourceName"] == RESOURCE).collect()
}

/// Other tests look for the sandboxes of theirs by name, so each has its own.
fn slotted(name: &str) -> Value {
    let mut pod = sockets::pod(name, "slotted");
    pod["spec"]["containers"][0]["resources"] = json!({"limits": {RESOURCE: "1"}});
    pod
}

fn clean(agent: NodeAgent) {
    assert!(agent.stop().success());
    assert!(!Path::new(KUBELET_DIR).join("fastpath-dev-vhostuser.sock").exists());
    for dir in [SLOTS, "/var/lib/fastpath/pools"] {
        fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn slots_of_the_agent_are_allocated_mounted_and_used() {
    let (cluster, mut node) = (bed::cluster(), bed::node());
    let (before, ovs) = (state(&node), Ovs::start());
    let agent = NodeAgent::start(&config());
    wait_allocatable(cluster, "4");
    let bridges = ovs.find("Bridge", &["datapath_type", "external_ids"], &["name=fast0"]);
    assert_eq!(bridges[0]["datapath_type"], "netdev");
    let annotations = json!({"k8s.v1.cni.cncf.io/resourceName": RESOURCE});
    sockets::network(cluster, "slotted", &annotations, &json!({"socketDir": {"owner": USER}}));
    cluster.apply(&slotted("agents-first"));
    cluster.wait_pod_running("default", "agents-first");

    let entries = allocations();
    assert_eq!(entries.len(), 1, "{entries:?}");
    let ids = entries[0]["DeviceIDs"].to_string();
    let slot = (0..4).map(|n| format!("vhostuser-{n}")).find(|id| ids.contains(id)).unwrap();
    let printed = cluster.pod_exec(
        "default",
        "agents-first",
        &["sh", "-c", "echo $PCIDEVICE_FASTPATH_DEV_VHOSTUSER"],
    );
    assert_eq!(printed.trim(), slot);
    sockets::is_usable(cluster, &ovs, "agents-first", &format!("{SLOTS}/{slot}/pod"), Some(USER));

    let metrics = get("/metrics");
    for line in [
        "fastpath_devices{resource=\"fastpath.dev/vhostuser\"} 4",
        "fastpath_devices_unhealthy{resource=\"fastpath.dev/vhostuser\"} 0",
        "fastpath_call_seconds_count{plugin=\"vhostuser\",verb=\"ADD\",outcome=\"ok\"} 1",
        "fastpath_switch_up 1",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line}\n{metrics}");
    }
    assert!(get("/readyz").starts_with("HTTP/1.1 200"), "{}", get("/readyz"));

    // kubelet comes back, and has the devices again.
    node.kill_kubelet();
    assert!(get("/healthz").starts_with("HTTP/1.1 200"));
    node.start_kubelet();
    node.wait_ready();
    wait_allocatable(cluster, "4");
    // The agent is killed: the pod goes on, and detaches.
    agent.kill();
    sockets::is_usable(cluster, &ovs, "agents-first", &format!("{SLOTS}/{slot}/pod"), Some(USER));
    delete(cluster, &node, &["agents-first"], &before);
    assert!(listing(format!("{SLOTS}/{slot}/pod")).is_empty() && ovs.ports(BRIDGE).is_empty());

    let agent = NodeAgent::start(&config());
    wait_allocatable(cluster, "4");
    cluster.apply(&slotted("agents-second"));
    cluster.wait_pod_running("default", "agents-second");
    delete(cluster, &node, &["agents-second"], &before);
    clean(agent);
}

#[test]
fn a_switch_that_is_down_makes_no_offers() {
    let (cluster, _node) = (bed::cluster(), bed::node());
    let ovs = Ovs::start();
    let agent = NodeAgent::start(&config());
    wait_allocatable(cluster, "4");
    ovs.kill_ovsdb();
    wait_allocatable(cluster, "0");
    ovs.start_ovsdb();
    wait_allocatable(cluster, "4");
    ovs.vsctl(&["del-br", "fast0"]);
    wait_allocatable(cluster, "0");
    ovs.vsctl(&["add-br", "fast0", "--", "set", "bridge", "fast0", "datapath_type=netdev"]);
    wait_allocatable(cluster, "4");
    clean(agent);
}

#[test]
fn a_restarted_agent_is_registered_within_a_second() {
    let (_cluster, _node) = (bed::cluster(), bed::node());
    let _ovs = Ovs::start();
    NodeAgent::start(&config()).kill();
    let start = Instant::now();
    let agent = NodeAgent::start(&config());
    eventually(SOON, "registration", || agent.log().contains("kubelet has accepted"));
    let took = start.elapsed();
    println!("from start to registered: {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    clean(agent);
}
