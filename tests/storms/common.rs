//! What both storms share: values that show what became of them, a runtime that notices failures,
//! and what has to be gone when a round is over.
//!
//! Used by `actors` and `sockets`. Invariant: nothing here orders threads by itself: counters are
//! relaxed and there is no lock, so that a missing order in the runtime is not made up for.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use runtime::{CrashReport, Reason, Runtime};
use tests::Random;

/// Loads that were made and not dropped.
static LOADS: AtomicI64 = AtomicI64::new(0);

/// Processes that panicked, but for those that were meant to.
static FAILURES: AtomicI64 = AtomicI64::new(0);

/// What processes panic with that are meant to.
pub(crate) const MEANT: &str = "meant to";

/// Words in a load, the sum apart.
const WORDS: usize = 6;

/// A value whose contents are written by its maker and by each that takes it, without any atomic:
/// whoever gets hold of it too early or twice is seen, by its sum or by ThreadSanitizer.
#[derive(Debug)]
pub(crate) struct Load(Box<[u64; WORDS + 1]>);

impl Load {
    /// A load with words drawn from here.
    pub(crate) fn new(random: &mut Random) -> Self {
        LOADS.fetch_add(1, Ordering::Relaxed);
        let mut words = [0; WORDS + 1];
        for n in 0..WORDS {
            words[n] = random.below(1 << 30) as u64;
            words[WORDS] += words[n];
        }
        Load(Box::new(words))
    }

    /// Looks whether it is whole, and changes it.
    ///
    /// # Panics
    /// Where it is not.
    pub(crate) fn touch(&mut self) {
        let sum: u64 = self.0[..WORDS].iter().sum();
        assert_eq!(sum, self.0[WORDS], "a load came broken");
        self.0[0] += 1;
        self.0[WORDS] += 1;
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.touch();
        LOADS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A runtime with so many workers, which counts processes that fail.
///
/// # Panics
/// Where the system has not what it needs.
#[must_use]
pub(crate) fn runtime(workers: usize) -> Runtime {
    let on_crash = |report: &CrashReport| {
        if !matches!(&report.reason, Reason::Panic(message) if **message == *MEANT) {
            eprintln!("{report}");
            FAILURES.fetch_add(1, Ordering::Relaxed);
        }
    };
    let runtime = Runtime::builder().workers(workers).on_crash(on_crash);
    runtime
        .build()
        .expect("the system has what a runtime needs")
}

/// Waits until a runtime has nothing left, no process, no port, no timer, and looks whether all
/// that its processes had is gone and none of them failed.
///
/// # Panics
/// Where something stays, and where one did.
pub(crate) fn until_empty(runtime: &Runtime, what: &str) {
    let handle = runtime.handle();
    let left = || {
        let statistics = handle.statistics();
        let loads = LOADS.load(Ordering::Relaxed);
        (
            statistics.processes,
            statistics.ports,
            statistics.timers,
            loads,
        )
    };
    for _ in 0..30_000 {
        if left() == (0, 0, 0, 0) {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let none = (0, 0, 0, 0);
    assert_eq!(
        left(),
        none,
        "{what}: left of processes, ports, timers, loads\n{handle}"
    );
    assert_eq!(
        FAILURES.load(Ordering::Relaxed),
        0,
        "{what}: processes that failed"
    );
}
