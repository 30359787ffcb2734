//! What processes and the runtime send to ports: link, unlink, monitor, exit, and the message
//! forms.
//!
//! Each is carried out in the sender, under the port's lock, so the order of one sender's signals
//! is kept by construction (O-9). Invariant: `exit_verdict` is the table of process 8.6; a port
//! that is closing or closed answers as the dead do.

use super::busy::Command;
use super::cx::{Asked, End};
use super::{Body, Phase, PortCell, callback, close, watch};
use crate::core::Core;
use crate::inbox::Chain;
use crate::message::Message;
use crate::pid::{Pid, PortId};
use crate::pin::Pin;
use crate::process::Pcb;
use crate::process::context::current;
use crate::process::signal::{self, Signal};
use crate::reason::Reason;
use crate::reference::Ref;
use crate::sync::MutexGuard;

/// What an exit signal does to an open port.
#[derive(PartialEq, Debug)]
enum Verdict {
    Ignore,
    Close(Reason),
    /// Close without a flush.
    Kill,
}

/// The table of process 8.6 (O-8). `linked`: sent by the death of a process that is linked.
fn exit_verdict(linked: bool, by_owner: bool, reason: Reason) -> Verdict {
    match (linked, reason) {
        (true, Reason::Normal) if !by_owner => Verdict::Ignore,
        (false, Reason::Kill) => Verdict::Kill,
        (_, reason) => Verdict::Close(reason.after_kill()),
    }
}

impl Core {
    /// Runs `f` with the cell of a port that is open.
    fn open_port<R>(
        &self,
        id: PortId,
        f: impl FnOnce(&PortCell, &mut super::Body) -> R,
    ) -> Option<R> {
        if id.node != self.node {
            return None;
        }
        let pin = self.pin();
        let cell = self.ports.get(id.slot, id.generation, &pin)?;
        let mut body = cell.body.lock();
        (body.phase == Phase::Open).then(|| f(cell, &mut body))
    }

    pub(crate) fn link_port(&self, id: PortId, from: Pid) -> bool {
        self.open_port(id, |_, body| body.links.insert(from, ()))
            .is_some()
    }

    /// Ends the port's side of a link, and gives what had been sent to the process by then: the
    /// port sends links and exits under its lock, so all that concern the old link are among it.
    pub(crate) fn unlink_port(&self, id: PortId, from: &Pcb) -> Chain {
        let fetched = self.open_port(id, |_, body| {
            body.links.remove(&from.pid);
            signal::fetch(from)
        });
        fetched.unwrap_or_else(|| signal::fetch(from))
    }

    pub(crate) fn monitor_port(&self, id: PortId, reference: Ref, watcher: Pid) -> bool {
        self.open_port(id, |_, body| body.watchers.insert(reference, watcher))
            .is_some()
    }

    pub(crate) fn demonitor_port(&self, id: PortId, reference: Ref) {
        self.open_port(id, |_, body| body.watchers.remove(&reference));
    }

    /// An exit signal to a port.
    pub(crate) fn exit_port(&self, id: PortId, from: Pid, reason: Reason, linked: bool) {
        if id.node != self.node {
            return;
        }
        let pin = self.pin();
        let Some(cell) = self.ports.get(id.slot, id.generation, &pin) else {
            return;
        };
        let mut body = cell.body.lock();
        // An explicit signal leaves the sender's link in place (3.1), so it is told in its turn.
        if body.phase != Phase::Open || (linked && body.links.remove(&from).is_none()) {
            return;
        }
        let (reason, kill) = match exit_verdict(linked, body.owner == from, reason) {
            Verdict::Ignore => return,
            Verdict::Close(reason) => (reason, false),
            Verdict::Kill => (Reason::Killed, true),
        };
        let mut asked = Asked::default();
        asked.more().end = Some(End {
            reason,
            spare_owner: false,
            kill,
        });
        close::carry_out(cell, body, asked, &pin);
    }
}

/// A signal to a port in message form: what `Port ! Term` can say (process 8.4). The owner named in
/// it has to be the present owner, otherwise the owner is punished with `badsig` (8.5).
#[derive(Clone, Debug)]
pub enum PortSignal {
    /// `{Owner, {command, Data}}`
    Command(Pid, Vec<u8>),
    /// `{Owner, close}`
    Close(Pid),
    /// `{Owner, {connect, New}}`: changes the owner, leaves the links as they are, moves nothing.
    Connect(Pid, Pid),
    /// Anything else.
    Bad,
}

