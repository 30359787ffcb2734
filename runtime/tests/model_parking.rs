//! A model of falling asleep and being woken: `sched/real/idle.rs` as it is, between a few workers
//! and those who make work, run through the interleavings that matter by `loom` (`model/sync.rs`
//! says how).
//!
//! A lost wake-up is a deadlock, which loom reports. What it catches was tried by breaking the file
//! once for each:
//!
//! - no fence in `work_came`, in `park`, or in `sit`; no second look (`stay`) in `park` or `sit`;
//!   who sits and is not counted, or does not say so; a searcher that stays counted; `wake_one`
//!   that forgets the one at the poller: work is there and all sleep;
//! - no fence in `timer_set`; no second look at the deadline in `sit`, or a deadline that is
//!   published after it: a timer that nobody waits for;
//! - a seat that is kept: an event that nobody waits for;
//! - `wake_all` without the poller or without the beds: a stop that somebody sleeps through.
//!
//! Not caught, because nothing is lost by it: a worker that parks though the seat is free, or lies
//! down after its second look. Whoever has the seat is awake then, or is woken.
#![cfg(loom)]
#![allow(dead_code, unreachable_pub, missing_docs)]

#[path = "../src/sched/real/idle.rs"]
mod idle;
#[path = "model/reactor.rs"]
mod reactor;
#[path = "model/sync.rs"]
mod sync;

mod port {
    pub(crate) mod source {
        pub(crate) type Event = u64;
    }
}

use std::sync::Arc;

use idle::Idle;
use loom::thread;
use reactor::{FAR, RealReactor};
use sync::{AtomicBool, AtomicU64, Injector, Mutex, Ordering, Steal};

/// What the workers share.
struct World {
    idle: Idle,
    reactor: RealReactor,
    work: Injector<()>,
    /// When the only timer is due; `u64::MAX` for none.
    timer: AtomicU64,
    stopping: AtomicBool,
    /// What the workers are there for: they stop when it is 0.
    left: Mutex<u32>,
}

/// What one turn of a worker found.
enum Found {
    Work,
    Timer,
    Event,
}

impl World {
    fn new(workers: usize, left: u32) -> Arc<Self> {
        Arc::new(World {
            idle: Idle::new(workers),
            reactor: RealReactor::default(),
            work: Injector::new(),
            timer: AtomicU64::new(u64::MAX),
            stopping: AtomicBool::new(false),
            left: Mutex::new(left),
        })
    }

    /// Somebody who is no worker makes one ready.
    fn inject(&self) {
        self.work.push(());
        self.idle.work_came(&self.reactor);
    }

    fn set_timer(&self, deadline: u64) {
        self.timer.store(deadline, Ordering::Release);
        self.idle.timer_set(deadline, &self.reactor);
    }

    fn next_deadline(&self) -> Option<u64> {
        let deadline = self.timer.load(Ordering::Acquire);
        (deadline != u64::MAX).then_some(deadline)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.idle.wake_all(&self.reactor);
    }

    fn done(&self, _: Found) {
        let mut left = self.left.lock();
        *left -= 1;
        if *left == 0 {
            drop(left);
            self.stop();
        }
    }

    /// The loop of a worker, as `worker.rs` has it.
    fn work(&self, index: usize) {
        while !self.is_stopping() {
            if self.find() {
                self.done(Found::Work);
            } else {
                self.sleep(index);
            }
        }
    }

    /// Takes work: at once, else as a searcher, where one more may search.
    fn find(&self) -> bool {
        let take = || matches!(self.work.steal(), Steal::Success(()));
        if take() {
            return true;
        }
        if !self.idle.begin_search() {
            return false;
        }
        let found = take();
        self.idle.end_search(found, &self.reactor);
        found
    }

    fn sleep(&self, index: usize) {
        let stay = || self.is_stopping() || !self.work.is_empty();
        if !self.idle.take_seat() {
            return self.idle.park(index, stay);
        }
        let mut events = Vec::new();
        self.idle.sit(
            || self.next_deadline(),
            stay,
            |deadline| self.reactor.wait(&mut events, deadline),
        );
        for _ in events {
            self.done(Found::Event);
        }
        self.expire();
        self.idle.leave_seat();
    }

    /// Fires the timer where its time has come, as it has for every deadline that is not far off.
    fn expire(&self) {
        let due = self.timer.load(Ordering::Acquire);
        if due < FAR
            && self
                .timer
                .compare_exchange(due, u64::MAX, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
        {
            self.done(Found::Timer);
        }
    }

    /// A busy worker's look at the poller.
    fn look(&self) {
        if self.idle.take_seat() {
            let mut events = Vec::new();
            self.reactor.wait(&mut events, Some(0));
            for _ in events {
                self.done(Found::Event);
            }
            self.idle.leave_seat();
        }
    }
}

/// Runs the workers, and `outside` beside them.
fn model(
    preemptions: usize,
    workers: usize,
    left: u32,
    outside: impl Fn(&Arc<World>) + Send + Sync + 'static,
) {
    sync::check(preemptions, move || {
        let world = World::new(workers, left);
        let threads: Vec<_> = (0..workers)
            .map(|index| {
                let world = world.clone();
                thread::spawn(move || world.work(index))
            })
            .collect();
        outside(&world);
        for thread in threads {
            thread.join().expect("it does not panic");
        }
        assert_eq!(*world.left.lock(), 0);
        assert!(!world.idle.has_parked(), "somebody is still counted asleep");
        assert!(!world.idle.all_sleep());
    });
}

#[test]
fn work_wakes_the_only_worker() {
    model(3, 1, 2, |world| {
        world.inject();
        world.inject();
    });
}

#[test]
fn work_wakes_one_of_two_workers() {
    model(2, 2, 1, |world| world.inject());
}

#[test]
fn work_that_comes_while_one_wakes_is_done() {
    model(1, 2, 2, |world| {
        world.inject();
        world.inject();
    });
}

#[test]
fn work_of_two_makers_is_done() {
    model(3, 1, 2, |world| {
        let other = world.clone();
        let maker = thread::spawn(move || other.inject());
        world.inject();
        maker.join().expect("it does not panic");
    });
}

#[test]
fn an_earlier_timer_wakes_the_one_at_the_poller() {
    model(3, 1, 1, |world| {
        world.set_timer(FAR);
        world.set_timer(1);
    });
    model(2, 2, 1, |world| world.set_timer(1));
}

#[test]
fn an_event_is_seen_whoever_sits_at_the_poller() {
    sync::check(2, || {
        let world = World::new(2, 2);
        let threads = [0, 1].map(|index| {
            let world = world.clone();
            thread::spawn(move || {
                world.look();
                world.work(index);
            })
        });
        world.reactor.happens(1);
        world.inject();
        for thread in threads {
            thread.join().expect("it does not panic");
        }
    });
}

#[test]
fn everybody_asleep_hears_of_the_end() {
    model(2, 2, 0, |world| world.stop());
}
