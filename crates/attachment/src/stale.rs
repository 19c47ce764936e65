//! GC: the difference between our records and the runtime's list, for one network.

use std::path::PathBuf;
use std::time::Duration;

use cni::{AttachmentId, ContainerId, Error, GcRequest, IfName, NetConf, Request, code};
use journal::{Entry, Journal, Lock, Locks, Owner, Record};
use serde::de::DeserializeOwned;

/// Somebody who works on an attachment needs no help with it.
const LOCK_DEADLINE: Duration = Duration::from_secs(1);

/// The records of a network that the runtime does not list as valid.
///
/// # Errors
/// The records cannot be listed; one that cannot be read is left out.
pub fn stale<D: DeserializeOwned>(
    journal: &Journal,
    network: &str,
    valid: &[AttachmentId],
) -> Result<Vec<Entry>, journal::Error> {
    let is_valid = |owner: &Owner| {
        valid.iter().any(|v| v.container_id == owner.container_id && v.ifname == owner.ifname)
    };
    let mut entries = journal.entries()?;
    entries.retain(|entry| !is_valid(&entry.owner));
    entries.retain(|entry| match journal.load::<D>(entry) {
        Ok(record) => record.network == network,
        Err(e) => {
            log::warn!("{}: {}", entry.owner, cni::chain(&e));
            false
        }
    });
    Ok(entries)
}

/// The lock of an owner whose attachment is to be collected, and its record; no lock where somebody is at
/// work on it, no record where a DEL was faster.
///
/// # Errors
/// The records cannot be listed.
pub fn locked(
    journal: &Journal,
    locks: &Locks,
    owner: &Owner,
) -> Result<Option<(Lock, Option<Entry>)>, journal::Error> {
    let Ok(lock) = locks.owner(owner, LOCK_DEADLINE) else {
        log::info!("{owner}: another call is at work on it");
        return Ok(None);
    };
    Ok(Some((lock, journal.find(owner)?)))
}

/// The call that DEL would have been, for a record that is collected.
///
/// # Errors
/// Names or configuration in the record are invalid.
pub fn request_of<D>(record: &Record<D>, netns: PathBuf, gc: &GcRequest) -> Result<Request, Error> {
    let decode = |e: &dyn std::fmt::Display| {
        Error::new(code::DECODE, "the record's names are invalid", e.to_string())
    };
    Ok(Request {
        container_id: record.owner.container_id.parse::<ContainerId>().map_err(|e| decode(&e))?,
        ifname: record.owner.ifname.parse::<IfName>().map_err(|e| decode(&e))?,
        netns: Some(netns),
        args: cni::Args::default(),
        path: gc.path.clone(),
        conf: NetConf::parse(record.conf.as_bytes())?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use journal::Durability;

    use super::*;

    fn owner(container_id: &str) -> Owner {
        Owner { container_id: container_id.to_owned(), ifname: "net1".to_owned() }
    }

    #[test]
    fn what_is_neither_valid_nor_of_another_network_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), Path::new("/proc"), "p").unwrap();
        for (container, network) in [("a", "mine"), ("b", "mine"), ("c", "other")] {
            let record = Record::new("boot", network, owner(container), "{}".to_owned(), 7_u32);
            let entry = Entry { claim: Some(container.to_owned()), owner: owner(container) };
            journal.write(&entry, &record, Durability::Volatile).unwrap();
        }
        let valid = AttachmentId { container_id: "a".to_owned(), ifname: "net1".to_owned() };
        let stale = stale::<u32>(&journal, "mine", &[valid]).unwrap();
        assert_eq!(stale.iter().map(|entry| &entry.owner).collect::<Vec<_>>(), [&owner("b")]);
    }

    #[test]
    fn nobody_helps_those_that_are_at_work() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), Path::new("/proc"), "p").unwrap();
        let locks = Locks::new(dir.path(), "p");
        let working = locks.owner(&owner("a"), Duration::ZERO).unwrap();
        assert!(locked(&journal, &locks, &owner("a")).unwrap().is_none());
        drop(working);
        assert!(
            locked(&journal, &locks, &owner("a"))
                .unwrap()
                .is_some_and(|(_, entry)| entry.is_none())
        );
    }
}
