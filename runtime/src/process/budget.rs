//! The budget of a slice, as operations that might be ready for ever are charged it (process
//! C-2).
//!
//! Asked by every operation on a port. Invariant: a process whose slice is used up is pending once,
//! goes to the tail of the queue and is polled again.

use std::task::{Context, Poll};

use super::cell::is_own_waker;
use super::context::current;

/// What an operation on a port costs of a slice's budget.
const PORT_COST: u32 = 8;

/// Charges the slice of the current process an operation on a port. Pending where the slice is used
/// up: the process goes to the tail of the queue and its future is polled again after that (C-2).
/// For futures that might be ready for ever, as operations on ports are.
///
/// # Panics
/// Outside of a process.
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    current(|current| {
        if current.charge(PORT_COST) {
            return Poll::Ready(());
        }
        current.yield_slice();
        if !is_own_waker(current.pcb(), cx.waker()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
}
