//! Timers: messages and wake-ups at a time to come (process 6).
//!
//! Set by `send_after`, `start_timer`, receives with a timeout, waiting operations and drivers;
//! fired by whoever runs the scheduler. Shards under short locks, spread by worker; any thread may
//! expire or cancel in any of them, so `cancel_timer` answers at once. Invariant (I-7, T-1, T-6):
//! each timer is delivered or cancelled, never both, never early; those for a dead process are gone
//! with it. No lock is held while a message is delivered or dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crossbeam::utils::CachePadded;
use parking_lot::Mutex;

use crate::clock::nanos;
use crate::core::Core;
use crate::limits::TIMERS_PER_LOOK;
use crate::message::Message;
use crate::name::Name;
use crate::pid::{Pid, PortId};
use crate::process::Pcb;
use crate::process::budget::Portion;
use crate::process::context::current;
use crate::process::run::shielded;
use crate::process::wakeup::Wakeup;
use crate::sync::{AtomicU64, Ordering};
use crate::vacancies::OnWorker;
use crate::wheel::{Key, Wheel};

/// Which timer: of which runtime, shard, and key in its wheel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct TimerKey {
    node: u32,
    shard: u32,
    key: Key,
}

/// A timer, as `send_after` and `start_timer` give it. `Copy`, comparable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimerRef {
    key: TimerKey,
}

impl fmt::Debug for TimerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#Timer<{}.{:?}>", self.key.shard, self.key.key)
    }
}

/// The message of `start_timer` (`{timeout, TimerRef, Msg}`): compare `timer` to drop stale ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timeout<T> {
    /// What `start_timer` returned.
    pub timer: TimerRef,
    /// What it was given.
    pub message: T,
}

/// To whom a timer sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimerTarget {
    /// A process: its death cancels the timer.
    Pid(Pid),
    /// Whoever has the name when the timer fires.
    Name(Name),
}

impl From<Pid> for TimerTarget {
    fn from(pid: Pid) -> Self {
        TimerTarget::Pid(pid)
    }
}

impl From<Name> for TimerTarget {
    fn from(name: Name) -> Self {
        TimerTarget::Name(name)
    }
}

impl From<&str> for TimerTarget {
    fn from(name: &str) -> Self {
        TimerTarget::Name(name.into())
    }
}

enum Entry {
    Wake(Wakeup),
    Send { to: TimerTarget, message: Message },
    Port(PortId, TimerKey),
}

/// Timers that a process is the destination of. They are noted when they are set, and struck off
/// when they are gone only where that is the last one: once there are twice as many as were found
/// alive, the gone are forgotten.
#[derive(Default)]
pub(crate) struct TimerKeys {
    keys: Vec<TimerKey>,
    alive_len: usize,
}

/// Keys of timers that are gone, which a process may keep whatever it has alive.
const GONE_MAX: usize = 16;

impl TimerKeys {
    /// True where it is time to forget.
    #[must_use]
    fn add(&mut self, key: TimerKey) -> bool {
        self.keys.push(key);
        self.keys.len() > 2 * self.alive_len + GONE_MAX
    }

    /// A timer is gone.
    fn strike(&mut self, key: TimerKey) {
        if self.keys.last() == Some(&key) {
            self.keys.pop();
        }
    }

    fn forget_gone(&mut self, timers: &Timers) {
        timers.retain_set(&mut self.keys);
        self.alive_len = self.keys.len();
        let room = 2 * self.alive_len + GONE_MAX + 1;
        if self.keys.capacity() > 2 * room {
            self.keys.shrink_to(room);
        }
    }
}

/// The timers that others have directed at a process.
pub(crate) struct TimerSet(Mutex<Timed>);

enum Timed {
    None,
    Some(Box<TimerKeys>),
    /// The process has ended: it gets no timers any more.
    Ended,
}

impl TimerSet {
    pub(crate) fn new() -> Self {
        TimerSet(Mutex::new(Timed::None))
    }

