//! A model of a port's lock: the files of `port/` and the table as they are, between the readiness
//! of a source, the owner's calls, and those who end the port, run through the interleavings that
//! matter by `loom` (`model/sync.rs` says how).
//!
//! A process is an inbox and a thread of the model. The driver counts what it is told, and loom
//! watches that no two callbacks touch it at once. Who waits and is not woken is a deadlock. What
//! it catches was tried by breaking the files once for each:
//!
//! - calls of a port that is closed or closing; an end that begins, or finishes, twice or at
//!   another phase; memory that is released while somebody may hold it: callbacks after the end, a
//!   second `stop`, a second exit signal;
//! - an event whose generation nobody compares, or that is dropped and not counted;
//! - wake-ups that are forgotten; a line whose next is not called, is called twice, is not sent
//!   away at the end, or keeps one that has given up: somebody waits for ever;
//! - a hand-over that fetches before it locks, or leaves the mailbox out; a message to a port whose
//!   owner is looked at under one lock and obeyed under the next: the wrong owner sees it;
//! - a timer that fires though it was replaced.
#![cfg(loom)]
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations
)]

#[path = "model/core.rs"]
mod core;
#[path = "../src/event.rs"]
mod event;
#[path = "../src/heap.rs"]
mod heap;
#[path = "../src/inbox.rs"]
mod inbox;
#[path = "../src/mailbox.rs"]
mod mailbox;
#[path = "../src/marks.rs"]
mod marks;
#[path = "../src/message.rs"]
mod message;
#[path = "../src/name.rs"]
mod name;
#[path = "../src/pid.rs"]
mod pid;
#[path = "model/pin.rs"]
mod pin;
#[path = "../src/port/mod.rs"]
#[allow(unused_imports)]
mod port;
#[path = "../src/priority.rs"]
mod priority;
#[path = "model/probe.rs"]
mod probe;
#[path = "model/actors.rs"]
mod process;
#[path = "../src/reason.rs"]
mod reason;
#[path = "../src/reference.rs"]
mod reference;
#[path = "model/sync.rs"]
mod sync;
#[path = "../src/table.rs"]
mod table;
#[path = "../src/vacancies.rs"]
mod vacancies;

/// Files with tests of their own beside them.
#[path = "../src"]
mod src {
    pub(crate) mod hash;
    pub(crate) mod ordered;
}

use src::{hash, ordered};

mod limits {
    pub(crate) const BLOCKS_KEPT_MAX: u32 = 0;
    pub(crate) const VACANCIES_BATCH: usize = 2;
}

mod clock {
    pub(crate) fn nanos(_: std::time::Duration) -> u64 {
        0
    }
}

mod blocking {
    pub(crate) type Job = Box<dyn FnOnce() + Send>;

    pub(crate) trait Blocking: Send + Sync {
        fn run(&self, job: Job) -> Result<(), Job>;
    }

    #[derive(Debug)]
    pub enum BlockingError {
        SystemLimit,
    }
}

mod timers {
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::core::Core;
    use crate::pid::PortId;

    /// Which of the timers that were set.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct TimerKey(pub(crate) u64);

    #[derive(Default)]
    pub(crate) struct Timers(AtomicU64);

    impl Timers {
        pub(crate) fn port_at(&self, _: &Core, _: u64, _: PortId) -> TimerKey {
            TimerKey(self.0.fetch_add(1, Ordering::Relaxed))
        }

        pub(crate) fn drop_wakeup(_: &Core, _: TimerKey) {}
    }
}

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::thread;
use message::Message;
use port::{PortCx, PortReply, PortSignal};
use probe::{Does, Probe, Told, World};
use process::signal::Signal;
use sync::Ordering;
use timers::TimerKey;

