//! The client against a fake server over a real socket: what a real one does only on bad days.

#![expect(clippy::unwrap_used, reason = "a panic with its line is a test's report")]

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ovsdb::vswitch::Interface;
use ovsdb::{Address, Client, Error};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server that talks to each connection in turn as one of the scripts says.
struct Fake {
    _dir: TempDir,
    address: Address,
    server: JoinHandle<()>,
}

type Script = fn(&mut UnixStream);

impl Fake {
    fn start(scripts: &'static [Script]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let server = thread::spawn(move || {
            for script in scripts {
                script(&mut listener.accept().unwrap().0);
            }
        });
        Self { address: format!("unix:{}", path.display()).parse().unwrap(), _dir: dir, server }
    }

    fn connect(&self) -> Client {
        Client::connect(&self.address, soon()).unwrap()
    }

    /// The server has said all that it had to say, and nothing went wrong with it.
    fn join(self) {
        self.server.join().unwrap();
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn at_once() -> Instant {
    Instant::now() + Duration::from_millis(50)
}

/// The next request of the client.
fn request(stream: &mut UnixStream) -> Value {
    serde_json::Deserializer::from_reader(stream).into_iter().next().unwrap().unwrap()
}

fn say(stream: &mut UnixStream, bytes: impl AsRef<[u8]>) {
    // The client may have had enough.
    if let Err(error) = stream.write_all(bytes.as_ref()) {
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
}

/// Answers one request.
fn answer(stream: &mut UnixStream) {
    let id = request(stream)["id"].clone();
    say(stream, json!({"id": id, "result": ["hello"], "error": null}).to_string());
}

/// Until the client hangs up.
fn wait_for_the_end(stream: &mut UnixStream) {
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest));
}

#[test]
fn an_echo_of_the_server_is_answered_within_a_call() {
    let fake = Fake::start(&[|stream| {
        let id = request(stream)["id"].clone();
        say(stream, r#"{"method":"echo","params":["a"],"id":"probe"}"#);
        assert_eq!(request(stream), json!({"id": "probe", "result": ["a"], "error": null}));
        // An answer that nobody waits for any more, and a lock that nobody wanted.
        say(stream, r#"{"id":999,"result":1}{"method":"locked","params":["x"],"id":null}"#);
        say(stream, json!({"id": id, "result": {}, "error": null}).to_string());
    }]);
    assert_eq!(fake.connect().get_schema("Open_vSwitch", soon()).unwrap(), json!({}));
    fake.join();
}

#[test]
fn a_server_that_says_nothing_is_late_and_a_new_connection_works() {
    let fake = Fake::start(&[wait_for_the_end, answer]);
    let mut client = fake.connect();
    let error = client.echo(at_once()).unwrap_err();
    assert!(matches!(&error, Error::Late { method, .. } if method == "echo"), "{error}");
    assert!(error.is_disconnect());
    client.reconnect(soon()).unwrap();
    client.echo(soon()).unwrap();
    fake.join();
}

#[test]
fn half_an_answer_is_a_broken_connection() {
    let fake = Fake::start(&[|stream| {
        request(stream);
        say(stream, r#"{"id":1,"result":{"a"#);
    }]);
    let error = fake.connect().echo(soon()).unwrap_err();
    assert!(matches!(error, Error::Connection { .. }), "{error}");
    fake.join();
}

#[test]
fn rubbish_is_not_ovsdb() {
    let fake = Fake::start(&[|stream| {
        request(stream);
        say(stream, "HTTP/1.1 400 Bad Request\r\n\r\n");
    }]);
    let error = fake.connect().echo(soon()).unwrap_err();
    assert!(matches!(error, Error::NotOvsdb(_)), "{error}");
    fake.join();
}

#[test]
fn nesting_without_end_is_refused() {
    let fake = Fake::start(&[|stream| {
        request(stream);
        say(stream, format!("{{\"id\":1,\"result\":{}", "[".repeat(100_000)));
    }]);
    let error = fake.connect().echo(soon()).unwrap_err();
    assert!(matches!(error, Error::NotOvsdb(_)), "{error}");
    fake.join();
}

#[test]
fn a_refusal_has_the_servers_words() {
    let fake = Fake::start(&[|stream| {
        request(stream);
        say(stream, r#"{"id":1,"result":null,"error":{"error":"unknown database"}}"#);
    }]);
    let error = fake.connect().get_schema("X", soon()).unwrap_err();
    assert!(error.to_string().contains("unknown database"), "{error}");
    assert!(!error.is_disconnect());
    fake.join();
}

#[test]
fn updates_that_come_during_a_call_are_kept() {
    let fake = Fake::start(&[|stream| {
        let id = request(stream)["id"].clone();
        let update = json!({"method": "update", "id": null, "params": ["m", {"Interface": {"u": {"old": {}}}}]});
        say(stream, format!("{update}{}", json!({"id": id, "result": {}, "error": null})));
        wait_for_the_end(stream);
    }]);
    let mut client = fake.connect();
    client.monitor::<Interface>("Open_vSwitch", soon()).unwrap();
    let update = client.next_update(soon()).unwrap().unwrap();
    assert_eq!(update.removed::<Interface>().len(), 1);
    // No change is no failure, and the connection is still good.
    assert_eq!(client.next_update(at_once()).unwrap(), None);
    drop(client);
    fake.join();
}

#[test]
fn nobody_there_is_said_with_the_address() {
    let address: Address = "unix:/run/no/such.sock".parse().unwrap();
    let error = Client::connect(&address, soon()).unwrap_err();
    assert_eq!(error.to_string(), "connect to the database server at unix:/run/no/such.sock");
    assert!(error.is_disconnect());
}