    /// False where the process has ended.
    fn add(&self, timers: &Timers, key: TimerKey) -> bool {
        let mut timed = self.0.lock();
        match &mut *timed {
            Timed::Ended => return false,
            Timed::Some(keys) => {
                if keys.add(key) {
                    keys.forget_gone(timers);
                }
            }
            Timed::None => {
                let mut keys = Box::<TimerKeys>::default();
                let _ = keys.add(key);
                *timed = Timed::Some(keys);
            }
        }
        true
    }

    fn end(&self) -> Option<Box<TimerKeys>> {
        match std::mem::replace(&mut *self.0.lock(), Timed::Ended) {
            Timed::Some(keys) => Some(keys),
            _ => None,
        }
    }
}

struct Shard {
    wheel: Mutex<Wheel<Entry>>,
    /// Not later than the tick of the earliest timer; `u64::MAX` for none.
    next: AtomicU64,
    /// Held from the moment at which messages leave the wheel until they have been sent.
    sending: Mutex<()>,
}

/// See the file's header.
pub(crate) struct Timers {
    shards: Box<[CachePadded<Shard>]>,
}

impl Timers {
    pub(crate) fn new(shards: usize) -> Self {
        let shard = || Shard {
            wheel: Mutex::new(Wheel::new()),
            next: AtomicU64::new(u64::MAX),
            sending: Mutex::new(()),
        };
        Timers {
            shards: (0..shards.max(1))
                .map(|_| CachePadded::new(shard()))
                .collect(),
        }
    }

    fn insert(&self, core: &Core, deadline: u64, make: impl FnOnce(TimerKey) -> Entry) -> TimerKey {
        // There is a shard for each worker.
        let shard = core.sched.on_worker().map_or(0, OnWorker::worker);
        let at = &self.shards[shard];
        let (node, shard) = (core.node, shard as u32);
        let mut wheel = at.wheel.lock();
        // Due as the wheel rounds it: who sleeps until then wakes once, and finds it due.
        let make = |key| make(TimerKey { node, shard, key });
        let (key, due) = wheel.insert_with(deadline, make);
        let earliest = due < at.next.load(Ordering::Relaxed);
        if earliest {
            at.next.store(due, Ordering::Release);
        }
        drop(wheel);
        if earliest {
            core.sched.timer_set(due);
        }
        TimerKey { node, shard, key }
    }

    fn take(&self, key: TimerKey) -> Option<(u64, Entry)> {
        let shard = self.shards.get(key.shard as usize)?;
        shard.wheel.lock().cancel(key.key)
    }

    /// Wakes a future at the deadline.
    pub(crate) fn wake_at(&self, core: &Core, deadline: u64, wakeup: Wakeup) -> TimerKey {
        self.insert(core, deadline, |_| Entry::Wake(wakeup))
    }

    /// Calls a port's driver at the deadline.
    pub(crate) fn port_at(&self, core: &Core, deadline: u64, port: PortId) -> TimerKey {
        self.insert(core, deadline, |key| Entry::Port(port, key))
    }

    /// Forgets a wake-up or a port's timer, fired or not. Another runtime's is left to fire.
    pub(crate) fn drop_wakeup(core: &Core, key: TimerKey) {
        if key.node == core.node {
            drop(core.timers.take(key));
        }
    }

    /// A message at the deadline. Where the process is dead the timer is inactive from the start.
    fn send_at(
        &self,
        me: Option<&Pcb>,
        core: &Core,
        deadline: u64,
        to: TimerTarget,
        message: impl FnOnce(TimerRef) -> Message,
    ) -> TimerRef {
        let pid = match to {
            TimerTarget::Pid(pid) => Some(pid),
            TimerTarget::Name(_) => None,
        };
        let key = self.insert(core, deadline, |key| {
            let message = message(TimerRef { key });
            Entry::Send { to, message }
        });
        if pid.is_some_and(|pid| !self.note(me, core, pid, key)) {
            drop(self.take(key));
        }
        TimerRef { key }
    }

