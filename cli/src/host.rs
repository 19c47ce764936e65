//! Where things are on this host, and how the user names them.

use std::path::{Path, PathBuf};

use clap::Args;
use cni::runtime::Cache;
use cni::{Error, code};

/// Directories of named network namespaces, in order.
const NETNS_DIRS: [&str; 2] = ["/run/netns", "/var/run/netns"];

/// Options about the host that every command takes.
#[derive(Args)]
pub(crate) struct Host {
    /// Where attachments are remembered; other CNI runtimes use the default too
    #[arg(long, global = true, value_name = "DIR", default_value = "/var/lib/cni")]
    cache_dir: PathBuf,
    /// Directories of CNI plugins, in order
    #[arg(
        long = "cni-path",
        global = true,
        env = "CNI_PATH",
        value_name = "DIR:DIR",
        value_delimiter = ':',
        default_value = "/opt/cni/bin"
    )]
    pub(crate) path: Vec<PathBuf>,
    /// Where the plugins keep the sockets of containers
    #[arg(long, global = true, value_name = "DIR", default_value = "/run/fastpath")]
    pub(crate) run_dir: PathBuf,
}

impl Host {
    pub(crate) fn cache(&self) -> Cache {
        Cache::new(&self.cache_dir)
    }
}

/// The path of a namespace given by NAME or PATH. A name need not exist: its namespace may be gone.
pub(crate) fn netns_path(given: &Path) -> PathBuf {
    named(given, &NETNS_DIRS.map(PathBuf::from))
}

fn named(given: &Path, dirs: &[PathBuf]) -> PathBuf {
    if given.as_os_str().as_encoded_bytes().contains(&b'/') {
        return std::path::absolute(given).unwrap_or_else(|_| given.to_owned());
    }
    let candidates: Vec<_> = dirs.iter().map(|dir| dir.join(given)).collect();
    let existing = candidates.iter().find(|path| path.exists());
    existing.or(candidates.first()).cloned().unwrap_or_else(|| given.to_owned())
}

/// The path of a namespace that must exist.
pub(crate) fn existing_netns(given: &Path) -> Result<PathBuf, Error> {
    let path = netns_path(given);
    if path.exists() {
        return Ok(path);
    }
    let msg = format!("no network namespace {}", path.display());
    let hint = "create it with `ip netns add`, or name another by its path, /proc/PID/ns/net";
    Err(Error::new(code::UNKNOWN_CONTAINER, msg, hint))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_are_searched_and_paths_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = ["a", "b"].map(|name| dir.path().join(name));
        fs::create_dir_all(&dirs[1]).unwrap();
        fs::write(dirs[1].join("blue"), "").unwrap();
        assert_eq!(named(Path::new("blue"), &dirs), dirs[1].join("blue"));
        assert_eq!(named(Path::new("gone"), &dirs), dirs[0].join("gone"));
        assert_eq!(named(Path::new("/proc/1/ns/net"), &dirs), Path::new("/proc/1/ns/net"));
    }
}
