//! What kube-scheduler is answered, and what its keepers are.

use std::sync::Arc;
use std::time::Instant;

use http::{Method, StatusCode};
use jiff::Timestamp;

use crate::extender::{self, Verb};
use crate::http::{Answer, Answers};
use crate::metrics::{Metrics, Outcome};
use crate::nodes::Nodes;

/// Answers kube-scheduler.
pub(crate) struct Routes {
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) metrics: Arc<Metrics>,
}

/// Answers probes and scrapers.
pub(crate) struct Health {
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Answers for Routes {
    fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Answer {
        let (name, verb): (_, Verb) = match path {
            "/v1/prioritize" => ("prioritize", extender::prioritize),
            "/v1/filter" => ("filter", extender::filter),
            "/v1/preempt" => ("preempt", extender::preempt),
            _ => {
                let there = "there are /v1/prioritize, /v1/filter and /v1/preempt";
                return Answer::text(StatusCode::NOT_FOUND, there);
            }
        };
        if method != Method::POST {
            return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only POST");
        }
        let began = Instant::now();
        let (outcome, answer) = self.ask(verb, body);
        self.metrics.answered(name, outcome, began.elapsed());
        answer
    }
}

impl Routes {
    /// kube-scheduler's question, once all nodes are known. To answer it by some of them would refuse
    /// others.
    fn ask(&self, verb: Verb, body: &[u8]) -> (Outcome, Answer) {
        match self.nodes.ask(|table| verb(body, table, Timestamp::now())) {
            None => (Outcome::NotReady, not_ready()),
            Some(Ok(answer)) => (Outcome::Ok, Answer::json(answer)),
            Some(Err(error)) => {
                (Outcome::Bad, Answer::text(StatusCode::BAD_REQUEST, &in_a_line(&error)))
            }
        }
    }
}

impl Answers for Health {
    fn answer(&self, method: &Method, path: &str, _: &[u8]) -> Answer {
        match path {
            "/metrics" | "/healthz" | "/readyz" if method != Method::GET => {
                Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only GET")
            }
            "/metrics" => {
                let nodes = self.nodes.ask(crate::nodes::Table::len).unwrap_or_default();
                Answer::metrics(self.metrics.text(nodes))
            }
            "/healthz" => Answer::text(StatusCode::OK, "ok"),
            "/readyz" if self.nodes.synced() => Answer::text(StatusCode::OK, "ok"),
            "/readyz" => not_ready(),
            _ => Answer::text(StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz"),
        }
    }
}

fn not_ready() -> Answer {
    Answer::text(StatusCode::SERVICE_UNAVAILABLE, "the nodes of the cluster are not known yet")
}

/// An error with its causes, which may quote the request.
pub(crate) fn in_a_line(error: &anyhow::Error) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    format!("{error:#}").chars().map(printable).take(400).collect()
}
