//! A model of the workers: the files of `sched/real` but for the threads' start and the pool, as
//! they are, with the inbox's word, run through the interleavings that matter by `loom`
//! (`model/sync.rs` says how).
//!
//! A process is a word, a private part that loom watches, and a short program. A process that
//! stands in two places, is run twice, or after its end, fails at once; one that is lost is a
//! deadlock, which loom reports. What it catches was tried by breaking the files once for each:
//!
//! - a thief that empties the LIFO slot in two steps, or leaves what it took; a slot that is filled
//!   in two steps; the code of an only worker where there are two: a process is run twice or lost;
//! - a process that was displaced, or that yielded, and goes nowhere, or twice;
//! - a last look that leaves out the injection queue or the priorities; a process that is put there
//!   and nobody told, or told before; no fence in `work_came`; a searcher that stays counted: work
//!   is there and all sleep;
//! - a watchdog that does not count the awake once more, or is not woken; no fence on either side:
//!   a long slice that nobody notices.
//!
//! Not caught, because its owner runs it: a last look, or a search, that leaves out what other
//! workers have.
#![cfg(loom)]
#![allow(dead_code, unreachable_pub, missing_docs)]

#[path = "../src/entropy.rs"]
mod entropy;
#[path = "../src/heap.rs"]
mod heap;
#[path = "../src/inbox.rs"]
mod inbox;
#[path = "../src/marks.rs"]
mod marks;
#[path = "../src/message.rs"]
mod message;
#[path = "../src/pid.rs"]
mod pid;
#[path = "../src/priority.rs"]
mod priority;
#[path = "model/process.rs"]
mod process;
#[path = "model/reactor.rs"]
mod reactor;
#[path = "model/sync.rs"]
mod sync;

/// The files under test.
#[path = "../src/sched/real"]
mod real {
    mod counters;
    mod idle;
    mod looks;
    mod queues;
    mod shared;
    mod watchdog;
    mod worker;

    use std::sync::Arc;

    use shared::Shared;
    pub(crate) use shared::Workers;

    use crate::core::Core;
    use crate::process::run::Runnable;
    use crate::reactor::RealReactor;
    use crate::sync::{Ordering, Queue};

    /// What the workers share, and the queue of each.
    pub(crate) fn make(count: usize) -> (Workers, Vec<Queue<Runnable>>) {
        let queues: Vec<_> = (0..count).map(|_| Queue::new_fifo()).collect();
        (
            Workers::new(&queues, Arc::new(RealReactor::default())),
            queues,
        )
    }

    /// The life of a worker's thread.
    pub(crate) fn run(index: usize, queue: Queue<Runnable>, workers: &Workers, core: &Arc<Core>) {
        worker::run(index, queue, workers, core);
    }

    /// The life of the watchdog's thread.
    pub(crate) fn watch(workers: &Workers, core: &Core) {
        watchdog::run(workers, core);
    }

    /// The first worker has been long in its slice, as the watchdog says.
    pub(crate) fn is_late(workers: &Workers) {
        workers.shared[0].late.store(true, Ordering::Release);
    }

    pub(crate) fn stop(workers: &Workers) {
        workers.stop();
    }

    pub(crate) fn assert_empty(workers: &Workers) {
        assert!(workers.injector.is_empty() && workers.special.is_empty());
        for shared in &workers.shared {
            assert!(shared.stealer.is_empty());
            assert!(shared.lifo.load(Ordering::Relaxed).is_null());
        }
    }
}

mod limits {
    pub(crate) const BLOCKS_KEPT_MAX: u32 = 0;
    pub(crate) const LIFO_ROW_MAX: u32 = 1;
    pub(crate) const LOOK_NS: u64 = 1 << 40;
    pub(crate) const SLICES_PER_CLOCK: u32 = 3;
    pub(crate) const SLICES_PER_FREE: u32 = 100;
    pub(crate) const SLICES_PER_LOOK: u32 = 3;
    pub(crate) const SLICES_PER_PIN: u32 = 100;
}

mod core {
    use std::panic::Location;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::event::Event;
    use crate::pid::Pid;
    use crate::sync::{Condvar, Mutex};

    /// No timers, no ports, and a hook for events that notes whether there was one.
    #[derive(Default)]
    pub(crate) struct Core {
        pub(crate) node: u32,
        pub(crate) timers: Timers,
        pub(crate) clock: Clock,
        pub(crate) limits: Limits,
        pub(crate) collector: crate::pin::Collector,
        is_reported: Mutex<bool>,
        report: Condvar,
    }

