//! Pauses: what a process awaits to let time pass, or others run.
//!
//! Called by user code inside a process. Invariant: messages are left alone.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::budget::poll_cost;
use super::context::current;
use super::receive::{Receiver, Scanned};

/// Sleeps (`timer:sleep/1`); messages are left alone.
///
/// # Cancel safety
/// Dropping it ends the sleep.
///
/// # Panics
/// Outside of a process.
pub async fn sleep(time: Duration) {
    let mut receiver = Receiver::new().after(time).for_nothing();
    loop {
        match receiver.scan(|_| None) {
            Scanned::Timeout => return,
            _ => receiver.wait().await,
        }
    }
}

/// Lets every process that is ready run before the caller goes on (`erlang:yield/0`, C-3).
///
/// # Panics
/// Outside of a process.
pub async fn yield_now() {
    struct Yield(bool);
    impl Future for Yield {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) {
                return Poll::Ready(());
            }
            current(|current| current.yield_slice());
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }
    Yield(false).await;
}

/// Counts one operation of the slice's budget, and where the slice is used up goes to the tail of
/// the queue (C-2, C-3): for loops that compute and await nothing else.
///
/// ```
/// use runtime::prelude::*;
///
/// runtime::run(async {
///     let mut sum = 0u64;
///     for n in 0..100_000u64 {
///         sum = sum.wrapping_mul(31) ^ n;
///         runtime::consume_budget().await;
///     }
///     assert_ne!(sum, 0);
///     Ok(())
/// })
/// .unwrap();
/// ```
///
/// # Panics
/// Outside of a process.
pub async fn consume_budget() {
    poll_fn(|cx| poll_cost(cx, 1)).await;
}
