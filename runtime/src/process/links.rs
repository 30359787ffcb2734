//! Links: the two ends of the link protocol (process 3.4) on the side of the process that acts.
//!
//! Called by the free functions and by `spawn`; the arriving half is in `signal`. Invariant (L-10):
//! when all signals have arrived, both ends agree on whether there is a link; after `unlink`
//! returned, no exit signal of that link affects the caller (3.5). Links to ports need no
//! acknowledgement: the port's side is changed under its lock, in the call.

use super::Pcb;
use super::signal::{Exit, Signal};
use crate::pid::ActorId;
use crate::process::context::current;
use crate::reason::Reason;
use crate::trace;

/// One end of a link. Absent is the third state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LinkState {
    Active,
    /// An unlink with this id is under way.
    Inactive(u64),
}

/// The target did not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoProc;

impl std::fmt::Display for NoProc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("noproc")
    }
}

impl std::error::Error for NoProc {}

/// Links the current process to another process or to a port (`erlang:link/1`, process 3.1).
/// Linking twice is linking once; linking to oneself does nothing.
///
/// # Errors
/// [`NoProc`] where the target is dead and the caller does not trap exits; where it does, the call
/// is
/// `Ok` and an [`Exit`] message with `noproc` follows (S-9).
///
/// # Panics
/// Outside of a process.
pub fn link(to: impl Into<ActorId>) -> Result<(), NoProc> {
    let to = to.into();
    current(|current| {
        current.charge(1);
        let pcb = current.pcb();
        // SAFETY: (all of this closure) this thread runs the process; no user code is called.
        let private = unsafe { pcb.private() };
        if to == pcb.pid || private.links.get(&to) == Some(&LinkState::Active) {
            return Ok(());
        }
        private.links.insert(to, LinkState::Active);
        trace::link(pcb.pid, to);
        let linked = match to {
            ActorId::Process(pid) => pcb.core.signal(
                pid,
                Signal::Link {
                    from: pcb.pid.into(),
                },
            ),
            ActorId::Port(port) => pcb.core.link_port(port, pcb.pid),
        };
        if linked {
            return Ok(());
        }
        // SAFETY: as above.
        let private = unsafe { pcb.private() };
        if !private.trap_exit {
            private.links.remove(&to);
            return Err(NoProc);
        }
        pcb.core.signal(
            pcb.pid,
            Signal::Exit {
                from: to,
                reason: Reason::NoProc,
                linked: true,
            },
        );
        Ok(())
    })
}

/// Removes the link between the current process and another actor, if there is one
/// (`erlang:unlink/1`). After it returned no exit signal of that link affects the caller; an
/// [`Exit`] that is in the mailbox stays there.
///
/// # Panics
/// Outside of a process.
pub fn unlink(from: impl Into<ActorId>) {
    let from = from.into();
    current(|current| unlink_of(current.pcb(), from));
}

pub(crate) fn unlink_of(pcb: &Pcb, from: ActorId) {
    // SAFETY: this thread runs the process; no user code is called.
    let private = unsafe { pcb.private() };
    if private.links.get(&from) != Some(&LinkState::Active) {
        return;
    }
    trace::unlink(pcb.pid, from);
    // SAFETY: as above.
    let private = unsafe { pcb.private() };
    match from {
        ActorId::Process(to) => {
            private.serial += 1;
            let id = private.serial;
            private.links.insert(from, LinkState::Inactive(id));
            if !pcb.core.signal(to, Signal::Unlink { from: pcb.pid, id }) {
                // Dead, so no acknowledgement comes; its exit signal, if under way, finds no link.
                // SAFETY: as above.
                unsafe { pcb.private() }.links.remove(&from);
            }
        }
        ActorId::Port(port) => {
            // Inactive while all is taken in that the port sent before: no exit of the old link
            // counts any more, nor does a link that a hand-over made meanwhile.
            let ending = LinkState::Inactive(0);
            private.links.insert(from, ending);
            super::signal::catch_up_all(pcb);
            super::signal::take_in(pcb, pcb.core.unlink_port(port, pcb));
            // SAFETY: as above.
            let links = unsafe { &mut pcb.private().links };
            if links.get(&from) == Some(&ending) {
                links.remove(&from);
            }
        }
    }
}

/// Unlinks, and takes the [`Exit`] message of that actor out of the mailbox if it is there (L-11).
///
/// # Panics
/// Outside of a process.
pub fn unlink_flush(from: impl Into<ActorId>) -> Option<Exit> {
    let from = from.into();
    current(|current| {
        let pcb = current.pcb();
        unlink_of(pcb, from);
        super::signal::receive_all(pcb);
        take_exit(pcb, from)
    })
}

/// Takes the oldest `Exit` message of this actor out of the mailbox.
pub(crate) fn take_exit(pcb: &Pcb, from: ActorId) -> Option<Exit> {
    // SAFETY: this thread runs the process; no user code is called.
    unsafe { pcb.private() }
        .mailbox
        .take_first(0, |exit: &Exit| exit.from == from)
}
