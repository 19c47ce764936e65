//! GC: the difference between our records and the runtime's list, for one network. Then the logical ports of this
//! chassis that have no record: records may be lost, and the database is everybody's.

use attachment::{Failures, begin_removal, locked, request_of, rows, stale};
use cni::{AttachmentId, GcRequest, delegate, logging};
use journal::{Journal, Owner};
use ovsdb::Vswitch;

use crate::conf::Conf;
use crate::del::release;
use crate::error::OvnError;
use crate::record::{Detail, OvnRecord};
use crate::{Ovn, deadline, overlay, restore};

pub(crate) fn gc(plugin: &Ovn, request: &GcRequest) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, "GC");
    let mut failures = Failures::default();
    // Without the key the runtime said nothing of what is valid; an empty list says "nothing is".
    if let Some(valid) = &request.conf.valid_attachments {
        let conf = Conf::of_network(&request.conf).map_err(OvnError::from)?;
        let journal = plugin.journal()?;
        let network = &request.conf.name;
        for entry in stale::<Detail>(&journal, network, valid).map_err(OvnError::from)? {
            let done = collect(plugin, &journal, &entry.owner, request);
            match done {
                Ok(more) => failures.merge(more),
                Err(error) => drop(failures.note(Err(error))),
            }
        }
        failures.note(unrecorded(&conf, &journal, network, valid));
        failures.note(journal.sweep(&plugin.locks).map_err(OvnError::from));
    }
    failures.note(delegate::ipam_gc(request));
    failures.into_result()
}

fn collect(
    plugin: &Ovn,
    journal: &Journal,
    owner: &Owner,
    gc: &GcRequest,
) -> Result<Failures, cni::Error> {
    let Some((_lock, entry)) = locked(journal, &plugin.locks, owner).map_err(OvnError::from)?
    else {
        return Ok(Failures::default());
    };
    let Some(entry) = entry else { return Ok(Failures::default()) };
    log::info!("collecting {owner}");
    let record: OvnRecord = journal.load(&entry).map_err(OvnError::from)?;
    begin_removal(journal, &entry);
    let request = request_of(&record, record.detail.netns.path.clone(), gc)?;
    Ok(release(journal, &entry, &record, &request))
}

/// Removes what this chassis has in the databases without a record.
fn unrecorded(
    conf: &Conf,
    journal: &Journal,
    network: &str,
    valid: &[AttachmentId],
) -> Result<(), OvnError> {
    let mut switch = Vswitch::connect(&conf.ovsdb, deadline())?;
    let view = switch.look(&conf.bridge, &conf.bridge, deadline())?;
    let chassis = view.switch.external_ids.get("system-id").ok_or(OvnError::NoChassis)?;
    let [of_network] = rows::rows_of_network(network);
    let ours = [of_network, (restore::CHASSIS, chassis)];
    let logical = overlay::connect(&conf.nb, deadline())?.owned(&ours, deadline())?;
    let plugged = switch.owned::<ovsdb::vswitch::Port>(&ours, deadline())?;
    let ids = logical.iter().map(|port| &port.external_ids);
    let owners = ids.chain(plugged.iter().map(|port| &port.external_ids));
    let mut left: Vec<Owner> = owners.filter_map(|ids| rows::of_row(&ids.0)).collect();
    left.retain(|owner| {
        !valid.iter().any(|v| v.container_id == owner.container_id && v.ifname == owner.ifname)
    });
    let mut lost = Vec::new();
    for owner in left {
        if journal.find(&owner)?.is_none() {
            log::info!("{owner} has no record, and is removed");
            lost.push(owner);
        }
    }
    let theirs: Vec<_> = lost.iter().map(restore::theirs).collect();
    restore::port(&conf.ovsdb, &theirs)?;
    restore::logical(&conf.nb, &theirs)
}
