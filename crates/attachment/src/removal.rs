//! Saying that an attachment is being taken back, before it is.

use journal::{Entry, Journal};

/// Marks the record, so that a DEL or GC that is killed is finished by the node's caretaker although
/// the pod's namespace lives on. The work itself does not depend on the mark.
pub fn begin_removal(journal: &Journal, entry: &Entry) {
    if let Err(error) = journal.begin_removal(entry) {
        log::warn!("{}: {}", entry.owner, cni::chain(&error));
    }
}
