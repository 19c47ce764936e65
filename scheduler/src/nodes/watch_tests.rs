//! Against a server on a real socket that tells of nodes, and of its own troubles.

use std::sync::Arc;

use policy::{Datapath, Figure};
use testkit::fake_api::{FakeServer, Reply, json};
use testkit::wait::eventually;

use super::*;

const USER: &str = "{\"token\": \"t\"}";

fn node(name: &str, p99: u64, version: u64) -> String {
    format!(
        "{{\"metadata\": {{\"name\": \"{name}\", \"resourceVersion\": \"{version}\", \
         \"labels\": {{\"fastpath.dev/vf-p99-us\": \"{p99}\"}}}}}}"
    )
}

fn page(next: &str, nodes: &[String]) -> Reply {
    let items = nodes.join(",");
    json(
        200,
        &format!(
            "{{\"metadata\": {{\"resourceVersion\": \"7\", \"continue\": \"{next}\"}}, \"items\": [{items}]}}"
        ),
    )
}

fn event(kind: &str, object: &str) -> String {
    format!("{{\"type\": \"{kind}\", \"object\": {object}}}\n")
}

fn events(lines: &[String]) -> Vec<u8> {
    format!("HTTP/1.1 200 \r\n\r\n{}", lines.concat()).into_bytes()
}

/// Follows the server on a thread of its own.
fn follow(server: &FakeServer) -> Arc<Nodes> {
    let access = Access::Kubeconfig(server.kubeconfig(USER));
    let nodes = Arc::new(Nodes::default());
    let followed = Arc::clone(&nodes);
    thread::spawn(move || followed.follow(&access));
    nodes
}

/// The nodes with their figures, by name.
fn known(nodes: &Nodes) -> Vec<(String, Figure)> {
    let mut all = nodes
        .ask(|table| {
            let figure = |node: &policy::Node| node.offer(Datapath::Vf).figure;
            table.iter().map(|(name, node)| (name.to_string(), figure(node))).collect::<Vec<_>>()
        })
        .unwrap_or_default();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn wait(nodes: &Nodes, want: &[(&str, u64)]) {
    let want: Vec<_> =
        want.iter().map(|(name, us)| ((*name).to_owned(), Figure::P99(*us))).collect();
    eventually(Duration::from_secs(20), "the nodes are known", || known(nodes) == want);
}

#[test]
fn nodes_are_listed_page_by_page_and_then_watched() {
    let server = FakeServer::start(|nth, _| match nth {
        0 => page("more~1", &[node("a", 20, 1)]),
        1 => page("", &[node("b", 30, 2)]),
        _ => Reply::Silence(events(&[
            event("ADDED", &node("c", 40, 8)),
            event("MODIFIED", &node("a", 25, 9)),
            event("DELETED", &node("b", 30, 10)),
            event("BOOKMARK", "{\"metadata\": {\"resourceVersion\": \"11\"}}"),
        ])),
    });
    let nodes = follow(&server);
    wait(&nodes, &[("a", 25), ("c", 40)]);
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /api/v1/nodes?limit=250 "), "{requests:?}");
    assert!(requests[0].contains("as=PartialObjectMetadataList;"), "{requests:?}");
    assert!(requests[1].contains("&continue=more~1 "), "{requests:?}");
    assert!(requests[2].contains("&resourceVersion=7 "), "{requests:?}");
}

#[test]
fn a_table_is_not_complete_before_its_last_page() {
    let server = FakeServer::start(|nth, _| match nth {
        0 => page("more", &[node("a", 20, 1)]),
        _ => Reply::Silence(Vec::new()),
    });
    let nodes = follow(&server);
    eventually(Duration::from_secs(20), "the second page is asked for", || {
        server.requests().len() == 2
    });
    assert!(!nodes.synced());
}

#[test]
fn after_a_watch_that_failed_all_nodes_are_asked_for_again_and_the_old_stay_meanwhile() {
    let gone = "{\"kind\": \"Status\", \"code\": 410, \"message\": \"too old resource version\"}";
    let server = FakeServer::start(move |nth, _| match nth {
        0 => page("", &[node("a", 20, 1), node("b", 30, 2)]),
        1 => Reply::Last(events(&[event("ERROR", gone)])),
        2 => json(500, "{}"),
        3 => page("", &[node("b", 35, 3)]),
        _ => Reply::Silence(events(&[])),
    });
    let nodes = follow(&server);
    eventually(Duration::from_secs(20), "it failed twice", || {
        let count = server.requests().len();
        assert!(count < 2 || nodes.synced());
        count == 3
    });
    wait(&nodes, &[("b", 35)]);
}
