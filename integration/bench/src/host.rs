//! The host that plugins run on: this one, with run-time files and state that are not its own.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::mount::{MsFlags, mount};
use testkit::netns::private_mounts;

/// /run is in memory, as on a node. What has to outlive a power cut is on the disk of `state`: these
/// directories of /var/lib. All of it goes with the mount namespace, but what is in `state`.
///
/// # Errors
/// A directory cannot be made or mounted.
pub fn make_private(state: &Path, kept: &[&str]) -> Result<()> {
    let state = state.canonicalize().with_context(|| format!("find {}", state.display()))?;
    private_mounts(&["/run"]);
    // Through a second name, for the first one may be below /var/lib.
    let disk = make_dir("/run/bench-state")?;
    bind(&state, &disk)?;
    // Over all of it, so that no empty directory is left there to mount something on.
    private_mounts(&["/var/lib"]);
    for name in kept {
        let dir = make_dir(disk.join(name))?;
        bind(&dir, &make_dir(Path::new("/var/lib").join(name))?)?;
    }
    Ok(())
}

/// Makes a directory.
///
/// # Errors
/// It cannot be made, or is there.
pub fn make_dir(path: impl Into<PathBuf>) -> Result<PathBuf> {
    let path = path.into();
    fs::create_dir(&path).with_context(|| format!("make {}", path.display()))?;
    Ok(path)
}

fn bind(from: &Path, to: &Path) -> Result<()> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .with_context(|| format!("mount {} on {}", from.display(), to.display()))
}

/// The files in a directory that match; none when there is no such directory.
///
/// # Errors
/// It cannot be read.
pub fn files(dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let Ok(listing) = fs::read_dir(dir) else { return Ok(Vec::new()) };
    let mut paths =
        listing.map(|file| file.map(|file| file.path())).collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.file_name().is_some_and(|name| wanted(&name.to_string_lossy())));
    Ok(paths)
}

/// What nobody can do without who keeps a record of this size in `dir` that outlives a power cut: write,
/// rename, fsync of file and directory. How long it takes.
///
/// # Errors
/// It cannot be written.
pub fn durable_write(dir: &Path, size: usize) -> Result<Duration> {
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
        let dir = std::env::temp_dir().join(format!("bench-host-{}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        assert!(durable_write(&dir, 1000).unwrap() > Duration::ZERO);
        assert!(files(&dir, |_| true).unwrap().is_empty());
        fs::remove_dir(&dir).unwrap();
        assert!(files(&dir, |_| true).unwrap().is_empty());
    }
}
