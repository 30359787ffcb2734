//! The calls on processes: spawning, exits, links, monitors, names, timers, and what a port says
//! of itself.
//!
//! Called by `perform`. Invariant: each is one call of the runtime's face in the current process,
//! with the checks in front of it that Erlang makes at run time and Rust at compile time; an
//! argument that fails them is `badarg`.

use std::sync::Arc;

use runtime::port::{self, port_exists, port_info};
use runtime::{ActorId, TimerTarget};

use super::super::actor::{Stage, body};
use super::super::convert::{self, Handle, NODE, Term, to_reason};
use super::{Answer, CallResult, Raise, actor_arg, millis, ok, pid_of, receive_time};

/// `spawn(b)`, `spawn_link(b)` and `spawn_monitor(b)`.
pub(super) fn spawn(function: &str, args: &[Term], stage: &Arc<Stage>) -> Option<Answer> {
    let [Term::Atom(name)] = args else {
        return None;
    };
    let child = body(stage.clone());
    let (pid, monitor) = match function {
        "spawn" => (runtime::spawn(child), None),
        "spawn_link" => (runtime::spawn_link(child), None),
        "spawn_monitor" => {
            let (pid, monitor) = runtime::spawn_monitor(child);
            (pid, Some(monitor))
        }
        _ => return None,
    };
    stage.note(pid);
    let result = match monitor {
        Some(monitor) => Term::tuple([convert::pid(pid), convert::reference(monitor)]),
        None => convert::pid(pid),
    };
    let name = name.to_string();
    Some(Answer::Born { name, pid, result })
}

/// All the others; `None` where the call is none of these.
pub(super) async fn call(function: &str, args: &[Term], stage: &Stage) -> Option<CallResult> {
    Some(match (function, args) {
        ("die", [why]) => runtime::exit(to_reason(why)).await,
        ("exit", [to, why]) => exit(to, why).await,
        ("trap_exit", [on]) => trap_exit(on),
        ("link", [to]) => link(to),
        ("unlink", [from]) => actor_arg(from).map(|from| {
            runtime::unlink(from);
            Term::boolean(true)
        }),
        ("links", []) => Ok(links(runtime::links(), stage)),
        ("monitor", [item]) => monitor(item),
        ("demonitor", [monitor]) => demonitor(monitor, &Term::list([])),
        ("demonitor", [monitor, options]) => demonitor(monitor, options),
        ("is_alive", [process]) => match pid_of(process) {
            Some(pid) => Ok(Term::boolean(runtime::is_alive(pid).await)),
            None => Err(Raise::badarg()),
        },
        ("self", []) => Ok(convert::pid(runtime::self_pid())),
        ("sleep", [time]) => match receive_time(time) {
            Ok(time) => {
                runtime::sleep(time).await;
                Ok(ok())
            }
            Err(raise) => Err(raise),
        },
        ("register", [name, actor]) => register(name, actor),
        ("unregister", [name]) => match name.as_atom() {
            Some(name) if runtime::unregister(name) => Ok(Term::boolean(true)),
            _ => Err(Raise::badarg()),
        },
        ("whereis", [name]) => match name.as_atom() {
            Some(name) => Ok(runtime::whereis(name).map_or_else(undefined, convert::actor)),
            None => Err(Raise::badarg()),
        },
        ("send_after", [time, to, message]) => timer(time, to, message, false),
        ("start_timer", [time, to, message]) => timer(time, to, message, true),
        ("cancel_timer", [timer]) => cancel_timer(timer),
        ("is_open", [port]) => {
            of_port(port).map(|port| Term::boolean(port.is_some_and(port_exists)))
        }
        ("owner", [port]) => of_port(port).map(owner),
        ("port_links", [port]) => of_port(port).map(|port| match port.and_then(port_info) {
            Some(info) => links(info.links.into_iter().map(ActorId::from).collect(), stage),
            // One that is flushing has told its links, and has none.
            None if port.is_some_and(port_exists) => links(Vec::new(), stage),
            None => undefined(),
        }),
        _ => return None,
    })
}

fn undefined() -> Term {
    Term::atom("undefined")
}

/// An exit signal to oneself acts before the call returns (L-4), here at the await.
async fn exit(to: &Term, why: &Term) -> CallResult {
    let to = actor_arg(to)?;
    runtime::exit_signal(to, to_reason(why));
    if to == runtime::self_pid() {
        runtime::yield_now().await;
    }
    Ok(Term::boolean(true))
}