    /// Notes a timer with the process that it is directed at. False where that is dead.
    fn note(&self, me: Option<&Pcb>, core: &Core, to: Pid, key: TimerKey) -> bool {
        if let Some(me) = me.filter(|me| me.pid == to) {
            // SAFETY: this thread runs the process, and nothing of the user's is called.
            let private = unsafe { me.private() };
            if private.exiting.is_none() {
                let own = private.own_timers.get_or_insert_default();
                if own.add(key) {
                    own.forget_gone(self);
                }
                return true;
            }
        }
        let add = |pcb: &Pcb| pcb.marks.time() && pcb.timers.add(self, key);
        core.with_process(to, add) == Some(true)
    }

    /// Keeps the keys of timers that are set. One lock at a time, and seldom another: a process
    /// stays on its worker.
    fn retain_set(&self, keys: &mut Vec<TimerKey>) {
        let mut locked = None;
        keys.retain(|key| {
            if locked.as_ref().is_none_or(|(shard, _)| *shard != key.shard) {
                drop(locked.take());
                locked = Some((key.shard, self.shards[key.shard as usize].wheel.lock()));
            }
            let wheel = locked.as_ref().map(|(_, wheel)| wheel);
            wheel.is_some_and(|wheel| wheel.deadline(key.key).is_some())
        });
    }

    fn cancel(&self, me: Option<&Pcb>, core: &Core, timer: TimerRef) -> Option<Duration> {
        if timer.key.node != core.node {
            return None;
        }
        let Some((deadline, entry)) = self.take(timer.key) else {
            // Its message may be on its way at this moment: when this returns it has been sent.
            let shard = self.shards.get(timer.key.shard as usize)?;
            drop(shard.sending.lock());
            return None;
        };
        if let Some(me) = me {
            // SAFETY: this thread runs the process, and nothing of the user's is called.
            if let Some(own) = &mut unsafe { me.private() }.own_timers {
                own.strike(timer.key);
            }
        }
        drop(entry);
        Some(Duration::from_nanos(
            deadline.saturating_sub(core.clock.now()),
        ))
    }

    fn read(&self, core: &Core, timer: TimerRef) -> Option<Duration> {
        if timer.key.node != core.node {
            return None;
        }
        let shard = self.shards.get(timer.key.shard as usize)?;
        let deadline = shard.wheel.lock().deadline(timer.key.key)?;
        Some(Duration::from_nanos(
            deadline.saturating_sub(core.clock.now()),
        ))
    }

    /// The process ends, and gets no more timers: those for it are cancelled, as many as a portion
    /// allows (T-5). True where none is left.
    pub(crate) fn cancel_to(&self, pcb: &Pcb, portion: &mut Portion) -> bool {
        while portion.is_left() {
            // SAFETY: this thread runs the process, and nothing of the user's is called.
            let private = unsafe { pcb.private() };
            let keys = private.own_timers.as_mut().map(|own| &mut own.keys);
            let Some(key) = keys.and_then(Vec::pop) else {
                // Those of others come behind its own, in their place.
                private.own_timers = pcb.timers.end();
                match private.own_timers {
                    Some(_) => continue,
                    None => return true,
                }
            };
            portion.take(1);
            let entry = self.take(key);
            // The message is the user's value, and its destructor may panic.
            shielded(|| drop(entry));
        }
        false
    }

    /// Timers that are set.
    pub(crate) fn len(&self) -> usize {
        let len = |shard: &CachePadded<Shard>| shard.wheel.lock().len();
        self.shards.iter().map(len).sum()
    }

