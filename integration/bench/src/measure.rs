//! One call: its CPU time, wall time and peak RSS.
//!
//! CPU time is what `getrusage(2)` adds for children when one is reaped: user and system time of all
//! its threads and of the children that it waited for, from fork on. Only how it divides into user
//! and system is sampled by the timer tick; the sum is what the scheduler accounted, in nanoseconds
//! (`cputime_adjust`, kernel/sched/cputime.c), given in microseconds.

#![expect(clippy::disallowed_methods, reason = "starts what is measured")]
#![expect(clippy::print_stdout, reason = "how peak-rss answers")]

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{Usage, UsageWho, getrusage};

/// What one call took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// User and system time.
    pub cpu: Duration,
    /// From fork until it was reaped.
    pub wall: Duration,
}

impl Cost {
    /// For those who choose between the two.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.cpu
    }

    /// The other one.
    #[must_use]
    pub fn wall(&self) -> Duration {
        self.wall
    }
}

/// Runs a contender; what it took, and what it printed.
///
/// # Errors
/// It fails.
pub fn call(command: Command, conf: &str) -> Result<(Cost, String)> {
    let before = cpu(&getrusage(UsageWho::RUSAGE_CHILDREN)?);
    let (wall, answer) = timed(command, conf)?;
    let cpu = cpu(&getrusage(UsageWho::RUSAGE_CHILDREN)?).saturating_sub(before);
    Ok((Cost { cpu, wall }, answer))
}

/// Runs a program; the time from fork until it was reaped, and what it printed.
///
/// # Errors
/// It fails.
pub fn timed(mut command: Command, conf: &str) -> Result<(Duration, String)> {
    let start = Instant::now();
    let mut child = spawn(&mut command, conf)?;
    let status = child.wait()?;
    let wall = start.elapsed();
    Ok((wall, answer_of(child, status)?))
}

/// Runs a contender under `peak-rss` of this very program and returns its peak RSS in bytes.
///
/// # Errors
/// It fails.
pub fn peak_rss(command: &Command, conf: &str) -> Result<u64> {
    let mut outer = Command::new(std::env::current_exe().context("find this program")?);
    let mut outer = under(outer.args(["peak-rss", "--"]), command);
    let mut child = spawn(&mut outer, conf)?;
    let status = child.wait()?;
    let text = answer_of(child, status)?;
    let kib: u64 = text.trim().parse().with_context(|| format!("peak-rss printed {text:?}"))?;
    Ok(kib * 1024)
}

/// A line of the `status` of a process that runs, `VmRSS` or another, in bytes.
///
/// # Errors
/// There is no such process, or no such line.
pub fn memory(pid: u32, name: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("look at process {pid}"))?;
    let line = text.lines().find(|line| line.starts_with(name));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    let kib: u64 = kib.with_context(|| format!("process {pid} has no {name}"))?.parse()?;
    Ok(kib * 1024)
}

/// `tool` with the call of `command` after its own arguments, in the environment of `command`.
#[must_use]
pub fn under(tool: &Command, command: &Command) -> Command {
    let mut outer = Command::new(tool.get_program());
    outer.args(tool.get_args()).arg(command.get_program()).args(command.get_args());
    outer.env_clear();
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

/// The task `peak-rss`: a process that has had one child knows that child's peak. Its own, which the
/// child starts with, is small for being a process that has done nothing else.
///
/// # Errors
/// The program fails.
pub fn print_peak_rss(command: &[OsString]) -> Result<()> {
    let [program, arguments @ ..] = command else { anyhow::bail!("no program") };
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{}: {status}", program.display());
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss());
    Ok(())
}

/// Starts the program and gives it all of its standard input.
///
/// # Errors
/// There is no such program, or it cannot be written to.
pub fn spawn(command: &mut Command, conf: &str) -> Result<Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().with_context(|| format!("start {}", command.get_program().display()))?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    match stdin.write_all(conf.as_bytes()) {
        // Not everybody reads it.
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(child),
    }
}

/// What it wrote. Answers are short: the pipes hold them whole until the program has ended.
///
/// # Errors
/// It has failed: what it wrote, then.
pub fn answer_of(mut child: Child, status: ExitStatus) -> Result<String> {
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().context("no stdout")?.read_to_string(&mut out)?;
    child.stderr.take().context("no stderr")?.read_to_string(&mut err)?;
    ensure!(status.success(), "{status}: {out}{err}");
    Ok(out)
}

fn cpu(usage: &Usage) -> Duration {
    let micros = [usage.user_time(), usage.system_time()].map(|time| {
        let seconds = Duration::from_secs(u64::try_from(time.tv_sec()).unwrap_or(0));
        seconds + Duration::from_micros(u64::try_from(time.tv_usec()).unwrap_or(0))
    });
    micros.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_fails_is_no_measurement() {
        let failed = call(Command::new("false"), "").unwrap_err();
        assert!(failed.to_string().contains("exit status: 1"), "{failed}");
    }

    #[test]
    fn what_is_timed_gets_its_input_and_may_answer() {
        let (wall, answer) = timed(Command::new("cat"), "configuration").unwrap();
        assert!(wall > Duration::ZERO && answer == "configuration", "{wall:?} {answer}");
    }

    #[test]
    fn a_wrapped_call_keeps_its_words_and_environment() {
        let mut inner = Command::new("plugin");
        inner.arg("a").env("K", "v");
        let outer = under(Command::new("tool").arg("-x"), &inner);
        let words: Vec<_> = outer.get_args().collect();
        assert_eq!(words, ["-x", "plugin", "a"]);
        assert_eq!(outer.get_envs().count(), 1);
    }
}
