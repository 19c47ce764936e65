//! What can go wrong, and the CNI code each case has (docs/errors.md).

use std::io;
use std::path::{Path, PathBuf};

use attachment::journal_code;
use cni::code;

/// `ovs-vswitchd` could not make a port (docs/errors.md).
pub const PORT: u32 = 120;

/// Failures of this crate. The variant is the operation, the fields its object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The interface's name cannot be put into `--vdev`.
    #[error("interface name {0:?} cannot be used for vhost-user")]
    IfName(String),
    /// A slot that was not handed out by the node agent.
    #[error("deviceID {id} is no slot of the node agent: read {}", path.display())]
    Slot {
        /// Slot.
        id: String,
        /// What describes it.
        path: PathBuf,
        /// Why that cannot be read.
        source: io::Error,
    },
    /// The slot is for another bridge.
    #[error("deviceID {id} of pool {pool} is for bridge {bridge}, the network names {wanted}")]
    SlotBridge {
        /// Slot.
        id: String,
        /// Its pool.
        pool: String,
        /// Its bridge.
        bridge: String,
        /// Bridge of the network.
        wanted: String,
    },
    /// The slot belongs to a living pod.
    #[error("slot {slot} is attached to container {owner}")]
    Claimed {
        /// Slot.
        slot: String,
        /// Its owner.
        owner: String,
    },
    /// Records and locks.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The switch of an attachment that had the slot.
    #[error(transparent)]
    Switch(#[from] ovsdb::Error),
    /// In Kubernetes, and nowhere for the socket.
    #[error("the pod has neither a slot of the node agent nor a volume shared-dir for the socket")]
    NoSlotNoVolume,
    /// Longer than a socket's address.
    #[error("the socket's path {} is longer than 107 bytes", .0.display())]
    LongPath(PathBuf),
    /// Somebody else's.
    #[error("{} is there already and does not belong to an attachment", .0.display())]
    Present(PathBuf),
    /// The attachment's directory.
    #[error("{operation} {}", path.display())]
    Directory {
        /// "make", "write", ...
        operation: &'static str,
        /// Directory or file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The switch's socket could not be given to the pod.
    #[error("give the pod the switch's socket {}", socket.display())]
    LinkSocket {
        /// Socket of the switch.
        socket: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// No such user or group.
    #[error("there is no {name:?} in {}", path.display())]
    UnknownAccount {
        /// Name.
        name: String,
        /// Where it was looked up.
        path: PathBuf,
        /// Why that cannot be read.
        source: Option<io::Error>,
    },
}

impl Error {
    pub(crate) fn directory(
        operation: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Directory { operation, path, source }
    }

    /// The code of the failure and what the user can do.
    #[must_use]
    pub fn code_and_hint(&self) -> (u32, &'static str) {
        match self {
            Self::IfName(_) => (
                code::CONFIG,
                "choose a name of letters, digits, _ . and -: it becomes part of the application's arguments",
            ),
            Self::Slot { .. } => (
                code::CONFIG,
                "the network's k8s.v1.cni.cncf.io/resourceName has to be a vhost-user pool of the node agent",
            ),
            Self::SlotBridge { .. } => {
                (code::CONFIG, "name the pool of that bridge in the network's resourceName")
            }
            Self::Claimed { .. } => (code::TRY_AGAIN, "it is free when that container is deleted"),
            Self::Journal(e) => journal_code(e),
            Self::Switch(e) => switch_code(e),
            Self::NoSlotNoVolume => (
                code::CONFIG,
                "give the network a k8s.v1.cni.cncf.io/resourceName of a vhost-user pool and request it, \
                 or give the pod an emptyDir volume called shared-dir",
            ),
            Self::LongPath(_) => (code::CONFIG, "choose a shorter sharedDir or socketfile"),
            Self::Present(_) => (code::CONFIG, "look what it is, and remove it"),
            Self::Directory { .. } => (code::IO, ""),
            Self::LinkSocket { source, .. } if source.raw_os_error() == Some(nix::libc::EXDEV) => (
                code::CONFIG,
                "a socket that the switch made can be given only to a directory of the same file system, \
                 as /run is: use mode dpdkvhostuserclient",
            ),
            Self::LinkSocket { .. } => (
                code::IO,
                "the socket should be in the directory of the database's socket; look into ovs-vswitchd.log",
            ),
            Self::UnknownAccount { .. } => (code::CONFIG, "correct socketDir, or give a number"),
        }
    }
}

/// The code of a failure of the switch, and what the user can do. What a plugin wants of the bridge is the
/// plugin's to say.
#[must_use]
pub fn switch_code(error: &ovsdb::Error) -> (u32, &'static str) {
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
        Error::NoBridge(_) => (code::CONFIG, "create it with datapath_type=netdev"),
        Error::NotNetdev { .. } => {
            (code::CONFIG, "DPDK ports need a bridge of the datapath in user space")
        }
        Error::PortTaken { .. } => (code::CONFIG, "remove it, if nobody needs it"),
        Error::MacTaken { .. } => (code::CONFIG, "give every attachment its own MAC"),
        Error::Interface { .. } => (PORT, "ovs-vswitchd.log has more"),
        Error::NotOvsdb(_) => (code::IO, "is \"ovsdb\" the address of ovsdb-server?"),
        Error::Refused { .. } | Error::Operation { .. } | Error::Row { .. } => {
            (code::IO, "does the database have the schema that is expected?")
        }
    }
}
