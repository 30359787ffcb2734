//! Who sleeps, who searches, and who sits at the poller.
//!
//! Asked by workers that run out of work and by everyone who makes some. Invariant (R-12, I-1): a
//! worker announces that it sleeps before it looks for work a last time, and whoever injects work
//! looks for sleepers after it has put it down, so one of the two sees the other. One worker at a
//! time has the seat at the poller and sleeps in it, with the next timer's deadline; the others
//! park. Nothing spins.

use std::sync::atomic::AtomicU64 as Count;

use crate::reactor::RealReactor;
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering, Parker, Unparker, fence};

struct Bed {
    parker: Mutex<Parker>,
    unparker: Unparker,
}

/// See the file's header.
pub(super) struct Idle {
    beds: Box<[Bed]>,
    /// Workers that are parked, and may be woken.
    parked: Mutex<Vec<usize>>,
    /// Workers that sleep or are about to: parked ones, and the one at the poller.
    sleepers: AtomicUsize,
    /// Workers that look for work of others.
    searching: AtomicUsize,
    /// Somebody has the poller.
    seat: AtomicBool,
    /// The one at the poller sleeps in it.
    seated: AtomicBool,
    /// Until when the one at the poller sleeps; 0 where nobody does.
    deadline: AtomicU64,
    /// Orders nothing, so no model looks at it.
    wakes: Count,
}

impl Idle {
    pub(super) fn new(workers: usize) -> Self {
        let bed = |_| {
            let parker = Parker::new();
            Bed {
                unparker: parker.unparker().clone(),
                parker: Mutex::new(parker),
            }
        };
        Idle {
            beds: (0..workers).map(bed).collect(),
            parked: Mutex::new(Vec::with_capacity(workers)),
            sleepers: AtomicUsize::new(0),
            searching: AtomicUsize::new(0),
            seat: AtomicBool::new(false),
            seated: AtomicBool::new(false),
            deadline: AtomicU64::new(0),
            wakes: Count::new(0),
        }
    }

    /// Work was put where every worker finds it, maybe by no worker at all: somebody has to wake.
    pub(super) fn work_came(&self, reactor: &RealReactor) {
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 && self.searching.load(Ordering::SeqCst) == 0 {
            self.wake_one(reactor);
        }
    }

    /// A worker has more than it can run at once. It runs all of it where nobody comes, so missing
    /// a sleeper here costs time and loses nothing.
    pub(super) fn more_work(&self, reactor: &RealReactor) {
        if self.sleepers.load(Ordering::Relaxed) > 0 && self.searching.load(Ordering::Relaxed) == 0
        {
            self.wake_one(reactor);
        }
    }

    fn wake_one(&self, reactor: &RealReactor) {
        let parked = self.parked.lock().pop();
        self.wakes.fetch_add(1, Ordering::Relaxed);
        match parked {
            Some(index) => self.beds[index].unparker.unpark(),
            None if self.seated.load(Ordering::SeqCst) => reactor.notify(),
            None => {}
        }
    }

    pub(super) fn wake_all(&self, reactor: &RealReactor) {
        for bed in &self.beds {
            bed.unparker.unpark();
        }
        reactor.notify();
    }

    /// A timer was set that may come before the one that the poller waits for.
    pub(super) fn timer_set(&self, deadline: u64, reactor: &RealReactor) {
        fence(Ordering::SeqCst);
        if deadline < self.deadline.load(Ordering::SeqCst) {
            reactor.notify();
        }
    }

    /// Whether one more may search: at most half of the workers do.
    pub(super) fn begin_search(&self) -> bool {
        let searching = self.searching.load(Ordering::Relaxed);
        if 2 * searching >= self.beds.len() {
            return false;
        }
        self.searching.fetch_add(1, Ordering::SeqCst);
        true
    }

    /// The last searcher that found something wakes the next, so that work spreads.
    pub(super) fn end_search(&self, found: bool, reactor: &RealReactor) {
        let last = self.searching.fetch_sub(1, Ordering::SeqCst) == 1;
        if found && last {
            self.more_work(reactor);
        }
    }

    pub(super) fn take_seat(&self) -> bool {
        let (success, failure) = (Ordering::Acquire, Ordering::Relaxed);
        let take = || self.seat.compare_exchange(false, true, success, failure);
        !self.seat.load(failure) && take().is_ok()
    }

    pub(super) fn leave_seat(&self) {
        self.seat.store(false, Ordering::Release);
    }

    /// The one with the seat sleeps there: it is announced as asleep, then looks for work, and has
    /// `wait` wait until the deadline of the next timer.
    pub(super) fn sit(
        &self,
        next_deadline: impl Fn() -> Option<u64>,
        stay: impl Fn() -> bool,
        wait: impl FnOnce(Option<u64>),
    ) {
        self.seated.store(true, Ordering::SeqCst);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let deadline = next_deadline();
        self.deadline
            .store(deadline.unwrap_or(u64::MAX), Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if !stay() && next_deadline() == deadline {
            wait(deadline);
        }
        self.deadline.store(0, Ordering::SeqCst);
        self.seated.store(false, Ordering::SeqCst);
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether every worker sleeps, or is about to.
    pub(super) fn all_sleep(&self) -> bool {
        self.sleepers.load(Ordering::SeqCst) >= self.beds.len()
    }

    /// Whether a worker is parked.
    pub(super) fn has_parked(&self) -> bool {
        !self.parked.lock().is_empty()
    }

    /// Times that a worker was woken by another thread.
    pub(super) fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Relaxed)
    }

    /// Wakes a parked worker where nobody sits at the poller: it will.
    pub(super) fn call_to_seat(&self) {
        if !self.seat.load(Ordering::SeqCst) {
            let parked = self.parked.lock().pop();
            if let Some(index) = parked {
                self.beds[index].unparker.unpark();
            }
        }
    }

    /// Parks a worker until somebody has work for it, unless `stay` says that there is some now.
    pub(super) fn park(&self, index: usize, stay: impl Fn() -> bool) {
        self.parked.lock().push(index);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        // A free seat is as good as work: somebody has to watch the poller.
        if !stay() && self.seat.load(Ordering::SeqCst) {
            self.beds[index].parker.lock().park();
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        self.parked.lock().retain(|other| *other != index);
    }
}
