//! What a process does that only computes: the load beside which latency is measured.
//!
//! Spawned by the programs that measure it. It does not end by itself.

use std::time::{Duration, Instant};

use runtime::yield_now;

/// Computes for a time, yields, and so on.
///
/// # Panics
/// Where it is polled outside of a process.
pub async fn busy(time: Duration) {
    loop {
        let start = Instant::now();
        while start.elapsed() < time {
            std::hint::spin_loop();
        }
        yield_now().await;
    }
}
