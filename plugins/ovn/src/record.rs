//! What the record of an attachment holds: all that is needed to take it back.

use std::path::PathBuf;

use cni::{AddResult, Route};
use handover::{Place, Rights};
use hostnet::NetnsId;
use journal::Record;
use ovsdb::Address;
use ovsdb::northbound::NewLogicalPort;
use ovsdb::vswitch::NewPort;
use serde::{Deserialize, Serialize};

use crate::conf::Database;

/// The ovn part of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// The northbound database.
    pub nb: Database,
    /// The logical port.
    pub logical: NewLogicalPort,
    /// Database of the chassis' switch.
    pub ovsdb: Address,
    /// The port of the integration bridge; the host's end of the pair has its name.
    pub port: NewPort,
    /// Interface in the pod.
    pub ifname: String,
    /// Its socket, where it is none of the kernel's.
    pub socket: Option<SocketDetail>,
    /// The pod's namespace.
    pub netns: NetnsId,
    /// IPAM was (or is about to be) called.
    pub ipam: bool,
}

/// A vhost-user socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SocketDetail {
    /// Where it is.
    pub place: Place,
    /// Whose its directory is.
    pub rights: Rights,
    /// File the runtime asked for.
    pub device_info: Option<PathBuf>,
}

impl Detail {
    /// What no other attachment may have.
    pub(crate) fn claim(&self) -> String {
        let name = &self.port.name;
        self.socket.as_ref().map_or_else(|| name.clone(), |one| one.place.claim(name))
    }
}

impl SocketDetail {
    /// Path of the socket as the application has it.
    pub(crate) fn pod_path(&self) -> String {
        self.place.pod_dir().join(SOCKET).display().to_string()
    }
}

/// Name of the socket in its directory.
pub(crate) const SOCKET: &str = "vhost.sock";

/// What is appended when the last step was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The result.
    pub result: AddResult,
    /// The routes that the interface was given.
    pub routes: Vec<Route>,
}

/// A record of this plugin.
pub(crate) type OvnRecord = Record<Detail>;
