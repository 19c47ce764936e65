//! Failures that every plugin can have.

use cni::code;
use journal::Owner;

use crate::{DRIFT, journal_code};

/// Failures of this crate's steps.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Records and locks.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// `CNI_NETNS` is missing where the verb needs it.
    #[error("CNI_NETNS is not set")]
    NoNetns,
    /// The same attachment was added before.
    #[error("container {0} is attached already; DEL it first")]
    AlreadyAttached(Owner),
    /// CHECK.
    #[error("the attachment is not as it was made: {0}")]
    Drift(String),
    /// STATUS.
    #[error("{0}")]
    NotAvailable(String),
}

impl Error {
    /// The code of the failure and what the user can do.
    #[must_use]
    pub fn code_and_hint(&self) -> (u32, &'static str) {
        match self {
            Self::Journal(e) => journal_code(e),
            Self::NoNetns => (code::ENVIRONMENT, "the runtime has to pass CNI_NETNS"),
            Self::AlreadyAttached(_) => {
                (code::CONFIG, "every ADD needs a DEL before it is repeated")
            }
            Self::Drift(_) => (DRIFT, "delete and create the pod again"),
            Self::NotAvailable(_) => (code::NOT_AVAILABLE, ""),
        }
    }
}
