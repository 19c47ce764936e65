//! The node agent with a real switch: bridges and uplinks, and slots as the switch comes and goes.

use std::fs;
use std::time::Duration;

use deviceplugin::messages::Device;
use testkit::device_plugin::KUBELET_DIR;
use testkit::kubelet::{Kubelet, Watch};
use testkit::node_agent::NodeAgent;
use testkit::ovs::Ovs;
use testkit::wait::eventually;

use crate::bed::ovs;

const RESOURCE: &str = "fastpath.dev/slots";
const SOON: Duration = Duration::from_secs(30);
/// No machine of the tests has a card there: the port is made, and the switch says that it has no device.
const UPLINK: &str = "0000:7f:1e.0";

const CONFIG: &str = "
pools:
- {name: slots, slots: {count: 2, bridge: {name: agent0, create: true, uplinks: ['0000:7f:1e.0']}}}
";

fn begin() -> (Kubelet, NodeAgent) {
    let mut kubelet = Kubelet::new(KUBELET_DIR.as_ref());
    kubelet.start(None);
    let agent = NodeAgent::start(CONFIG);
    kubelet.wait_registered(1);
    (kubelet, agent)
}

fn until(kubelet: &Kubelet, watch: &mut Watch, healthy: usize) {
    let count = |devices: &[Device]| devices.iter().filter(|one| one.health == "Healthy").count();
    while count(&kubelet.next(watch, SOON).expect("kubelet is told")) != healthy {}
}

/// Ports of the agent, with the devices that they are for.
fn uplinks(ovs: &Ovs) -> Vec<String> {
    let ours = ["external_ids:fastpath-agent=true"];
    let ports = ovs.find("Interface", &["type", "options"], &ours);
    ports.iter().map(|port| format!("{} {}", port["type"], port["options"])).collect()
}

fn clean(agent: NodeAgent) {
    assert!(agent.stop().success());
    fs::remove_dir_all("/run/fastpath/slots").unwrap();
    fs::remove_dir_all("/var/lib/fastpath/pools").unwrap();
}

#[test]
fn a_bridge_and_its_uplink_are_made_once_and_stay() {
    let ovs = ovs();
    let uplink = vec![format!("\"dpdk\" {{\"dpdk-devargs\":\"{UPLINK}\"}}")];
    let (_kubelet, agent) = begin();
    eventually(SOON, "the uplink", || uplinks(&ovs) == uplink);
    assert_eq!(ovs.vsctl(&["get", "bridge", "agent0", "datapath_type"]).trim(), "netdev");
    assert_eq!(ovs.vsctl(&["iface-to-br", "up00007f1e0"]).trim(), "agent0");
    // Killed and started again: it finds what is its own.
    agent.kill();
    let (_kubelet, agent) = begin();
    assert_eq!(uplinks(&ovs), uplink);
    clean(agent);
    assert_eq!(uplinks(&ovs), uplink);
    ovs.vsctl(&["del-br", "agent0"]);
}

#[test]
fn slots_come_and_go_with_the_switch_and_its_bridge_is_made_again() {
    let ovs = ovs();
    let (kubelet, agent) = begin();
    let mut watch = kubelet.watch(RESOURCE);
    until(&kubelet, &mut watch, 2);
    let mounts = kubelet.allocate(RESOURCE, &["slots-1"]).unwrap().containers.remove(0).mounts;
    assert_eq!(mounts[0].host_path, "/run/fastpath/slots/slots-1/pod");
    assert_eq!(mounts[0].container_path, mounts[0].host_path);
    ovs.vsctl(&["del-br", "agent0"]);
    until(&kubelet, &mut watch, 0);
    let refused = kubelet.allocate(RESOURCE, &["slots-1"]).unwrap_err();
    assert!(refused.message().contains("there is no bridge agent0"), "{refused}");
    // The database comes back, and what the agent wants of it is made.
    ovs.kill_ovsdb();
    ovs.start_ovsdb();
    until(&kubelet, &mut watch, 2);
    clean(agent);
    ovs.vsctl(&["del-br", "agent0"]);
}
