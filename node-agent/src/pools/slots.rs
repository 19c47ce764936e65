//! Directories of slots, which kubelet mounts into containers.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use super::Pool;
use crate::config::SlotSpec;

/// What no pod sees: `slot.json` and, in it, `pod`, what a container sees.
pub(crate) fn home(run: &Path, id: &str) -> PathBuf {
    run.join("slots").join(id)
}

/// Makes the directories of a pool's slots. What is in them stays: a container may be at work.
pub(super) fn make(pool: &Pool, slots: &SlotSpec, run: &Path) -> Result<()> {
    let info = json!({
        "version": 1,
        "pool": pool.spec.resource,
        "bridge": slots.bridge.name,
        "numa": slots.numa,
    });
    for id in pool.members.keys() {
        let home = home(run, id);
        for (dir, mode) in [(&home, 0o711), (&home.join("pod"), 0o700)] {
            make_dir(dir, mode)?;
        }
        write(&home.join("slot.json"), &info.to_string())?;
    }
    Ok(())
}

/// As a whole or not at all: an ADD may read it.
fn write(file: &Path, text: &str) -> Result<()> {
    let half = file.with_extension("new");
    let written = fs::write(&half, text).and_then(|()| fs::rename(&half, file));
    written.with_context(|| format!("write {}", file.display()))
}

fn make_dir(dir: &Path, mode: u32) -> Result<()> {
    let parent = dir.parent().unwrap_or(Path::new("/"));
    let parents = DirBuilder::new().recursive(true).mode(0o711).create(parent);
    parents.with_context(|| format!("make {}", parent.display()))?;
    match DirBuilder::new().mode(mode).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("make {}", dir.display()))
        }
        _ => Ok(()),
    }
}

/// Removes the directories of slots that are in no pool any more, and empty of what pods have.
pub(super) fn remove_others(pools: &[Pool], run: &Path) -> Result<()> {
    let slots = run.join("slots");
    let Ok(entries) = fs::read_dir(&slots) else { return Ok(()) };
    for entry in entries {
        let entry = entry.with_context(|| format!("read {}", slots.display()))?;
        let id = entry.file_name().to_string_lossy().into_owned();
        if pools.iter().any(|pool| pool.members.contains_key(&id)) {
            continue;
        }
        // A directory that a pod still uses is not empty, and stays.
        if fs::remove_dir(entry.path().join("pod")).is_ok() {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}
