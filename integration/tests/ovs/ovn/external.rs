//! External networks: exposed, reached from outside, withdrawn.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use integration::examples;
use serde_json::{Value, json};
use testkit::netns::Netns;

use super::outside::{HOST, Outside, UPLINK, gateway, ovn, ovn_fails};
use super::scene::{Scene, answers, pings};
use crate::bed::ovs;

/// Where the switch of a host has its database.
const HERE: &str = "/run/openvswitch/db.sock";

/// A pod of `blue` whose way to the rest of the world is the overlay.
fn pod(scene: &Scene, chassis: usize, name: &str, address: &str) -> Netns {
    let pod = Netns::new();
    let routes = json!([{"dst": "0.0.0.0/0", "gw": "10.10.0.1"}]);
    let keys = json!({"ips": [format!("{address}/24")], "routes": routes});
    scene.add(chassis, name, &pod, &keys).expect_ok();
    pod
}

#[test]
fn a_host_outside_reaches_pods_with_nat_and_without() {
    let scene = Scene::new();
    let outside = Outside::new(&scene);
    let pods = [pod(&scene, 0, "pod0", "10.10.0.10"), pod(&scene, 1, "pod1", "10.10.0.11")];
    let before = scene.external_state();

    // With NAT: pods are seen by our address, and one is reached by an address of its own.
    let nat = outside.file(&scene, &json!({"publish": {"192.0.2.50": "10.10.0.11"}}));
    let planned = ovn("plan", &nat);
    assert_eq!(scene.external_state(), before, "a plan changes nothing");
    assert_eq!(ovn("expose", &nat).matches("  + ").count(), planned.matches("  + ").count());
    assert_eq!(
        scene.ovn.nbctl(&["get", "Logical_Router", "world-gateway", "options:chassis"]),
        "chassis-a"
    );
    for pod in &pods {
        assert!(pings(pod, HOST, 10));
    }
    assert!(pings(&outside.host, "192.0.2.50", 10));
    assert!(!answers(&outside.host, "10.10.0.11"), "nobody outside knows the way to pods");

    let exposed = scene.external_state();
    for verb in ["plan", "expose"] {
        assert_eq!(ovn(verb, &nat), "nothing to change\n");
    }
    assert_eq!(scene.external_state(), exposed, "a second run changes nothing");

    // Without: pods are seen and reached by their own addresses. Only what differs is changed.
    let routed = outside.file(&scene, &json!({"mode": "routed"}));
    let changed = ovn("expose", &routed);
    assert_eq!(changed.lines().count(), 3, "the database and two rows of NAT: {changed}");
    outside.host.ip(&["route", "add", "10.10.0.0/24", "via", "192.0.2.1"]);
    for (pod, address) in pods.iter().zip(["10.10.0.10", "10.10.0.11"]) {
        assert!(pings(&outside.host, address, 10) && pings(pod, HOST, 10));
    }
    assert!(!answers(&outside.host, "192.0.2.50"));

    ovn("withdraw", &routed);
    assert_eq!(scene.external_state(), before);
    assert_eq!(ovn("withdraw", &routed), "nothing to change\n");
}

