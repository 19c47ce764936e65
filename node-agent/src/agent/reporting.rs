//! The thread that reports the node: writing waits for the API server, and nobody shall wait for that.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result};
use log::error;

use crate::report::{self, Facts, Reporter};

/// Reports until it is dropped, and takes the report back then: nobody renews it any more.
pub(super) struct Reporting {
    facts: Option<Sender<Facts>>,
    thread: Option<JoinHandle<()>>,
}

impl Reporting {
    pub(super) fn begin(config: report::Config, facts: Facts) -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let report = move || {
            let mut reporter = Reporter::new(config);
            let mut facts = facts;
            loop {
                let next = reporter.tick(Instant::now(), &facts);
                match receiver.recv_timeout(next) {
                    Ok(changed) => facts = changed,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            if let Err(error) = reporter.stop() {
                error!("take the report back: {error:#}");
            }
        };
        let thread = std::thread::Builder::new().name("report".to_owned()).spawn(report);
        let thread = thread.context("start a thread")?;
        Ok(Self { facts: Some(sender), thread: Some(thread) })
    }

    /// What is to be reported from now on.
    pub(super) fn tell(&self, facts: Facts) {
        // The thread lives as long as this.
        self.facts.as_ref().map(|sender| sender.send(facts));
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        drop(self.facts.take());
        if let Some(Err(_panic)) = self.thread.take().map(JoinHandle::join) {
            error!("the thread that reports has panicked");
        }
    }
}
