//! Over real connections.

use std::fs;
use std::net::SocketAddr;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::run::table;
use crate::served::{Client, certify, files, get, post, start};

struct Server {
    address: SocketAddr,
    dir: TempDir,
}

impl Server {
    fn new() -> Self {
        Self::with_bands(None)
    }

    fn with_bands(bands: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        certify(dir.path());
        let file = dir.path().join("bands.yaml");
        if let Some(bands) = bands {
            fs::write(&file, bands).unwrap();
        }
        let endpoint = Endpoint {
            table: table(bands.map(|_| file)).unwrap(),
            shared_namespace: None,
            access: Access::Kubeconfig(dir.path().join("none")),
            metrics: Arc::new(Metrics::new()),
        };
        let tls = files(dir.path()).tls().unwrap();
        Self { address: start(endpoint, Some(tls), limits()), dir }
    }

    fn answer(&self, request: &[u8]) -> String {
        Client::of(self.dir.path()).ask(self.address, request).unwrap()
    }
}

fn review(annotations: &Value) -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "operation": "CREATE", "namespace": "default",
            "object": {"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "a"}]}},
        },
    })
    .to_string()
}

#[test]
fn reviews_are_answered_over_tls() {
    let server = Server::new();
    let answer = server.answer(&post("/mutate", &review(&json!({"latency": "20000"}))));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("application/json"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["response"]["uid"], "u-1");
    assert!(body["response"]["patch"].is_string(), "{body}");
    let answer = server.answer(&post("/validate", &review(&json!({"latency": "20000"}))));
    assert!(answer.contains("admission did not run"), "{answer}");
    // Networks cannot be looked up: there is no kubeconfig.
    let answer = server.answer(&post("/mutate", &review(&json!({"latency": "7000"}))));
    assert!(answer.contains("\"allowed\":false") && answer.contains("503"), "{answer}");
}

#[test]
fn what_is_no_review_gets_a_line() {
    let server = Server::new();
    for (request, status, word) in [
        (post("/mutate", "rubbish"), "400", "no AdmissionReview"),
        (post("/validate", "{}"), "400", "no AdmissionReview"),
        (post("/mutate", &" ".repeat(LONGEST_REVIEW)), "400", "no AdmissionReview"),
        (post("/other", "{}"), "404", "/mutate"),
        (get("/mutate"), "405", "POST"),
        (
            b"POST /mutate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3145729\r\n\r\n".to_vec(),
            "413",
            "3145728",
        ),
    ] {
        let answer = server.answer(&request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.contains(word), "{answer}");
    }
}

#[test]
fn edited_bands_count_from_the_next_pod_on() {
    let server = Server::with_bands(Some("bands: [{path: kernel, from: 100us}]"));
    let ask = || server.answer(&post("/mutate", &review(&json!({"latency": "200"}))));
    assert!(ask().contains("\"allowed\":true"));
    fs::write(server.dir.path().join("bands.yaml"), "{}").unwrap();
    assert!(ask().contains("the least that works is 800"), "{}", ask());
}