#[test]
fn what_is_in_the_way_is_told_and_nothing_is_made() {
    let scene = Scene::new();
    let outside = Outside::new(&scene);
    let before = scene.external_state();
    let refused = |keys: Value, why: &[&str]| {
        let file = outside.file(&scene, &keys);
        for verb in ["plan", "expose"] {
            let said = ovn_fails(verb, &file);
            assert!(why.iter().all(|word| said.contains(word)), "{said}");
        }
        assert_eq!(scene.external_state(), before, "{why:?}");
    };
    refused(json!({"createRouter": false}), &["no logical router cluster", "createRouter"]);
    let green = json!([{"subnet": "10.20.0.0/24", "switch": "green", "gateway": "10.20.0.1"}]);
    refused(json!({"networks": green}), &["no row green of Logical_Switch"]);
    refused(json!({"nb": "unix:/run/none.sock"}), &["/run/none.sock", "northbound"]);
    refused(
        json!({"bridge": "br-int", "addresses": ["192.0.2.1/24", "x"]}),
        &["invalid address: x"],
    );
    let wrong =
        json!({"chassis": "chassis-c", "interface": UPLINK, "ovsdb": scene.chassis[0].ovsdb()});
    refused(json!({"gateways": [wrong]}), &["chassis-a", "chassis-c"]);
    let [here, mut gone] =
        [(0, 20), (1, 10)].map(|(n, priority)| gateway(&scene, n, Some(priority)));
    gone["ovsdb"] = json!("unix:/run/none.sock");
    refused(json!({"gateways": [here, gone]}), &["switch of chassis chassis-b", "/run/none.sock"]);
    let pci = json!({"chassis": "chassis-a", "interface": "0000:ff:1f.7", "ovsdb": scene.chassis[0].ovsdb()});
    refused(json!({"gateways": [pci]}), &["DPDK"]);

    // What is on the chassis already.
    let chassis = &scene.chassis[0];
    let fails = |why: &str| {
        let said = ovn_fails("plan", &outside.file(&scene, &json!({})));
        assert!(said.contains(why), "{said}");
    };
    let netdev = ["--", "set", "bridge", "br-other", "datapath_type=netdev"];
    chassis.vsctl(&[&["add-br", "br-other"], &netdev[..]].concat());
    chassis.vsctl(&["add-port", "br-other", UPLINK]);
    fails("port uplink is on another bridge than br-ext");
    chassis.vsctl(&["del-br", "br-other"]);
    chassis.vsctl(&["--no-wait", "add-br", "br-ext"]);
    fails("bridge br-ext has datapath_type \"\"");
    chassis.vsctl(&["--no-wait", "del-br", "br-ext"]);
    let mapped = "external_ids:ovn-bridge-mappings=physnet1:br-old";
    chassis.vsctl(&["set", "Open_vSwitch", ".", mapped]);
    fails("the chassis maps physnet1:br-old already");
    scene.ovn.nbctl(&[
        "lr-add",
        "cluster",
        "--",
        "lr-route-add",
        "cluster",
        "0.0.0.0/0",
        "10.9.9.9",
    ]);
    fails("router cluster has a route to 0.0.0.0/0 already, by 10.9.9.9");
    scene.ovn.nbctl(&["lr-route-del", "cluster"]);
    scene.ovn.nbctl(&["lrp-add", "cluster", "theirs", "02:00:00:00:00:01", "10.10.0.1/16"]);
    fails("at its port theirs: leave switch and gateway out of 10.10.0.0/24");
}

#[test]
fn two_networks_share_a_bridge_and_what_others_added_stays() {
    let scene = Scene::new();
    let outside = Outside::new(&scene);
    let before = scene.external_state();
    let first = outside.file(&scene, &json!({}));
    ovn("expose", &first);
    // Another VLAN of the same interface.
    let other = json!({"name": "backup", "createRouter": false, "vlan": 7, "addresses": ["198.51.100.1/24"],
        "networks": [{"subnet": "10.10.0.0/24"}], "routes": ["198.51.100.0/24"], "join": ["100.127.254.0/30"]});
    let other = outside.file_called("backup.yaml", &scene, &other);
    ovn("expose", &other);
    let pod = pod(&scene, 1, "pod", "10.10.0.11");
    assert!(pings(&pod, HOST, 5));
    // In the other's VLAN the gateway looks for whom the pod wants.
    let mut dump = outside.host.command("timeout");
    dump.args(["20", "tcpdump", "-lnei", "lan", "-c", "1", "vlan 7 and arp host 198.51.100.100"]);
    let dump = dump.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    assert!(!answers(&pod, "198.51.100.100"));
    let seen = String::from_utf8(dump.wait_with_output().unwrap().stdout).unwrap();
    assert!(seen.contains("vlan 7,") && seen.contains("who-has 198.51.100.100"), "{seen}");
    scene.del(1, "pod", pod.path()).expect_ok();
    assert!(ovn("withdraw", &first).contains("Logical_Router cluster stays"));
    let chassis = &scene.chassis[0];
    assert_eq!(
        chassis.vsctl(&["list-ports", "br-ext"]).lines().filter(|p| *p == UPLINK).count(),
        1
    );
    let mappings = chassis.vsctl(&["get", "Open_vSwitch", ".", "external_ids:ovn-bridge-mappings"]);
    assert_eq!(mappings, "\"physnet1:br-ext\"");
    ovn("withdraw", &other);
    assert!(ovn("withdraw", &first).contains("- Logical_Router cluster"));
    assert_eq!(scene.external_state(), before);
}

