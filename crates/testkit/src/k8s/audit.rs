//! What an API server was asked, from its audit log.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// A request as the API server understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, ...
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// Who asked; empty when it could not tell.
    pub user: String,
    /// When it arrived, RFC 3339 with microseconds.
    pub at: String,
    /// The status of the answer, once there is one.
    pub code: Option<u64>,
}

/// The policy: every request, without bodies.
pub(super) fn policy() -> Value {
    json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]})
}

/// All requests behind the first `skip` bytes of the log, in the order in which they arrived.
pub(super) fn read(log: &Path, skip: usize) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    // Not yet there before the first request; and the last line may still be in the writing.
    let log = fs::read_to_string(log).unwrap_or_default();
    for event in log[skip..].lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let at = *known.entry(text(&event["auditID"])).or_insert_with(|| {
            requests.push(Request {
                verb: text(&event["verb"]),
                uri: text(&event["requestURI"]),
                user: text(&event["user"]["username"]),
                at: text(&event["requestReceivedTimestamp"]),
                code: None,
            });
            requests.len() - 1
        });
        let code = event["responseStatus"]["code"].as_u64();
        requests[at].code = code.or(requests[at].code);
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stages_of_a_request_are_one_entry() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("audit.log");
        let event = |id: &str, more: &str| {
            format!(
                r#"{{"auditID":"{id}","verb":"get","requestURI":"/api","user":{{"username":"u"}}{more}}}"#
            )
        };
        let answered = event("a", r#","responseStatus":{"code":200}"#);
        let lines = [event("a", ""), event("b", ""), answered, r#"{"auditID":"c","#.into()];
        fs::write(&log, lines.join("\n")).unwrap();
        let codes: Vec<Option<u64>> = read(&log, 0).iter().map(|request| request.code).collect();
        assert_eq!(codes, [Some(200), None]);
    }
}