    /// When somebody has to look here next; `None` where there is no timer.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let next = self
            .shards
            .iter()
            .map(|shard| shard.next.load(Ordering::Acquire))
            .min();
        next.filter(|next| *next != u64::MAX)
    }

    /// Fires what is due, a bounded number at a time. True where more is due.
    pub(crate) fn expire(&self, core: &Arc<Core>, now: u64) -> bool {
        let (mut due, mut later) = (Vec::new(), Vec::new());
        let mut more = false;
        for shard in &self.shards {
            if shard.next.load(Ordering::Acquire) > now {
                continue;
            }
            let _sending = shard.sending.lock();
            let mut wheel = shard.wheel.lock();
            more |= wheel.expire(now, TIMERS_PER_LOOK, &mut due);
            shard
                .next
                .store(wheel.next_deadline().unwrap_or(u64::MAX), Ordering::Release);
            drop(wheel);
            later.extend(due.drain(..).filter_map(|entry| send(core, entry)));
        }
        // With no lock held: all of this may be code of the user's.
        for late in later {
            shielded(|| match late {
                Late::Wake(wakeup) => wakeup.wake(core),
                Late::Port(port, key) => crate::port::timeout(core, port, key),
                Late::Refused(message) => drop(message),
            });
        }
        more
    }
}

/// What is left to do for a timer that fired, where nothing is locked.
enum Late {
    Wake(Wakeup),
    Port(PortId, TimerKey),
    Refused(Message),
}

/// Sends the message of a timer; gives back what is to be done later.
fn send(core: &Arc<Core>, entry: Entry) -> Option<Late> {
    let (to, message) = match entry {
        Entry::Wake(wakeup) => return Some(Late::Wake(wakeup)),
        Entry::Port(port, key) => return Some(Late::Port(port, key)),
        Entry::Send { to, message } => (to, message),
    };
    let pid = match to {
        TimerTarget::Pid(pid) => Some(pid),
        TimerTarget::Name(name) => core.registry.whereis(&name).and_then(|actor| actor.pid()),
    };
    let refused = match pid {
        Some(pid) => core.send_message(pid, message).err(),
        None => Some(message),
    };
    refused.map(Late::Refused)
}

/// Sends `message` to a process, or to whoever has the name by then, after this time
/// (`erlang:send_after/3`). The death of the process cancels it; that of the caller does not.
///
/// # Panics
/// Outside of a process.
pub fn send_after<T: Send + 'static>(
    time: Duration,
    to: impl Into<TimerTarget>,
    message: T,
) -> TimerRef {
    current(|current| {
        current.charge(1);
        let core = current.core();
        let deadline = core.clock.now().saturating_add(nanos(time));
        let message = |_| Message::new(message);
        core.timers
            .send_at(current.process_if_any(), core, deadline, to.into(), message)
    })
}

/// As [`send_after`], but what arrives is a [`Timeout`] that names the timer
/// (`erlang:start_timer/3`).
///
/// # Panics
/// Outside of a process.
pub fn start_timer<T: Send + 'static>(
    time: Duration,
    to: impl Into<TimerTarget>,
    message: T,
) -> TimerRef {
    current(|current| {
        current.charge(1);
        let core = current.core();
        let deadline = core.clock.now().saturating_add(nanos(time));
        let timeout = |timer| Message::new(Timeout { timer, message });
        core.timers
            .send_at(current.process_if_any(), core, deadline, to.into(), timeout)
    })
}

/// Cancels a timer (`erlang:cancel_timer/1`): the time that was left, and the message will never be
/// delivered; `None` where it has fired or been cancelled, and then it has been sent (T-3).
///
/// # Panics
/// Outside of a process.
pub fn cancel_timer(timer: TimerRef) -> Option<Duration> {
    current(|current| {
        let core = current.core();
        core.timers.cancel(current.process_if_any(), core, timer)
    })
}

/// The time that is left to a timer (`erlang:read_timer/1`), `None` where it is not active.
///
/// # Panics
/// Outside of a process.
pub fn read_timer(timer: TimerRef) -> Option<Duration> {
    current(|current| current.core().timers.read(current.core(), timer))
}
