//! Signals: what actors send each other besides messages, and what their arrival does.
//!
//! Sent by links, monitors, exits and the router; handled here by the receiver itself, before each
//! poll and whenever it looks for a message (S-5), in portions where there is very much. Invariant
//! (S-1, S-7): signals and messages take one way and are handled in order, each as a whole; the
//! receiver's state at reception decides. What comes after a fatal signal is kept unanswered until
//! the exit sequence has released the name.
//! `exit_verdict` is the decision table of process 3.2.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use super::links::LinkState;
use super::monitors::Watcher;
use super::run::{panic_reason, shielded};
use super::{Doing, Pcb, alias, info, limit, monitors, suspend};
use crate::inbox::Chain;
use crate::limits::SIGNALS_PER_TURN;
use crate::message::Message;
use crate::pid::{ActorId, Pid};
use crate::reason::Reason;
use crate::reference::Ref;
use crate::reply::ReplyTo;
use crate::trace;

/// See the file's header.
pub(crate) enum Signal {
    Exit {
        from: ActorId,
        reason: Reason,
        linked: bool,
    },
    Link {
        from: ActorId,
    },
    Unlink {
        from: Pid,
        id: u64,
    },
    UnlinkAck {
        from: ActorId,
        id: u64,
    },
    /// A port ended and spares its owner the exit signal: the link is gone.
    Unlinked {
        from: ActorId,
    },
    Monitor {
        reference: Ref,
        watcher: ActorId,
    },
    Demonitor {
        reference: Ref,
    },
    Down {
        reference: Ref,
        reason: Reason,
    },
    /// More was sent than the mailbox limit lets wait, and the process is to end of it.
    Overflow,
    /// The receiver is suspended once more. The reply comes when it is in no poll; false from the
    /// dead.
    Suspend {
        reply: ReplyTo<bool>,
    },
    /// So many suspensions by the sender are taken back.
    Resume {
        count: u64,
    },
    IsAlive {
        reply: ReplyTo<bool>,
    },
    Info {
        reply: ReplyTo<Option<info::ProcessInfo>>,
    },
}

/// What a process that traps exits gets for an exit signal (process 3.2).
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// Whose exit it was, or who sent the signal (L-2).
    pub from: ActorId,
    /// Why.
    pub reason: Reason,
}

/// How an exit signal was sent, and what the receiver's side of the link says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExitKind {
    /// By `exit_signal`, from somebody else.
    Explicit,
    /// By `exit_signal`, from the process itself.
    ExplicitSelf,
    /// By the death of an actor that this process is linked to.
    Linked,
    /// By the death of an actor; the link is gone, or being removed.
    Unlinked,
}

/// What an exit signal does to a process.
#[derive(PartialEq, Debug)]
pub(crate) enum ExitVerdict {
    Ignore,
    /// It becomes an `Exit` message.
    Message(Reason),
    /// The process ends with this reason.
    Die(Reason),
}

/// The table of process 3.2, rows 1 to 13 (L-1).
pub(crate) fn exit_verdict(kind: ExitKind, reason: Reason, trapping: bool) -> ExitVerdict {
    use ExitKind::{Explicit, ExplicitSelf, Linked, Unlinked};
    match (kind, &reason) {
        (Unlinked, _) => ExitVerdict::Ignore,
        (Explicit | ExplicitSelf, Reason::Kill) => ExitVerdict::Die(Reason::Killed),
        _ if trapping => ExitVerdict::Message(reason),
        (Explicit | Linked, Reason::Normal) => ExitVerdict::Ignore,
        _ => ExitVerdict::Die(reason),
    }
}

/// Takes in what has been sent: signals act, messages go to the mailbox. Futures of the process
/// that wait are woken where a message came. Panics of the user's code that this runs end here.
/// Where that is too much for once it is put by, to be taken in before the next poll, and the
/// answer is false; unless `all` of it is wanted.
#[inline]
pub(crate) fn receive(pcb: &Pcb, all: bool) -> bool {
    // SAFETY: this thread runs the process, and the borrow ends with the expression.
    pcb.inbox.is_empty() && !unsafe { pcb.private() }.is_behind() || receive_now(pcb, all)
}

#[inline(never)]
fn receive_now(pcb: &Pcb, all: bool) -> bool {
    // SAFETY: as above.
    let private = unsafe { pcb.private() };
    if private.taking_in {
        return true;
    }
    private.doing = Doing::Runs;
    if all {
        catch_up_all(pcb);
        take_in(pcb, fetch(pcb));
        return true;
    }
    // Nothing is put by in the exit sequence.
    if private.exiting.is_some() {
        return true;
    }
    if !private.is_behind() && take_in_some(pcb, pcb.inbox.drain(SIGNALS_PER_TURN)) {
        return true;
    }
    pcb.wake();
    false
}

/// As `receive`, and takes in all there is: for those who promise to see it, and do not wait.
pub(crate) fn receive_all(pcb: &Pcb) {
    receive(pcb, true);
}

