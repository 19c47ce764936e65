//! An Open vSwitch with DPDK of one's own, seen and changed through its own tools.
//!
//! `$FASTPATH_OVS_DIR` (integration/ovs) has the scripts that start it; it needs hugepages, and a mount and
//! a network namespace of its own (`private_mounts(&["/run"])`).
//!
//! ```no_run
//! use testkit::ovs::Ovs;
//!
//! let ovs = Ovs::start();
//! ovs.add_bridge("br0");
//! let (here, there) = (ovs.add_outer("br0", Some(100)), ovs.add_outer("br0", Some(100)));
//! assert_eq!(here.ping(there.address(), 10), 10);
//! ```

#![expect(clippy::disallowed_methods, reason = "where its scripts are is told by the environment")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process::{both, output, tail};
use crate::wait::eventually;

mod outer;
mod rows;

pub use outer::Outer;

/// The directory of all its files: that of a node's own, where everybody looks for it by default.
pub const DIR: &str = "/run/openvswitch";

const OVSDB: &str = "ovsdb-server";
const VSWITCHD: &str = "ovs-vswitchd";

/// More than it ever takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A database server and a switch, without a bridge at first; both end with it.
#[derive(Debug)]
pub struct Ovs {
    script: PathBuf,
}

impl Ovs {
    /// Starts both, with an empty database, and waits until the switch has DPDK.
    #[must_use]
    pub fn start() -> Self {
        let Some(dir) = env::var_os("FASTPATH_OVS_DIR").map(PathBuf::from) else {
            panic!(
                "FASTPATH_OVS_DIR is not set: it names the directory of ovs.sh, integration/ovs"
            );
        };
        let ovs = Self { script: dir.join("ovs.sh") };
        ovs.script("start");
        ovs
    }

    /// Runs `ovs-vsctl` and returns what it printed, without the last newline. Panics when it fails,
    /// and when the switch could not do what was asked.
    ///
    /// Waits for the switch to do it; while that is not running, the first word has to be `--no-wait`.
    pub fn vsctl(&self, args: &[&str]) -> String {
        vsctl(args)
    }

    /// Runs `ovs-appctl` on the switch and returns what it printed; panics when it fails.
    pub fn appctl(&self, args: &[&str]) -> String {
        let (target, timeout) = (control(VSWITCHD), timeout());
        output("ovs-appctl", &[&["-t", &target, &timeout], args].concat())
    }

    /// Adds a bridge of the userspace datapath.
    pub fn add_bridge(&self, name: &str) {
        self.vsctl(&["add-br", name, "--", "set", "Bridge", name, "datapath_type=netdev"]);
    }

    /// Gives a bridge a port whose other end is the only interface of a new namespace; with a tag it
    /// is an access port of that VLAN.
    #[must_use]
    pub fn add_outer(&self, bridge: &str, tag: Option<u16>) -> Outer {
        Outer::new(bridge, tag)
    }

    /// Waits until the link of an interface is up: then both ends of a socket talk to each other, and
    /// the switch has the memory for it. That it has none shows nowhere else.
    pub fn wait_link_up(&self, interface: &str) {
        eventually(PATIENCE, &format!("the link of {interface}"), || self.link_is_up(interface));
    }

    /// Whether the link of an interface is up, as the switch itself says. A switch that was just started
    /// may have connected too early to write it to the database, which then says `down` for ever.
    #[must_use]
    pub fn link_is_up(&self, interface: &str) -> bool {
        let bridge = format!("unix:{DIR}/{}.mgmt", self.vsctl(&["iface-to-br", interface]));
        let ports = output("ovs-ofctl", &[&timeout(), "dump-ports-desc", &bridge]);
        // By number: long names are cut.
        let number = self.vsctl(&["get", "Interface", interface, "ofport"]);
        let port = ports.split_once(&format!(" {number}(")).map(|(_, port)| port);
        let state = port.and_then(|port| port.lines().find(|line| line.contains("state:")));
        state.is_some_and(|state| !state.contains("LINK_DOWN"))
    }

    /// Kills the switch. Its database is still there, and so are the sockets of pods.
    pub fn kill_vswitchd(&self) {
        end(VSWITCHD, Signal::SIGKILL);
    }

    /// Asks the switch to end.
    pub fn stop_vswitchd(&self) {
        end(VSWITCHD, Signal::SIGTERM);
    }

    /// Starts the switch again; waits until it has set up all that the database says.
    pub fn start_vswitchd(&self) {
        self.script("vswitchd");
    }

    /// Kills the database server. The switch forwards on between pods; system ports, as those of
    /// [`Outer`], are dead until it is back.
    pub fn kill_ovsdb(&self) {
        end(OVSDB, Signal::SIGKILL);
    }

    /// Starts the database server again, with what was in it.
    pub fn start_ovsdb(&self) {
        self.script("ovsdb");
    }

    /// The last lines of the switch's log, to be printed with a failure.
    #[must_use]
    pub fn tail(&self) -> String {
        tail(&Path::new(DIR).join(format!("{VSWITCHD}.log")))
    }

    fn script(&self, command: &str) {
        output(&self.script.display().to_string(), &[command, DIR]);
    }
}

impl Drop for Ovs {
    fn drop(&mut self) {
        // Perhaps the test fails already: no panic on top of that.
        drop(Command::new(&self.script).args(["stop", DIR]).output());
    }
}

fn vsctl(args: &[&str]) -> String {
    let (db, timeout) = (format!("--db=unix:{DIR}/db.sock"), timeout());
    let (stdout, stderr) = both("ovs-vsctl", &[&[&*db, &timeout], args].concat());
    // It counts as a success when only the switch could not do it.
    assert!(!stderr.contains("Error detected"), "ovs-vsctl {args:?}: {stderr}");
    stdout.trim_end().into()
}

fn timeout() -> String {
    format!("--timeout={}", PATIENCE.as_secs())
}

/// The socket where a daemon takes commands.
fn control(name: &str) -> String {
    format!("{DIR}/{name}.ctl")
}

/// Sends a daemon a signal that ends it, and waits until it is gone.
fn end(name: &str, signal: Signal) {
    let file = format!("{DIR}/{name}.pid");
    let pid = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let pid = pid.trim_end();
    kill(Pid::from_raw(pid.parse().unwrap()), signal)
        .unwrap_or_else(|errno| panic!("{name} is not running (process {pid}): {errno}"));
    eventually(PATIENCE, &format!("the end of {name}"), || has_ended(pid));
}

/// Whether all its threads have ended: the first may be gone long before the last, which keeps files
/// and locks. Their parent may not have taken leave of it yet.
fn has_ended(pid: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads
        .map(|thread| fs::read_to_string(thread.path().join("stat")).unwrap_or_default())
        .all(|stat| stat.rsplit_once(')').is_none_or(|(_, rest)| rest.starts_with(" Z")))
}
