//! A process: a future with an identity (process 1). This file holds its control block.
//!
//! Parts: `signal` what arrives, `links`, `monitors`, `alias`, `call`, `receive` what user code
//! sees of it, `limit` how much may wait for it, `suspend` how it is stopped for a while, `exit`
//! how it ends, `run` one slice, `cell` the block and the future in one allocation, `context` which
//! process a thread runs; who runs it is in the word of its inbox. Invariant: `private` is touched
//! only by the thread that runs the process (RUNNING in that word); everything else in the block
//! may be read by anyone at any time. What it does not know: how it is scheduled.
//! Unsafe: the private part is a cell without a lock.

pub(crate) mod alarm;
pub(crate) mod alias;
pub(crate) mod budget;
pub(crate) mod call;
pub(crate) mod cell;
pub(crate) mod context;
pub(crate) mod exit;
pub(crate) mod forms;
pub(crate) mod info;
pub(crate) mod limit;
pub(crate) mod links;
pub(crate) mod monitors;
pub(crate) mod overflow;
pub(crate) mod pause;
pub(crate) mod receive;
pub(crate) mod run;
pub(crate) mod signal;
pub(crate) mod suspend;
pub(crate) mod wakeup;

use std::cell::UnsafeCell;
use std::panic::Location;
use std::task::Waker;

use crate::core::Uncounted;
use crate::inbox::{Chain, Inbox, Noticed, Pushed};
use crate::mailbox::Mailbox;
use crate::marks::Marks;
use crate::message::Message;
use crate::name::Name;
use crate::ordered::OrderedMap;
use crate::pid::{ActorId, Pid};
use crate::reason::Reason;
use crate::reference::Ref;
use crate::sync::{AtomicU32, Ordering};
use crate::table::Tenant;
use crate::timers::{TimerKeys, TimerSet};

use alias::AliasState;
use cell::FutureVTable;
use exit::Ending;
use limit::LimitCell;
use links::LinkState;
use monitors::{Monitor, Watcher};
use run::Runnable;
use suspend::Suspensions;

/// The control block.
pub(crate) struct Pcb {
    /// Who keeps the memory: the table, and every waker.
    refs: AtomicU32,
    pub(crate) inbox: Inbox,
    /// How many messages may wait, where that has a limit.
    pub(crate) limit: LimitCell,
    pub(crate) pid: Pid,
    /// Length of the mailbox as its owner last wrote it, for observers.
    pub(crate) queue_len: AtomicU32,
    vtable: &'static FutureVTable,
    pub(crate) core: Uncounted,
    /// Timers that others have directed at it: cancelled when it ends (6.1).
    pub(crate) timers: TimerSet,
    pub(crate) marks: Marks,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) parent: Pid,
    private: UnsafeCell<Private>,
}

// SAFETY: `private` and the future are touched only by the thread that runs the process, and the
// future is `Send` by the bound of `spawn`; everything else is shareable by itself.
unsafe impl Send for Pcb {}
// SAFETY: as above.
unsafe impl Sync for Pcb {}

/// What comes before a process is polled, or keeps it from that, as bits.
pub(crate) mod held {
    /// Its exit sequence was put off in the middle.
    pub(crate) const ENDING: u8 = 1;
    /// More was sent to it than it takes in at once, and not all of that is taken in.
    pub(crate) const BEHIND: u8 = 2;
    /// It is suspended.
    pub(crate) const SUSPENDED: u8 = 4;
    /// It was at some time: the clock of its receives differs from that of the runtime.
    pub(crate) const WAS_SUSPENDED: u8 = 8;
}

/// What a process did when it was looked at last (10.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    /// It had been polled, and waited.
    Waits,
    /// It was to be polled, and others had their turn.
    Ready,
    /// It took in what was sent, in the middle of a poll.
    Runs,
}

/// What only the runner touches.
pub(crate) struct Private {
    pub(crate) mailbox: Mailbox,
    pub(crate) links: OrderedMap<ActorId, LinkState>,
    pub(crate) trap_exit: bool,
    /// Set once: the process is to end with this reason, and no user code of it runs any more.
    pub(crate) exiting: Option<Reason>,
    /// A receive sleeps under the process's own waker since the poll began.
    pub(crate) slept: bool,
    /// What was sent is being taken in: what comes meanwhile has to wait its turn.
    pub(crate) taking_in: bool,
    /// The mailbox was reported as long.
    pub(crate) long_queue: bool,
    pub(crate) doing: Doing,
    /// What comes before it is polled: some of `held`.
    pub(crate) held: u8,
    /// The next serial of a reference.
    pub(crate) serial: u64,
    /// Timers that this process has directed at itself.
    pub(crate) own_timers: Option<Box<TimerKeys>>,
    rare: Option<Box<Rare>>,
}

/// What few processes have.
#[derive(Default)]
pub(crate) struct Rare {
    /// Whom this process watches.
    pub(crate) monitors: OrderedMap<Ref, Monitor>,
    /// Who watches this process.
    pub(crate) watchers: OrderedMap<Ref, Watcher>,
    /// Futures of this process that wait under wakers of their own.
    pub(crate) waiting: Vec<(u64, Waker)>,
    /// Signals that came behind a fatal one: answered when the name is free.
    pub(crate) unanswered: Vec<Message>,
    seldom: Option<Box<Seldom>>,
}

