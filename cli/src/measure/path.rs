//! The paths, and what is needed to measure one.

use std::fmt;

use clap::ValueEnum;
use frames::{End, Mac};
use hostnet::{LinkChange, Netns, Rtnl};

use super::pod::Program;

/// What every end's interface is called inside its namespace.
pub(super) const INSIDE: &str = "eth0";

/// A way that frames may take on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum PathName {
    /// Two ports of a Linux bridge
    Kernel,
    /// Two ports of an OVS-DPDK bridge
    OvsDpdk,
    /// In over vhost-user, through a program in a pod, back over vhost-user
    OvsDpdkPod,
    /// Two ports of a logical switch of OVN
    Ovn,
    /// From one VF to another
    Vf,
    /// In over a VF, through a program in a pod, back over another VF
    VfPod,
}

impl fmt::Display for PathName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernel => "kernel",
            Self::OvsDpdk => "ovs-dpdk",
            Self::OvsDpdkPod => "ovs-dpdk-pod",
            Self::Ovn => "ovn",
            Self::Vf => "vf",
            Self::VfPod => "vf-pod",
        })
    }
}

/// A path that is set up. What was made for it goes with it.
pub(super) struct Path {
    pub(super) name: PathName,
    /// What forwards, for the report.
    pub(super) driver: String,
    /// NUMA node of its device, where it has one.
    pub(super) numa: Option<u32>,
    pub(super) ends: Ends,
    /// What forwards in the pod, where there is one.
    pub(super) program: Option<Program>,
    /// Dropped after those above, in this order.
    pub(super) _keep: Vec<Box<dyn Keep>>,
}

/// Something that is there as long as it is kept.
pub(super) trait Keep {}

/// The two ends of a path.
pub(super) struct Ends {
    pub(super) sender: End,
    pub(super) receiver: End,
    /// MAC that frames are sent to.
    pub(super) to: Mac,
    /// MAC that frames would be sent to the other way.
    pub(super) back: Mac,
}

/// Why a path cannot be measured here, and what to do.
#[derive(Debug)]
pub(super) struct Missing(pub(super) String);

impl<E: std::error::Error> From<E> for Missing {
    fn from(error: E) -> Self {
        Self(cni::chain(&error))
    }
}

/// A namespace with the interface of an end.
pub(super) struct Outer {
    pub(super) netns: Netns,
    pub(super) mac: hostnet::Mac,
}

impl Keep for Outer {}

impl Outer {
    /// A veth pair: `port` where `host` is, the end's interface in a new namespace. Both are up.
    pub(super) fn plugged(host: &Rtnl, port: &str) -> Result<Self, Missing> {
        let netns = Netns::fresh()?;
        host.add_veth(port, INSIDE, &netns)?;
        set_up(host, port)?;
        let inside = host.inside(&netns)?;
        set_up(&inside, INSIDE)?;
        let mac = inside.link_by_name(INSIDE)?.and_then(|link| link.mac);
        Ok(Self { netns, mac: mac.ok_or_else(|| Missing(format!("{port} has no MAC")))? })
    }

    /// Opens the interface for frames.
    pub(super) fn open(&self) -> Result<End, Missing> {
        Ok(self.netns.run(|| End::open(INSIDE))??)
    }
}

pub(super) fn set_up(rtnl: &Rtnl, name: &str) -> Result<u32, Missing> {
    let link = rtnl.link_by_name(name)?.ok_or_else(|| Missing(format!("there is no {name}")))?;
    rtnl.set_link(link.index, &LinkChange { up: Some(true), ..LinkChange::default() })?;
    Ok(link.index)
}

impl Ends {
    /// From one namespace to another.
    pub(super) fn between(from: &Outer, to: &Outer) -> Result<Self, Missing> {
        let [to_mac, back] = [to, from].map(|outer| Mac(outer.mac.0));
        Ok(Self { sender: from.open()?, receiver: to.open()?, to: to_mac, back })
    }
}
