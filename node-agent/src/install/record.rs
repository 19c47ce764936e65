//! What was placed: `<state>/installed.json`.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::file;

const NAME: &str = "installed.json";

/// Everything that an uninstallation takes away again. Paths are those of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Directories that were made, outer ones first.
    pub(super) directories: Vec<PathBuf>,
    /// In the order of placing.
    pub(super) plugins: Vec<Placed>,
    /// In the order of placing: the file by which the container runtime goes is the last.
    pub(super) configuration: Vec<Placed>,
}

/// A file of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Placed {
    /// Where, on the host.
    pub(super) path: PathBuf,
    /// What it holds; none where that is renewed all the time.
    pub(super) sha256: Option<String>,
    /// What it held before: still there when the replacement was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replaces: Option<String>,
}

impl Placed {
    /// Whether a file at its place is what we have put there.
    pub(super) fn is(&self, sha256: &str) -> bool {
        let ours = |sum: &Option<String>| sum.as_deref() == Some(sha256);
        self.sha256.is_none() || ours(&self.sha256) || ours(&self.replaces)
    }
}

impl Record {
    /// An empty one where nothing is installed.
    pub(super) fn load(state: &Path) -> Result<Self> {
        let path = state.join(NAME);
        let json = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            json => json.with_context(|| format!("read {}", path.display()))?,
        };
        serde_json::from_slice(&json)
            .with_context(|| format!("{} is damaged, or of another release", path.display()))
    }

    /// Writes it, safe from a power cut.
    pub(super) fn save(&self, turn: &Turn) -> Result<()> {
        let json = serde_json::to_vec_pretty(self).context("as JSON")?;
        file::place(&turn.state.join(NAME), &json, 0o644)
    }
}

/// The right to install, uninstall or renew: one process at a time. Ends with the value.
pub(super) struct Turn {
    state: PathBuf,
    /// The lock is on the directory itself, so that it leaves nothing behind.
    _directory: File,
}

impl Turn {
    /// Makes the state directory where it is missing.
    pub(super) fn take(state: &Path) -> Result<Self> {
        fs::create_dir_all(state).with_context(|| format!("create {}", state.display()))?;
        match Self::try_take(state)? {
            Some(turn) => Ok(turn),
            None => bail!("another install or uninstall is at work: try again when it has ended"),
        }
    }

    /// None while somebody else has it, or where there is no state directory.
    pub(super) fn try_take(state: &Path) -> Result<Option<Self>> {
        let directory = match File::open(state) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            directory => directory.with_context(|| format!("open {}", state.display()))?,
        };
        match directory.try_lock() {
            Ok(()) => Ok(Some(Self { state: state.to_owned(), _directory: directory })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("lock {}", state.display()))
            }
        }
    }

    /// Removes the record, and the state directory where nothing else is in it.
    pub(super) fn forget(self) -> Result<()> {
        file::remove(&self.state.join(NAME))?;
        match fs::remove_dir(&self.state) {
            // It is a mount point in a pod.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::DirectoryNotEmpty | ErrorKind::ResourceBusy
                ) =>
            {
                Ok(())
            }
            done => done.with_context(|| format!("remove {}", self.state.display())),
        }
    }
}
