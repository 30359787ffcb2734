//! The real scheduler: workers on threads that share their work (process 9.3).
//!
//! `worker` is the loop of one thread, `idle` who sleeps and who sits at the poller, `watchdog` who
//! notices long slices, `pool` the threads for blocking closures, `counters` what a worker counts.
//! This file holds what the workers share, and starts and stops them:
//!
//! 1. `start`: the shared part first, then the runtime's core around it, then the threads.
//! 2. `stop`: the flag is set, everyone asleep is woken; each worker leaves its loop after its
//!    slice.
//! 3. `join`: waits for the threads until a deadline; who is late is named and left behind (D-9).
//!
//! Invariant: a process that was made ready is in exactly one place: a LIFO slot, a worker's queue,
//! the injection queue, or one of `queues` where its priority is not normal.

mod counters;
pub(crate) mod idle;
mod looks;
pub(crate) mod pool;
mod queues;
mod watchdog;
mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::deque::{Injector, Stealer, Worker as Queue};
use crossbeam::utils::CachePadded;
use parking_lot::{Condvar, Mutex};

use crate::core::Core;
use crate::pid::Pid;
use crate::priority::Priority;
use crate::process::Pcb;
use crate::process::run::{Runnable, Scheduler};
use crate::reactor::RealReactor;
use crate::statistics::{SchedulerLoad, WorkerStatistics};
use crate::sync::{AtomicPtr, AtomicU64, Ordering};
use crate::vacancies::OnWorker;

use counters::Counters;
use idle::Idle;
use queues::Queues;
use watchdog::Watchdog;

/// What one worker shows the others.
pub(super) struct Shared {
    stealer: Stealer<Runnable>,
    /// The process that was woken last: runs next, while it is hot.
    lifo: AtomicPtr<Pcb>,
    /// The watchdog saw the worker in one slice for long: what stands in the LIFO slot may be
    /// taken.
    late: AtomicBool,
    /// The process that is being run: slot and generation, for the report of a late shutdown.
    running: AtomicU64,
    counters: Counters,
}

impl Shared {
    /// Something stands in the LIFO slot.
    fn is_hot(&self) -> bool {
        !self.lifo.load(Ordering::Acquire).is_null()
    }

    /// The worker will not come to its LIFO slot soon.
    fn is_late(&self) -> bool {
        self.late.load(Ordering::Acquire)
    }
}

/// The scheduler that the core knows.
pub(crate) struct Workers {
    injector: Injector<Runnable>,
    /// Those whose priority is not normal.
    special: Queues,
    shared: Box<[CachePadded<Shared>]>,
    idle: Idle,
    reactor: Arc<RealReactor>,
    stopping: AtomicBool,
    left: (Mutex<usize>, Condvar),
    watchdog: Watchdog,
}

/// The threads, and the queues that they will own.
pub(crate) struct Crew {
    pub(crate) workers: Arc<Workers>,
    queues: Vec<Queue<Runnable>>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    /// Step 1, first half: no thread yet.
    pub(crate) fn new(workers: usize, reactor: Arc<RealReactor>) -> Self {
        let queues: Vec<Queue<Runnable>> = (0..workers).map(|_| Queue::new_fifo()).collect();
        let shared = queues.iter().map(|queue| {
            CachePadded::new(Shared {
                stealer: queue.stealer(),
                lifo: AtomicPtr::new(std::ptr::null_mut()),
                late: AtomicBool::new(false),
                running: AtomicU64::new(0),
                counters: Counters::default(),
            })
        });
        let workers = Arc::new(Workers {
            injector: Injector::new(),
            special: Queues::default(),
            shared: shared.collect(),
            idle: Idle::new(workers),
            reactor,
            stopping: AtomicBool::new(false),
            left: (Mutex::new(0), Condvar::new()),
            watchdog: Watchdog::default(),
        });
        Crew {
            workers,
            queues,
            threads: Vec::new(),
        }
    }

