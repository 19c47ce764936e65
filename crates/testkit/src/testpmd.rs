//! `dpdk-testpmd` as the program of a pod: it forwards packets between its ports.
//!
//! `$FASTPATH_TESTPMD` is its executable (`integration/ovs/testpmd.sh` prints its path). It needs 64 MB of
//! free hugepages unless told otherwise.
//!
//! ```no_run
//! use testkit::netns::Netns;
//! use testkit::testpmd::{Options, Testpmd};
//!
//! let pod = Netns::new();
//! let ports = ["a", "b"].map(|name| format!("--vdev=virtio_user_{name},path=/run/{name}.sock,server=1"));
//! let testpmd = Testpmd::start(&pod, &Options { eal: ports.into(), user: Some(1000), ..Options::default() });
//! println!("{:?}", testpmd.stats(0));
//! println!("{:?}", testpmd.stop());
//! ```

#![expect(
    clippy::disallowed_methods,
    reason = "what to run is told by the environment, tests run what they need"
)]

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::netns::Netns;

mod counters;
mod telemetry;

pub use counters::Counters;

/// How long it may take until it forwards: the other end of a socket may look for it once a second only, for
/// one socket after the other.
const READY: Duration = Duration::from_mins(1);
/// How long it may take to end when asked to.
const END: Duration = Duration::from_secs(20);

/// How to run it.
#[derive(Debug, Clone)]
pub struct Options {
    /// More words for DPDK: its ports, `--vdev=...`.
    pub eal: Vec<String>,
    /// More words for the program itself: `--max-pkt-len=9018`, ...
    pub application: Vec<String>,
    /// What it does with packets: `io` sends what came in at one port of a pair out at the other.
    pub forward: &'static str,
    /// Hugepages that it takes, in MB.
    pub memory: u32,
    /// The user and group that it runs as, without any capability. It is root if not set.
    pub user: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { eal: vec![], application: vec![], forward: "io", memory: 64, user: None }
    }
}

/// One that forwards; ended on drop. When the test fails, its log is printed.
#[derive(Debug)]
pub struct Testpmd {
    daemon: Daemon,
    dir: TempDir,
}

impl Testpmd {
    /// Starts it in a namespace and waits until it forwards between all its ports. Whatever is at their
    /// other ends has to be there by then, and a socket of an earlier one must not.
    #[must_use]
    pub fn start(netns: &Netns, options: &Options) -> Self {
        let dir = directory(options.user);
        let mut command = command(netns, dir.path(), options);
        let daemon = Daemon::spawn(&mut command, log(dir.path()));
        let mut testpmd = Self { daemon, dir };
        let log = log(testpmd.dir.path());
        testpmd.daemon.wait_for(READY, "forwarding of testpmd", || {
            fs::read_to_string(&log).is_ok_and(|text| text.contains("Press enter to exit"))
        });
        // Where a port cannot be had, it does without.
        let wanted = options.eal.iter().filter(|word| word.starts_with("--vdev")).count();
        let ports = testpmd.telemetry("/ethdev/list");
        assert!(ports.as_array().is_some_and(|ports| ports.len() == wanted), "its ports: {ports}");
        testpmd
    }

    /// What a port has counted so far, as its telemetry says.
    #[must_use]
    pub fn stats(&self, port: u16) -> Counters {
        Counters::of_telemetry(&self.telemetry(&format!("/ethdev/stats,{port}")))
    }

    /// Whether a port has somebody at its other end.
    #[must_use]
    pub fn link_is_up(&self, port: u16) -> bool {
        self.telemetry(&format!("/ethdev/link_status,{port}"))["status"] == "UP"
    }

    /// Interrupts it; returns what each port had counted in the end.
    #[must_use]
    pub fn stop(mut self) -> Vec<Counters> {
        self.daemon.signal(Signal::SIGINT);
        let status = self.daemon.wait_end(END);
        assert!(status.success(), "{status}:\n{}", self.daemon.tail());
        Counters::of_log(&self.log())
    }

    /// All that it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(log(self.dir.path())).unwrap()
    }
}

impl Drop for Testpmd {
    fn drop(&mut self) {
        if thread::panicking() {
            report(&self.log());
        }
    }
}

/// Where the program, its log and its sockets are.
fn directory(user: Option<u32>) -> TempDir {
    let Some(program) = env::var_os("FASTPATH_TESTPMD").map(PathBuf::from) else {
        panic!("FASTPATH_TESTPMD is not set: it is what integration/ovs/testpmd.sh prints");
    };
    let dir = tempfile::Builder::new().prefix("testpmd-").tempdir().unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
    // It may be in a home that is closed to others.
    fs::copy(&program, dir.path().join("testpmd"))
        .unwrap_or_else(|error| panic!("FASTPATH_TESTPMD={}: {error}", program.display()));
    let run = run(dir.path());
    fs::create_dir(&run).unwrap();
    chown(run, user, user).unwrap();
    dir
}

fn log(dir: &Path) -> PathBuf {
    dir.join("testpmd.log")
}

fn run(dir: &Path) -> PathBuf {
    dir.join("run")
}

/// Every part of the command line becomes the next one, so that testpmd is our child in the end.
fn command(netns: &Netns, dir: &Path, options: &Options) -> Command {
    let mut command = netns.command("env");
    command.arg(format!("RUNTIME_DIRECTORY={}", run(dir).display()));
    if let Some(user) = options.user {
        command.args(["setpriv", &format!("--reuid={user}"), &format!("--regid={user}")]);
        command.args(["--clear-groups", "--inh-caps=-all", "--ambient-caps=-all"]);
        command.args(["--bounding-set=-all", "--no-new-privs", "--"]);
    }
    // Its log shall tell where it is, also while it is running.
    command.args(["stdbuf", "-oL"]).arg(dir.join("testpmd"));
    // Both threads on one processor: the other one is the switch's.
    command.args(["--lcores=0@0,1@0", "--no-pci", "--in-memory", "--single-file-segments"]);
    command.arg(format!("-m{}", options.memory)).args(&options.eal).arg("--");
    command.args(["--auto-start", "--no-mlockall", "--total-num-mbufs=4096"]);
    command.arg(format!("--forward-mode={}", options.forward)).args(&options.application);
    // It ends when it is told so by a line, or when nobody is left to write one: when we die.
    command.stdin(Stdio::piped());
    command
}

#[expect(clippy::print_stdout, reason = "becomes part of what the failing test has to say")]
fn report(log: &str) {
    println!("testpmd, whose test failed, said:\n{log}");
}
