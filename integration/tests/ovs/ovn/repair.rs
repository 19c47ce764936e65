//! What lost pods leave on a chassis, and what its switch loses, put right by one pass.

use std::fs;
use std::time::Duration;

use integration::repair::{Repaired, repair_inside, repairs_by};
use integration::{nothing_valid, with};
use serde_json::json;
use testkit::netns::Netns;
use testkit::testpmd::{Options, Testpmd};
use testkit::wait::eventually;

use super::scene::{RECORDS, Scene, address, pings};
use super::sockets::{USER, eal_args};

const SOON: Duration = Duration::from_secs(30);

/// Passes on the first chassis.
fn on_chassis(scene: &Scene) -> impl Fn(&[&str]) -> Repaired {
    let chassis = &scene.chassis[0];
    let ovsdb = chassis.ovsdb();
    move |options| repair_inside(chassis.netns(), &[&["--ovsdb", &ovsdb], options].concat())
}

#[test]
fn a_pod_whose_namespace_is_gone_leaves_nothing_and_one_that_lives_keeps_all() {
    let (scene, lives, lost) = (Scene::new(), Netns::new(), Netns::new());
    let before = scene.state();
    let dynamic = json!({"dynamic": true});
    let result = scene.add(0, "lives", &lives, &dynamic).expect_ok();
    let with_it = scene.state();
    let keys = json!({"switch": "made", "createSwitch": {"subnet": "10.30.0.0/24"}, "dynamic": true,
        "ingress": {"rate": 1_000_000}});
    scene.add(0, "lost", &lost, &keys).expect_ok();
    let link = scene.chassis[0].ports().into_iter().find(|port| !with_it.contains(port)).unwrap();
    lost.delete();
    // The kernel takes its end of the pair along, in its own time.
    let links = || scene.chassis[0].netns().ip(&["-br", "link"]);
    eventually(SOON, "the link to go", || !links().contains(&link));
    repairs_by(on_chassis(&scene), || scene.state(), &["left-over ovn lost:net1"]);
    assert_eq!(scene.state(), with_it);
    let conf = with(&scene.conf(0, &dynamic), &json!({"prevResult": result}));
    scene.plugin(0).check(&conf, "lives", "net1", lives.path()).expect_ok();
    scene.del(0, "lives", lives.path()).expect_ok();
    assert_eq!(scene.state(), before);
}

#[test]
fn lost_ports_are_made_again_and_the_overlay_reaches_their_pods() {
    let scene = Scene::with_dpdk();
    let before = scene.state();
    let [link, socket, asker] = [Netns::new(), Netns::new(), Netns::new()];
    let dynamic = json!({"dynamic": true});
    let vhostuser = json!({"dynamic": true, "interfaceType": "vhostuser", "portSecurity": false,
        "socketDir": {"owner": USER, "group": USER}});
    let results = [
        scene.add(0, "link", &link, &dynamic).expect_ok(),
        scene.add(0, "socket", &socket, &vhostuser).expect_ok(),
    ];
    scene.add(1, "asker", &asker, &dynamic).expect_ok();
    let eal = vec![eal_args(&results[1])];
    let options = Options { eal, forward: "icmpecho", user: Some(USER), ..Options::default() };
    let testpmd = Testpmd::start(&socket, &options);
    eventually(SOON, "the link", || testpmd.link_is_up(0));
    let addresses = results.each_ref().map(address);
    let reached = || addresses.each_ref().map(|address| pings(&asker, address, 5));
    assert_eq!(reached(), [true, true]);

    let ports = scene.chassis[0].ports();
    for port in &ports {
        scene.chassis[0].vsctl(&["del-port", "br-int", port]);
    }
    assert_eq!(reached(), [false, false]);
    let lost = ["lost-port ovn link:net1", "lost-port ovn socket:net1"];
    repairs_by(on_chassis(&scene), || scene.state(), &lost);
    assert_eq!(scene.chassis[0].ports(), ports);
    for port in &ports {
        let id = scene.chassis[0].vsctl(&["get", "Interface", port, "external_ids:iface-id"]);
        assert_eq!(id.trim_matches('"'), port);
    }
    eventually(SOON, "the pods to be reached", || reached() == [true, true]);
    drop(testpmd);
    for (chassis, name, pod) in [(0, "link", &link), (0, "socket", &socket), (1, "asker", &asker)] {
        scene.del(chassis, name, pod.path()).expect_ok();
    }
    assert_eq!(scene.state(), before);
}

#[test]
fn a_port_without_a_record_goes_when_its_pod_does() {
    let (scene, pod) = (Scene::new(), Netns::new());
    let before = scene.state();
    scene.add(0, "pod", &pod, &json!({"dynamic": true})).expect_ok();
    fs::remove_dir_all(RECORDS).unwrap();
    let repair = on_chassis(&scene);
    let object = format!("stray-port port {} of pod:net1", scene.chassis[0].ports()[0]);
    assert_eq!(repair(&[]).told(), [format!("{object} left")]);
    pod.delete();
    eventually(SOON, "the link to be down", || {
        repair(&["--dry-run"]).told() == [format!("{object} would")]
    });
    repairs_by(repair, || scene.state(), &[&object]);
    assert!(scene.chassis[0].ports().is_empty());
    // The agent has no way to the overlay's database; the plugin has.
    assert_eq!(scene.ovn.ports("blue").len(), 1);
    scene.plugin(0).gc(&nothing_valid(&scene.conf(0, &json!({})))).expect_ok();
    assert_eq!(scene.state(), before);
}
