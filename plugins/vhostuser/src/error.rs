//! What can go wrong, and the CNI code each case has (docs/errors.md).

use attachment::DRIFT;
use cni::code;
use handover::conf::Invalid;

/// `ovs-vswitchd` could not make the port.
pub(crate) const PORT: u32 = 120;

/// A key with a value it cannot have.
#[derive(Debug, thiserror::Error)]
pub enum ConfError {
    /// The JSON type is wrong; the `cni` crate has named the key.
    #[error("{} {}", .0.msg, .0.details)]
    Fields(cni::Error),
    /// Out of range or misspelt.
    #[error("{key} is {value:?}; it has to be {want}")]
    Value {
        /// Key.
        key: &'static str,
        /// Value found.
        value: String,
        /// What is valid.
        want: &'static str,
    },
    /// No bridge.
    #[error("no bridge is named: give \"bridge\", the OVS bridge to plug the port into")]
    NoBridge,
}

impl From<Invalid> for ConfError {
    fn from(Invalid { key, value, want }: Invalid) -> Self {
        Self::Value { key, value, want }
    }
}

/// Failures of the verbs.
#[derive(Debug, thiserror::Error)]
pub enum VhostError {
    /// Configuration.
    #[error("invalid vhostuser configuration")]
    Conf(#[from] ConfError),
    /// Another plugin (IPAM) failed; its own error object.
    #[error("{}", .0.msg)]
    Delegate(cni::Error),
    /// Records and locks.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The pod's namespace.
    #[error(transparent)]
    Net(#[from] hostnet::Error),
    /// The switch.
    #[error(transparent)]
    Switch(#[from] ovsdb::Error),
    /// The socket's directory and what is in it.
    #[error(transparent)]
    Handover(#[from] handover::Error),
    /// Device-info file.
    #[error(transparent)]
    DeviceInfo(#[from] npwg::Error),
    /// `CNI_NETNS` is missing where the verb needs it.
    #[error("CNI_NETNS is not set")]
    NoNetns,
    /// The same attachment was added before.
    #[error("container {0} is attached already; DEL it first")]
    AlreadyAttached(String),
    /// The slot belongs to a living pod.
    #[error("slot {slot} is attached to container {owner}")]
    Claimed {
        /// Slot.
        slot: String,
        /// Its owner.
        owner: String,
    },
    /// IPAM answered without an address.
    #[error("the IPAM plugin returned no address")]
    NoAddress,
    /// CHECK.
    #[error("the attachment is not as it was made: {0}")]
    Drift(String),
    /// STATUS.
    #[error("{0}")]
    NotAvailable(String),
}

impl VhostError {
    /// The code of the failure and what the user can do.
    fn code_and_hint(&self) -> (u32, &'static str) {
        match self {
            Self::Conf(_) => (code::CONFIG, "see the field table in the vhostuser README"),
            Self::Delegate(e) => (e.code, ""),
            Self::Journal(journal::Error::Busy { .. }) => {
                (code::TRY_AGAIN, "the runtime will retry")
            }
            Self::Journal(journal::Error::File { .. } | journal::Error::Damaged { .. }) => {
                (code::IO, "check space and permissions of /var/lib/fastpath and /run/fastpath")
            }
            Self::Journal(journal::Error::Foreign { .. }) => {
                (code::IO, "use the release that wrote it to DEL the attachment")
            }
            Self::Net(_) | Self::DeviceInfo(_) => (code::IO, ""),
            Self::Handover(e) => e.code_and_hint(),
            Self::Switch(e) => switch_code(e),
            Self::NoNetns => (code::ENVIRONMENT, "the runtime has to pass CNI_NETNS"),
            Self::AlreadyAttached(_) => {
                (code::CONFIG, "every ADD needs a DEL before it is repeated")
            }
            Self::Claimed { .. } => (code::TRY_AGAIN, "it is free when that container is deleted"),
            Self::NoAddress => (code::CONFIG, "check the ranges in ipam, or leave ipam out"),
            Self::Drift(_) => (DRIFT, "delete and create the pod again"),
            Self::NotAvailable(_) => (code::NOT_AVAILABLE, ""),
        }
    }
}

fn switch_code(error: &ovsdb::Error) -> (u32, &'static str) {
    use ovsdb::Error;
    match error {
        Error::Connect { .. } | Error::Connection { .. } | Error::Late { .. } => {
            (code::TRY_AGAIN, "is ovsdb-server running, and is \"ovsdb\" its address?")
        }
        Error::NotApplied { .. } => {
            (code::TRY_AGAIN, "is ovs-vswitchd running? its log says what it does")
        }
        Error::Contended(_) => (code::TRY_AGAIN, ""),
        Error::NoDpdk => (
            code::TRY_AGAIN,
            "set other_config:dpdk-init=true in its database; ovs-vswitchd.log says why it fails",
        ),
        Error::NotInitialised(_) => (code::TRY_AGAIN, "start Open vSwitch"),
        Error::NoBridge(_) => {
            (code::CONFIG, "create it with datapath_type=netdev, or give createBridge")
        }
        Error::NotNetdev { .. } => {
            (code::CONFIG, "DPDK ports need a bridge of the datapath in user space")
        }
        Error::PortTaken { .. } => (code::CONFIG, "remove it, if nobody needs it"),
        Error::MacTaken { .. } => (code::CONFIG, "give every attachment its own MAC"),
        Error::Interface { .. } => (PORT, "ovs-vswitchd.log has more"),
        Error::NotOvsdb(_) => (code::IO, "is \"ovsdb\" the address of ovsdb-server?"),
        Error::Refused { .. } | Error::Operation { .. } | Error::Row { .. } => {
            (code::IO, "does the database have the schema Open_vSwitch?")
        }
    }
}

impl From<VhostError> for cni::Error {
    fn from(error: VhostError) -> Self {
        match error {
            VhostError::Delegate(e) => e,
            other => {
                let (code, hint) = other.code_and_hint();
                Self::from_chain(code, &other, hint)
            }
        }
    }
}
