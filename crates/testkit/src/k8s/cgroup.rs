//! The cgroups of a node's pods.

#![expect(clippy::disallowed_methods, reason = "the suite names the cgroup that it removes")]

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs, process};

const ROOT: &str = "/sys/fs/cgroup";
/// How long the last processes in it may take to be gone.
const EMPTY: Duration = Duration::from_secs(5);

/// A cgroup of our own in each hierarchy of the machine, for kubelet to work in: below the root it
/// would end what it takes for pods of its own. Removed on drop.
///
/// Called `$FASTPATH_K8S_CGROUP`: namespaces do not take it away when the process is killed, so that
/// is left to who started it.
#[derive(Debug)]
pub(super) struct Cgroup {
    name: String,
}

impl Cgroup {
    /// Makes it.
    pub(super) fn make() -> Self {
        let name = env::var("FASTPATH_K8S_CGROUP");
        let name = name.unwrap_or_else(|_| format!("fastpath-k8s-{}", process::id()));
        for hierarchy in hierarchies() {
            let dir = hierarchy.join(&name);
            fs::create_dir_all(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
            // In this hierarchy a new one has nothing to run on.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                if let Ok(set) = fs::read(hierarchy.join(file)) {
                    fs::write(dir.join(file), set).unwrap();
                }
            }
        }
        Self { name }
    }

    /// Its path below the root of each hierarchy.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.name)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let start = Instant::now();
        for dir in hierarchies().iter().map(|hierarchy| hierarchy.join(&self.name)) {
            remove(&dir);
            while dir.exists() && start.elapsed() < EMPTY {
                sleep(Duration::from_millis(50));
                remove(&dir);
            }
        }
    }
}

/// The mounted hierarchies; with cgroup v2 there is only one.
fn hierarchies() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    if root.join("cgroup.procs").exists() {
        return vec![root.into()];
    }
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|dir| dir.join("cgroup.procs").exists()).collect()
}

/// Removes a cgroup with those below it, as far as they are empty.
fn remove(cgroup: &Path) {
    let below = fs::read_dir(cgroup).into_iter().flatten().flatten();
    below.map(|entry| entry.path()).filter(|path| path.is_dir()).for_each(|path| remove(&path));
    drop(fs::remove_dir(cgroup));
}
