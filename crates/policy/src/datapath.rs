//! The ways a packet can take to a pod.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A way to a pod, named as in labels, annotations and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Datapath {
    /// `vf`: a virtual function of the network card.
    Vf,
    /// `ovs-dpdk`: a vhost-user socket of Open vSwitch on DPDK.
    OvsDpdk,
    /// `ovn`: a port on an OVN overlay.
    Ovn,
    /// `kernel`: a Linux bridge.
    Kernel,
}

impl Datapath {
    pub(crate) const ALL: [Self; 4] = [Self::Vf, Self::OvsDpdk, Self::Ovn, Self::Kernel];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vf => "vf",
            Self::OvsDpdk => "ovs-dpdk",
            Self::Ovn => "ovn",
            Self::Kernel => "kernel",
        }
    }
}

impl fmt::Display for Datapath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<Datapath> for &'static str {
    fn from(path: Datapath) -> Self {
        path.as_str()
    }
}

/// The name is not that of a [`Datapath`].
#[derive(Debug, thiserror::Error)]
#[error("no such path; there are vf, ovs-dpdk, ovn and kernel")]
pub struct UnknownPath;

impl TryFrom<String> for Datapath {
    type Error = UnknownPath;

    fn try_from(name: String) -> Result<Self, UnknownPath> {
        Self::ALL.into_iter().find(|path| path.as_str() == name).ok_or(UnknownPath)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_others_do_not() {
        for path in Datapath::ALL {
            assert_eq!(Datapath::try_from(path.to_string()).unwrap(), path);
        }
        for name in ["", "VF", "vf-pod", "ovs"] {
            assert!(Datapath::try_from(name.to_owned()).is_err(), "{name}");
        }
    }
}
