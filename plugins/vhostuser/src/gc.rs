//! GC: the difference between what there is of a network (our records, and ports in the switch) and the
//! runtime's list. The ports go in one transaction.

use std::collections::BTreeSet;

use attachment::{Failures, begin_removal, locked, request_of, rows, stale};
use cni::{AttachmentId, GcRequest, delegate, logging};
use journal::{Entry, Journal, Lock, Owner};
use ovsdb::vswitch::Port;
use ovsdb::{Address, Vswitch};

use crate::conf::Conf;
use crate::del::release;
use crate::error::VhostError;
use crate::record::{Detail, VhostRecord};
use crate::{Vhostuser, restore, switch_deadline};

/// As many attachments are locked at once: each lock is an open file.
const AT_ONCE: usize = 100;

pub(crate) fn gc(plugin: &Vhostuser, request: &GcRequest) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, "GC");
    let mut failures = Failures::default();
    // Without the key the runtime said nothing of what is valid; an empty list says "nothing is".
    if let Some(valid) = &request.conf.valid_attachments {
        let conf = Conf::of_network(&request.conf).map_err(VhostError::from)?;
        let journal = plugin.journal()?;
        let owners = left_over(&journal, request, &conf.ovsdb, valid, &mut failures)?;
        for some in owners.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
            failures.merge(collect(plugin, &journal, some, request, &conf.ovsdb)?);
        }
        failures.note(journal.sweep(&plugin.locks).map_err(VhostError::from));
    }
    failures.note(delegate::ipam_gc(request));
    failures.into_result()
}

/// Owners of records and of ports that are not valid. Ports alone are left when records were lost.
fn left_over(
    journal: &Journal,
    request: &GcRequest,
    switch: &Address,
    valid: &[AttachmentId],
    failures: &mut Failures,
) -> Result<BTreeSet<Owner>, VhostError> {
    let network = &request.conf.name;
    let records = stale::<Detail>(journal, network, valid)?;
    let mut owners: BTreeSet<Owner> = records.into_iter().map(|entry| entry.owner).collect();
    match ports_of(switch, network) {
        Ok(ports) => {
            let is_valid = |owner: &Owner| {
                let id = AttachmentId {
                    container_id: owner.container_id.clone(),
                    ifname: owner.ifname.clone(),
                };
                valid.contains(&id)
            };
            let theirs = ports.iter().filter_map(|port| rows::of_row(&port.external_ids.0));
            owners.extend(theirs.filter(|owner| !is_valid(owner)));
        }
        Err(error) => drop(failures.note(Err(error))),
    }
    Ok(owners)
}

fn ports_of(switch: &Address, network: &str) -> Result<Vec<Port>, VhostError> {
    let mut switch = Vswitch::connect(switch, switch_deadline())?;
    Ok(switch.owned(&rows::rows_of_network(network), switch_deadline())?)
}

/// An attachment that nobody else works on.
struct Stale {
    owner: Owner,
    record: Option<(Entry, VhostRecord)>,
    _lock: Lock,
}

fn collect(
    plugin: &Vhostuser,
    journal: &Journal,
    owners: &[Owner],
    gc: &GcRequest,
    switch: &Address,
) -> Result<Failures, VhostError> {
    let mut failures = Failures::default();
    let mut all = Vec::new();
    for owner in owners {
        let Some((lock, entry)) = locked(journal, &plugin.locks, owner)? else { continue };
        log::info!("collecting {owner}");
        let record = entry.map(|entry| Ok((entry.clone(), journal.load(&entry)?)));
        match record.transpose().map_err(VhostError::Journal) {
            Ok(record) => all.push(Stale { owner: owner.clone(), record, _lock: lock }),
            Err(error) => drop(failures.note(Err(error))),
        }
    }
    all.iter().filter_map(|one| one.record.as_ref()).for_each(|(e, _)| begin_removal(journal, e));
    let rows: Vec<_> = all.iter().map(|one| rows::rows_of(&one.owner)).collect();
    let removed = failures.note(restore::ports(switch, &rows));
    for Stale { record, .. } in &all {
        let Some((entry, record)) = record else { continue };
        // A network may have moved to another switch; its old ports are found by their records.
        let removed = if record.detail.ovsdb == *switch {
            removed
        } else {
            let theirs = rows::rows_of(&entry.owner);
            failures.note(restore::ports(&record.detail.ovsdb, &[theirs]))
        };
        match request_of(record, record.detail.netns.path.clone(), gc) {
            Ok(request) => failures.merge(release(journal, entry, record, &request, removed)),
            Err(error) => drop(failures.note(Err(error))),
        }
    }
    Ok(failures)
}
