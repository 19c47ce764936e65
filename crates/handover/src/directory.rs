//! Making, filling and removing the directory of an attachment.
//!
//! A pod may write into its own, also while it ends or begins: nothing here follows a link that it may
//! have put there, and what is written is written by descriptor into a file that is new.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::Path;

use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmod, fchmodat, fstat, fstatat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fchownat, linkat, unlinkat};
use serde::{Deserialize, Serialize};

use crate::{Error, Place};

/// Of a file for the application, and of a socket it connects to.
const FILE_MODE: u32 = 0o440;
const SOCKET_MODE: u32 = 0o660;

/// Whose the directory and what is in it are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Owner; stays as it is made if not given.
    pub uid: Option<u32>,
    /// Group; stays as it is made if not given.
    pub gid: Option<u32>,
    /// Permissions of the directory.
    pub mode: u32,
    /// `SELinux` label.
    pub label: Option<String>,
}

impl Rights {
    fn ids(&self) -> (Option<Uid>, Option<Gid>) {
        (self.uid.map(Uid::from_raw), self.gid.map(Gid::from_raw))
    }

    /// Gives an open file or directory to whom it belongs.
    fn apply(&self, file: impl AsFd, mode: u32) -> io::Result<()> {
        let (uid, gid) = self.ids();
        fchown(&file, uid, gid)?;
        fchmod(&file, Mode::from_bits_truncate(mode))?;
        if let Some(label) = &self.label {
            let flags = rustix::fs::XattrFlags::empty();
            rustix::fs::fsetxattr(&file, "security.selinux", label.as_bytes(), flags)?;
        }
        Ok(())
    }
}

/// An open directory.
#[derive(Debug)]
pub struct Directory<'a> {
    fd: OwnedFd,
    path: &'a Path,
    rights: &'a Rights,
}

/// Makes the directory, or empties the slot's. When it fails, nothing is left of it.
///
/// # Errors
/// [`Error::Directory`], [`Error::Present`].
pub fn make<'a>(place: &'a Place, rights: &'a Rights) -> Result<Directory<'a>, Error> {
    let dir = place.dir();
    match place {
        Place::Slot { .. } => empty(dir)?,
        Place::Own { .. } | Place::Volume { .. } => make_dir(dir)?,
    }
    let made = open(dir).and_then(|fd| {
        // Where the directory above passes its group on, this one does, too (Kubernetes' fsGroup).
        let inherits = fstat(&fd)?.st_mode & Mode::S_ISGID.bits();
        rights.apply(&fd, rights.mode | inherits)?;
        Ok(Directory { fd, path: dir, rights })
    });
    let made = made.map_err(Error::directory("set up", dir));
    let made = made.and_then(|made| {
        if let Place::Volume { link, .. } = place {
            make_parent(link)?;
            symlink(dir, link).map_err(Error::directory("link to", link))?;
        }
        Ok(made)
    });
    if made.is_err()
        && let Err(error) = remove(place)
    {
        log::error!("{}", cni::chain(&error));
    }
    made
}

fn make_dir(dir: &Path) -> Result<(), Error> {
    let new = || DirBuilder::new().mode(0o700).create(dir);
    let made = match new() {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            make_parent(dir)?;
            new()
        }
        made => made,
    };
    made.map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => Error::Present(dir.to_owned()),
        _ => Error::directory("make", dir)(source),
    })
}

/// Others may pass through it to what is theirs, and not look around.
fn make_parent(path: &Path) -> Result<(), Error> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let made = DirBuilder::new().recursive(true).mode(0o711).create(parent);
    made.map_err(Error::directory("make", parent))
}

fn open(dir: &Path) -> io::Result<OwnedFd> {
    let flags = libc_flags(OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW);
    Ok(OpenOptions::new().read(true).custom_flags(flags).open(dir)?.into())
}

fn libc_flags(flags: OFlag) -> i32 {
    flags.bits()
}

impl Directory<'_> {
    /// Writes a file for the application, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Directory`].
    pub fn write(&self, name: &str, contents: &[u8]) -> Result<(), Error> {
        let write = || -> io::Result<()> {
            let half = format!(".{name}.new");
            self.unlink(&half)?;
            let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
            let mut file = File::from(openat(&self.fd, half.as_str(), flags, Mode::S_IRUSR)?);
            file.write_all(contents)?;
            self.rights.apply(&file, FILE_MODE)?;
            Ok(renameat(&self.fd, half.as_str(), &self.fd, name)?)
        };
        write().map_err(Error::directory("write", &self.path.join(name)))
    }

    /// Gives the application the socket that the switch listens on: a second name of the same file.
    ///
    /// # Errors
    /// [`Error::LinkSocket`].
    pub fn link_socket(&self, socket: &Path, name: &str) -> Result<(), Error> {
        let link = || -> io::Result<()> {
            let here = nix::fcntl::AT_FDCWD;
            let nofollow = AtFlags::AT_SYMLINK_NOFOLLOW;
            let kind = fstatat(here, socket, nofollow)?.st_mode;
            if SFlag::from_bits_truncate(kind) & SFlag::S_IFMT != SFlag::S_IFSOCK {
                return Err(io::Error::other("it is not a socket"));
            }
            let (uid, gid) = self.rights.ids();
            fchownat(here, socket, uid, gid, nofollow)?;
            let mode = Mode::from_bits_truncate(SOCKET_MODE & (self.rights.mode | 0o600));
            fchmodat(here, socket, mode, FchmodatFlags::FollowSymlink)?;
            if let Some(label) = &self.rights.label {
                let flags = rustix::fs::XattrFlags::empty();
                rustix::fs::lsetxattr(socket, "security.selinux", label.as_bytes(), flags)?;
            }
            Ok(linkat(here, socket, &self.fd, name, AtFlags::empty())?)
        };
        link().map_err(|source| Error::LinkSocket { socket: socket.to_owned(), source })
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Err(nix::Error::ENOENT) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Removes the directory with all that is in it; that of a slot is emptied.
///
/// # Errors
/// [`Error::Directory`].
pub fn remove(place: &Place) -> Result<(), Error> {
    match place {
        Place::Own { dir } => remove_tree(dir),
        Place::Slot { dir, .. } => empty(dir),
        Place::Volume { dir, link, .. } => {
            remove_tree(dir)?;
            match fs::remove_file(link) {
                Err(e) if e.kind() != ErrorKind::NotFound => {
                    Err(Error::directory("remove", link)(e))
                }
                _ => Ok(()),
            }
        }
    }
}

fn empty(dir: &Path) -> Result<(), Error> {
    let failed = || Error::directory("empty", dir);
    // A link in the place of the directory is not gone through.
    match fs::symlink_metadata(dir) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(failed()(ErrorKind::NotADirectory.into())),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed()(e)),
    }
    for entry in fs::read_dir(dir).map_err(failed())? {
        remove_tree(&entry.map_err(failed())?.path())?;
    }
    Ok(())
}

/// Removes whatever is there; a link itself and not what it points to.
fn remove_tree(path: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::directory("remove", path)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
