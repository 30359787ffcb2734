//! Time as the runtime sees it: nanoseconds since the runtime started, never going back.
//!
//! Asked by timers, receives with a timeout and idle workers. Invariant (T-1, T-8): all time in the
//! runtime goes through one `Clock`, so that a simulated one can stand in; nothing else reads a
//! clock. This file holds the trait and the real body; the simulated one is in `sim/`.
//! Unsafe: the system's call.

use std::time::Duration;

/// Where the time comes from.
pub(crate) trait Clock: Send + Sync {
    /// Nanoseconds since the runtime started. Never decreases.
    fn now(&self) -> u64;
}

/// The system's monotonic clock.
#[derive(Debug)]
pub(crate) struct RealClock {
    /// What the system's clock said when the runtime started.
    start: u64,
}

impl RealClock {
    pub(crate) fn new() -> Self {
        RealClock { start: system() }
    }
}

impl Clock for RealClock {
    fn now(&self) -> u64 {
        system().saturating_sub(self.start)
    }
}

/// The system's clock, in nanoseconds: the one place that reads it. What `Instant` reads, without
/// its arithmetic, which took longer than the reading.
fn system() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is there to be written; with these arguments the call does not fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    (now.tv_sec as u64).wrapping_mul(1_000_000_000) + now.tv_nsec as u64
}

/// A duration in nanoseconds; one beyond 584 years is the longest there is.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
