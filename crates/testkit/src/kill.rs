//! Killed anywhere: run a program under ptrace and kill it at the entry of any state-changing call.
//!
//! A program that is killed between two system calls leaves the same host as one that is killed
//! somewhere on the way from one to the other. So there are only as many different deaths as there
//! are calls that change something, and [`killed_anywhere`] tries them all: one run for each, the
//! whole tree of processes and threads killed at the entry of that call, which then does not happen.
//!
//! Counted as a [`Point`], over all threads and children together: creating, truncating, renaming,
//! linking and removing files and directories, their modes and owners; writing to regular files,
//! sysfs, procfs, sockets and the program's own stdout; mounts; entering namespaces; modules;
//! executing. Not counted: reading, fsync, locks, eventfds, pipes, devices and stderr.
//!
//! Out of sight: ioctl, `io_uring`, and writes through a mapping.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

mod anywhere;
mod point;
mod trace;
mod tracee;

pub use anywhere::{Failure, Report, killed_anywhere};

/// How long a run may take before it counts as hung, unless the victim says otherwise.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// A program to run, and perhaps to kill.
#[derive(Debug, Clone)]
pub struct Victim {
    /// Path of the executable.
    pub program: PathBuf,
    /// Its arguments, without the name of the program.
    pub args: Vec<OsString>,
    /// Its whole environment: nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// What it finds on its standard input.
    pub stdin: Vec<u8>,
    /// How long it may take; then all of it is killed and the run is [`Outcome::Hung`].
    pub deadline: Duration,
}

/// One state-changing system call that the victim made, or was about to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The call, by its kernel name: `openat`, `write`, `rename`, ...
    pub call: &'static str,
    /// What it is done to: absolute paths, the family of a socket, `stdout`.
    pub target: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The program left with this code, and all its children are gone too.
    Exited(i32),
    /// The program died of a signal that was not ours.
    Died(i32),
    /// All of it was killed at the entry of the point with this index; the call did not happen.
    KilledAt(usize),
    /// The deadline passed; all of it was killed wherever it was.
    Hung,
}

/// What was seen of one run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The points that were entered, in order; the one it was killed at is the last.
    pub points: Vec<Point>,
    /// How it ended.
    pub outcome: Outcome,
    /// What the program and its children wrote to stdout.
    pub stdout: Vec<u8>,
    /// What they wrote to stderr.
    pub stderr: Vec<u8>,
}

impl Victim {
    /// A program without arguments, environment and input, and with the usual deadline.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            stdin: Vec::new(),
            deadline: DEADLINE,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs it unharmed to see its points. Panics when it hangs, with what was seen until then.
    #[must_use]
    pub fn observe(&self) -> Run {
        let run = trace::run(self, None);
        assert!(run.outcome != Outcome::Hung, "{} hung: {run}", self.program.display());
        run
    }

    /// Runs it and kills all of it at the entry of the point with index `n`. A run that has no
    /// such point ends by itself, which its outcome tells.
    #[must_use]
    pub fn kill_at(&self, n: usize) -> Run {
        trace::run(self, Some(n))
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.call, self.target)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} after {} points", self.outcome, self.points.len())?;
        for (n, point) in self.points.iter().enumerate() {
            writeln!(f, "  #{n} {point}")?;
        }
        writeln!(f, "  stdout: {}", String::from_utf8_lossy(&self.stdout).trim_end())?;
        write!(f, "  stderr: {}", String::from_utf8_lossy(&self.stderr).trim_end())
    }
}
