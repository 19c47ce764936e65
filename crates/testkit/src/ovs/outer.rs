//! A place outside of all pods, at a port of a bridge.

#![expect(clippy::disallowed_methods, reason = "runs ping")]

use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use super::{DIR, vsctl};
use crate::netns::Netns;
use crate::process::output;

/// What its only interface is called, inside.
const INSIDE: &str = "eth0";

static COUNT: AtomicU16 = AtomicU16::new(0);

/// A namespace with one interface, which is a port of a bridge: a system port, as a node's own card would
/// be. On drop both go.
#[derive(Debug)]
pub struct Outer {
    netns: Netns,
    port: String,
    address: String,
}

impl Outer {
    pub(super) fn new(bridge: &str, tag: Option<u16>) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (netns, port) = (Netns::new(), format!("outer{number}"));
        let outer =
            Self { netns, port, address: format!("10.99.{}.{}", number / 250, number % 250 + 1) };
        outer.make_link();
        let tag = tag.map(|tag| format!("tag={tag}"));
        vsctl(&[&["add-port", bridge, outer.port.as_str()], tag.as_deref().as_slice()].concat());
        outer
    }

    /// A veth pair that sends nothing by itself, and nothing incomplete.
    fn make_link(&self) {
        let peer = ["peer", "name", INSIDE, "netns", self.netns.name()];
        output("ip", &[&["link", "add", &self.port, "type", "veth"], &peer[..]].concat());
        let quiet = |name: &str| format!("net.ipv6.conf.{name}.disable_ipv6=1");
        output("sysctl", &["-qw", &quiet(&self.port)]);
        self.netns.exec(&["sysctl", "-qw", &quiet(INSIDE)]);
        // Nor does it ask again after some seconds for an address that it knows.
        let sure = format!("net.ipv4.neigh.{INSIDE}.delay_first_probe_time=3600");
        self.netns.exec(&["sysctl", "-qw", &sure]);
        // The kernel leaves checksums to the card, and a switch in userspace does not know of it.
        self.netns.exec(&["ethtool", "-K", INSIDE, "tx", "off"]);
        self.netns.ip(&["address", "add", &format!("{}/16", self.address), "dev", INSIDE]);
        self.set_mtu(1500);
    }

    /// Its namespace.
    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// The name of its port of the bridge.
    pub fn port(&self) -> &str {
        &self.port
    }

    /// Its IPv4 address, in the same network as all others.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Changes the MTU of both ends of its link.
    pub fn set_mtu(&self, mtu: u16) {
        let mtu = mtu.to_string();
        output("ip", &["link", "set", &self.port, "mtu", &mtu, "up"]);
        self.netns.ip(&["link", "set", INSIDE, "mtu", &mtu, "up"]);
    }

    /// Sends so many echo requests, as fast as they are answered, for 20 s at most; tells how many were.
    pub fn ping(&self, address: &str, count: u32) -> u32 {
        self.ping_with(address, count, &[])
    }

    /// Whether any echo request of a second is answered.
    pub fn reaches(&self, address: &str) -> bool {
        self.ping_with(address, 1, &["-w", "1"]) > 0
    }

    /// As [`ping`](Self::ping), with more options: `-s 8000`, ...
    pub fn ping_with(&self, address: &str, count: u32, options: &[&str]) -> u32 {
        // Otherwise whom it could not find before makes ping give up at once.
        self.netns.ip(&["neighbour", "flush", "dev", INSIDE]);
        // A deadline of ping's own would make it send more where some are lost.
        let mut ping = self.netns.command("timeout");
        ping.args(["--signal=INT", "20", "ping", "-nqf", "-W", "2", "-c", &count.to_string()]);
        let output = ping.args(options).arg(address).output();
        let output = output.unwrap_or_else(|error| panic!("ping: {error}"));
        let text = String::from_utf8_lossy(&output.stdout);
        let received = text.split(", ").find_map(|part| part.strip_suffix(" received"));
        received.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{output:?}"))
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        // Perhaps there is no database any more, or nobody who would act on it.
        let db = format!("--db=unix:{DIR}/db.sock");
        let args = [db.as_str(), "--timeout=5", "--if-exists", "del-port", &self.port];
        drop(Command::new("ovs-vsctl").args(args).output());
    }
}