    /// Step 1, second half. Where a thread cannot be had, those that were started are ended.
    pub(crate) fn start(&mut self, core: &Arc<Core>) -> std::io::Result<()> {
        let started = self.start_all(core);
        if started.is_err() {
            // They have nothing to do, so it takes them no time worth a limit.
            self.stop(Duration::MAX, core);
        }
        started
    }

    fn start_all(&mut self, core: &Arc<Core>) -> std::io::Result<()> {
        for (index, queue) in std::mem::take(&mut self.queues).into_iter().enumerate() {
            let life = move |workers: &Workers, core: &Arc<Core>| {
                worker::run(index, queue, workers, core);
            };
            self.start_one(format!("worker-{index}"), core, life)?;
        }
        self.start_one("watchdog".into(), core, |workers, core| {
            watchdog::run(workers, core);
        })
    }

    #[allow(clippy::disallowed_methods)] // the one place that starts workers
    fn start_one(
        &mut self,
        name: String,
        core: &Arc<Core>,
        life: impl FnOnce(&Workers, &Arc<Core>) + Send + 'static,
    ) -> std::io::Result<()> {
        let (workers, core) = (self.workers.clone(), core.clone());
        *self.workers.left.0.lock() += 1;
        let spawned = std::thread::Builder::new().name(name).spawn(move || {
            life(&workers, &core);
            drop(core);
            *workers.left.0.lock() -= 1;
            workers.left.1.notify_all();
        });
        match spawned {
            Ok(thread) => self.threads.push(thread),
            Err(error) => {
                *self.workers.left.0.lock() -= 1;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Steps 2 and 3. Gives the processes that still run past the limit; their threads are
    /// detached.
    pub(crate) fn stop(&mut self, limit: Duration, core: &Core) -> Vec<Pid> {
        self.workers.stopping.store(true, Ordering::SeqCst);
        self.workers.idle.wake_all(&self.workers.reactor);
        self.workers.watchdog.wake();
        let (lock, gone) = &self.workers.left;
        let mut left = lock.lock();
        gone.wait_while_for(&mut left, |left| *left > 0, limit);
        if *left == 0 {
            drop(left);
            for thread in self.threads.drain(..) {
                let _ = thread.join();
            }
            return Vec::new();
        }
        drop(left);
        self.threads.clear();
        let running = self
            .workers
            .shared
            .iter()
            .map(|s| s.running.load(Ordering::Relaxed));
        running
            .filter(|place| *place != 0)
            .map(|place| Pid::new(core.node, (place >> 32) as u32, place as u32))
            .collect()
    }
}

impl Workers {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether there is work that this worker, which is about to sleep, could take.
    fn has_work(&self, worker: usize) -> bool {
        let takes_hot = |other: usize, shared: &Shared| other == worker || shared.is_late();
        !self.injector.is_empty()
            || !self.special.is_empty()
            || self.shared.iter().enumerate().any(|(other, shared)| {
                !shared.stealer.is_empty() || (takes_hot(other, shared) && shared.is_hot())
            })
    }
}

impl Workers {
    /// Queues a process whose priority is not normal. Gives back one whose is.
    #[inline]
    fn normal(&self, process: Runnable) -> Option<Runnable> {
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
        let worker = |shared: &CachePadded<Shared>| {
            let is_hot = !shared.lifo.load(Ordering::Acquire).is_null();
            WorkerStatistics {
                run_queue: shared.stealer.len() + usize::from(is_hot),
                polls: shared.counters.polls.get(),
                steals: shared.counters.steals.get(),
                parks: shared.counters.parks.get(),
                events: shared.counters.events.get(),
            }
        };
        SchedulerLoad {
            injected: self.injector.len() + self.special.len(),
            wakes: self.idle.wakes(),
            workers: self.shared.iter().map(worker).collect(),
        }
    }
}
