//! The ptrace loop: follows a whole tree of threads and processes and stops at every call.

#![expect(clippy::disallowed_methods, reason = "the harness starts the program under test")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::resume_unwind;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::tracee::Sockets;
use super::{Outcome, Point, Run, Victim, point};
use crate::process::Pipes;

/// Holds still until it is traced, then becomes the program; `$0` is its path.
const PREAMBLE: &str = r#"kill -STOP $$; exec "$0" "$@""#;

/// `AUDIT_ARCH_X86_64`: the only calls whose numbers we know.
const X86_64: u32 = 0xc000_003e;

/// Runs the victim, and kills it at the entry of the point with index `kill_at`.
///
/// On a thread of its own: a tracer is a thread, and so its waiting never takes away a child that
/// another test of the same process waits for. When the thread ends, by a panic too, the kernel
/// kills whatever it still traces.
pub(super) fn run(victim: &Victim, kill_at: Option<usize>) -> Run {
    thread::scope(|scope| scope.spawn(|| trace(victim, kill_at)).join())
        .unwrap_or_else(|panic| resume_unwind(panic))
}

fn trace(victim: &Victim, kill_at: Option<usize>) -> Run {
    let mut child = Command::new("/bin/sh")
        .args(["-c", PREAMBLE])
        .arg(&victim.program)
        .args(&victim.args)
        .env_clear()
        .envs(victim.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let root = pid_of(&child);
    let stopped = waitpid(root, Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert!(matches!(stopped, WaitStatus::Stopped(..)), "/bin/sh did not wait: {stopped:?}");
    let stdout = fs::read_link(format!("/proc/{root}/fd/1")).unwrap();
    let mut tracer = Tracer {
        root,
        kill_at,
        started: false,
        killed: None,
        alive: BTreeSet::from([root]),
        early: BTreeSet::new(),
        sockets: Sockets::new(stdout.to_string_lossy().into_owned()),
        points: Vec::new(),
        outcome: None,
    };
    let pipes = Pipes::of(&mut child, victim.stdin.clone());
    let seized = ptrace::seize(
        root,
        Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_EXITKILL,
    );
    if let Err(errno) = seized {
        kill_one(root);
        panic!("cannot trace {}: {errno}", victim.program.display());
    }
    kill(root, Signal::SIGCONT).unwrap();
    tracer.follow(victim.deadline);
    let (stdout, stderr) = pipes.collect();
    assert!(
        tracer.started || tracer.outcome == Some(Outcome::Hung),
        "cannot execute {}: {}",
        victim.program.display(),
        String::from_utf8_lossy(&stderr)
    );
    Run { points: tracer.points, outcome: tracer.outcome.unwrap(), stdout, stderr }
}

/// The tree being followed.
struct Tracer {
    root: Pid,
    kill_at: Option<usize>,
    /// The shell has become the program: from here on points count.
    started: bool,
    /// Why all of it is being killed, once it is.
    killed: Option<Outcome>,
    /// Every thread that has not yet been seen to end.
    alive: BTreeSet<Pid>,
    /// Threads that stopped before the parent's own stop told of them.
    early: BTreeSet<Pid>,
    sockets: Sockets,
    points: Vec<Point>,
    outcome: Option<Outcome>,
}

impl Tracer {
    /// Follows the tree until nothing of it is left.
    fn follow(&mut self, deadline: Duration) {
        let mut alarm = Alarm::new(deadline);
        while !self.alive.is_empty() {
            let status = wait().unwrap_or_else(|errno| {
                // nix has no name for real-time signals.
                panic!("waiting for the victim: {errno} (EINVAL: a real-time signal), {self}")
            });
            if status.pid() == Some(alarm.pid) {
                alarm.rung = true;
                self.kill_all(Outcome::Hung);
            } else {
                self.handle(status);
            }
        }
        drop(alarm);
        // A child born in the instant of the kill may be known to the kernel only.
        loop {
            match wait() {
                Ok(status) if self.killed.is_some() => {
                    status.pid().into_iter().for_each(kill_one);
                }
                Ok(status) => panic!("lost sight of a child: {status:?}, {self}"),
                Err(Errno::ECHILD) => break,
                Err(errno) => panic!("waiting for the victim's last children: {errno}"),
            }
        }
        self.outcome = self.killed.or(self.outcome);
    }

    fn handle(&mut self, status: WaitStatus) {
        let signal = match status {
            WaitStatus::Exited(pid, code) => return self.ended(pid, Outcome::Exited(code)),
            WaitStatus::Signaled(pid, signal, _) => {
                return self.ended(pid, Outcome::Died(signal as i32));
            }
            WaitStatus::Stopped(_, signal) => Some(signal),
            _ => None,
        };
        let pid = status.pid().unwrap();
        if self.alive.insert(pid) {
            self.early.insert(pid);
        }
        match status {
            // Born while we were killing.
            _ if self.killed.is_some() => kill_one(pid),
            WaitStatus::PtraceSyscall(_) => self.at_call(pid),
            WaitStatus::PtraceEvent(_, _, event) => self.at_event(pid, event),
            _ => {}
        }
        // After a kill there is nothing to resume: SIGKILL takes a thread out of its stop.
        if self.killed.is_none() {
            expect_gone_or_done(ptrace::syscall(pid, signal));
        }
    }

    fn ended(&mut self, pid: Pid, how: Outcome) {
        self.alive.remove(&pid);
        if pid == self.root {
            self.outcome = Some(how);
        }
    }

    fn at_event(&mut self, pid: Pid, event: i32) {
        let Ok(message) = ptrace::getevent(pid) else { return };
        let other = Pid::from_raw(i32::try_from(message).unwrap_or_default());
        if event == Event::PTRACE_EVENT_EXEC as i32 {
            self.started = true;
            // A thread that executes takes over the number of its process.
            if other != pid {
                self.alive.remove(&other);
            }
        } else if [Event::PTRACE_EVENT_CLONE, Event::PTRACE_EVENT_FORK, Event::PTRACE_EVENT_VFORK]
            .iter()
            .any(|birth| event == *birth as i32)
            && !self.early.remove(&other)
        {
            self.alive.insert(other);
        }
    }

    /// A thread stands at the entry or the exit of a system call.
    fn at_call(&mut self, pid: Pid) {
        // It may be dead already, by a signal from elsewhere.
        let (Ok(info), Ok(mut regs)) = (ptrace::syscall_info(pid), ptrace::getregs(pid)) else {
            return;
        };
        assert!(info.arch == X86_64, "{pid} is not an x86_64 program");
        if info.op == libc::PTRACE_SYSCALL_INFO_EXIT {
            return self.sockets.learn(pid, &regs);
        }
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY || !self.started {
            return;
        }
        let Some(point) = point::of(pid, &regs, &self.sockets) else { return };
        let n = self.points.len();
        self.points.push(point);
        if self.kill_at == Some(n) {
            // No such call: even if the thread ran on, it would do nothing.
            regs.orig_rax = u64::MAX;
            expect_gone_or_done(ptrace::setregs(pid, regs));
            self.kill_all(Outcome::KilledAt(n));
        }
    }

    fn kill_all(&mut self, why: Outcome) {
        self.killed.get_or_insert(why);
        self.alive.iter().copied().for_each(kill_one);
    }
}

impl std::fmt::Display for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "after {} points, the last: ", self.points.len())?;
        self.points.last().map_or(Ok(()), |point| point.fmt(f))
    }
}

/// Waits for the next event of any child or tracee of this thread, and of no other thread.
fn wait() -> nix::Result<WaitStatus> {
    loop {
        match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

fn kill_one(pid: Pid) {
    expect_gone_or_done(kill(pid, Signal::SIGKILL));
}

/// A thread can die by itself between its stop and what we do to it.
fn expect_gone_or_done(result: nix::Result<()>) {
    assert!(matches!(result, Ok(()) | Err(Errno::ESRCH)), "tracing the victim: {result:?}");
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap())
}

/// A child that ends at the deadline, so that waiting for the next child also waits for the time.
struct Alarm {
    pid: Pid,
    child: Child,
    /// It has ended and been waited for.
    rung: bool,
}

impl Alarm {
    fn new(deadline: Duration) -> Self {
        let child = Command::new("sleep")
            .arg(format!("{:.3}", deadline.as_secs_f64()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { pid: pid_of(&child), child, rung: false }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if !self.rung {
            kill_one(self.pid);
            self.child.wait().unwrap();
        }
    }
}
