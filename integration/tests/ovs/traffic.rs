//! Frames through pods.

use std::thread::sleep;
use std::time::{Duration, Instant};

use integration::with;
use serde_json::json;
use testkit::ovs::Outer;
use testkit::testpmd::{Options, Testpmd};
use testkit::wait::eventually;

use crate::bed::{BRIDGE, VLANS, ovs};
use crate::pod::{Pod, state};

/// One outer end for each of the pod's interfaces.
fn outer_ends(ovs: &testkit::ovs::Ovs) -> [Outer; 2] {
    VLANS.map(|vlan| ovs.add_outer(BRIDGE, Some(vlan)))
}

/// 1000 echo requests and their answers go through the pod, and none is lost.
fn all_come_back([here, there]: &[Outer; 2], testpmd: &Testpmd) {
    let before = [0, 1].map(|port| testpmd.stats(port));
    assert_eq!(here.ping(there.address(), 1000), 1000);
    let after = [0, 1].map(|port| testpmd.stats(port));
    for port in [0, 1] {
        // Some more: the two have to learn each other's address.
        let received = after[port].received - before[port].received;
        assert!((1000..1020).contains(&received), "{after:?}");
        assert_eq!(after[port].dropped, 0);
    }
}

#[test]
fn a_pod_that_listens_forwards_and_survives_a_new_switch() {
    let ovs = ovs();
    let (before, outer) = (state(&ovs), outer_ends(&ovs));
    let mut pod = Pod::new(&ovs, "a");
    pod.attach_two(&json!({}));
    assert!(!outer[0].reaches(outer[1].address()), "nobody connects the VLANs yet");
    let testpmd = pod.forward(Options::default());
    all_come_back(&outer, &testpmd);
    pod.check();
    ovs.kill_vswitchd();
    ovs.start_vswitchd();
    pod.wait_links_up();
    all_come_back(&outer, &testpmd);
    drop(testpmd);
    pod.detach();
    drop(outer);
    assert_eq!(state(&ovs), before);
}

#[test]
fn a_pod_forwards_where_the_switch_listens() {
    let ovs = ovs();
    let (before, outer) = (state(&ovs), outer_ends(&ovs));
    let mut pod = Pod::new(&ovs, "a");
    pod.attach_two(&json!({"mode": "dpdkvhostuser"}));
    pod.check();
    let args = pod.attachment(0).eal_args();
    assert!(!args[0].contains("server"), "{args:?}");
    let testpmd = pod.forward(Options::default());
    all_come_back(&outer, &testpmd);
    drop(testpmd);
    // What this mode cannot do is said. A switch that was killed could not even make the port again: its
    // old socket is in its way.
    ovs.stop_vswitchd();
    ovs.start_vswitchd();
    let (msg, _) = pod.check_one(0).expect_error(100);
    assert!(msg.contains("nobody listens") && msg.contains("restarted"), "{msg}");
    pod.detach();
    drop(outer);
    assert_eq!(state(&ovs), before);
}

/// A trunk carries its VLANs with their tags, and no others.
#[test]
fn a_trunk_carries_its_own_vlans_only() {
    let ovs = ovs();
    ovs.add_bridge("br1");
    let before = state(&ovs);
    let ends = |vlan| ["br0", "br1"].map(|bridge| ovs.add_outer(bridge, Some(vlan)));
    let (inside, outside) = (ends(100), ends(300));
    let mut pod = Pod::new(&ovs, "a");
    let trunks = json!({"trunks": [100, 200]});
    pod.attach("net1", &trunks);
    pod.attach("net2", &with(&trunks, &json!({"bridge": "br1"})));
    let testpmd = pod.forward(Options::default());
    all_come_back(&inside, &testpmd);
    let count = testpmd.stats(0).received;
    assert!(!outside[0].reaches(outside[1].address()));
    assert_eq!(testpmd.stats(0).received, count, "frames of VLAN 300 came into the pod");
    drop(testpmd);
    pod.detach();
    drop((inside, outside));
    assert_eq!(state(&ovs), before);
    ovs.vsctl(&["del-br", "br1"]);
}

/// With a VLAN beside the trunks, that one is untagged.
#[test]
fn a_trunk_may_have_a_vlan_without_tag() {
    let ovs = ovs();
    let outer = outer_ends(&ovs);
    let mut pod = Pod::new(&ovs, "a");
    pod.attach("net1", &json!({"vlan": VLANS[0], "trunks": [300]}));
    pod.attach("net2", &json!({"vlan": VLANS[1]}));
    let testpmd = pod.forward(Options::default());
    all_come_back(&outer, &testpmd);
    drop(testpmd);
    pod.detach();
}

