//! Against a server on a real socket: what is asked, and what becomes of good and bad answers.

use std::error::Error as _;
use std::time::{Duration, Instant};

use apiserver::{Access, Error};
use testkit::fake_api::{FakeServer, Reply, json, with_header};

use super::ApiServer;
use crate::definitions::{DefinitionError, Definitions, Pod};

const POD: &str = r#"{"kind": "Pod", "apiVersion": "v1",
    "metadata": {"name": "web", "namespace": "default", "uid": "u-1", "annotations": {"a": "b"}},
    "spec": {"containers": [{"name": "app"}]}, "status": {"phase": "Pending"}}"#;
const NETWORK: &str = r#"{"kind": "NetworkAttachmentDefinition", "apiVersion": "k8s.cni.cncf.io/v1",
    "metadata": {"name": "blue", "namespace": "default"}, "spec": {"config": "{}"}}"#;

fn pod() -> Pod {
    Pod { namespace: "default".into(), name: "web".into(), uid: "u-1".into(), ..Pod::default() }
}

fn client(server: &FakeServer) -> ApiServer {
    let access = Access::Kubeconfig(server.kubeconfig("{\"token\": \"t0p-s3cret\"}"));
    ApiServer::connect(&access, Instant::now() + Duration::from_secs(20)).unwrap()
}

fn status(code: u16, message: &str, name: &str) -> Reply {
    let body = format!(
        "{{\"kind\": \"Status\", \"status\": \"Failure\", \"message\": \"{message}\", \
         \"details\": {{\"name\": \"{name}\"}}, \"code\": {code}}}"
    );
    json(code, &body)
}

/// Asks for the pod and returns the error, and as a plugin would print it.
fn refusal(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (DefinitionError, String) {
    let server = FakeServer::start(move |nth, _| reply(nth));
    let error = client(&server).pod("default", "web", None).unwrap_err();
    let text = full(&error);
    assert!(!text.contains("t0p-s3cret"), "{text}");
    (error, text)
}

fn full(error: &DefinitionError) -> String {
    format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default())
}

#[test]
fn what_the_server_does_not_have_at_hand_is_asked_for_in_earnest() {
    let server = FakeServer::start(|_, request| match request {
        request if request.contains("?resourceVersion=0") && request.contains("/blue") => json(
            404,
            r#"{"kind":"Status","details":{"name":"blue","kind":"network-attachment-definitions"}}"#,
        ),
        request if request.contains("/pods/web?") => json(200, &POD.replace("u-1", "u-0")),
        request if request.contains("/pods/") => json(200, POD),
        _ => json(200, NETWORK),
    });
    let client = client(&server);
    assert_eq!(client.network("default", "blue").unwrap().config, "{}");
    // A pod of the same name that stood there before.
    assert_eq!(client.pod("default", "web", Some("u-1")).unwrap().uid, "u-1");
    assert_eq!(server.requests().len(), 4);
    assert_eq!(client.pod("default", "web", Some("u-0")).unwrap().uid, "u-0");
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn an_add_is_four_requests_on_one_connection() {
    let server = FakeServer::start(|_, request| match request {
        request if request.contains("/pods/") => json(200, POD),
        _ => json(200, NETWORK),
    });
    let client = client(&server);
    let pod = client.pod("default", "web", None).unwrap();
    client.network("default", "blue").unwrap();
    assert_eq!(client.network("default", "blue").unwrap().config, "{}");
    client.annotate(&pod, "k", "\"v\"").unwrap();
    let lines: Vec<String> =
        server.requests().iter().map(|text| text.lines().next().unwrap().to_owned()).collect();
    let network = "GET /apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions/blue?resourceVersion=0 HTTP/1.1";
    assert_eq!(
        lines,
        [
            "GET /api/v1/namespaces/default/pods/web?resourceVersion=0 HTTP/1.1",
            network,
            network,
            "PATCH /api/v1/namespaces/default/pods/web/status HTTP/1.1",
        ]
    );
    let patch = server.requests().pop().unwrap();
    assert!(patch.contains("content-type: application/merge-patch+json\r\n"), "{patch}");
    assert!(patch.contains("authorization: Bearer t0p-s3cret\r\n"), "{patch}");
    assert!(!patch.contains("accept-encoding"), "{patch}");
    let body = patch.split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(body, r#"{"metadata":{"annotations":{"k":"\"v\""},"uid":"u-1"}}"#);
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_refusal_says_which_rights_are_needed() {
    let (error, text) = refusal(|_| status(403, "pods is forbidden: User x", "web"));
    assert!(matches!(error, DefinitionError::Api(Error::Denied { .. })), "{error:?}");
    assert!(text.contains("pods is forbidden: User x") && text.contains("rbac.yaml"), "{text}");
}

#[test]
fn only_a_404_that_names_the_object_means_that_it_is_missing() {
    let (error, _) = refusal(|_| status(404, "pods web not found", "web"));
    assert!(matches!(error, DefinitionError::Missing { kind: "pod", .. }), "{error:?}");
    let (error, _) = refusal(|_| with_header(404, "X: y", "404 page not found\n"));
    assert!(matches!(error, DefinitionError::Api(Error::UnknownKind { .. })), "{error:?}");
    let server = FakeServer::start(|_, _| with_header(404, "X: y", "404 page not found\n"));
    let error = client(&server).network("default", "blue").unwrap_err();
    assert!(full(&error).contains("apply deploy/crd.yaml"), "{}", full(&error));
}

#[test]
fn answers_that_are_no_pod_fail() {
    let (_, text) = refusal(|_| json(200, "{\"metadata\": {}, \"spec\": {}}"));
    assert!(text.contains("the answer is no pod: missing field `uid`"), "{text}");
    let (_, text) = refusal(|_| json(200, "garbage"));
    assert!(text.contains("the answer is no pod"), "{text}");
}

#[test]
fn another_pod_of_the_same_name_is_not_written() {
    for code in [409, 422] {
        let server = FakeServer::start(move |_, request| match request {
            request if request.starts_with("GET") => json(200, &POD.replace("u-1", "u-2")),
            _ => status(code, "uid: field is immutable", "web"),
        });
        let error = client(&server).annotate(&pod(), "k", "v").unwrap_err();
        assert!(matches!(error, DefinitionError::Replaced { .. }), "{error:?}");
    }
    let server = FakeServer::start(|_, request| match request {
        request if request.starts_with("GET") => json(200, POD),
        _ => status(422, "annotations: Too long", "web"),
    });
    let error = client(&server).annotate(&pod(), "k", "v").unwrap_err();
    assert!(full(&error).contains("annotations: Too long"), "{}", full(&error));
}

#[test]
fn names_never_become_another_path() {
    let server = FakeServer::start(|_, _| json(200, POD));
    let client = client(&server);
    for name in
        ["../../secrets/x", "a/b", "", ".", "..", "a..b", "a?b", "a%2fb", "A", "-a", "a\r\n"]
    {
        client.pod("default", name, None).unwrap_err();
        client.pod(name, "web", None).unwrap_err();
        client.network("default", name).unwrap_err();
    }
    client.pod("default", "web-0.a.b", None).unwrap();
    assert_eq!(server.requests().len(), 1);
}
