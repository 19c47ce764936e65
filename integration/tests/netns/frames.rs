//! What `frames` reports of paths whose losses, swaps, copies and delays are known.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use frames::{End, Error, Frame, Outcome, Probe, Round, Stamps};
use testkit::netns::{Netns, private_mounts};

const SETTLE: Duration = Duration::from_millis(100);

/// Each takes both processors for itself.
static TURN: Mutex<()> = Mutex::new(());

pub(crate) fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    private_mounts(&["/run"]);
    turn
}

/// Joins two interfaces of a namespace as if by a cable.
pub(crate) fn cable(netns: &Netns, left: &str, right: &str) {
    netns.ip(&["link", "add", left, "mtu", "9000", "type", "veth", "peer", "name", right]);
    netns.ip(&["link", "set", right, "mtu", "9000", "up"]);
    netns.ip(&["link", "set", left, "up"]);
}

pub(crate) fn end(netns: &Netns, interface: &str) -> End {
    let inside = hostnet::Netns::open(Path::new(netns.path())).unwrap();
    inside.run(|| End::open(interface)).unwrap().unwrap()
}

fn round(receiver: &End, count: u32) -> Round {
    Round { to: receiver.mac(), rate_pps: 1000, count, size_bytes: 96, settle: SETTLE }
}

pub(crate) fn run(sender: &mut End, receiver: &mut End, count: u32) -> Outcome {
    let round = round(receiver, count);
    frames::run(sender, receiver, &round).unwrap()
}

/// Sent, received, lost, reordered, duplicates.
fn counts(outcome: &Outcome) -> [u64; 5] {
    let o = outcome;
    [o.sent, o.received, o.lost, o.reordered, o.duplicates]
}

