//! `fastpath measure --path ovn`: on one chassis and through the tunnel; and that it leaves nothing.

use std::fs;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use testkit::wait::eventually;

use super::scene::Scene;

const REPORT: &str = "/run/ovn-report";

/// `fastpath measure` on the first chassis.
fn measure(scene: &Scene, arguments: &[&str]) -> Command {
    let bin = testkit::cni::bin_dir();
    let mut command = scene.chassis[0].netns().command(bin.join("fastpath"));
    command.env("CNI_PATH", &bin).args(["measure", "--json", REPORT]).args(arguments);
    for (option, address) in
        [("--nb", scene.ovn.address("nb")), ("--ovsdb", scene.chassis[0].ovsdb())]
    {
        if !arguments.contains(&option) {
            command.args([option, &address]);
        }
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// The overlay's part of the report of a measurement that succeeded.
fn measured(scene: &Scene, arguments: &[&str]) -> Value {
    let output = measure(scene, arguments).output().unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&fs::read(REPORT).unwrap()).unwrap();
    let mut paths: Vec<Value> = report["paths"].as_array().unwrap().clone();
    paths.retain(|path| path["name"] == "ovn");
    assert_eq!(paths.len(), 1, "{said}");
    let path = paths.remove(0);
    assert_eq!(path["path"], "ovn");
    let us = |key: &str| path["us"][key].as_f64().unwrap();
    assert!(0.0 < us("min") && us("min") <= us("p50") && us("p50") <= us("max"), "{path}");
    path
}

/// Frames that the first chassis has sent into its tunnel.
fn tunnelled(scene: &Scene) -> u64 {
    let sent = ["--bare", "--columns=statistics", "find", "Interface", "type=geneve"];
    let statistics = scene.chassis[0].vsctl(&sent);
    let count = statistics.split_whitespace().find_map(|one| one.strip_prefix("tx_packets="));
    count.unwrap_or_default().trim_end_matches(',').parse().unwrap()
}

#[test]
fn the_overlay_is_measured_on_one_chassis_and_through_the_tunnel() {
    let scene = Scene::new();
    let before = scene.state();
    let path = measured(&scene, &["--rounds", "1", "--path", "ovn", "kernel"]);
    assert_eq!(path["driver"], "logical switch on one chassis, netdev datapath");
    assert_eq!(path["sent"], 1000);
    assert!(path["received"].as_u64().unwrap() > 0);
    assert!(tunnelled(&scene) < 100, "frames of one chassis stay there");

    let peer = &scene.chassis[1];
    let ovsdb = peer.ovsdb();
    let peer = ["--peer-netns", peer.netns().path(), "--peer-ovsdb", &ovsdb];
    let through = [&["--rounds", "1", "--path", "ovn"], &peer[..]].concat();
    let path = measured(&scene, &through);
    assert_eq!(path["driver"], "geneve between chassis-a and chassis-b, netdev datapath");
    let received = path["received"].as_u64().unwrap();
    assert!(received > 0);
    // The switch tells its counters every few seconds.
    eventually(Duration::from_secs(20), "the tunnel's counter", || tunnelled(&scene) >= received);

    // 1500 of the link below, 58 of the tunnel, 14 that an MTU leaves out.
    let output = measure(&scene, &[&through, &["--size", "1457"][..]].concat()).output().unwrap();
    let said = text(&output);
    assert!(!output.status.success() && said.contains("measure with --size 1456"), "{said}");
    measured(&scene, &[&through, &["--size", "1456"][..]].concat());
    assert_eq!(scene.state(), before);
}

#[test]
fn a_node_without_an_overlay_is_told_and_the_rest_is_measured() {
    let scene = Scene::new();
    let before = scene.state();
    for (arguments, said_of_it) in [
        (&["--ovsdb", "unix:/run/no.sock"][..], "unix:/run/no.sock"),
        (&["--nb", "unix:/run/no.sock"], "unix:/run/no.sock"),
    ] {
        let run = [&["--path", "kernel", "ovn", "--rounds", "1"], arguments].concat();
        let output = measure(&scene, &run).output().unwrap();
        let said = text(&output);
        assert!(said.contains("ovn is not measured: ") && said.contains(said_of_it), "{said}");
        assert!(!output.status.success() && said.contains("\nkernel "), "{said}");
    }
    scene.chassis[0].vsctl(&["remove", "Open_vSwitch", ".", "external_ids", "ovn-remote"]);
    let output = measure(&scene, &["--path", "ovn"]).output().unwrap();
    let said = text(&output);
    assert!(
        said.contains("is no chassis of OVN") && said.contains("start ovn-controller"),
        "{said}"
    );
    assert_eq!(scene.state(), before);
}

#[test]
fn an_interrupted_measurement_of_the_overlay_leaves_nothing_and_a_killed_one_until_the_next() {
    let scene = Scene::new();
    let before = scene.state();
    let peer = &scene.chassis[1];
    let ovsdb = peer.ovsdb();
    let peer = ["--path", "ovn", "--peer-netns", peer.netns().path(), "--peer-ovsdb", &ovsdb];
    let running = || -> Child {
        let rounds = [&peer[..], &["--rounds", "1000"]].concat();
        let child = measure(&scene, &rounds).spawn().unwrap();
        eventually(Duration::from_mins(1), "a port on each chassis", || {
            scene.chassis.iter().all(|chassis| !chassis.ports().is_empty())
        });
        child
    };
    let mut child = running();
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(scene.state(), before);

    let mut child = running();
    signal(&child, "KILL");
    child.wait().unwrap();
    assert_ne!(scene.state(), before);
    // The next one may be of the one chassis alone.
    measured(&scene, &["--path", "ovn", "--rounds", "1"]);
    assert_eq!(scene.state(), before);
}

fn signal(child: &Child, name: &str) {
    integration::run("kill", &[&format!("-{name}"), &child.id().to_string()]);
}
