//! What can go wrong with the overlay, beside the database itself.

use crate::Address;

/// Failures of [`Northbound`](super::Northbound).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database, or the way to it.
    #[error(transparent)]
    Database(#[from] crate::Error),
    /// The server does not serve the database.
    #[error("the server at {address} has no database {database}")]
    NoDatabase {
        /// Where.
        address: Address,
        /// Database.
        database: &'static str,
    },
    /// No server of a cluster leads it.
    #[error("none of the database servers leads its cluster")]
    NoLeader,
    /// There is no such logical switch.
    #[error("there is no logical switch {0}")]
    NoSwitch(String),
    /// Names of logical switches need not be unique.
    #[error("there are several logical switches {0}")]
    SeveralSwitches(String),
    /// A logical port of this name is there already, and is another's.
    #[error("a logical port {name} that is not ours exists already")]
    LogicalPortTaken {
        /// Name.
        name: String,
    },
    /// Another logical port of the switch has the address.
    #[error("address {address} belongs to logical port {port} already")]
    AddressTaken {
        /// MAC or IP address.
        address: String,
        /// Port that has it.
        port: String,
    },
    /// A logical port is gone.
    #[error("logical port {port} was removed meanwhile")]
    NoLogicalPort {
        /// Port.
        port: String,
    },
    /// `ovn-northd` gave no addresses.
    #[error("ovn-northd gave logical port {port} no address in time")]
    NorthdLate {
        /// Port.
        port: String,
    },
    /// No chassis has bound a port.
    #[error("no chassis has bound logical port {port} in time")]
    NotBound {
        /// Port.
        port: String,
    },
    /// Others changed the same rows again and again.
    #[error("the logical switch {0} kept changing meanwhile")]
    Contended(String),
}

impl Error {
    /// Position of the `wait` that did not come true, where that is what failed.
    pub(super) fn timed_out_at(&self) -> Option<usize> {
        match self {
            Self::Database(error) => error.timed_out_at(),
            _ => None,
        }
    }
}
