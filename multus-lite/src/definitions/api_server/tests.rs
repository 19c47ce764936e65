//! Against a server on a real socket: what is asked, and what becomes of good and bad answers.

use std::error::Error as _;
use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::fake_server::{FakeServer, Reply, json, with_header};
use super::{Access, ApiServer};
use crate::definitions::{DefinitionError, Definitions, Pod};

const AMPLE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

const POD: &str = r#"{"kind": "Pod", "apiVersion": "v1",
    "metadata": {"name": "web", "namespace": "default", "uid": "u-1", "annotations": {"a": "b"}},
    "spec": {"containers": [{"name": "app"}]}, "status": {"phase": "Pending"}}"#;
const NETWORK: &str = r#"{"kind": "NetworkAttachmentDefinition", "apiVersion": "k8s.cni.cncf.io/v1",
    "metadata": {"name": "blue", "namespace": "default"}, "spec": {"config": "{}"}}"#;

fn pod() -> Pod {
    Pod { namespace: "default".into(), name: "web".into(), uid: "u-1".into(), ..Pod::default() }
}

fn status(code: u16, message: &str, name: &str) -> Reply {
    let body = format!(
        "{{\"kind\": \"Status\", \"status\": \"Failure\", \"message\": \"{message}\", \
         \"details\": {{\"name\": \"{name}\"}}, \"code\": {code}}}"
    );
    json(code, &body)
}

