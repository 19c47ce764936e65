//! When a port is plugged: its row is in the database of the chassis' switch, and all that is left to do is the
//! switch's, the chassis' and northd's.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// More than it ever takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// `ovsdb-client`, which prints a line for every interface as soon as it is there.
pub(crate) struct Witness {
    client: Child,
    seen: Receiver<Instant>,
}

impl Witness {
    pub(crate) fn start(database: &str) -> Result<Self> {
        let mut client = Command::new("ovsdb-client");
        client.args(["monitor", "--format=csv", "--no-headings", database, "Open_vSwitch"]);
        client.args(["Interface", "name,!initial,!delete,!modify"]);
        let mut client = client.stdout(Stdio::piped()).spawn().context("start ovsdb-client")?;
        let lines = BufReader::new(client.stdout.take().context("no stdout")?).lines();
        let (sender, seen) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.contains("insert") && sender.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
        Ok(Self { client, seen })
    }

    /// When the port came that nobody asked for yet.
    pub(crate) fn plugged(&self) -> Result<Instant> {
        self.seen.recv_timeout(PATIENCE).context("ovsdb-client saw no port")
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        drop(self.client.kill());
        drop(self.client.wait());
    }
}
