//! The host that the meta-plugins run on, and their pod.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use bench::host::{durable_write, files, make_dir, make_private};
use testkit::netns::Netns;

/// Name of the plugin that is called.
pub(crate) const DELEGATE: &str = "delegate";
/// The plugins of the distribution.
pub(crate) const DEBIAN: &str = "/usr/lib/cni";
/// What meta-plugins and IPAM plugins keep, below /var/lib.
const STATE: [&str; 2] = ["fastpath", "cni"];

/// Where multus-lite and Multus remember what they attached: a contender may be either.
const RECORDS: [&str; 2] = ["/var/lib/fastpath/multus-lite", "/var/lib/cni/multus"];

/// All of it goes with the mount namespace, but what is in the state directory.
pub(crate) struct Bed {
    /// Where the delegate is.
    pub(crate) plugins: PathBuf,
    /// The files of the delegate, when it makes some.
    pub(crate) marks: PathBuf,
    /// The pod, where one is enough.
    pub(crate) pod: Netns,
}

impl Bed {
    /// Makes all of it.
    pub(crate) fn make(state: &Path, delegate: &Path) -> Result<Self> {
        let delegate = fs::read(delegate).context("read the delegate")?;
        make_private(state, &STATE)?;
        let plugins = make_dir("/run/bench-plugins")?;
        let executable = plugins.join(DELEGATE);
        fs::write(&executable, delegate)?;
        fs::set_permissions(&executable, fs::Permissions::from_mode(0o755))?;
        Ok(Self { plugins, marks: make_dir("/run/bench-marks")?, pod: Netns::new() })
    }
}

/// What is remembered of containers whose names begin so; unfinished files are among it.
pub(crate) fn records(containers: &str) -> Result<Vec<PathBuf>> {
    let dirs = RECORDS.iter().map(|dir| files(dir.as_ref(), |name| name.contains(containers)));
    Ok(dirs.collect::<Result<Vec<_>>>()?.concat())
}

/// Writes a file of this size beside the records so that it outlives a power cut.
pub(crate) fn write_beside_records(size: usize) -> Result<Duration> {
    durable_write(RECORDS[0].as_ref(), size)
}
