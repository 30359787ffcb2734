//! The watchdog: a thread that notices workers which are long in one slice (process C-7, D-9).
//!
//! It looks at the workers' counters every so often, and only while one of them is awake; it knows
//! what they do without asking them and without their reading a clock.
//!
//! - A slice of more than a millisecond, while nobody sits at the poller: a parked worker is woken
//!   to take the seat, so that sockets and timers do not wait for the slice to end. Where processes
//!   are ready behind that slice, somebody who sleeps is woken to take them.
//! - A slice of more than `Limits::long_schedule_ms`: an event, once for that slice.
//!
//! Invariant: it sleeps for good where all workers do, so an idle runtime costs nothing. A worker
//! that wakes is counted awake before it looks whether the watchdog sleeps, and the watchdog says
//! that it will sleep before it counts a last time, so one of the two sees the other.

use std::time::Duration;

use super::Workers;
use crate::core::Core;
use crate::event::Event;
use crate::pid::Pid;
use crate::sync::{AtomicBool, Condvar, Mutex, Ordering, fence};

/// Between two looks where a parked worker could help.
const TICK: Duration = Duration::from_millis(1);
/// Between two looks where nobody could.
const TICK_ALONE: Duration = Duration::from_millis(10);
/// What a slice may take while nobody sits at the poller.
const HELD_NS: u64 = 1_000_000;
/// Looks in a row at which all workers slept, after which the watchdog sleeps, too.
/// One in a model, so that it soon sleeps for good.
const QUIET_LOOKS_MAX: u32 = if cfg!(loom) { 1 } else { 4 };

/// See the file's header.
pub(super) struct Watchdog {
    /// It sleeps until somebody wakes it.
    asleep: AtomicBool,
    lock: Mutex<()>,
    news: Condvar,
}

/// What a worker was seen doing.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Which slice, by its number.
    slice: u64,
    /// Since when, at the least.
    since: u64,
    /// It has been reported.
    is_told: bool,
}

impl Watchdog {
    pub(super) fn new() -> Self {
        Watchdog {
            asleep: AtomicBool::new(false),
            lock: Mutex::new(()),
            news: Condvar::new(),
        }
    }

    /// A worker woke up, and is counted among those that are awake.
    pub(super) fn worker_woke(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    pub(super) fn wake(&self) {
        drop(self.lock.lock());
        self.news.notify_one();
    }

    /// Waits for the next look; for ever where all workers sleep.
    fn wait(&self, workers: &Workers, quiet_looks: u32) {
        let mut guard = self.lock.lock();
        if quiet_looks < QUIET_LOOKS_MAX {
            let tick = if workers.idle.has_parked() {
                TICK
            } else {
                TICK_ALONE
            };
            if !workers.is_stopping() {
                self.news.wait_for(&mut guard, tick);
            }
            return;
        }
        self.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if workers.idle.all_sleep() && !workers.is_stopping() {
            self.news.wait(&mut guard);
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

/// The life of the watchdog's thread.
pub(super) fn run(workers: &Workers, core: &Core) {
    let mut seen = vec![Seen::default(); workers.shared.len()];
    let mut quiet_looks = 0;
    while !workers.is_stopping() {
        workers.watchdog.wait(workers, quiet_looks);
        look(workers, core, &mut seen);
        quiet_looks = match workers.idle.all_sleep() {
            true => quiet_looks + 1,
            false => 0,
        };
    }
}

fn look(workers: &Workers, core: &Core, seen: &mut [Seen]) {
    let now = core.clock.now();
    let long_ns = u64::from(core.limits.long_schedule_ms) * 1_000_000;
    let (mut is_held, mut is_held_up) = (false, false);
    for (shared, seen) in workers.shared.iter().zip(seen) {
        let slice = shared.counters.polls.get();
        let running = shared.running.load(Ordering::Acquire);
        if running == 0 || slice != seen.slice {
            let (since, is_told) = (now, false);
            *seen = Seen {
                slice,
                since,
                is_told,
            };
            continue;
        }
        let held_ns = now.saturating_sub(seen.since);
        if held_ns >= HELD_NS {
            is_held = true;
            shared.late.store(true, Ordering::Release);
            is_held_up |= shared.is_hot() || !shared.stealer.is_empty();
        }
        if held_ns >= long_ns && !seen.is_told {
            seen.is_told = true;
            report(core, running, held_ns / 1_000_000);
        }
    }
    if is_held {
        workers.idle.call_to_seat();
    }
    // Nobody is woken for what goes to a worker's LIFO slot, because it runs next.
    if is_held_up {
        workers.idle.work_came(&workers.reactor);
    }
}

fn report(core: &Core, running: u64, ms: u64) {
    let pid = Pid::new(core.node, (running >> 32) as u32, running as u32);
    core.event(|| Event::LongSchedule {
        pid,
        ms,
        spawned_at: core.with_process(pid, |pcb| pcb.spawned_at),
    });
}
