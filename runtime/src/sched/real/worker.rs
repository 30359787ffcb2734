//! One worker: a thread that runs processes, looks at the clock and the poller, and sleeps.
//!
//! In this order: the LIFO slot (a few times in a row), its own queue, the injection queue, the
//! others' queues, the LIFO slots of those who are late; without any, it sits down at the poller or
//! parks. Every so many slices it looks at the injection queue, the timers and the poller, so that
//! none of them starves. Invariant: whatever it takes out of a queue it runs; it holds a pin while
//! it runs slices, and none while it sleeps. What it does not know: what a link is, or a socket.
//! Unsafe: processes lie in the LIFO slot as raw pointers; the thread-local view of the worker.

use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::counters::Counters;
use super::looks::Looks;
use super::queues::Turns;
use super::{Shared, Workers};
use crate::core::Core;
use crate::entropy::SplitMix;
use crate::limits::{LIFO_ROW_MAX, SLICES_PER_FREE, SLICES_PER_PIN};
use crate::pin::{Guard, LocalHandle, with_handle};
use crate::port;
use crate::port::source::Event;
use crate::process::run::{Ran, Runnable};
use crate::sync::{Ordering, Queue, Steal, thread_pointer};
use crate::vacancies::OnWorker;

thread_pointer!(LOCAL: Local);

/// What a worker's thread keeps to itself, as far as wake-ups need it.
pub(super) struct Local {
    index: usize,
    workers: *const Workers,
    queue: Queue<Runnable>,
}

/// The calling thread's own, where it is a worker of these.
pub(super) fn local(workers: &Workers) -> Option<&'static Local> {
    let local = LOCAL.get();
    // SAFETY: a pointer that stands here is lent by `run` until it returns, and the reference is
    // used by the caller at once, on this thread.
    let local = unsafe { local.as_ref()? };
    ptr::eq(local.workers, workers).then_some(local)
}

impl Local {
    /// The proof that the calling thread is this worker.
    pub(super) fn on_worker(&self) -> OnWorker {
        // SAFETY: `local` lends this to its own thread alone, and each worker has one.
        unsafe { OnWorker::new(self.index) }
    }

    /// The process runs next; what was to run next goes to the queue.
    pub(super) fn push_hot(&self, process: Runnable, workers: &Workers) {
        let slot = &workers.shared[self.index].lifo;
        let raw = process.into_raw().as_ptr();
        let old = match workers.shared.len() {
            // Nobody steals from the only worker.
            1 => {
                let old = slot.load(Ordering::Relaxed);
                slot.store(raw, Ordering::Relaxed);
                old
            }
            _ => slot.swap(raw, Ordering::AcqRel),
        };
        if let Some(old) = take_raw(old) {
            self.push(old, workers);
        }
    }

    pub(super) fn push(&self, process: Runnable, workers: &Workers) {
        self.queue.push(process);
        workers.idle.more_work(&workers.reactor);
    }
}

fn take_raw(raw: *mut crate::process::Pcb) -> Option<Runnable> {
    // SAFETY: a pointer in a LIFO slot came out of `into_raw`, and whoever swapped it out has it
    // alone.
    NonNull::new(raw).map(|raw| unsafe { Runnable::from_raw(raw) })
}

fn take_slot(shared: &Shared, alone: bool) -> Option<Runnable> {
    let raw = shared.lifo.load(Ordering::Relaxed);
    if raw.is_null() {
        return None;
    }
    if alone {
        shared.lifo.store(ptr::null_mut(), Ordering::Relaxed);
        return take_raw(raw);
    }
    take_raw(shared.lifo.swap(ptr::null_mut(), Ordering::AcqRel))
}

/// See the file's header. What the thread's own views point at (`LOCAL`, the handle) is shared with
/// them, so it stands outside of what the loop borrows mutably.
struct Worker<'a> {
    local: &'a Local,
    workers: &'a Workers,
    core: &'a Arc<Core>,
    handle: &'a LocalHandle,
    events: Vec<Event>,
    random: SplitMix,
    slices: u32,
    looks: Looks,
    lifo_row: u32,
    turns: Turns,
}

/// The life of a worker's thread.
pub(super) fn run(index: usize, queue: Queue<Runnable>, workers: &Workers, core: &Arc<Core>) {
    let handle = core.collector.register();
    let local = Local {
        index,
        workers,
        queue,
    };
    let mut worker = Worker {
        local: &local,
        workers,
        core,
        handle: &handle,
        events: Vec::new(),
        random: SplitMix::new(index as u64),
        slices: 0,
        looks: Looks::new(core.clock.now()),
        lifo_row: 0,
        turns: Turns::default(),
    };
    LOCAL.set(&raw const local);
    // SAFETY: `work` holds a guard but while it sleeps, when it runs nothing, and renews it between
    // slices.
    unsafe { with_handle(&handle, || worker.work()) };
    LOCAL.set(ptr::null());
}

