//! Pods whose port on the overlay is a vhost-user socket.

use std::fs;
use std::path::Path;
use std::time::Duration;

use integration::{listing, with};
use serde_json::{Value, json};
use testkit::netns::Netns;
use testkit::testpmd::{Options, Testpmd};
use testkit::wait::eventually;

use super::scene::{Scene, address, pings};

const USER: u32 = 1000;

/// What the pod's program is started with.
fn eal_args(result: &Value) -> String {
    let socket = result["interfaces"][0]["socketPath"].as_str().unwrap();
    let args = Path::new(socket).with_file_name("eal-args");
    fs::read_to_string(args).unwrap().trim().to_owned()
}

#[test]
fn programs_of_pods_answer_over_the_overlay() {
    let scene = Scene::with_dpdk();
    let before = scene.state();
    let keys = json!({"dynamic": true, "interfaceType": "vhostuser", "portSecurity": false,
        "socketDir": {"owner": USER, "group": USER}});
    let pods = [Netns::new(), Netns::new()];
    let results = [0, 1].map(|n| scene.add(n, &format!("pod{n}"), &pods[n], &keys).expect_ok());
    // Each is asked by a pod with a kernel's interface, on the other chassis.
    let askers = [Netns::new(), Netns::new()];
    for n in [0, 1] {
        let veth = json!({"dynamic": true});
        scene.add(1 - n, &format!("asker{n}"), &askers[n], &veth).expect_ok();
    }
    for n in [0, 1] {
        let options = Options {
            eal: vec![eal_args(&results[n])],
            forward: "icmpecho",
            user: Some(USER),
            ..Options::default()
        };
        let testpmd = Testpmd::start(&pods[n], &options);
        eventually(Duration::from_secs(30), "the link", || testpmd.link_is_up(0));
        assert!(pings(&askers[n], &address(&results[n]), 100), "{n}");
        let conf = with(&scene.conf(n, &keys), &json!({"prevResult": results[n]}));
        scene.plugin(n).check(&conf, &format!("pod{n}"), "net1", pods[n].path()).expect_ok();
    }
    for n in [0, 1] {
        scene.del(n, &format!("pod{n}"), pods[n].path()).expect_ok();
        scene.del(1 - n, &format!("asker{n}"), askers[n].path()).expect_ok();
    }
    assert_eq!(scene.state(), before);
    assert!(listing("/run/fastpath/vhostuser").is_empty());
}

#[test]
fn a_bridge_without_the_userspace_datapath_takes_no_socket() {
    let scene = Scene::new();
    let (before, pod) = (scene.state(), Netns::new());
    let keys = json!({"dynamic": true, "interfaceType": "vhostuser"});
    let (msg, details) = scene.add(0, "pod", &pod, &keys).expect_error(11);
    assert!(format!("{msg} {details}").contains("dpdk-init=true"), "{msg}: {details}");
    assert_eq!(scene.state(), before);
}
