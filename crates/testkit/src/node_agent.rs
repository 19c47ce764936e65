//! The node agent, running.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::cni::bin_dir;
use crate::daemon::Daemon;

const END: Duration = Duration::from_secs(20);

/// A running `node-agent run`; ended on drop. When the test fails, the end of its log is printed.
#[derive(Debug)]
pub struct NodeAgent {
    daemon: Daemon,
    dir: TempDir,
}

impl NodeAgent {
    /// Starts it with a configuration, to which it is added that it reports nowhere.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(config: &str) -> Self {
        let plugins = bin_dir();
        let rest = format!("report: none\ncniBinDir: {}\n", plugins.display());
        Self::start_as_is(&format!("{config}{rest}"), &[])
    }

    /// Starts it with just this configuration, and more options.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start_as_is(config: &str, options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("node-agent.yaml");
        fs::write(&file, config).unwrap();
        let mut command = command(&file);
        command.args(options);
        let daemon = Daemon::spawn(&mut command, dir.path().join("node-agent.log"));
        Self { daemon, dir }
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// All that it has said.
    ///
    /// # Panics
    /// It has no log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("node-agent.log")).unwrap()
    }

    /// Asks it to end, as a service manager does.
    #[must_use]
    pub fn stop(mut self) -> ExitStatus {
        self.daemon.signal(Signal::SIGTERM);
        self.daemon.wait_end(END)
    }

    /// Waits until it has ended by itself.
    #[must_use]
    pub fn wait_end(mut self) -> (ExitStatus, String) {
        let status = self.daemon.wait_end(END);
        (status, self.log())
    }

    /// Kills it on the spot.
    pub fn kill(mut self) {
        self.daemon.kill();
    }
}

impl Drop for NodeAgent {
    fn drop(&mut self) {
        if std::thread::panicking() {
            report(&self.daemon.tail());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "runs the agent as a service manager does")]
fn command(config: &PathBuf) -> Command {
    let mut command = Command::new(bin_dir().join("node-agent"));
    command.args(["--verbose", "run", "--config"]).arg(config);
    command
}

#[expect(clippy::print_stdout, reason = "becomes part of what the failing test has to say")]
fn report(log: &str) {
    println!("node-agent, whose test failed, said:\n{log}");
}
