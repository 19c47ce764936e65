//! DEL: from the record, not from the configuration. Everything that can be done is done; the record
//! stays until all of it is.

use attachment::{Failures, LOCK_DEADLINE, begin_removal, ipam_del, owner_of, release_addresses};
use cni::{Request, logging};
use journal::{Entry, Journal};
use ovsdb::vswitch::Unplugged;

use crate::conf::Conf;
use crate::error::OvnError;
use crate::record::OvnRecord;
use crate::{Ovn, restore};

pub(crate) fn del(plugin: &Ovn, request: &Request) -> Result<(), cni::Error> {
    let owner = owner_of(request);
    logging::init_of(&request.conf, &owner.to_string());
    let journal = plugin.journal()?;
    let _lock = plugin.locks.owner(&owner, LOCK_DEADLINE).map_err(OvnError::from)?;
    journal.remove_temporary(&owner).map_err(OvnError::from)?;
    // The record outlives a power cut, so without one there is no port either.
    let Some(entry) = journal.find(&owner).map_err(OvnError::from)? else {
        return ipam_del(request);
    };
    let record: OvnRecord = match journal.load(&entry) {
        Err(error @ journal::Error::Damaged { .. }) => {
            log::warn!("{}; detaching what the configuration says", cni::chain(&error));
            return release_unread(plugin, &journal, &entry, request).into_result();
        }
        record => record.map_err(OvnError::from)?,
    };
    begin_removal(&journal, &entry);
    release(&journal, &entry, &record, request).into_result()
}

/// Takes back an attachment; the record goes when all of it is. `request` lends `CNI_PATH` and the arguments
/// for IPAM.
pub(crate) fn release(
    journal: &Journal,
    entry: &Entry,
    record: &OvnRecord,
    request: &Request,
) -> Failures {
    let detail = &record.detail;
    let theirs = [restore::theirs(&entry.owner)];
    let mut failures = Failures::default();
    let unplugged = restore::unplug(&detail.ovsdb, &theirs);
    // The kernel removes the pair while the switch lets go of its end: both take their time.
    failures.note(restore::interface(detail, entry.claim.is_some()));
    failures.note(restore::logical(&detail.nb, &theirs));
    failures.note(unplugged.map(Unplugged::wait));
    if detail.ipam {
        failures.note(release_addresses(record, request));
    }
    if failures.is_empty() {
        failures.note(journal.remove(entry).map_err(OvnError::from));
    }
    failures
}

/// Takes back an attachment whose record a power cut has damaged, by its owner and claim.
fn release_unread(plugin: &Ovn, journal: &Journal, entry: &Entry, request: &Request) -> Failures {
    let mut failures = Failures::default();
    let theirs = [restore::theirs(&entry.owner)];
    match Conf::of_network(&request.conf) {
        Ok(conf) => {
            failures.note(restore::port(&conf.ovsdb, &theirs));
            failures.note(restore::logical(&conf.nb, &theirs));
        }
        Err(error) => drop(failures.note(Err(OvnError::from(error)))),
    }
    failures.note(restore::claimed(&plugin.host.run, entry));
    failures.note(ipam_del(request));
    if failures.is_empty() {
        failures.note(journal.remove(entry).map_err(OvnError::from));
    }
    failures
}
