//! What a driver may do in a callback: send, watch sources, set its timer, wake, close.
//!
//! Lent to every callback, and to the closure of `port::call`. Invariant (I-10): what may run other
//! people's code (a waker, the end of the port) is written down and carried out when the lock is
//! free.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::rare::Rare;
use super::{Body, Driver, Phase, PortCell, Readiness, Source};
use crate::blocking::Job;
use crate::clock::nanos;
use crate::core::Core;
use crate::message::Message;
use crate::ordered::OrderedMap;
use crate::pid::{Pid, PortId};
use crate::pin::Pin;
use crate::process::context::Current;
use crate::process::run::panic_reason;
use crate::process::wakeup::Wakeup;
use crate::reason::Reason;
use crate::timers::{TimerKey, Timers};

/// The runtime, as a driver sees it during one callback.
pub struct PortCx<'a> {
    pub(super) core: &'a Arc<Core>,
    pub(super) id: PortId,
    pin: &'a Pin,
    pub(super) owner: Pid,
    links: &'a OrderedMap<Pid, ()>,
    timer: &'a mut Option<TimerKey>,
    has_sent: &'a mut bool,
    pub(super) rare: &'a mut Option<Box<Rare>>,
    closing: bool,
    pub(super) asked: &'a mut Asked,
}

/// What a callback asked for, to be done after it. Most ask for little, and little is moved then.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) slice_end: bool,
    /// Whom to wake first.
    pub(super) wakeup: Option<Wakeup>,
    pub(super) more: Option<Box<More>>,
}

/// See [`Asked`].
#[derive(Default)]
pub(super) struct More {
    pub(super) end: Option<End>,
    pub(super) flushed: bool,
    /// Whom to wake after the first, first come, first served.
    pub(super) wakeups: Vec<Wakeup>,
    /// Messages that came back from a dead owner: dropped when the lock is free.
    pub(super) refused: Vec<Message>,
    /// Jobs that the pool had no room for: dropped when the lock is free.
    pub(super) jobs: Vec<Job>,
}

/// How a port is to end.
pub(super) struct End {
    pub(super) reason: Reason,
    /// The owner's link goes without a signal.
    pub(super) spare_owner: bool,
    /// Nothing is flushed.
    pub(super) kill: bool,
}

impl Asked {
    pub(super) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    pub(super) fn wake(&mut self, wakeup: Wakeup) {
        match self.wakeup {
            None => self.wakeup = Some(wakeup),
            Some(_) => self.more().wakeups.push(wakeup),
        }
    }

    /// To be dropped when the lock is free.
    #[cold]
    pub(super) fn refuse(&mut self, message: Message) {
        self.more().refused.push(message);
    }

    /// The driver panicked: the port ends at once, whatever else was asked.
    pub(super) fn fail(&mut self, reason: Reason) {
        let more = self.more();
        more.end = Some(End {
            reason,
            spare_owner: false,
            kill: true,
        });
        more.flushed = true;
    }
}

/// Calls the driver of a locked body, with no current process. Where it panics, the reason.
#[inline]
pub(super) fn guarded<R>(
    cell: &PortCell,
    body: &mut Body,
    asked: &mut Asked,
    pin: &Pin,
    f: impl FnOnce(&mut dyn Driver, &mut PortCx<'_>) -> R,
) -> Result<R, Reason> {
    let (driver, mut cx) = split(cell, body, asked, pin);
    let call = AssertUnwindSafe(|| f(driver, &mut cx));
    let result = Current::runtime(&cell.core).enter(|| catch_unwind(call));
    cx.finish();
    result.map_err(panic_reason)
}

/// The driver and its context, out of one locked body.
fn split<'a>(
    cell: &'a PortCell,
    body: &'a mut Body,
    asked: &'a mut Asked,
    pin: &'a Pin,
) -> (&'a mut dyn Driver, PortCx<'a>) {
    let cx = PortCx {
        core: &cell.core,
        id: cell.id,
        pin,
        owner: body.owner,
        links: &body.links,
        timer: &mut body.timer,
        has_sent: &mut body.has_sent,
        rare: &mut body.rare,
        closing: body.phase != Phase::Open,
        asked,
    };
    (&mut *body.driver, cx)
}