/// Asks for the pod and returns the error as a plugin would print it.
fn refusal(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (DefinitionError, String) {
    let server = FakeServer::start(move |nth, _| reply(nth));
    let error = server.client(AMPLE).pod("default", "web", None).unwrap_err();
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
    let client = server.client(AMPLE);
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
    let client = server.client(AMPLE);
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
fn a_connection_that_breaks_before_the_answer_is_made_again_once() {
    let server = FakeServer::start(|nth, _| match nth {
        1 | 3 | 4 => Reply::Last(b"HTTP/1.1 200 \r\nContent-Length: 1000\r\n\r\n{".into()),
        _ => json(200, POD),
    });
    let client = server.client(AMPLE);
    client.pod("default", "web", None).unwrap();
    client.pod("default", "web", None).unwrap();
    let error = client.pod("default", "web", None).unwrap_err();
    assert!(full(&error).contains("the connection broke"), "{}", full(&error));
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn a_connection_closed_while_idle_is_made_again() {
    let answer = format!("HTTP/1.1 200 \r\nContent-Length: {}\r\n\r\n{POD}", POD.len());
    let server = FakeServer::start(move |_, _| Reply::Last(answer.clone().into_bytes()));
    let client = server.client(AMPLE);
    for _ in 0..3 {
        client.pod("default", "web", None).unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

#[test]
fn every_call_ends_by_the_deadline() {
    type Case = (fn() -> Reply, &'static str);
    let cases: [Case; 4] = [
        (|| Reply::Silence(Vec::new()), "waiting for the answer"),
        (|| Reply::Silence(b"HTTP/1.1 200 \r\nContent-Length: 9\r\n\r\n{".into()), "answer"),
        (|| Reply::Drip(vec![b'H'; 1000]), "answer"),
        (|| Reply::Drip(format!("HTTP/1.1 200 \r\n\r\n{POD}").into_bytes()), "answer"),
    ];
    for (reply, doing) in cases {
        let server = FakeServer::start(move |_, _| reply());
        let client = server.client(SHORT);
        let start = Instant::now();
        let error = client.pod("default", "web", None).unwrap_err();
        assert!(start.elapsed() < SHORT * 4, "{:?}", start.elapsed());
        assert!(matches!(error, DefinitionError::Unreachable { .. }), "{error:?}");
        assert!(full(&error).contains(doing), "{}", full(&error));
        // When the time is used up nothing more is asked.
        let asked = server.requests().len();
        client.network("default", "blue").unwrap_err();
        assert_eq!(server.requests().len(), asked);
    }
}

#[test]
fn the_time_between_questions_does_not_count() {
    let server = FakeServer::start(|_, _| json(200, POD));
    let client = server.client(SHORT);
    let pod = client.pod("default", "web", None).unwrap();
    thread::sleep(SHORT * 2);
    client.annotate(&pod, "k", "v").unwrap();
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_server_that_never_says_hello_is_given_up() {
    let server = FakeServer::start(|_, _| json(200, POD));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let access = server.access("{}");
    let Access::Kubeconfig(path) = &access else { unreachable!() };
    let mute = format!("https://{}", silent.local_addr().unwrap());
    let text = fs::read_to_string(path).unwrap();
    let address = text.split('"').find(|part| part.starts_with("https://")).unwrap();
    fs::write(path, text.replace(address, &mute)).unwrap();
    let client = ApiServer::connect(&access, Instant::now() + SHORT).unwrap();
    let error = full(&client.pod("default", "web", None).unwrap_err());
    assert_eq!(
        error,
        format!(
            "get pod default/web: no answer from {mute}: the time allowed ended while connecting"
        )
    );
}

#[test]
fn refusals_say_who_refused_and_what_to_do() {
    let (error, text) = refusal(|_| status(401, "Unauthorized", ""));
    assert!(matches!(error, DefinitionError::Denied { .. }), "{error:?}");
    assert!(
        text.contains("the token in the kubeconfig is not accepted: expired or revoked"),
        "{text}"
    );
    let (error, text) = refusal(|_| status(403, "pods is forbidden: User x", "web"));
    assert!(matches!(error, DefinitionError::Denied { .. }), "{error:?}");
    assert!(text.contains("pods is forbidden: User x") && text.contains("rbac.yaml"), "{text}");
    let (error, text) = refusal(|_| status(500, "etcd\\u0000 is\\n down", ""));
    assert!(matches!(error, DefinitionError::Failed { .. }), "{error:?}");
    assert!(text.contains("500 Internal Server Error: etcd  is  down"), "{text}");
    let (_, text) = refusal(|_| with_header(502, "X: y", "<html>no</html>"));
    assert!(text.contains("502 Bad Gateway: <html>no</html>"), "{text}");
}

#[test]
fn only_a_404_that_names_the_object_means_that_it_is_missing() {
    let (error, _) = refusal(|_| status(404, "pods web not found", "web"));
    assert!(matches!(error, DefinitionError::Missing { kind: "pod", .. }), "{error:?}");
    let (error, _) = refusal(|_| with_header(404, "X: y", "404 page not found\n"));
    assert!(matches!(error, DefinitionError::Failed { .. }), "{error:?}");
    let server = FakeServer::start(|_, _| with_header(404, "X: y", "404 page not found\n"));
    let error = server.client(AMPLE).network("default", "blue").unwrap_err();
    assert!(full(&error).contains("apply deploy/crd.yaml"), "{}", full(&error));
}

#[test]
fn answers_that_are_none_fail() {
    let (_, text) = refusal(|_| json(200, "{\"metadata\": {}, \"spec\": {}}"));
    assert!(text.contains("the answer is no pod: missing field `uid`"), "{text}");
    let (_, text) = refusal(|_| json(200, "garbage"));
    assert!(text.contains("the answer is no pod"), "{text}");
    let (_, text) = refusal(|_| Reply::Last(b"SSH-2.0-OpenSSH\r\n".into()));
    assert!(text.contains("the connection broke"), "{text}");
    let (_, text) = refusal(|_| Reply::Endless);
    assert!(text.contains("too long"), "{text}");
}

#[test]
fn an_overloaded_server_is_asked_again_when_it_says_so() {
    let server = FakeServer::start(|nth, _| match nth {
        0 => with_header(429, "Retry-After: 0", ""),
        1 => with_header(503, "Retry-After: 1", ""),
        _ => json(200, POD),
    });
    let start = Instant::now();
    server.client(AMPLE).pod("default", "web", None).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    for refused in [503, 429] {
        let (error, text) = refusal(move |_| with_header(refused, "Retry-After: 3600", "busy"));
        assert!(matches!(error, DefinitionError::Failed { .. }), "{error:?}");
        assert!(text.contains("busy"), "{text}");
    }
}

#[test]
fn a_conflict_is_tried_again_once() {
    let server = FakeServer::start(|nth, _| match nth {
        0 => status(409, "the object has been modified", "web"),
        _ => json(200, POD),
    });
    server.client(AMPLE).annotate(&pod(), "k", "v").unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn another_pod_of_the_same_name_is_not_written() {
    for code in [409, 422] {
        let server = FakeServer::start(move |_, request| match request {
            request if request.starts_with("GET") => json(200, &POD.replace("u-1", "u-2")),
            _ => status(code, "uid: field is immutable", "web"),
        });
        let error = server.client(AMPLE).annotate(&pod(), "k", "v").unwrap_err();
        assert!(matches!(error, DefinitionError::Replaced { .. }), "{error:?}");
    }
    let server = FakeServer::start(|_, request| match request {
        request if request.starts_with("GET") => json(200, POD),
        _ => status(422, "annotations: Too long", "web"),
    });
    let error = server.client(AMPLE).annotate(&pod(), "k", "v").unwrap_err();
    assert!(full(&error).contains("annotations: Too long"), "{}", full(&error));
}

#[test]
fn names_never_become_another_path() {
    let server = FakeServer::start(|_, _| json(200, POD));
    let client = server.client(AMPLE);
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

#[test]
fn a_token_rotated_meanwhile_is_read_again() {
    let server = FakeServer::start(|_, request| match request {
        request if request.contains("Bearer new\r\n") => json(200, POD),
        _ => status(401, "Unauthorized", ""),
    });
    let file = server.dir.path().join("token");
    fs::write(&file, "old\n").unwrap();
    let access = server.access("{\"tokenFile\": \"token\"}");
    let client = ApiServer::connect(&access, Instant::now() + AMPLE).unwrap();
    let text = full(&client.pod("default", "web", None).unwrap_err());
    assert!(text.contains(&format!("the token in {} is not accepted", file.display())), "{text}");
    fs::write(&file, "new\n").unwrap();
    client.pod("default", "web", None).unwrap();
    assert_eq!((server.requests().len(), server.connections()), (3, 1));
}

#[test]
fn a_server_that_cannot_prove_itself_is_told_nothing() {
    let other = FakeServer::start(|_, _| json(200, POD));
    let server = FakeServer::start(|_, _| json(200, POD));
    let authority = other.dir.path().join("ca.crt");
    let cluster = format!("\"certificate-authority\": \"{}\"", authority.display());
    let access = server.access_with(&cluster, "{\"token\": \"t\"}");
    let client = ApiServer::connect(&access, Instant::now() + AMPLE).unwrap();
    let text = full(&client.pod("default", "web", None).unwrap_err());
    assert!(text.contains("invalid peer certificate: "), "{text}");

    let expired = FakeServer::with_certificate_until(2020, |_, _| json(200, POD));
    let text = full(&expired.client(AMPLE).pod("default", "web", None).unwrap_err());
    assert!(text.contains("expired"), "{text}");
    assert!(server.requests().is_empty() && expired.requests().is_empty());

    let access = expired.access_with("\"insecure-skip-tls-verify\": true", "{\"token\": \"t\"}");
    let client = ApiServer::connect(&access, Instant::now() + AMPLE).unwrap();
    client.pod("default", "web", None).unwrap();
}

#[test]
fn a_user_name_and_a_password_are_sent() {
    let server = FakeServer::start(|_, _| json(200, POD));
    let access = server.access("{\"username\": \"user\", \"password\": \"pass\"}");
    let client = ApiServer::connect(&access, Instant::now() + AMPLE).unwrap();
    client.pod("default", "web", None).unwrap();
    assert!(server.requests()[0].contains("authorization: Basic dXNlcjpwYXNz\r\n"));
}
