//! The program of the measured pod: it sends what it takes at one interface out at the other.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hostnet::Netns;

use super::path::Missing;

/// What stands for words that are known only when the pod has its interfaces.
const EAL: &str = "{eal}";
const FORWARD: &str = "{forward}";

/// What is run if nothing else is said: DPDK's own forwarder.
pub(super) const COMMAND: &str = "dpdk-testpmd --in-memory --single-file-segments -m 64 {eal} -- \
                                  --auto-start {forward} --total-num-mbufs=4096 --no-mlockall";

const LAST_LINES: usize = 5;

/// How long it may take to end by itself.
const END: Duration = Duration::from_secs(5);

/// Words for the program that depend on its interfaces.
pub(super) struct Words<'a> {
    /// What DPDK finds them by.
    pub(super) eal: &'a [String],
    /// How testpmd forwards between them.
    pub(super) forward: &'a [String],
}

/// A running program; ended on drop.
pub(super) struct Program {
    child: Child,
    name: String,
    said: File,
}

impl Program {
    /// Starts it in the pod's namespace. Its input is a pipe of ours: a program that reads it sees that we
    /// have died.
    #[expect(
        clippy::disallowed_methods,
        reason = "the operator names the program on the command line"
    )]
    pub(super) fn start(netns: &Netns, command: &str, known: &Words<'_>) -> Result<Self, Missing> {
        let words: Vec<String> = command
            .split_whitespace()
            .flat_map(|word| match word {
                EAL => known.eal.to_vec(),
                FORWARD => known.forward.to_vec(),
                word => vec![word.to_owned()],
            })
            .collect();
        let [program, arguments @ ..] = words.as_slice() else {
            return Err(Missing("the pod has no program".to_owned()));
        };
        let mut command = Command::new(program);
        let said = tempfile::tempfile()?;
        command.args(arguments).stdin(Stdio::piped());
        command.stdout(said.try_clone()?).stderr(said.try_clone()?);
        let child = netns.run(move || command.spawn())?;
        let child = child.map_err(|error| {
            Missing(format!("run {program}: {error}; install it, or name another by --pod-command"))
        })?;
        Ok(Self { child, name: program.clone(), said })
    }

    /// Whether it runs no more.
    pub(super) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// The last lines that it printed, for who waits in vain for what it should do.
    pub(super) fn last_words(&mut self) -> String {
        let mut text = Vec::new();
        // Nothing is what is said of it then.
        self.said.rewind().and_then(|()| self.said.read_to_end(&mut text)).ok();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("; ")
    }

    /// Its executable.
    pub(super) fn name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Programs such as testpmd end at the end of their input.
        drop(self.child.stdin.take());
        let end = Instant::now() + END;
        while Instant::now() < end {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                _ => break,
            }
        }
        // It may have ended in the meantime.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
