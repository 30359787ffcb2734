//! The state word of a process: who runs it, and who has to be told that there is something to do.
//!
//! ```text
//!                 mail / wake (1)                 begin (2)
//!      Waiting ────────────────────► Queued ────────────────────► Running
//!         ▲                            ▲                          │  │  │
//!         │            rest (3), quiet │ rest (3), noticed        │  │  │
//!         └────────────────────────────┼──────────────────────────┘  │  │
//!                                      └─────────────────────────────┘  │
//!                                                     end (4)           ▼
//!                                                                     Dead
//! ```
//! (1) `notice`: a push into an empty inbox (MAIL) or a waker (WAKE). The one that finds neither bit nor
//!     RUNNING has to queue the process; nobody else may. (2) `begin`, by the worker that took it from
//!     the queue. (3) `rest`, by the same worker after the poll. (4) `end`, by it, after the exit
//!     sequence. Invariant (P-7, C-6): a process stands in at most one queue, once, and is run by at
//!     most one thread; a notice is never lost. Dead is for ever: notices do nothing.

use crate::sync::{AtomicU32, Ordering};

/// Something was pushed into the inbox since it was last drained.
const MAIL: u32 = 1;
/// A waker of the process was used since it was last polled.
const WAKE: u32 = 2;
/// A thread runs the process.
const RUNNING: u32 = 4;
/// The process has ended.
const DEAD: u32 = 8;

/// Why a process is to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Notice {
    Mail,
    Wake,
}

/// What the caller of `notice` has to do.
#[must_use]
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Noticed {
    /// Put the process into a queue.
    Queue,
    /// Nothing: it is queued, or the worker that runs it will see the notice.
    Nothing,
}

/// What the worker that ran a process has to do.
#[must_use]
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Rest {
    /// Leave it: the next notice queues it.
    Waits,
    /// Queue it again: something came while it ran.
    Again,
}

/// See the file's header.
pub(crate) struct State(AtomicU32);

impl State {
    /// A process that its spawner is about to queue.
    pub(crate) fn queued() -> Self {
        State(AtomicU32::new(WAKE))
    }

    pub(crate) fn notice(&self, notice: Notice) -> Noticed {
        let bit = match notice {
            Notice::Mail => MAIL,
            Notice::Wake => WAKE,
        };
        if self.0.fetch_or(bit, Ordering::AcqRel) & (MAIL | WAKE | RUNNING | DEAD) == 0 {
            Noticed::Queue
        } else {
            Noticed::Nothing
        }
    }

    pub(crate) fn begin(&self) {
        let before = self.0.swap(RUNNING, Ordering::AcqRel);
        debug_assert!(
            before & (RUNNING | DEAD) == 0 && before != 0,
            "run twice: {before}"
        );
    }

    /// The runner drains the inbox now: a notice of mail has done its work.
    pub(crate) fn mail_seen(&self) {
        if self.0.load(Ordering::Relaxed) & MAIL != 0 {
            self.0.fetch_and(!MAIL, Ordering::AcqRel);
        }
    }

    pub(crate) fn rest(&self) -> Rest {
        match self
            .0
            .compare_exchange(RUNNING, 0, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => Rest::Waits,
            Err(_) => {
                self.0.fetch_and(!RUNNING, Ordering::AcqRel);
                Rest::Again
            }
        }
    }

    pub(crate) fn end(&self) {
        self.0.store(DEAD, Ordering::Release);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.load(Ordering::Acquire) & DEAD != 0
    }

    /// `running`, `runnable` or `waiting`, for people.
    pub(crate) fn name(&self) -> &'static str {
        let bits = self.0.load(Ordering::Relaxed);
        match bits {
            _ if bits & DEAD != 0 => "exiting",
            _ if bits & RUNNING != 0 => "running",
            _ if bits & (MAIL | WAKE) != 0 => "runnable",
            _ => "waiting",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_notice_queues() {
        let state = State::queued();
        state.begin();
        assert_eq!(state.rest(), Rest::Waits);
        assert_eq!(state.notice(Notice::Mail), Noticed::Queue);
        assert_eq!(state.notice(Notice::Wake), Noticed::Nothing);
        state.begin();
        assert_eq!(state.notice(Notice::Mail), Noticed::Nothing);
        assert_eq!(state.rest(), Rest::Again);
        state.begin();
        assert_eq!(state.rest(), Rest::Waits);
    }

    #[test]
    fn seen_mail_does_not_requeue_but_a_wake_does() {
        let state = State::queued();
        state.begin();
        assert_eq!(state.notice(Notice::Mail), Noticed::Nothing);
        state.mail_seen();
        assert_eq!(state.rest(), Rest::Waits);
        assert_eq!(state.notice(Notice::Mail), Noticed::Queue);
        state.begin();
        assert_eq!(state.notice(Notice::Wake), Noticed::Nothing);
        state.mail_seen();
        assert_eq!(state.rest(), Rest::Again);
    }

    #[test]
    fn the_dead_are_not_queued() {
        let state = State::queued();
        state.begin();
        state.end();
        assert_eq!(state.notice(Notice::Mail), Noticed::Nothing);
        assert!(state.is_dead());
    }
}