/// Takes frames at one interface and sends what a rule makes of each at another, until it is dropped.
struct Forwarder {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Forwarder {
    fn start(
        mut from: End,
        to: End,
        mut rule: impl FnMut(&Frame, &Probe) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let Some(frame) = from.receive(Duration::from_millis(20)).unwrap() else {
                    continue;
                };
                let probe = Probe::decode(frame.head()).unwrap();
                for bytes in rule(&frame, &probe) {
                    to.send(&bytes).unwrap();
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// 1000 frames on their way through a rule.
fn through(rule: impl FnMut(&Frame, &Probe) -> Vec<Vec<u8>> + Send + 'static) -> Outcome {
    let netns = Netns::new();
    cable(&netns, "a0", "a1");
    cable(&netns, "b0", "b1");
    let _forwarder = Forwarder::start(end(&netns, "a1"), end(&netns, "b0"), rule);
    run(&mut end(&netns, "a0"), &mut end(&netns, "b1"), 1000)
}

#[test]
fn a_cable_loses_nothing() {
    let (_turn, netns) = (turn(), Netns::new());
    cable(&netns, "a0", "a1");
    let outcome = run(&mut end(&netns, "a0"), &mut end(&netns, "a1"), 2000);
    assert_eq!(counts(&outcome), [2000, 2000, 0, 0, 0]);
    assert_eq!((outcome.stamps, outcome.latency.len()), (Stamps::Kernel, 2000));
    let p50_ns = outcome.latency.value_at_quantile(0.5);
    assert!((100..10_000_000).contains(&p50_ns), "{p50_ns} ns");
}

#[test]
fn a_bridge_joins_two_namespaces() {
    let (_turn, host, left, right) = (turn(), Netns::new(), Netns::new(), Netns::new());
    host.ip(&["link", "add", "br0", "type", "bridge"]);
    host.ip(&["link", "set", "br0", "up"]);
    for (port, pod) in [("p0", &left), ("p1", &right)] {
        let peer = ["type", "veth", "peer", "name", "eth0", "netns", pod.name()];
        host.ip(&[&["link", "add", port][..], &peer].concat());
        host.ip(&["link", "set", port, "master", "br0", "up"]);
        pod.ip(&["link", "set", "eth0", "up"]);
    }
    let outcome = run(&mut end(&left, "eth0"), &mut end(&right, "eth0"), 500);
    assert_eq!(counts(&outcome), [500, 500, 0, 0, 0]);
}

#[test]
fn what_is_dropped_is_lost() {
    let _turn = turn();
    let outcome = through(|frame, probe| match probe.sequence % 10 {
        3 => vec![],
        _ => vec![frame.head().to_vec()],
    });
    assert_eq!(counts(&outcome), [1000, 900, 100, 0, 0]);
}

#[test]
fn what_is_overtaken_is_reordered() {
    let _turn = turn();
    let mut held = None;
    // Of every 20th pair the first goes after the second.
    let outcome = through(move |frame, probe| {
        if probe.sequence % 40 == 0 {
            held = Some(frame.head().to_vec());
            return vec![];
        }
        [frame.head().to_vec()].into_iter().chain(held.take()).collect()
    });
    assert_eq!(counts(&outcome), [1000, 1000, 0, 25, 0]);
}

#[test]
fn what_comes_twice_is_a_duplicate() {
    let _turn = turn();
    let outcome = through(|frame, probe| {
        let copies = if probe.sequence % 8 == 7 { 2 } else { 1 };
        vec![frame.head().to_vec(); copies]
    });
    assert_eq!(counts(&outcome), [1000, 1000, 0, 0, 125]);
}

#[test]
fn frames_of_others_do_not_count() {
    let _turn = turn();
    let outcome = through(|frame, probe| {
        let mine = frame.head().to_vec();
        let other_run = Probe { run: probe.run ^ 2, ..*probe }.encode().to_vec();
        let mut other_protocol = mine.clone();
        other_protocol[13] = 0xb6;
        vec![other_run, other_protocol, mine[..20].to_vec(), mine]
    });
    assert_eq!(counts(&outcome), [1000, 1000, 0, 0, 0]);
}

#[test]
fn a_delay_is_measured() {
    const DELAY: Duration = Duration::from_millis(5);
    let (_turn, netns) = (turn(), Netns::new());
    cable(&netns, "a0", "a1");
    cable(&netns, "b0", "b1");
    let delayed = Arc::new(AtomicBool::new(false));
    let delays = delayed.clone();
    let rule = move |frame: &Frame, _: &Probe| {
        let due = UNIX_EPOCH + Duration::from_nanos(frame.stamp_ns) + DELAY;
        if delays.load(Ordering::Relaxed) {
            sleep(due.duration_since(SystemTime::now()).unwrap_or_default());
        }
        vec![frame.head().to_vec()]
    };
    let _forwarder = Forwarder::start(end(&netns, "a1"), end(&netns, "b0"), rule);
    let (mut sender, mut receiver) = (end(&netns, "a0"), end(&netns, "b1"));
    let round = Round { rate_pps: 150, ..round(&receiver, 60) };
    let mut rounds = [vec![], vec![]];
    for turn in 0..8 {
        delayed.store(turn % 2 == 1, Ordering::Relaxed);
        let outcome = frames::run(&mut sender, &mut receiver, &round).unwrap();
        assert_eq!(counts(&outcome), [60, 60, 0, 0, 0]);
        rounds[turn % 2].push(outcome.latency);
    }
    let [without, with] = rounds.map(|rounds| {
        let sum = rounds.into_iter().reduce(|sum, round| sum + &round).unwrap();
        sum.value_at_quantile(0.5)
    });
    let off = (with - without).abs_diff(5_000_000);
    assert!(off <= 250_000, "p50 without {without} ns, with {with} ns");
}

#[test]
fn what_came_before_the_round_is_forgotten() {
    let (_turn, netns) = (turn(), Netns::new());
    cable(&netns, "a0", "a1");
    let (mut sender, mut receiver) = (end(&netns, "a0"), end(&netns, "a1"));
    let mut frame = [0xff; 64];
    frame[12..14].copy_from_slice(&[0x88, 0xb5]);
    // More than the ring has room for.
    for _ in 0..20_000 {
        sender.send(&frame).unwrap();
    }
    let outcome = run(&mut sender, &mut receiver, 500);
    assert_eq!(counts(&outcome), [500, 500, 0, 0, 0]);
}

#[test]
fn jumbo_frames_are_frames() {
    let (_turn, netns) = (turn(), Netns::new());
    cable(&netns, "a0", "a1");
    let (mut sender, mut receiver) = (end(&netns, "a0"), end(&netns, "a1"));
    let round = Round { size_bytes: 9000, ..round(&receiver, 200) };
    let outcome = frames::run(&mut sender, &mut receiver, &round).unwrap();
    assert_eq!(counts(&outcome), [200, 200, 0, 0, 0]);

    let mut longest = [0xab; 9000];
    longest[12..14].copy_from_slice(&[0x88, 0xb5]);
    sender.send(&longest).unwrap();
    let frame = receiver.receive(SETTLE).unwrap().unwrap();
    assert_eq!((frame.len, frame.head()), (9000, &longest[..190]));
    assert!(sender.receive(SETTLE).unwrap().is_none(), "what one sends does not come back");

    netns.ip(&["link", "set", "a0", "mtu", "1500"]);
    let error = frames::run(&mut sender, &mut receiver, &round).unwrap_err();
    assert_eq!(error.to_string(), "send a frame of 9000 bytes on a0");
}

#[test]
fn an_interface_that_goes_in_the_middle_is_named() {
    let (_turn, netns) = (turn(), Netns::new());
    for (change, at_fault) in [
        (&["link", "set", "a0", "down"][..], "on a0"),
        (&["link", "set", "a1", "down"], "on a1"),
        // Both ends of the cable go: whichever is noticed first.
        (&["link", "del", "a0"], "on a"),
    ] {
        cable(&netns, "a0", "a1");
        let (mut sender, mut receiver) = (end(&netns, "a0"), end(&netns, "a1"));
        let round = round(&receiver, 60_000);
        let running = spawn(move || frames::run(&mut sender, &mut receiver, &round));
        sleep(Duration::from_millis(300));
        netns.ip(change);
        let error = running.join().unwrap().unwrap_err();
        assert!(error.to_string().contains(at_fault), "{change:?}: {error}");
        assert!(matches!(error, Error::Send { .. } | Error::Receive { .. }), "{error:?}");
        if change[1] == "set" {
            netns.ip(&["link", "del", "a0"]);
        }
    }
    let inside = hostnet::Netns::open(Path::new(netns.path())).unwrap();
    let error = inside.run(|| End::open("a0")).unwrap().unwrap_err();
    assert!(matches!(error, Error::NoInterface { .. }), "{error}");
    let error = inside.run(|| End::open("lo")).unwrap().unwrap_err();
    assert!(matches!(error, Error::NotEthernet { .. }), "{error}");
}
