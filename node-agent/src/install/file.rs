//! One file: what is there, placing it as a whole or not at all, taking it away.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// What stands at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// A regular file.
    File {
        sha256: String,
        mode: u32,
    },
    /// A directory, a link, ...
    Other,
}

/// Looks, without following a link.
pub(super) fn look(path: &Path) -> Result<Found> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        metadata => metadata.with_context(|| format!("look at {}", path.display()))?,
    };
    if !metadata.is_file() {
        return Ok(Found::Other);
    }
    let content = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    Ok(Found::File { sha256: sha256(&content), mode: metadata.permissions().mode() & 0o7777 })
}

/// In hexadecimal digits, as `sha256sum` prints it.
pub(super) fn sha256(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

/// Writes a file beside its place and renames it: a program that runs can be replaced, and nobody
/// sees half of it. Safe from a power cut.
pub(super) fn place(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let half = half(path);
    remove_half(path)?;
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(content)?;
        file.sync_all()?;
        // A program that somebody has open for writing cannot be started.
        drop(file);
        fs::rename(&half, path)?;
        sync_parent(path)
    };
    write().with_context(|| format!("write {}", path.display()))
}

/// Removes a file, where it is there, and what [`place`] may have left beside it when it was killed.
pub(super) fn remove(path: &Path) -> Result<()> {
    remove_half(path)?;
    remove_if_there(path)?;
    sync_parent(path).with_context(|| format!("remove {}", path.display()))
}

/// Removes what [`place`] may have left beside a file when it was killed.
pub(super) fn remove_half(path: &Path) -> Result<()> {
    remove_if_there(&half(path))
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done.with_context(|| format!("remove {}", path.display())),
    }
}

/// Hidden, and without an extension by which a container runtime would take it for a network.
fn half(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".fastpath-new");
    path.with_file_name(name)
}

/// Nothing to be kept where the directory is gone.
fn sync_parent(path: &Path) -> std::io::Result<()> {
    match File::open(path.parent().unwrap_or(Path::new("/"))) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        directory => directory?.sync_all(),
    }
}
