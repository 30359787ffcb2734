//! The real scheduler: workers on threads that share their work (process 9.3).
//!
//! `shared` is what the workers share, `worker` the loop of one thread, `idle` who sleeps and who
//! sits at the poller, `looks` when a busy worker looks round, `watchdog` who notices long slices,
//! `pool` the threads for blocking closures, `counters` what a worker counts. This file starts and
//! stops the threads:
//!
//! 1. `start`: the shared part first, then the runtime's core around it, then the threads.
//! 2. `stop`: the flag is set, everyone asleep is woken; each worker leaves its loop after its
//!    slice.
//! 3. `join`: waits for the threads until a deadline; who is late is named and left behind (D-9).

mod counters;
pub(crate) mod idle;
mod looks;
pub(crate) mod pool;
mod queues;
mod shared;
mod watchdog;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::core::Core;
use crate::pid::Pid;
use crate::process::run::Runnable;
use crate::reactor::RealReactor;
use crate::sync::{Ordering, Queue};

use shared::{Shared, Workers};

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
        Crew {
            workers: Arc::new(Workers::new(&queues, reactor)),
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
        self.workers.stop();
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
