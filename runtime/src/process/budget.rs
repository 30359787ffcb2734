//! The budget of a slice, as operations that might be ready for ever are charged it (process
//! C-2).
//!
//! Asked by every operation on a port. What does not wait, such as a send, is charged where it is
//! done, and the next operation that may wait pays for it. Invariant: a process whose slice is used
//! up is pending once, goes to the tail of the queue and is polled again. Also here: the portion of
//! what a process does beside its future, such as its end.

use std::task::{Context, Poll};

use super::Pcb;
use super::cell::is_own_waker;
use super::context::current;

/// What an operation on a port costs of a slice's budget.
pub(crate) const PORT_COST: u32 = 8;

/// What a spawn costs.
pub(crate) const SPAWN_COST: u32 = 4;

/// What may be done at once of something that may be much: as much as a slice has of operations.
pub(crate) struct Portion(u32);

impl Portion {
    pub(crate) fn new(pcb: &Pcb) -> Self {
        // One at least, so that each portion gets something done.
        Portion(pcb.core.limits.slice_budget.max(1))
    }

    pub(crate) fn is_left(&self) -> bool {
        self.0 > 0
    }

    /// Takes so much of it. False where nothing was left.
    pub(crate) fn take(&mut self, cost: u32) -> bool {
        let was_left = self.is_left();
        self.0 = self.0.saturating_sub(cost);
        was_left
    }
}

/// Charges the slice of the current process an operation on a port. Pending where the slice is used
/// up: the process goes to the tail of the queue and its future is polled again after that (C-2).
/// For futures that might be ready for ever, as operations on ports are.
///
/// # Panics
/// Outside of a process.
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    poll_cost(cx, PORT_COST)
}

/// As `poll_budget`, for an operation of this cost.
pub(crate) fn poll_cost(cx: &mut Context<'_>, cost: u32) -> Poll<()> {
    current(|current| {
        if current.charge(cost) {
            return Poll::Ready(());
        }
        current.yield_slice();
        if !is_own_waker(current.pcb(), cx.waker()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
}
