//! Running other programs without a deadlock on full pipes.

#![expect(clippy::disallowed_methods, reason = "tests run what they need")]

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command};
use std::thread::{self, JoinHandle};

/// Lines of a log that are worth reading.
const TAIL: usize = 15;

/// What a program printed on stdout. Panics with both streams when it fails.
pub(crate) fn output<S: AsRef<OsStr>>(program: &str, args: &[S]) -> String {
    both(program, args).0
}

/// What a program printed on stdout and on stderr. Panics with both when it fails.
pub(crate) fn both<S: AsRef<OsStr>>(program: &str, args: &[S]) -> (String, String) {
    let mut command = Command::new(program);
    let output = command.args(args).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    (stdout, stderr)
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(TAIL)..];
    format!("{}:\n  {}\n", log.display(), tail.join("\n  "))
}

/// The threads at the other ends of a child's pipes.
pub(crate) struct Pipes {
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
}

impl Pipes {
    /// Starts feeding `stdin` to a child, all of whose standard streams are pipes.
    pub(crate) fn of(child: &mut Child, stdin: Vec<u8>) -> Self {
        let mut to = child.stdin.take().unwrap();
        // A child may well end without having read all of it.
        thread::spawn(move || drop(to.write_all(&stdin)));
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { stdout: thread::spawn(|| all(stdout)), stderr: thread::spawn(|| all(stderr)) }
    }

    /// Everything that was written to stdout and stderr until the last writer closed them.
    pub(crate) fn collect(self) -> (Vec<u8>, Vec<u8>) {
        (self.stdout.join().unwrap(), self.stderr.join().unwrap())
    }
}

fn all(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}
