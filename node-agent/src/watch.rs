//! What tells that the node has changed: the kernel by uevents and link messages, the switch by its database.

mod kernel;
mod switch;

use std::time::Duration;

use anyhow::{Context, Result};
use ovsdb::Address;
use tokio::sync::mpsc;

use crate::inventory::Switch;

/// What is waited for after a change: they come in flocks.
const FLOCK: Duration = Duration::from_millis(20);
/// How many may wait; while so many do, further ones tell nothing new.
const WAITING: usize = 64;

/// A change.
#[derive(Debug)]
pub(crate) enum Change {
    /// Of devices or links, whichever.
    Devices,
    /// Of the switch: what it is now, or why there is none.
    Switch(Result<Switch, String>),
}

/// Where changes come from.
pub(crate) struct Changes {
    receiver: mpsc::Receiver<Change>,
}

impl Changes {
    /// Begins to listen.
    ///
    /// # Errors
    /// The kernel offers no such socket.
    pub(crate) fn begin(ovsdb: &Address) -> Result<Self> {
        let (sender, receiver) = mpsc::channel(WAITING);
        for source in kernel::sources().context("listen for changes of devices")? {
            tokio::spawn(kernel::follow(source, sender.clone()));
        }
        let address = ovsdb.clone();
        std::thread::Builder::new()
            .name("switch".to_owned())
            .spawn(move || switch::follow(&address, &sender))
            .context("start a thread")?;
        Ok(Self { receiver })
    }

    /// The next changes, all that come at once.
    pub(crate) async fn next(&mut self) -> Vec<Change> {
        let mut changes = Vec::from_iter(self.receiver.recv().await);
        tokio::time::sleep(FLOCK).await;
        while let Ok(change) = self.receiver.try_recv() {
            changes.push(change);
        }
        changes
    }
}
