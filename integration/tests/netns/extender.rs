//! latency-scheduler as it runs, under load and bad input: 15,000 nodes, many connections, bodies that are none. What
//! its tests of HTTP see with no nodes is not repeated here.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use integration::run;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::cni::bin_dir;
use testkit::port::free_port;
use testkit::wait::eventually;

const NODES: usize = 15_000;
/// The longest name that Kubernetes takes.
const LONGEST: usize = 253;
/// How long the program waits for a client.
const PATIENCE: Duration = Duration::from_secs(10);
/// As many connections as it lets be open at once.
const CONNECTIONS: usize = 64;
/// Bytes of a body that are too many.
const TOO_MANY: usize = (8 << 20) + 1;

/// The program, which knows all nodes; ended on drop.
struct Extender {
    child: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Drop for Extender {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Extender {
    #[expect(clippy::disallowed_methods, reason = "runs what it tests")]
    fn start() -> Self {
        run("ip", &["link", "set", "lo", "up"]);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("nodes.json");
        let items: Vec<Value> = (0..NODES).map(node).collect();
        fs::write(&file, json!({"items": items}).to_string()).unwrap();
        let [address, health] = [free_address(), free_address()];
        let child = Command::new(bin_dir().join("latency-scheduler"))
            .args(["--listen", &address.to_string(), "--health", &health.to_string(), "--nodes"])
            .arg(&file)
            .spawn()
            .unwrap();
        let extender = Self { child, address, _dir: dir };
        eventually(Duration::from_secs(20), "the extender to listen", || {
            TcpStream::connect(address).is_ok()
        });
        extender
    }

    fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(3 * PATIENCE)).unwrap();
        stream.set_write_timeout(Some(3 * PATIENCE)).unwrap();
        Connection(stream)
    }

    /// What a client gets that asks once.
    fn ask(&self, body: &[u8]) -> (u16, Vec<u8>) {
        self.connect().ask(body).unwrap()
    }

    /// Its first process still runs, and answers rightly.
    fn assert_well(&mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it has ended");
        assert_right(&self.ask(&question(&[json!(name(1)), json!(name(2))])), &[1, 2]);
    }

    /// Peak of its memory, bytes.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

struct Connection(TcpStream);

impl Connection {
    fn ask(&mut self, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let head = format!(
            "POST /v1/prioritize HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        // It may have answered, and hung up, before it has read all.
        self.0.write_all(&[head.as_bytes(), body].concat()).ok();
        self.answer()
    }

    /// Status and body; none when it hangs up.
    fn answer(&mut self) -> Option<(u16, Vec<u8>)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).ok()?;
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).ok()?;
        Some((head[9..12].parse().unwrap(), body))
    }
}

fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

fn name(nth: usize) -> String {
    format!("node-{nth:05}.rack-{:03}.zone-b.cluster.example.de", nth / 40)
}

/// Every third is slower, and every third was not measured.
fn node(nth: usize) -> Value {
    let mut labels = json!({"fastpath.dev/vf": "true"});
    match nth % 3 {
        0 => labels["fastpath.dev/vf-p99-us"] = json!("40"),
        1 => labels["fastpath.dev/vf-p99-us"] = json!("4500"),
        _ => {}
    }
    json!({"metadata": {"name": name(nth), "labels": labels}})
}

fn score(nth: usize) -> u64 {
    [10, 2, 1][nth % 3]
}

fn question(names: &[Value]) -> Vec<u8> {
    let annotations = json!({"latency": "5000", "fastpath.dev/path": "vf"});
    let pod = json!({"metadata": {"name": "pod", "annotations": annotations}});
    json!({"Pod": pod, "NodeNames": names}).to_string().into_bytes()
}

/// Just these nodes have scores, and the right ones.
#[track_caller]
fn assert_right((status, answer): &(u16, Vec<u8>), asked: &[usize]) {
    assert_eq!(*status, 200, "{}", String::from_utf8_lossy(answer));
    let scores: Vec<Value> = serde_json::from_slice(answer).unwrap();
    assert_eq!(scores.len(), asked.len());
    let scores: HashMap<&str, u64> = scores
        .iter()
        .map(|one| (one["Host"].as_str().unwrap(), one["Score"].as_u64().unwrap()))
        .collect();
    for nth in asked {
        assert_eq!(scores[&*name(*nth)], score(*nth), "{}", name(*nth));
    }
}

#[test]
fn many_connections_are_each_answered_rightly_in_turn() {
    let mut extender = Extender::start();
    let sizes = [1, 500, 5_000, NODES];
    thread::scope(|scope| {
        for client in 0..CONNECTIONS {
            let mut connection = extender.connect();
            scope.spawn(move || {
                for (turn, size) in sizes.iter().enumerate() {
                    let asked: Vec<usize> =
                        (0..*size).map(|nth| (client * 200 + turn + nth * 7) % NODES).collect();
                    let names: Vec<Value> = asked.iter().map(|nth| json!(name(*nth))).collect();
                    assert_right(&connection.ask(&question(&names)).unwrap(), &asked);
                }
            });
        }
    });
    extender.assert_well();
    // A question and its answer for each, at the worst, with what is known of the nodes.
    assert!(extender.peak() < 200_000_000, "{} bytes", extender.peak());
}

