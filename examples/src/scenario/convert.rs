//! Between the runtime and terms: handles, exit reasons, and the messages of a mailbox.
//!
//! The calls in `ops` make their results with it, the coordinator its `DIED` lines. What gen_tcp
//! delivers is in `socket`.
//!
//! Invariants:
//! 1. A term sent as a message, an exit reason or a timer's message comes back as an equal term.
//! 2. Every message has a term: what is none of the runtime's, gen_tcp's or a scenario's own shows
//!    the name of its type.
//!
//! Left out: the names that handles print as.

pub(super) mod socket;

use runtime::port::PortReply;
use runtime::{ActorId, Down, Exit, Item, Message, Pid, PortId, Reason, Ref, Timeout, TimerRef};

use super::term::Term as GenericTerm;

/// A term of a running scenario.
pub(super) type Term = GenericTerm<Handle>;

/// What a scenario holds of the runtime. Erlang's timers are references; ours have a type of their
/// own, and the calls that take a reference take both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Handle {
    Pid(Pid),
    Port(PortId),
    Ref(Ref),
    Timer(TimerRef),
}

impl Handle {
    /// The process or port that it denotes.
    pub(super) fn actor(self) -> Option<ActorId> {
        match self {
            Handle::Pid(pid) => Some(pid.into()),
            Handle::Port(port) => Some(port.into()),
            Handle::Ref(_) | Handle::Timer(_) => None,
        }
    }
}

impl From<ActorId> for Handle {
    fn from(actor: ActorId) -> Self {
        match actor {
            ActorId::Process(pid) => Handle::Pid(pid),
            ActorId::Port(port) => Handle::Port(port),
        }
    }
}

/// The term of a handle.
pub(super) fn pid(pid: Pid) -> Term {
    Term::Handle(Handle::Pid(pid))
}

/// The term of a handle.
pub(super) fn port(port: PortId) -> Term {
    Term::Handle(Handle::Port(port))
}

/// The term of a handle.
pub(super) fn actor(actor: ActorId) -> Term {
    Term::Handle(actor.into())
}

/// The term of a handle.
pub(super) fn reference(reference: Ref) -> Term {
    Term::Handle(Handle::Ref(reference))
}

/// A term as an exit reason.
#[derive(Clone, PartialEq, Debug)]
struct TermReason(Term);

/// The exit reason that a script writes.
pub(super) fn to_reason(term: &Term) -> Reason {
    match term.as_atom() {
        Some("normal") => Reason::Normal,
        Some("shutdown") => Reason::Shutdown,
        Some("kill") => Reason::Kill,
        Some("killed") => Reason::Killed,
        Some("noproc") => Reason::NoProc,
        Some("badsig") => Reason::BadSig,
        Some("system_limit") => Reason::SystemLimit,
        _ => Reason::custom(TermReason(term.clone())),
    }
}

/// An exit reason as a script sees it. A panic and an error have no twin in Erlang; they show as
/// `{panic,Text}` and `{error,Text}`.
pub(super) fn from_reason(reason: &Reason) -> Term {
    if let Some(TermReason(term)) = reason.downcast_ref() {
        return term.clone();
    }
    let text = |tag: &str, text: String| Term::tuple([Term::atom(tag), Term::string(text)]);
    match reason {
        Reason::Panic(message) => text("panic", message.to_string()),
        Reason::Error(error) => text("error", error.to_string()),
        word => Term::atom(word.to_string()),
    }
}

/// A message as a script sees it.
pub(super) fn from_message(message: Message) -> Term {
    fn open<T: 'static>(message: Message, to: impl FnOnce(T) -> Term) -> Result<Term, Message> {
        message.downcast::<T>().map(to)
    }
    let name = message.type_name();
    open(message, |term: Term| term)
        .or_else(|message| open(message, from_exit))
        .or_else(|message| open(message, from_down))
        .or_else(|message| open(message, from_timeout))
        .or_else(|message| open(message, from_port_reply))
        .or_else(|message| open(message, socket::from_tcp))
        .unwrap_or_else(|_| Term::tuple([Term::atom("unknown"), Term::string(name)]))
}

fn from_exit(exit: Exit) -> Term {
    let reason = from_reason(&exit.reason);
    Term::tuple([Term::atom("EXIT"), actor(exit.from), reason])
}

fn from_down(down: Down) -> Term {
    let reason = from_reason(&down.reason);
    let (kind, item) = match down.item {
        Item::Process(id) => ("process", pid(id)),
        // OTP names the type right only where the reason fits into a machine word: beside any
        // other it calls the port a process. The runtime knows what it is; the transcript says
        // what OTP says.
        Item::Port(id) if is_immediate(&reason) => ("port", port(id)),
        Item::Port(id) => ("process", port(id)),
        Item::Name(name) => {
            let name = Term::atom(name.as_str());
            ("process", Term::tuple([name, Term::atom(NODE)]))
        }
    };
    let (tag, monitor) = (Term::atom("DOWN"), reference(down.monitor));
    Term::tuple([tag, monitor, Term::atom(kind), item, reason])
}

/// Whether Erlang keeps the term in one word.
fn is_immediate(term: &Term) -> bool {
    match term {
        Term::Atom(_) | Term::Handle(Handle::Pid(_) | Handle::Port(_)) => true,
        Term::Int(value) => (-(1 << 59)..1 << 59).contains(value),
        Term::List(elements) => elements.is_empty(),
        Term::Str(bytes) => bytes.is_empty(),
        _ => false,
    }
}

fn from_timeout(timeout: Timeout<Term>) -> Term {
    let timer = Term::Handle(Handle::Timer(timeout.timer));
    Term::tuple([Term::atom("timeout"), timer, timeout.message])
}

fn from_port_reply(reply: PortReply) -> Term {
    let (id, word) = match reply {
        PortReply::Closed(id) => (id, "closed"),
        PortReply::Connected(id) => (id, "connected"),
    };
    Term::tuple([port(id), Term::atom(word)])
}

/// The node that names are on.
pub(super) const NODE: &str = "nonode@nohost";
