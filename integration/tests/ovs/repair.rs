//! What killed, lost and rebooted pods leave, and what the switch loses, put right by one pass.

use std::fs;

use integration::repair::{kill_and_repair, reboot, repair, repairs};
use integration::run;
use serde_json::{Value, json};
use testkit::netns::Netns;
use testkit::ovs::Ovs;
use testkit::testpmd::Options;

use crate::bed::{BRIDGE, ovs};
use crate::pod::{Pod, conf, port_of, state, vhostuser};

const RECORDS: &str = "/var/lib/fastpath/vhostuser";

#[test]
fn killed_at_every_point_of_add_and_del() {
    let (ovs, pod) = (ovs(), Netns::new());
    let limit = json!({"rate": 1_000_000});
    let conf = conf(
        &json!({"vlan": 7, "ingress": limit, "egress": limit, "ipam": {"type": "testipam"},
        "bridge": "made", "createBridge": true, "runtimeConfig": {"CNIDeviceInfoFile": "/run/devinfo/a.json"}}),
    );
    let state = || state(&ovs) + &format!("{:?}", integration::listing("/run/devinfo"));
    for report in kill_and_repair("client", &vhostuser(), &conf, pod.path(), |_| true, state) {
        report.assert_clean();
    }
}

#[test]
fn a_pod_whose_namespace_is_gone_leaves_nothing_and_one_that_lives_keeps_all() {
    let (ovs, lost) = (ovs(), Netns::new());
    let before = state(&ovs);
    let mut lives = Pod::new(&ovs, "lives");
    lives.attach("net1", &json!({"vlan": 7}));
    let with_it = state(&ovs);
    let conf =
        conf(&json!({"vlan": 8, "ingress": {"rate": 1_000_000}, "ipam": {"type": "testipam"}}));
    vhostuser().add(&conf, "lost", "net1", lost.path()).expect_ok();
    lost.delete();
    repairs(|| state(&ovs), &["left-over vhostuser lost:net1"]);
    assert_eq!(state(&ovs), with_it);
    lives.check();
    lives.detach();
    assert_eq!(state(&ovs), before);
}

/// Only what a reboot leaves is left: the database, records, no directory; and another boot id.
#[test]
fn a_reboot_leaves_nothing() {
    let (ovs, pod) = (ovs(), Netns::new());
    let before = state(&ovs);
    let conf = conf(&json!({"ipam": {"type": "testipam"}}));
    vhostuser().add(&conf, "a", "net1", pod.path()).expect_ok();
    reboot(RECORDS);
    fs::remove_dir_all("/run/fastpath").unwrap();
    repairs(|| state(&ovs), &["left-over vhostuser a:net1"]);
    assert_eq!(state(&ovs), before);
}

#[test]
fn another_namespace_at_the_same_path_is_not_the_pods() {
    let (ovs, pod, other) = (ovs(), Netns::new(), Netns::new());
    let before = state(&ovs);
    vhostuser().add(&conf(&json!({})), "a", "net1", pod.path()).expect_ok();
    other.ip(&["link", "add", "net1", "type", "veth", "peer", "name", "peer"]);
    let links = other.ip(&["link"]);
    run("mount", &["--bind", other.path(), pod.path()]);
    repairs(|| state(&ovs), &["left-over vhostuser a:net1"]);
    run("umount", &[pod.path()]);
    assert_eq!(state(&ovs), before);
    assert_eq!(other.ip(&["link"]), links);
}

/// All that a port is, without the names of its rows.
fn port(ovs: &Ovs, name: &str) -> Vec<Value> {
    let of = [format!("name={name}")];
    let of: Vec<&str> = of.iter().map(String::as_str).collect();
    let limits = ["external_ids:fastpath-container=a"];
    [
        ovs.find("Port", &["name", "tag", "trunks", "vlan_mode", "external_ids"], &of),
        ovs.find("Interface", &["name", "type", "options", "mtu_request", "external_ids"], &of),
        ovs.find("QoS", &["type", "other_config", "external_ids"], &limits),
    ]
    .concat()
}

