//! Taking away what was placed.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};
use journal::Journal;

use super::HostRoot;
use super::file::{self, Found};
use super::record::{Placed, Record};
use super::wanted::PLUGINS;

/// Attached pods are detached by the plugins, so these have to stay.
pub(super) fn refuse_while_attached(state: &Path, proc: &Path) -> Result<()> {
    for plugin in PLUGINS {
        let entries = Journal::open(state, proc, plugin)?.entries()?;
        if let Some(entry) = entries.first() {
            bail!(
                "{} has {} attachments, the first is {}, and to detach them takes the plugins: \
                 drain the node, or say --force",
                state.join(plugin).display(),
                entries.len(),
                entry.owner
            );
        }
    }
    Ok(())
}

/// Everything on record, the last first. What somebody else has changed since stays.
pub(super) fn all(record: &Record, tree: &HostRoot) -> Result<()> {
    for placed in record.configuration.iter().rev().chain(record.plugins.iter().rev()) {
        remove_file(placed, tree)?;
    }
    for directory in record.directories.iter().rev() {
        remove_directory(directory, tree)?;
    }
    Ok(())
}

fn remove_file(placed: &Placed, tree: &HostRoot) -> Result<()> {
    let path = tree.at(&placed.path);
    match file::look(&path)? {
        Found::Nothing => file::remove_half(&path),
        Found::File { sha256, .. } if placed.is(&sha256) => {
            file::remove(&path)?;
            log::info!("{} is removed", placed.path.display());
            Ok(())
        }
        Found::File { .. } | Found::Other => {
            log::warn!("{} stays: somebody else has changed it", placed.path.display());
            file::remove_half(&path)
        }
    }
}

fn remove_directory(directory: &Path, tree: &HostRoot) -> Result<()> {
    match fs::remove_dir(tree.at(directory)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
            log::warn!("{} stays: there are other files in it", directory.display());
            Ok(())
        }
        done => done.with_context(|| format!("remove {}", directory.display())),
    }
}
