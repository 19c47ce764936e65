//! The record of an attachment, whatever a plugin has in it.

use cni::{Request, code};
use journal::{Error, Journal, Record};

use crate::owner_of;

/// The record of an attachment that is about to be made.
#[must_use]
pub fn record_of<D>(journal: &Journal, request: &Request, detail: D) -> Record<D> {
    let conf = String::from_utf8_lossy(request.conf.raw()).into_owned();
    Record::new(journal.boot_id(), &request.conf.name, owner_of(request), conf, detail)
}

/// The code of a failure of records and locks, and what the user can do.
#[must_use]
pub fn journal_code(error: &Error) -> (u32, &'static str) {
    match error {
        Error::Busy { .. } => (code::TRY_AGAIN, "the runtime will retry"),
        Error::File { .. } | Error::Damaged { .. } => {
            (code::IO, "check space and permissions of /var/lib/fastpath and /run/fastpath")
        }
        Error::Foreign { .. } => (code::IO, "use the release that wrote it to DEL the attachment"),
    }
}
