//! What the tests of the overlay share.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use integration::{examples, listing, with};
use serde_json::{Value, json};
use testkit::cni::{Output, Plugin};
use testkit::netns::{Netns, private_mounts};
use testkit::ovn::{Chassis, Ovn};
use testkit::wait::eventually;

use crate::bed::ovs;

/// Where the plugin's records are; chassis share the file system here.
pub(super) const RECORDS: &str = "/var/lib/fastpath/ovn";
/// Where host-local has the addresses of default networks.
const LEASES: &str = "/var/lib/cni/networks";

/// An overlay with two chassis and the logical switch `blue`; the plugin on each.
pub(super) struct Scene {
    pub(super) ovn: Ovn,
    pub(super) chassis: Vec<Chassis>,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(Ovn::start, |ovn| Chassis::pair(ovn).into())
    }

    /// With three chassis, the first with DPDK: of two OVN's standby cannot tell whether the other one died or it is itself cut off.
    pub(super) fn with_three() -> Self {
        ovs().end();
        let names = ["chassis-a", "chassis-b", "chassis-c"];
        Self::with(Ovn::start, |ovn| Chassis::several(ovn, names).into())
    }

    /// With three servers that have the northbound database.
    pub(super) fn with_cluster() -> Self {
        Self::with(Ovn::start_cluster, |ovn| Chassis::pair(ovn).into())
    }

    /// With switches that have DPDK, in the place of the one that other tests share.
    pub(super) fn with_dpdk() -> Self {
        ovs().end();
        Self::with(Ovn::start, |ovn| Chassis::pair_with_dpdk(ovn).into())
    }

    fn with(start: fn() -> Ovn, chassis: impl Fn(&Ovn) -> Vec<Chassis>) -> Self {
        private_mounts(&["/run", "/var/lib"]);
        // What a test that failed has left is not of this overlay.
        for dir in [RECORDS, LEASES] {
            assert!(!Path::new(dir).exists() || fs::remove_dir_all(dir).is_ok());
        }
        let ovn = start();
        let subnet = "other_config:subnet=10.10.0.0/24";
        ovn.nbctl(&["ls-add", "blue", "--", "set", "logical_switch", "blue", subnet]);
        let chassis = chassis(&ovn);
        Self { ovn, chassis }
    }

    pub(super) fn plugin(&self, chassis: usize) -> Plugin {
        Plugin::new("ovn").inside(self.chassis[chassis].netns())
    }

    /// A configuration with these keys.
    pub(super) fn conf(&self, chassis: usize, keys: &Value) -> Value {
        let conf = json!({
            "cniVersion": "1.1.0", "name": "overlay", "type": "ovn", "switch": "blue",
        });
        with(&self.here(chassis, &conf), keys)
    }

    /// A configuration for any host, with the databases of this one.
    pub(super) fn here(&self, chassis: usize, conf: &Value) -> Value {
        let [nb, ovsdb] = [json!(self.ovn.nb_servers()), json!(self.chassis[chassis].ovsdb())];
        with(conf, &json!({"nb": nb, "ovsdb": ovsdb}))
    }

    /// multus-lite, with Debian's plugins for the default network.
    pub(super) fn multus(&self, chassis: usize) -> Plugin {
        Plugin::new("multus-lite").inside(self.chassis[chassis].netns()).path("/usr/lib/cni")
    }

    /// The example of the overlay beside a default network, with these keys more for the overlay.
    pub(super) fn beside(&self, chassis: usize, keys: &Value) -> Value {
        let mut conf = examples::read("ovn/beside.conf");
        let overlay = self.here(chassis, &conf["delegates"][1]);
        conf["delegates"][1] = with(&overlay, keys);
        conf
    }

    /// ADD of `net1`.
    pub(super) fn add(&self, chassis: usize, name: &str, pod: &Netns, keys: &Value) -> Output {
        self.plugin(chassis).add(&self.conf(chassis, keys), name, "net1", pod.path())
    }

    /// DEL of `net1`.
    pub(super) fn del(&self, chassis: usize, name: &str, pod: &str) -> Output {
        self.plugin(chassis).del(&self.conf(chassis, &json!({})), name, "net1", pod)
    }

    /// All that an external network may leave: rows of both databases and settings, with what is in them.
    pub(super) fn external_state(&self) -> String {
        self.external_state_of(&self.chassis)
    }

    /// The same, of some of the chassis.
    pub(super) fn external_state_of(&self, chassis: &[Chassis]) -> String {
        let logical = [
            "Logical_Router",
            "Logical_Router_Port",
            "Logical_Router_Static_Route",
            "NAT",
            "Gateway_Chassis",
            "Logical_Switch",
            "Logical_Switch_Port",
        ];
        let logical = logical.map(|table| self.ovn.nbctl(&["--format=csv", "list", table]));
        let switches = chassis.iter().map(|chassis| {
            let ids = chassis.vsctl(&["get", "Open_vSwitch", ".", "external_ids"]);
            let bridges = chassis.vsctl(&["list-br"]);
            let ports = bridges.lines().filter(|bridge| *bridge != "br-int");
            let ports: Vec<_> =
                ports.map(|bridge| chassis.vsctl(&["list-ports", bridge])).collect();
            format!("{ids} {bridges} {ports:?}")
        });
        let switches: Vec<_> = switches.collect();
        format!("{logical:#?}\n{switches:#?}")
    }

    /// All that attachments may leave: rows of both databases, links, records.
    pub(super) fn state(&self) -> String {
        self.state_of(&self.chassis)
    }

    /// The same, of some of the chassis.
    pub(super) fn state_of(&self, chassis: &[Chassis]) -> String {
        let table = |table: &str, columns: &str| {
            let columns = format!("--columns={columns}");
            self.ovn.nbctl(&["--format=csv", "--no-headings", &columns, "list", table])
        };
        let links = chassis.iter().map(|chassis| {
            let text = chassis.netns().ip(&["-br", "link"]);
            let name = |line: &str| line.split(['@', ' ']).next().unwrap_or_default().to_owned();
            let mut names: Vec<String> = text.lines().map(name).collect();
            names.retain(|name| name.starts_with("ov") && !name.starts_with("ovs-"));
            names
        });
        let links: Vec<_> = links.collect();
        format!(
            "switches {}\nports {}\nlimits {}\ndhcp {}\nplugged {:?}\nlinks {links:?}\nrecords {:?}",
            table("Logical_Switch", "name,ports"),
            table("Logical_Switch_Port", "name"),
            table("QoS", "match"),
            table("DHCP_Options", "cidr"),
            chassis.iter().map(Chassis::ports).collect::<Vec<_>>(),
            listing(RECORDS),
        )
    }
}

