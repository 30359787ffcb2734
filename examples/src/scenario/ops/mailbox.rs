//! The calls that take messages out of the mailbox, and the one that sends.
//!
//! Called by `perform`. Invariant: a call of the coordinator's that waits behind the messages is
//! never taken for one: only other messages are.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use runtime::port::{PortSignal, signal_port_async};
use runtime::{ActorId, receive_other_than};

use super::super::actor::Do;
use super::super::convert::{Handle, NODE, Term, from_message};
use super::{CallResult, Raise, ok, pid_of, receive_time};

/// Makes the call; `None` where it is none of these.
pub(super) async fn call(function: &str, args: &[Term]) -> Option<CallResult> {
    Some(match (function, args) {
        ("mailbox", [time]) => all(time).await.map(Term::List),
        ("stream", [socket, time]) => all(time)
            .await
            .map(|messages| Term::List(joined(socket, messages))),
        ("next", [time]) => next(time)
            .await
            .map(|message| message.unwrap_or_else(|| Term::atom("none"))),
        ("msg", [to, message]) => send(to, message).await,
        _ => return None,
    })
}

/// The oldest message. As in Erlang, the time is looked at only where there is none yet.
async fn next(time: &Term) -> Result<Option<Term>, Raise> {
    let mut message = receive_other_than::<Do>(Duration::ZERO).await;
    if message.is_none() {
        message = receive_other_than::<Do>(receive_time(time)?).await;
    }
    Ok(message.map(from_message))
}

/// All messages, until none has come for this time.
async fn all(time: &Term) -> Result<Vec<Term>, Raise> {
    let mut messages = Vec::new();
    while let Some(message) = next(time).await? {
        messages.push(message);
    }
    Ok(messages)
}

/// The messages, with the data of `{tcp,Socket,_}` messages that follow each other in one.
fn joined(socket: &Term, messages: Vec<Term>) -> Vec<Term> {
    let mut whole = Vec::new();
    let mut pieces: Vec<Term> = Vec::new();
    for message in messages {
        let piece = match message.as_tuple() {
            Some([tag, from, data]) if tag.is_atom("tcp") && from == socket => data.clone(),
            _ => {
                whole.extend(put_together(socket, std::mem::take(&mut pieces)));
                whole.push(message);
                continue;
            }
        };
        pieces.push(piece);
    }
    whole.extend(put_together(socket, pieces));
    whole
}

/// One message of the data of all; the form is that of the first.
fn put_together(socket: &Term, pieces: Vec<Term>) -> Option<Term> {
    let first = pieces.first()?;
    let data = match (first, pieces.len()) {
        (_, 1) => first.clone(),
        (Term::Binary(_), _) => Term::Binary(bytes(&pieces)),
        _ => Term::Str(bytes(&pieces)),
    };
    Some(Term::tuple([Term::atom("tcp"), socket.clone(), data]))
}

fn bytes(pieces: &[Term]) -> Bytes {
    let mut whole = BytesMut::new();
    for piece in pieces {
        whole.extend_from_slice(&piece.iodata().unwrap_or_default());
    }
    whole.freeze()
}

/// `P ! Term`: P a process, a socket, a name, or a name on a node. A command waits while its port
/// is busy.
async fn send(to: &Term, message: &Term) -> CallResult {
    let actor = match (to, to.as_tuple()) {
        // An inactive reference is an address that leads nowhere.
        (Term::Handle(handle), _) => handle.actor(),
        (Term::Atom(name), _) => Some(runtime::whereis(&**name).ok_or_else(Raise::badarg)?),
        (_, Some([Term::Atom(name), Term::Atom(node)])) => {
            runtime::whereis(&**name).filter(|_| **node == *NODE)
        }
        _ => return Err(Raise::badarg()),
    };
    match actor {
        Some(ActorId::Process(pid)) => runtime::send(pid, message.clone()),
        // Any other than the message forms that a port knows is a bad signal.
        Some(ActorId::Port(port)) => {
            signal_port_async(port, port_signal(message).unwrap_or(PortSignal::Bad)).await;
        }
        None => {}
    }
    Ok(ok())
}

fn port_signal(message: &Term) -> Option<PortSignal> {
    let [owner, order] = message.as_tuple()? else {
        return None;
    };
    let owner = pid_of(owner)?;
    if order.is_atom("close") {
        return Some(PortSignal::Close(owner));
    }
    match order.as_tuple()? {
        [word, data] if word.is_atom("command") => {
            Some(PortSignal::Command(owner, data.iodata()?.to_vec()))
        }
        [word, Term::Handle(Handle::Pid(new))] if word.is_atom("connect") => {
            Some(PortSignal::Connect(owner, *new))
        }
        _ => None,
    }
}
