//! What can go wrong, and the CNI code each case has (docs/errors.md).

use attachment::{ConfError, journal_code};
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
    /// What every plugin does.
    #[error(transparent)]
    Attachment(#[from] attachment::Error),
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
}

impl VhostError {
    /// The code of the failure and what the user can do.
    fn code_and_hint(&self) -> (u32, &'static str) {
        match self {
            Self::Conf(_) => (code::CONFIG, "see the field table in the vhostuser README"),
            Self::Delegate(e) => (e.code, ""),
            Self::Attachment(e) => e.code_and_hint(),
            Self::Journal(e) => journal_code(e),
            Self::Net(_) | Self::DeviceInfo(_) => (code::IO, ""),
            Self::Handover(e) => e.code_and_hint(),
            Self::Switch(ovsdb::Error::NoBridge(_)) => {
                (code::CONFIG, "create it with datapath_type=netdev, or give createBridge")
            }
            Self::Switch(e) => handover::switch_code(e),
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
