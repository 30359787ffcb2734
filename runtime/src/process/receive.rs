//! Receiving: looking for a message in the mailbox, and waiting for one.
//!
//! `receive!` expands to a [`Receiver`]: a synchronous scan that tests each message once, then an
//! await, then the next scan. The function forms, in `forms`, are made of the same. Invariant (R-1
//! to R-10): a message is in the mailbox or has been returned; a dropped receive loses nothing;
//! each receive keeps its own place; no user code runs while private state is borrowed. Every
//! receive costs one operation of the slice's budget (C-2), and one more for so many messages that
//! it tests. Where the slice is used up it waits for the next before it looks; one with time zero
//! looks first. A receive belongs to the process that first polled it.
//! Unsafe: it touches the private part, and moves values out of nodes for the tests.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::context::{Current, current, try_current};
use super::wakeup::Wakeup;
use super::{Pcb, cell, limit, signal, suspend};
use crate::clock::nanos;
use crate::limits::TESTS_PER_OPERATION;
use crate::mailbox::Seat;
use crate::message::{self, Message, Node};
use crate::pid::Pid;
use crate::reference::Ref;
use crate::timers::{TimerKey, Timers};

/// One receive: its place in the mailbox, its deadline, and who waits.
#[derive(Debug)]
pub struct Receiver {
    /// Messages with a lower arrival index have been looked at.
    place: u64,
    after: After,
    /// Others have their turn before it goes on.
    tired: bool,
    /// The slice is used up, or not all that was sent is taken in: others should have their turn.
    is_late: bool,
    /// Its time is over, and others had their turn: the next look decides.
    is_last: bool,
    /// The timer wakes by the process's own waker.
    timer_is_own: bool,
    /// How long, or until when by the clock of the process (`suspend::own_time`), in nanoseconds:
    /// `after` says which.
    time: u64,
    timer: Option<TimerKey>,
    /// Under which number a waker that is not the process's own stands in `Rare::waiting`.
    waiting: u64,
    /// `NOBODY` until it is polled.
    owner: Pid,
}

/// What no process is called.
const NOBODY: Pid = Pid::nobody(0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Never,
    Zero,
    For,
    At,
}

/// What a scan came to.
#[derive(Debug)]
pub enum Scanned {
    /// The test of this arm held; the message is out of the mailbox.
    Hit(usize, Taken),
    /// The time is over.
    Timeout,
    /// Nothing yet: wait, then scan again.
    Wait,
}

/// A message that a test chose.
#[derive(Debug)]
pub struct Taken(pub(super) Message);

impl Taken {
    /// The value, of the type that the test looked at.
    ///
    /// # Panics
    /// Where it is of another type.
    pub fn open<T: 'static>(self) -> T {
        self.0
            .downcast()
            .expect("a message is opened as the type that its test took it for")
    }
}

/// A message under test. Its value can be taken out and has to be put back.
#[derive(Debug)]
pub struct Probe {
    node: *mut Node,
}

impl Probe {
    /// The value, where it is a `T`; it must come back by [`put`](Probe::put).
    pub fn take<T: 'static>(&mut self) -> Option<T> {
        // SAFETY: the scan made this probe for a live node of the mailbox of the process that the
        // thread runs; while the value is out, everyone else leaves the node alone.
        unsafe {
            let fits = (*self.node).is::<T>() && !(*self.node).is_out();
            fits.then(|| message::take_value(self.node))
        }
    }

    /// Puts back what `take` gave.
    pub fn put<T: 'static>(&mut self, value: T) {
        // SAFETY: as in `take`; the type and that the value is out are checked.
        unsafe {
            assert!(
                (*self.node).is::<T>() && (*self.node).is_out(),
                "put back something else"
            );
            message::put_value(self.node, value);
        }
    }

    pub(super) fn is<T: 'static>(&self) -> bool {
        // SAFETY: as in `take`.
        unsafe { (*self.node).is::<T>() }
    }

    pub(super) fn test<T: 'static>(&mut self, wanted: &mut impl FnMut(&T) -> bool) -> bool {
        let Some(value) = self.take::<T>() else {
            return false;
        };
        let hit = wanted(&value);
        self.put(value);
        hit
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Receiver::new()
    }
}

impl Receiver {
    /// A receive that begins at the oldest message and waits for ever.
    #[inline]
    pub const fn new() -> Self {
        Receiver {
            place: 0,
            after: After::Never,
            tired: false,
            is_late: false,
            is_last: false,
            timer_is_own: false,
            time: 0,
            timer: None,
            waiting: 0,
            owner: NOBODY,
        }
    }

    /// Begins where the mailbox ended when the reference was made. Another process's
    /// reference says nothing of this mailbox.
    #[inline]
    pub fn since(mut self, reference: Ref) -> Self {
        if try_current(Current::pid).flatten() == Some(reference.maker) {
            self.place = reference.mark;
        }
        self
    }