    impl Core {
        pub(crate) fn pin(&self) -> crate::pin::Pin {
            crate::pin::Pin
        }

        pub(crate) fn event(&self, _: impl FnOnce() -> Event) {
            *self.is_reported.lock() = true;
            self.report.notify_all();
        }

        pub(crate) fn wait_for_report(&self) {
            let mut is_reported = self.is_reported.lock();
            while !*is_reported {
                self.report.wait(&mut is_reported);
            }
        }

        pub(crate) fn with_process<R>(&self, _: Pid, _: impl FnOnce(&Spawned) -> R) -> Option<R> {
            None
        }
    }

    pub(crate) struct Spawned {
        pub(crate) spawned_at: &'static Location<'static>,
    }

    #[derive(Default)]
    pub(crate) struct Limits {
        pub(crate) long_schedule_ms: u32,
    }

    #[derive(Default)]
    pub(crate) struct Timers;

    impl Timers {
        pub(crate) fn next_deadline(&self) -> Option<u64> {
            None
        }

        pub(crate) fn expire(&self, _: &Arc<Core>, _: u64) -> bool {
            false
        }
    }

    /// Two milliseconds later whenever it is read.
    #[derive(Default)]
    pub(crate) struct Clock(AtomicU64);

    impl Clock {
        pub(crate) fn now(&self) -> u64 {
            self.0.fetch_add(2_000_000, Ordering::Relaxed)
        }
    }
}

mod event {
    use std::panic::Location;

    use crate::pid::Pid;

    pub(crate) enum Event {
        LongSchedule {
            pid: Pid,
            ms: u64,
            spawned_at: Option<&'static Location<'static>>,
        },
    }
}

mod pin {
    use std::cell::Cell;

    #[derive(Default)]
    pub(crate) struct Collector;
    #[derive(Default)]
    pub(crate) struct LocalHandle {
        was_pinned: Cell<bool>,
    }
    pub(crate) struct Guard;
    pub(crate) struct Pin;

    impl Collector {
        pub(crate) fn register(&self) -> LocalHandle {
            LocalHandle::default()
        }
    }

    impl LocalHandle {
        /// At first, and whenever the worker is about to look again. One that was not let sleep
        /// comes at once; loom has to let the others go on.
        pub(crate) fn pin(&self) -> Guard {
            let has_slept = crate::sync::has_slept();
            if self.was_pinned.replace(true) && !has_slept {
                loom::thread::yield_now();
            }
            Guard
        }
    }

    impl Guard {
        pub(crate) fn repin(&mut self) {}
        pub(crate) fn flush(&self) {}
    }

    /// # Safety
    /// None here: nothing is looked up.
    pub(crate) unsafe fn with_handle<R>(_: &LocalHandle, f: impl FnOnce() -> R) -> R {
        f()
    }
}

mod port {
    use std::sync::Arc;

    use crate::core::Core;
    use crate::pin::Pin;

    pub(crate) fn ready(_: &Arc<Core>, token: u64, (): (), _: &Pin) {
        unreachable!("an event of {token}")
    }

    pub(crate) mod source {
        pub(crate) type Event = (u64, ());
    }
}

mod vacancies {
    #[derive(Clone, Copy)]
    pub(crate) struct OnWorker;

    impl OnWorker {
        /// # Safety
        /// None here: there is no table.
        pub(crate) unsafe fn new(_: usize) -> Self {
            OnWorker
        }
    }
}

mod statistics {
    pub(crate) struct SchedulerLoad {
        pub(crate) injected: usize,
        pub(crate) wakes: u64,
        pub(crate) workers: Vec<WorkerStatistics>,
    }

    pub(crate) struct WorkerStatistics {
        pub(crate) run_queue: usize,
        pub(crate) polls: u64,
        pub(crate) steals: u64,
        pub(crate) parks: u64,
        pub(crate) events: u64,
    }
}

use std::sync::Arc;

use loom::thread;
use priority::Priority;
use process::run::Runnable;
use process::{After, Pcb, Program, World};
use sync::Queue;

/// Runs the workers with these processes until all have ended; the first is ready when they begin,
/// and the first worker late in its first slice, so that others may take what stands in its LIFO
/// slot.
fn model(preemptions: usize, workers: usize, programs: &'static [Program]) {
    sync::check(preemptions, move || {
        let (world, mut queues) = World::new(workers, programs);
        world.wake(0);
        real::is_late(&world.workers);
        let first = queues.remove(0);
        let threads = start(&world, queues, 1);
        real::run(0, first, &world.workers, &world.core);
        for thread in threads {
            thread.join().expect("it does not panic");
        }
        world.assert_over();
    });
}

