//! The thread that keeps the node in order: a plugin's DEL may take its time.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use anyhow::{Context, Result};
use log::{error, info, warn};

use super::told::Told;
use crate::caretaker::{Caretaker, Finding, Outcome};

/// Between two passes; one more when the switch is back.
const PERIOD: Duration = Duration::from_mins(5);

/// Looks at once and then periodically, until it is dropped.
pub(super) struct Care(Sender<()>);

impl Care {
    pub(super) fn begin(caretaker: Caretaker, told: Arc<Told>) -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let work = move || {
            loop {
                for finding in caretaker.pass(false).findings {
                    log(&finding);
                    told.repaired(&finding);
                }
                if receiver.recv_timeout(PERIOD) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        };
        // Not waited for at the end: what it does may be interrupted anywhere.
        std::thread::Builder::new()
            .name("care".to_owned())
            .spawn(work)
            .context("start a thread")?;
        Ok(Self(sender))
    }

    /// Looks now.
    pub(super) fn look(&self) {
        // The thread lives as long as this.
        self.0.send(()).ok();
    }
}

fn log(finding: &Finding) {
    let Finding { object, found, action, outcome, .. } = finding;
    match outcome {
        Outcome::Done => info!("{object}: {found}: {action}: done"),
        Outcome::Would | Outcome::Left => warn!("{object}: {found}: left alone: {action}"),
        Outcome::Failed(why) => error!("{object}: {found}: {action}: failed: {why}"),
    }
}