/// What has been sent, in its order, for `take_in`. Whoever calls it has called `catch_up_all`
/// before. Runs no code of the user's.
pub(crate) fn fetch(pcb: &Pcb) -> Chain {
    pcb.inbox.drain(usize::MAX)
}

/// Takes in what was sent, where it is not too much for once. False where it is put by.
#[inline]
pub(super) fn take_in_some(pcb: &Pcb, mail: Chain) -> bool {
    if mail.is_turned() {
        take_in(pcb, mail);
        return true;
    }
    // SAFETY: as above.
    unsafe { pcb.private() }.put_backlog(mail);
    false
}

/// Takes in more of what was put by. True where all of it is in.
#[cold]
pub(super) fn catch_up(pcb: &Pcb, max: usize) -> bool {
    // SAFETY: as above.
    let Some(mut backlog) = unsafe { pcb.private() }.take_backlog() else {
        return true;
    };
    if !backlog.is_turned() {
        backlog.turn(max);
    } else {
        take_in(pcb, backlog.by_ref().take(max));
    }
    if backlog.is_empty() {
        return true;
    }
    // SAFETY: as above.
    unsafe { pcb.private() }.put_backlog(backlog);
    false
}

/// Takes in all that was put by.
pub(crate) fn catch_up_all(pcb: &Pcb) {
    while !catch_up(pcb, usize::MAX) {}
}

/// The second half of `receive`. Destructors of reasons and wakers may call back; what arrives then
/// is taken in later, so that the order is kept.
pub(crate) fn take_in(pcb: &Pcb, fetched: impl Iterator<Item = Message>) {
    // SAFETY: (all of this function) this thread runs the process; no borrow lasts over a call to
    // code that is not the runtime's own.
    let private = unsafe { pcb.private() };
    private.taking_in = true;
    let before = private.mailbox.next_index();
    for message in fetched {
        if !message.node().is_signal() {
            trace::receive(pcb.pid, || message.type_name());
        }
        // SAFETY: as above.
        let private = unsafe { pcb.private() };
        if !message.node().is_signal() {
            private.mailbox.append(message);
        } else if private.exiting.is_some() {
            private.rare().unanswered.push(message);
        } else {
            act(pcb, message);
        }
    }
    // SAFETY: as above.
    let private = unsafe { pcb.private() };
    private.taking_in = false;
    pcb.note_queue_len(private.mailbox.len());
    limit::grown(pcb);
    // SAFETY: as above; what has grown too much may have been dropped, which is code of the user's.
    let private = unsafe { pcb.private() };
    if private.mailbox.next_index() == before {
        return;
    }
    // A receive that sleeps since this poll began has not seen the news.
    if std::mem::take(&mut private.slept) {
        pcb.wake();
    }
    if let Some(rare) = private.rare_if_any()
        && !rare.waiting.is_empty()
    {
        let waiting = std::mem::take(&mut rare.waiting);
        wake_all(pcb, waiting);
    }
}

/// A signal, or a message through an alias, has arrived.
#[inline(never)]
fn act(pcb: &Pcb, message: Message) {
    if let Some(serial) = message.node().alias() {
        shielded(|| alias::arrive(pcb, serial, message));
    } else if let Ok(signal) = message.downcast::<Signal>() {
        shielded(|| handle(pcb, signal));
    }
}

#[inline(never)]
fn wake_all(pcb: &Pcb, waiting: Vec<(u64, Waker)>) {
    for (_, waker) in waiting {
        wake(pcb, waker);
    }
}

/// Wakes a future of the process. A panic of its waker is a panic of the process.
fn wake(pcb: &Pcb, waker: Waker) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        let reason = panic_reason(panic);
        // SAFETY: as in `take_in`; what comes back is dropped after the borrow.
        drop(unsafe { pcb.private() }.end_with(reason));
    }
}

fn handle(pcb: &Pcb, signal: Signal) {
    // SAFETY: as in `take_in`, the only caller.
    let private = unsafe { pcb.private() };
    match signal {
        Signal::Exit {
            from,
            reason,
            linked,
        } => exit(pcb, from, reason, linked),
        Signal::Link { from } => {
            // L-8: an unlink of ours that is under way will reach the peer behind its link.
            if !private.links.contains(&from) {
                private.links.insert(from, LinkState::Active);
            }
        }
        Signal::Unlink { from, id } => {
            if private.links.get(&from.into()) == Some(&LinkState::Active) {
                private.links.remove(&from.into());
            }
            // L-7: nothing else goes to the unlinker before this.
            pcb.core.signal(
                from,
                Signal::UnlinkAck {
                    from: pcb.pid.into(),
                    id,
                },
            );
        }
        Signal::UnlinkAck { from, id } => {
            if private.links.get(&from) == Some(&LinkState::Inactive(id)) {
                private.links.remove(&from);
            }
        }
        Signal::Unlinked { from } => {
            private.links.remove(&from);
        }
        Signal::Monitor { reference, watcher } => {
            private
                .rare()
                .watchers
                .insert(reference, Watcher { by: watcher });
        }
        Signal::Demonitor { reference } => {
            if let Some(rare) = private.rare_if_any() {
                rare.watchers.remove(&reference);
            }
        }
        Signal::Down { reference, reason } => monitors::fire(pcb, reference, reason),
        Signal::Overflow => drop(private.end_with(Reason::from(limit::OVERFLOW))),
        Signal::Suspend { reply } => suspend::suspended(pcb, reply),
        Signal::Resume { count } => suspend::resumed(pcb, count),
        Signal::IsAlive { reply } => reply.send(true),
        Signal::Info { reply } => reply.send(Some(info::of(pcb))),
    }
}

