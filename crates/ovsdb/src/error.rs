//! What can go wrong.

use std::io;

use crate::Address;

/// Failures of the client. The variant is the operation, the fields its object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers at the address.
    #[error("connect to the database server at {address}")]
    Connect {
        /// Where.
        address: Address,
        /// Cause.
        source: io::Error,
    },
    /// The connection broke, or the server closed it.
    #[error("talk to the database server at {address}")]
    Connection {
        /// Where.
        address: Address,
        /// Cause.
        source: io::Error,
    },
    /// The server did not answer by the deadline.
    #[error("the database server at {address} did not answer {method} in time")]
    Late {
        /// Where.
        address: Address,
        /// What was asked.
        method: String,
    },
    /// The server sent something that is no message of the protocol.
    #[error("the database server sent something that is not OVSDB: {0}")]
    NotOvsdb(String),
    /// The server refused a request as a whole.
    #[error("the database server refused {method}: {error}")]
    Refused {
        /// What was asked.
        method: String,
        /// Its words.
        error: String,
    },
    /// An operation of a transaction failed, so that nothing of it was done.
    #[error("the database refused {operation}: {error}{}{details}", if details.is_empty() { "" } else { ", " })]
    Operation {
        /// Its position in the transaction; as many as there are where the commit itself failed.
        index: usize,
        /// Operation and table.
        operation: String,
        /// Error string (RFC 7047 3.1), `timed out` for a `wait`.
        error: String,
        /// The server's explanation.
        details: String,
    },
    /// A row does not have the shape that this release knows.
    #[error("read the rows of table {table}")]
    Row {
        /// Table.
        table: &'static str,
        /// Which column.
        source: serde_json::Error,
    },
    /// `ovs-vswitchd` did not take the change up.
    #[error("ovs-vswitchd did not take up the change in {seconds} s")]
    NotApplied {
        /// How long it was waited for.
        seconds: u64,
    },
    /// `ovs-vswitchd` could not make the interface: its `error` column.
    #[error("ovs-vswitchd could not make {interface}: {text}")]
    Interface {
        /// Interface.
        interface: String,
        /// Its words.
        text: String,
    },
    /// A port or interface of this name is there already, and is another's.
    #[error("a port {name} that is not ours exists already")]
    PortTaken {
        /// Name.
        name: String,
    },
    /// Another interface has the MAC.
    #[error("mac {mac} belongs to interface {interface} already")]
    MacTaken {
        /// MAC.
        mac: String,
        /// Interface that has it.
        interface: String,
    },
    /// The switch runs without DPDK.
    #[error("Open vSwitch has not initialised DPDK")]
    NoDpdk,
    /// There is no such bridge.
    #[error("there is no bridge {0}")]
    NoBridge(String),
    /// The bridge cannot have DPDK ports.
    #[error("bridge {name} has datapath_type {found:?}, not netdev")]
    NotNetdev {
        /// Bridge.
        name: String,
        /// What it has.
        found: String,
    },
    /// The database has no row in `Open_vSwitch`: nobody initialised it.
    #[error("the database at {0} was never initialised (it has no Open_vSwitch row)")]
    NotInitialised(Address),
    /// Others changed the same rows again and again.
    #[error("{0} kept changing meanwhile")]
    Contended(String),
}

impl Error {
    /// Whether the connection is lost or useless, so that a new one may do.
    #[must_use]
    pub fn is_disconnect(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Connection { .. } | Self::Late { .. })
    }

    /// Whether the server and we do not believe each other: trying again is of no use.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn is_tls(&self) -> bool {
        match self {
            Self::Connect { source, .. } | Self::Connection { source, .. } => {
                crate::remote::is_tls(source)
            }
            _ => false,
        }
    }

    /// Position of the `wait` that did not come true, where that is what failed.
    #[must_use]
    pub fn timed_out_at(&self) -> Option<usize> {
        match self {
            Self::Operation { index, error, .. } if error == "timed out" => Some(*index),
            _ => None,
        }
    }
}
