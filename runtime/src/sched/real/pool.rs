//! The threads for blocking closures: few, made when needed, gone when idle (process C-8).
//!
//! Fed by `blocking` and by drivers. Invariant: never more threads than the limit; closures wait in
//! the order in which they came, at most so many; at the end those that wait are dropped, and those
//! that run are left to finish.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::blocking::{Blocking, Job, PoolStatistics};

/// How long a thread waits for the next closure before it ends.
const IDLE: Duration = Duration::from_secs(5);

struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
    stopping: bool,
}

struct Inner {
    state: Mutex<State>,
    /// Work came, or the end.
    news: Condvar,
    /// A thread ended.
    fewer: Condvar,
    name: &'static str,
    threads_max: usize,
    queue_max: usize,
}

/// See the file's header.
pub(crate) struct Pool(Arc<Inner>);

impl Pool {
    /// A pool with at most so many threads of this name, and so many closures that wait.
    pub(crate) fn new(name: &'static str, threads_max: usize, queue_max: usize) -> Self {
        let state = State {
            queue: VecDeque::new(),
            threads: 0,
            idle: 0,
            stopping: false,
        };
        Pool(Arc::new(Inner {
            state: Mutex::new(state),
            news: Condvar::new(),
            fewer: Condvar::new(),
            name,
            threads_max: threads_max.max(1),
            queue_max,
        }))
    }

    /// No closure is started any more; waits this long for those that run. False where one still
    /// does.
    pub(crate) fn stop(&self, limit: Duration) -> bool {
        let mut state = self.0.state.lock();
        state.stopping = true;
        let waiting = std::mem::take(&mut state.queue);
        self.0.news.notify_all();
        parking_lot::MutexGuard::unlocked(&mut state, || drop(waiting));
        self.0
            .fewer
            .wait_while_for(&mut state, |state| state.threads > 0, limit);
        state.threads == 0
    }
}

impl Blocking for Pool {
    #[allow(clippy::disallowed_methods)] // the one place that starts threads for closures
    fn run(&self, job: Job) -> Result<(), Job> {
        let mut state = self.0.state.lock();
        if state.stopping || state.queue.len() >= self.0.queue_max {
            return Err(job);
        }
        state.queue.push_back(job);
        if state.idle >= state.queue.len() {
            self.0.news.notify_one();
        } else if state.threads < self.0.threads_max {
            let inner = self.0.clone();
            let thread = std::thread::Builder::new().name(self.0.name.into());
            if thread.spawn(move || serve(&inner)).is_ok() {
                state.threads += 1;
            } else if state.threads == 0 {
                // No thread can be had and none will come: the closure is given back.
                return state.queue.pop_back().map_or(Ok(()), Err);
            }
        }
        Ok(())
    }

    fn statistics(&self) -> PoolStatistics {
        let state = self.0.state.lock();
        PoolStatistics {
            threads: state.threads,
            busy: state.threads - state.idle,
            waiting: state.queue.len(),
        }
    }
}

fn serve(inner: &Inner) {
    let mut state = inner.state.lock();
    loop {
        if let Some(job) = state.queue.pop_front() {
            parking_lot::MutexGuard::unlocked(&mut state, job);
            continue;
        }
        if state.stopping {
            break;
        }
        state.idle += 1;
        let timed_out = inner.news.wait_for(&mut state, IDLE).timed_out();
        state.idle -= 1;
        if timed_out && state.queue.is_empty() {
            break;
        }
    }
    state.threads -= 1;
    inner.fewer.notify_all();
}
