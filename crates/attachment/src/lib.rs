//! What the plugins of this suite share: an attachment's way from ADD to DEL and GC.
//!
//! A plugin knows its device; that the record is found by the owner, that addresses are released with
//! the configuration of ADD, that everything which fails is told at the end, what is left for GC, and
//! what is wrong with a configuration, is the same for all of them. Touches nothing itself but the log and the records it is given.
#![forbid(unsafe_code)]

mod address;
mod conf;
mod error;
mod failures;
mod record;
mod removal;
pub mod rows;
mod stale;

use std::time::Duration;

use cni::Request;
use journal::Owner;

pub use address::{addresses, ipam_del, merge, release_addresses};
pub use conf::{ConfError, invalid};
pub use error::Error;
pub use failures::{Failures, RESTORE};
pub use record::{journal_code, lock_new, netns_of, no_drift, record_of, recorded};
pub use removal::begin_removal;
pub use stale::{locked, request_of, stale};

/// CHECK found a difference between record and host (docs/errors.md).
pub const DRIFT: u32 = 100;

/// How long a call waits for others that work on the same attachment or device.
pub const LOCK_DEADLINE: Duration = Duration::from_mins(1);

/// Whose attachment a call concerns.
#[must_use]
pub fn owner_of(request: &Request) -> Owner {
    Owner { container_id: request.container_id.to_string(), ifname: request.ifname.to_string() }
}
