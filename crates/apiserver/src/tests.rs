//! Against a server on a real socket: what is asked, and what becomes of good and bad answers.

use std::error::Error as _;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use testkit::fake_api::{FakeServer, Reply, json, with_header};

use super::*;

const AMPLE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

const POD: &str = r#"{"kind": "Pod", "metadata": {"name": "web"}}"#;
const PATH: &str = "/api/v1/namespaces/default/pods/web";

fn client(server: &FakeServer, time: Duration) -> ApiServer {
    client_as(server, "{\"token\": \"t0p-s3cret\"}", time)
}

fn client_as(server: &FakeServer, user: &str, time: Duration) -> ApiServer {
    connect(server.kubeconfig(user), time)
}

fn connect(kubeconfig: PathBuf, time: Duration) -> ApiServer {
    ApiServer::connect(&Access::Kubeconfig(kubeconfig), "test/1", Instant::now() + time).unwrap()
}

fn inquiry() -> Inquiry<'static> {
    Inquiry { operation: "get pod default/web".into(), name: "web", rights: "apply rbac.yaml" }
}

fn get(client: &ApiServer) -> Result<Answer, Error> {
    client.ask(&inquiry(), &Question::Get { path: PATH.into() })
}

fn status(code: u16, message: &str, name: &str) -> Reply {
    let body = format!(
        "{{\"kind\": \"Status\", \"status\": \"Failure\", \"message\": \"{message}\", \
         \"details\": {{\"name\": \"{name}\"}}, \"code\": {code}}}"
    );
    json(code, &body)
}

/// Asks and returns the error, and as a program would print it.
fn refusal(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Error, String) {
    let server = FakeServer::start(move |nth, _| reply(nth));
    let error = get(&client(&server, AMPLE)).unwrap_err();
    let text = full(&error);
    assert!(!text.contains("t0p-s3cret"), "{text}");
    (error, text)
}

fn full(error: &Error) -> String {
    format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default())
}

