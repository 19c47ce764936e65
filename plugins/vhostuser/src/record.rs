//! What the record of an attachment holds: all that is needed to take it back, or to make it again.

use std::path::{Path, PathBuf};

use cni::AddResult;
use handover::{Place, Rights};
use hostnet::NetnsId;
use journal::Record;
use npwg::devinfo::SocketMode;
use ovsdb::Address;
use ovsdb::vswitch::{NewPort, PortKind, View};
use serde::{Deserialize, Serialize};

/// The vhostuser part of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// Database of the switch.
    pub ovsdb: Address,
    /// The port.
    pub port: NewPort,
    /// Where its socket is.
    pub place: Place,
    /// Name of the socket there.
    pub socket_file: String,
    /// Whose the directory is.
    pub rights: Rights,
    /// The pod's namespace.
    pub netns: NetnsId,
    /// File the runtime asked for.
    pub device_info: Option<PathBuf>,
    /// IPAM was (or is about to be) called.
    pub ipam: bool,
}

/// What is appended when the last step was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The result.
    pub result: AddResult,
}

/// A record of this plugin.
pub(crate) type VhostRecord = Record<Detail>;

impl Detail {
    /// Where the switch listens, if it does: its socket has the port's name and is beside that of its
    /// database, or in the folder below that its settings name.
    pub(crate) fn switch_socket(&self, view: &View) -> PathBuf {
        let below = view.switch.other_config.get("vhost-sock-dir").unwrap_or_default();
        let run_dir = self.ovsdb.directory().unwrap_or(Path::new("/"));
        run_dir.join(below).join(&self.port.name)
    }

    /// Path of the socket as the application has it.
    pub(crate) fn pod_socket(&self) -> PathBuf {
        self.place.pod_dir().join(&self.socket_file)
    }

    /// Who listens on it, seen from the container; `mode` of the configuration is seen from the switch.
    pub(crate) fn socket_mode(&self) -> SocketMode {
        match self.port.kind {
            PortKind::VhostUserClient { .. } => SocketMode::Server,
            _ => SocketMode::Client,
        }
    }
}
