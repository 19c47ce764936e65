//! GC: the difference between our records and the runtime's list, for one network.

use attachment::{Failures, locked, request_of, stale};
use cni::{AttachmentId, GcRequest, delegate, logging};
use journal::{Entry, Journal};

use crate::Sriov;
use crate::del::release;
use crate::error::SriovError;
use crate::record::{Detail, SriovRecord};

pub(crate) fn gc(plugin: &Sriov, request: &GcRequest) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, "GC");
    let mut failures = Failures::default();
    // Without the key the runtime said nothing of what is valid; an empty list says "nothing is".
    if let Some(valid) = &request.conf.valid_attachments {
        let journal = plugin.journal()?;
        for entry in left_over(&journal, request, valid)? {
            match collect(plugin, &journal, &entry, request) {
                Ok(rest) => failures.merge(rest),
                Err(error) => drop(failures.note(Err(error))),
            }
        }
        failures.note(journal.sweep(&plugin.locks).map_err(SriovError::from));
    }
    failures.note(delegate::ipam_gc(request));
    failures.into_result()
}

fn left_over(
    journal: &Journal,
    request: &GcRequest,
    valid: &[AttachmentId],
) -> Result<Vec<Entry>, SriovError> {
    Ok(stale::<Detail>(journal, &request.conf.name, valid)?)
}

fn collect(
    plugin: &Sriov,
    journal: &Journal,
    entry: &Entry,
    gc: &GcRequest,
) -> Result<Failures, SriovError> {
    let Some((_lock, Some(entry))) = locked(journal, &plugin.locks, &entry.owner)? else {
        return Ok(Failures::default());
    };
    let record: SriovRecord = journal.load(&entry)?;
    log::info!("collecting {}", entry.owner);
    let netns = record.detail.netns.path.clone();
    let request = request_of(&record, netns, gc).map_err(SriovError::Delegate)?;
    Ok(release(plugin, journal, &entry, &request))
}