fn trap_exit(on: &Term) -> CallResult {
    let on = on.as_bool().ok_or_else(Raise::badarg)?;
    Ok(Term::boolean(runtime::trap_exit(on)))
}

fn link(to: &Term) -> CallResult {
    match runtime::link(actor_arg(to)?) {
        Ok(()) => Ok(Term::boolean(true)),
        Err(runtime::NoProc) => Err(Raise::error(Term::atom("noproc"))),
    }
}

/// `{links,[...]}`, in Erlang's order.
fn links(mut actors: Vec<ActorId>, stage: &Stage) -> Term {
    stage.sort(&mut actors);
    let actors: Vec<Term> = actors.into_iter().map(convert::actor).collect();
    Term::tuple([Term::atom("links"), Term::list(actors)])
}

/// A pid, a port, a name, or a name on this node.
fn monitor(item: &Term) -> CallResult {
    let monitor = match (item, item.as_tuple()) {
        (Term::Handle(_), _) => runtime::monitor(actor_arg(item)?),
        (Term::Atom(name), _) => runtime::monitor(&**name),
        (_, Some([Term::Atom(name), node])) if node.is_atom(NODE) => runtime::monitor(&**name),
        _ => return Err(Raise::badarg()),
    };
    Ok(convert::reference(monitor))
}

/// With `info` the answer says whether the monitor was there. A timer's reference is none of a
/// monitor.
fn demonitor(monitor: &Term, options: &Term) -> CallResult {
    let options = options.elements().ok_or_else(Raise::badarg)?;
    let (mut flush, mut info) = (false, false);
    for option in options.iter() {
        match option.as_atom() {
            Some("flush") => flush = true,
            Some("info") => info = true,
            _ => return Err(Raise::badarg()),
        }
    }
    let active = match monitor.as_handle() {
        Some(Handle::Ref(monitor)) if flush => runtime::demonitor_flush(*monitor),
        Some(Handle::Ref(monitor)) => runtime::demonitor(*monitor),
        Some(Handle::Timer(_)) => false,
        _ => return Err(Raise::badarg()),
    };
    Ok(Term::boolean(active || !info))
}

fn register(name: &Term, actor: &Term) -> CallResult {
    let name = name.as_atom().ok_or_else(Raise::badarg)?;
    match runtime::register(name, actor_arg(actor)?) {
        Ok(()) => Ok(Term::boolean(true)),
        Err(_) => Err(Raise::badarg()),
    }
}

/// A timer for a process or a name, of a number of milliseconds that fits into 64 bits.
fn timer(time: &Term, to: &Term, message: &Term, wrapped: bool) -> CallResult {
    let time = time.as_int().filter(|ms| u64::try_from(*ms).is_ok());
    let time = millis(time.ok_or_else(Raise::badarg)?);
    let to = match (pid_of(to), to.as_atom()) {
        (Some(pid), _) => TimerTarget::from(pid),
        (None, Some(name)) => TimerTarget::from(name),
        (None, None) => return Err(Raise::badarg()),
    };
    let message = message.clone();
    let timer = match wrapped {
        true => runtime::start_timer(time, to, message),
        false => runtime::send_after(time, to, message),
    };
    Ok(Term::Handle(Handle::Timer(timer)))
}

fn cancel_timer(timer: &Term) -> CallResult {
    let left = match timer.as_handle() {
        Some(Handle::Timer(timer)) => runtime::cancel_timer(*timer),
        Some(Handle::Ref(_)) => None,
        _ => return Err(Raise::badarg()),
    };
    Ok(left.map_or_else(|| Term::boolean(false), |_| Term::atom("left")))
}

/// The port that `port_info` of Erlang is asked for: by itself, or by its name.
fn of_port(term: &Term) -> Result<Option<runtime::PortId>, Raise> {
    match (super::port_of(term), term.as_atom()) {
        (Some(port), _) => Ok(Some(port)),
        (None, Some(name)) => Ok(runtime::whereis(name).and_then(ActorId::port)),
        (None, None) => Err(Raise::badarg()),
    }
}

fn owner(port: Option<runtime::PortId>) -> Term {
    match port.and_then(port::owner) {
        Some(owner) => Term::tuple([Term::atom("connected"), convert::pid(owner)]),
        None => undefined(),
    }
}