#[test]
fn a_deleted_port_is_made_again_and_its_pod_goes_on() {
    let ovs = ovs();
    let before = state(&ovs);
    let mut pod = Pod::new(&ovs, "a");
    let limit = json!({"rate": 1_000_000_000});
    pod.attach("net1", &json!({"vlan": 100, "mtu": 2000, "ingress": limit}));
    let testpmd = pod.forward(Options::default());
    let name = pod.attachment(0).port.clone();
    let made = port(&ovs, &name);
    assert_eq!(made.len(), 3);
    ovs.vsctl(&["del-port", BRIDGE, &name]);
    repairs(|| state(&ovs), &["lost-port vhostuser a:net1"]);
    assert_eq!(port(&ovs, &name), made);
    pod.wait_links_up();
    pod.check();
    drop(testpmd);
    pod.detach();
    assert_eq!(state(&ovs), before);
}

#[test]
fn a_lost_database_gets_its_ports_back_with_its_bridge() {
    let ovs = ovs();
    let mut pod = Pod::new(&ovs, "a");
    for ifname in ["net1", "net2"] {
        pod.attach(ifname, &json!({}));
    }
    ovs.vsctl(&["del-br", BRIDGE]);
    let without = repair(&[]);
    assert_eq!(
        (without.status, without.told()),
        (Some(1), ["net1", "net2"].map(|i| format!("lost-port vhostuser a:{i} failed")).to_vec())
    );
    let why = without.findings[0]["why"].as_str().unwrap();
    assert!(why.contains(&format!("there is no bridge {BRIDGE}")), "{why}");
    ovs.add_bridge(BRIDGE);
    repairs(|| state(&ovs), &["lost-port vhostuser a:net1", "lost-port vhostuser a:net2"]);
    pod.check();
    pod.detach();
}

#[test]
fn a_lost_port_where_the_switch_listened_needs_a_new_pod() {
    let ovs = ovs();
    let before = state(&ovs);
    let mut pod = Pod::new(&ovs, "a");
    let name = pod.attach("net1", &json!({"mode": "dpdkvhostuser"})).port.clone();
    ovs.vsctl(&["del-port", BRIDGE, &name]);
    let told = repair(&[]);
    assert!(told.why().contains("only a new pod"), "{told:?}");
    pod.detach();
    assert_eq!(state(&ovs), before);
}

#[test]
fn a_port_without_a_record_goes_when_nobody_is_on_it() {
    let ovs = ovs();
    let before = state(&ovs);
    let mut pod = Pod::new(&ovs, "a");
    pod.attach("net1", &json!({"vlan": 100, "ingress": {"rate": 1_000_000}}));
    let testpmd = pod.forward(Options::default());
    let name = port_of(&ovs, "a", "net1");
    fs::remove_dir_all(RECORDS).unwrap();
    let used = repair(&[]);
    let object = format!("stray-port port {name} of a:net1");
    assert_eq!((used.status, used.told()), (Some(0), vec![format!("{object} left")]), "{used:?}");
    assert_eq!(port_of(&ovs, "a", "net1"), name);
    drop(testpmd);
    testkit::wait::eventually(std::time::Duration::from_secs(5), "nobody is on it", || {
        repair(&["--dry-run"]).told() == [format!("{object} would")]
    });
    repairs(|| state(&ovs), &[&object]);
    fs::remove_dir_all(integration::SOCKETS).unwrap();
    assert_eq!(state(&ovs), before);
}

#[test]
fn a_port_of_an_earlier_boot_without_a_record_goes() {
    let (ovs, pod) = (ovs(), Netns::new());
    let before = state(&ovs);
    vhostuser().add(&conf(&json!({})), "a", "net1", pod.path()).expect_ok();
    let name = port_of(&ovs, "a", "net1");
    ovs.vsctl(&["set", "Port", &name, "external_ids:fastpath-boot=earlier"]);
    for dir in [RECORDS, integration::SOCKETS] {
        fs::remove_dir_all(dir).unwrap();
    }
    repairs(|| state(&ovs), &[&format!("stray-port port {name} of a:net1")]);
    assert_eq!(state(&ovs), before);
}

#[test]
fn a_switch_that_is_down_is_told_and_repaired_later() {
    let (ovs, lost) = (ovs(), Netns::new());
    let before = state(&ovs);
    vhostuser().add(&conf(&json!({})), "a", "net1", lost.path()).expect_ok();
    lost.delete();
    ovs.kill_ovsdb();
    let told = repair(&[]);
    assert!(told.why().contains("connect to the database server"), "{told:?}");
    ovs.start_ovsdb();
    repairs(|| state(&ovs), &["left-over vhostuser a:net1"]);
    assert_eq!(state(&ovs), before);
}
