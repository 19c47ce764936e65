//! Whether a device can be handed out.

use std::collections::BTreeSet;

use anyhow::Result;
use journal::{Journal, Record};
use serde::de::IgnoredAny;

use crate::config::{Driver, Kind, SlotSpec, VfSpec};
use crate::inventory::{Inventory, Switch};
use crate::pools::{Member, Pool};

/// The devices that an attachment of this boot has, by the records of one plugin.
pub(crate) fn live_claims(journal: &Journal) -> Result<BTreeSet<String>> {
    let mut claims = BTreeSet::new();
    for entry in journal.entries()? {
        let record: Result<Record<IgnoredAny>, _> = journal.load(&entry);
        // One that cannot be read may be of anybody: its device is left alone.
        if record.is_ok_and(|record| record.boot_id != journal.boot_id()) {
            continue;
        }
        claims.extend(entry.claim);
    }
    Ok(claims)
}

/// Why a device cannot be handed out.
///
/// # Errors
/// The reason.
pub(crate) fn judge(
    pool: &Pool,
    member: &Member,
    inventory: &Inventory,
    claims: &BTreeSet<String>,
) -> Result<(), String> {
    match &pool.spec.kind {
        Kind::Vfs(vfs) => judge_vf(vfs, member, inventory, claims),
        Kind::Slots(slots) => judge_slot(slots, inventory.switch.as_ref()),
    }
}

fn judge_vf(
    vfs: &VfSpec,
    member: &Member,
    inventory: &Inventory,
    claims: &BTreeSet<String>,
) -> Result<(), String> {
    let vf = inventory.functions.iter().find(|vf| Some(vf.addr) == member.vf);
    let vf = vf.ok_or("the VF is gone")?;
    // What its pod does with it is the pod's: driver, namespace, link.
    if claims.contains(&vf.addr.to_string()) {
        return Ok(());
    }
    let pf = inventory.functions.iter().find(|pf| Some(pf.addr) == vf.pf);
    let pf = pf.ok_or("its PF is gone")?;
    if let Some(link) = pf.links.iter().find(|link| link.state == "down") {
        return Err(format!("the link of {} is down", link.name));
    }
    match (vfs.driver.and_then(Driver::name), vf.driver.as_deref()) {
        (_, None) => Err("no driver is bound".to_owned()),
        (Some(wanted), Some(bound)) if wanted != bound => {
            Err(format!("driver {bound} is bound, and not {wanted}"))
        }
        (None, Some(bound)) if vfs.driver.is_some() && vf::is_dpdk_driver(bound) => {
            Err(format!("driver {bound} is bound, and not one of the kernel"))
        }
        (None, Some(bound)) if !vf::is_dpdk_driver(bound) && vf.links.is_empty() => {
            Err("its interface is in another network namespace".to_owned())
        }
        _ => Ok(()),
    }
}

fn judge_slot(slots: &SlotSpec, switch: Option<&Switch>) -> Result<(), String> {
    let switch = switch.ok_or("the switch does not answer")?;
    if !switch.dpdk_initialized {
        return Err("the switch runs without DPDK".to_owned());
    }
    let name = &slots.bridge.name;
    let bridge = switch.bridges.iter().find(|bridge| bridge.name == *name);
    match bridge.map(|bridge| bridge.datapath_type.as_str()) {
        None => Err(format!("there is no bridge {name}")),
        Some("netdev") => Ok(()),
        Some(other) => Err(format!("bridge {name} has datapath_type {other:?}, not netdev")),
    }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
