//! A long-running program that ends with its value.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process::tail;

/// How long it may take to end when asked to.
const GRACE: Duration = Duration::from_secs(3);

/// A running program; ended on drop.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it; a file takes what it prints, after what is in it.
    pub(crate) fn spawn(command: &mut Command, log: PathBuf) -> Self {
        let out = File::options().create(true).append(true).open(&log).unwrap();
        let child = command.stdout(out.try_clone().unwrap()).stderr(out).spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, log }
    }

    /// Waits until it does its work; panics with its log when it ends before, or never does.
    pub(crate) fn wait_for(
        &mut self,
        deadline: Duration,
        what: &str,
        mut ready: impl FnMut() -> bool,
    ) {
        let start = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{status} before {what}:\n{}", self.tail());
            }
            assert!(start.elapsed() < deadline, "no {what} in {deadline:?}:\n{}", self.tail());
            sleep(Duration::from_millis(50));
        }
    }

    /// Whether it is the program of this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.log.file_stem().is_some_and(|stem| stem == name)
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// Kills it on the spot.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.signal() == Some(9), "had ended before: {status}\n{}", self.tail());
    }

    /// Waits until it has ended by itself; panics with its log when it does not.
    pub(crate) fn wait_end(&mut self, deadline: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < deadline, "no end in {deadline:?}:\n{}", self.tail());
            sleep(Duration::from_millis(10));
        }
    }

    /// The last lines of its log.
    pub(crate) fn tail(&self) -> String {
        tail(&self.log)
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        self.signal(Signal::SIGTERM);
        let asked = Instant::now();
        while asked.elapsed() < GRACE {
            if self.has_ended() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        // Nothing is lost: what it keeps goes away with it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
