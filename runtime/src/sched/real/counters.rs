//! What a worker counts of its own doing, for statistics and for the watchdog (process 9.4).
//!
//! Invariant: one thread writes a counter and all may read it, so counting is a load and a store
//! and no line of memory is fought for; a number is never too large, and soon exact.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that one thread counts up.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Called by the one thread that writes.
    pub(super) fn add(&self, n: u64) {
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(before.wrapping_add(n), Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// See the file's header.
#[derive(Default)]
pub(super) struct Counters {
    /// Slices that it began.
    pub(super) polls: Counter,
    /// Times that it took work of another worker.
    pub(super) steals: Counter,
    /// Times that it went to sleep.
    pub(super) parks: Counter,
    /// Readiness events that it handed to ports.
    pub(super) events: Counter,
}
