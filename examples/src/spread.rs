//! How a set of times is spread: its median, its 99th percentile and its largest.
//!
//! Filled and printed by the programs that measure latency. Invariant: a percentile is one of the
//! times that were measured, the smallest that so many of a hundred do not exceed.

use std::fmt;
use std::time::Duration;

/// See the file's header.
#[derive(Clone, Debug, Default)]
pub struct Spread(Vec<Duration>);

impl Spread {
    /// Adds a time.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Adds all times of another.
    pub fn join(&mut self, other: Spread) {
        self.0.extend(other.0);
    }

    /// The time that so many of a hundred do not exceed; zero where there is none.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(place).copied().unwrap_or_default()
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |percent| self.percentile(percent).as_secs_f64() * 1e3;
        write!(
            f,
            "{:6} times: p50 {:7.3} ms, p99 {:7.3} ms, max {:7.3} ms",
            self.0.len(),
            ms(50),
            ms(99),
            ms(100)
        )
    }
}
