//! The harness itself, without a plugin: ports made with `ovs-vsctl`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use testkit::netns::Netns;
use testkit::ovs::{Outer, Ovs};
use testkit::testpmd::{Options, Testpmd};
use testkit::wait::eventually;

use crate::bed::{BRIDGE, USER, VLANS, ovs, pod_directory};

const SOON: Duration = Duration::from_secs(5);

/// What its programs are called; the kernel cuts names.
const HARNESS: [&str; 3] = ["ovs-vswitchd-dp", "ovsdb-server", "testpmd"];

/// A pod between two outer namespaces, each in a VLAN with one of its ports.
struct Between {
    outer: [Outer; 2],
    ports: [String; 2],
    sockets: [PathBuf; 2],
}

impl Between {
    fn new(ovs: &Ovs, name: &str, mtu: u16) -> Self {
        let dir = pod_directory(name);
        let ports = [0, 1].map(|index| format!("{name}{index}"));
        let sockets = ports.clone().map(|port| dir.join(port));
        let outer = VLANS.map(|vlan| ovs.add_outer(BRIDGE, Some(vlan)));
        for outer in &outer {
            outer.set_mtu(mtu);
        }
        for ((port, socket), vlan) in ports.iter().zip(&sockets).zip(VLANS) {
            add_client(ovs, port, socket, vlan, mtu);
        }
        Self { outer, ports, sockets }
    }

    /// The pod's program, run by somebody who may do nothing, when it forwards.
    fn forward(&self, ovs: &Ovs, pod: &Netns, application: &[&str]) -> Testpmd {
        let eal = self.sockets.iter().enumerate().map(|(index, socket)| {
            format!("--vdev=virtio_user_net{index},path={},server=1", socket.display())
        });
        let testpmd = Testpmd::start(
            pod,
            &Options {
                eal: eal.collect(),
                application: application.iter().map(ToString::to_string).collect(),
                user: Some(USER),
                ..Options::default()
            },
        );
        self.wait_links_up(ovs);
        testpmd
    }

    fn wait_links_up(&self, ovs: &Ovs) {
        for port in &self.ports {
            ovs.wait_link_up(port);
        }
    }

    fn delete(self, ovs: &Ovs) {
        for port in &self.ports {
            ovs.vsctl(&["del-port", BRIDGE, port]);
        }
    }
}

/// A port that looks for a pod's socket, until there is one.
fn add_client(ovs: &Ovs, port: &str, socket: &Path, vlan: u16, mtu: u16) {
    let path = format!("options:vhost-server-path={}", socket.display());
    let (tag, mtu) = (format!("tag={vlan}"), format!("mtu_request={mtu}"));
    let add = ["add-port", BRIDGE, port, &tag, "--", "set", "Interface", port];
    ovs.vsctl(&[&add[..], &["type=dpdkvhostuserclient", &path, &mtu]].concat());
}

/// How many datagrams came that nobody waits for; those with a wrong checksum do not count.
fn strays(outer: &Outer) -> u64 {
    let counters = outer.netns().exec(&["cat", "/proc/net/snmp"]);
    let udp: Vec<&str> = counters.lines().filter(|line| line.starts_with("Udp:")).collect();
    let column = udp[0].split(' ').position(|name| name == "NoPorts").unwrap();
    udp[1].split(' ').nth(column).unwrap().parse().unwrap()
}

/// Programs of the harness that run in our namespace of processes.
fn running() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap());
    let processes =
        processes.filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit());
    // Some end while we look.
    let names = processes.filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok());
    let names = names.map(|name| name.trim_end().to_owned());
    names.filter(|name| HARNESS.contains(&name.as_str())).collect()
}

#[test]
fn it_has_dpdk_and_says_what_it_is_made_of() {
    let ovs = ovs();
    assert_eq!(ovs.vsctl(&["get", "Open_vSwitch", ".", "dpdk_initialized"]), "true");
    assert!(ovs.appctl(&["dpif/show"]).contains("netdev@"), "the userspace datapath");
    let before = ovs.state();
    let outer = ovs.add_outer(BRIDGE, Some(VLANS[0]));
    assert_eq!(ovs.ports(BRIDGE), [outer.port()]);
    assert_eq!(ovs.names("Interface"), [BRIDGE, outer.port()]);
    let found = ovs.find("Port", &["tag", "trunks"], &[&format!("name={}", outer.port())]);
    assert_eq!(found, [json!({"tag": 100, "trunks": []})]);
    assert!(ovs.state().contains(&format!("Port \"{}\" ", outer.port())), "{}", ovs.state());
    drop(outer);
    assert_eq!(ovs.state(), before);
}