/// What came to a process, as text.
fn received(world: &World, which: usize) -> Vec<String> {
    let show = |message: Message| {
        if let Some(number) = message.downcast_ref::<u32>() {
            return format!("{number}");
        }
        if let Some(reply) = message.downcast_ref::<PortReply>() {
            return match reply {
                PortReply::Closed(_) => "closed".into(),
                PortReply::Connected(_) => "connected".into(),
            };
        }
        match message.downcast_ref::<Signal>() {
            Some(Signal::Exit { reason, linked, .. }) => format!("exit {reason} {linked}"),
            Some(Signal::Link { .. }) => "link".into(),
            Some(Signal::Unlinked { .. }) => "unlinked".into(),
            _ => "another".into(),
        }
    };
    let received = world.core.process(which).received();
    received.into_iter().map(show).collect()
}

fn join<T>(thread: thread::JoinHandle<T>) -> T {
    thread.join().expect("it does not panic")
}

/// I-1: an edge between the look and the note of who waits is not lost.
#[test]
fn who_waits_is_woken_by_an_event() {
    sync::check(3, || {
        let world = World::new(2, Does::Nothing);
        let event = world.spawn(World::event);
        assert!(world.take(0));
        join(event);
        assert!(world.close(1));
        world.assert_events(1);
        world.assert_over();
    });
}

/// O-2, O-3: who waits is answered by the event or by the end.
#[test]
fn an_event_an_operation_and_a_close() {
    sync::check(3, || {
        let world = World::new(2, Does::Nothing);
        let event = world.spawn(World::event);
        let close = world.spawn(|world| world.close(1));
        world.take(0);
        join(event);
        assert!(join(close));
        world.assert_events(1);
        world.assert_over();
    });
}

/// O-2: of those who end a port one does, whoever they are.
#[test]
fn a_close_a_kill_and_a_driver_that_closes() {
    sync::check(3, || {
        let world = World::new(2, Does::Closes);
        let event = world.spawn(World::event);
        let kill = world.spawn(|world| world.kill(1));
        world.close(1);
        join(event);
        join(kill);
        world.assert_events(1);
        world.assert_over();
    });
}

/// O-2: a port that is flushing ends by its driver or by a kill, once.
#[test]
fn a_flush_that_ends_while_everything_is_closed() {
    sync::check(3, || {
        let world = World::new(2, Does::Flushes);
        // It may come before the close, and then it ends nothing.
        let event = world.spawn(World::event);
        assert!(world.close(1));
        assert!(!world.close(0) && !world.take(0), "it is closed for both");
        port::close_all(&world.core);
        join(event);
        world.assert_events(1);
        world.assert_over();
    });
}

/// R20: an event for a port that is gone does not find the next one in its place.
#[test]
fn a_late_event_does_not_find_the_next_port() {
    sync::check(3, || {
        let world = World::new(2, Does::Nothing);
        let event = world.spawn(World::event);
        assert!(world.close(0));
        let next = Arc::new(Told::default());
        let probe = Probe::new(&next, Does::Nothing);
        let process = world.core.process(1);
        let port = process.acts(|| port::open(probe).expect("room"));
        assert_eq!(port.slot, world.port.slot, "the place is taken again");
        join(event);
        assert_eq!(next.readies.load(Ordering::Relaxed), 0);
        world.assert_events(1);
        process.acts(|| port::close(port)).expect("it is open");
        assert_eq!(next.stops.load(Ordering::Relaxed), 1);
    });
}

/// O-18, I-9: each message of a port is seen by one owner, in order.
#[test]
fn messages_of_a_port_that_changes_hands() {
    sync::check(3, || {
        let world = World::new(2, Does::Sends);
        let events = world.spawn(|world| {
            world.event();
            world.event();
        });
        let (old, new) = (world.core.process(0), world.core.process(1));
        let moved = old.acts(|| {
            // A receive: what has come is in the mailbox, the rest in the inbox or on its way.
            process::signal::take_in(old, process::signal::fetch(old));
            port::hand_over(world.port, new.pid)
        });
        assert_eq!(moved, Ok(()));
        join(events);
        assert_eq!(received(&world, 0), [""; 0]);
        assert_eq!(received(&world, 1), ["link", "1", "2"]);
        assert!(world.close(1));
    });
}

