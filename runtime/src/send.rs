//! Sends that see the receiver's mailbox limit: `try_send`, and `send_async`, which waits for room
//! (R-15).
//!
//! Called by user code inside a process. Invariant: what was not sent is given back or dropped with
//! the future; those who wait for room are served first come, first served. Where the receiver has
//! no limit both are plain sends.

use crate::api::{Address, Destination};
use crate::message::Message;
use crate::process::context::current;
use crate::process::limit::{Room, Sent};

/// Why a message was not sent. It has the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendError<T> {
    /// The receiver's mailbox is full.
    Full(T),
    /// The receiver is dead, or nobody has the name.
    NoProc(T),
}

impl<T> SendError<T> {
    /// The message.
    pub fn into_message(self) -> T {
        match self {
            SendError::Full(message) | SendError::NoProc(message) => message,
        }
    }
}

impl<T> std::fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "Full(..)",
            SendError::NoProc(_) => "NoProc(..)",
        })
    }
}

impl<T> std::fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "the receiver's mailbox is full",
            SendError::NoProc(_) => "noproc",
        })
    }
}

impl<T> std::error::Error for SendError<T> {}

/// Sends a message, unless the receiver is dead or its mailbox is full: then it comes back. A full
/// mailbox whose policy is to drop messages takes this one as it takes others, and the answer is
/// `Ok`.
///
/// # Errors
/// [`SendError`], with the message.
///
/// # Panics
/// Outside of a process.
pub fn try_send<T: Send + 'static>(to: impl Destination, message: T) -> Result<(), SendError<T>> {
    match to.address() {
        None => Err(SendError::NoProc(message)),
        Some(to) => send_to(to, message),
    }
}

fn send_to<T: Send + 'static>(to: Address, message: T) -> Result<(), SendError<T>> {
    let sent = current(|current| {
        current.charge(1);
        let (core, pin) = (current.core(), current.pin());
        match to {
            Address::Process(to) => core.send_user(to, Message::new(message), true, &pin),
            Address::Alias(alias) => match core.send_through(alias, message, &pin) {
                Ok(()) => Sent::Taken,
                // Whether somebody is behind an alias is nobody's business.
                Err(message) => Sent::Dropped(message),
            },
        }
    });
    // What is dropped or opened here is so where nothing is borrowed.
    match sent {
        Sent::Taken => Ok(()),
        Sent::Dropped(_) | Sent::Over(_) => {
            sent.settle();
            Ok(())
        }
        Sent::Full(message) => Err(SendError::Full(open(message))),
        Sent::Dead(message) => Err(SendError::NoProc(open(message))),
    }
}

fn open<T: 'static>(message: Message) -> T {
    message
        .downcast()
        .expect("what comes back is what was sent")
}

/// Sends a message as soon as the receiver's mailbox has room. Senders that wait are served first
/// come, first served. A full mailbox whose policy is to drop messages does not let anybody wait.
///
/// ```
/// use runtime::prelude::*;
///
/// runtime::run(async {
///     let limit = MailboxLimit::new(1, Overflow::Block);
///     let (slow, _) = Spawn::new().mailbox_limit(limit).spawn(async {
///         while receive::<u32>().await < 9 {}
///     })?;
///     for n in 0..10u32 {
///         send_async(slow, n).await?;
///     }
///     Ok(())
/// })
/// .unwrap();
/// ```
///
/// # Errors
/// [`SendError::NoProc`] where the receiver is dead, or dies meanwhile.
///
/// # Cancel safety
/// Dropped while it waits, it has sent nothing; the message is dropped with it.
///
/// # Panics
/// Outside of a process.
pub async fn send_async<T: Send + 'static>(
    to: impl Destination,
    message: T,
) -> Result<(), SendError<T>> {
    let to = match to.address() {
        None => return Err(SendError::NoProc(message)),
        Some(Address::Process(to)) => to,
        Some(alias) => return send_to(alias, message),
    };
    if !Room::of(to).await {
        return send_to(Address::Process(to), message);
    }
    let sent = current(|current| {
        current.charge(1);
        let pin = current.pin();
        let message = Message::new(message).counted();
        current.core().send_pinned(to, message, &pin)
    });
    sent.map_err(|message| SendError::NoProc(open(message)))
}
