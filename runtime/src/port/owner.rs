//! Whose a port is, and how it changes hands in one step (process O-18, gen_tcp 4.2):
//!
//! 1. The port is locked: from here it sends nothing to anybody.
//! 2. Checks, in this order: the port is open; the new owner is not the owner already; the caller
//!    is the owner; the new owner lives, and is told of its link.
//! 3. What has been sent to the caller is fetched, and the port's messages go from its mailbox and
//!    from there to the new owner, in their order. The driver may say that the port has ended with
//!    one of these messages: then it stays where it is.
//! 4. The owner changes, in the port and in its links.
//! 5. The lock is freed. Only then is the rest of what was fetched taken in, because that may run
//!    code of the user's; the caller's end of the link goes.
//!
//! Run in the caller. Invariant (I-9, CTL-1): at no instant is the port without an owner; each of
//! its messages is seen by one owner, in order; there is no in-between that anybody could see.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::close::carry_out;
use super::cx::Asked;
use super::{Phase, PortCell, watch};
use crate::message::Message;
use crate::pid::{ActorId, Pid, PortId};
use crate::pin::Pin;
use crate::process::Pcb;
use crate::process::context::{Current, current};
use crate::process::run::panic_reason;
use crate::process::signal::{self, Signal};
use crate::reason::Reason;

/// Why a port did not change hands; nothing has changed then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandOverError {
    /// The port is closed.
    Closed,
    /// The caller is not the owner (`eperm`).
    NotOwner,
    /// The new owner is dead (`badarg`).
    NoProc,
}

impl std::fmt::Display for HandOverError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            HandOverError::Closed => "closed",
            HandOverError::NotOwner => "eperm",
            HandOverError::NoProc => "badarg",
        })
    }
}

impl std::error::Error for HandOverError {}

/// Gives a port of the current process to another one, together with the messages of it that wait
/// in the mailbox. To the present owner it is `Ok` and nothing happens, whoever calls.
///
/// # Errors
/// See [`HandOverError`].
///
/// # Panics
/// Outside of a process.
pub fn hand_over(port: PortId, to: Pid) -> Result<(), HandOverError> {
    current(|current| {
        let (core, caller) = (current.core(), current.pcb());
        if port.node != core.node {
            return Err(HandOverError::Closed);
        }
        signal::catch_up_all(caller);
        let pin = core.pin();
        let cell = core.ports.get(port.slot, port.generation, &pin);
        let refused = match cell {
            Some(cell) => move_all(cell, caller, to, &pin)?,
            None => return Err(HandOverError::Closed),
        };
        // Messages are dropped only where the lock is free.
        drop(refused);
        Ok(())
    })
}

/// The steps. Gives back the messages that the new owner, dead meanwhile, refused.
fn move_all(
    cell: &PortCell,
    caller: &Pcb,
    to: Pid,
    pin: &Pin,
) -> Result<Vec<Message>, HandOverError> {
    let (core, from) = (&cell.core, ActorId::from(cell.id));
    let mut body = cell.body.lock();
    if body.phase != Phase::Open {
        return Err(HandOverError::Closed);
    }
    if body.owner == to {
        return Ok(Vec::new());
    }
    if body.owner != caller.pid {
        return Err(HandOverError::NotOwner);
    }
    if !core.signal(to, Signal::Link { from }) {
        return Err(HandOverError::NoProc);
    }
    let (moved, rest) = take_messages(cell, caller, body.has_sent);
    let asked_driver = AssertUnwindSafe(|| body.driver.hand_over(&moved));
    let answer = Current::runtime(core).enter(|| catch_unwind(asked_driver));
    let changes = *answer.as_ref().unwrap_or(&true);
    body.has_sent = changes && !moved.is_empty();
    let mut refused = Vec::new();
    for message in moved {
        refused.extend(core.send_message(to, message).err());
    }
    let mut asked = Asked::default();
    if changes {
        body.owner = to;
        if !watch::follow_owner(cell, &mut body, caller.pid) {
            asked.fail(Reason::NoProc);
        }
        body.links.remove(&caller.pid);
        body.links.insert(to, ());
    } else if !body.links.contains(&to) {
        core.signal(to, Signal::Unlinked { from });
    }
    if let Err(panic) = answer {
        asked.fail(panic_reason(panic));
    }
    // The lock is free from here on, and what else had been sent to the caller may be looked at.
    carry_out(cell, body, asked, pin);
    signal::take_in(caller, rest.into_iter());
    if changes {
        // SAFETY: this thread runs the caller, and nothing of the user's is called.
        unsafe { caller.private() }.links.remove(&from);
    }
    Ok(refused)
}

/// Takes the port's messages out of the caller's mailbox, where there may be any, and out of what
/// has been sent to it, in their order. Gives them, and the rest of what has been sent.
fn take_messages(cell: &PortCell, caller: &Pcb, has_sent: bool) -> (Vec<Message>, Vec<Message>) {
    let token = cell.id.token();
    // SAFETY: this thread runs the caller, and `extract` calls nothing of the user's.
    let mailbox = &mut unsafe { caller.private() }.mailbox;
    let mut moved = Vec::new();
    if has_sent {
        moved = mailbox.extract(|node| node.port() == token);
        caller.note_queue_len(mailbox.len());
    }
    let is_moved = |message: &Message| message.node().port() == token;
    let (late, rest): (Vec<_>, Vec<_>) = signal::fetch(caller).partition(is_moved);
    moved.extend(late);
    (moved, rest)
}

/// The owner of a port, dead or alive (`port_info(Port, connected)`); `None` where the port is
/// closed. One that is flushing still has the owner that it had.
///
/// # Panics
/// Outside of a process.
pub fn owner(port: PortId) -> Option<Pid> {
    current(|current| {
        let core = current.core_of_process();
        let pin = core.pin();
        let cell = core.ports.get(port.slot, port.generation, &pin)?;
        let body = cell.body.lock();
        (port.node == core.node && body.phase != Phase::Closed).then_some(body.owner)
    })
}
