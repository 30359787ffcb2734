//! Every maximum of the runtime, with its default.
//!
//! Read by the builder (which lets a user change the public ones) and by whoever enforces one.
//! Invariant: nothing in the runtime grows past a number that stands here without the behaviour
//! that stands beside it.

/// The limits of one runtime. `docs/LIMITS.md` says what happens at each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Live processes. At the limit `spawn` gives a dead pid and `try_spawn` an error (P-4).
    pub processes_max: u32,
    /// Open ports, those that are flushing included. At the limit opening is `system_limit` (8.1).
    pub ports_max: u32,
    /// Threads that run blocking closures. At the limit closures wait in a queue (C-8).
    pub blocking_threads_max: u32,
    /// Threads that run closures which compute; 0 stands for one for each processor (C-8).
    pub blocking_cpu_threads_max: u32,
    /// Closures that wait for a thread of a pool. At the limit a caller gets `system_limit`.
    pub blocking_queue_max: u32,
    /// Runtime operations of one slice before a process goes to the tail of the queue (C-2): a
    /// receive counts one, an operation on a port eight.
    pub slice_budget: u32,
    /// Milliseconds of one slice after which it is reported as an event (C-7).
    pub long_schedule_ms: u32,
    /// Messages in a mailbox at which it is reported as long; `u32::MAX` for never.
    pub long_queue_on: u32,
    /// Messages at which a mailbox that was reported as long is reported as short again.
    pub long_queue_off: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            processes_max: 262_144,
            ports_max: 65_536,
            blocking_threads_max: 16,
            blocking_cpu_threads_max: 0,
            blocking_queue_max: 65_536,
            slice_budget: 1024,
            long_schedule_ms: 100,
            long_queue_on: u32::MAX,
            long_queue_off: 0,
        }
    }
}

/// How often in a row the LIFO slot may be served before the queue has its turn.
pub(crate) const LIFO_ROW_MAX: u32 = 3;
/// Slices between two looks at the injection queue, the timers and the poller by a busy worker, at
/// most.
pub(crate) const SLICES_PER_LOOK: u32 = 61;
/// Nanoseconds between two such looks, about: fewer slices where they take longer.
pub(crate) const LOOK_NS: u64 = 500_000;
/// Slices after which a worker that was asleep asks how long they take.
pub(crate) const SLICES_PER_CLOCK: u32 = 8;
/// Slices between two moments at which a worker lets memory be reclaimed.
pub(crate) const SLICES_PER_PIN: u32 = 32;
/// Slices between two moments at which a worker frees what the dead have left. One slice is the end
/// of one process at most, and freeing keeps up with that.
pub(crate) const SLICES_PER_FREE: u32 = 256;
/// Blocks of one size that a thread keeps for the next message or process.
pub(crate) const BLOCKS_KEPT_MAX: u32 = 128;
/// Free slots that go from one worker to others at once; a worker keeps twice as many at most.
pub(crate) const VACANCIES_BATCH: usize = 64;
/// Readiness events taken from the system at once.
pub(crate) const EVENTS_MAX: usize = 256;
/// Timers that one look at the clock may fire; the rest follows after other work (T-5).
pub(crate) const TIMERS_PER_LOOK: usize = 256;
/// Signals and messages that a process takes in at once; where more was sent it goes to the tail of
/// the queue in between, and is not polled before it has all that it found at first.
pub(crate) const SIGNALS_PER_TURN: usize = 4096;
/// Messages that a receive may test for one operation of the slice's budget (C-2).
pub(crate) const TESTS_PER_OPERATION: u32 = 16;
/// Workers that a runtime may have.
pub(crate) const WORKERS_MAX: usize = 64;
