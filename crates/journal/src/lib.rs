//! What we did to the host, written before it is done.
//!
//! Touches: `<state>/<plugin>/` (one file per attachment), `<state>/pools/` and
//! `<state>/allocations/` (what the node agent hands out), `<run>/locks` and
//! `<run>/calls` (how long calls took). Knows nothing of networks: what a record describes is the caller's type.
//!
//! A record's file name is `CLAIM@CONTAINER:IFNAME.json`. The claim is the resource that no second
//! attachment may have (a VF's PCI address, a socket slot); it is empty once the resource was given
//! back. So one look at the directory tells who owns what, to us and to an operator.

#![forbid(unsafe_code)]

mod calls;
mod lock;
mod pools;
mod record;
mod store;

pub use calls::{Call, Calls};
pub use lock::{Lock, Locks};
pub use pools::{allocated_group, pooled_devices, write_allocation, write_pools};
pub use record::{Owner, Record, Stage};
pub use store::{Durability, Entry, Journal};

use std::io;
use std::path::PathBuf;

/// Failures of the journal. The variant is the operation, the fields its object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation below the state directory failed.
    #[error("{operation} {path}")]
    File {
        /// "read", "write", "rename", ...
        operation: &'static str,
        /// File or directory.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A record is there but is no JSON: damaged by a power cut.
    #[error("record {path} is damaged")]
    Damaged {
        /// File.
        path: PathBuf,
        /// Cause.
        source: serde_json::Error,
    },
    /// A record is whole but not of a shape we know: written by another release.
    #[error("record {path} was written by another release of fastpath")]
    Foreign {
        /// File.
        path: PathBuf,
        /// Cause.
        source: serde_json::Error,
    },
    /// Somebody else holds the lock.
    #[error("another call still works on {what}")]
    Busy {
        /// The locked thing.
        what: String,
    },
}

impl Error {
    pub(crate) fn file(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { operation, path, source }
    }
}
