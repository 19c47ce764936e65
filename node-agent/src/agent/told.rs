//! What the agent tells those who ask by HTTP.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use deviceplugin::{Resource, State};
use hostnet::Host;
use journal::Calls;
use policy::Report;
use tokio::sync::watch;

use crate::caretaker::Finding;
use crate::http;
use crate::metrics::Metrics;
use crate::offer::Offer;

/// Pools, how kubelet takes them, and what was counted.
pub(super) struct Told {
    offers: Vec<(Arc<Offer>, watch::Sender<State>)>,
    metrics: Metrics,
    calls: Mutex<Calls>,
    measured: PathBuf,
}

impl Told {
    pub(super) fn new(offers: Vec<Arc<Offer>>, host: &Host) -> Self {
        let waiting = |offer| (offer, watch::Sender::new(State::Waiting));
        Self {
            offers: offers.into_iter().map(waiting).collect(),
            metrics: Metrics::new(),
            calls: Mutex::new(Calls::new(&host.run)),
            measured: crate::report::measured(host),
        }
    }

    /// The pools, each with how kubelet takes it.
    pub(super) fn offers(&self) -> impl Iterator<Item = &(Arc<Offer>, watch::Sender<State>)> {
        self.offers.iter()
    }

    pub(super) fn repaired(&self, finding: &Finding) {
        self.metrics.repair(finding.kind.name(), finding.outcome.name());
    }

    pub(super) fn switch(&self, up: bool) {
        self.metrics.switch(up);
    }
}

impl http::Told for Told {
    fn metrics(&self) -> String {
        for (offer, _) in &self.offers {
            self.metrics.pool(offer.name(), offer.counts());
        }
        match self.calls.lock().unwrap_or_else(PoisonError::into_inner).read() {
            Ok(calls) => calls.into_iter().for_each(|call| self.metrics.call(call)),
            Err(error) => log::warn!("{}", cni::chain(&error)),
        }
        let report = fs::read(&self.measured).ok();
        self.metrics.measured(report.and_then(|json| Report::from_json(&json).ok()).as_ref());
        self.metrics.text()
    }

    fn not_ready(&self) -> Vec<String> {
        let reason = |(offer, state): &(Arc<Offer>, watch::Sender<State>)| match &*state.borrow() {
            State::Registered => None,
            State::Waiting => Some(format!("{}: kubelet does not listen", offer.name())),
            State::Refused(why) => Some(format!("{}: {why}", offer.name())),
        };
        self.offers.iter().filter_map(reason).collect()
    }
}
