//! What is answered where.

use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;

use crate::extender::{self, Verb};
use crate::http::{Answer, Answers};
use crate::nodes::Nodes;

/// All that is asked for over HTTP.
pub(crate) struct Routes {
    pub(crate) nodes: Arc<Nodes>,
}

impl Answers for Routes {
    fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Answer {
        match (method, path) {
            (&Method::POST, "/v1/prioritize") => self.ask(extender::prioritize, body),
            (&Method::POST, "/v1/filter") => self.ask(extender::filter, body),
            (&Method::POST, "/v1/preempt") => self.ask(extender::preempt, body),
            (&Method::GET, "/healthz") => Answer::text(StatusCode::OK, "ok"),
            (&Method::GET, "/readyz") if self.nodes.synced() => Answer::text(StatusCode::OK, "ok"),
            (&Method::GET, "/readyz") => not_ready(),
            (_, "/v1/prioritize" | "/v1/filter" | "/v1/preempt") => {
                Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only POST")
            }
            (_, "/healthz" | "/readyz") => Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only GET"),
            _ => Answer::text(
                StatusCode::NOT_FOUND,
                "there are /v1/prioritize, /v1/filter, /v1/preempt, /healthz and /readyz",
            ),
        }
    }
}

impl Routes {
    /// kube-scheduler's question, once all nodes are known. To answer it by some of them would refuse
    /// others.
    fn ask(&self, verb: Verb, body: &[u8]) -> Answer {
        match self.nodes.ask(|table| verb(body, table, Timestamp::now())) {
            None => not_ready(),
            Some(Ok(answer)) => Answer::json(answer),
            Some(Err(error)) => Answer::text(StatusCode::BAD_REQUEST, &in_a_line(&error)),
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