    /// Takes no message at all: only time ends it.
    pub(crate) fn for_nothing(mut self) -> Self {
        self.place = u64::MAX;
        self
    }

    /// Ends after this time: zero looks at what is there and does not wait.
    #[inline]
    pub fn after(mut self, time: Duration) -> Self {
        self.time = nanos(time);
        self.after = if self.time == 0 {
            After::Zero
        } else {
            After::For
        };
        self
    }

    /// Looks at every message that has arrived and was not looked at by this receive. `test` gives
    /// the number of the arm that takes the message. It may call back into the runtime; a panic in
    /// it is a panic of the process, and the message under test is lost with it.
    pub fn scan(&mut self, mut test: impl FnMut(&mut Probe) -> Option<usize>) -> Scanned {
        current(|current| {
            let pcb = self.owned(current);
            if !current.charge(1) && !self.goes_on_late() {
                return Scanned::Wait;
            }
            if !signal::receive(pcb, self.after == After::Zero) {
                self.is_late = true;
            }
            // SAFETY: this thread runs the process, and no borrow lasts over a test.
            if unsafe { pcb.private() }.exiting.is_some() {
                return Scanned::Wait;
            }
            // SAFETY: as above.
            let mut seat = unsafe { pcb.private() }.mailbox.at(self.place);
            // A message that somebody is looking at right now stays unseen by this receive.
            let mut unseen = None;
            let mut tests = 0;
            while let Some(here) = seat {
                tests += 1;
                let node = here.node();
                // SAFETY: a seat is a live node of this process's mailbox.
                let (out, index) = unsafe { ((*node).is_out(), (*node).index()) };
                if out {
                    unseen.get_or_insert(index);
                } else if let Some(arm) = tested(pcb, here, &mut test) {
                    if self.is_late && !self.takes_late(current) {
                        return Scanned::Wait;
                    }
                    charge_tests(current, tests);
                    // SAFETY: as above; a node that was under test stays in the mailbox, so the
                    // seat is still good.
                    let mailbox = &mut unsafe { pcb.private() }.mailbox;
                    let message = mailbox.remove(here);
                    pcb.note_queue_len(mailbox.len());
                    current.note_input(message.node().port());
                    limit::taken(pcb, &message);
                    return Scanned::Hit(arm, Taken(message));
                }
                // SAFETY: as above.
                seat = unsafe { pcb.private() }.mailbox.after(here);
            }
            charge_tests(current, tests);
            // SAFETY: as above.
            let seen = unseen.unwrap_or(unsafe { pcb.private() }.mailbox.next_index());
            self.place = self.place.max(seen);
            if self.is_over(pcb) && !(self.is_late && self.looks_again()) {
                return Scanned::Timeout;
            }
            self.tired |= self.is_late;
            Scanned::Wait
        })
    }

    /// The slice is used up. A receive waits for the next one, unless its time is zero.
    #[cold]
    fn goes_on_late(&mut self) -> bool {
        self.is_late = self.after == After::Zero;
        self.tired = !self.is_late;
        self.is_late
    }

    /// Whether a message that was found is taken though others should have their turn. If not it
    /// was looked at, and stays while they have it.
    #[cold]
    fn takes_late(&mut self, current: &Current) -> bool {
        self.is_late = false;
        let max = current.core().limits.slice_budget;
        let may = self.after != After::Zero || self.is_last || current.take_late(max);
        (self.tired, self.is_last) = (!may, !may);
        may
    }

    /// Whether it looks once more before it times out, when others had their turn.
    #[cold]
    fn looks_again(&mut self) -> bool {
        !std::mem::replace(&mut self.is_last, true)
    }