/// What a port answers to a signal in message form, to the owner that it had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortReply {
    /// `{Port, closed}`: the last thing that the port does, after its flush.
    Closed(PortId),
    /// `{Port, connected}`
    Connected(PortId),
}

/// Sends a signal in message form to a port. A closed port drops it (2.4). It does not wait: a busy
/// port's driver is given a command all the same, where [`signal_port_async`] waits.
///
/// # Panics
/// Outside of a process.
pub fn signal_port(port: PortId, signal: PortSignal) {
    current(|current| {
        let core = current.core_of_process();
        if port.node != core.node {
            return;
        }
        let pin = core.pin();
        let Some(cell) = core.ports.get(port.slot, port.generation, &pin) else {
            return;
        };
        let body = cell.body.lock();
        if body.phase == Phase::Open {
            take(cell, body, signal, current.pcb().pid, &pin);
        }
    });
}

/// As [`signal_port`], and with a command waits for its turn while the port is busy, as Erlang
/// suspends who sends one (8.4, 8.9). It waits in the line of [`command`](super::command). Whose
/// the port is, is looked at when its turn has come; a port that closes meanwhile drops it.
///
/// # Cancel safety
/// Dropped before it resolves, a command was not given, and the next one in the line is served.
///
/// # Panics
/// Outside of a process.
pub async fn signal_port_async(port: PortId, signal: PortSignal) {
    match signal {
        PortSignal::Command(by, data) => Command::in_message_form(port, by, data.into()).await,
        signal => signal_port(port, signal),
    }
}

/// An open port takes a signal in message form. The owner is looked at and the signal carried out
/// under one lock, so nobody else is the owner meanwhile.
fn take(
    cell: &PortCell,
    mut body: MutexGuard<'_, Body>,
    signal: PortSignal,
    sender: Pid,
    pin: &Pin,
) {
    let owner = body.owner;
    match signal {
        PortSignal::Command(by, data) if by == owner => {
            callback(cell, body, pin, |driver, cx| {
                if !driver.command(cx, &data, sender) {
                    punish(&cell.core, cell.id, owner);
                }
            });
        }
        PortSignal::Close(by) if by == owner => {
            body.tell_closed = Some(owner);
            callback(cell, body, pin, |_, cx| cx.close(Reason::Normal));
        }
        PortSignal::Connect(by, new) if by == owner => {
            body.owner = new;
            let follows = watch::follow_owner(cell, &mut body, owner);
            callback(cell, body, pin, |_, cx| {
                let reply = Message::new(PortReply::Connected(cell.id));
                if let Err(reply) = cell.core.send_pinned(owner, reply, pin) {
                    cx.asked.refuse(reply);
                }
                if !follows {
                    cx.close(Reason::NoProc);
                }
            });
        }
        _ => punish(&cell.core, cell.id, owner),
    }
}

/// A bad signal is a fault of the owner's (8.5).
pub(super) fn punish(core: &Core, port: PortId, owner: Pid) {
    let badsig = Signal::Exit {
        from: port.into(),
        reason: Reason::BadSig,
        linked: false,
    };
    core.signal(owner, badsig);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of process 8.6 (O-8).
    #[test]
    fn exit_table_8_6() {
        let other = Reason::from("boom");
        let rows = [
            (true, true, Reason::Normal, Verdict::Close(Reason::Normal)),
            (true, false, Reason::Normal, Verdict::Ignore),
            (true, true, other.clone(), Verdict::Close(other.clone())),
            (true, false, other.clone(), Verdict::Close(other.clone())),
            (true, false, Reason::Kill, Verdict::Close(Reason::Killed)),
            (true, true, Reason::Kill, Verdict::Close(Reason::Killed)),
            (false, false, Reason::Normal, Verdict::Close(Reason::Normal)),
            (false, true, Reason::Normal, Verdict::Close(Reason::Normal)),
            (false, false, Reason::Kill, Verdict::Kill),
            (false, false, other.clone(), Verdict::Close(other)),
        ];
        for (linked, by_owner, reason, verdict) in rows {
            let got = exit_verdict(linked, by_owner, reason.clone());
            assert_eq!(
                got, verdict,
                "linked {linked}, by the owner {by_owner}, {reason}"
            );
        }
    }
}