/// As shipped, but for the database and the chassis.
#[test]
fn the_examples_are_exposed_and_withdrawn() {
    let scene = Scene::new();
    let outside = Outside::new(&scene);
    scene.ovn.nbctl(&["lr-add", "cluster"]);
    let before = scene.external_state();
    let gateways = [0, 1].map(|n| gateway(&scene, n, Some([20, 10][n])));
    for (example, chassis) in [("external-nat.yaml", 2), ("external-routed.yaml", 1)] {
        let shipped = examples::text(&format!("ovn/{example}"));
        let mut external: Value = serde_saphyr::from_str(&shipped).unwrap();
        assert_eq!(external["gateways"].as_array().unwrap().len(), chassis);
        external["nb"] = json!(scene.ovn.address("nb"));
        external["gateways"] = json!(gateways[..chassis]);
        let file = outside.write(example, &external);
        ovn("expose", &file);
        assert_eq!(ovn("plan", &file), "nothing to change\n");
        assert_ne!(scene.external_state(), before);
        ovn("withdraw", &file);
        assert_eq!(scene.external_state(), before, "{example}");
    }
}

#[test]
fn ipv6_goes_the_same_way() {
    let scene = Scene::new();
    let outside = Outside::new(&scene);
    let inside = json!({"subnet": "fd00:10::/64", "switch": "blue", "gateway": "fd00:10::1"});
    let keys = json!({"networks": [inside], "addresses": ["2001:db8::1/64"], "mode": "routed"});
    let file = outside.file(&scene, &keys);
    ovn("expose", &file);
    let pod = Netns::new();
    let routes = json!([{"dst": "::/0", "gw": "fd00:10::1"}]);
    let keys = json!({"ips": ["fd00:10::11/64"], "routes": routes});
    scene.add(1, "pod", &pod, &keys).expect_ok();
    outside.host.ip(&["address", "add", "2001:db8::100/64", "dev", "lan", "nodad"]);
    outside.host.ip(&["route", "add", "fd00:10::/64", "via", "2001:db8::1"]);
    assert!(pings(&outside.host, "fd00:10::11", 10) && pings(&pod, "2001:db8::100", 10));
    ovn("withdraw", &file);
    scene.del(1, "pod", pod.path()).expect_ok();
}

#[test]
fn where_switches_are_not_reached_it_is_run_on_each_chassis() {
    // Its database is where the chassis' will be.
    ovs().end();
    let scene = Scene::new();
    let outside = Outside::new(&scene);
    let before = scene.external_state();
    let gateways = [0, 1].map(
        |n| json!({"chassis": scene.chassis[n].name(), "interface": UPLINK, "priority": 10 * n}),
    );
    let file = outside.file(&scene, &json!({"gateways": gateways}));
    let on = |chassis: usize, verb: &str| {
        let database = scene.chassis[chassis].ovsdb();
        drop(fs::remove_file(HERE));
        symlink(database.strip_prefix("unix:").unwrap(), HERE).unwrap();
        ovn(verb, &file)
    };
    let said = on(0, "expose");
    assert!(said.contains("chassis chassis-b is not reached from here"), "{said}");
    let said = on(1, "expose");
    assert!(said.contains("Open_vSwitch of chassis-b"), "{said}");
    assert!(!said.contains("OVN_Northbound"), "one of them is enough for that: {said}");
    assert!(scene.chassis.iter().all(|chassis| chassis.vsctl(&["list-br"]).contains("br-ext")));
    for chassis in [0, 1] {
        on(chassis, "withdraw");
    }
    assert_eq!(scene.external_state(), before);
    fs::remove_file(HERE).unwrap();
}
