//! Statistics of a runtime, as data that prints as a table (process 9.4).
//!
//! Read by anybody at any time. Invariant: counting costs a worker an increment of its own for a
//! slice, and reading stops nobody, so the numbers of one picture may be of slightly different
//! moments; counters never go down.

use std::fmt;

use crate::blocking::PoolStatistics;
use crate::core::Core;
use crate::sync::Ordering;

/// What a runtime has and has done. See [`Handle::statistics`](crate::Handle::statistics).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Processes that have not ended.
    pub processes: usize,
    /// Ports that are open or flushing.
    pub ports: usize,
    /// Timers that are set: messages to be sent, waits with a limit, timers of ports.
    pub timers: usize,
    /// Processes that are ready and that any worker may take: made ready by no worker.
    pub injected: usize,
    /// Times that a worker was woken, or asked to wake, by another thread.
    pub wakes: u64,
    /// Readiness events that came for ports that were gone (O-16).
    pub stale_events: u64,
    /// One for each worker.
    pub workers: Vec<WorkerStatistics>,
    /// The pool of [`blocking`](crate::blocking).
    pub blocking: PoolStatistics,
    /// The pool of [`blocking_cpu`](crate::blocking_cpu).
    pub blocking_cpu: PoolStatistics,
}

/// What a worker has and has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WorkerStatistics {
    /// Processes that are ready in its queue, but for the one that it runs.
    pub run_queue: usize,
    /// Slices that it ran.
    pub polls: u64,
    /// Times that it took processes of another worker's.
    pub steals: u64,
    /// Times that it found nothing to do, and slept.
    pub parks: u64,
    /// Readiness events that it handed to ports.
    pub events: u64,
}

/// What a scheduler says of itself.
#[derive(Default)]
pub(crate) struct SchedulerLoad {
    pub(crate) injected: usize,
    pub(crate) wakes: u64,
    pub(crate) workers: Vec<WorkerStatistics>,
}

/// The picture of a runtime.
pub(crate) fn of(core: &Core) -> Statistics {
    let SchedulerLoad {
        injected,
        wakes,
        workers,
    } = core.sched.load();
    Statistics {
        processes: core.live(),
        ports: core.ports.len(),
        timers: core.timers.len(),
        injected,
        wakes,
        stale_events: core.stale_events.load(Ordering::Relaxed),
        workers,
        blocking: core.blocking.statistics(),
        blocking_cpu: core.blocking_cpu.statistics(),
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "processes     {}", self.processes)?;
        writeln!(f, "ports         {}", self.ports)?;
        writeln!(f, "timers        {}", self.timers)?;
        writeln!(f, "injected      {}", self.injected)?;
        writeln!(f, "wakes         {}", self.wakes)?;
        writeln!(f, "stale events  {}", self.stale_events)?;
        let pools = [
            ("blocking", &self.blocking),
            ("blocking_cpu", &self.blocking_cpu),
        ];
        for (name, pool) in pools {
            let (threads, busy, waiting) = (pool.threads, pool.busy, pool.waiting);
            writeln!(
                f,
                "{name:13} {threads} threads, {busy} busy, {waiting} waiting"
            )?;
        }
        write!(
            f,
            "worker  queue        polls     steals      parks     events"
        )?;
        for (n, worker) in self.workers.iter().enumerate() {
            let WorkerStatistics {
                run_queue,
                polls,
                steals,
                parks,
                events,
            } = worker;
            write!(
                f,
                "\n{n:6} {run_queue:6} {polls:12} {steals:10} {parks:10} {events:10}"
            )?;
        }
        Ok(())
    }
}
