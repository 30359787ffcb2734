//! The simulated bodies of the seams: queue of ready processes, virtual clock, no system behind
//! them.
//!
//! Siblings of `sched/real/` and of the real clock, reactor and pool; used by the world alone.
//! Invariant: nothing here depends on real time, threads or addresses, and a wake-up from another
//! thread is noted as a fault of the world: it could not be repeated.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ThreadId};

use parking_lot::Mutex;

use crate::blocking::{Blocking, Job, PoolStatistics};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::port::source::{Reactor, Readiness, Source};
use crate::process::run::{Runnable, Scheduler};
use crate::statistics::SchedulerLoad;
use crate::vacancies::OnWorker;

/// The processes that are ready, in the order in which they became so.
pub(super) struct SimScheduler {
    thread: ThreadId,
    pub(super) ready: Mutex<VecDeque<Runnable>>,
    /// Somebody outside of the world made a process ready.
    pub(super) disturbed: AtomicBool,
}

impl SimScheduler {
    pub(super) fn new() -> Self {
        let (thread, ready) = (thread::current().id(), Mutex::new(VecDeque::new()));
        SimScheduler {
            thread,
            ready,
            disturbed: AtomicBool::new(false),
        }
    }
}

impl Scheduler for SimScheduler {
    fn ready(&self, process: Runnable) {
        if thread::current().id() != self.thread {
            self.disturbed.store(true, Ordering::SeqCst);
        }
        self.ready.lock().push_back(process);
    }

    fn timer_set(&self, _: u64) {}

    fn on_worker(&self) -> Option<OnWorker> {
        None
    }

    fn load(&self) -> SchedulerLoad {
        SchedulerLoad {
            injected: self.ready.lock().len(),
            ..SchedulerLoad::default()
        }
    }
}

/// Time that moves only when the world says so.
pub(super) struct SimClock(pub(super) AtomicU64);

impl Clock for SimClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The random bits of a world: one draw, made by the world before it began.
pub(super) struct SimEntropy(pub(super) u64);

impl Entropy for SimEntropy {
    fn random(&self) -> u64 {
        self.0
    }
}

/// The ports that asked for another turn, in the order in which they did. No source of the system
/// may be watched in a simulated world.
#[derive(Default)]
pub(super) struct SimReactor {
    pub(super) again: Mutex<VecDeque<(u64, Readiness)>>,
}

impl Reactor for SimReactor {
    fn add(&self, source: Source<'_>, _: u64) -> io::Result<()> {
        match source {
            // Who makes it up says when it is ready, by a call of its port.
            Source::Sim(_) => Ok(()),
            Source::Fd(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn remove(&self, _: Source<'_>) {}

    fn again(&self, token: u64, readiness: Readiness) {
        self.again.lock().push_back((token, readiness));
    }
}

/// Blocking closures wait here until the world runs them, on its own thread.
pub(super) struct SimBlocking(pub(super) Mutex<VecDeque<Job>>);

impl Blocking for SimBlocking {
    fn run(&self, job: Job) -> Result<(), Job> {
        self.0.lock().push_back(job);
        Ok(())
    }

    fn statistics(&self) -> PoolStatistics {
        PoolStatistics {
            waiting: self.0.lock().len(),
            ..PoolStatistics::default()
        }
    }
}
