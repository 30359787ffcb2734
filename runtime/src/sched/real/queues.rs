//! The queues of processes whose priority is not normal (process C-5).
//!
//! Two, shared by all workers: such processes are few. Filled by `Workers`, emptied by each worker
//! before it looks at its own queue. Invariant (D-8): high comes before normal, but a worker that
//! ran 64 of high has one turn for normal; low has one turn after 8 of normal, and all that nobody
//! else wants. A process of normal priority pays for them with one look at `waiting`, which is then
//! not written by anybody.

use crossbeam::utils::CachePadded;

use crate::priority::Priority;
use crate::process::run::Runnable;
use crate::sync::{AtomicU32, Injector, Ordering, Steal};

/// How many of high priority a worker runs in a row before it looks for one of normal.
const HIGH_ROW_MAX: u32 = 64;
/// How many of normal priority a worker runs before one of low has its turn.
const NORMAL_PER_LOW: u32 = 8;

/// See the file's header.
#[derive(Default)]
pub(super) struct Queues {
    /// Processes in both, or about to be put into one.
    waiting: CachePadded<AtomicU32>,
    high: Injector<Runnable>,
    low: Injector<Runnable>,
}

/// Whose turn it is at one worker.
#[derive(Default)]
pub(super) struct Turns {
    high: u32,
    normal: u32,
}

impl Queues {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    /// Whether there is one that a worker could take.
    pub(super) fn has_any(&self) -> bool {
        !self.high.is_empty() || !self.low.is_empty()
    }

    /// How many processes wait in both.
    pub(super) fn len(&self) -> usize {
        self.waiting.load(Ordering::Relaxed) as usize
    }

    /// Queues a process that is of this priority.
    #[cold]
    pub(super) fn push(&self, process: Runnable, priority: Priority) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        match priority {
            Priority::High => self.high.push(process),
            Priority::Low | Priority::Normal => self.low.push(process),
        }
    }

    /// One that comes before those of normal priority now.
    #[cold]
    pub(super) fn before_normal(&self, turns: &mut Turns) -> Option<Runnable> {
        if turns.high < HIGH_ROW_MAX
            && let Some(process) = self.take(&self.high)
        {
            turns.high += 1;
            return Some(process);
        }
        turns.high = 0;
        if turns.normal >= NORMAL_PER_LOW {
            turns.normal = 0;
            if let Some(process) = self.take(&self.low) {
                return Some(process);
            }
        }
        turns.normal += 1;
        None
    }

    /// One that may run because it was the turn of normal, which has none: low first.
    #[cold]
    pub(super) fn without_normal(&self, turns: &mut Turns) -> Option<Runnable> {
        turns.normal = 0;
        self.take(&self.low).or_else(|| {
            turns.high = 1;
            self.take(&self.high)
        })
    }

    fn take(&self, queue: &Injector<Runnable>) -> Option<Runnable> {
        loop {
            match queue.steal() {
                Steal::Success(process) => {
                    self.waiting.fetch_sub(1, Ordering::SeqCst);
                    return Some(process);
                }
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }
}
