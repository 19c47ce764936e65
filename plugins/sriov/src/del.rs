//! DEL: from the record, not from the configuration. Everything that can be done is done; the record
//! stays until all of it is.

use attachment::{Failures, LOCK_DEADLINE, begin_removal, ipam_del, owner_of, release_addresses};
use cni::{Request, logging};
use hostnet::Rtnl;
use journal::{Entry, Journal};
use npwg::devinfo;

use crate::error::SriovError;
use crate::record::{Detail, SriovRecord};
use crate::{Sriov, restore};

pub(crate) fn del(plugin: &Sriov, request: &Request) -> Result<(), cni::Error> {
    let owner = owner_of(request);
    logging::init_of(&request.conf, &owner.to_string());
    let journal = plugin.journal()?;
    let _lock = plugin.locks.owner(&owner, LOCK_DEADLINE).map_err(SriovError::from)?;
    journal.remove_temporary(&owner).map_err(SriovError::from)?;
    match journal.find(&owner).map_err(SriovError::from)? {
        Some(entry) => release(plugin, &journal, &entry, request).into_result(),
        // Nothing was done, or all is undone; a lease without record would be an older plugin's.
        None => ipam_del(request),
    }
}

/// Takes back one attachment. `request` lends `CNI_PATH` and the arguments for IPAM.
pub(crate) fn release(
    plugin: &Sriov,
    journal: &Journal,
    entry: &Entry,
    request: &Request,
) -> Failures {
    let mut failures = Failures::default();
    match journal.load(entry) {
        Ok(record) => {
            begin_removal(journal, entry);
            take_back(plugin, journal, entry, &record, request, &mut failures);
        }
        Err(e @ journal::Error::Damaged { .. }) => {
            // Renamed into place whole, so only a power cut damages one: the device was reset since.
            log::warn!("{}; removing it", cni::chain(&e));
            failures.note(ipam_del(request));
        }
        Err(e) => {
            failures.note(Err(SriovError::from(e)));
        }
    }
    if failures.is_empty() {
        failures.note(journal.remove(entry).map_err(SriovError::from));
    }
    failures
}

fn take_back(
    plugin: &Sriov,
    journal: &Journal,
    entry: &Entry,
    record: &SriovRecord,
    request: &Request,
    failures: &mut Failures,
) {
    if record.detail.ipam {
        failures.note(release_addresses(record, request));
    }
    if entry.claim.is_some() && record.boot_id == journal.boot_id() {
        failures.note(release_device(plugin, &record.detail));
    }
    if let Some(path) = &record.detail.device_info {
        failures.note(devinfo::remove(path).map_err(SriovError::from));
    }
}

fn release_device(plugin: &Sriov, detail: &Detail) -> Result<(), SriovError> {
    let _lock = plugin.locks.device(&detail.pf.to_string(), LOCK_DEADLINE)?;
    restore::device(plugin, &Rtnl::here()?, detail)
}
