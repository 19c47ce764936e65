//! One run of a plugin's executable, within a time and a size, on the thread of the caller.
//!
//! The plugin's pipes are never read or written where that could block: what the plugin started
//! may hold them open after it is gone.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// An executable that is just being replaced is busy; how often and how long to wait for it.
const BUSY: (u32, Duration) = (20, Duration::from_millis(50));
/// A pipe takes this much without blocking when it is empty or ready (`PIPE_BUF`).
const CHUNK: usize = 4096;
/// A result has some KB. What prints more is broken, and we keep what it prints in memory.
pub(super) const MAX_OUTPUT: usize = 1 << 20;
/// As good as no deadline at all, and small enough to be added to a time.
const LONGEST: Duration = Duration::from_secs(1 << 30);
/// A plugin may end while something that it started keeps its stdout open: how often to look.
const STILL_THERE: Duration = Duration::from_millis(20);
/// How often to let others run before sleeping, until a plugin that has closed its pipes has ended.
const YIELDS: u32 = 200;
/// How long to wait for a plugin that was killed. The kernel may hold it back in a system call.
const KILLED: Duration = Duration::from_secs(1);

/// How a plugin ended and what it printed.
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
}

/// Why there is no [`Output`]. The plugin does not run any more.
pub(super) enum Failure {
    Io(io::Error),
    /// It did not end in time.
    Late,
    /// It printed more than [`MAX_OUTPUT`].
    Loud,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs `command`: `stdin` in, stdout out, stderr passed through. It is killed when that takes
/// longer than `timeout`; what it started itself is left alone.
pub(super) fn run(
    command: &mut Command,
    stdin: &[u8],
    timeout: Duration,
) -> Result<Output, Failure> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut talk = Talk::new(spawn(command)?, stdin);
    match talk.finish(Instant::now() + timeout.min(LONGEST)) {
        Ok(status) => Ok(Output { status, stdout: talk.printed }),
        Err(failure) => {
            talk.kill();
            Err(failure)
        }
    }
}

fn spawn(command: &mut Command) -> io::Result<Child> {
    let (attempts, pause) = BUSY;
    for _ in 1..attempts {
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::sleep(pause),
            other => return other,
        }
    }
    command.spawn()
}

/// A running plugin and its pipes, each until its end.
struct Talk<'a> {
    child: Child,
    stdin: Option<ChildStdin>,
    unsent: &'a [u8],
    stdout: Option<ChildStdout>,
    printed: Vec<u8>,
}

impl<'a> Talk<'a> {
    fn new(mut child: Child, unsent: &'a [u8]) -> Self {
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        Self { child, stdin, unsent, stdout, printed: Vec::new() }
    }

    /// Sends and receives until the plugin has ended.
    fn finish(&mut self, deadline: Instant) -> Result<ExitStatus, Failure> {
        // The pipe is empty, so the first part goes without asking; mostly that is all.
        self.send()?;
        while self.stdin.is_some() || self.stdout.is_some() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::Late);
            }
            if self.exchange(left.min(STILL_THERE))? == 0
                && let Some(status) = self.child.try_wait()?
            {
                // It ended between the last look at its stdout and now.
                while self.stdout.is_some() && self.exchange(Duration::ZERO)? > 0 {}
                return Ok(status);
            }
        }
        wait(&mut self.child, deadline)?.ok_or(Failure::Late)
    }

    /// Waits until a pipe is ready and sends or receives one part. Returns how many were ready.
    fn exchange(&mut self, timeout: Duration) -> Result<usize, Failure> {
        let [readable, writable] = self.ready(timeout)?;
        if readable {
            self.receive()?;
        }
        if writable {
            self.send()?;
        }
        Ok(usize::from(readable) + usize::from(writable))
    }

    /// Whether stdout and stdin are ready: for data, or to say that the other end is closed.
    fn ready(&self, timeout: Duration) -> io::Result<[bool; 2]> {
        let mut fds = Vec::with_capacity(2);
        fds.extend(self.stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        fds.extend(self.stdin.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok([false; 2]),
            Err(error) => return Err(error.into()),
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut next = |open: bool| open && ready.next().unwrap_or_default();
        Ok([next(self.stdout.is_some()), next(self.stdin.is_some())])
    }

    /// Sends the next part and closes stdin after the last. A plugin that needs no configuration
    /// closes it early; that is not our failure.
    fn send(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.stdin else { return Ok(()) };
        let part = &self.unsent[..self.unsent.len().min(CHUNK)];
        match pipe.write(part) {
            Ok(sent) => self.unsent = &self.unsent[sent..],
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.unsent = &[],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if self.unsent.is_empty() {
            self.stdin = None;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<(), Failure> {
        let Some(pipe) = &mut self.stdout else { return Ok(()) };
        let mut part = [0; 2 * CHUNK];
        match pipe.read(&mut part) {
            Ok(0) => self.stdout = None,
            Ok(got) if self.printed.len() + got > MAX_OUTPUT => return Err(Failure::Loud),
            Ok(got) => self.printed.extend_from_slice(&part[..got]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Ends the plugin, and only it: not what it started.
    fn kill(mut self) {
        (self.stdin, self.stdout) = (None, None);
        let ended = self.child.kill().and_then(|()| wait(&mut self.child, Instant::now() + KILLED));
        match ended {
            Ok(Some(_)) => {}
            Ok(None) => log::warn!("process {} was killed but does not end", self.child.id()),
            Err(error) => log::warn!("end process {}: {error}", self.child.id()),
        }
    }
}

/// The status of a process that is about to end; none when it has not by the deadline.
fn wait(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    let mut pause = Duration::ZERO;
    for attempt in 0_u32.. {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            break;
        }
        // From closing its pipes to its end a process takes less than the shortest sleep.
        if attempt < YIELDS {
            thread::yield_now();
        } else {
            thread::sleep(pause);
            pause = (pause * 2).clamp(Duration::from_micros(50), STILL_THERE);
        }
    }
    Ok(None)
}
