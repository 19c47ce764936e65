//! What Prometheus reads. Names and labels are listed in README.md.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Of answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    verb: &'static str,
    outcome: &'static str,
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered; a pod was admitted.
    Ok,
    /// A pod was refused.
    Refused,
    /// It was no question.
    Bad,
    /// The nodes were not all known yet.
    NotReady,
}

/// All that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    answers: Family<Of, Histogram>,
    nodes: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        // From 10 µs, which the scores of a few nodes take, to 5 s, after which networks are not waited for.
        let histogram: fn() -> Histogram =
            || Histogram::new(exponential_buckets(0.000_01, 4.0, 11));
        let (answers, nodes) = (Family::new_with_constructor(histogram), Gauge::default());
        let mut registry = Registry::with_prefix("fastpath_scheduler");
        let help = "Time of an answer, without its transport";
        registry.register_with_unit("answer", help, Unit::Seconds, answers.clone());
        registry.register("nodes", "Nodes that are known", nodes.clone());
        Self { registry, answers, nodes }
    }

    pub(crate) fn answered(&self, verb: &'static str, outcome: Outcome, took: Duration) {
        let outcome = match outcome {
            Outcome::Ok => "ok",
            Outcome::Refused => "refused",
            Outcome::Bad => "bad",
            Outcome::NotReady => "not_ready",
        };
        self.answers.get_or_create(&Of { verb, outcome }).observe(took.as_secs_f64());
    }

    /// All of it, in the `OpenMetrics` text format.
    pub(crate) fn text(&self, nodes: usize) -> String {
        self.nodes.set(i64::try_from(nodes).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a String does not fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_told_under_its_name() {
        let metrics = Metrics::new();
        metrics.answered("prioritize", Outcome::Ok, Duration::from_micros(15));
        metrics.answered("mutate", Outcome::Refused, Duration::from_millis(3));
        let text = metrics.text(7);
        for line in [
            "fastpath_scheduler_nodes 7",
            "fastpath_scheduler_answer_seconds_count{verb=\"mutate\",outcome=\"refused\"} 1",
            "fastpath_scheduler_answer_seconds_bucket{le=\"0.00001\",verb=\"prioritize\",outcome=\"ok\"} 0",
            "fastpath_scheduler_answer_seconds_bucket{le=\"0.00004\",verb=\"prioritize\",outcome=\"ok\"} 1",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        }
    }
}
