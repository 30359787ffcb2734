//! The calls of the language, made in the process that a script names.
//!
//! `perform` finds the call by its name and the number of its arguments; the calls on processes
//! are in `process`, those that take or send messages in `mailbox`, those of gen_tcp in `socket`,
//! their options in `options`.
//!
//! Invariant: a call gives one answer, and one that cannot be made with its arguments is raised
//! with Erlang's class and reason. That is decided here, before the typed interface is called,
//! where that interface cannot express the argument at all.

mod address;
mod mailbox;
mod odd;
mod options;
mod process;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use runtime::{ActorId, Pid, PortId};

use super::actor::Stage;
use super::convert::{Handle, Term};
use super::transcript::Class;

pub(super) use socket::{is_socket_call, local_port};

/// How a call ended.
#[derive(Debug)]
pub(super) enum Answer {
    /// It returned.
    Returned(Term),
    /// It raised an exception.
    Raised(Class, Term),
    /// It made the process of this name.
    Born {
        /// The name.
        name: String,
        /// The process.
        pid: Pid,
        /// What the call returned.
        result: Term,
    },
}

/// What a call gives: its result, or what it raises.
type CallResult = Result<Term, Raise>;

/// An exception.
#[derive(Debug, PartialEq)]
struct Raise {
    class: Class,
    reason: Term,
}

impl Raise {
    fn error(reason: Term) -> Self {
        let class = Class::Error;
        Raise { class, reason }
    }

    fn exit(reason: Term) -> Self {
        let class = Class::Exit;
        Raise { class, reason }
    }

    fn badarg() -> Self {
        Raise::error(Term::atom("badarg"))
    }

    fn function_clause() -> Self {
        Raise::error(Term::atom("function_clause"))
    }
}

impl From<CallResult> for Answer {
    fn from(outcome: CallResult) -> Self {
        match outcome {
            Ok(result) => Answer::Returned(result),
            Err(Raise { class, reason }) => Answer::Raised(class, reason),
        }
    }
}

/// Makes a call in the current process. Does not return where the call ends the process.
pub(super) async fn perform(function: &str, args: &[Term], stage: &Arc<Stage>) -> Answer {
    if let Some(answer) = process::spawn(function, args, stage) {
        return answer;
    }
    if let Some(outcome) = process::call(function, args, stage).await {
        return outcome.into();
    }
    if let Some(outcome) = mailbox::call(function, args).await {
        return outcome.into();
    }
    if let Some(outcome) = socket::call(function, args, stage).await {
        return outcome.into();
    }
    Err(Raise::function_clause()).into()
}

/// Longer than any scenario.
const FOR_EVER: Duration = Duration::from_secs(1 << 30);

/// The largest time that a receive and a timer of Erlang take.
const RECEIVE_MS_MAX: i128 = u32::MAX as i128;

/// The time of a receive; `infinity` is as good as for ever.
fn receive_time(term: &Term) -> Result<Duration, Raise> {
    match (term.as_int(), term.as_atom()) {
        (Some(ms @ 0..=RECEIVE_MS_MAX), _) => Ok(millis(ms)),
        (_, Some("infinity")) => Ok(FOR_EVER),
        _ => Err(Raise::error(Term::atom("timeout_value"))),
    }
}

/// Milliseconds that are not negative.
fn millis(ms: i128) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX)).min(FOR_EVER)
}

/// The process or port of a handle; what is neither raises `badarg`.
fn actor_arg(term: &Term) -> Result<ActorId, Raise> {
    let actor = term.as_handle().and_then(|handle| handle.actor());
    actor.ok_or_else(Raise::badarg)
}

fn pid_of(term: &Term) -> Option<Pid> {
    match term.as_handle() {
        Some(Handle::Pid(pid)) => Some(*pid),
        _ => None,
    }
}

fn port_of(term: &Term) -> Option<PortId> {
    match term.as_handle() {
        Some(Handle::Port(port)) => Some(*port),
        _ => None,
    }
}

fn ok() -> Term {
    Term::atom("ok")
}