/// Its first address, without the prefix.
pub(super) fn address(result: &Value) -> String {
    result["ips"][0]["address"].as_str().unwrap().split('/').next().unwrap().to_owned()
}

/// Whether all of so many echo requests are answered. The first frame through a tunnel waits for an answer to
/// ARP below it, and is lost.
pub(super) fn pings(pod: &Netns, address: &str, count: u32) -> bool {
    (0..6).any(|_| ping(pod, address, &["-W", "1", "-c", "1"]))
        && ping(pod, address, &["-i", "0.05", "-W", "2", "-c", &count.to_string()])
}

/// Whether any echo request of a second is answered.
pub(super) fn answers(pod: &Netns, address: &str) -> bool {
    ping(pod, address, &["-i", "0.3", "-w", "1"])
}

fn ping(pod: &Netns, address: &str, options: &[&str]) -> bool {
    let mut ping = pod.command("ping");
    ping.arg("-nq").args(options).arg(address);
    ping.output().unwrap().status.success()
}

/// 1 MB over a connection, whose checksums nobody repairs on the way.
pub(super) fn tcp(from: &Netns, to: &Netns, address: &str) {
    let script = "import socket,sys\ns=socket.create_server(('',5000))\nprint('ready',flush=True)\nc,_=s.accept()\nn=0\nwhile True:\n d=c.recv(65536)\n if not d: break\n n+=len(d)\nprint(n)";
    let mut server = to.command("python3");
    let mut server = server.args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    eventually(Duration::from_secs(20), "the server to listen", || {
        to.exec(&["ss", "-tln"]).contains(":5000")
    });
    let send = format!(
        "import socket\ns=socket.create_connection(('{address}',5000),10)\ns.sendall(b'x'*1000000)\ns.close()"
    );
    from.exec(&["timeout", "20", "python3", "-c", &send]);
    let mut said = String::new();
    server.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    server.wait().unwrap();
    assert!(said.contains("1000000"), "{said}");
}
