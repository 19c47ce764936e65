//! What pods on the overlay reach.

use integration::examples;
use serde_json::{Value, json};
use testkit::netns::Netns;

use super::scene::{Scene, address, pings, tcp};

#[test]
fn pods_on_two_chassis_reach_each_other_with_addresses_of_northd() {
    let scene = Scene::new();
    let before = scene.state();
    let pods = [Netns::new(), Netns::new()];
    let dynamic = json!({"dynamic": true});
    let results = [0, 1].map(|n| scene.add(n, &format!("pod{n}"), &pods[n], &dynamic).expect_ok());
    let addresses = results.each_ref().map(address);
    assert!(addresses.iter().all(|ip| ip.starts_with("10.10.0.")), "{addresses:?}");
    assert!(pings(&pods[0], &addresses[1], 20) && pings(&pods[1], &addresses[0], 20));
    tcp(&pods[0], &pods[1], &addresses[1]);

    // The tunnel's overhead is off, and a frame of just that size passes whole.
    assert_eq!(results[0]["interfaces"][1]["mtu"], 1442);
    let mut whole = pods[0].command("ping");
    whole.args(["-nq", "-M", "do", "-s", "1414", "-c", "3", "-W", "2", &addresses[1]]);
    assert!(whole.output().unwrap().status.success());

    for n in [0, 1] {
        let name = format!("pod{n}");
        let conf = integration::with(&scene.conf(n, &dynamic), &json!({"prevResult": results[n]}));
        scene.plugin(n).check(&conf, &name, "net1", pods[n].path()).expect_ok();
        scene.del(n, &name, pods[n].path()).expect_ok();
        scene.del(n, &name, pods[n].path()).expect_ok();
    }
    assert_eq!(scene.state(), before);
}

#[test]
fn beside_the_default_network_by_multus_lite() {
    let scene = Scene::new();
    let before = scene.state();
    let pods = [Netns::new(), Netns::new()];
    let confs = [0, 1].map(|n| scene.beside(n, &json!({})));
    for n in [0, 1] {
        scene.multus(n).add(&confs[n], &format!("pod{n}"), "eth0", pods[n].path()).expect_ok();
        let links = pods[n].ip(&["-br", "link"]);
        assert!(links.contains("eth0@") && links.contains("net1@"), "{links}");
        // The default network stays the default one.
        assert!(pods[n].ip(&["route"]).contains("default via 10.62.0.1 dev eth0"));
    }
    for (from, to) in [(0, 1), (1, 0)] {
        let there = pods[to].ip(&["-br", "-4", "addr", "show", "net1"]);
        let there = there.split_whitespace().last().unwrap().split('/').next().unwrap();
        assert!(pings(&pods[from], there, 10), "{from} to {to}");
        tcp(&pods[from], &pods[to], there);
    }
    for n in [0, 1] {
        scene.multus(n).del(&confs[n], &format!("pod{n}"), "eth0", pods[n].path()).expect_ok();
    }
    assert_eq!(scene.state(), before);
}

