//! The clock that frames are stamped by.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::{Errno, read};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};

/// `CLOCK_REALTIME`, the clock of the kernel's stamps, in ns since the epoch.
pub(crate) fn realtime_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Realtime))
}

/// `CLOCK_MONOTONIC` in ns.
pub(crate) fn monotonic_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// Neither clock is ever before its epoch.
fn nanoseconds(time: Timespec) -> u64 {
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Sees whether `CLOCK_REALTIME` is set, that is, jumps against `CLOCK_MONOTONIC`. Slewing is no jump:
/// it changes the rate of both.
pub(crate) struct Watch(OwnedFd);

impl Watch {
    /// A timer that never expires, but is cancelled when the clock is set (`timerfd_create(2)`). It also
    /// tells of two steps that cancel out, which comparing the clocks would not.
    pub(crate) fn begin() -> io::Result<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Realtime,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let never = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec { tv_sec: i64::MAX / 1_000_000_000, tv_nsec: 0 },
        };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(&timer, flags, &never)?;
        Ok(Self(timer))
    }

    /// Whether the clock was set since the watch began.
    pub(crate) fn was_set(&self) -> bool {
        read(&self.0, &mut [0; 8]) == Err(Errno::CANCELED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_only_runs_was_not_set() {
        let watch = Watch::begin().unwrap();
        assert!(!watch.was_set());
    }
}
