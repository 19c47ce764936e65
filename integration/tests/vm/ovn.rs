//! An overlay joined to the world by a real VF, which the switch drives through DPDK.

use std::fs;
use std::time::Duration;

use integration::{run, with};
use serde_json::json;
use testkit::cni::{Plugin, bin_dir};
use testkit::netns::Netns;
use testkit::ovn::{Chassis, Ovn};
use testkit::wait::eventually;

use crate::bed::{VF0, conf, driver, sriov, state};
use crate::measure::{FAR, Ready};

/// MAC of the gateway's port: made of its address.
const GATEWAY: &str = "0a:58:c0:00:02:01";
const HOST: &str = "192.0.2.100";
const SOON: Duration = Duration::from_mins(1);

#[test]
fn a_host_beyond_the_cable_and_a_pod_reach_each_other_through_a_vf() {
    let (sriov, holder) = (sriov(), Netns::new());
    let (_ready, before) = (Ready::new(), state());
    run("modprobe", &["tun"]);
    // The card gives a VF only frames for its own MAC.
    let vf = json!({"dpdk": {"dpdk_driver": "vfio-pci"}, "mac": GATEWAY, "spoofchk": "off", "trust": "on"});
    let vf = conf(&vf);
    sriov.add(&vf, "gateway", "net1", holder.path()).expect_ok();
    assert_eq!(driver(VF0), "vfio-pci");

    let ovn = Ovn::start();
    let chassis = Chassis::with_cards(&ovn);
    ovn.nbctl(&["ls-add", "blue"]);
    let file = file(&ovn, &chassis);
    fastpath(&["ovn", "expose", "--file", &file]);
    let (pod, overlay) = (Netns::new(), overlay(&ovn, &chassis));
    let plugin = Plugin::new("ovn").inside(chassis.netns());
    plugin.add(&overlay, "pod", "net1", pod.path()).expect_ok();
    let found =
        chassis.vsctl(&["--bare", "--columns=name,type,error", "find", "Interface", "type=dpdk"]);
    assert_eq!(found, "up000001100\ndpdk");
    believe_the_gateway(&chassis);

    let host = host();
    eventually(SOON, "an answer over the cable", || pings(&pod, HOST, 1));
    assert!(pings(&pod, HOST, 10), "{}", chassis.appctl(&["fdb/show", "br-ext"]));
    assert!(pings(&host, "192.0.2.50", 10));

    fastpath(&["ovn", "withdraw", "--file", &file]);
    assert_eq!(chassis.vsctl(&["list-br"]), "br-int\nbr-under");
    plugin.del(&overlay, "pod", "net1", pod.path()).expect_ok();
    drop((chassis, ovn, host));
    sriov.del(&vf, "gateway", "net1", holder.path()).expect_ok();
    eventually(SOON, "every VF to be as before", || state() == before);
}

/// The host at the far end of the cable, on a VF of the other card.
fn host() -> Netns {
    let host = Netns::new();
    let netdev = fs::read_dir(format!("/sys/bus/pci/devices/{FAR}/net")).unwrap();
    let netdev = netdev.last().unwrap().unwrap().file_name().into_string().unwrap();
    run("ip", &["link", "set", &netdev, "netns", host.name()]);
    host.ip(&["address", "add", &format!("{HOST}/24"), "dev", &netdev]);
    host.ip(&["link", "set", &netdev, "up"]);
    host
}

fn file(ovn: &Ovn, chassis: &Chassis) -> String {
    let external = json!({
        "name": "world", "nb": ovn.address("nb"), "router": "cluster", "createRouter": true,
        "networks": [{"subnet": "10.10.0.0/24", "switch": "blue", "gateway": "10.10.0.1"}],
        "physicalNetwork": "physnet1", "bridge": "br-ext", "addresses": ["192.0.2.1/24"],
        "mode": "nat", "publish": {"192.0.2.50": "10.10.0.11"},
        "gateways": [{"chassis": chassis.name(), "interface": VF0, "ovsdb": chassis.ovsdb()}],
    });
    let file = "/run/net.yaml";
    fs::write(file, external.to_string()).unwrap();
    file.to_owned()
}

fn overlay(ovn: &Ovn, chassis: &Chassis) -> serde_json::Value {
    let base = json!({"cniVersion": "1.1.0", "name": "overlay", "type": "ovn", "switch": "blue"});
    with(
        &base,
        &json!({"nb": ovn.address("nb"), "ovsdb": chassis.ovsdb(), "ips": ["10.10.0.11/24"], "mtu": 1400,
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.10.0.1"}]}),
    )
}

/// The emulated card gives a VF its own broadcasts back, from which the bridge would learn that the gateway
/// is outside.
fn believe_the_gateway(chassis: &Chassis) {
    let port = "patch-world-external-localnet-to-br-int";
    eventually(SOON, "the port to br-int", || {
        chassis.vsctl(&["list-ports", "br-ext"]).contains(port)
    });
    chassis.appctl(&["fdb/add", "br-ext", port, "0", GATEWAY]);
}

fn fastpath(arguments: &[&str]) {
    run(&bin_dir().join("fastpath").display().to_string(), arguments);
}

fn pings(from: &Netns, address: &str, count: u32) -> bool {
    let mut ping = from.command("ping");
    ping.args(["-nq", "-i", "0.2", "-W", "3", "-c", &count.to_string(), address]);
    ping.output().unwrap().status.success()
}
