//! The overlay from pod to pod and to the world, in one go: what `make demo-ovn` shows. Three chassis; the pods are on the
//! last two, the first two have an external interface.

use std::time::{Duration, Instant};

use integration::say;
use serde_json::json;
use testkit::netns::Netns;
use testkit::wait::eventually;

use super::outside::{HOST, Outside, gateway, ovn, ovn_fails};
use super::scene::{Scene, pings, tcp};

/// Ten times what it takes a chassis to find another one dead.
const FAILOVER: Duration = Duration::from_mins(1);
/// Chassis of the pods.
const PODS: [usize; 2] = [1, 2];

#[test]
fn pods_reach_each_other_and_the_world_which_survives_a_dead_gateway() {
    let (mut scene, start) = (Scene::with_three(), Instant::now());
    let outside = Outside::new(&scene);
    // One of them will not live to see the end.
    let rest = &scene.chassis[1..];
    let before = (scene.state_of(rest), scene.external_state_of(rest));
    say(
        start,
        "an overlay of three chassis runs: real OVN, userspace datapath, Geneve between them",
    );

    let pods = [Netns::new(), Netns::new()];
    let addresses = ["10.10.0.11", "10.10.0.12"];
    let confs = [0, 1].map(|n| {
        let routes = json!([{"dst": "192.0.2.0/24", "gw": "10.10.0.1"}]);
        let ips = [format!("{}/24", addresses[n])];
        let keys = json!({"dynamic": false, "ips": ips, "routes": routes});
        scene.beside(PODS[n], &keys)
    });
    for (n, pod) in pods.iter().enumerate() {
        let name = format!("pod{n}");
        scene.multus(PODS[n]).add(&confs[n], &name, "eth0", pod.path()).expect_ok();
    }
    say(start, "multus-lite attached two pods on two chassis to it, beside their default network");
    assert!(pings(&pods[0], addresses[1], 20));
    tcp(&pods[0], &pods[1], addresses[1]);
    say(start, "they ping each other, and send 1 MB by TCP, through the tunnel");

    measure(&scene, start);
    let gateways = [gateway(&scene, 0, Some(20)), gateway(&scene, 1, Some(10))];
    let keys = json!({"gateways": gateways, "publish": {"192.0.2.50": addresses[1]}});
    let file = outside.file(&scene, &keys);
    let made = ovn("expose", &file).lines().filter(|line| line.starts_with("  ")).count();
    say(start, &format!("fastpath ovn expose: {made} changes in three databases, from one file"));
    assert!(pods.iter().all(|pod| pings(pod, HOST, 10)) && pings(&outside.host, "192.0.2.50", 10));
    assert_eq!(active(&scene), "chassis-a");
    say(start, "pods reach a host outside by NAT; the host reaches one by its published address");

    scene.chassis[0].kill();
    say(start, "the gateway chassis is killed");
    eventually(FAILOVER, "the second gateway", || pings(&outside.host, "192.0.2.50", 10));
    assert_eq!(active(&scene), "chassis-b");
    assert!(pods.iter().all(|pod| pings(pod, HOST, 10)));
    say(
        start,
        "the second one has taken over: the host reaches the pod again, and the pods the host",
    );

    let said = ovn_fails("withdraw", &file);
    assert!(said.contains("not withdrawn there") && said.contains("chassis-a"), "{said}");
    scene.chassis.remove(0);
    for n in [0, 1] {
        let (chassis, name) = (PODS[n] - 1, format!("pod{n}"));
        scene.multus(chassis).del(&confs[n], &name, "eth0", pods[n].path()).expect_ok();
    }
    assert_eq!((scene.state(), scene.external_state()), before);
    say(
        start,
        "withdrawn but from the dead chassis, and detached: no row, no port, no record is left",
    );
}

/// The overlay's latency beside that of the other paths of the first chassis.
fn measure(scene: &Scene, start: Instant) {
    let (nb, [here, peer]) = (scene.ovn.address("nb"), [&scene.chassis[0], &scene.chassis[1]]);
    let bin = testkit::cni::bin_dir();
    let mut command = here.netns().command(bin.join("fastpath"));
    command.env("CNI_PATH", &bin).args(["measure", "--path", "kernel", "ovs-dpdk", "ovn"]);
    command.args(["--rounds", "1", "--nb", &nb, "--ovsdb", &here.ovsdb()]);
    command.args(["--peer-netns", peer.netns().path(), "--peer-ovsdb", &peer.ovsdb()]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let paths = ["kernel ", "ovs-dpdk ", "ovn "];
    assert!(paths.iter().all(|path| said.lines().any(|line| line.starts_with(path))), "{said}");
    say(start, "fastpath measure: the overlay beside other paths");
    for line in said.lines().filter(|line| !line.is_empty()) {
        say(start, line);
    }
}

/// The chassis that has the external port.
fn active(scene: &Scene) -> String {
    let port = "logical_port=cr-world-gateway-external";
    let chassis = scene.ovn.sbctl(&["--bare", "--columns=chassis", "find", "Port_Binding", port]);
    scene.ovn.sbctl(&["get", "Chassis", &chassis, "name"]).trim_matches('"').to_owned()
}
