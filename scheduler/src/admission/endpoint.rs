//! Where the API server asks: `/mutate` and `/validate`.

use apiserver::Access;
use http::{Method, StatusCode};
use serde_json::Value;

use super::{Api, NoReview, Settings, mutate, validate};
use crate::http::{Answer, Answers, Limits};
use crate::routes::in_a_line;

/// A review has the pod twice at most; etcd holds 1.5 MB of an object.
const LONGEST_REVIEW: usize = 3 << 20;

/// What the API server may take.
pub(crate) fn limits() -> Limits {
    Limits { body: LONGEST_REVIEW, ..Limits::default() }
}

/// Answers the API server.
pub(crate) struct Endpoint {
    pub(crate) settings: Settings,
    /// Where networks are looked up.
    pub(crate) access: Access,
}

impl Answers for Endpoint {
    fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Answer {
        match (method, path) {
            (&Method::POST, "/mutate") => {
                reviewed(mutate(body, &self.settings, &Api::new(&self.access)))
            }
            (&Method::POST, "/validate") => reviewed(validate(body, &self.settings)),
            (&Method::GET, "/healthz") => Answer::text(StatusCode::OK, "ok"),
            (_, "/mutate" | "/validate") => {
                Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only POST")
            }
            (_, "/healthz") => Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only GET"),
            _ => Answer::text(StatusCode::NOT_FOUND, "there are /mutate, /validate and /healthz"),
        }
    }

    /// The API server is asked for networks.
    fn takes_time(&self) -> bool {
        true
    }
}

fn reviewed(answer: Result<Value, NoReview>) -> Answer {
    match answer {
        Ok(review) => Answer::json(review.to_string().into_bytes()),
        Err(error) => Answer::text(StatusCode::BAD_REQUEST, &in_a_line(&error.into())),
    }
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
