//! Which process, and which runtime, the calling thread acts for.
//!
//! Set around every slice, every destructor of a dying process, every blocking job and every driver
//! callback; asked by all free functions. Invariant: it is restored to what it was, also by a
//! panic, so that runtimes and worlds may nest; nothing else of the runtime is ambient.
//! Unsafe: it lends references out of a thread-local pointer, for the length of a closure.

use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Arc;

use smallvec::SmallVec;

use super::Pcb;
use crate::core::Core;
use crate::pid::{Pid, PortId};
use crate::pin::Pin;
use crate::reason::Reason;
use crate::sync::thread_pointer;

thread_pointer!(CURRENT: Current);

/// Whom the thread acts for.
pub(crate) struct Current {
    core: *const Arc<Core>,
    /// Null where only the runtime is named. Where it is not, the thread holds a pin of the runtime
    /// for as long as this stands.
    pcb: *const Pcb,
    /// Runtime operations that are left in this slice; below zero what it owes.
    budget: Cell<i32>,
    /// Messages that receives with time zero took when the slice was used up.
    taken_late: Cell<u32>,
    /// The process asked to go to the tail of the queue.
    yielded: Cell<bool>,
    /// The token of the port whose input the process took last in this slice; 0 for none.
    input: Cell<u64>,
    /// Ports that want to be told of the end of this slice.
    ports: RefCell<SmallVec<[PortId; 1]>>,
}

const ADVICE: &str = "this function acts for the current process, and there is none here: \
                      outside of a process use a runtime::Handle";

impl Current {
    /// # Safety
    /// The thread holds a pin of this runtime while `self` is entered.
    pub(crate) unsafe fn process(pcb: &Pcb, budget: u32) -> Self {
        let (budget, yielded) = (Cell::new(budget as i32), Cell::new(false));
        let (core, ports) = (&raw const *pcb.core, RefCell::default());
        Current {
            core,
            pcb,
            budget,
            taken_late: Cell::new(0),
            yielded,
            input: Cell::new(0),
            ports,
        }
    }

    pub(crate) fn runtime(core: &Arc<Core>) -> Self {
        let pcb = ptr::null();
        let (budget, yielded) = (Cell::new(0), Cell::new(false));
        Current {
            core,
            pcb,
            budget,
            taken_late: Cell::new(0),
            yielded,
            input: Cell::new(0),
            ports: RefCell::default(),
        }
    }

    /// Runs `f` while this is what the thread acts for.
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Restore(*const Current);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _restore = Restore(CURRENT.replace(self));
        f()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        // SAFETY: whoever made this holds the runtime for as long as it is entered.
        unsafe { &*self.core }
    }

    /// The process.
    ///
    /// # Panics
    /// Where only the runtime is named.
    pub(crate) fn pcb(&self) -> &Pcb {
        assert!(!self.pcb.is_null(), "{ADVICE}");
        // SAFETY: whoever made this keeps the process for as long as it is entered.
        unsafe { &*self.pcb }
    }

    pub(crate) fn process_if_any(&self) -> Option<&Pcb> {
        // SAFETY: as in `pcb`.
        unsafe { self.pcb.as_ref() }
    }

    /// The runtime, for what only a process may do: a driver's callback may not look at ports,
    /// whose locks it might hold.
    ///
    /// # Panics
    /// Where only the runtime is named.
    pub(crate) fn core_of_process(&self) -> &Arc<Core> {
        &self.pcb().core
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        // SAFETY: as in `pcb`.
        (!self.pcb.is_null()).then(|| unsafe { (*self.pcb).pid })
    }

    /// Why the process ends: known once its exit sequence has begun, to the destructors of its
    /// future.
    pub(crate) fn ending(&self) -> Option<Reason> {
        // SAFETY: this thread runs the process, and the reason is cloned without code of the
        // user's.
        (!self.pcb.is_null()).then(|| unsafe { (*self.pcb).private() }.exiting.clone())?
    }

    pub(crate) fn pin(&self) -> Pin {
        match self.pcb.is_null() {
            // SAFETY: by the promise that `process` was given.
            false => unsafe { Pin::held() },
            true => self.core().pin(),
        }
    }

    /// Charges an operation of this cost. False where the slice is used up (C-2).
    #[inline]
    pub(crate) fn charge(&self, cost: u32) -> bool {
        let left = self.budget.get();
        self.budget.set(left.wrapping_sub(cost as i32));
        left > 0
    }

    /// A receive with time zero is about to take a message though the slice is used up. False where
    /// `max` were taken so.
    #[cold]
    pub(crate) fn take_late(&self, max: u32) -> bool {
        let taken = self.taken_late.get();
        self.taken_late.set(taken.saturating_add(1));
        taken < max
    }

    /// The process goes to the tail of the queue after this poll.
    pub(crate) fn yield_slice(&self) {
        self.yielded.set(true);
    }

    /// A port wants to be told when this slice ends. False where there is no slice: tell it at
    /// once.
    pub(crate) fn at_slice_end(&self, port: PortId) -> bool {
        if self.pcb.is_null() {
            return false;
        }
        let mut ports = self.ports.borrow_mut();
        if !ports.contains(&port) {
            ports.push(port);
        }
        true
    }

    /// The process took something that came from the port with this token; 0 for any other thing.
    #[inline]
    pub(crate) fn note_input(&self, token: u64) {
        self.input.set(token);
    }

    /// Whether what the process took last in this slice was of the port with this token.
    #[inline]
    pub(crate) fn is_answering(&self, token: u64) -> bool {
        self.input.get() == token
    }

    #[inline]
    pub(crate) fn has_ports(&self) -> bool {
        !self.ports.borrow().is_empty()
    }

    /// The ports that are to be told of the end of this slice.
    pub(crate) fn take_ports(&self) -> SmallVec<[PortId; 1]> {
        self.ports.take()
    }

    pub(crate) fn has_yielded(&self) -> bool {
        self.yielded.get()
    }
}

/// Runs `f` with what the thread acts for, if anything.
pub(crate) fn try_current<R>(f: impl FnOnce(&Current) -> R) -> Option<R> {
    let current = CURRENT.get();
    // SAFETY: a pointer that stands here is entered, so its `Current` is alive until `enter`
    // returns, which is after `f`.
    (!current.is_null()).then(|| f(unsafe { &*current }))
}

/// Runs `f` with what the thread acts for.
///
/// # Panics
/// Where the thread acts for nobody.
pub(crate) fn current<R>(f: impl FnOnce(&Current) -> R) -> R {
    try_current(f).expect(ADVICE)
}
