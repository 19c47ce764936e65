//! Measuring all paths round by round, so that a machine that drifts hits all alike.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use frames::{Mac, Outcome, Round, Stamps};
use hdrhistogram::Histogram;

use super::path::{Ends, Missing};

/// How long frames are waited for at the end of a round.
const SETTLE: Duration = Duration::from_millis(300);
/// A path may have to find its other end first: a switch looks for sockets once a second.
const READY: Duration = Duration::from_secs(30);

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) rounds: u32,
    /// Frames per second.
    pub(super) rate_pps: u32,
    /// Frames of a round.
    pub(super) count: u32,
    pub(super) size_bytes: u32,
}

/// All rounds of one path.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
    pub(super) reordered: u64,
    /// How often the sender itself was late.
    pub(super) late_sends: u64,
    /// Of all frames, ns.
    pub(super) latency: Histogram<u64>,
    /// Median of each round, µs.
    pub(super) medians: Vec<f64>,
    /// Who stamped the arrivals.
    pub(super) stamps: Stamps,
}

impl Plan {
    fn round(&self, to: Mac) -> Round {
        Round {
            to,
            rate_pps: self.rate_pps,
            count: self.count,
            size_bytes: self.size_bytes as usize,
            settle: SETTLE,
        }
    }
}

/// Sends some frames each way until they arrive: programs have found each other then, and bridges know
/// where the ends are. Until `given_up` says that they never will.
pub(super) fn await_path(
    ends: &mut Ends,
    mut given_up: impl FnMut() -> bool,
) -> Result<(), Missing> {
    let some = |to| Round { to, rate_pps: 100, count: 5, size_bytes: 64, settle: SETTLE / 3 };
    let start = Instant::now();
    while start.elapsed() < READY && !given_up() {
        let returned = frames::run(&mut ends.receiver, &mut ends.sender, &some(ends.back))?;
        let arrived = frames::run(&mut ends.sender, &mut ends.receiver, &some(ends.to))?;
        if arrived.received > 0 && returned.received > 0 {
            return Ok(());
        }
    }
    Err(Missing(format!("no frame came through within {} s", start.elapsed().as_secs())))
}

/// Measures all of them, as often as planned; none when told to stop meanwhile.
pub(super) fn measure(
    plan: &Plan,
    all: &mut [&mut Ends],
    stop: &AtomicBool,
) -> Result<Option<Vec<Measured>>, frames::Error> {
    let mut measured: Vec<Option<Measured>> = all.iter().map(|_| None).collect();
    for _ in 0..plan.rounds {
        for (ends, measured) in all.iter_mut().zip(&mut measured) {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let round = plan.round(ends.to);
            let outcome = frames::run(&mut ends.sender, &mut ends.receiver, &round)?;
            match measured {
                Some(before) => before.add(outcome),
                None => *measured = Some(Measured::of(outcome)),
            }
        }
    }
    Ok(Some(measured.into_iter().flatten().collect()))
}

impl Measured {
    fn of(round: Outcome) -> Self {
        Self {
            sent: round.sent,
            received: round.received,
            lost: round.lost,
            reordered: round.reordered,
            late_sends: round.late_sends,
            medians: median(&round.latency).into_iter().collect(),
            latency: round.latency,
            stamps: round.stamps,
        }
    }

    fn add(&mut self, round: Outcome) {
        self.sent += round.sent;
        self.received += round.received;
        self.lost += round.lost;
        self.reordered += round.reordered;
        self.late_sends += round.late_sends;
        self.medians.extend(median(&round.latency));
        // Both resize themselves, and are of one precision.
        self.latency += round.latency;
        self.stamps = round.stamps;
    }

    /// A quantile, µs; none when nothing arrived.
    pub(super) fn us(&self, quantile: f64) -> Option<f64> {
        at(&self.latency, quantile)
    }
}

fn median(latency: &Histogram<u64>) -> Option<f64> {
    at(latency, 0.5)
}

fn at(latency: &Histogram<u64>, quantile: f64) -> Option<f64> {
    (!latency.is_empty()).then(|| microseconds(latency.value_at_quantile(quantile)))
}

/// Whole nanoseconds are 1/1000 µs; a latency has far fewer digits than a `f64`.
#[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^52 ns")]
fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1000.0
}
