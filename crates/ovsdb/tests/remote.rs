//! By TCP and TLS, with Open vSwitch's own server.

#![expect(clippy::unwrap_used, reason = "a panic with its line is a test's report")]
#![expect(clippy::disallowed_methods, reason = "runs the server")]

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovsdb::{Address, Client, Error, Identity};
use tempfile::TempDir;
use testkit::authority;
use testkit::port::free_port;
use testkit::wait::eventually;

const SCHEMA: &str = r#"{"name": "Tiny", "version": "1.0.0",
    "tables": {"T": {"columns": {"c": {"type": "string"}}}}}"#;

/// A server, with the files of two authorities that do not believe each other.
struct Server {
    dir: TempDir,
    address: Address,
    child: Child,
}

/// None where Open vSwitch is not installed.
fn server(kind: &str) -> Option<Server> {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    authority::make(dir.path(), "one");
    authority::make(dir.path(), "two");
    fs::write(file("schema"), SCHEMA).unwrap();
    let mut tool = Command::new("ovsdb-tool");
    let made = tool.arg("create").args([file("db"), file("schema")]).output().ok()?;
    assert!(made.status.success(), "{made:?}");
    let port = free_port();
    let mut command = Command::new("ovsdb-server");
    command.arg(file("db")).arg(format!("--remote=p{kind}:{port}:127.0.0.1"));
    command.arg(format!("--unixctl={}", file("ctl").display()));
    let files = [("private-key", "one.key"), ("certificate", "one.pem"), ("ca-cert", "one.ca")];
    for (option, name) in files {
        command.arg(format!("--{option}={}", file(name).display()));
    }
    let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let address: Address = format!("{kind}:127.0.0.1:{port}").parse().unwrap();
    let server = Server { dir, address, child };
    let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    eventually(Duration::from_secs(20), "the server", listens);
    Some(server)
}

impl Server {
    /// Who has the key and certificate of `who`, and believes `authority`.
    fn identity(&self, who: &str, authority: &str) -> Identity {
        let file = |name: String| -> PathBuf { self.dir.path().join(name) };
        let (key, certificate) = (file(format!("{who}.key")), file(format!("{who}.pem")));
        Identity::load(&key, &certificate, &file(format!("{authority}.ca"))).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

#[test]
fn by_tcp() {
    let Some(server) = server("tcp") else { testkit::skip!("Open vSwitch is not installed") };
    let mut client = Client::connect(&server.address, soon()).unwrap();
    assert_eq!(client.get_schema("Tiny", soon()).unwrap()["name"], "Tiny");
    client.reconnect(soon()).unwrap();
    client.echo(soon()).unwrap();
    // That nobody is there is another matter.
    let nobody: Address = format!("tcp:127.0.0.1:{}", free_port()).parse().unwrap();
    assert!(!Client::connect(&nobody, soon()).unwrap_err().is_tls());
}

#[test]
fn by_tls() {
    let Some(server) = server("ssl") else { testkit::skip!("Open vSwitch is not installed") };
    let identity = server.identity("one", "one");
    let mut client = Client::connect_as(&identity, &server.address, soon()).unwrap();
    assert_eq!(client.get_schema("Tiny", soon()).unwrap()["name"], "Tiny");
    client.reconnect(soon()).unwrap();
    client.echo(soon()).unwrap();
}

#[test]
fn who_is_not_believed_is_refused() {
    let Some(server) = server("ssl") else { testkit::skip!("Open vSwitch is not installed") };
    let connect = |identity: &Identity| {
        let client = Client::connect_as(identity, &server.address, soon());
        client.and_then(|mut client| client.echo(soon()))
    };
    // We do not believe the server.
    let error = connect(&server.identity("one", "two")).unwrap_err();
    let Error::Connect { source, .. } = &error else {
        panic!("a server of another authority is believed: {error}")
    };
    assert!(source.to_string().contains("certificate") && error.is_tls(), "{source}");
    // It does not believe us; TLS 1.3 tells only after the handshake.
    let error = connect(&server.identity("two", "one")).unwrap_err();
    assert!(error.is_disconnect() && error.is_tls(), "{error}");
    let error = connect(&Identity::default()).unwrap_err();
    let Error::Connect { source, .. } = &error else { panic!("connected without a key: {error}") };
    assert!(source.to_string().contains("missing") && error.is_tls(), "{source}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    authority::make(dir.path(), "one");
    let file = |name: &str| dir.path().join(name);
    for (key, certificate, authority, wrong) in [
        ("none", "one.pem", "one.ca", "none"),
        ("one.pem", "one.pem", "one.ca", "one.pem"),
        ("one.key", "none", "one.ca", "none"),
        ("one.key", "one.pem", "one.key", "one.key"),
    ] {
        let error = Identity::load(&file(key), &file(certificate), &file(authority)).unwrap_err();
        assert!(error.to_string().contains(&file(wrong).display().to_string()), "{error}");
    }
}
