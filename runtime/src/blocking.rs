//! Blocking work: closures that would hold up a worker, on threads of their own (process C-8).
//!
//! Used by `blocking`, `blocking_cpu` and `PortCx::spawn_blocking`. Two pools: one for closures
//! that wait for the system, one for closures that compute, with a thread for each processor.
//! Invariant: threads and waiting closures have limits; a closure runs to its end though its
//! process may be dead, and then its result is dropped. This file holds the seam and the functions;
//! a pool is `sched/real/pool.rs`.

use std::sync::Arc;

use crate::core::Core;
use crate::event::Event;
use crate::process::context::{Current, current};
use crate::reason::Reason;
use crate::reply::reply;

/// A closure that blocks.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Runs closures elsewhere.
pub(crate) trait Blocking: Send + Sync {
    /// Takes a closure, or gives it back where the queue is full.
    fn run(&self, job: Job) -> Result<(), Job>;

    /// How much there is to do.
    fn statistics(&self) -> PoolStatistics;
}

/// What a pool for blocking closures is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// Threads that there are now.
    pub threads: usize,
    /// Those of them that run a closure.
    pub busy: usize,
    /// Closures that wait for a thread.
    pub waiting: usize,
}

/// Why a blocking closure gave no value.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockingError {
    /// The queue of waiting closures is full.
    SystemLimit,
    /// The closure panicked, or the runtime ended before it ran.
    Failed(Reason),
}

impl std::fmt::Display for BlockingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BlockingError::SystemLimit => f.write_str("system_limit"),
            BlockingError::Failed(reason) => write!(f, "the blocking closure failed: {reason}"),
        }
    }
}

impl std::error::Error for BlockingError {}

/// Runs a closure that may block on a thread of the blocking pool, and waits for its value. Inside
/// the closure the runtime is known, but no process is.
///
/// # Errors
/// [`BlockingError`] where the queue is full or the closure panicked.
///
/// # Cancel safety
/// A dropped future leaves the closure running; its value is dropped.
///
/// # Panics
/// Outside of a process.
pub async fn blocking<T, F>(f: F) -> Result<T, BlockingError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let core = current(|current| current.core().clone());
    let pool = core.blocking.clone();
    run_on(core, pool, f).await
}

/// As [`blocking`], for a closure that computes: its pool has a thread for each processor, so that
/// long computations neither hold up workers nor the closures that wait for the system.
///
/// # Errors
/// [`BlockingError`] where the queue is full or the closure panicked.
///
/// # Cancel safety
/// A dropped future leaves the closure running; its value is dropped.
///
/// # Panics
/// Outside of a process.
pub async fn blocking_cpu<T, F>(f: F) -> Result<T, BlockingError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let core = current(|current| current.core().clone());
    let pool = core.blocking_cpu.clone();
    run_on(core, pool, f).await
}

async fn run_on<T, F>(core: Arc<Core>, pool: Arc<dyn Blocking>, f: F) -> Result<T, BlockingError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let (to, answer) = reply();
    let here = core.clone();
    let job = move || {
        let guarded = std::panic::AssertUnwindSafe(f);
        let value = Current::runtime(&here).enter(|| std::panic::catch_unwind(guarded));
        to.send(value.map_err(crate::process::run::panic_reason));
    };
    if let Err(refused) = pool.run(Box::new(job)) {
        drop(refused);
        core.event(|| Event::BlockingPoolFull);
        return Err(BlockingError::SystemLimit);
    }
    drop((core, pool));
    match answer.await {
        Some(value) => value.map_err(BlockingError::Failed),
        None => Err(BlockingError::Failed(Reason::Shutdown)),
    }
}
