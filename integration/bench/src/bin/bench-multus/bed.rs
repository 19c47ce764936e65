//! The host that the meta-plugins run on: this one, with run-time files and state that are not its own.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::mount::{MsFlags, mount};
use testkit::netns::{Netns, private_mounts};

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
    /// /run is in memory, as on a node. What has to outlive a power cut is on the disk of `state`.
    pub(crate) fn make(state: &Path, delegate: &Path) -> Result<Self> {
        let state = state.canonicalize().with_context(|| format!("find {}", state.display()))?;
        let delegate = fs::read(delegate).context("read the delegate")?;
        private_mounts(&["/run"]);
        // Through a second name, for the first one may be below /var/lib.
        let disk = make_dir("/run/bench-state")?;
        bind(&state, &disk)?;
        // Over all of it, so that no empty directory is left there to mount something on.
        private_mounts(&["/var/lib"]);
        for name in STATE {
            let dir = make_dir(disk.join(name))?;
            bind(&dir, &make_dir(Path::new("/var/lib").join(name))?)?;
        }
        let plugins = make_dir("/run/bench-plugins")?;
        let executable = plugins.join(DELEGATE);
        fs::write(&executable, delegate)?;
        fs::set_permissions(&executable, fs::Permissions::from_mode(0o755))?;
        let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().context("run ip")?;
        ensure!(up.success(), "ip link set lo up: {up}");
        Ok(Self { plugins, marks: make_dir("/run/bench-marks")?, pod: Netns::new() })
    }
}

fn make_dir(path: impl Into<PathBuf>) -> Result<PathBuf> {
    let path = path.into();
    fs::create_dir(&path).with_context(|| format!("make {}", path.display()))?;
    Ok(path)
}

fn bind(from: &Path, to: &Path) -> Result<()> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .with_context(|| format!("mount {} on {}", from.display(), to.display()))
}

/// The files in a directory that match; none when there is no such directory.
pub(crate) fn files(dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let Ok(listing) = fs::read_dir(dir) else { return Ok(Vec::new()) };
    let mut paths =
        listing.map(|file| file.map(|file| file.path())).collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.file_name().is_some_and(|name| wanted(&name.to_string_lossy())));
    Ok(paths)
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

/// What nobody can do without: write, rename, fsync of file and directory. How long it takes.
fn durable_write(dir: &Path, size: usize) -> Result<Duration> {
    let (temporary, file) = (dir.join(".bench.tmp"), dir.join("bench"));
    let bytes = vec![b'x'; size];
    let start = Instant::now();
    let mut open = fs::File::create(&temporary)?;
    open.write_all(&bytes)?;
    fs::rename(&temporary, &file)?;
    open.sync_all()?;
    fs::File::open(dir)?.sync_all()?;
    let took = start.elapsed();
    fs::remove_file(&file)?;
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_durable_write_leaves_nothing() {
        let dir = std::env::temp_dir().join(format!("bench-bed-{}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        assert!(durable_write(&dir, 1000).unwrap() > Duration::ZERO);
        assert!(files(&dir, |_| true).unwrap().is_empty());
        fs::remove_dir(&dir).unwrap();
        assert!(files(&dir, |_| true).unwrap().is_empty());
    }
}