#[test]
fn names_of_every_kind_are_answered_only_if_asked() {
    let mut extender = Extender::start();
    let long = |nth: usize| format!("{nth:05}{}", "x".repeat(LONGEST - 5));
    let all_long: Vec<Value> = (0..NODES).map(|nth| json!(long(nth))).collect();
    let kinds = [
        vec![],
        vec![json!("")],
        vec![json!(name(0)), json!(""), json!("unknown"), json!(long(0))],
        vec![json!("\u{e9}\u{1f980}\"\\\n\u{0}"), json!(name(3))],
        all_long,
    ];
    for names in &kinds {
        let (status, answer) = extender.ask(&question(names));
        assert_eq!(status, 200);
        let asked: HashSet<&str> = names.iter().filter_map(Value::as_str).collect();
        let scores: Vec<Value> = serde_json::from_slice(&answer).unwrap();
        for one in &scores {
            let host = one["Host"].as_str().unwrap();
            assert!(!host.is_empty() && asked.contains(host), "{host:?}");
            assert!(one["Score"].as_u64().unwrap() <= 10, "{one}");
        }
    }
    let pod = json!({"metadata": null});
    for body in [
        json!({"Pod": null, "Nodes": null, "NodeNames": null}),
        json!({"Pod": pod, "NodeNames": [name(0)]}),
        json!({}),
    ] {
        assert_eq!(extender.ask(body.to_string().as_bytes()), (200, b"[]".to_vec()), "{body}");
    }
    assert_eq!(extender.ask(&question(&[json!(name(0)), Value::Null])).0, 400);
    extender.assert_well();
}

#[test]
fn bodies_that_are_cut_off_or_too_long_are_refused_from_many_at_once() {
    let mut extender = Extender::start();
    let whole = question(&[json!(name(0)), json!(name(1))]);
    for end in 0..whole.len() {
        assert_eq!(extender.ask(&whole[..end]).0, 400, "{end} bytes");
    }
    // The client hangs up within a body.
    for _ in 0..CONNECTIONS {
        let mut connection = extender.connect();
        connection
            .0
            .write_all(b"POST /v1/prioritize HTTP/1.1\r\nContent-Length: 99\r\n\r\n{")
            .unwrap();
    }
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    thread::scope(|scope| {
        for client in 0..CONNECTIONS / 4 {
            let (extender, chunk) = (&extender, &chunk);
            scope.spawn(move || {
                let mut connection = extender.connect();
                let answer = if client % 2 == 0 {
                    connection.ask(&vec![b' '; TOO_MANY])
                } else {
                    let head = b"POST /v1/prioritize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
                    connection.0.write_all(head).unwrap();
                    for _ in 0..=TOO_MANY / (1 << 20) {
                        connection.0.write_all(chunk).ok();
                    }
                    connection.answer()
                };
                // Who still sends when it hangs up may not get to read why.
                assert!(answer.is_none_or(|(status, _)| status == 413));
            });
        }
    });
    extender.assert_well();
    assert!(extender.peak() < 200_000_000, "{} bytes", extender.peak());
}

#[test]
fn slow_clients_however_many_do_not_keep_a_scheduler_out() {
    let mut extender = Extender::start();
    let mut before = extender.connect();
    let asked = question(&[json!(name(0))]);
    assert_right(&before.ask(&asked).unwrap(), &[0]);
    let said = b"POST /v1/prioritize HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n{\"Pod\": ";
    let mut slow: Vec<(TcpStream, usize)> =
        (0..3 * CONNECTIONS).map(|nth| (extender.connect().0, nth % said.len())).collect();
    for (stream, done) in &mut slow {
        stream.write_all(&said[..*done]).ok();
    }
    let began = Instant::now();
    assert_right(&extender.ask(&asked), &[0]);
    assert!(began.elapsed() < PATIENCE, "a new one waited for {:?}", began.elapsed());
    // They dribble on, and come again when they are thrown out.
    while began.elapsed() < PATIENCE {
        for (stream, done) in &mut slow {
            if stream.write_all(&said[*done..=*done]).is_err() {
                (*stream, *done) = (extender.connect().0, 0);
            }
            *done = (*done + 1) % said.len();
        }
        let asking = Instant::now();
        assert_right(&before.ask(&asked).unwrap(), &[0]);
        assert!(
            asking.elapsed() < PATIENCE / 10,
            "one that is known waited {:?}",
            asking.elapsed()
        );
        thread::sleep(Duration::from_millis(200));
    }
    drop(slow);
    extender.assert_well();
}
