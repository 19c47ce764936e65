//! Taking an attachment back, whatever part of it was made. All of it may run twice.

use std::path::Path;

use attachment::rows;
use handover::Place;
use hostnet::Rtnl;
use journal::{Entry, Owner};
use npwg::devinfo;
use ovsdb::Address;
use ovsdb::vswitch::{Removal, Unplugged, unplug_from};

use crate::conf::Database;
use crate::error::OvnError;
use crate::record::Detail;
use crate::{PREFIX, deadline, overlay};

/// `external_ids` key: the chassis on which the attachment is. Others' are not ours to collect.
pub(crate) const CHASSIS: &str = "fastpath-chassis";

/// What finds the rows of one attachment.
pub(crate) fn theirs(owner: &Owner) -> Removal<'_> {
    rows::rows_of(owner)
}

/// Removes the logical ports of these owners.
pub(crate) fn logical(database: &Database, owners: &[Removal<'_>]) -> Result<(), OvnError> {
    if !owners.is_empty() {
        overlay::connect(database, deadline())?.remove_ports(owners, deadline())?;
    }
    Ok(())
}

/// Removes the ports of the integration bridge of these owners.
pub(crate) fn port(address: &Address, owners: &[Removal<'_>]) -> Result<(), OvnError> {
    unplug(address, owners).map(Unplugged::wait)
}

/// The same, but the switch is not waited for.
pub(crate) fn unplug(address: &Address, owners: &[Removal<'_>]) -> Result<Unplugged, OvnError> {
    Ok(unplug_from(address, owners, deadline())?)
}

/// Removes the pair, whose pod's end goes with the host's; or the socket's directory. That of a slot belongs to
/// who claims the slot.
pub(crate) fn interface(detail: &Detail, claimed: bool) -> Result<(), OvnError> {
    let Some(socket) = &detail.socket else {
        return Ok(Rtnl::here()?.remove_link(&detail.port.name)?);
    };
    if let Some(path) = &socket.device_info {
        devinfo::remove(path)?;
    }
    match socket.place {
        Place::Slot { .. } if !claimed => Ok(()),
        _ => Ok(handover::remove(&socket.place)?),
    }
}

/// Removes the pair that such an attachment has, and what belongs to its claim.
pub(crate) fn claimed(run: &Path, entry: &Entry) -> Result<(), OvnError> {
    let name = rows::port_name(PREFIX, &entry.owner);
    Rtnl::here()?.remove_link(&name)?;
    match &entry.claim {
        Some(claim) => Ok(handover::remove_claimed(run, claim, &name)?),
        None => Ok(()),
    }
}
