//! The record of an attachment, whatever a plugin has in it.

use std::path::Path;

use cni::{Request, code};
use journal::{Journal, Lock, Locks, Owner, Record};
use serde::de::DeserializeOwned;

use crate::{Error, LOCK_DEADLINE, owner_of};

/// The path of the pod's namespace.
///
/// # Errors
/// [`Error::NoNetns`].
pub fn netns_of(request: &Request) -> Result<&Path, Error> {
    request.netns.as_deref().ok_or(Error::NoNetns)
}

/// Locks an attachment that is to be made.
///
/// # Errors
/// [`Error::AlreadyAttached`], [`Error::Journal`].
pub fn lock_new(journal: &Journal, locks: &Locks, owner: &Owner) -> Result<Lock, Error> {
    let lock = locks.owner(owner, LOCK_DEADLINE)?;
    match journal.find(owner)? {
        None => Ok(lock),
        Some(_) => Err(Error::AlreadyAttached(owner.clone())),
    }
}

/// The record of an attachment that is about to be made.
#[must_use]
pub fn record_of<D>(journal: &Journal, request: &Request, detail: D) -> Record<D> {
    let conf = String::from_utf8_lossy(request.conf.raw()).into_owned();
    Record::new(journal.boot_id(), &request.conf.name, owner_of(request), conf, detail)
}

/// The record of an attachment that CHECK is asked for, with what was appended when it was complete.
///
/// # Errors
/// [`Error::Drift`]: there is none, or it is not of an attachment in use. [`Error::Journal`].
pub fn recorded<D, A>(journal: &Journal, owner: &Owner) -> Result<(Record<D>, A), Error>
where
    D: DeserializeOwned,
    A: DeserializeOwned,
{
    let unrecorded = || Error::Drift("there is no record of it".to_owned());
    let entry = journal.find(owner)?.ok_or_else(unrecorded)?;
    let (record, done) = journal.load_appended::<D, A>(&entry)?;
    let in_use = entry.claim.is_some() && record.boot_id == journal.boot_id();
    match done.filter(|_| in_use) {
        Some(done) => Ok((record, done)),
        None => Err(Error::Drift("its ADD did not finish, or the host rebooted since".to_owned())),
    }
}

/// What CHECK says when it has compared.
///
/// # Errors
/// [`Error::Drift`], where there are differences.
pub fn no_drift(differences: &[String]) -> Result<(), Error> {
    if differences.is_empty() { Ok(()) } else { Err(Error::Drift(differences.join("; "))) }
}

/// The code of a failure of records and locks, and what the user can do.
#[must_use]
pub fn journal_code(error: &journal::Error) -> (u32, &'static str) {
    use journal::Error;
    match error {
        Error::Busy { .. } => (code::TRY_AGAIN, "the runtime will retry"),
        Error::File { .. } | Error::Damaged { .. } => {
            (code::IO, "check space and permissions of /var/lib/fastpath and /run/fastpath")
        }
        Error::Foreign { .. } => (code::IO, "use the release that wrote it to DEL the attachment"),
    }
}

#[cfg(test)]
mod tests {
    use journal::{Durability, Entry};

    use super::*;

    #[test]
    fn only_an_attachment_in_use_is_on_record() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), Path::new("/proc"), "p").unwrap();
        let locks = Locks::new(dir.path(), "p");
        let owner = Owner { container_id: "a".to_owned(), ifname: "net1".to_owned() };
        let drift = || match recorded::<u32, u32>(&journal, &owner) {
            Err(Error::Drift(text)) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(drift(), "there is no record of it");
        drop(lock_new(&journal, &locks, &owner).unwrap());

        let record = Record::new(journal.boot_id(), "net", owner.clone(), "{}".to_owned(), 7_u32);
        let entry = Entry { claim: Some("slot".to_owned()), owner: owner.clone() };
        journal.write(&entry, &record, Durability::Volatile).unwrap();
        let error = lock_new(&journal, &locks, &owner).unwrap_err();
        assert!(matches!(error, Error::AlreadyAttached(_)), "{error}");
        assert!(drift().contains("did not finish"));
        journal.append(&entry, &8_u32).unwrap();
        let (record, done) = recorded::<u32, u32>(&journal, &owner).unwrap();
        assert_eq!((record.detail, done), (7, 8));
        // Another one took what it had.
        journal.release_claim(&entry).unwrap();
        assert!(drift().contains("did not finish"));
    }
}
