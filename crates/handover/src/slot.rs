//! A slot belongs to one attachment, of whatever plugin.

use std::path::Path;
use std::time::{Duration, Instant};

use attachment::{LOCK_DEADLINE, rows};
use hostnet::{Host, NetnsId};
use journal::{Entry, Journal, Lock, Locks};
use ovsdb::Address;
use ovsdb::vswitch::remove_ports_from;
use serde::Deserialize;

use crate::{Error, Place, remove};

/// Plugins whose attachments may have a slot.
const PLUGINS: [&str; 2] = ["vhostuser", "ovn"];

/// How long the switch of a dead pod is waited for.
const SWITCH_DEADLINE: Duration = Duration::from_secs(10);

/// What each of these plugins has in its records.
#[derive(Debug, Deserialize)]
struct Detail {
    /// Database of the switch.
    ovsdb: Address,
    /// The pod's namespace.
    netns: NetnsId,
}

/// Locks the slot, since two attachments must not both see that it is free, and takes it from a pod that died
/// without DEL; the rest of that one's record stays for its DEL. Nothing, where the place is no slot.
///
/// # Errors
/// [`Error::Claimed`]: the pod lives. [`Error::Journal`], [`Error::Switch`].
pub fn take_slot(host: &Host, locks: &Locks, place: &Place) -> Result<Option<Lock>, Error> {
    let Place::Slot { id, .. } = place else { return Ok(None) };
    let lock = locks.device(&format!("slot {id}"), LOCK_DEADLINE)?;
    for plugin in PLUGINS {
        let journal = Journal::open(&host.state, &host.proc, plugin)?;
        let mut entries = journal.entries()?.into_iter();
        if let Some(entry) = entries.find(|entry| entry.claim.as_ref() == Some(id)) {
            free_from_dead_owner(&journal, &entry, id)?;
        }
    }
    Ok(Some(lock))
}

fn free_from_dead_owner(journal: &Journal, entry: &Entry, slot: &str) -> Result<(), Error> {
    let record = journal.load::<Detail>(entry)?;
    if record.boot_id == journal.boot_id() && record.detail.netns.reopen().is_some() {
        return Err(Error::Claimed { slot: slot.to_owned(), owner: entry.owner.to_string() });
    }
    log::info!("slot {slot} is taken from {}, which is dead", entry.owner);
    let deadline = Instant::now() + SWITCH_DEADLINE;
    remove_ports_from(&record.detail.ovsdb, &[rows::rows_of(&entry.owner)], deadline)?;
    journal.release_claim(entry)?;
    Ok(())
}

/// Removes what belongs to a claim of a record that cannot be read: the directory of the port of this name,
/// or what is in the slot.
///
/// # Errors
/// [`Error::Directory`].
pub fn remove_claimed(run: &Path, claim: &str, port: &str) -> Result<(), Error> {
    remove(&if claim == port { Place::own(run, claim) } else { Place::slot(run, claim) })
}

#[cfg(test)]
mod tests {
    use hostnet::Netns;
    use journal::{Durability, Owner, Record};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_slot_is_refused_while_the_pod_of_either_plugin_lives() {
        let dir = tempfile::tempdir().unwrap();
        let (state, run) = (dir.path().join("state"), dir.path().join("run"));
        let host = Host { state, run, ..Host::real() };
        let place = Place::slot(&host.run, "pool-0");
        let take = || take_slot(&host, &Locks::new(&host.run, "vhostuser"), &place);
        for plugin in PLUGINS {
            assert!(take().unwrap().is_some());
            let journal = Journal::open(&host.state, &host.proc, plugin).unwrap();
            let owner = Owner { container_id: plugin.to_owned(), ifname: "net1".to_owned() };
            let netns = Netns::current().unwrap().id().unwrap();
            let detail = json!({"ovsdb": "unix:/no/db.sock", "netns": netns});
            let record =
                Record::new(journal.boot_id(), "net", owner.clone(), "{}".to_owned(), detail);
            let entry = Entry { claim: Some("pool-0".to_owned()), owner };
            journal.write(&entry, &record, Durability::Volatile).unwrap();
            let error = take().unwrap_err().to_string();
            assert_eq!(error, format!("slot pool-0 is attached to container {plugin}:net1"));
            journal.remove(&entry).unwrap();
        }
    }
}
