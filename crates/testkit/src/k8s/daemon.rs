//! A long-running program that ends with its value.

#![expect(clippy::disallowed_methods, reason = "starts the programs of the cluster")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::programs;

/// How long it may take to end when asked to.
const GRACE: Duration = Duration::from_secs(3);
/// Lines of a log that are worth reading.
const TAIL: usize = 15;

/// A running program; ended on drop.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it in a directory, where `<name>.log` takes what it prints.
    pub(super) fn start<A: AsRef<OsStr>>(
        program: &Path,
        dir: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let name = program.file_name().unwrap().to_string_lossy();
        let log = dir.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log).unwrap();
        let path =
            format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", programs::dir().join("bin").display());
        let child = Command::new(program)
            .args(args)
            .current_dir(dir)
            .env_clear()
            .env("PATH", path)
            .env("HOME", dir)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Self { child, log }
    }

    /// Waits until it does its work; panics with its log when it ends before, or never does.
    pub(super) fn wait_for(
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
    pub(super) fn is(&self, name: &str) -> bool {
        self.log.file_stem().is_some_and(|stem| stem == name)
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    /// Kills it on the spot.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.signal() == Some(9), "had ended before: {status}\n{}", self.tail());
    }

    /// The last lines of its log.
    pub(super) fn tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL)..];
        format!("{}:\n  {}\n", self.log.display(), tail.join("\n  "))
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
