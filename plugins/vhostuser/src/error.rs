//! What can go wrong, and the CNI code each case has (docs/errors.md).

use attachment::{ConfError, DRIFT, journal_code};
use cni::code;

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
            Self::Journal(e) => journal_code(e),
            Self::Net(_) | Self::DeviceInfo(_) => (code::IO, ""),
            Self::Handover(e) => e.code_and_hint(),
            Self::Switch(ovsdb::Error::NoBridge(_)) => {
                (code::CONFIG, "create it with datapath_type=netdev, or give createBridge")
            }
            Self::Switch(e) => handover::switch_code(e),
            Self::NoNetns => (code::ENVIRONMENT, "the runtime has to pass CNI_NETNS"),
            Self::AlreadyAttached(_) => {
                (code::CONFIG, "every ADD needs a DEL before it is repeated")
            }
            Self::Drift(_) => (DRIFT, "delete and create the pod again"),
            Self::NotAvailable(_) => (code::NOT_AVAILABLE, ""),
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