/// What even fewer have.
#[derive(Default)]
pub(crate) struct Seldom {
    /// The aliases that are active, by the serials of their references.
    pub(crate) aliases: OrderedMap<u64, AliasState>,
    /// What the process is called by people.
    pub(crate) label: Option<Name>,
    /// The exit sequence, where it was put off in the middle.
    ending: Option<Ending>,
    /// What was sent and is not taken in, where it is behind.
    backlog: Option<Chain>,
    suspensions: Option<Box<Suspensions>>,
}

impl Seldom {
    /// Whom the process has suspended, and how often.
    fn take_suspended(&mut self) -> OrderedMap<Pid, u64> {
        let suspensions = self.suspensions.as_mut();
        suspensions.map_or_else(OrderedMap::new, |all| std::mem::take(&mut all.others))
    }
}

impl Rare {
    pub(crate) fn seldom(&mut self) -> &mut Seldom {
        self.seldom.get_or_insert_default()
    }
}

impl Private {
    pub(crate) fn new(trap_exit: bool) -> Self {
        Private {
            mailbox: Mailbox::new(),
            links: OrderedMap::new(),
            trap_exit,
            exiting: None,
            slept: false,
            taking_in: false,
            long_queue: false,
            doing: Doing::Ready,
            held: 0,
            serial: 0,
            own_timers: None,
            rare: None,
        }
    }

    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(crate) fn rare_if_any(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    pub(crate) fn seldom_if_any(&mut self) -> Option<&mut Seldom> {
        self.rare.as_deref_mut()?.seldom.as_deref_mut()
    }

    /// False where it has no link and nothing that is rare.
    pub(crate) fn knows_somebody(&self) -> bool {
        self.rare.is_some() || !self.links.is_empty()
    }

    pub(crate) fn take_rare(&mut self) -> Option<Box<Rare>> {
        self.rare.take()
    }

    /// The exit sequence is put off.
    pub(crate) fn put_ending(&mut self, ending: Ending) {
        self.held |= held::ENDING;
        self.rare().seldom().ending = Some(ending);
    }

    /// The exit sequence goes on.
    pub(crate) fn take_ending(&mut self) -> Option<Ending> {
        self.seldom_if_any()?.ending.take()
    }

    /// Not all that was sent can be taken in at once.
    pub(crate) fn put_backlog(&mut self, backlog: Chain) {
        self.held |= held::BEHIND;
        self.rare().seldom().backlog = Some(backlog);
    }

    /// What was sent and is not taken in. Where some of it stays it has to be put back.
    pub(crate) fn take_backlog(&mut self) -> Option<Chain> {
        self.held &= !held::BEHIND;
        self.seldom_if_any()?.backlog.take()
    }

    pub(crate) fn suspensions(&mut self) -> &mut Suspensions {
        self.rare().seldom().suspensions.get_or_insert_default()
    }

    pub(crate) fn suspensions_if_any(&mut self) -> Option<&mut Suspensions> {
        self.seldom_if_any()?.suspensions.as_deref_mut()
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.held & held::SUSPENDED != 0
    }

    pub(crate) fn is_behind(&self) -> bool {
        self.held & held::BEHIND != 0
    }

    /// The process has to end. The first reason wins (P-13 step 1): a later one comes back, to be
    /// dropped by the caller when nothing is borrowed.
    #[must_use]
    pub(crate) fn end_with(&mut self, reason: Reason) -> Option<Reason> {
        if self.exiting.is_some() {
            return Some(reason);
        }
        self.exiting = Some(reason);
        None
    }

    /// A fresh reference, whose mark is where the mailbox ends.
    pub(crate) fn make_ref(&mut self, maker: Pid) -> Ref {
        self.serial += 1;
        Ref {
            maker,
            serial: self.serial,
            mark: self.mailbox.next_index(),
        }
    }
}

impl Pcb {
    /// The private part.
    ///
    /// # Safety
    /// The calling thread runs the process (or is the only one that knows it yet), holds no other
    /// borrow of the private part, and calls no user code while it holds this one.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn private(&self) -> &mut Private {
        // SAFETY: by the contract above there is no other borrow.
        unsafe { &mut *self.private.get() }
    }

    /// Puts something into the inbox and sees to it that the process looks. What a dead process
    /// refuses comes back, so that it is dropped by the caller and outside of everything.
    #[inline]
    pub(crate) fn push(&self, message: Message) -> Result<(), Message> {
        match self.inbox.push(message) {
            Pushed::Queue => {
                self.core.sched.ready(Runnable::of(self));
                Ok(())
            }
            Pushed::Nothing => Ok(()),
            Pushed::Closed(message) => Err(message),
        }
    }

    /// Has the process polled again.
    pub(crate) fn wake(&self) {
        if self.inbox.notice() == Noticed::Queue {
            self.core.sched.ready(Runnable::of(self));
        }
    }

    pub(crate) fn note_queue_len(&self, len: u32) {
        self.queue_len.store(len, Ordering::Relaxed);
    }

    /// As it was noted last.
    pub(crate) fn queue_len(&self) -> u32 {
        self.queue_len.load(Ordering::Relaxed)
    }
}

impl Tenant for Pcb {
    fn place(&self) -> (u32, u32) {
        (self.pid.slot, self.pid.generation)
    }
}
