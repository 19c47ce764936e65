//! DEL: from the record, not from the configuration. Everything that can be done is done; the record
//! stays until all of it is.

use cni::{NetConf, Request, delegate};
use hostnet::Rtnl;
use journal::{Entry, Journal};

use crate::add::{LOCK_DEADLINE, owner_of, start_log};
use crate::error::{RESTORE, SriovError};
use crate::record::{Detail, SriovRecord};
use crate::{Sriov, devinfo, restore};

pub(crate) fn del(plugin: &Sriov, request: &Request) -> Result<(), cni::Error> {
    let owner = owner_of(request);
    start_log(&request.conf, &owner.to_string());
    let journal = plugin.journal()?;
    let _lock = plugin.locks.owner(&owner, LOCK_DEADLINE).map_err(SriovError::from)?;
    journal.remove_temporary(&owner).map_err(SriovError::from)?;
    match journal.find(&owner).map_err(SriovError::from)? {
        Some(entry) => Ok(release(plugin, &journal, &entry, request)?),
        // Nothing was done, or all is undone; a lease without record would be an older plugin's.
        None => Ok(ipam_del(request)?),
    }
}

/// Takes back one attachment. `request` lends `CNI_PATH` and the arguments for IPAM.
pub(crate) fn release(
    plugin: &Sriov,
    journal: &Journal,
    entry: &Entry,
    request: &Request,
) -> Result<(), SriovError> {
    let record: SriovRecord = match journal.load(entry) {
        Ok(record) => record,
        Err(e @ journal::Error::Damaged { .. }) => {
            // Renamed into place whole, so only a power cut damages one: the device was reset since.
            log::warn!("{}; removing it", cni::chain(&e));
            ipam_del(request)?;
            return Ok(journal.remove(entry)?);
        }
        Err(e) => return Err(e.into()),
    };
    let mut failures = Failures::default();
    if record.detail.ipam {
        failures.note(release_addresses(&record, request));
    }
    if entry.claim.is_some() && record.boot_id == journal.boot_id() {
        failures.note(release_device(plugin, &record.detail));
    }
    if let Some(path) = &record.detail.device_info {
        failures.note(devinfo::remove(path));
    }
    failures.into_result()?;
    Ok(journal.remove(entry)?)
}

fn release_addresses(record: &SriovRecord, request: &Request) -> Result<(), SriovError> {
    let conf = NetConf::parse(record.conf.as_bytes()).map_err(SriovError::Delegate)?;
    ipam_del(&Request { conf, ..request.clone() })
}

/// DEL of the IPAM plugin. One that does not speak the configuration's version has leased nothing.
pub(crate) fn ipam_del(request: &Request) -> Result<(), SriovError> {
    match delegate::ipam_del(request) {
        Err(e) if e.code == cni::code::INCOMPATIBLE_VERSION => {
            log::warn!("{}: {}", e.msg, e.details);
            Ok(())
        }
        done => done.map_err(SriovError::Delegate),
    }
}

fn release_device(plugin: &Sriov, detail: &Detail) -> Result<(), SriovError> {
    let _lock = plugin.locks.device(&detail.pf.to_string(), LOCK_DEADLINE)?;
    restore::device(plugin, &Rtnl::here()?, detail)
}

/// What could not be done, reported once at the end.
#[derive(Default)]
pub(crate) struct Failures {
    texts: Vec<String>,
    code: Option<u32>,
}

impl Failures {
    pub(crate) fn note(&mut self, outcome: Result<(), SriovError>) {
        if let Err(error) = outcome {
            let (text, code) = match error {
                SriovError::Incomplete(text, code) => (text, code),
                other => {
                    let error = cni::Error::from(other);
                    (format!("{}: {}", error.msg, error.details), error.code)
                }
            };
            log::error!("{text}");
            self.texts.push(text);
            self.code = self.code.or(Some(code));
        }
    }

    pub(crate) fn into_result(self) -> Result<(), SriovError> {
        match self.code {
            None => Ok(()),
            // "Try again" is worth keeping: the runtime acts on it.
            Some(code) if code == cni::code::TRY_AGAIN => {
                Err(SriovError::Incomplete(self.texts.join("; "), code))
            }
            Some(_) => Err(SriovError::Incomplete(self.texts.join("; "), RESTORE)),
        }
    }
}
