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
        if let Some(end) = self.end() {
            return Poll::Ready(end);
        }
        // A combinator's waker is code of the user's: it is cloned and dropped under no lock.
        let waker = cx.waker().clone();
        let mut slot = self.0.lock();
        if let Slot::Waiting(old) = &mut *slot {
            let old = old.replace(waker);
            drop(slot);
            drop(old);
            return Poll::Pending;
        }
        drop(slot);
        Poll::Ready(self.end().flatten())
    }
}

impl<T> Reply<T> {
    /// The value, where it was given or will not be; it is not there a second time.
    fn end(&self) -> Option<Option<T>> {
        let mut slot = self.0.lock();
        match &*slot {
            Slot::Waiting(_) => None,
            Slot::Over => Some(None),
            Slot::Given(_) => match std::mem::replace(&mut *slot, Slot::Over) {
                Slot::Given(value) => Some(Some(value)),
                Slot::Waiting(_) | Slot::Over => Some(None),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{RawWaker, RawWakerVTable};

    use super::*;

    type Watched = Mutex<Slot<u32>>;

    /// What the wakers below do whenever they are called: look whether the lock is free.
    fn look(slot: *const ()) {
        // SAFETY: the test keeps the slot longer than its wakers.
        let slot = unsafe { &*slot.cast::<Watched>() };
        assert!(!slot.is_locked(), "a waker runs under the lock");
    }

    fn cloned(slot: *const ()) -> RawWaker {
        look(slot);
        RawWaker::new(slot, &TABLE)
    }

    static TABLE: RawWakerVTable = RawWakerVTable::new(cloned, look, look, look);

    #[test]
    fn wakers_are_cloned_used_and_dropped_under_no_lock() {
        let (to, mut reply) = reply::<u32>();
        let slot = Arc::as_ptr(&reply.0).cast::<()>();
        // SAFETY: the functions of the table do nothing but look.
        let [first, second] = [(); 2].map(|()| unsafe { Waker::new(slot, &TABLE) });
        for waker in [&first, &second] {
            let mut cx = Context::from_waker(waker);
            assert_eq!(Pin::new(&mut reply).poll(&mut cx), Poll::Pending);
        }
        to.send(7);
        let mut cx = Context::from_waker(&second);
        assert_eq!(Pin::new(&mut reply).poll(&mut cx), Poll::Ready(Some(7)));
        assert_eq!(Pin::new(&mut reply).poll(&mut cx), Poll::Ready(None));
    }
}
