//! OVSDB client (RFC 7047), and the rows of the databases `Open_vSwitch` and `OVN_Northbound` that we touch.
//!
//! Touches: the socket of the database server, nothing else. No tool of Open vSwitch is run.
//!
//! Two layers. [`Client`] speaks the protocol: it answers the server's `echo`, gives every call a
//! deadline, takes answers of up to [`MAX_MESSAGE`] bytes, and can connect again.
//! [`Vswitch`] does on it what `ovs-vsctl` does beside the transaction: it makes sure by `wait` that
//! nothing changed meanwhile, raises `next_cfg`, waits for `ovs-vswitchd` to take the change up
//! (`cur_cfg`), and reports the `error` that it found. [`Northbound`] is the same for the database of
//! OVN, where `ovn-northd` and the chassis are waited for.
//!
//! Databases on other hosts (`tcp:`, `ssl:`) come with the feature `remote`, and TLS with them.
//!
//! Sections cited as "RFC 7047 5.1" are those of the protocol's specification; columns are explained
//! in ovs-vswitchd.conf.db(5).
#![forbid(unsafe_code)]

mod address;
mod client;
mod datum;
pub mod declared;
mod error;
pub mod fuzz;
mod identity;
mod monitor;
pub mod northbound;
#[cfg(feature = "remote")]
mod remote;
mod stream;
mod transaction;
pub mod vswitch;
mod wire;

#[cfg(feature = "remote")]
pub use address::Endpoint;
pub use address::{Address, ParseAddressError};
pub use client::Client;
pub use datum::{Datum, Map, Optional, Set, Uuid, map, named, set};
pub use error::Error;
pub use identity::Identity;
pub use monitor::{RowChange, TableUpdates};
pub use northbound::Northbound;
#[cfg(feature = "remote")]
pub use remote::IdentityError;
pub use transaction::{Answers, Condition, Row, Selected, Transaction, at_least, equals, includes};
pub use vswitch::Vswitch;
pub use wire::MAX_MESSAGE;