    /// Waits until there is something to scan, or the time is over.
    #[inline]
    pub fn wait(&mut self) -> Wait<'_> {
        Wait {
            receiver: self,
            polled: false,
        }
    }

    #[inline]
    fn owned<'c>(&mut self, current: &'c Current) -> &'c Pcb {
        let pcb = current.pcb();
        // Most are polled once or twice, so this is short: nobody has a slot of his own.
        if self.owner.slot == NOBODY.slot {
            self.owner = pcb.pid;
        } else if self.owner != pcb.pid {
            polled_by_another(self.owner, pcb.pid);
        }
        pcb
    }

    #[inline]
    fn is_over(&mut self, pcb: &Pcb) -> bool {
        match self.after {
            After::Never => false,
            After::Zero => true,
            After::For => {
                self.time = suspend::own_time(pcb).saturating_add(self.time);
                self.after = After::At;
                false
            }
            After::At => suspend::own_time(pcb) >= self.time,
        }
    }

    /// The first poll of a wait comes straight after a scan that found nothing, so there is nothing
    /// to look at again: what came since is in the inbox's word, and has the process run once more.
    pub(super) fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        current(|current| {
            let pcb = self.owned(current);
            if std::mem::take(&mut self.tired) {
                self.is_late = false;
                current.yield_slice();
                if !cell::is_own_waker(pcb, cx.waker()) {
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            // SAFETY: this thread runs the process, and nothing of the user's is called.
            let private = unsafe { pcb.private() };
            if private.mailbox.next_index() > self.place && private.exiting.is_none() {
                return Poll::Ready(());
            }
            if self.after == After::Never && cell::is_own_waker(pcb, cx.waker()) {
                private.slept = true;
            } else {
                self.sleep(pcb, cx);
            }
            Poll::Pending
        })
    }

    /// Sees to it that a message, or the time, wakes this future.
    #[inline(never)]
    fn sleep(&mut self, pcb: &Pcb, cx: &mut Context<'_>) {
        let is_own = cell::is_own_waker(pcb, cx.waker());
        if is_own {
            // SAFETY: this thread runs the process, and the borrow ends with the statement.
            unsafe { pcb.private() }.slept = true;
        } else {
            let waker = cx.waker().clone();
            // SAFETY: this thread runs the process; cloning was done before the borrow.
            let private = unsafe { pcb.private() };
            if self.waiting == 0 {
                private.serial += 1;
                self.waiting = private.serial;
            }
            let (number, waiting) = (self.waiting, &mut private.rare().waiting);
            let old = waiting
                .iter()
                .position(|(n, _)| *n == number)
                .map(|at| waiting.remove(at));
            waiting.push((number, waker));
            drop(old);
        }
        if self.after != After::At {
            return;
        }
        // The waker of the latest poll counts: the future may have moved to another combinator. And
        // the time of a process that was suspended is over later.
        let stood_still = suspend::stood_still(pcb);
        let stays = is_own && self.timer_is_own && stood_still == 0;
        if let Some(old) = self.timer.take_if(|_| !stays) {
            Timers::drop_wakeup(&pcb.core, old);
        }
        if self.timer.is_none() {
            let wakeup = Wakeup::of(pcb, cx.waker());
            let deadline = self.time.saturating_add(stood_still);
            self.timer = Some(pcb.core.timers.wake_at(&pcb.core, deadline, wakeup));
            self.timer_is_own = is_own;
        }
    }
}

impl Drop for Receiver {
    #[inline]
    fn drop(&mut self) {
        if self.timer.is_some() || self.waiting != 0 {
            self.forget();
        }
    }
}

impl Receiver {
    /// Takes back what `sleep` left elsewhere.
    #[inline(never)]
    fn forget(&mut self) {
        try_current(|current| {
            if let Some(timer) = self.timer {
                Timers::drop_wakeup(current.core(), timer);
            }
            if self.waiting != 0 && current.pid() == Some(self.owner) {
                // SAFETY: this thread runs the owner; what is removed is dropped after the borrow.
                let rare = unsafe { current.pcb().private() }.rare_if_any();
                let waiting = rare.map(|rare| &mut rare.waiting);
                let gone = waiting.and_then(|waiting| {
                    let at = waiting.iter().position(|(n, _)| *n == self.waiting)?;
                    Some(waiting.swap_remove(at))
                });
                drop(gone);
            }
        });
    }
}

/// A search pays for what it tests, where that is much.
#[inline(always)]
fn charge_tests(current: &Current, tests: u32) {
    if tests >= TESTS_PER_OPERATION {
        current.charge(tests / TESTS_PER_OPERATION);
    }
}

#[cold]
fn polled_by_another(owner: Pid, other: Pid) -> ! {
    panic!("a receive of {owner} is polled by {other}")
}

/// Tests one message. Where the test panics with the value in its hands, the empty node goes.
fn tested(
    pcb: &Pcb,
    seat: Seat,
    test: &mut impl FnMut(&mut Probe) -> Option<usize>,
) -> Option<usize> {
    struct Emptied<'a>(&'a Pcb, Seat);
    impl Drop for Emptied<'_> {
        fn drop(&mut self) {
            // SAFETY: this thread runs the process; the node is in the mailbox, because nobody
            // takes one that is under test. Nothing is dropped but the node.
            unsafe {
                if (*self.1.node()).is_out() {
                    let empty = self.0.private().mailbox.remove(self.1);
                    limit::taken(self.0, &empty);
                }
            }
        }
    }
    let emptied = Emptied(pcb, seat);
    let node = emptied.1.node();
    test(&mut Probe { node })
}

/// The future of [`Receiver::wait`]: pending once, then a scan decides.
#[derive(Debug)]
pub struct Wait<'a> {
    receiver: &'a mut Receiver,
    polled: bool,
}

impl Future for Wait<'_> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.polled, true) {
            return Poll::Ready(());
        }
        self.receiver.poll_first(cx)
    }
}
