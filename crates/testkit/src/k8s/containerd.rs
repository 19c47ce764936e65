//! The container runtime.

#![expect(clippy::disallowed_methods, reason = "asks the container runtime")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::node_config::NodeConfig;
use super::programs;
use crate::daemon::Daemon;

const READY: Duration = Duration::from_mins(1);

/// A containerd with its own directories, socket and CNI configuration.
#[derive(Debug)]
pub(super) struct Containerd {
    daemon: Daemon,
    dir: PathBuf,
}

impl Containerd {
    /// Starts it with the images that there are.
    pub(super) fn start(config: &NodeConfig, cni_bin_dirs: &[&Path]) -> Self {
        let dir = &config.dir;
        link_plugins(&dir.join("cni-bin"), cni_bin_dirs);
        fs::write(dir.join("containerd.toml"), config.containerd()).unwrap();
        let containerd = Self { daemon: spawn(dir), dir: dir.clone() };
        for image in ["pause.tar", "busybox.tar"] {
            let file = programs::dir().join("images").join(image);
            containerd.ctr(&["images", "import", &file.display().to_string()]);
        }
        containerd
    }

    /// Kills it and starts it again. Containers go on meanwhile.
    pub(super) fn restart(&mut self) {
        self.daemon.kill();
        fs::remove_file(socket(&self.dir)).unwrap();
        self.daemon = spawn(&self.dir);
    }

    /// Runs its command line client on what belongs to Kubernetes; panics when that fails.
    pub(super) fn ctr(&self, args: &[&str]) -> String {
        self.try_ctr(args).unwrap_or_else(|error| panic!("ctr {args:?}: {error}{}", self.tail()))
    }

    fn try_ctr(&self, args: &[&str]) -> Result<String, String> {
        let mut ctr = Command::new(programs::program("ctr"));
        ctr.arg("--address").arg(socket(&self.dir)).args(["--namespace", "k8s.io"]).args(args);
        let output = ctr.output().map_err(|error| error.to_string())?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// The ids of a pod's sandboxes, the dead ones too while they are not cleaned up.
    pub(super) fn sandboxes(&self, namespace: &str, pod: &str) -> Vec<String> {
        let filter = [
            ("io.cri-containerd.kind", "sandbox"),
            ("io.kubernetes.pod.namespace", namespace),
            ("io.kubernetes.pod.name", pod),
        ]
        .map(|(label, value)| format!("labels.\"{label}\"=={value}"))
        .join(",");
        let ids = self.ctr(&["containers", "list", "--quiet", &filter]);
        ids.lines().map(Into::into).collect()
    }

    /// The path of a sandbox's network namespace.
    pub(super) fn netns(&self, sandbox: &str) -> String {
        let info: Value =
            serde_json::from_str(&self.ctr(&["containers", "info", sandbox])).unwrap();
        let namespaces = info["Spec"]["linux"]["namespaces"].as_array().unwrap();
        let network = namespaces.iter().find(|namespace| namespace["type"] == "network").unwrap();
        network["path"].as_str().unwrap().into()
    }

    pub(super) fn tail(&self) -> String {
        self.daemon.tail()
    }
}

impl Drop for Containerd {
    /// Its containers are not its children: they would outlive it.
    fn drop(&mut self) {
        // Perhaps the test fails already: no panic on top of that.
        let tasks = self.try_ctr(&["tasks", "list", "--quiet"]).unwrap_or_default();
        for id in tasks.lines() {
            drop(self.try_ctr(&["tasks", "delete", "--force", id]));
        }
    }
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("containerd.sock")
}

fn spawn(dir: &Path) -> Daemon {
    let config = dir.join("containerd.toml").display().to_string();
    let mut daemon =
        programs::start(&programs::program("containerd"), dir, ["--config", config.as_str()]);
    daemon.wait_for(READY, "socket of containerd", || socket(dir).exists());
    daemon
}

/// It takes one directory of plugins only: one with links to all, the first of a name wins.
fn link_plugins(to: &Path, dirs: &[&Path]) {
    fs::create_dir(to).unwrap();
    for dir in dirs {
        let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        for entry in entries.map(Result::unwrap) {
            let link = to.join(entry.file_name());
            if entry.path().is_file() && !link.exists() {
                symlink(entry.path(), link).unwrap();
            }
        }
    }
}
