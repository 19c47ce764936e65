//! When to write. Every write wakes whoever watches the nodes, so there are few.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use policy::VALIDITY;

type Labels = BTreeMap<String, String>;

/// Between two writes.
const LEAST: Duration = Duration::from_mins(1);
/// A node renews up to so much earlier than at half of the validity; which one when, its name says.
const SPREAD: Duration = Duration::from_mins(5);
/// After the first failure; then twice as long, and so on.
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// Between two attempts that fail, at most.
const LONGEST_RETRY: Duration = Duration::from_mins(5);

/// What was written when, and when it has to be again: when the labels differ, [`LEAST`] after the
/// last write; otherwise at half of [`VALIDITY`]. The clock is the caller's.
#[derive(Debug)]
pub(super) struct Schedule {
    /// How long after a write the same is written again.
    renewal: Duration,
    last: Option<(Instant, Labels)>,
    failures: u32,
    /// Not before this, because of failures.
    retry: Option<Instant>,
}

impl Schedule {
    /// Nothing is written yet. Nodes that start together drift apart by their names.
    pub(super) fn new(node: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        node.hash(&mut hasher);
        let earlier = Duration::from_secs(hasher.finish() % SPREAD.as_secs());
        Self {
            renewal: (VALIDITY / 2).saturating_sub(earlier),
            last: None,
            failures: 0,
            retry: None,
        }
    }

    /// In how long these labels have to be written; zero: now.
    pub(super) fn wait(&self, now: Instant, labels: &Labels) -> Duration {
        let due = match &self.last {
            None => now,
            Some((written, same)) if same == labels => *written + self.renewal,
            Some((written, _)) => *written + LEAST,
        };
        due.max(self.retry.unwrap_or(due)).saturating_duration_since(now)
    }

    /// They were written.
    pub(super) fn written(&mut self, now: Instant, labels: Labels) {
        self.last = Some((now, labels));
        self.failures = 0;
        self.retry = None;
    }

    /// They could not be written.
    pub(super) fn failed(&mut self, now: Instant) {
        let wait = FIRST_RETRY * 2_u32.saturating_pow(self.failures).min(64);
        self.failures += 1;
        self.retry = Some(now + wait.min(LONGEST_RETRY));
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
