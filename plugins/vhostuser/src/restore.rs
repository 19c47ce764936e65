//! Taking an attachment back, whatever part of it was made. All of it may run twice.

use handover::Place;
use ovsdb::Address;
use ovsdb::vswitch::{Removal, remove_ports_from};

use crate::error::VhostError;
use crate::record::Detail;
use crate::switch_deadline;

/// Removes the ports of these owners, in one transaction.
pub(crate) fn ports(address: &Address, owners: &[Removal<'_>]) -> Result<(), VhostError> {
    Ok(remove_ports_from(address, owners, switch_deadline())?)
}

/// Removes the directory. That of a slot belongs to who claims the slot.
pub(crate) fn place(detail: &Detail, claimed: bool) -> Result<(), VhostError> {
    match detail.place {
        Place::Slot { .. } if !claimed => Ok(()),
        _ => Ok(handover::remove(&detail.place)?),
    }
}
