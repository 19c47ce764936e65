//! When each frame of a round is due.

use std::io;
use std::num::NonZeroU64;

use rustix::io::Errno;
use rustix::thread::{ClockId, clock_nanosleep_absolute, set_current_timer_slack};
use rustix::time::Timespec;

use crate::clock::monotonic_ns;

const SECOND: u64 = 1_000_000_000;

/// A fixed number of frames per second, by absolute times: a late frame delays none of those after it.
pub(crate) struct Pace {
    start_ns: u64,
    rate_pps: u64,
}

impl Pace {
    /// The first frame is due now. For the calling thread, whose timers become precise: the kernel lets
    /// them be 50 µs late otherwise (prctl(2), `PR_SET_TIMERSLACK`).
    pub(crate) fn begin(rate_pps: u32) -> io::Result<Self> {
        set_current_timer_slack(NonZeroU64::new(1))?;
        Ok(Self { start_ns: monotonic_ns(), rate_pps: rate_pps.into() })
    }

    /// Sleeps until a frame is due. Whether it is late by more than the time to the next one.
    pub(crate) fn wait(&self, frame: u64) -> bool {
        let due_ns = self.due_ns(frame);
        if monotonic_ns() < due_ns {
            sleep_until(due_ns);
        }
        monotonic_ns() > self.due_ns(frame + 1)
    }

    fn due_ns(&self, frame: u64) -> u64 {
        let (seconds, rest) = (frame / self.rate_pps, frame % self.rate_pps);
        self.start_ns + seconds * SECOND + rest * SECOND / self.rate_pps
    }
}

fn sleep_until(monotonic_ns: u64) {
    let due = Timespec {
        tv_sec: (monotonic_ns / SECOND).cast_signed(),
        tv_nsec: (monotonic_ns % SECOND).cast_signed(),
    };
    while clock_nanosleep_absolute(ClockId::Monotonic, &due) == Err(Errno::INTR) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_that_do_not_divide_a_second_do_not_drift() {
        let pace = Pace { start_ns: 5, rate_pps: 3 };
        assert_eq!([0, 1, 2, 3].map(|i| pace.due_ns(i)), [5, 333_333_338, 666_666_671, SECOND + 5]);
        assert_eq!(pace.due_ns(3_000_000_000), 5 + SECOND * SECOND);
    }

    #[test]
    fn a_frame_is_late_when_the_next_one_is_due() {
        let now = monotonic_ns();
        assert!(!Pace { start_ns: now, rate_pps: 1 }.wait(0));
        assert!(Pace { start_ns: now - 2 * SECOND, rate_pps: 1 }.wait(0));
    }
}