#[test]
fn outer_namespaces_meet_in_their_vlan_only() {
    let ovs = ovs();
    let [one, two, other] = [100, 100, 200].map(|tag| ovs.add_outer(BRIDGE, Some(tag)));
    assert_eq!(one.ping(two.address(), 100), 100);
    assert!(!one.reaches(other.address()));
    one.netns().exec(&["bash", "-c", &format!("echo > /dev/udp/{}/9", two.address())]);
    eventually(SOON, "a datagram with its checksum", || strays(&two) == 1);
}

#[test]
fn a_pod_forwards_between_two_vlans() {
    let (ovs, pod) = (ovs(), Netns::new());
    let before = ovs.state();
    let between = Between::new(&ovs, "plain", 1500);
    let [here, there] = &between.outer;
    assert!(!here.reaches(there.address()));
    let testpmd = between.forward(&ovs, &pod, &[]);
    assert!(testpmd.link_is_up(0) && testpmd.link_is_up(1));
    assert_eq!(here.ping(there.address(), 1000), 1000);
    let [first, second] = [0, 1].map(|port| testpmd.stats(port));
    // Some more: the two have to learn each other's address.
    assert!((1000..1020).contains(&first.received), "{first:?}");
    assert!((1000..1020).contains(&second.received), "{second:?}");
    assert_eq!((first.received, second.received), (second.sent, first.sent));
    assert_eq!(first.dropped + second.dropped, 0);
    assert_eq!(testpmd.stop(), [first, second]);
    between.delete(&ovs);
    assert_eq!(ovs.state(), before);
}

#[test]
fn large_packets_pass_a_pod() {
    let (ovs, pod) = (ovs(), Netns::new());
    let between = Between::new(&ovs, "large", 9000);
    let jumbo = ["--max-pkt-len=9018", "--enable-scatter", "--tx-offloads=0x8000"];
    let testpmd = between.forward(&ovs, &pod, &jumbo);
    let [here, there] = &between.outer;
    assert_eq!(here.ping_with(there.address(), 100, &["-s", "8000", "-M", "do"]), 100);
    drop(testpmd);
    between.delete(&ovs);
}

#[test]
fn traffic_goes_on_with_a_new_switch() {
    let (ovs, pod) = (ovs(), Netns::new());
    let between = Between::new(&ovs, "again", 1500);
    let testpmd = between.forward(&ovs, &pod, &[]);
    let [here, there] = &between.outer;
    assert_eq!(here.ping(there.address(), 100), 100);
    ovs.kill_vswitchd();
    assert!(!here.reaches(there.address()));
    ovs.start_vswitchd();
    between.wait_links_up(&ovs);
    // The switch tells of a link before the program has seen all of its new rings.
    eventually(SOON, "the first answer", || here.reaches(there.address()));
    assert_eq!(here.ping(there.address(), 100), 100, "{}", ovs.tail());
    drop(testpmd);
    between.delete(&ovs);
}

#[test]
fn a_new_database_server_has_what_was_in_it() {
    let ovs = ovs();
    let [one, two] = [(); 2].map(|()| ovs.add_outer(BRIDGE, None));
    let before = ovs.state();
    ovs.kill_ovsdb();
    ovs.start_ovsdb();
    assert_eq!(ovs.state(), before);
    // Without it the switch does not look at the ports of outer namespaces.
    eventually(SOON, "the switch to find it", || one.reaches(two.address()));
    assert_eq!(one.ping(two.address(), 100), 100);
}

#[test]
fn nothing_is_left_of_it() {
    let (ovs, pod) = (ovs(), Netns::new());
    let between = Between::new(&ovs, "last", 1500);
    let testpmd = between.forward(&ovs, &pod, &[]);
    let mut programs = running();
    programs.sort();
    assert_eq!(programs, HARNESS);
    drop((testpmd, between));
    ovs.end();
    assert_eq!(running(), [""; 0]);
}