/// 8.4, O-18: a message to a port is obeyed for the owner that it names, or punished.
#[test]
fn a_close_by_message_and_a_port_that_changes_hands() {
    sync::check(3, || {
        let world = World::new(3, Does::Nothing);
        let by = world.core.process(0).pid;
        let close = world.spawn(move |world| {
            let signal = PortSignal::Close(by);
            let process = world.core.process(2);
            process.acts(|| port::signal_port(world.port, signal));
        });
        let (old, new) = (world.core.process(0), world.core.process(1));
        let moved = old.acts(|| port::hand_over(world.port, new.pid));
        join(close);
        match moved {
            Ok(()) => {
                assert_eq!(received(&world, 1), ["link", "exit badsig false"]);
                assert!(world.close(1), "the close was not for the new owner");
                assert_eq!(received(&world, 1), ["exit normal true"]);
                assert_eq!(received(&world, 0), [""; 0]);
            }
            Err(error) => {
                assert_eq!(error, port::HandOverError::Closed);
                assert_eq!(received(&world, 0), ["exit normal true", "closed"]);
            }
        }
    });
}

/// T-1: a timer that was set anew, or cancelled, as it fired does not fire.
#[test]
fn a_timer_that_fires_as_it_is_replaced() {
    sync::check(3, || {
        let world = World::new(1, Does::Times);
        let first = world.spawn(|world| port::timeout(&world.core, world.port, TimerKey(0)));
        let replace = |_: &mut Probe, cx: &mut PortCx<'_>| cx.set_timer(std::time::Duration::ZERO);
        let process = world.core.process(0);
        process
            .acts(|| port::call(world.port, replace))
            .expect("it is open");
        let before = world.told.timeouts.load(Ordering::Relaxed);
        join(first);
        assert_eq!(world.told.timeouts.load(Ordering::Relaxed), before);
        port::timeout(&world.core, world.port, TimerKey(1));
        port::timeout(&world.core, world.port, TimerKey(1));
        assert_eq!(world.told.timeouts.load(Ordering::Relaxed), before + 1);
    });
}

/// The process gives the port a command, and waits while it is busy. False where it is closed.
fn command(world: &World, which: usize) -> bool {
    let process = world.core.process(which);
    let mut command = Box::pin(port::command(world.port, &b"data"[..]));
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match process.acts(|| command.as_mut().poll(&mut cx)) {
            Poll::Ready(result) => return result.is_ok(),
            Poll::Pending => process.sleeper.sleep(),
        }
    }
}

/// 8.9: who passes has the next one called.
#[test]
fn commands_that_wait_are_served_one_after_the_other() {
    sync::check(3, || {
        let world = World::new(2, Does::Busy);
        let first = world.spawn(|world| command(world, 0));
        let second = world.spawn(|world| command(world, 1));
        world.event();
        assert!(join(first) && join(second));
        world.close(0);
        world.assert_over();
    });
}

/// 8.9, I-8: one that gives up is not in the way of the next.
#[test]
fn a_command_that_is_dropped_as_it_is_called() {
    sync::check(3, || {
        let world = World::new(2, Does::Busy);
        let first = world.spawn(|world| {
            let process = world.core.process(0);
            process.acts(|| {
                let mut command = Box::pin(port::command(world.port, &b"data"[..]));
                let mut cx = Context::from_waker(Waker::noop());
                let _ = command.as_mut().poll(&mut cx);
            });
        });
        let second = world.spawn(|world| command(world, 1));
        world.event();
        join(first);
        assert!(join(second));
        world.close(0);
        world.assert_over();
    });
}

/// 8.9, I-8: one that waits is told of the end.
#[test]
fn a_command_and_the_end_of_the_port() {
    sync::check(3, || {
        let world = World::new(2, Does::Busy);
        let kill = world.spawn(|world| world.kill(1));
        let event = world.spawn(World::event);
        command(&world, 0);
        join(kill);
        join(event);
        world.assert_over();
    });
}
