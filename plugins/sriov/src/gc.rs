//! GC: the difference between our records and the runtime's list, for one network.

use std::time::Duration;

use cni::{AttachmentId, ContainerId, GcRequest, IfName, NetConf, Request, delegate};
use journal::{Entry, Journal, Owner};

use crate::Sriov;
use crate::add::start_log;
use crate::del::{Failures, release};
use crate::error::SriovError;
use crate::record::SriovRecord;

/// Somebody who works on an attachment needs no help with it.
const LOCK_DEADLINE: Duration = Duration::from_secs(1);

pub(crate) fn gc(plugin: &Sriov, request: &GcRequest) -> Result<(), cni::Error> {
    start_log(&request.conf, "GC");
    let mut failures = Failures::default();
    // Without the key the runtime said nothing of what is valid; an empty list says "nothing is".
    if let Some(valid) = &request.conf.valid_attachments {
        let journal = plugin.journal()?;
        for entry in stale(&journal, request, valid)? {
            failures.note(collect(plugin, &journal, &entry, request));
        }
        failures.note(journal.sweep(&plugin.locks).map_err(SriovError::from));
    }
    failures.note(delegate::ipam_gc(request).map_err(SriovError::Delegate));
    Ok(failures.into_result()?)
}

fn stale(
    journal: &Journal,
    request: &GcRequest,
    valid: &[AttachmentId],
) -> Result<Vec<Entry>, SriovError> {
    let is_valid = |owner: &Owner| {
        valid.iter().any(|v| v.container_id == owner.container_id && v.ifname == owner.ifname)
    };
    let mut entries = journal.entries()?;
    entries.retain(|entry| !is_valid(&entry.owner));
    entries.retain(|entry| match journal.load(entry) {
        Ok(SriovRecord { network, .. }) => network == request.conf.name,
        Err(e) => {
            log::warn!("{}: {}", entry.owner, cni::chain(&e));
            false
        }
    });
    Ok(entries)
}

fn collect(
    plugin: &Sriov,
    journal: &Journal,
    entry: &Entry,
    gc: &GcRequest,
) -> Result<(), SriovError> {
    let Ok(_lock) = plugin.locks.owner(&entry.owner, LOCK_DEADLINE) else {
        log::info!("{}: another call is at work on it", entry.owner);
        return Ok(());
    };
    // A DEL may have been faster.
    let Some(entry) = journal.find(&entry.owner)? else { return Ok(()) };
    let record: SriovRecord = journal.load(&entry)?;
    log::info!("collecting {}", entry.owner);
    let decode = |e: &dyn std::fmt::Display| {
        SriovError::Delegate(cni::Error::new(
            cni::code::DECODE,
            "the record's names are invalid",
            e.to_string(),
        ))
    };
    let request = Request {
        container_id: entry.owner.container_id.parse::<ContainerId>().map_err(|e| decode(&e))?,
        ifname: entry.owner.ifname.parse::<IfName>().map_err(|e| decode(&e))?,
        netns: Some(record.detail.netns.path.clone()),
        args: cni::Args::default(),
        path: gc.path.clone(),
        conf: NetConf::parse(record.conf.as_bytes()).map_err(SriovError::Delegate)?,
    };
    release(plugin, journal, &entry, &request)
}
