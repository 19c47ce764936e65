//! A round of frames from one end to another.

use std::hash::{BuildHasher, RandomState};
use std::ops::RangeInclusive;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::clock::{Watch, realtime_ns};
use crate::frame::{Frame, Stamps};
use crate::pace::Pace;
use crate::tally::Tally;
use crate::{End, Error, Mac, Probe};

/// Lengths of a frame in bytes, Ethernet header included.
pub(crate) const SIZES: RangeInclusive<usize> = 64..=9000;
/// Part of a second whose worth of frames goes ahead uncounted, while a switch learns the way and
/// processors wake up.
const WARM_UP: u32 = 10;
/// Nobody waits for the frames, since the kernel stamps them: looking at the ring now and then takes less
/// of the path's processors than being woken for each.
const LOOK: Duration = Duration::from_millis(2);

/// What to send, and how.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Destination; the receiving end takes frames to any.
    pub to: Mac,
    /// Frames per second, at least one.
    pub rate_pps: u32,
    /// Number of frames that count. A tenth of a second's worth (at least one) goes ahead of them.
    pub count: u32,
    /// Length of a frame in bytes with its Ethernet header, without a checksum: 64 to 9000.
    pub size_bytes: usize,
    /// How long after the last frame late ones are waited for.
    pub settle: Duration,
}

/// What became of a round's frames.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Frames given to the sending interface.
    pub sent: u64,
    /// Frames that arrived at least once.
    pub received: u64,
    /// Frames that did not arrive until `settle` after the last was sent.
    pub lost: u64,
    /// Frames that arrived after one with a higher sequence number (RFC 4737 3.3, Type-P-Reordered).
    pub reordered: u64,
    /// Further arrivals of frames that had arrived already.
    pub duplicates: u64,
    /// Who stamped the arrivals.
    pub stamps: Stamps,
    /// Time from sending to the first arrival, of each frame received, in ns (to 3 digits).
    pub latency: Histogram<u64>,
    /// Frames that the sender itself sent late, by more than the time between two frames.
    pub late_sends: u64,
}

/// Sends a round of frames from `sender` and takes them at `receiver`.
///
/// # Errors
/// An interface goes down or away, or cannot carry frames of the size. The clock is set meanwhile, or
/// frames come faster than they can be taken: the figures would not be the path's.
pub fn run(sender: &mut End, receiver: &mut End, round: &Round) -> Result<Outcome, Error> {
    check(round)?;
    let outcome = attempt(sender, receiver, round);
    match outcome {
        // A device's clock that nobody keeps at the system's, or a device that leaves frames out.
        Err(Error::Stamps { .. }) if receiver.stamps() == Stamps::Hardware => {
            receiver.distrust_device()?;
            attempt(sender, receiver, round)
        }
        outcome => outcome,
    }
}

fn check(round: &Round) -> Result<(), Error> {
    if !SIZES.contains(&round.size_bytes) {
        return Err(Error::Size { bytes: round.size_bytes });
    }
    if round.rate_pps == 0 { Err(Error::Rate) } else { Ok(()) }
}

fn attempt(sender: &mut End, receiver: &mut End, round: &Round) -> Result<Outcome, Error> {
    // The keys of a hasher are random.
    let run = RandomState::new().hash_one(0);
    receiver.forget()?;
    let watch = Watch::begin().map_err(Error::Start)?;
    let done = both(sender, receiver, run, round);
    if watch.was_set() {
        return Err(Error::ClockSet);
    }
    let (sent, tally) = done?;
    match receiver.overrun()? {
        0 => Ok(outcome(&sent, tally, receiver.stamps())),
        frames => Err(Error::Overrun { interface: receiver.interface().to_owned(), frames }),
    }
}

fn outcome(sent: &Sent, tally: Tally, stamps: Stamps) -> Outcome {
    Outcome {
        sent: sent.frames,
        received: tally.received,
        lost: sent.frames - tally.received,
        reordered: tally.reordered,
        duplicates: tally.duplicates,
        stamps,
        latency: tally.latency,
        late_sends: sent.late,
    }
}

/// Sends on a thread of its own and takes at the same time; either ends when the other fails.
fn both(
    sender: &mut End,
    receiver: &mut End,
    run: u64,
    round: &Round,
) -> Result<(Sent, Tally), Error> {
    let given_up = AtomicBool::new(false);
    thread::scope(|scope| {
        let sending = thread::Builder::new()
            .spawn_scoped(scope, || send_all(sender, run, round, &given_up))
            .map_err(Error::Start)?;
        let mut until = None;
        let taken = take_all(receiver, run, round.count, || {
            if until.is_none() && sending.is_finished() {
                until = Some(Instant::now() + round.settle);
            }
            until.is_some_and(|until| Instant::now() >= until)
        });
        given_up.store(taken.is_err(), Ordering::Relaxed);
        let sent = sending.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok((sent?, taken?))
    })
}

#[derive(Debug, Default)]
struct Sent {
    frames: u64,
    late: u64,
}

fn send_all(
    sender: &mut End,
    run: u64,
    round: &Round,
    given_up: &AtomicBool,
) -> Result<Sent, Error> {
    let pace = Pace::begin(round.rate_pps).map_err(Error::Start)?;
    let warm_up = u64::from((round.rate_pps / WARM_UP).max(1));
    let mut frame = vec![0; round.size_bytes];
    let mut sent = Sent::default();
    for number in 0..warm_up + u64::from(round.count) {
        let late = pace.wait(number);
        if given_up.load(Ordering::Relaxed) {
            break;
        }
        // Those that warm up are of another run, so that nobody counts them.
        let counted = number.checked_sub(warm_up);
        let (run, sequence) = counted.map_or((!run, number), |sequence| (run, sequence));
        let sent_ns = realtime_ns();
        let probe = Probe { to: round.to, from: sender.mac(), run, sequence, sent_ns };
        frame[..Probe::LEN].copy_from_slice(&probe.encode());
        sender.send(&frame)?;
        if counted.is_some() {
            sent.frames += 1;
            sent.late += u64::from(late);
        }
    }
    Ok(sent)
}

/// Takes frames until it is over.
fn take_all(
    receiver: &mut End,
    run: u64,
    count: u32,
    mut over: impl FnMut() -> bool,
) -> Result<Tally, Error> {
    let mut tally = Tally::new(count);
    loop {
        let last_look = over();
        while let Some(frame) = receiver.receive(Duration::ZERO)? {
            take(&mut tally, &frame, run, receiver)?;
        }
        if last_look {
            return Ok(tally);
        }
        thread::sleep(LOOK);
    }
}

fn take(tally: &mut Tally, frame: &Frame, run: u64, receiver: &End) -> Result<(), Error> {
    let Some(probe) = Probe::decode(frame.head()).filter(|probe| probe.run == run) else {
        return Ok(());
    };
    let believable = (probe.sent_ns..=realtime_ns()).contains(&frame.stamp_ns);
    if !believable || frame.stamps != receiver.stamps() {
        return Err(Error::Stamps { interface: receiver.interface().to_owned() });
    }
    tally.take(probe.sequence, frame.stamp_ns - probe.sent_ns);
    Ok(())
}
