//! The directory of records.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::record::Mark;
use crate::{Error, Locks, Owner, Record, Stage};

/// Whether a write has to outlive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// No fsync: a reboot wipes what the record describes.
    Volatile,
    /// fsync of file and directory: a lease or the like outlives the reboot.
    Durable,
}

/// A record as its file name tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The resource it owns, or `None` when that was given back.
    pub claim: Option<String>,
    /// Container and interface.
    pub owner: Owner,
}

impl Entry {
    fn file_name(&self) -> String {
        format!("{}@{}.json", self.claim.as_deref().unwrap_or_default(), self.owner)
    }

    fn parse(name: &str) -> Option<Self> {
        let (claim, owner) = name.strip_suffix(".json")?.split_once('@')?;
        let owner = parse_owner(owner)?;
        Some(Self { claim: (!claim.is_empty()).then(|| claim.to_owned()), owner })
    }
}

fn parse_owner(text: &str) -> Option<Owner> {
    let (container_id, ifname) = text.split_once(':')?;
    Some(Owner { container_id: container_id.to_owned(), ifname: ifname.to_owned() })
}

/// The records of one plugin.
#[derive(Debug, Clone)]
pub struct Journal {
    dir: PathBuf,
    boot_id: String,
}

impl Journal {
    /// The records of `plugin` below `state_dir`. Makes nothing yet.
    ///
    /// # Errors
    /// The boot id cannot be read from `proc`.
    pub fn open(state_dir: &Path, proc: &Path, plugin: &str) -> Result<Self, Error> {
        let path = proc.join("sys/kernel/random/boot_id");
        let boot_id = fs::read_to_string(&path).map_err(Error::file("read", path))?;
        Ok(Self { dir: state_dir.join(plugin), boot_id: boot_id.trim().to_owned() })
    }

    /// Identity of this boot.
    #[must_use]
    pub fn boot_id(&self) -> &str {
        &self.boot_id
    }

