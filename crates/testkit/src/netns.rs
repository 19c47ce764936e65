//! Network namespaces that go away with the test, and mounts that are not the host's.
//!
//! The suites start under `unshare -mn`: what a test does to namespaces, mounts and links dies with
//! it. [`private_mounts`] insists on that before it hides anything.

#![expect(clippy::disallowed_methods, reason = "tests run what they need")]

use std::ffi::OsStr;
use std::fs;
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::mount::{MsFlags, mount};

use crate::process::output;

/// `ip netns add` sets up /run/netns the first time, which two at once do not survive.
static ADDING: Mutex<()> = Mutex::new(());
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A fresh network namespace, known to `ip netns`; deleted on drop, also when the test panics.
#[derive(Debug)]
pub struct Netns {
    name: String,
    path: String,
}

impl Netns {
    /// Makes the namespace `fp-<pid>-<n>` and brings its `lo` up.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it makes something on the host")]
    pub fn new() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fp-{}-{number}", process::id());
        let adding = ADDING.lock().unwrap_or_else(PoisonError::into_inner);
        output("ip", &["netns", "add", &name]);
        drop(adding);
        let netns = Self { path: format!("/run/netns/{name}"), name };
        netns.ip(&["link", "set", "lo", "up"]);
        netns
    }

    /// Its name for `ip -n`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its path, as a runtime passes it in `CNI_NETNS`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Runs `ip` on it and returns what it printed; panics when it fails.
    pub fn ip(&self, args: &[&str]) -> String {
        output("ip", &[&["-n", &self.name], args].concat())
    }

    /// Runs a program inside, with the namespace's own /sys; panics when it fails.
    pub fn exec(&self, command: &[&str]) -> String {
        output("ip", &[&["netns", "exec", &self.name], command].concat())
    }

    /// A command to be run inside, for everything that [`exec`](Self::exec) is too simple for.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Deletes it now, as a runtime does that tears the sandbox down before it calls DEL.
    pub fn delete(self) {
        drop(self);
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        // Perhaps the test itself deleted it.
        drop(Command::new("ip").args(["netns", "del", &self.name]).output());
    }
}

/// Hides each of these directories under an empty tmpfs; those that are hidden already stay.
///
/// Panics in the mount namespace of the system: hiding its /run would be the end of it. To be
/// called before the first [`Netns`] is made, since those are files in /run. Under /run, `lock` and
/// `netns` are there again.
pub fn private_mounts(over: &[&str]) {
    static HIDDEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let own = fs::read_link("/proc/self/ns/mnt").unwrap();
    // Who may not read this one is not in it with enough rights to do harm.
    let system = fs::read_link("/proc/1/ns/mnt");
    assert!(
        system.map_or(true, |system| system != own),
        "these are the system's own mounts: run the test under `unshare -mn` (see docs/testing.md)"
    );
    let nothing = None::<&str>;
    let mut hidden = HIDDEN.lock().unwrap_or_else(PoisonError::into_inner);
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).unwrap();
    for dir in over {
        if hidden.iter().any(|known| known == dir) {
            continue;
        }
        fs::create_dir_all(dir).unwrap();
        mount(Some("testkit"), *dir, Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
            .unwrap_or_else(|errno| panic!("a tmpfs over {dir}: {errno}"));
        if *dir == "/run" {
            fs::create_dir("/run/lock").unwrap();
            fs::create_dir("/run/netns").unwrap();
        }
        hidden.push((*dir).into());
    }
}