#[test]
fn who_asks_is_told_with_every_request() {
    let server = FakeServer::start(|_, _| json(200, POD));
    let client = client(&server, AMPLE);
    assert_eq!(get(&client).unwrap().body, POD);
    let request = server.requests().pop().unwrap();
    assert!(request.starts_with(&format!("GET {PATH} HTTP/1.1\r\n")), "{request}");
    assert!(request.contains("user-agent: test/1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer t0p-s3cret\r\n"), "{request}");
    assert!(!request.contains("content-type"), "{request}");
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_made_again_once() {
    let server = FakeServer::start(|nth, _| match nth {
        1 | 3 | 4 => Reply::Last(b"HTTP/1.1 200 \r\nContent-Length: 1000\r\n\r\n{".into()),
        _ => json(200, POD),
    });
    let client = client(&server, AMPLE);
    get(&client).unwrap();
    get(&client).unwrap();
    let error = get(&client).unwrap_err();
    assert!(full(&error).contains("the connection broke"), "{}", full(&error));
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn a_connection_closed_while_idle_is_made_again() {
    let answer = format!("HTTP/1.1 200 \r\nContent-Length: {}\r\n\r\n{POD}", POD.len());
    let server = FakeServer::start(move |_, _| Reply::Last(answer.clone().into_bytes()));
    let client = client(&server, AMPLE);
    for _ in 0..3 {
        get(&client).unwrap();
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
        let client = client(&server, SHORT);
        let start = Instant::now();
        let error = get(&client).unwrap_err();
        assert!(start.elapsed() < SHORT * 4, "{:?}", start.elapsed());
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        assert!(full(&error).contains(doing), "{}", full(&error));
        // When the time is used up nothing more is asked.
        let asked = server.requests().len();
        get(&client).unwrap_err();
        assert_eq!(server.requests().len(), asked);
    }
}

#[test]
fn the_time_between_questions_does_not_count() {
    let server = FakeServer::start(|_, _| json(200, POD));
    let client = client(&server, SHORT);
    get(&client).unwrap();
    thread::sleep(SHORT * 2);
    get(&client).unwrap();
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_server_that_never_says_hello_is_given_up() {
    let server = FakeServer::start(|_, _| json(200, POD));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = server.kubeconfig("{}");
    let mute = format!("https://{}", silent.local_addr().unwrap());
    let text = fs::read_to_string(&path).unwrap();
    let address = text.split('"').find(|part| part.starts_with("https://")).unwrap();
    fs::write(&path, text.replace(address, &mute)).unwrap();
    let error = full(&get(&connect(path, SHORT)).unwrap_err());
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
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    assert!(
        text.contains("the token in the kubeconfig is not accepted: expired or revoked"),
        "{text}"
    );
    let (error, text) = refusal(|_| status(403, "pods is forbidden: User x", "web"));
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    assert!(text.ends_with("pods is forbidden: User x; apply rbac.yaml"), "{text}");
    let (error, text) = refusal(|_| status(500, "etcd\\u0000 is\\n down", ""));
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    assert!(text.contains("500 Internal Server Error: etcd  is  down"), "{text}");
    let (_, text) = refusal(|_| with_header(502, "X: y", "<html>no</html>"));
    assert!(text.contains("502 Bad Gateway: <html>no</html>"), "{text}");
}

#[test]
fn only_a_404_that_names_the_object_means_that_it_is_missing() {
    let (error, _) = refusal(|_| status(404, "pods web not found", "web"));
    assert!(matches!(error, Error::Missing { .. }), "{error:?}");
    let (error, _) = refusal(|_| with_header(404, "X: y", "404 page not found\n"));
    assert!(matches!(error, Error::UnknownKind { .. }), "{error:?}");
}

#[test]
fn answers_that_are_none_fail() {
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
    get(&client(&server, AMPLE)).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    for refused in [503, 429] {
        let (error, text) = refusal(move |_| with_header(refused, "Retry-After: 3600", "busy"));
        assert!(matches!(error, Error::Failed { .. }), "{error:?}");
        assert!(text.contains("busy"), "{text}");
    }
}

#[test]
fn a_conflict_is_tried_again_once() {
    let server = FakeServer::start(|nth, _| match nth {
        0 => status(409, "the object has been modified", "web"),
        _ => json(200, POD),
    });
    let patch = Question::Patch { path: PATH.into(), body: "{}".into() };
    client(&server, AMPLE).ask(&inquiry(), &patch).unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn an_apply_says_who_wants_it_and_takes_what_others_own() {
    let server = FakeServer::start(|_, _| json(200, POD));
    let apply = Question::Apply { path: PATH.into(), manager: "me", body: "{\"a\":1}".into() };
    client(&server, AMPLE).ask(&inquiry(), &apply).unwrap();
    let request = server.requests().pop().unwrap();
    let line = format!("PATCH {PATH}?fieldManager=me&force=true HTTP/1.1\r\n");
    assert!(request.starts_with(&line), "{request}");
    assert!(request.contains("content-type: application/apply-patch+yaml\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
}

#[test]
fn a_token_rotated_meanwhile_is_read_again() {
    let server = FakeServer::start(|_, request| match request {
        request if request.contains("Bearer new\r\n") => json(200, POD),
        _ => status(401, "Unauthorized", ""),
    });
    let file = server.dir.path().join("token");
    fs::write(&file, "old\n").unwrap();
    let client = client_as(&server, "{\"tokenFile\": \"token\"}", AMPLE);
    let text = full(&get(&client).unwrap_err());
    assert!(text.contains(&format!("the token in {} is not accepted", file.display())), "{text}");
    fs::write(&file, "new\n").unwrap();
    get(&client).unwrap();
    assert_eq!((server.requests().len(), server.connections()), (3, 1));
}

#[test]
fn a_server_that_cannot_prove_itself_is_told_nothing() {
    let other = FakeServer::start(|_, _| json(200, POD));
    let server = FakeServer::start(|_, _| json(200, POD));
    let authority = other.dir.path().join("ca.crt");
    let cluster = format!("\"certificate-authority\": \"{}\"", authority.display());
    let path = server.kubeconfig_with(&cluster, "{\"token\": \"t\"}");
    let text = full(&get(&connect(path, AMPLE)).unwrap_err());
    assert!(text.contains("invalid peer certificate: "), "{text}");

    let expired = FakeServer::with_certificate_until(2020, |_, _| json(200, POD));
    let text = full(&get(&client(&expired, AMPLE)).unwrap_err());
    assert!(text.contains("expired"), "{text}");
    assert!(server.requests().is_empty() && expired.requests().is_empty());

    let path = expired.kubeconfig_with("\"insecure-skip-tls-verify\": true", "{\"token\": \"t\"}");
    get(&connect(path, AMPLE)).unwrap();
}

#[test]
fn a_user_name_and_a_password_are_sent() {
    let server = FakeServer::start(|_, _| json(200, POD));
    let user = "{\"username\": \"user\", \"password\": \"pass\"}";
    get(&client_as(&server, user, AMPLE)).unwrap();
    assert!(server.requests()[0].contains("authorization: Basic dXNlcjpwYXNz\r\n"));
}

/// An answer that is sent in pieces, without saying how long it will be.
fn stream(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 \r\n\r\n{body}").into_bytes()
}

fn watch(client: &ApiServer, enough: usize) -> (Vec<String>, Result<(), Error>) {
    let mut lines = Vec::new();
    let question = Question::WatchMetadata { path: "/api/v1/nodes?watch=true".into() };
    let end = client.follow(&inquiry(), &question, |line| {
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        if lines.len() == enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (lines, end)
}

#[test]
fn a_watch_is_read_line_by_line_until_it_ends() {
    let server = FakeServer::start(|_, _| Reply::Last(stream("{\"a\":1}\n{\"b\":2}\n{\"cut")));
    let (lines, end) = watch(&client(&server, AMPLE), usize::MAX);
    assert_eq!(lines, ["{\"a\":1}", "{\"b\":2}"]);
    end.unwrap_or_else(|error| assert!(matches!(error, Error::Unreachable { .. }), "{error}"));
    let request = server.requests().pop().unwrap();
    assert!(request.contains("accept: application/json;as=PartialObjectMetadata;g="), "{request}");
}

#[test]
fn a_line_comes_before_the_answer_ends() {
    let server = FakeServer::start(|_, _| Reply::Silence(stream("{}\n{}\n")));
    let (lines, end) = watch(&client(&server, AMPLE), 2);
    assert_eq!((lines.len(), end.is_ok()), (2, true));
}

#[test]
fn a_watch_that_says_nothing_ends_with_the_time() {
    let server = FakeServer::start(|_, _| Reply::Silence(stream("{}\n")));
    let (lines, end) = watch(&client(&server, SHORT), usize::MAX);
    assert_eq!(lines.len(), 1);
    assert!(full(&end.unwrap_err()).contains("waiting for news"));
}

#[test]
fn a_watch_may_be_refused_and_no_line_is_too_long() {
    let server = FakeServer::start(|_, _| status(410, "too old resource version", "web"));
    let (lines, end) = watch(&client(&server, AMPLE), usize::MAX);
    assert!(lines.is_empty() && full(&end.unwrap_err()).contains("too old"));
    let server = FakeServer::start(|_, _| Reply::Endless);
    let (lines, end) = watch(&client(&server, AMPLE), usize::MAX);
    assert!(lines.is_empty() && end.is_err());
}

#[test]
fn a_list_is_asked_for_page_by_page() {
    let server = FakeServer::start(|nth, _| match nth {
        0 => json(200, r#"{"metadata": {"continue": "more~1"}, "items": [1, 2]}"#),
        1 => json(200, r#"{"metadata": {"continue": "more~2"}, "items": null}"#),
        _ => json(200, r#"{"metadata": {"continue": "", "resourceVersion": "7"}, "items": [3]}"#),
    });
    let mut all: Vec<u64> = Vec::new();
    let question = |path| Question::Get { path };
    let list = client(&server, AMPLE)
        .list(&inquiry(), "/api/v1/pods?limit=2", question, |one| all.push(one));
    assert_eq!((list.unwrap().as_str(), all), ("7", vec![1, 2, 3]));
    let asked = server.requests();
    let ends = [" ", "&continue=more~1 ", "&continue=more~2 "];
    for (request, end) in asked.iter().zip(ends) {
        assert!(request.starts_with(&format!("GET /api/v1/pods?limit=2{end}")), "{request}");
    }
    assert_eq!(asked.len(), 3);
}

#[test]
fn what_is_no_list_is_told() {
    for (body, what) in [
        ("{\"items\": [\"a\"]}", "it is no list: "),
        ("{\"metadata\": {\"continue\": \"1&watch=true\"}}", "of no known kind"),
    ] {
        let server = FakeServer::start(move |_, _| json(200, body));
        let question = |path| Question::Get { path };
        let list = client(&server, AMPLE).list(&inquiry(), "/api?limit=2", question, |_: u64| {});
        let text = full(&list.unwrap_err());
        assert!(text.contains(what), "{text}");
    }
}
