//! An overlay with two chassis, and a pod on the first one.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use bench::host::make_private;
use nix::sched::{CloneFlags, setns};
use testkit::netns::Netns;
use testkit::ovn::{Chassis, Ovn};

use crate::witness::Witness;

/// The logical switch.
pub(crate) const SWITCH: &str = "blue";
/// What the pod gets: its interface, MAC, address, and the MTU that the tunnel leaves.
pub(crate) const IFNAME: &str = "net1";
pub(crate) const MAC: &str = "02:0a:00:00:00:05";
pub(crate) const IP: &str = "10.10.0.5";
pub(crate) const MTU: u32 = 1442;

/// A port that is always there.
const NEIGHBOUR: &str = "neighbour";

/// All of it goes with the namespaces.
pub(crate) struct Bed {
    pub(crate) witness: Witness,
    pub(crate) chassis: [Chassis; 2],
    pub(crate) ovn: Ovn,
    pub(crate) pod: Netns,
}

impl Bed {
    /// A chassis in use: where there is a port of the logical switch already, it knows the flows. From then on this
    /// thread, and what it starts, is on it.
    pub(crate) fn make(state: &Path) -> Result<Self> {
        make_private(state, &["fastpath"])?;
        let ovn = Ovn::start();
        ovn.nbctl(&["ls-add", SWITCH]);
        let chassis = Chassis::pair(&ovn);
        ovn.nbctl(&["lsp-add", SWITCH, NEIGHBOUR]);
        let (port, id) = ("type=internal", format!("external_ids:iface-id={NEIGHBOUR}"));
        let set = ["--", "set", "Interface", NEIGHBOUR, port, &id];
        chassis[0].vsctl(&[&["add-port", "br-int", NEIGHBOUR], &set[..]].concat());
        let witness = Witness::start(&chassis[0].ovsdb())?;
        let host = chassis[0].netns().path();
        setns(File::open(host)?, CloneFlags::CLONE_NEWNET).context("enter the chassis")?;
        Ok(Self { witness, chassis, ovn, pod: Netns::new() })
    }

    /// There are as many ports more as that, and they work. Northd and the chassis have nothing left to do then.
    pub(crate) fn must_have(&self, ports: usize) -> Result<()> {
        self.ovn.nbctl(&["--wait=hv", "sync"]);
        let csv = ["--format=csv", "--no-headings", "--columns=name"];
        let find = [&csv[..], &["find", "Logical_Switch_Port", "up=true"]].concat();
        let up = self.ovn.nbctl(&find);
        let [logical, plugged] = [self.ovn.ports(SWITCH), self.chassis[0].ports()];
        let counts = [up.lines().count(), logical.len(), plugged.len()];
        ensure!(
            counts == [ports + 1; 3],
            "not {ports}: up {up:?}, of {logical:?}, plugged {plugged:?}"
        );
        let links = self.pod.ip(&["-br", "addr"]);
        let there = links.contains(IFNAME) && links.contains(IP);
        ensure!(there == (ports > 0), "in the pod: {links}");
        Ok(())
    }
}
