//! Over real connections, with the certificates that `latency-scheduler certificate` makes.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use super::*;
use crate::http::Limits;
use crate::metrics::Metrics;
use crate::routes::Health;
use crate::served::{Client, certify, files, get, start};

fn server(files: Files) -> SocketAddr {
    let health = Health { nodes: Arc::default(), metrics: Arc::new(Metrics::new()) };
    start(health, Some(files.tls().unwrap()), Limits::default())
}

fn answers(client: &Client, server: SocketAddr) -> bool {
    client.ask(server, &get("/healthz")).is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

#[test]
fn a_certificate_is_for_its_names() {
    let dir = tempfile::tempdir().unwrap();
    certify(dir.path());
    let server = server(files(dir.path()));
    for (name, known) in [("hook.here.svc", true), ("127.0.0.1", true), ("other.here.svc", false)] {
        let client = Client { name, ..Client::of(dir.path()) };
        assert_eq!(answers(&client, server), known, "{name}");
    }
}

#[test]
fn where_clients_are_known_others_get_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
    certify(&ours);
    certify(&theirs);
    let server = server(Files { clients: Some(ours.join("ca.crt")), ..files(&ours) });
    for (shows, known) in [(None, false), (Some(theirs), false), (Some(ours.clone()), true)] {
        let client = Client { shows, ..Client::of(&ours) };
        assert_eq!(answers(&client, server), known, "{:?}", client.shows);
    }
}

#[test]
fn a_renewed_certificate_is_shown_and_a_broken_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (next, now) = (dir.path().join("next"), dir.path().join("now"));
    certify(&now);
    let server = server(files(&now));
    let first = Client::of(&now);
    assert!(answers(&first, server));

    certify(&next);
    // Half-way: the certificate without its key.
    fs::rename(next.join("tls.crt"), now.join("tls.crt")).unwrap();
    assert!(answers(&first, server));
    fs::rename(next.join("tls.key"), now.join("tls.key")).unwrap();
    let second = Client::of(&next);
    assert!(answers(&second, server) && !answers(&first, server));

    fs::write(now.join("tls.crt"), "").unwrap();
    assert!(answers(&second, server));
    fs::remove_file(now.join("tls.key")).unwrap();
    assert!(answers(&second, server));
}

#[test]
fn files_that_are_no_use_are_told_by_name() {
    let dir = tempfile::tempdir().unwrap();
    certify(dir.path());
    let none = dir.path().join("none");
    for wrong in [
        Files { certificate: none.clone(), ..files(dir.path()) },
        Files { key: none.clone(), ..files(dir.path()) },
        Files { clients: Some(none.clone()), ..files(dir.path()) },
    ] {
        let error = wrong.tls().err().unwrap().to_string();
        assert!(error.contains(&none.display().to_string()), "{error}");
    }
}

#[test]
fn certificates_are_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    certify(dir.path());
    let key = fs::read(dir.path().join("tls.key")).unwrap();
    let again = std::panic::catch_unwind(|| certify(dir.path()));
    assert!(again.is_err());
    assert_eq!(fs::read(dir.path().join("tls.key")).unwrap(), key);
}