impl Worker<'_> {
    fn work(&mut self) {
        let mut guard = self.handle.pin();
        while !self.workers.is_stopping() {
            self.slices = self.slices.wrapping_add(1);
            if self.slices.is_multiple_of(SLICES_PER_PIN) {
                guard.repin();
            }
            if self.slices.is_multiple_of(SLICES_PER_FREE) {
                guard.flush();
            }
            if self.looks.count() && self.looks.is_due(self.core.clock.now()) {
                self.look();
            }
            match self.next() {
                Some(process) => self.slice(process),
                None => {
                    guard = self.sleep(guard);
                    self.looks.woke(self.core.clock.now());
                }
            }
        }
    }

    fn slice(&self, process: Runnable) {
        let pid = process.pcb().pid;
        let shared = &self.workers.shared[self.local.index];
        let running = &shared.running;
        shared.counters.polls.add(1);
        running.store(
            (u64::from(pid.slot) << 32) | u64::from(pid.generation),
            Ordering::Release,
        );
        // SAFETY: `work` holds a guard of this runtime's collector.
        if let Ran::Again(process) = unsafe { process.run() }
            && let Some(process) = self.workers.normal(process)
        {
            self.local.push(process, self.workers);
        }
        running.store(0, Ordering::Relaxed);
        if shared.is_late() {
            shared.late.store(false, Ordering::Relaxed);
        }
    }

    fn next(&mut self) -> Option<Runnable> {
        if self.workers.special.is_empty() {
            return self.next_normal();
        }
        let before = self.workers.special.before_normal(&mut self.turns);
        let process = before.or_else(|| self.next_normal());
        process.or_else(|| self.workers.special.without_normal(&mut self.turns))
    }

    fn next_normal(&mut self) -> Option<Runnable> {
        let alone = self.workers.shared.len() == 1;
        if (self.lifo_row < LIFO_ROW_MAX || self.local.queue.is_empty())
            && let Some(process) = take_slot(&self.workers.shared[self.local.index], alone)
        {
            self.lifo_row += 1;
            return Some(process);
        }
        self.lifo_row = 0;
        if let Some(process) = self.local.queue.pop() {
            return Some(process);
        }
        self.find()
    }

    /// Work of others: the injection queue first, then the other workers'.
    fn find(&mut self) -> Option<Runnable> {
        if let Some(process) = self.injected() {
            return Some(process);
        }
        let others = self.workers.shared.len();
        if others == 1 || !self.workers.idle.begin_search() {
            return None;
        }
        let first = self.random.below(others as u32) as usize;
        let mut found = (0..others).find_map(|n| self.steal((first + n) % others));
        if found.is_some() {
            self.counters().steals.add(1);
        }
        found = found.or_else(|| self.injected());
        self.workers
            .idle
            .end_search(found.is_some(), &self.workers.reactor);
        found
    }

    fn counters(&self) -> &Counters {
        &self.workers.shared[self.local.index].counters
    }

    fn injected(&self) -> Option<Runnable> {
        if self.workers.injector.is_empty() {
            return None;
        }
        loop {
            match self.workers.injector.steal_batch_and_pop(&self.local.queue) {
                Steal::Success(process) => return Some(process),
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }

    fn steal(&self, from: usize) -> Option<Runnable> {
        if from == self.local.index {
            return None;
        }
        let shared = &self.workers.shared[from];
        loop {
            match shared.stealer.steal_batch_and_pop(&self.local.queue) {
                Steal::Success(process) => return Some(process),
                // A token that is passed round stays where it is hot: two workers that take it
                // from each other would do nothing else.
                Steal::Empty if shared.is_late() => return take_slot(shared, false),
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }

    /// A busy worker's look at what others may have for it.
    fn look(&mut self) {
        if let Some(process) = self.injected() {
            self.local.push(process, self.workers);
        }
        self.expire();
        if self.workers.reactor.is_watching() && self.workers.idle.take_seat() {
            self.poll(Some(0));
            self.workers.idle.leave_seat();
        }
    }

    /// Fires due timers. True where more are due.
    fn expire(&self) -> bool {
        match self.core.timers.next_deadline() {
            Some(deadline) => {
                let now = self.core.clock.now();
                deadline <= now && self.core.timers.expire(self.core, now)
            }
            None => false,
        }
    }

    /// Asks the system for events, and hands them to their ports.
    fn poll(&mut self, timeout: Option<u64>) {
        self.workers.reactor.wait(&mut self.events, timeout);
        self.tell_ports();
    }

    /// Hands the events to their ports.
    fn tell_ports(&mut self) {
        self.counters().events.add(self.events.len() as u64);
        let pin = self.core.pin();
        for (token, readiness) in self.events.drain(..) {
            port::ready(self.core, token, readiness, &pin);
        }
    }

    /// Sleeps: at the poller, where the seat is free, else parked. Pins are held before and after,
    /// and not while asleep.
    fn sleep(&mut self, guard: Guard) -> Guard {
        if self.expire() {
            return guard;
        }
        self.counters().parks.add(1);
        if !self.workers.idle.take_seat() {
            drop(guard);
            self.workers.idle.park(self.local.index, || {
                self.workers.is_stopping() || self.workers.has_work(self.local.index)
            });
            self.workers.watchdog.worker_woke();
            return self.handle.pin();
        }
        let (workers, core, me) = (self.workers, self.core, self.local.index);
        drop(guard);
        workers.idle.sit(
            || core.timers.next_deadline(),
            || workers.is_stopping() || workers.has_work(me),
            |deadline| {
                let timeout = deadline.map(|at| at.saturating_sub(core.clock.now()));
                workers.reactor.wait(&mut self.events, timeout);
            },
        );
        let guard = self.handle.pin();
        workers.watchdog.worker_woke();
        self.tell_ports();
        self.expire();
        workers.idle.leave_seat();
        guard
    }
}
