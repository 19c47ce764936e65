//! Network namespaces: opened by path, identified by inode, entered on threads that end afterwards.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sched::CloneFlags;
use nix::sys::statfs::{FsType, fstatfs};
use serde::{Deserialize, Serialize};

use crate::Error;

/// `NSFS_MAGIC` of linux/magic.h: what `statfs` says of a namespace file.
const NSFS_MAGIC: FsType = FsType(0x6e73_6673);

/// An open network namespace. It stays alive while this value does.
#[derive(Debug)]
pub struct Netns {
    file: File,
    path: PathBuf,
}

/// Which namespace a path stood for: paths are reused, device and inode of a living namespace not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetnsId {
    /// Path given by the runtime (`CNI_NETNS`).
    pub path: PathBuf,
    /// Device number of the nsfs file.
    pub dev: u64,
    /// Inode number of the nsfs file.
    pub ino: u64,
}

impl Netns {
    /// Opens the namespace at `path`, as in `/run/netns/NAME` or `/proc/PID/ns/net`.
    ///
    /// # Errors
    /// The path is absent, unreadable or not a namespace.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path)
            .map_err(|source| Error::OpenNetns { path: path.to_owned(), source })?;
        let kind = fstatfs(&file)
            .map_err(|e| Error::OpenNetns { path: path.to_owned(), source: e.into() })?
            .filesystem_type();
        if kind != NSFS_MAGIC {
            return Err(Error::NotANetns { path: path.to_owned() });
        }
        Ok(Self { file, path: path.to_owned() })
    }

    /// A new namespace without a name: it goes, with all that is in it, when nobody has it open any more,
    /// however this process ends. Its path is good as long as this process lives, for others too.
    ///
    /// # Errors
    /// The process may not make one.
    pub fn fresh() -> Result<Self, Error> {
        let made = std::thread::scope(|scope| match scope.spawn(unshare).join() {
            Ok(file) => file,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        let file = made.map_err(Error::FreshNetns)?;
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into();
        Ok(Self { file, path })
    }

    /// The namespace of the calling thread.
    ///
    /// # Errors
    /// `/proc` is not mounted.
    pub fn current() -> Result<Self, Error> {
        Self::open(Path::new("/proc/thread-self/ns/net"))
    }

    /// Path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its identity.
    ///
    /// # Errors
    /// `fstat` fails.
    pub fn id(&self) -> Result<NetnsId, Error> {
        let meta = self
            .file
            .metadata()
            .map_err(|source| Error::OpenNetns { path: self.path.clone(), source })?;
        Ok(NetnsId { path: self.path.clone(), dev: meta.dev(), ino: meta.ino() })
    }

    /// Runs `work` on a thread of its own inside the namespace. The thread ends with it, so no early
    /// return can strand the process in the wrong namespace.
    ///
    /// # Errors
    /// The thread cannot be made or may not enter.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let inside = |source: io::Error| Error::Inside { path: self.path.clone(), source };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new()
                .spawn_scoped(scope, || enter(self.file.as_fd()).map(|()| work()));
            match thread.map_err(inside)?.join() {
                Ok(result) => result.map_err(|e| inside(e.into())),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    pub(crate) fn raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl NetnsId {
    /// Whether both stand for one namespace, whatever their paths.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }

    /// Opens the namespace again, if the path still stands for the same one.
    #[must_use]
    pub fn reopen(&self) -> Option<Netns> {
        let netns = Netns::open(&self.path).ok()?;
        (netns.id().ok()? == *self).then_some(netns)
    }
}

/// The namespace stays with the file; the thread that made it ends.
#[expect(clippy::disallowed_methods, reason = "this is the door that the lint guards")]
fn unshare() -> io::Result<File> {
    nix::sched::unshare(CloneFlags::CLONE_NEWNET)?;
    File::open("/proc/thread-self/ns/net")
}

#[expect(clippy::disallowed_methods, reason = "this is the door that the lint guards")]
fn enter(fd: BorrowedFd<'_>) -> nix::Result<()> {
    nix::sched::setns(fd, CloneFlags::CLONE_NEWNET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_file_is_not_a_namespace() {
        assert!(matches!(Netns::open(Path::new("/proc/version")), Err(Error::NotANetns { .. })));
        assert!(matches!(Netns::open(Path::new("/no/such")), Err(Error::OpenNetns { .. })));
    }

    #[test]
    fn another_inode_is_another_namespace() {
        let mut id = Netns::open(Path::new("/proc/self/ns/net")).unwrap().id().unwrap();
        assert!(id.reopen().is_some());
        id.ino += 1;
        assert!(id.reopen().is_none());
    }
}
