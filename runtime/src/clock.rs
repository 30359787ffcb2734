//! Time as the runtime sees it: nanoseconds since the runtime started, never going back.
//!
//! Asked by timers, receives with a timeout and idle workers. Invariant (T-1, T-8): all time in the
//! runtime goes through one `Clock`, so that a simulated one can stand in; nothing else reads a
//! clock. This file holds the trait and the real body; the simulated one is in `sim/`.

use std::time::{Duration, Instant};

/// Where the time comes from.
pub(crate) trait Clock: Send + Sync {
    /// Nanoseconds since the runtime started. Never decreases.
    fn now(&self) -> u64;
}

/// The system's monotonic clock.
#[derive(Debug)]
pub(crate) struct RealClock {
    start: Instant,
}

impl RealClock {
    #[allow(clippy::disallowed_methods)] // the one place that reads the system's clock
    pub(crate) fn new() -> Self {
        RealClock {
            start: Instant::now(),
        }
    }
}

impl Clock for RealClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> u64 {
        nanos(Instant::now().duration_since(self.start))
    }
}

/// A duration in nanoseconds; one beyond 584 years is the longest there is.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
