//! Pods whose port on the overlay is a vhost-user socket.

use std::fs;
use std::path::Path;
use std::time::Duration;

use integration::{SOCKETS, listing, with};
use serde_json::{Value, json};
use testkit::cni::Plugin;
use testkit::netns::Netns;
use testkit::testpmd::{Options, Testpmd};
use testkit::wait::eventually;

use super::scene::{Scene, pings};
use crate::sockets::make_slot;

pub(super) const USER: u32 = 1000;
const FRAMES: u64 = 1000;
const SOON: Duration = Duration::from_secs(30);

/// A pod whose port on the overlay is beside its default network.
struct Pod {
    netns: Netns,
    name: String,
    conf: Value,
    result: Value,
    /// Of its port on the overlay.
    ip: String,
    /// What its program is started with.
    eal: String,
}

impl Pod {
    /// Attached by multus-lite, without another port on its chassis.
    fn attach(scene: &Scene, chassis: usize, keys: &Value) -> Self {
        let (netns, name) = (Netns::new(), format!("pod{chassis}"));
        let conf = scene.beside(chassis, keys);
        let result = scene.multus(chassis).add(&conf, &name, "eth0", netns.path()).expect_ok();
        let port = &scene.chassis[chassis].ports()[0];
        let eal = fs::read_to_string(Path::new(SOCKETS).join(port).join("eal-args")).unwrap();
        let given = ["get", "Logical_Switch_Port", port, "dynamic_addresses"];
        let given = scene.ovn.nbctl(&given);
        let ip = given.trim_matches('"').split(' ').next_back().unwrap().to_owned();
        Self { netns, name, conf, result, ip, eal: eal.trim().to_owned() }
    }

    /// Starts its program.
    fn run(&self, forward: &'static str) -> Testpmd {
        let eal = vec![self.eal.clone()];
        Testpmd::start(
            &self.netns,
            &Options { eal, forward, user: Some(USER), ..Options::default() },
        )
    }
}

/// What the pod's program is started with.
pub(super) fn eal_args(result: &Value) -> String {
    let socket = result["interfaces"][0]["socketPath"].as_str().unwrap();
    let args = Path::new(socket).with_file_name("eal-args");
    fs::read_to_string(args).unwrap().trim().to_owned()
}

#[test]
fn programs_of_pods_talk_over_the_overlay() {
    let scene = Scene::with_dpdk();
    let before = scene.state();
    // testpmd's flowgen sends from and to these, whatever its ports have.
    let keys = ["00:01:02:03:04:00", "00:01:02:03:04:01"].map(|mac| {
        // What testpmd makes up has addresses of its own.
        json!({"interfaceType": "vhostuser", "mac": mac, "portSecurity": false,
            "socketDir": {"owner": USER, "group": USER}})
    });
    let pods = [0, 1].map(|n| Pod::attach(&scene, n, &keys[n]));
    for (n, pod) in pods.iter().enumerate() {
        assert!(pod.netns.ip(&["route"]).contains("default via 10.62.0.1 dev eth0"));
        let conf = with(&pod.conf, &json!({"prevResult": pod.result}));
        scene.multus(n).check(&conf, &pod.name, "eth0", pod.netns.path()).expect_ok();
    }

    // One answers a pod with a kernel's interface on the other chassis.
    let asker = Netns::new();
    scene.add(1, "asker", &asker, &json!({"dynamic": true})).expect_ok();
    let program = pods[0].run("icmpecho");
    eventually(SOON, "the link", || program.link_is_up(0));
    assert!(pings(&asker, &pods[0].ip, 100));
    drop(program);
    scene.del(1, "asker", asker.path()).expect_ok();

    // And both talk to each other: one sends, the other one sends back.
    let back = pods[1].run("macswap");
    let there = pods[0].run("flowgen");
    let enough = |program: &Testpmd| program.stats(0).received >= FRAMES;
    eventually(SOON, "frames from one to the other", || enough(&back));
    eventually(SOON, "frames back", || enough(&there));
    drop((there, back));

    for (n, pod) in pods.iter().enumerate() {
        scene.multus(n).del(&pod.conf, &pod.name, "eth0", pod.netns.path()).expect_ok();
    }
    assert_eq!(scene.state(), before);
    assert!(listing(SOCKETS).is_empty());
}

#[test]
fn a_slot_belongs_to_one_pod_and_is_taken_from_one_that_died() {
    let scene = Scene::with_dpdk();
    let (before, dir) = (scene.state(), make_slot("pool-0", "br-int"));
    let (pod, other, dead) = (Netns::new(), Netns::new(), Netns::new());
    let keys = json!({"dynamic": true, "interfaceType": "vhostuser", "deviceID": "pool-0"});
    let result = scene.add(0, "a", &pod, &keys).expect_ok();
    assert_eq!(result["interfaces"][0]["socketPath"], format!("{dir}/vhost.sock"));
    assert_eq!(listing(&dir), ["attachment.json", "eal-args"]);
    let held = |output: testkit::cni::Output| {
        let (msg, _) = output.expect_error(11);
        assert!(msg.contains("slot pool-0 is attached to container a:net1"), "{msg}");
    };
    held(scene.add(0, "b", &other, &keys));
    // Neither by the plugin that knows nothing of the overlay.
    let plain = json!({"cniVersion": "1.1.0", "name": "plain", "type": "vhostuser", "bridge": "br-int",
        "ovsdb": scene.chassis[0].ovsdb(), "deviceID": "pool-0"});
    let vhostuser = Plugin::new("vhostuser").inside(scene.chassis[0].netns());
    held(vhostuser.add(&plain, "b", "net1", other.path()));
    scene.del(0, "a", pod.path()).expect_ok();
    assert!(listing(&dir).is_empty());

    // The late DEL of the dead pod does not touch the new owner's.
    let path = dead.path().to_owned();
    scene.add(0, "dead", &dead, &keys).expect_ok();
    dead.delete();
    scene.add(0, "b", &other, &keys).expect_ok();
    assert_eq!(scene.chassis[0].ports().len(), 1);
    scene.del(0, "dead", &path).expect_ok();
    assert_eq!(listing(&dir), ["attachment.json", "eal-args"]);
    assert_eq!(scene.chassis[0].ports(), scene.ovn.ports("blue"));
    scene.del(0, "b", other.path()).expect_ok();
    assert_eq!(scene.state(), before);
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