    /// Makes the directory where it is missing and checks that it can be written (for STATUS).
    ///
    /// # Errors
    /// It cannot.
    pub fn prepare(&self) -> Result<(), Error> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
            .map_err(Error::file("create", &self.dir))?;
        nix::unistd::access(&self.dir, nix::unistd::AccessFlags::W_OK)
            .map_err(|e| Error::file("write to", &self.dir)(e.into()))
    }

    /// Every record, by name.
    ///
    /// # Errors
    /// The directory is there but cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        Ok(self.names()?.iter().filter_map(|name| Entry::parse(name)).collect())
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let listing = match fs::read_dir(&self.dir) {
            Ok(listing) => listing,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(Error::file("read", &self.dir)(e)),
        };
        let mut names = Vec::new();
        for file in listing {
            let file = file.map_err(Error::file("read", &self.dir))?;
            names.extend(file.file_name().into_string());
        }
        Ok(names)
    }

    /// The record of `owner`, if there is one.
    ///
    /// # Errors
    /// As [`Journal::entries`].
    pub fn find(&self, owner: &Owner) -> Result<Option<Entry>, Error> {
        Ok(self.entries()?.into_iter().find(|entry| entry.owner == *owner))
    }

    /// Reads a record, without what was [appended](Journal::append) to it.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it is not JSON, [`Error::Foreign`] where it has another shape.
    pub fn load<D: DeserializeOwned>(&self, entry: &Entry) -> Result<Record<D>, Error> {
        Ok(self.load_appended::<D, IgnoredAny>(entry)?.0)
    }

    /// Reads a record and the last whole line that was appended to it.
    ///
    /// # Errors
    /// As [`Journal::load`]; what was appended is no reason to fail.
    pub fn load_appended<D: DeserializeOwned, A: DeserializeOwned>(
        &self,
        entry: &Entry,
    ) -> Result<(Record<D>, Option<A>), Error> {
        let (record, lines) = self.read(entry)?;
        // A power cut may have torn the last one.
        let mut appended = lines.split(|byte| *byte == b'\n').rev();
        Ok((record, appended.find_map(|line| serde_json::from_slice(line).ok())))
    }

    /// Reads a record and how far its attachment is.
    ///
    /// # Errors
    /// As [`Journal::load`].
    pub fn load_staged<D: DeserializeOwned>(
        &self,
        entry: &Entry,
    ) -> Result<(Record<D>, Stage), Error> {
        let (record, lines) = self.read(entry)?;
        let mut stage = if record.complete { Stage::Attached } else { Stage::Adding };
        for line in lines.split(|byte| *byte == b'\n') {
            if serde_json::from_slice::<Mark>(line).is_ok() {
                return Ok((record, Stage::Removing));
            }
            if serde_json::from_slice::<IgnoredAny>(line).is_ok() {
                stage = Stage::Attached;
            }
        }
        Ok((record, stage))
    }

    /// The record, and the lines after it.
    fn read<D: DeserializeOwned>(&self, entry: &Entry) -> Result<(Record<D>, Vec<u8>), Error> {
        let path = self.dir.join(entry.file_name());
        let mut bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let lines = bytes.split_off(end);
        let record = serde_json::from_slice(&bytes).map_err(|source| {
            if source.is_data() {
                Error::Foreign { path, source }
            } else {
                Error::Damaged { path, source }
            }
        })?;
        Ok((record, lines))
    }

    /// When a record was last written or appended to.
    ///
    /// # Errors
    /// The record is gone.
    pub fn written(&self, entry: &Entry) -> Result<SystemTime, Error> {
        let path = self.dir.join(entry.file_name());
        fs::metadata(&path).and_then(|meta| meta.modified()).map_err(Error::file("look at", path))
    }

    /// Notes that the attachment is being taken back, so that whoever finds the record after a kill
    /// can tell it from one that is in use.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn begin_removal(&self, entry: &Entry) -> Result<(), Error> {
        self.append(entry, &Mark::Removing)
    }

    /// Adds a line to a record without writing the record anew: whatever becomes of the line in a
    /// power cut, a record that was durable stays so.
    ///
    /// # Errors
    /// The record is gone, the disk is full, ...
    pub fn append(&self, entry: &Entry, line: &impl Serialize) -> Result<(), Error> {
        let path = self.dir.join(entry.file_name());
        let mut bytes = vec![b'\n'];
        serde_json::to_writer(&mut bytes, line)
            .map_err(|source| Error::Damaged { path: path.clone(), source })?;
        let mut file =
            OpenOptions::new().append(true).open(&path).map_err(Error::file("open", &path))?;
        file.write_all(&bytes).map_err(Error::file("write", path))
    }

    /// Writes a record under its claim, as a whole or not at all (temporary file, rename).
    ///
    /// A durable one that is new is renamed before it is synced, which costs the disk one commit instead
    /// of two. A power cut in between may leave it damaged, and then nothing of what it describes was
    /// done; one that replaces another never is.
    ///
    /// # Errors
    /// The disk is full, read-only, ...
    pub fn write<D: Serialize>(
        &self,
        entry: &Entry,
        record: &Record<D>,
        durability: Durability,
    ) -> Result<(), Error> {
        let temporary = self.temporary(&entry.owner);
        let target = self.dir.join(entry.file_name());
        let bytes = serde_json::to_vec(record)
            .map_err(|source| Error::Damaged { path: target.clone(), source })?;
        let create = || {
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)
        };
        let mut file = match create() {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                self.prepare()?;
                create()
            }
            created => created,
        }
        .map_err(Error::file("create", &temporary))?;
        file.write_all(&bytes).map_err(Error::file("write", &temporary))?;
        let sync = || file.sync_all().map_err(Error::file("sync", &target));
        let durable = durability == Durability::Durable;
        let replaces = durable && target.exists();
        if replaces {
            sync()?;
        }
        fs::rename(&temporary, &target).map_err(Error::file("rename", &temporary))?;
        if durable {
            if !replaces {
                sync()?;
            }
            self.sync_directory()?;
        }
        Ok(())
    }

    /// Makes a record that was written without fsync outlive a power cut.
    ///
    /// # Errors
    /// The record is gone, the disk fails.
    pub fn sync(&self, entry: &Entry) -> Result<(), Error> {
        let path = self.dir.join(entry.file_name());
        File::open(&path).and_then(|file| file.sync_all()).map_err(Error::file("sync", path))?;
        self.sync_directory()
    }

    /// Gives up the claim: the record stays for the rest of its clean-up, the resource is free.
    ///
    /// # Errors
    /// The rename fails.
    pub fn release_claim(&self, entry: &Entry) -> Result<Entry, Error> {
        let freed = Entry { claim: None, owner: entry.owner.clone() };
        let from = self.dir.join(entry.file_name());
        fs::rename(&from, self.dir.join(freed.file_name())).map_err(Error::file("rename", from))?;
        Ok(freed)
    }

    /// Removes a record; one that is gone already is fine.
    ///
    /// # Errors
    /// The unlink fails.
    pub fn remove(&self, entry: &Entry) -> Result<(), Error> {
        remove_file(&self.dir.join(entry.file_name()))
    }

    /// Owners of whom a killed [`Journal::write`] may have left something, and those who just write.
    ///
    /// # Errors
    /// As [`Journal::entries`].
    pub fn temporaries(&self) -> Result<Vec<Owner>, Error> {
        let names = self.names()?;
        Ok(names
            .iter()
            .filter_map(|name| parse_owner(name.strip_prefix('.')?.strip_suffix(".tmp")?))
            .collect())
    }

    /// Removes what a killed [`Journal::write`] of this owner may have left.
    ///
    /// # Errors
    /// The unlink fails.
    pub fn remove_temporary(&self, owner: &Owner) -> Result<(), Error> {
        remove_file(&self.temporary(owner))
    }

    /// Removes what killed calls left of a write. Whoever still writes holds its owner's lock.
    ///
    /// # Errors
    /// As [`Journal::entries`]; the unlink fails.
    pub fn sweep(&self, locks: &Locks) -> Result<(), Error> {
        for owner in self.temporaries()? {
            if let Ok(_lock) = locks.owner(&owner, Duration::ZERO) {
                self.remove_temporary(&owner)?;
            }
        }
        Ok(())
    }

    /// The leading dot keeps it out of [`Journal::entries`], whose names hold an `@`.
    fn temporary(&self, owner: &Owner) -> PathBuf {
        self.dir.join(format!(".{owner}.tmp"))
    }

    fn sync_directory(&self) -> Result<(), Error> {
        File::open(&self.dir).and_then(|d| d.sync_all()).map_err(Error::file("sync", &self.dir))
    }
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::file("remove", path)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(container_id: &str) -> Owner {
        Owner { container_id: container_id.to_owned(), ifname: "net1".to_owned() }
    }

    fn journal() -> (tempfile::TempDir, Journal) {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), Path::new("/proc"), "sriov").unwrap();
        (dir, journal)
    }

    fn written(journal: &Journal, claim: &str, container: &str) -> Entry {
        let entry = Entry { claim: Some(claim.to_owned()), owner: owner(container) };
        let record =
            Record::new(journal.boot_id(), "net", owner(container), "{}".to_owned(), 7_u32);
        journal.write(&entry, &record, Durability::Durable).unwrap();
        entry
    }

    #[test]
    fn a_record_is_found_by_owner_and_tells_its_claim() {
        let (_dir, journal) = journal();
        let entry = written(&journal, "0000:01:10.0", "a");
        written(&journal, "0000:01:10.2", "b");
        assert_eq!(journal.find(&owner("a")).unwrap(), Some(entry.clone()));
        assert_eq!(journal.find(&owner("c")).unwrap(), None);
        assert_eq!(journal.load::<u32>(&entry).unwrap().detail, 7);
    }

    #[test]
    fn a_released_claim_leaves_the_record() {
        let (_dir, journal) = journal();
        let freed = journal.release_claim(&written(&journal, "0000:01:10.0", "a")).unwrap();
        assert_eq!(journal.entries().unwrap(), [freed]);
    }

    #[test]
    fn what_is_appended_comes_back_and_a_torn_line_does_not_hurt() {
        let (dir, journal) = journal();
        let entry = written(&journal, "", "a");
        let entry = Entry { claim: None, ..entry };
        assert_eq!(journal.load_appended::<u32, String>(&entry).unwrap().1, None);
        journal.append(&entry, &"one").unwrap();
        journal.append(&entry, &"two").unwrap();
        let path = dir.path().join("sriov").join(entry.file_name());
        let whole = fs::read(&path).unwrap();
        for (lost, last) in [(0, "two"), (1, "one"), (4, "one"), (5, "one"), (6, "one")] {
            fs::write(&path, &whole[..whole.len() - lost]).unwrap();
            let (record, appended) = journal.load_appended::<u32, String>(&entry).unwrap();
            assert_eq!((record.detail, appended.as_deref()), (7, Some(last)), "{lost} bytes lost");
        }
        assert_eq!(journal.load::<u32>(&entry).unwrap().detail, 7);
    }

    #[test]
    fn the_stage_is_told_by_the_record_and_what_was_appended() {
        let (_dir, journal) = journal();
        let stage = |entry: &Entry| journal.load_staged::<u32>(entry).unwrap().1;
        let appended = written(&journal, "x", "a");
        assert_eq!(stage(&appended), Stage::Adding);
        journal.append(&appended, &[1, 2]).unwrap();
        assert_eq!(stage(&appended), Stage::Attached);
        journal.begin_removal(&appended).unwrap();
        assert_eq!(stage(&appended), Stage::Removing);
        // What ADD appended is found all the same.
        let (_, done) = journal.load_appended::<u32, Vec<u32>>(&appended).unwrap();
        assert_eq!(done, Some(vec![1, 2]));

        let rewritten = written(&journal, "y", "b");
        let mut record = journal.load::<u32>(&rewritten).unwrap();
        record.complete = true;
        journal.write(&rewritten, &record, Durability::Volatile).unwrap();
        assert_eq!(stage(&rewritten), Stage::Attached);
        journal.begin_removal(&rewritten).unwrap();
        assert_eq!(stage(&rewritten), Stage::Removing);
    }

    #[test]
    fn a_sweep_leaves_those_alone_that_still_write() {
        let (dir, journal) = journal();
        let locks = Locks::new(dir.path(), "sriov");
        journal.prepare().unwrap();
        for container in ["a", "b"] {
            fs::write(journal.temporary(&owner(container)), "{").unwrap();
        }
        let writing = locks.owner(&owner("a"), Duration::ZERO).unwrap();
        journal.sweep(&locks).unwrap();
        assert_eq!(journal.temporaries().unwrap(), [owner("a")]);
        drop(writing);
        journal.sweep(&locks).unwrap();
        assert!(journal.temporaries().unwrap().is_empty());
    }

    #[test]
    fn removing_twice_is_fine() {
        let (_dir, journal) = journal();
        let entry = written(&journal, "x", "a");
        journal.remove(&entry).unwrap();
        journal.remove(&entry).unwrap();
        assert!(journal.entries().unwrap().is_empty());
    }

    #[test]
    fn a_half_written_record_is_not_a_record() {
        let (_dir, journal) = journal();
        journal.prepare().unwrap();
        fs::write(journal.temporary(&owner("a")), "{").unwrap();
        assert!(journal.entries().unwrap().is_empty());
        assert_eq!(journal.temporaries().unwrap(), [owner("a")]);
        journal.remove_temporary(&owner("a")).unwrap();
        assert_eq!(fs::read_dir(&journal.dir).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_record_says_so_and_keeps_its_claim() {
        let (_dir, journal) = journal();
        let entry = written(&journal, "0000:01:10.0", "a");
        fs::write(journal.dir.join(entry.file_name()), "").unwrap();
        assert!(matches!(journal.load::<u32>(&entry), Err(Error::Damaged { .. })));
        fs::write(journal.dir.join(entry.file_name()), r#"{"version":2}"#).unwrap();
        assert!(matches!(journal.load::<u32>(&entry), Err(Error::Foreign { .. })));
        assert_eq!(journal.entries().unwrap(), [entry]);
    }
}