#[test]
fn addresses_are_fixed_asked_for_or_of_ipam() {
    let scene = Scene::new();
    let before = scene.state();
    let ipam = json!({"type": "static", "addresses": [{"address": "10.10.0.23/24"}],
        "routes": [{"dst": "10.20.0.0/16", "gw": "10.10.0.1"}]});
    let asked = json!({"ips": ["10.10.0.9/24"], "capabilities": {"ips": true, "mac": true},
        "runtimeConfig": {"ips": ["10.10.0.22/24"], "mac": "02:0a:00:00:00:22"}});
    let cases: [(&str, Value); 3] = [
        ("10.10.0.21", json!({"ips": ["10.10.0.21/24"], "mac": "02:0a:00:00:00:21"})),
        ("10.10.0.22", asked),
        // Debian's plugin is an old one.
        ("10.10.0.23", json!({"ipam": ipam, "cniVersion": "1.0.0"})),
    ];
    let pods = [Netns::new(), Netns::new(), Netns::new()];
    for (n, (wanted, keys)) in cases.iter().enumerate() {
        let plugin = scene.plugin(n % 2).path("/usr/lib/cni");
        let name = format!("pod{n}");
        let conf = scene.conf(n % 2, keys);
        let result = plugin.add(&conf, &name, "net1", pods[n].path()).expect_ok();
        assert_eq!(address(&result), *wanted);
        let port = result["interfaces"][0]["name"].as_str().unwrap();
        let mac = result["interfaces"][1]["mac"].as_str().unwrap();
        assert_eq!(scene.ovn.nbctl(&["lsp-get-addresses", port]), format!("{mac} {wanted}"));
        assert_eq!(scene.ovn.nbctl(&["lsp-get-port-security", port]), format!("{mac} {wanted}"));
        assert!(pods[n].ip(&["addr", "show", "net1"]).contains(&format!("{wanted}/24")));
    }
    assert!(pods[2].ip(&["route"]).contains("10.20.0.0/16 via 10.10.0.1"));
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        assert!(pings(&pods[from], cases[to].0, 5), "{from} to {to}");
    }
    // The next pod has the address, and another MAC: who just talked to the one before is told.
    let next = json!({"ips": ["10.10.0.21/24"], "mac": "02:0a:00:00:00:99"});
    scene.del(0, "pod0", pods[0].path()).expect_ok();
    scene.add(0, "pod0", &pods[0], &next).expect_ok();
    let mut ping = pods[1].command("ping");
    ping.args(["-nq", "-c", "1", "-W", "2", "10.10.0.21"]);
    assert!(ping.output().unwrap().status.success());

    for (n, (_, keys)) in cases.iter().enumerate() {
        let plugin = scene.plugin(n % 2).path("/usr/lib/cni");
        let conf = scene.conf(n % 2, keys);
        plugin.del(&conf, &format!("pod{n}"), "net1", pods[n].path()).expect_ok();
    }
    assert_eq!(scene.state(), before);
}

#[test]
fn a_switch_is_made_for_its_first_port_and_goes_with_its_last() {
    let scene = Scene::new();
    // It has the name of the example's.
    scene.ovn.nbctl(&["ls-del", "blue"]);
    let before = scene.state();
    let (conf, pod) = (scene.here(0, &examples::read("ovn/dynamic.conf")), Netns::new());
    let result = scene.plugin(0).add(&conf, "example", "net1", pod.path()).expect_ok();
    assert_eq!(address(&result), "10.10.0.10");
    scene.plugin(0).del(&conf, "example", "net1", pod.path()).expect_ok();
    assert_eq!(scene.state(), before);

    let keys = json!({"switch": "made", "createSwitch": {"subnet": "10.30.0.0/24",
        "excludeIps": "10.30.0.1..10.30.0.99"}, "dynamic": true,
        "ingress": {"rate": 1_000_000}, "egress": {"rate": 2_000_000},
        "dhcp": {"cidr": "10.30.0.0/24", "options": {"server_id": "10.30.0.1",
            "server_mac": "02:0a:00:00:00:01", "lease_time": "3600"}}});
    let pods = [Netns::new(), Netns::new()];
    for n in [0, 1] {
        let result = scene.add(n, &format!("pod{n}"), &pods[n], &keys).expect_ok();
        let last: u8 = address(&result).rsplit('.').next().unwrap().parse().unwrap();
        assert!(last >= 100, "{last}");
    }
    assert_eq!(scene.ovn.ports("made").len(), 2);
    assert_eq!(scene.ovn.nbctl(&["qos-list", "made"]).lines().count(), 4);
    scene.del(0, "pod0", pods[0].path()).expect_ok();
    assert_eq!(scene.ovn.ports("made").len(), 1);
    assert_eq!(scene.ovn.nbctl(&["qos-list", "made"]).lines().count(), 2);
    scene.del(1, "pod1", pods[1].path()).expect_ok();
    assert_eq!(scene.state(), before);
}
