//! Over real connections, with the certificates that `latency-scheduler certificate` makes.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::{sync::mpsc, thread};

use clap::Parser;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::certificate::Certificate;
use crate::http::{listen, serve};
use crate::tls::{Files, Tls};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    certificate: Certificate,
}

/// Makes certificates in a directory that is not there yet.
fn certify(dir: &Path) {
    let dir = dir.to_str().unwrap();
    let cli =
        Cli::parse_from(["x", "--dir", dir, "--name", "hook.here.svc", "--name", "127.0.0.1"]);
    cli.certificate.run().unwrap();
}

/// An endpoint with TLS, as long as the test runs.
struct Server {
    address: SocketAddr,
    dir: TempDir,
}

impl Server {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("now");
        certify(&made);
        let files = Files { certificate: made.join("tls.crt"), key: made.join("tls.key") };
        let tls = Arc::new(Tls::read(files).unwrap());
        let access = Access::Kubeconfig(dir.path().join("none"));
        let endpoint = Endpoint { settings: Settings::default(), access };
        let (told, address) = mpsc::channel();
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                serve(listener, Some(tls), Arc::new(endpoint), limits()).await;
            });
        });
        Self { address: address.recv().unwrap(), dir }
    }

    fn now(&self) -> std::path::PathBuf {
        self.dir.path().join("now")
    }

    /// What it answers, if its certificate is one of the authority's for the name.
    fn ask(&self, authority: &str, name: &'static str, request: &[u8]) -> Option<String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from(name).unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(tls, TcpStream::connect(self.address).unwrap());
        stream.write_all(request).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        Some(String::from_utf8(answer).unwrap())
    }

    /// The same with the authority as it is now.
    fn answer(&self, request: &[u8]) -> String {
        self.ask(&self.authority(), "hook.here.svc", request).unwrap()
    }

    fn authority(&self) -> String {
        fs::read_to_string(self.now().join("ca.crt")).unwrap()
    }
}

fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
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
    let by_address = server.ask(&server.authority(), "127.0.0.1", b"GET /healthz HTTP/1.0\r\n\r\n");
    assert!(by_address.unwrap().contains("200"));
    assert_eq!(server.ask(&server.authority(), "other.here.svc", b"GET / HTTP/1.0\r\n\r\n"), None);
}

#[test]
fn what_is_no_review_gets_a_line() {
    let server = Server::new();
    for (request, status, word) in [
        (post("/mutate", "rubbish"), "400", "no AdmissionReview"),
        (post("/validate", "{}"), "400", "no AdmissionReview"),
        (post("/mutate", &" ".repeat(LONGEST_REVIEW)), "400", "no AdmissionReview"),
        (post("/other", "{}"), "404", "/mutate"),
        (b"GET /mutate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(), "405", "POST"),
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
fn a_renewed_certificate_is_shown_and_a_broken_one_is_not() {
    let server = Server::new();
    let health = b"GET /healthz HTTP/1.0\r\n\r\n";
    let first = server.authority();
    assert!(server.ask(&first, "hook.here.svc", health).is_some());

    let (next, now) = (server.dir.path().join("next"), server.now());
    certify(&next);
    // Half-way: the certificate without its key.
    fs::rename(next.join("tls.crt"), now.join("tls.crt")).unwrap();
    assert!(server.ask(&first, "hook.here.svc", health).is_some());
    fs::rename(next.join("tls.key"), now.join("tls.key")).unwrap();
    let second = fs::read_to_string(next.join("ca.crt")).unwrap();
    assert!(server.ask(&second, "hook.here.svc", health).is_some());
    assert!(server.ask(&first, "hook.here.svc", health).is_none());

    fs::write(now.join("tls.crt"), "").unwrap();
    assert!(server.ask(&second, "hook.here.svc", health).is_some());
    fs::remove_file(now.join("tls.key")).unwrap();
    assert!(server.ask(&second, "hook.here.svc", health).is_some());
}

#[test]
fn certificates_are_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    certify(dir.path());
    let key = fs::read(dir.path().join("tls.key")).unwrap();
    let again = Cli::parse_from(["x", "--dir", dir.path().to_str().unwrap()]);
    let error = again.certificate.run().unwrap_err().to_string();
    assert!(error.contains("ca.crt"), "{error}");
    assert_eq!(fs::read(dir.path().join("tls.key")).unwrap(), key);
}