impl PortCx<'_> {
    /// The callback is over.
    #[inline]
    fn finish(self) {
        if let Some(rare) = self.rare
            && let Some(wakeup) = rare.line.call_first()
        {
            self.asked.wake(wakeup);
        }
    }

    pub(super) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Whether the timer that fired is the one that is set: another was replaced or cancelled when
    /// it had already left the wheel.
    pub(super) fn timer_fired(&mut self, fired: TimerKey) -> bool {
        self.timer.take_if(|timer| *timer == fired).is_some()
    }

    pub(super) fn ask(&mut self, end: End) {
        self.asked.more().end.get_or_insert(end);
    }

    /// The port.
    pub fn id(&self) -> PortId {
        self.id
    }

    /// The process that the port is connected to; it may be dead (8.3).
    pub fn owner(&self) -> Pid {
        self.owner
    }

    /// Whether a process is linked to the port.
    pub fn is_linked(&self, pid: Pid) -> bool {
        self.links.contains(&pid)
    }

    /// Sends a message to the owner. It is marked as the port's: a hand-over moves it.
    pub fn send_owner<T: Send + 'static>(&mut self, message: T) {
        *self.has_sent = true;
        let message = Message::from_port(message, self.id);
        if let Err(message) = self.core.send_pinned(self.owner, message, self.pin) {
            self.asked.refuse(message);
        }
    }

    /// Sends a message to any process, for the driver's answers to it. It is marked as the port's.
    pub fn send<T: Send + 'static>(&mut self, to: Pid, message: T) {
        if to == self.owner {
            return self.send_owner(message);
        }
        let message = Message::from_port(message, self.id);
        if let Err(message) = self.core.send_pinned(to, message, self.pin) {
            self.asked.refuse(message);
        }
    }

    /// Has a waiting future polled again, after the callback.
    pub fn wake(&mut self, wakeup: Wakeup) {
        self.asked.wake(wakeup);
    }

    /// Watches a source for the port, by edges (O-16).
    ///
    /// # Errors
    /// What the reactor says: no memory, too many watches.
    pub fn register(&self, source: Source<'_>) -> io::Result<()> {
        self.core.reactor.add(source, self.id.token())
    }

    /// Stops watching a source. To be called before it is closed (R20).
    pub fn deregister(&self, source: Source<'_>) {
        self.core.reactor.remove(source);
    }

    /// Has [`Driver::timeout`] called after this time, in place of what was set before.
    pub fn set_timer(&mut self, after: Duration) {
        self.cancel_timer();
        let deadline = self.core.clock.now().saturating_add(nanos(after));
        *self.timer = Some(self.core.timers.port_at(self.core, deadline, self.id));
    }

    /// No timeout is wanted any more.
    pub fn cancel_timer(&mut self) {
        if let Some(timer) = self.timer.take() {
            Timers::drop_wakeup(self.core, timer);
        }
    }

    /// Has [`Driver::ready`] called once more, after others had their turn.
    pub fn again(&self) {
        let readiness = Readiness {
            readable: true,
            writable: true,
            ..Readiness::default()
        };
        self.core.reactor.again(self.id.token(), readiness);
        // Whoever sleeps at the poller has to look.
        self.core.sched.timer_set(0);
    }

    /// Has [`Driver::slice_end`] called when the process that calls now has used up its slice or
    /// waits; at once where no process calls.
    pub fn at_slice_end(&mut self) {
        self.asked.slice_end = true;
    }

    /// Whether the port is closed for everyone but the driver, which is flushing.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// The runtime's time: since it was started.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.core.clock.now())
    }

    /// Ends the port after the callback, with this reason. Everyone linked is told.
    pub fn close(&mut self, reason: Reason) {
        self.ask(End {
            reason,
            spare_owner: false,
            kill: false,
        });
    }

    /// As [`close`](PortCx::close), but the owner is not told: its link just goes. For ends that
    /// the owner learns of by a message (gen_tcp LNK-7).
    pub fn close_sparing_owner(&mut self, reason: Reason) {
        self.ask(End {
            reason,
            spare_owner: true,
            kill: false,
        });
    }

    /// A port that is closing has nothing left to flush.
    pub fn flushed(&mut self) {
        self.asked.more().flushed = true;
    }
}

impl std::fmt::Debug for PortCx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PortCx")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .finish()
    }
}
