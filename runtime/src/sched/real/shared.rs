//! What the workers of one runtime share: the queues that all may take from, and what each shows
//! the others.
//!
//! It is the `Scheduler` that processes know: called by whoever makes one ready, on any thread.
//! Invariant: a process that was made ready is in exactly one place: a LIFO slot, a worker's queue,
//! the injection queue, or one of `queues` where its priority is not normal. Checked by a model in
//! `tests/model_workers.rs`.

use std::sync::Arc;

use crossbeam::utils::CachePadded;

use super::counters::Counters;
use super::idle::Idle;
use super::queues::Queues;
use super::watchdog::Watchdog;
use super::worker;
use crate::priority::Priority;
use crate::process::Pcb;
use crate::process::run::{Runnable, Scheduler};
use crate::reactor::RealReactor;
use crate::statistics::{SchedulerLoad, WorkerStatistics};
use crate::sync::{
    AtomicBool, AtomicPtr, AtomicU64, Condvar, Injector, Mutex, Ordering, Queue, Stealer,
};
use crate::vacancies::OnWorker;

/// What one worker shows the others.
pub(super) struct Shared {
    pub(super) stealer: Stealer<Runnable>,
    /// The process that was woken last: runs next, while it is hot.
    pub(super) lifo: AtomicPtr<Pcb>,
    /// The watchdog saw the worker in one slice for long: what stands in the LIFO slot may be
    /// taken.
    pub(super) late: AtomicBool,
    /// The process that is being run: slot and generation, for the report of a late shutdown.
    pub(super) running: AtomicU64,
    pub(super) counters: Counters,
}

impl Shared {
    /// Something stands in the LIFO slot.
    pub(super) fn is_hot(&self) -> bool {
        !self.lifo.load(Ordering::Acquire).is_null()
    }

    /// The worker will not come to its LIFO slot soon.
    pub(super) fn is_late(&self) -> bool {
        self.late.load(Ordering::Acquire)
    }
}

/// The scheduler that the core knows.
pub(crate) struct Workers {
    pub(super) injector: Injector<Runnable>,
    /// Those whose priority is not normal.
    pub(super) special: Queues,
    pub(super) shared: Box<[CachePadded<Shared>]>,
    pub(super) idle: Idle,
    pub(super) reactor: Arc<RealReactor>,
    stopping: AtomicBool,
    pub(super) left: (Mutex<usize>, Condvar),
    pub(super) watchdog: Watchdog,
}

impl Workers {
    pub(super) fn new(queues: &[Queue<Runnable>], reactor: Arc<RealReactor>) -> Self {
        let shared = queues.iter().map(|queue| {
            CachePadded::new(Shared {
                stealer: queue.stealer(),
                lifo: AtomicPtr::new(std::ptr::null_mut()),
                late: AtomicBool::new(false),
                running: AtomicU64::new(0),
                counters: Counters::default(),
            })
        });
        Workers {
            injector: Injector::new(),
            special: Queues::default(),
            shared: shared.collect(),
            idle: Idle::new(queues.len()),
            reactor,
            stopping: AtomicBool::new(false),
            left: (Mutex::new(0), Condvar::new()),
            watchdog: Watchdog::new(),
        }
    }

    /// Each worker leaves its loop after its slice, and so does the watchdog.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.idle.wake_all(&self.reactor);
        self.watchdog.wake();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether there is work that this worker, which is about to sleep, could take.
    pub(super) fn has_work(&self, worker: usize) -> bool {
        let takes_hot = |other: usize, shared: &Shared| other == worker || shared.is_late();
        !self.injector.is_empty()
            || self.special.has_any()
            || self.shared.iter().enumerate().any(|(other, shared)| {
                !shared.stealer.is_empty() || (takes_hot(other, shared) && shared.is_hot())
            })
    }

    /// Queues a process whose priority is not normal. Gives back one whose is.
    #[inline]
    pub(super) fn normal(&self, process: Runnable) -> Option<Runnable> {
        match process.pcb().marks.priority() {
            Priority::Normal => Some(process),
            priority => {
                self.special.push(process, priority);
                self.idle.work_came(&self.reactor);
                None
            }
        }
    }
}

impl Scheduler for Workers {
    fn ready(&self, process: Runnable) {
        let Some(process) = self.normal(process) else {
            return;
        };
        match worker::local(self) {
            Some(local) => local.push_hot(process, self),
            None => {
                self.injector.push(process);
                self.idle.work_came(&self.reactor);
            }
        }
    }

    fn timer_set(&self, deadline: u64) {
        self.idle.timer_set(deadline, &self.reactor);
    }

    fn on_worker(&self) -> Option<OnWorker> {
        worker::local(self).map(worker::Local::on_worker)
    }

    fn load(&self) -> SchedulerLoad {
        let worker = |shared: &CachePadded<Shared>| WorkerStatistics {
            run_queue: shared.stealer.len() + usize::from(shared.is_hot()),
            polls: shared.counters.polls.get(),
            steals: shared.counters.steals.get(),
            parks: shared.counters.parks.get(),
            events: shared.counters.events.get(),
        };
        SchedulerLoad {
            injected: self.injector.len() + self.special.len(),
            wakes: self.idle.wakes(),
            workers: self.shared.iter().map(worker).collect(),
        }
    }
}
