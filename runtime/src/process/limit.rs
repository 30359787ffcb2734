//! Mailbox limits: how many messages may wait for a process, and what happens to one more.
//!
//! Asked by sends of user messages; told by the receiver what it takes out. Signals, timers,
//! replies and what ports send do not count and are never held up. Invariant: `count` is the number
//! of counted messages in inbox and mailbox and of the places promised to senders that wait; a
//! place goes to those who wait first come, first served, before anybody else. A process without a
//! limit has a null pointer beside its inbox, and that is all it pays. Also here: the report of a
//! mailbox that has grown long. Unsafe: the pointer, and the private part of the process
//! that the thread runs.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::Pcb;
use super::context::current;
use super::overflow::{KINDS, Kind, MailboxLimit, Overflow, Overflowed};
use super::run::shielded;
use super::signal::Signal;
use crate::core::Core;
use crate::event::Event;
use crate::message::Message;
use crate::pid::Pid;
use crate::sync::{AtomicPtr, AtomicU32, Ordering};

/// The reason of a process that ends because too much was sent to it.
pub(super) const OVERFLOW: &str = "mailbox_overflow";

/// Where a process keeps its limit, if it has one: set once, changed in its place.
pub(crate) struct LimitCell(AtomicPtr<Limit>);

impl LimitCell {
    pub(crate) const fn none() -> Self {
        LimitCell(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&Limit> {
        // SAFETY: null, or made by `set` and not freed before the cell is.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Sets the limit, or takes it away. Only the spawner and the process itself do. Gives the old
    /// one.
    pub(crate) fn set(&self, new: Option<MailboxLimit>) -> Option<MailboxLimit> {
        let Some(limit) = self.get() else {
            if let Some(new) = new {
                let made = Arc::new(Limit::new(new));
                self.0
                    .store(Arc::into_raw(made).cast_mut(), Ordering::Release);
            }
            return None;
        };
        let old = limit.setting();
        let new = new.unwrap_or(MailboxLimit::new(u32::MAX, Overflow::Refuse));
        limit.set(new);
        limit.promise();
        (old.len_max < u32::MAX).then_some(old)
    }

    /// The limit, to be kept beyond the life of the process.
    fn shared(&self) -> Option<Arc<Limit>> {
        let limit: *const Limit = self.get()?;
        // SAFETY: it came out of `Arc::into_raw`, and the cell still counts it.
        unsafe {
            Arc::increment_strong_count(limit);
            Some(Arc::from_raw(limit))
        }
    }
}

impl Drop for LimitCell {
    fn drop(&mut self) {
        let limit = *self.0.get_mut();
        if !limit.is_null() {
            // SAFETY: made by `Arc::into_raw` in `set`, and counted down once.
            drop(unsafe { Arc::from_raw(limit) });
        }
    }
}

/// See the file's header.
pub(crate) struct Limit {
    len_max: AtomicU32,
    /// The policy's `Kind`.
    kind: AtomicU32,
    /// Messages that are counted, and places that are promised.
    count: AtomicU32,
    /// Senders that wait.
    waiting: AtomicU32,
    line: Mutex<Line>,
}

/// Those who wait for room.
struct Line {
    last_ticket: u64,
    waiting: VecDeque<(u64, Waker)>,
    /// Tickets that have a place and have not used it yet.
    promised: Vec<u64>,
    /// The process has ended, or is to end of an overflow: nobody waits any more.
    closed: bool,
    killed: bool,
    /// The policy, whole.
    overflow: Overflow,
}

impl Limit {
    fn new(setting: MailboxLimit) -> Self {
        let kind = setting.overflow.kind();
        Limit {
            len_max: AtomicU32::new(setting.len_max),
            kind: AtomicU32::new(kind as u32),
            count: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            line: Mutex::new(Line {
                last_ticket: 0,
                waiting: VecDeque::new(),
                promised: Vec::new(),
                closed: false,
                killed: false,
                overflow: setting.overflow,
            }),
        }
    }

    fn kind(&self) -> Kind {
        KINDS[self.kind.load(Ordering::Relaxed) as usize]
    }

    fn setting(&self) -> MailboxLimit {
        let overflow = self.line.lock().overflow.clone();
        MailboxLimit::new(self.len_max.load(Ordering::Relaxed), overflow)
    }

    fn set(&self, new: MailboxLimit) {
        let kind = new.overflow.kind();
        // The old one is dropped with nothing locked: what it holds is the user's.
        let old = std::mem::replace(&mut self.line.lock().overflow, new.overflow);
        self.kind.store(kind as u32, Ordering::Relaxed);
        self.len_max.store(new.len_max, Ordering::SeqCst);
        drop(old);
    }

    /// Takes a place, if there is one.
    fn admit(&self) -> bool {
        let len_max = self.len_max.load(Ordering::SeqCst);
        let more = |count: u32| (count < len_max).then(|| count + 1);
        self.count
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more)
            .is_ok()
    }

    /// A place is free again.
    fn release(&self, places: u32) {
        self.count.fetch_sub(places, Ordering::SeqCst);
        self.promise();
    }

    /// Gives free places to those who wait. Whoever frees a place looks for waiting senders
    /// afterwards, and a sender that begins to wait looks for places afterwards.
    fn promise(&self) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut woken = Vec::new();
        let mut line = self.line.lock();
        while !line.waiting.is_empty() && self.admit() {
            if let Some((ticket, waker)) = line.waiting.pop_front() {
                self.waiting.fetch_sub(1, Ordering::SeqCst);
                line.promised.push(ticket);
                woken.push(waker);
            }
        }
        drop(line);
        // With nothing locked: a combinator's waker is code of the user's.
        for waker in woken {
            shielded(|| waker.wake());
        }
    }

    /// The process has ended: nobody waits for room any more.
    pub(super) fn close(&self) {
        let mut line = self.line.lock();
        line.closed = true;
        self.waiting.store(0, Ordering::SeqCst);
        let waiting = std::mem::take(&mut line.waiting);
        let overflow = std::mem::replace(&mut line.overflow, Overflow::Refuse);
        drop(line);
        shielded(|| drop(overflow));
        for (_, waker) in waiting {
            shielded(|| waker.wake());
        }
    }

    /// Sends a message to a process that has this limit.
    #[cold]
    fn send(&self, pcb: &Pcb, message: Message, may_wait: bool) -> Sent {
        let pushed = |message: Message| match pcb.push(message) {
            Ok(()) => Sent::Taken,
            Err(message) => Sent::Dead(message),
        };
        let (len_max, kind) = (self.len_max.load(Ordering::Relaxed), self.kind());
        let is_due = self.waiting.load(Ordering::SeqCst) == 0 || kind.is_lossy();
        if is_due && self.admit() {
            return pushed(message.counted());
        }
        match kind {
            Kind::DropOldest => {
                let more = |count: u32| (count / 2 < len_max).then(|| count + 1);
                let counted = self
                    .count
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
                match counted {
                    Ok(_) => pushed(message.counted()),
                    Err(_) => Sent::Dropped(message),
                }
            }
            Kind::DropNewest => Sent::Dropped(message),
            _ if may_wait => Sent::Full(message),
            Kind::Refuse => Sent::Full(message),
            Kind::Block => {
                self.count.fetch_add(1, Ordering::SeqCst);
                pushed(message.counted())
            }
            Kind::Callback => {
                let overflow = self.line.lock().overflow.clone();
                match overflow {
                    Overflow::Callback(callback) => Overflowed::sent(pcb.pid, message, callback),
                    // The policy has changed a moment ago, or the process is ending.
                    _ => Sent::Dropped(message),
                }
            }
            Kind::Kill => {
                if !std::mem::replace(&mut self.line.lock().killed, true) {
                    drop(pcb.push(Message::signal(Signal::Overflow)));
                }
                Sent::Dropped(message)
            }
        }
    }

    /// Takes a place or a promise, or joins the line.
    fn poll_place(&self, ticket: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<bool> {
        let waker = cx.waker().clone();
        let mut line = self.line.lock();
        if line.closed {
            *ticket = None;
            return Poll::Ready(false);
        }
        if let Some(at) = line.promised.iter().position(|one| Some(*one) == *ticket) {
            line.promised.swap_remove(at);
            *ticket = None;
            return Poll::Ready(true);
        }
        let old = match *ticket {
            Some(ticket) => {
                let mut waiting = line.waiting.iter_mut();
                waiting
                    .find(|(one, _)| *one == ticket)
                    .map(|(_, old)| std::mem::replace(old, waker))
            }
            None => {
                if line.waiting.is_empty() && self.admit() {
                    return Poll::Ready(true);
                }
                line.last_ticket += 1;
                *ticket = Some(line.last_ticket);
                let number = line.last_ticket;
                line.waiting.push_back((number, waker));
                self.waiting.fetch_add(1, Ordering::SeqCst);
                None
            }
        };
        drop(line);
        drop(old);
        self.promise();
        Poll::Pending
    }

    /// Whoever has this ticket does not wait any more.
    fn give_up(&self, ticket: u64) {
        let mut line = self.line.lock();
        if let Some(at) = line.promised.iter().position(|one| *one == ticket) {
            line.promised.swap_remove(at);
            drop(line);
            self.release(1);
        } else if let Some(at) = line.waiting.iter().position(|(one, _)| *one == ticket) {
            let gone = line.waiting.remove(at);
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            drop(line);
            drop(gone);
        }
    }
}

/// What became of a message.
#[must_use]
pub(crate) enum Sent {
    /// It is in the inbox.
    Taken,
    /// The mailbox is full, and the policy has it that nobody is told.
    Dropped(Message),
    /// The mailbox is full, and there is a function for that.
    Over(Box<Overflowed>),
    /// The mailbox is full.
    Full(Message),
    /// There is no such process.
    Dead(Message),
}

impl Sent {
    /// Of a send that nobody asks about. What was not taken is dropped: nothing may be borrowed.
    #[inline]
    pub(crate) fn settle(self) {
        match self {
            Sent::Taken => std::mem::forget(self), // nothing to drop: it needs no look at that
            refused => refused.settle_refused(),
        }
    }

    #[cold]
    fn settle_refused(self) {
        match self {
            Sent::Taken => {}
            Sent::Over(over) => over.tell(),
            Sent::Dropped(message) | Sent::Full(message) | Sent::Dead(message) => drop(message),
        }
    }
}

impl Core {
    /// Sends a message of the user's, which counts where the receiver has a limit. `may_wait` says
    /// that the sender wants to be told of a full mailbox rather than have its policy carried out.
    /// What was refused is to be dropped by the caller, outside of everything.
    #[inline]
    pub(crate) fn send_user(
        &self,
        to: Pid,
        message: Message,
        may_wait: bool,
        pin: &crate::pin::Pin,
    ) -> Sent {
        crate::trace::send(to, || message.type_name());
        if to.node != self.node {
            return Sent::Dead(message);
        }
        let Some(pcb) = self.processes.get(to.slot, to.generation, pin) else {
            return Sent::Dead(message);
        };
        if let Some(limit) = pcb.limit.get() {
            return limit.send(pcb, message, may_wait);
        }
        match pcb.push(message) {
            Ok(()) => Sent::Taken,
            Err(message) => Sent::Dead(message),
        }
    }
}

/// Waits for a place in the mailbox of a process. True where there is one, which is taken by that;
/// false where the process is dead or has no limit that lets anybody wait.
pub(crate) struct Room {
    to: Pid,
    /// The limit and the ticket, while it waits.
    limit: Option<Arc<Limit>>,
    ticket: Option<u64>,
}

impl Room {
    pub(crate) fn of(to: Pid) -> Self {
        let (limit, ticket) = (None, None);
        Room { to, limit, ticket }
    }
}

impl Future for Room {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = &mut *self;
        if this.limit.is_none() {
            let shared = |pcb: &Pcb| pcb.limit.shared();
            this.limit = current(|c| c.core().with_process(this.to, shared)).flatten();
        }
        let Some(limit) = &this.limit else {
            return Poll::Ready(false);
        };
        if this.ticket.is_none() && limit.kind().is_lossy() {
            return Poll::Ready(false);
        }
        limit.poll_place(&mut this.ticket, cx)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let (Some(limit), Some(ticket)) = (&self.limit, self.ticket) {
            limit.give_up(ticket);
        }
    }
}

/// Sets how many messages may wait for the current process, or that any number may. Counted are
/// those sent from then on. Gives the old setting. See
/// [`Spawn::mailbox_limit`](crate::Spawn::mailbox_limit).
///
/// # Panics
/// Outside of a process.
pub fn set_mailbox_limit(limit: Option<MailboxLimit>) -> Option<MailboxLimit> {
    current(|current| current.pcb().limit.set(limit))
}

/// The process took this message out of its mailbox.
#[inline]
pub(super) fn taken(pcb: &Pcb, message: &Message) {
    // SAFETY: (both) this thread runs the process, and the borrow ends with the expression.
    if message.node().is_counted() | unsafe { pcb.private() }.long_queue {
        shrunk(pcb, message);
    }
}

#[cold]
fn shrunk(pcb: &Pcb, message: &Message) {
    if let Some(limit) = pcb.limit.get().filter(|_| message.node().is_counted()) {
        limit.release(1);
    }
    // SAFETY: this thread runs the process, and the borrow ends before the hook is called.
    let private = unsafe { pcb.private() };
    let len = private.mailbox.len();
    if private.long_queue && len <= pcb.core.limits.long_queue_off {
        private.long_queue = false;
        let (pid, long) = (pcb.pid, false);
        pcb.core
            .event(|| Event::LongMessageQueue { pid, len, long });
    }
}

/// The process has taken in what was sent to it.
#[inline(always)]
pub(super) fn grown(pcb: &Pcb) {
    if let Some(limit) = pcb.limit.get() {
        drop_oldest(pcb, limit);
    }
    // SAFETY: this thread runs the process, and the borrow ends with the expression.
    if unsafe { pcb.private() }.mailbox.len() >= pcb.core.limits.long_queue_on {
        has_grown_long(pcb);
    }
}

#[cold]
fn has_grown_long(pcb: &Pcb) {
    // SAFETY: this thread runs the process, and the borrow ends before the hook is called.
    let private = unsafe { pcb.private() };
    let len = private.mailbox.len();
    if !std::mem::replace(&mut private.long_queue, true) {
        let (pid, long) = (pcb.pid, true);
        pcb.core
            .event(|| Event::LongMessageQueue { pid, len, long });
    }
}

/// Drops the oldest of the messages that are too many, where that is the policy.
#[cold]
fn drop_oldest(pcb: &Pcb, limit: &Limit) {
    let len_max = limit.len_max.load(Ordering::Relaxed);
    let excess = limit.count.load(Ordering::SeqCst).saturating_sub(len_max);
    if limit.kind() != Kind::DropOldest || excess == 0 {
        return;
    }
    // SAFETY: this thread runs the process; what is taken out is dropped after the borrow, and what
    // somebody is looking at stays.
    let mailbox = unsafe { &mut pcb.private().mailbox };
    let mut dropped = Vec::new();
    let mut seat = mailbox.at(0);
    while let Some(here) = seat.filter(|_| dropped.len() < excess as usize) {
        seat = mailbox.after(here);
        // SAFETY: a seat is a live node of the mailbox.
        let (is_counted, is_out) =
            unsafe { ((*here.node()).is_counted(), (*here.node()).is_out()) };
        if is_counted && !is_out {
            dropped.push(mailbox.remove(here));
        }
    }
    pcb.note_queue_len(mailbox.len());
    limit.release(dropped.len() as u32);
    for message in dropped {
        shielded(|| drop(message));
    }
}