#[test]
fn large_frames_pass() {
    let ovs = ovs();
    let outer = outer_ends(&ovs);
    for outer in &outer {
        outer.set_mtu(9000);
    }
    let mut pod = Pod::new(&ovs, "a");
    pod.attach_two(&json!({"mtu": 9000}));
    let jumbo = ["--max-pkt-len=9018", "--enable-scatter", "--tx-offloads=0x8000"];
    let application = jumbo.map(str::to_owned).into();
    let testpmd = pod.forward(Options { application, ..Options::default() });
    let large = ["-s", "8972", "-M", "do"];
    assert_eq!(outer[0].ping_with(outer[1].address(), 100, &large), 100);
    pod.check();
    drop(testpmd);
    pod.detach();
}

#[test]
fn several_queues_are_used() {
    let ovs = ovs();
    let outer = outer_ends(&ovs);
    let mut pod = Pod::new(&ovs, "a");
    pod.attach_two(&json!({"queues": 2}));
    let application = vec!["--rxq=2".to_owned(), "--txq=2".to_owned()];
    let testpmd = pod.forward(Options { application, ..Options::default() });
    all_come_back(&outer, &testpmd);
    let port = format!("name={}", pod.attachment(0).port);
    eventually(Duration::from_secs(20), "two queues of the switch", || {
        // Two rings for each pair.
        ovs.find("Interface", &["status"], &[&port])[0]["status"]["num_of_vrings"] == "4"
    });
    drop(testpmd);
    pod.detach();
}

/// How many frames leave the pod and arrive outside in a second, and how many reach the pod.
#[test]
fn rate_limits_have_effect() {
    let ovs = ovs();
    let outer = ovs.add_outer(BRIDGE, Some(VLANS[0]));
    // 64 bytes: 1 Mbit/s is 2000 frames a second.
    let limit = json!({"rate": 1_000_000, "burst": 100_000});
    let sent = |keys: serde_json::Value| {
        let mut pod = Pod::new(&ovs, "a");
        pod.attach("net1", &with(&json!({"vlan": VLANS[0]}), &keys));
        let testpmd = pod.forward(Options { forward: "txonly", ..Options::default() });
        let received = per_second(|| received_by(&outer));
        drop(testpmd);
        pod.detach();
        received
    };
    let (free, limited) = (sent(json!({})), sent(json!({"egress": limit})));
    assert!(limited > 200 && limited < 5000, "{limited} frames a second, {free} without a limit");
    assert!(free > 2 * limited, "{limited} frames a second, {free} without a limit");

    let reached = |keys: serde_json::Value| {
        let mut pod = Pod::new(&ovs, "a");
        pod.attach("net1", &with(&json!({"vlan": VLANS[0]}), &keys));
        let testpmd = pod.forward(Options { forward: "rxonly", ..Options::default() });
        let flood = Flood::start(&outer);
        let received = per_second(|| testpmd.stats(0).received);
        drop((flood, testpmd));
        pod.detach();
        received
    };
    let (free, limited) = (reached(json!({})), reached(json!({"ingress": limit})));
    // Datagrams of 1000 bytes: 125 a second.
    assert!(limited > 10 && limited < 500, "{limited} frames a second, {free} without a limit");
    assert!(free > 2 * limited, "{limited} frames a second, {free} without a limit");
}

/// Over two seconds, after the burst.
fn per_second(count: impl Fn() -> u64) -> u64 {
    sleep(Duration::from_secs(1));
    let (start, before) = (Instant::now(), count());
    sleep(Duration::from_secs(2));
    (count() - before) * 1000 / u64::try_from(start.elapsed().as_millis()).unwrap()
}

fn received_by(outer: &Outer) -> u64 {
    let links =
        testkit::witness::ip_json(Some(outer.netns().name()), &["-s", "link", "show", "eth0"]);
    links[0]["stats64"]["rx"]["packets"].as_u64().unwrap()
}

/// Datagrams from an outer end to nobody in particular, for at most some seconds.
struct Flood(std::process::Child);

impl Flood {
    fn start(outer: &Outer) -> Self {
        let nobody = "10.99.0.254";
        outer.netns().ip(&[
            "neighbour",
            "replace",
            nobody,
            "lladdr",
            "02:00:00:00:00:fe",
            "dev",
            "eth0",
        ]);
        let script = format!(
            "exec 3<>/dev/udp/{nobody}/9; printf -v data %1000s; end=$((SECONDS + 10));
             while [ $SECONDS -lt $end ]; do printf %s \"$data\" >&3; done"
        );
        Self(outer.netns().command("bash").args(["-c", &script]).spawn().unwrap())
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
