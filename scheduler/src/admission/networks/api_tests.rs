//! What an API server is asked, and what becomes of its answers.

use policy::Table;
use serde_json::json;
use testkit::fake_api::{FakeServer, Reply, json as answer};

use super::super::fake::definition;
use super::*;

fn server(status: u16, body: &Value) -> (FakeServer, Access) {
    let body = body.to_string();
    let server = FakeServer::start(move |_, _| answer(status, &body));
    let access = Access::Kubeconfig(server.kubeconfig("{}"));
    (server, access)
}

/// The paths that were asked for.
fn asked(server: &FakeServer) -> Vec<String> {
    let requests = server.requests();
    let path = |request: &String| request.split(' ').nth(1).unwrap_or_default().to_owned();
    requests.iter().map(path).collect()
}

#[test]
fn networks_are_got_by_name_and_listed_by_label_over_one_connection() {
    let object = definition("red", "fast", "fastpath.dev/vf", "");
    let list = json!({"items": [definition("red", "fast", "fastpath.dev/vf-pool2", "vf")]});
    let (first, second) = (object.to_string(), list.to_string());
    let server =
        FakeServer::start(move |nth, _| answer(200, if nth == 0 { &first } else { &second }));
    let access = Access::Kubeconfig(server.kubeconfig("{}"));
    let api = Api::new(&access);

    let network = api.named("red", "fast").unwrap();
    assert_eq!(
        (network.full_name().as_str(), network.path(&Table::default())),
        ("red/fast", Some(Datapath::Vf))
    );
    let listed = api.labelled("red", Datapath::OvsDpdk).unwrap();
    assert_eq!(listed.len(), 1);
    // The label counts, not the name of the resource.
    assert_eq!(listed[0].resource.as_deref(), Some("fastpath.dev/vf-pool2"));
    assert_eq!(listed[0].labelled, Some(Datapath::Vf));

    let of = "/apis/k8s.cni.cncf.io/v1/namespaces/red/network-attachment-definitions";
    let paths =
        [format!("{of}/fast"), format!("{of}?labelSelector=fastpath.dev%2Fpath%3Dovs-dpdk")];
    assert_eq!(asked(&server), paths);
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_network_that_is_not_there_is_another_thing_than_no_answer() {
    let gone = json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound",
        "message": "not found", "details": {"name": "fast", "kind": "network-attachment-definitions"}});
    let (_server, access) = server(404, &gone);
    assert!(
        matches!(Api::new(&access).named("red", "fast"), Err(Refusal::Missing(name)) if name == "red/fast")
    );

    let forbidden = json!({"kind": "Status", "code": 403, "message": "User cannot list"});
    let (_server, access) = server(403, &forbidden);
    let message = Api::new(&access).labelled("red", Datapath::Vf).unwrap_err().to_string();
    assert!(message.contains("cannot list") && message.contains("ClusterRole"), "{message}");

    for body in [json!({}), json!({"items": null}), json!(5)] {
        let (_server, access) = server(200, &body);
        let error = Api::new(&access).labelled("red", Datapath::Vf).unwrap_err();
        assert!(matches!(error, Refusal::Unavailable(_)), "{error}");
    }
    let hangs_up = FakeServer::start(|_, _| Reply::Last(Vec::new()));
    let access = Access::Kubeconfig(hangs_up.kubeconfig("{}"));
    let error = Api::new(&access).named("red", "fast").unwrap_err();
    assert_eq!(error.code(), http::StatusCode::SERVICE_UNAVAILABLE, "{error}");
}
