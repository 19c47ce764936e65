//! Taking an attachment back, whatever part of it was made. All of it may run twice.

use std::path::Path;

use attachment::rows;
use handover::Place;
use journal::{Journal, Owner};
use ovsdb::vswitch::Removal;
use ovsdb::{Address, Vswitch};

use crate::error::VhostError;
use crate::record::{Detail, VhostRecord};
use crate::{PREFIX, switch_deadline};

/// How long `ovs-vswitchd` is waited for when ports were removed: it may be down, and then it will find
/// them gone.
const APPLY_DEADLINE: std::time::Duration = std::time::Duration::from_secs(2);

/// Removes the ports of these owners, in one transaction.
pub(crate) fn ports(address: &Address, owners: &[Removal<'_>]) -> Result<(), VhostError> {
    if owners.is_empty() {
        return Ok(());
    }
    let mut switch = Vswitch::connect(address, switch_deadline())?;
    let Some(change) = switch.remove_ports(owners, switch_deadline())? else { return Ok(()) };
    if let Err(error) = switch.await_applied(change, std::time::Instant::now() + APPLY_DEADLINE) {
        log::warn!("the ports are removed from the database: {}", cni::chain(&error));
    }
    Ok(())
}

/// Removes the directory. That of a slot belongs to who claims the slot.
pub(crate) fn place(detail: &Detail, claimed: bool) -> Result<(), VhostError> {
    match detail.place {
        Place::Slot { .. } if !claimed => Ok(()),
        _ => Ok(handover::remove(&detail.place)?),
    }
}

/// Removes what belongs to a claim: the directory or link of that port, or what is in the slot.
pub(crate) fn claimed(run: &Path, claim: &str, owner: &Owner) -> Result<(), VhostError> {
    let place = if claim == rows::port_name(PREFIX, owner) {
        Place::own(run, claim)
    } else {
        Place::slot(run, claim)
    };
    Ok(handover::remove(&place)?)
}

/// Takes a slot from a pod that died without DEL; the rest of its record stays for that DEL.
pub(crate) fn free_from_dead_owner(journal: &Journal, place: &Place) -> Result<(), VhostError> {
    let Place::Slot { id, .. } = place else { return Ok(()) };
    let entries = journal.entries()?;
    let Some(entry) = entries.into_iter().find(|entry| entry.claim.as_ref() == Some(id)) else {
        return Ok(());
    };
    let record: VhostRecord = journal.load(&entry)?;
    if record.boot_id == journal.boot_id() && record.detail.pod_lives() {
        return Err(VhostError::Claimed { slot: id.clone(), owner: entry.owner.to_string() });
    }
    log::info!("slot {id} is taken from {}, which is dead", entry.owner);
    ports(&record.detail.ovsdb, &[rows::rows_of(&entry.owner)])?;
    journal.release_claim(&entry)?;
    Ok(())
}
