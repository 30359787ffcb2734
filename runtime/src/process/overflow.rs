//! What happens to a message that is sent to a full mailbox (R-15): the policies, as users name
//! them.
//!
//! Chosen with a limit, carried out by `limit`. Invariant: a callback is called and dropped with no
//! lock held and nothing borrowed, in whoever sends, or sets another limit.

use std::fmt;
use std::sync::Arc;

use super::limit::Sent;
use crate::message::Message;
use crate::pid::Pid;

/// What happens to a message that is sent to a full mailbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Overflow {
    /// The receiver ends with the reason `mailbox_overflow`, which it cannot trap.
    Kill,
    /// It is refused: `send` drops it, `try_send` gives it back.
    Refuse,
    /// Senders wait: `send_async` for room, `try_send` gives it back. A plain `send` cannot wait,
    /// so it goes beyond the limit.
    Block,
    /// It is dropped, and nobody is told.
    DropNewest,
    /// The oldest message is dropped in its place, when the receiver looks at its mailbox next.
    /// Until then there may be twice as many as the limit says; what comes then is dropped.
    DropOldest,
    /// It is given to a function: see [`callback`](Overflow::callback).
    Callback(OnOverflow),
}

impl Overflow {
    /// A plain `send` gives the message to this function, together with the receiver's pid;
    /// `try_send` gives it back, `send_async` waits for room. The function runs in the sender, in
    /// the middle of its send: it may count, log, keep the message, send to others; a panic of it
    /// is the sender's. Of a `Handle` it runs in no process.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use runtime::prelude::*;
    ///
    /// let too_many = Arc::new(AtomicU32::new(0));
    /// let counter = too_many.clone();
    /// runtime::run(async move {
    ///     let count = Overflow::callback(move |_, _| {
    ///         counter.fetch_add(1, Ordering::Relaxed);
    ///     });
    ///     let limit = MailboxLimit::new(2, count);
    ///     let (slow, _) = Spawn::new().mailbox_limit(limit).spawn(std::future::pending::<()>())?;
    ///     for n in 0..5u32 {
    ///         send(slow, n);
    ///     }
    ///     Ok(())
    /// })
    /// .unwrap();
    /// assert_eq!(too_many.load(Ordering::Relaxed), 3);
    /// ```
    pub fn callback(f: impl Fn(Pid, Message) + Send + Sync + 'static) -> Self {
        Overflow::Callback(OnOverflow(Arc::new(f)))
    }

    /// Without what belongs to it.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Overflow::Kill => Kind::Kill,
            Overflow::Refuse => Kind::Refuse,
            Overflow::Block => Kind::Block,
            Overflow::DropNewest => Kind::DropNewest,
            Overflow::DropOldest => Kind::DropOldest,
            Overflow::Callback(_) => Kind::Callback,
        }
    }
}

/// A function that gets the messages which a mailbox has no room for. Equal to its clones.
#[derive(Clone)]
pub struct OnOverflow(Arc<dyn Fn(Pid, Message) + Send + Sync>);

impl PartialEq for OnOverflow {
    fn eq(&self, other: &OnOverflow) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for OnOverflow {}

impl fmt::Debug for OnOverflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnOverflow(..)")
    }
}

/// A policy as each send looks at it, without a lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Kill,
    Refuse,
    Block,
    DropNewest,
    DropOldest,
    Callback,
}

pub(super) const KINDS: [Kind; 6] = [
    Kind::Kill,
    Kind::Refuse,
    Kind::Block,
    Kind::DropNewest,
    Kind::DropOldest,
    Kind::Callback,
];

impl Kind {
    /// Whether it drops messages rather than have senders wait.
    pub(super) fn is_lossy(self) -> bool {
        matches!(self, Kind::DropNewest | Kind::DropOldest)
    }
}

/// A message that had no room, on its way to the function.
#[must_use]
pub(crate) struct Overflowed(Pid, Message, OnOverflow);

impl Overflowed {
    /// As what became of a send. In a box, so that sends that have room, which are the most, give
    /// back no more than a pointer.
    pub(super) fn sent(to: Pid, message: Message, callback: OnOverflow) -> Sent {
        Sent::Over(Box::new(Overflowed(to, message, callback)))
    }

    /// Calls the function. Nothing may be borrowed or locked.
    pub(crate) fn tell(self) {
        let Overflowed(to, message, OnOverflow(callback)) = self;
        callback(to, message);
    }
}

/// How many messages may wait for a process, and what happens to one more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxLimit {
    /// Messages that may wait.
    pub len_max: u32,
    /// What happens to one more.
    pub overflow: Overflow,
}

impl MailboxLimit {
    /// So many messages, and this happens to one more.
    pub fn new(len_max: u32, overflow: Overflow) -> Self {
        MailboxLimit { len_max, overflow }
    }
}
