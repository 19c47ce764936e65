//! Where the API server asks: `/mutate` and `/validate`.

use std::sync::Arc;
use std::time::Instant;

use apiserver::Access;
use http::{Method, StatusCode};
use policy::Table;
use serde_json::Value;

use super::{Api, NoReview, Settings, mutate, validate};
use crate::http::{Answer, Answers, Limits};
use crate::metrics::{Metrics, Outcome};
use crate::reloaded::Reloaded;
use crate::routes::in_a_line;

/// A review has the pod twice at most; etcd holds 1.5 MB of an object.
const LONGEST_REVIEW: usize = 3 << 20;

/// What the API server may take.
pub(crate) fn limits() -> Limits {
    Limits { body: LONGEST_REVIEW, ..Limits::default() }
}

/// Answers the API server.
pub(crate) struct Endpoint {
    pub(crate) table: Reloaded<Arc<Table>>,
    /// The namespace whose networks are for all pods.
    pub(crate) shared_namespace: Option<String>,
    /// Where networks are looked up.
    pub(crate) access: Access,
    pub(crate) metrics: Arc<Metrics>,
}

impl Answers for Endpoint {
    fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Answer {
        match (method, path) {
            (&Method::POST, "/mutate") => {
                self.review("mutate", |settings| mutate(body, settings, &Api::new(&self.access)))
            }
            (&Method::POST, "/validate") => {
                self.review("validate", |settings| validate(body, settings))
            }
            (_, "/mutate" | "/validate") => {
                Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only POST")
            }
            _ => Answer::text(StatusCode::NOT_FOUND, "there are /mutate and /validate"),
        }
    }

    /// The API server is asked for networks.
    fn takes_time(&self) -> bool {
        true
    }
}

impl Endpoint {
    fn review(
        &self,
        verb: &'static str,
        answer: impl FnOnce(&Settings) -> Result<Value, NoReview>,
    ) -> Answer {
        let began = Instant::now();
        let settings =
            Settings { table: self.table.get(), shared_namespace: self.shared_namespace.clone() };
        let (outcome, answer) = match answer(&settings) {
            Ok(review) if review["response"]["allowed"] == true => {
                (Outcome::Ok, Answer::json(review.to_string().into_bytes()))
            }
            Ok(review) => (Outcome::Refused, Answer::json(review.to_string().into_bytes())),
            Err(error) => {
                let line = in_a_line(&error.into());
                (Outcome::Bad, Answer::text(StatusCode::BAD_REQUEST, &line))
            }
        };
        self.metrics.answered(verb, outcome, began.elapsed());
        answer
    }
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
