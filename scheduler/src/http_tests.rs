//! Over real connections: what clients may take, and what becomes of those that take more.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use super::*;
use crate::metrics::Metrics;
use crate::nodes::Nodes;
use crate::routes::{Health, Routes};
use crate::served::{get, post, start};

const LIMITS: Limits = Limits {
    connections: 4,
    patience: Duration::from_secs(2),
    haste: Duration::from_millis(200),
    body: 8 << 20,
};

fn nodes(known: bool) -> Arc<Nodes> {
    let nodes = Arc::new(Nodes::default());
    if known {
        nodes.replace(crate::nodes::Table::default());
    }
    nodes
}

/// Serves kube-scheduler, with no nodes, known or not yet.
fn server(known: bool) -> SocketAddr {
    start(Routes { nodes: nodes(known), metrics: Arc::new(Metrics::new()) }, None, LIMITS)
}

/// Serves probes.
fn health(known: bool) -> SocketAddr {
    start(Health { nodes: nodes(known), metrics: Arc::new(Metrics::new()) }, None, LIMITS)
}

fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends it and returns all that comes back before the server hangs up.
fn exchange(server: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(server);
    // The server may hang up while we still send.
    stream.write_all(request).ok();
    rest(stream)
}

fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    String::from_utf8(answer).unwrap()
}

#[test]
fn an_answer_has_a_length_so_that_the_connection_can_be_used_again() {
    let answer = exchange(server(true), &post("/v1/prioritize", "{}"));
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n[]"),
        "{answer}"
    );
    assert!(answer.contains("content-length: 2\r\n"), "{answer}");
    assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
}

#[test]
fn a_connection_is_used_again() {
    let mut stream = connect(server(true));
    let body = "{}";
    let head =
        format!("POST /v1/filter HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).unwrap();
    stream.write_all(&post("/v1/filter", "{}")).unwrap();
    assert_eq!(rest(stream).matches("HTTP/1.1 200 OK").count(), 2);
}

#[test]
fn nothing_is_answered_before_all_nodes_are_known() {
    let server = server(false);
    for request in [post("/v1/filter", "{}"), post("/v1/prioritize", "{}")] {
        assert!(exchange(server, &request).starts_with("HTTP/1.1 503 "));
    }
    for (path, known, status) in
        [("/readyz", false, "503"), ("/readyz", true, "200"), ("/healthz", false, "200")]
    {
        let answer = exchange(health(known), &get(path));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[test]
fn other_methods_paths_and_bodies_are_told() {
    let server = server(true);
    for (request, status) in [
        (get("/v1/filter"), "405"),
        (get("/"), "404"),
        (post("/v1/bind", "{}"), "404"),
        (post("/v1/preempt", "{"), "400"),
        (b"\x16\x03\x01\x02\x00 is TLS\r\n\r\n".to_vec(), "400"),
    ] {
        let answer = exchange(server, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[test]
fn a_body_above_the_limit_is_refused_without_being_read() {
    let server = server(true);
    let head =
        format!("POST /v1/filter HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", (8 << 20) + 1);
    assert!(exchange(server, head.as_bytes()).starts_with("HTTP/1.1 413 "));
    let exact = format!("{{}}{}", " ".repeat((8 << 20) - 2));
    assert!(exchange(server, &post("/v1/filter", &exact)).starts_with("HTTP/1.1 200 "));
    // One that does not say its length.
    let mut stream = connect(server);
    stream
        .write_all(b"POST /v1/filter HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 0x10_0000], b"\r\n"].concat();
    for _ in 0..9 {
        stream.write_all(&chunk).ok();
    }
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let server = server(true);
    let slow = b"POST /v1/filter HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    assert!(exchange(server, slow).starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_crowd_that_says_nothing_keeps_nobody_out_for_as_long_as_one_is_waited_for() {
    let server = server(true);
    let mut crowd: Vec<TcpStream> = (0..4 * LIMITS.connections).map(|_| connect(server)).collect();
    let dribble = ["", "POST /v1/fil", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"];
    for (stream, said) in crowd.iter_mut().zip(dribble.iter().cycle()) {
        stream.write_all(said.as_bytes()).unwrap();
    }
    let began = Instant::now();
    assert!(exchange(server, &post("/v1/filter", "{}")).starts_with("HTTP/1.1 200 "));
    assert!(began.elapsed() < LIMITS.patience, "{:?}", began.elapsed());
}

#[test]
fn whoever_was_answered_outlasts_the_crowd() {
    let server = server(true);
    let mut stream = connect(server);
    let question = b"POST /v1/prioritize HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    let mut ask = || {
        stream.write_all(question).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"[]") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
    };
    ask();
    thread::sleep(LIMITS.haste);
    let crowd: Vec<TcpStream> = (0..3 * LIMITS.connections).map(|_| connect(server)).collect();
    thread::sleep(LIMITS.haste * 2);
    ask();
    drop(crowd);
}

#[test]
fn many_more_clients_than_connections_are_all_answered() {
    let server = server(true);
    let clients: Vec<_> = (0..64)
        .map(|_| thread::spawn(move || exchange(server, &post("/v1/prioritize", "{}"))))
        .collect();
    for client in clients {
        assert!(client.join().unwrap().ends_with("[]"));
    }
}

#[test]
fn what_was_answered_is_counted() {
    let (nodes, metrics) = (nodes(true), Arc::new(Metrics::new()));
    let server = start(Routes { nodes: nodes.clone(), metrics: metrics.clone() }, None, LIMITS);
    let health = start(Health { nodes, metrics }, None, LIMITS);
    exchange(server, &post("/v1/filter", "{}"));
    exchange(server, &post("/v1/filter", "{"));
    let text = exchange(health, &get("/metrics"));
    assert!(text.contains("content-type: application/openmetrics-text"), "{text}");
    for outcome in ["ok", "bad"] {
        let line = format!(
            "fastpath_scheduler_answer_seconds_count{{verb=\"filter\",outcome=\"{outcome}\"}} 1"
        );
        assert!(text.contains(&line), "{text}");
    }
    assert!(exchange(health, &post("/healthz", "")).starts_with("HTTP/1.1 405 "));
    assert!(exchange(health, &get("/v1/filter")).starts_with("HTTP/1.1 404 "));
}
