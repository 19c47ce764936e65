//! What a call asks the kernel for, as strace shows it.

#![expect(clippy::disallowed_methods, reason = "runs strace")]

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::measure::{answer_of, spawn, under};

/// Runs the call under strace with these options more; what strace wrote, for [`calls`]. What only manages
/// memory is not in it.
///
/// # Errors
/// It fails.
pub fn log(command: &Command, conf: &str, options: &[&str]) -> Result<String> {
    let log = std::env::temp_dir().join("bench.strace");
    let mut strace = Command::new("/usr/bin/strace");
    strace.args(["-f", "-s", "65535", "-o"]).arg(&log);
    strace.args(["-e", "trace=!%memory"]).args(options).arg("--");
    let mut child = spawn(&mut under(&strace, command), conf)?;
    let status = child.wait()?;
    answer_of(child, status)?;
    Ok(String::from_utf8_lossy(&fs::read(&log)?).into_owned())
}

/// The system calls in a log of `strace -f`, each once, as `call(arguments`.
pub fn calls(log: &str) -> impl Iterator<Item = &str> {
    // "PID call(arguments": what goes in stands in the part before a call was interrupted.
    let calls =
        log.lines().filter_map(|line| line.split_once(' ')).map(|(_pid, call)| call.trim_start());
    calls.filter(|call| !["<...", "---", "+++"].iter().any(|other| call.starts_with(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_once_and_signals_are_none() {
        let log = "90    read(0, <unfinished ...>\n91 --- SIGCHLD ---\n90 <... read resumed>\"\") = 0\n\
                   91 close(3) = 0\n91 +++ exited with 0 +++\n";
        let calls: Vec<_> = calls(log).collect();
        assert_eq!(calls, ["read(0, <unfinished ...>", "close(3) = 0"]);
    }
}
