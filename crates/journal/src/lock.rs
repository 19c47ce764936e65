//! Locks: byte ranges of one file, so that nothing is left behind per container or device.
//!
//! Open-file-description locks (`fcntl(2)`, `F_OFD_SETLK`) end with the descriptor, also when the
//! process is killed.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use crate::{Error, Owner};

/// Owners lock bytes below this offset, devices above: one call holds one of each, and a collision
/// of hashes between the kinds must not make it wait for itself.
const DEVICES_FROM: i64 = 1 << 61;

/// Longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_millis(8);

/// The lock file below the run-time directory.
#[derive(Debug, Clone)]
pub struct Locks {
    path: PathBuf,
    program: &'static str,
}

/// A held lock; dropping it releases.
#[derive(Debug)]
#[must_use = "the lock is held only as long as this value"]
pub struct Lock {
    _file: File,
}

impl Locks {
    /// Locks of `program` in `<run_dir>/locks`, which a reboot empties.
    #[must_use]
    pub fn new(run_dir: &Path, program: &'static str) -> Self {
        Self { path: run_dir.join("locks"), program }
    }

    /// Excludes other ADD, DEL and GC work of this program on this attachment. A meta-plugin and the
    /// plugin that it calls for the same interface do not exclude each other.
    ///
    /// # Errors
    /// [`Error::Busy`] after `deadline`.
    pub fn owner(&self, owner: &Owner, deadline: Duration) -> Result<Lock, Error> {
        let what = || format!("attachment {owner}");
        self.lock(libc::F_WRLCK, self.offset(owner), deadline, what)
    }

    /// Whether somebody holds [`Locks::owner`] of this attachment. Takes nothing and makes no file.
    ///
    /// # Errors
    /// The lock file is there but cannot be read.
    pub fn is_held(&self, owner: &Owner) -> Result<bool, Error> {
        let file = match File::open(&self.path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(Error::file("open", &self.path))?,
        };
        let mut range = byte(libc::F_WRLCK, self.offset(owner));
        fcntl(&file, FcntlArg::F_OFD_GETLK(&mut range))
            .map_err(|e| Error::file("look at", &self.path)(e.into()))?;
        // What stands in the way, or that nothing does.
        Ok(libc::c_int::from(range.l_type) != libc::F_UNLCK)
    }

    fn offset(&self, owner: &Owner) -> i64 {
        hash(&format!("{} {owner}", self.program))
    }

    /// Excludes other work on this device (a PF, by its PCI address).
    ///
    /// # Errors
    /// [`Error::Busy`] after `deadline`.
    pub fn device(&self, name: &str, deadline: Duration) -> Result<Lock, Error> {
        let what = || format!("device {name}");
        self.lock(libc::F_WRLCK, DEVICES_FROM + hash(name), deadline, what)
    }

    /// Excludes those that hold [`Locks::device`] of this name, but not others like itself.
    ///
    /// # Errors
    /// [`Error::Busy`] after `deadline`.
    pub fn shared(&self, name: &str, deadline: Duration) -> Result<Lock, Error> {
        let what = || format!("device {name}");
        self.lock(libc::F_RDLCK, DEVICES_FROM + hash(name), deadline, what)
    }

    fn lock(
        &self,
        kind: libc::c_int,
        offset: i64,
        deadline: Duration,
        what: impl FnOnce() -> String,
    ) -> Result<Lock, Error> {
        let file = self.open_file()?;
        let range = byte(kind, offset);
        let end = Instant::now() + deadline;
        let mut pause = Duration::from_millis(1);
        loop {
            match fcntl(&file, FcntlArg::F_OFD_SETLK(&range)) {
                Ok(_) => return Ok(Lock { _file: file }),
                Err(Errno::EAGAIN | Errno::EACCES | Errno::EINTR) if Instant::now() < end => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(MAX_PAUSE);
                }
                Err(Errno::EAGAIN | Errno::EACCES | Errno::EINTR) => {
                    return Err(Error::Busy { what: what() });
                }
                Err(e) => return Err(Error::file("lock", &self.path)(e.into())),
            }
        }
    }

    fn open_file(&self) -> Result<File, Error> {
        let open = || {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path)
        };
        let missing = |e: &std::io::Error| e.kind() == std::io::ErrorKind::NotFound;
        match open() {
            Err(e) if missing(&e) => {
                let dir = self.path.parent().unwrap_or(Path::new("/"));
                std::fs::create_dir_all(dir).map_err(Error::file("create", dir))?;
                open()
            }
            opened => opened,
        }
        .map_err(Error::file("open", &self.path))
    }
}

/// A lock on one byte.
#[expect(clippy::cast_possible_truncation, reason = "small constants that libc types as c_int")]
fn byte(kind: libc::c_int, offset: i64) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: offset,
        l_len: 1,
        l_pid: 0,
    }
}

fn hash(text: &str) -> i64 {
    i64::try_from(fnv1a(text) >> 4).unwrap_or_default()
}

/// FNV-1a: the same in every process and release, which the standard library's hasher does not promise.
pub(crate) fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(5);

    #[test]
    fn the_second_waits_until_the_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let locks = Locks::new(&dir.path().join("run"), "a");
        let first = locks.device("pf", SOON).unwrap();
        let refused = locks.device("pf", SOON).unwrap_err();
        assert_eq!(refused.to_string(), "another call still works on device pf");
        drop(first);
        drop(locks.device("pf", SOON).unwrap());
    }

    #[test]
    fn shared_locks_keep_out_only_the_exclusive_one() {
        let dir = tempfile::tempdir().unwrap();
        let locks = Locks::new(dir.path(), "a");
        let one = locks.shared("x", SOON).unwrap();
        let two = locks.shared("x", SOON).unwrap();
        locks.device("x", SOON).unwrap_err();
        drop((one, two));
        let _alone = locks.device("x", SOON).unwrap();
        locks.shared("x", SOON).unwrap_err();
    }

    #[test]
    fn whether_a_lock_is_held_is_seen_without_taking_it() {
        let dir = tempfile::tempdir().unwrap();
        let locks = Locks::new(&dir.path().join("run"), "a");
        let owner = Owner { container_id: "a".to_owned(), ifname: "b".to_owned() };
        assert!(!locks.is_held(&owner).unwrap());
        assert!(!dir.path().join("run").exists());
        let lock = locks.owner(&owner, SOON).unwrap();
        assert!(locks.is_held(&owner).unwrap());
        drop(lock);
        assert!(!locks.is_held(&owner).unwrap());
    }

    #[test]
    fn owners_and_devices_do_not_meet() {
        let dir = tempfile::tempdir().unwrap();
        let locks = Locks::new(dir.path(), "a");
        let owner = Owner { container_id: "a".to_owned(), ifname: "b".to_owned() };
        let _owner = locks.owner(&owner, SOON).unwrap();
        let _called = Locks::new(dir.path(), "b").owner(&owner, SOON).unwrap();
        locks.owner(&owner, SOON).unwrap_err();
        let _device = locks.device("pf", SOON).unwrap();
        let _other = locks.device("pf2", SOON).unwrap();
    }
}
