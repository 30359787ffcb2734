//! One slice of a process: what a scheduler does with a process that is ready.
//!
//! Called by workers and by the simulated scheduler. Invariant (S-5, S-6, C-6): signals are handled
//! before the poll; once a fatal one was received, no user code of the process runs; a panic ends
//! that process only. `Scheduler` is what a process asks of whoever runs it, and all it knows of
//! it. Unsafe: it is the runner, so it touches the private part and the future.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::task::{Context, Poll};

use super::context::Current;
use super::{Doing, Pcb, cell, exit, held, signal, suspend};
use crate::inbox::Rest;
use crate::limits::SIGNALS_PER_TURN;
use crate::reason::Reason;
use crate::statistics::SchedulerLoad;
use crate::vacancies::OnWorker;

/// Who runs processes: takes those that became ready. Real workers, or the simulated scheduler.
pub(crate) trait Scheduler: Send + Sync {
    /// A process became ready: somebody sent to it or woke it.
    fn ready(&self, process: Runnable);
    /// The deadline of the earliest timer may have come nearer.
    fn timer_set(&self, deadline: u64);
    /// The worker that the calling thread is, if it is one of these: spreads free slots and timers.
    fn on_worker(&self) -> Option<OnWorker>;
    /// How much there is to do, and what was done.
    fn load(&self) -> SchedulerLoad;
}

/// A process in a queue. Whoever holds it has to run it.
pub(crate) struct Runnable(NonNull<Pcb>);

// SAFETY: a process may be run by any thread, one at a time, which the inbox's word sees to.
unsafe impl Send for Runnable {}

/// What became of a slice.
#[must_use]
pub(crate) enum Ran {
    /// The process waits, or has ended.
    Over,
    /// It is ready again and goes to the tail of the queue.
    Again(Runnable),
}

impl Runnable {
    pub(crate) fn of(pcb: &Pcb) -> Self {
        Runnable(NonNull::from(pcb))
    }

    pub(crate) fn into_raw(self) -> NonNull<Pcb> {
        self.0
    }

    /// # Safety
    /// `raw` came out of `into_raw` and was not used since.
    pub(crate) unsafe fn from_raw(raw: NonNull<Pcb>) -> Self {
        Runnable(raw)
    }

    pub(crate) fn pcb(&self) -> &Pcb {
        // SAFETY: a queued process is not dead, so the table still counts it.
        unsafe { self.0.as_ref() }
    }

    /// Runs one slice.
    ///
    /// # Safety
    /// The thread holds a pin of the runtime meanwhile.
    pub(crate) unsafe fn run(self) -> Ran {
        let pcb = self.pcb();
        // SAFETY: passed on.
        let current = unsafe { Current::process(pcb, pcb.core.limits.slice_budget) };
        // SAFETY: who took it from its queue has it alone, and the borrow ends with the expression.
        let held = unsafe { pcb.private() }.held;
        let advanced = if held & held::ENDING != 0 {
            current.enter(|| exit::go_on(pcb))
        } else {
            let ended = current.enter(|| slice(&current, pcb, held));
            if current.has_ports() {
                tell_ports(&current);
            }
            let Some((reason, crashed)) = ended else {
                return match pcb.inbox.rest(current.has_yielded()) {
                    Rest::Waits => Ran::Over,
                    Rest::Again => {
                        // SAFETY: as above: nobody else has it before it is in a queue.
                        unsafe { pcb.private() }.doing = Doing::Ready;
                        Ran::Again(self)
                    }
                };
            };
            current.enter(|| exit::begin(pcb, reason, crashed))
        };
        // Destructors may have asked, too.
        if current.has_ports() {
            tell_ports(&current);
        }
        match advanced {
            Ok(reason) => {
                current.enter(|| exit::over(pcb, reason));
                Ran::Over
            }
            // The inbox's word stays as it is: as long as it says so nobody else queues it.
            Err(ending) => {
                exit::put_off(pcb, ending);
                Ran::Again(self)
            }
        }
    }
}

/// The ports that asked for it hear of the end of the slice.
#[inline(never)]
fn tell_ports(current: &Current) {
    for port in current.take_ports() {
        crate::port::slice_end(current.core(), port);
    }
}

/// Signals, then one poll. Where the process is to end: the reason, and whether it crashed, by a
/// panic or an error of its own.
#[inline]
fn slice(current: &Current, pcb: &Pcb, held: u8) -> Option<(Reason, bool)> {
    // SAFETY: this thread runs the process, and the borrow ends with the statement.
    unsafe { pcb.private() }.slept = false;
    let is_up = match held & held::BEHIND {
        0 => {
            let mail = pcb.inbox.begin(SIGNALS_PER_TURN);
            mail.is_empty() || signal::take_in_some(pcb, mail)
        }
        // What came meanwhile stays in the inbox, so that the process comes to its poll.
        _ => signal::catch_up(pcb, SIGNALS_PER_TURN),
    };
    // SAFETY: this thread runs the process, and the borrow ends with the statement.
    let private = unsafe { pcb.private() };
    if let Some(reason) = private.exiting.take() {
        return Some((reason, false));
    }
    if !is_up {
        current.yield_slice();
        return None;
    }
    if private.is_suspended() {
        suspend::tell_askers(pcb);
        return None;
    }
    // SAFETY: the process outlives the poll.
    let waker = unsafe { cell::borrowed_waker(pcb) };
    let mut cx = Context::from_waker(&waker);
    // SAFETY: this thread runs the process; the future is dropped only by the exit sequence.
    let polled = catch_unwind(AssertUnwindSafe(|| unsafe { pcb.poll(&mut cx) }));
    // SAFETY: as above.
    let exiting = unsafe { pcb.private() }.exiting.take();
    match polled {
        _ if exiting.is_some() => exiting.map(|reason| (reason, false)),
        Ok(Poll::Pending) => {
            // SAFETY: as above.
            unsafe { pcb.private() }.doing = Doing::Waits;
            None
        }
        Ok(Poll::Ready(reason)) => {
            let crashed = matches!(reason, Reason::Error(_));
            Some((reason, crashed))
        }
        Err(panic) => Some((panic_reason(panic), true)),
    }
}

/// Runs what may be code of the user's (a destructor, a waker) where nobody could catch its panic.
pub(crate) fn shielded(f: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
        drop(panic_reason(panic));
    }
}

/// The exit reason that a caught panic stands for.
pub(crate) fn panic_reason(panic: Box<dyn Any + Send>) -> Reason {
    let text = if let Some(text) = panic.downcast_ref::<&'static str>() {
        (*text).into()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.as_str().into()
    } else {
        "a value that is no text".into()
    };
    // The payload is the user's value: its destructor may panic in turn.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(panic)));
    Reason::Panic(text)
}
