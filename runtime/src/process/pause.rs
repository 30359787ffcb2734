//! Pauses: what a process awaits to let time pass, or others run.
//!
//! Called by user code inside a process. Invariant: messages are left alone.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

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
