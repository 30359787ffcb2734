//! The function forms of `receive!`: a type, or a type and a condition, with a time or without.
//!
//! Called by user code inside a process. Invariant: each is one receive with one arm, so all that
//! holds of `receive!` holds of them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::receive::{Probe, Receiver, Scanned, Taken};
use crate::message::Message;

/// Takes the first message for which `test` holds. Written out, so that the receiver stands once in
/// it.
struct First<F> {
    receiver: Receiver,
    test: F,
}

fn first<F: FnMut(&mut Probe) -> bool>(receiver: Receiver, test: F) -> First<F> {
    First { receiver, test }
}

/// Nothing in it is pinned.
impl<F> Unpin for First<F> {}

impl<F: FnMut(&mut Probe) -> bool> Future for First<F> {
    type Output = Option<Message>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let First { receiver, test } = self.get_mut();
        loop {
            match receiver.scan(|probe| test(probe).then_some(0)) {
                Scanned::Hit(_, taken) => return Poll::Ready(Some(taken.0)),
                Scanned::Timeout => return Poll::Ready(None),
                Scanned::Wait if receiver.poll_first(cx).is_pending() => return Poll::Pending,
                Scanned::Wait => {}
            }
        }
    }
}

fn open<T: 'static>(message: Message) -> T {
    Taken(message).open()
}

const FOR_EVER: &str = "a receive without a time does not time out";

/// Takes the oldest message of type `T`; waits for one.
///
/// # Cancel safety
/// A dropped receive has taken nothing. So for all of its kin.
///
/// # Panics
/// Outside of a process.
pub async fn receive<T: 'static>() -> T {
    receive_match(|_: &T| true).await
}

/// Takes the oldest message of type `T`; `None` where there was none in this time.
pub async fn receive_timeout<T: 'static>(time: Duration) -> Option<T> {
    let receiver = Receiver::new().after(time);
    first(receiver, |probe| probe.test(&mut |_: &T| true))
        .await
        .map(open)
}

/// Takes the oldest `T` for which `wanted` holds.
pub async fn receive_match<T: 'static>(mut wanted: impl FnMut(&T) -> bool) -> T {
    let found = first(Receiver::new(), |probe| probe.test(&mut wanted)).await;
    open(found.expect(FOR_EVER))
}

/// Takes the oldest `T` for which `wanted` holds; `None` where there was none in this time.
pub async fn receive_match_timeout<T: 'static>(
    mut wanted: impl FnMut(&T) -> bool,
    time: Duration,
) -> Option<T> {
    let receiver = Receiver::new().after(time);
    first(receiver, |probe| probe.test(&mut wanted))
        .await
        .map(open)
}

/// Takes the oldest message, whatever its type.
pub async fn receive_any() -> Message {
    first(Receiver::new(), |_| true).await.expect(FOR_EVER)
}

/// Takes the oldest message that is no `T`; `None` where there was none in this time.
pub async fn receive_other_than<T: 'static>(time: Duration) -> Option<Message> {
    let receiver = Receiver::new().after(time);
    first(receiver, |probe| !probe.is::<T>()).await
}
