//! A program that serves, as a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use bench::measure::memory;
use testkit::wait::eventually;

use crate::client::Client;

const READY: Duration = Duration::from_mins(1);

/// Ended on drop.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it, and waits until it answers a question.
    #[expect(clippy::disallowed_methods, reason = "starts what is measured")]
    pub(crate) fn start(program: &Path, arguments: &[&str], address: &str) -> Result<Self> {
        let hint = || format!("start {}", program.display());
        let mut command = Command::new(program);
        command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
        let server = Self { child: command.spawn().with_context(hint)?, address: address.parse()? };
        eventually(READY, &format!("{} to answer", program.display()), || {
            Client::connect(server.address).is_ok_and(|mut client| client.ask(b"{}").is_ok())
        });
        Ok(server)
    }

    /// A line of its status, bytes.
    pub(crate) fn memory(&self, name: &str) -> Result<u64> {
        memory(self.child.id(), name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
