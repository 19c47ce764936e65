//! What a pod may send.

use serde_json::json;
use testkit::netns::Netns;

use super::scene::{Scene, address, pings};

/// An address of the subnet that nobody was given.
const OTHER: &str = "10.10.0.177";

/// How many echo requests have come to a pod.
fn requests(pod: &Netns) -> u64 {
    let counters = pod.exec(&["cat", "/proc/net/snmp"]);
    let icmp: Vec<&str> = counters.lines().filter(|line| line.starts_with("Icmp:")).collect();
    let column = icmp[0].split(' ').position(|name| name == "InEchos").unwrap();
    icmp[1].split(' ').nth(column).unwrap().parse().unwrap()
}

/// Whether a pod that gives itself another address is answered there, and how many of its three requests came.
fn asks_as_another(pod: &Netns, asked: &Netns, asked_address: &str) -> (bool, u64) {
    pod.ip(&["addr", "add", &format!("{OTHER}/24"), "dev", "net1"]);
    let before = requests(asked);
    let mut ping = pod.command("ping");
    ping.args(["-nq", "-I", OTHER, "-c", "3", "-i", "0.2", "-W", "2", asked_address]);
    let answered = ping.output().unwrap().status.success();
    pod.ip(&["addr", "del", &format!("{OTHER}/24"), "dev", "net1"]);
    (answered, requests(asked) - before)
}

#[test]
fn from_an_address_that_it_was_not_given_a_pod_is_not_answered() {
    let scene = Scene::new();
    let before = scene.state();
    let [pinned, free, asked] = [Netns::new(), Netns::new(), Netns::new()];
    let dynamic = json!({"dynamic": true});
    let result = scene.add(0, "pinned", &pinned, &dynamic).expect_ok();
    let port = result["interfaces"][0]["name"].as_str().unwrap();
    let mac = result["interfaces"][1]["mac"].as_str().unwrap();
    let pin = format!("{mac} {}", address(&result));
    assert_eq!(scene.ovn.nbctl(&["lsp-get-port-security", port]), pin);
    scene.add(0, "free", &free, &json!({"dynamic": true, "portSecurity": false})).expect_ok();
    let there = address(&scene.add(1, "asked", &asked, &dynamic).expect_ok());
    for pod in [&pinned, &free] {
        assert!(pings(pod, &there, 5));
    }
    assert_eq!(asks_as_another(&pinned, &asked, &there), (false, 0));
    // It is the port that makes the difference.
    assert_eq!(asks_as_another(&free, &asked, &there), (true, 3));
    assert!(pings(&pinned, &there, 5));
    for (chassis, name, pod) in [(0, "pinned", &pinned), (0, "free", &free), (1, "asked", &asked)] {
        scene.del(chassis, name, pod.path()).expect_ok();
    }
    assert_eq!(scene.state(), before);
}