fn exit(pcb: &Pcb, from: ActorId, reason: Reason, linked: bool) {
    // SAFETY: as in `take_in`; the reason is dropped only after the borrow's last use.
    let private = unsafe { pcb.private() };
    let kind = match linked {
        true if private.links.remove(&from) == Some(LinkState::Active) => ExitKind::Linked,
        true => ExitKind::Unlinked,
        false if from == pcb.pid => ExitKind::ExplicitSelf,
        false => ExitKind::Explicit,
    };
    match exit_verdict(kind, reason, private.trap_exit) {
        ExitVerdict::Ignore => {}
        ExitVerdict::Message(reason) => private.mailbox.append(Message::new(Exit { from, reason })),
        ExitVerdict::Die(reason) => drop(private.end_with(reason)),
    }
}

/// Answers a signal that reached a process too late: its pid denotes nobody any more (P-13 step 7).
pub(crate) fn bounce(pcb: &Pcb, signal: Signal) {
    match signal {
        Signal::Link { from } => {
            let (me, reason) = (pcb.pid, Reason::NoProc);
            match from {
                ActorId::Process(to) => {
                    pcb.core.signal(
                        to,
                        Signal::Exit {
                            from: me.into(),
                            reason,
                            linked: true,
                        },
                    );
                }
                ActorId::Port(to) => pcb.core.exit_port(to, me, reason, true),
            }
        }
        Signal::Unlink { from, id } => {
            pcb.core.signal(
                from,
                Signal::UnlinkAck {
                    from: pcb.pid.into(),
                    id,
                },
            );
        }
        Signal::Monitor { reference, watcher } => {
            pcb.core.tell_down(watcher, reference, Reason::NoProc);
        }
        Signal::IsAlive { reply } | Signal::Suspend { reply } => reply.send(false),
        Signal::Info { reply } => reply.send(None),
        Signal::Exit { .. }
        | Signal::UnlinkAck { .. }
        | Signal::Unlinked { .. }
        | Signal::Demonitor { .. }
        | Signal::Down { .. }
        | Signal::Resume { .. }
        | Signal::Overflow => {}
    }
}

#[cfg(test)]
mod tests {
    use super::ExitKind::{Explicit, ExplicitSelf, Linked, Unlinked};
    use super::ExitVerdict::{Die, Ignore, Message};
    use super::*;

    /// Every row of process 3.2 (L-1): how, reason, what a process does that does not trap exits,
    /// and one that does.
    #[test]
    fn exit_table_3_2() {
        let other = Reason::from("boom");
        #[rustfmt::skip]
        let rows = [
            (Explicit, Reason::Normal, Ignore, Message(Reason::Normal)),
            (Explicit, Reason::Kill, Die(Reason::Killed), Die(Reason::Killed)),
            (Explicit, Reason::Killed, Die(Reason::Killed), Message(Reason::Killed)),
            (Explicit, Reason::Shutdown, Die(Reason::Shutdown), Message(Reason::Shutdown)),
            (Explicit, other.clone(), Die(other.clone()), Message(other.clone())),
            (ExplicitSelf, Reason::Normal, Die(Reason::Normal), Message(Reason::Normal)),
            (ExplicitSelf, Reason::Kill, Die(Reason::Killed), Die(Reason::Killed)),
            (ExplicitSelf, other.clone(), Die(other.clone()), Message(other.clone())),
            (Linked, Reason::Normal, Ignore, Message(Reason::Normal)),
            (Linked, Reason::Kill, Die(Reason::Kill), Message(Reason::Kill)),
            (Linked, Reason::Killed, Die(Reason::Killed), Message(Reason::Killed)),
            (Linked, other.clone(), Die(other.clone()), Message(other.clone())),
            (Unlinked, Reason::Normal, Ignore, Ignore),
            (Unlinked, other.clone(), Ignore, Ignore),
            (Linked, Reason::NoProc, Die(Reason::NoProc), Message(Reason::NoProc)),
        ];
        for (kind, reason, plain, trapping) in rows {
            assert_eq!(
                exit_verdict(kind, reason.clone(), false),
                plain,
                "{kind:?} {reason}"
            );
            assert_eq!(
                exit_verdict(kind, reason.clone(), true),
                trapping,
                "{kind:?} {reason}"
            );
        }
    }
}