/// As `model`, with none ready; `outside` runs beside the workers.
fn model_with(
    preemptions: usize,
    workers: usize,
    programs: &'static [Program],
    outside: impl Fn(&World) + Send + Sync + 'static,
) {
    sync::check(preemptions, move || {
        let (world, queues) = World::new(workers, programs);
        let threads = start(&world, queues, 0);
        outside(&world);
        for thread in threads {
            thread.join().expect("it does not panic");
        }
        world.assert_over();
    });
}

fn start(
    world: &Arc<World>,
    queues: Vec<Queue<Runnable>>,
    first: usize,
) -> Vec<thread::JoinHandle<()>> {
    let numbered = queues.into_iter().zip(first..);
    let start = |(queue, index)| {
        let world = world.clone();
        thread::spawn(move || real::run(index, queue, &world.workers, &world.core))
    };
    numbered.map(start).collect()
}

/// Ends in its first slice.
fn ends(_: &World, _: &Pcb) -> After {
    After::End
}

/// Wakes the next one, then ends.
fn wakes_1(world: &World, _: &Pcb) -> After {
    world.wake(1);
    After::End
}

/// Wakes two, of which the first is displaced, then ends.
fn wakes_1_and_2(world: &World, _: &Pcb) -> After {
    world.wake(1);
    world.wake(2);
    After::End
}

/// Goes to the tail of the queue once, then ends.
fn yields(_: &World, me: &Pcb) -> After {
    match me.runs() {
        1 => After::Yield,
        _ => After::End,
    }
}

/// Ends when it has seen both that wake it.
fn waits_for_two(_: &World, me: &Pcb) -> After {
    match me.notices() {
        2 => After::End,
        _ => After::Wait,
    }
}

/// Is of high priority from its first slice on, wakes another, and goes to the tail once.
fn rises(world: &World, me: &Pcb) -> After {
    if me.runs() == 1 {
        me.marks.set_priority(Priority::High);
        world.wake(1);
    }
    yields(world, me)
}

/// Its slice lasts until it is reported.
fn is_long(world: &World, _: &Pcb) -> After {
    world.core.wait_for_report();
    After::End
}

#[test]
fn one_made_ready_outside_is_run_once() {
    model_with(2, 2, &[ends], |world| world.wake(0));
}

#[test]
fn two_made_ready_outside_are_run_once() {
    model_with(1, 2, &[ends, ends], |world| {
        world.wake(0);
        world.wake(1);
    });
}

#[test]
fn one_in_the_lifo_slot_is_run_by_its_worker_or_by_a_thief() {
    model(2, 2, &[wakes_1, ends]);
}

#[test]
fn one_that_is_displaced_from_the_lifo_slot_is_run() {
    model(2, 2, &[wakes_1_and_2, ends, ends]);
}

#[test]
fn one_that_yields_is_in_one_place() {
    model(3, 2, &[yields]);
}

#[test]
fn one_that_two_wake_at_once_stands_in_one_queue() {
    model_with(3, 1, &[wakes_1, waits_for_two], |world| {
        world.wake(0);
        world.wake(1);
    });
}

#[test]
fn priorities_are_run_too() {
    model(2, 2, &[rises, ends]);
    model_with(1, 2, &[ends], |world| {
        world.set_priority(0, Priority::Low);
        world.wake(0);
    });
}

/// C-7: who is long in a slice is reported, though the watchdog was asleep.
#[test]
fn the_watchdog_is_awake_while_a_worker_is() {
    sync::check(2, || {
        let (world, queues) = World::new(1, &[is_long]);
        let threads = start(&world, queues, 0);
        let watched = world.clone();
        let watchdog = thread::spawn(move || real::watch(&watched.workers, &watched.core));
        // The others go first, so that the watchdog may have fallen asleep for good.
        for _ in 0..3 {
            thread::yield_now();
        }
        world.wake(0);
        for thread in threads.into_iter().chain([watchdog]) {
            thread.join().expect("it does not panic");
        }
        world.assert_over();
    });
}

#[test]
fn the_only_worker_loses_nothing() {
    model_with(3, 1, &[wakes_1_and_2, ends, ends, ends], |world| {
        world.wake(0);
        world.wake(3);
    });
}
