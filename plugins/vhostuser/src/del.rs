//! DEL: from the record, not from the configuration. Everything that can be done is done; the record
//! stays until all of it is.

use attachment::{
    Failures, LOCK_DEADLINE, begin_removal, ipam_del, owner_of, release_addresses, rows,
};
use cni::{Request, logging};
use journal::{Entry, Journal};
use npwg::devinfo;

use crate::conf::Conf;
use crate::error::VhostError;
use crate::record::VhostRecord;
use crate::{PREFIX, Vhostuser, restore};

pub(crate) fn del(plugin: &Vhostuser, request: &Request) -> Result<(), cni::Error> {
    let owner = owner_of(request);
    logging::init_of(&request.conf, &owner.to_string());
    let journal = plugin.journal()?;
    let _lock = plugin.locks.owner(&owner, LOCK_DEADLINE).map_err(VhostError::from)?;
    journal.remove_temporary(&owner).map_err(VhostError::from)?;
    // The record outlives a power cut, so without one there is no port either.
    let Some(entry) = journal.find(&owner).map_err(VhostError::from)? else {
        return ipam_del(request);
    };
    let record: VhostRecord = match journal.load(&entry) {
        Err(error @ journal::Error::Damaged { .. }) => {
            log::warn!("{}; detaching what the configuration says", cni::chain(&error));
            return release_unread(plugin, &journal, &entry, request).into_result();
        }
        record => record.map_err(VhostError::from)?,
    };
    begin_removal(&journal, &entry);
    let mut failures = Failures::default();
    let removed = failures.note(restore::ports(&record.detail.ovsdb, &[rows::rows_of(&owner)]));
    failures.merge(release(&journal, &entry, &record, request, removed));
    failures.into_result()
}

/// Takes back the rest of an attachment. Its record stays when its port does. `request` lends `CNI_PATH`
/// and the arguments for IPAM.
pub(crate) fn release(
    journal: &Journal,
    entry: &Entry,
    record: &VhostRecord,
    request: &Request,
    port_removed: bool,
) -> Failures {
    let detail = &record.detail;
    let mut failures = Failures::default();
    failures.note(restore::place(detail, entry.claim.is_some()));
    if detail.ipam {
        failures.note(release_addresses(record, request));
    }
    if let Some(path) = &detail.device_info {
        failures.note(devinfo::remove(path).map_err(VhostError::from));
    }
    if port_removed && failures.is_empty() {
        failures.note(journal.remove(entry).map_err(VhostError::from));
    }
    failures
}

/// Takes back an attachment whose record a power cut has damaged, by its owner and claim.
fn release_unread(
    plugin: &Vhostuser,
    journal: &Journal,
    entry: &Entry,
    request: &Request,
) -> Failures {
    let mut failures = Failures::default();
    let rows = rows::rows_of(&entry.owner);
    let conf = Conf::of_network(&request.conf).map_err(VhostError::from);
    failures.note(conf.and_then(|conf| restore::ports(&conf.ovsdb, &[rows])));
    if let Some(claim) = &entry.claim {
        let port = rows::port_name(PREFIX, &entry.owner);
        let removed = handover::remove_claimed(&plugin.host.run, claim, &port);
        failures.note(removed.map_err(VhostError::from));
    }
    failures.note(ipam_del(request));
    if failures.is_empty() {
        failures.note(journal.remove(entry).map_err(VhostError::from));
    }
    failures
}
