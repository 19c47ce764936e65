//! What the record of an attachment holds: the host's former state, and what was asked for.

use std::path::PathBuf;

use cni::{AddResult, Route};
use hostnet::{Mac, NetnsId};
use journal::Record;
use serde::{Deserialize, Serialize};
use vf::{Binding, PciAddr, Pf, Vf, VfSettings, VfState};

/// The sriov part of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// The VF.
    pub vf: PciAddr,
    /// Its PF.
    pub pf: PciAddr,
    /// The PF's netdev at ADD.
    pub pf_netdev: String,
    /// The VF's number on the PF.
    pub index: u32,
    /// The pod's namespace.
    pub netns: NetnsId,
    /// The name inside the pod.
    pub ifname: String,
    /// How the container gets the VF.
    pub mode: Mode,
    /// What was there before.
    pub before: Before,
    /// What was asked of the PF.
    pub settings: VfSettings,
    /// MTU asked for, in bytes.
    pub mtu: Option<u32>,
    /// File the runtime asked for.
    pub device_info: Option<PathBuf>,
    /// IPAM was (or is about to be) called.
    pub ipam: bool,
    /// The result, once complete.
    pub result: Option<AddResult>,
    /// Routes of the result that are this attachment's own, not an earlier plugin's.
    pub routes: Vec<Route>,
}

/// How the container gets the VF.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub(crate) enum Mode {
    /// As a network interface.
    Kernel,
    /// As a device of this userspace driver.
    Dpdk {
        /// Driver bound while the container has the VF.
        driver: String,
    },
}

/// The host's former state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Before {
    /// Driver and override.
    pub binding: Binding,
    /// The network interface, where there was one.
    pub netdev: Option<Netdev>,
    /// What the PF reported.
    pub state: VfState,
}

/// A network interface as it was in the host's namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Netdev {
    /// Index, good until the first change.
    pub index: u32,
    /// Name.
    pub name: String,
    /// MAC.
    pub mac: Option<Mac>,
    /// MTU in bytes.
    pub mtu: u32,
    /// Administratively up.
    pub up: bool,
}

/// A record of this plugin.
pub(crate) type SriovRecord = Record<Detail>;

impl Detail {
    /// The VF, as it was found at ADD.
    pub(crate) fn vf(&self) -> Vf {
        Vf {
            addr: self.vf,
            pf: Pf { addr: self.pf, netdev: self.pf_netdev.clone() },
            index: self.index,
        }
    }

    /// Whether the pod's namespace is still there.
    pub(crate) fn pod_lives(&self) -> bool {
        self.netns.reopen().is_some()
    }
}
