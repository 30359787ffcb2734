//! A reply: one value that one actor gives and one future waits for.
//!
//! Used by requests that are signals (is-alive, process info), by blocking jobs and by `block_on`.
//! Invariant: the value is given once or the giver is dropped, and the waiter learns of either.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

enum Slot<T> {
    Waiting(Option<Waker>),
    Given(T),
    /// Taken, or never to come.
    Over,
}

/// The side that gives the value.
pub(crate) struct ReplyTo<T>(Arc<Mutex<Slot<T>>>);

/// The side that waits: a future of the value, `None` where the giver went away without one.
pub(crate) struct Reply<T>(Arc<Mutex<Slot<T>>>);

pub(crate) fn reply<T>() -> (ReplyTo<T>, Reply<T>) {
    let slot = Arc::new(Mutex::new(Slot::Waiting(None)));
    (ReplyTo(slot.clone()), Reply(slot))
}

impl<T> ReplyTo<T> {
    pub(crate) fn send(self, value: T) {
        self.settle(Slot::Given(value));
    }

    fn settle(&self, end: Slot<T>) {
        let mut slot = self.0.lock();
        if let Slot::Waiting(waker) = &mut *slot {
            let waker = waker.take();
            *slot = end;
            drop(slot);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<T> Drop for ReplyTo<T> {
    fn drop(&mut self) {
        self.settle(Slot::Over);
    }
}

impl<T> Future for Reply<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut slot = self.0.lock();
        match std::mem::replace(&mut *slot, Slot::Over) {
            Slot::Waiting(_) => {
                *slot = Slot::Waiting(Some(cx.waker().clone()));
                Poll::Pending
            }
            Slot::Given(value) => Poll::Ready(Some(value)),
            Slot::Over => Poll::Ready(None),
        }
    }
}
