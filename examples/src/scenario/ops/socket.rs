//! The calls of gen_tcp and inet.
//!
//! Called by `perform`; the coordinator asks for local ports. Invariants:
//! 1. Each is one call of gen_tcp's face in the current process, with the script's arguments.
//! 2. What the face cannot express is answered by the one table in `odd`, behind the one check
//!    that Erlang makes first: a closed socket is `closed` whatever the other arguments are.
//! 3. Errors that Erlang raises in connect and listen are raised, all others returned.
//!
//! Left out: names of services, `inet:info`, `fdopen`, `sendfile`.

use std::net::SocketAddr;
use std::time::Duration;

use gen_tcp::inet::{self, Host, SocketName, Stat};

use gen_tcp::{Data, Error, Family, How, Name, Opt, Socket};

use super::super::actor::Stage;
use super::super::convert::socket::{from_data, from_name, socket};
use super::super::convert::{self, Handle, Term};
use super::odd::{Odd, inexpressible};
use super::options;
use super::{CallResult, address, millis, ok, pid_of, port_of};

/// Whether a function needs the sockets of the system.
pub(in super::super) fn is_socket_call(function: &str) -> bool {
    SOCKET_CALLS.contains(&function)
}

const SOCKET_CALLS: [&str; 23] = [
    "listen",
    "connect",
    "connect_to",
    "accept",
    "send",
    "recv",
    "unrecv",
    "close",
    "shutdown",
    "controlling_process",
    "setopts",
    "getopts",
    "port",
    "peername",
    "sockname",
    "peernames",
    "socknames",
    "setpeername",
    "setsockname",
    "inet_close",
    "getstat",
    "monitor_socket",
    "cancel_monitor",
];

/// The local port of a socket, where it has one.
pub(in super::super) fn local_port(term: &Term) -> Option<u16> {
    inet::port(Socket::from_port(port_of(term)?)).ok()
}

/// Makes the call; `None` where it is none of these.
pub(super) async fn call(function: &str, args: &[Term], stage: &Stage) -> Option<CallResult> {
    let local = || Term::tuple([127, 0, 0, 1].map(Term::Int));
    let result = match (function, args) {
        ("listen", [port, options]) => listen(port, options, stage),
        ("connect", [port, options]) => connect(&local(), port, options, None, stage).await,
        ("connect", [port, options, time]) => {
            connect(&local(), port, options, Some(time), stage).await
        }
        ("connect_to", [host, port, options]) => connect(host, port, options, None, stage).await,
        ("connect_to", [host, port, options, time]) => {
            connect(host, port, options, Some(time), stage).await
        }
        ("cancel_monitor", [monitor]) => cancel_monitor(monitor),
        ("monitor_socket", [of]) => match port_of(of) {
            Some(port) => Ok(convert::reference(inet::monitor(Socket::from_port(port)))),
            None => inexpressible(Odd::Monitored),
        },
        // Whether the list is one is looked at before the socket is.
        ("setopts", [of, list]) => match options::for_setopts(list) {
            Ok(options) => with(of, |s| done(inet::setopts(s, options))),
            Err(answer) => answer,
        },
        (_, [of, rest @ ..]) => return of_socket(function, of, rest, stage).await,
        _ => return None,
    };
    Some(result)
}

/// The calls whose first argument is a socket, and that ask for nothing before it.
async fn of_socket(function: &str, of: &Term, rest: &[Term], stage: &Stage) -> Option<CallResult> {
    if !is_socket_call(function) {
        return None;
    }
    let Some(port) = port_of(of) else {
        return Some(inexpressible(Odd::Socket));
    };
    let s = Socket::from_port(port);
    Some(match (function, rest) {
        ("accept", []) => accepted(gen_tcp::accept(s).await, stage),
        ("accept", [time]) => accept_in(s, time, stage).await,
        ("send", [data]) => match data.iodata() {
            Some(data) => done(gen_tcp::send(s, data).await),
            None => odd(s, Odd::Data),
        },
        ("recv", [length]) => recv(s, length, None).await,
        ("recv", [length, time]) => recv(s, length, Some(time)).await,
        ("unrecv", [data]) => match data.iodata() {
            Some(data) => done(gen_tcp::unrecv(s, data)),
            None => odd(s, Odd::Data),
        },
        ("close", []) => done(gen_tcp::close(s).await),
        ("inet_close", []) => done(inet::close(s).await),
        ("shutdown", [how]) => match how_of(how) {
            Some(how) => done(gen_tcp::shutdown(s, how)),
            None => odd(s, Odd::Argument),
        },
        ("controlling_process", [to]) => match pid_of(to) {
            Some(to) => done(gen_tcp::controlling_process(s, to)),
            None => odd(s, Odd::Argument),
        },
        ("getopts", [names]) => match options::names(names) {
            Ok(names) => getopts(s, names),
            Err(answer) => answer,
        },
        ("port", []) => port_number(s),
        ("peername", []) => result(inet::peername(s).map(from_name)),
        ("sockname", []) => result(inet::sockname(s).map(from_name)),
        ("peernames", []) => result(inet::peernames(s).map(from_names)),
        ("socknames", []) => result(inet::socknames(s).map(from_names)),
        ("setpeername", [name]) => pretend(name, |name| inet::setpeername(s, name)),
        ("setsockname", [name]) => pretend(name, |name| inet::setsockname(s, name)),
        ("getstat", [items]) => getstat(s, items),
        _ => return None,
    })
}

fn from_names(names: Vec<SocketName>) -> Term {
    Term::list(names.into_iter().map(from_name).collect::<Vec<_>>())
}

/// Sets a name of an end: `undefined`, `{Address,Port}` or `{local,Path}`.
fn pretend(name: &Term, set: impl FnOnce(Option<SocketName>) -> Result<(), Error>) -> CallResult {
    match (name, name.as_tuple()) {
        (name, None) if name.is_atom("undefined") => done(set(None)),
        (name, Some([first, port])) => match address::local_path(name) {
            Some(path) => done(set(Some(SocketName::Local(path)))),
            None => match (address::ip(first), port_number_of(port)) {
                (Some(ip), Some(port)) => {
                    done(set(Some(SocketName::Inet(SocketAddr::new(ip, port)))))
                }
                _ => Ok(Term::error("einval")),
            },
        },
        _ => inexpressible(Odd::Argument),
    }
}

fn port_number_of(term: &Term) -> Option<u16> {
    u16::try_from(term.as_int()?).ok()
}

/// An answer of the table, where the socket is open.
fn odd(s: Socket, odd: Odd<'_>) -> CallResult {
    match inet::is_open(s) {
        true => inexpressible(odd),
        false => Ok(Term::error(Error::Closed.atom())),
    }
}

fn with(of: &Term, call: impl FnOnce(Socket) -> CallResult) -> CallResult {
    match port_of(of) {
        Some(port) => call(Socket::from_port(port)),
        None => inexpressible(Odd::Socket),
    }
}

/// `{ok,Value}` or `{error,Reason}`.
fn result(result: Result<Term, Error>) -> CallResult {
    Ok(result.map_or_else(|error| Term::error(error.atom()), Term::ok))
}

/// `ok` or `{error,Reason}`.
fn done(result: Result<(), Error>) -> CallResult {
    Ok(result.map_or_else(|error| Term::error(error.atom()), |()| ok()))
}

/// `{ok,Socket}` of connect and listen, whose bad options and arguments are raised (0.3, class 2).
fn opened(opened: Result<Socket, Error>, stage: &Stage) -> CallResult {
    match opened {
        Err(Error::BadArg | Error::BadOption(_)) => Err(super::Raise::exit(Term::atom("badarg"))),
        other => accepted(other, stage),
    }
}

fn accepted(accepted: Result<Socket, Error>, stage: &Stage) -> CallResult {
    if let Ok(s) = accepted {
        stage.note(s);
    }
    result(accepted.map(socket))
}

fn listen(port: &Term, options: &Term, stage: &Stage) -> CallResult {
    let Some(options) = options.elements() else {
        return inexpressible(Odd::ListenOptions);
    };
    let port = match port {
        Term::Int(number) => u16::try_from(*number).map_err(|_| Odd::ListenPortNumber),
        Term::Atom(_) => Err(Odd::ListenPortNumber),
        _ => Err(Odd::ListenPort),
    };
    match port.and_then(|port| Ok((port, options::for_listen(&options)?))) {
        Ok((port, options)) => opened(gen_tcp::listen(port, options), stage),
        Err(odd) => inexpressible(odd),
    }
}

async fn connect(
    host: &Term,
    port: &Term,
    options: &Term,
    time: Option<&Term>,
    stage: &Stage,
) -> CallResult {
    // A listening socket stands for its port.
    let port = match port_of(port).map(|port| inet::port(Socket::from_port(port))) {
        Some(Ok(port)) => Term::Int(port.into()),
        Some(Err(error)) => {
            let reason = [Term::atom("badmatch"), Term::error(error.atom())];
            return Err(super::Raise::error(Term::tuple(reason)));
        }
        None => port.clone(),
    };
    let limit = match time.map(limit) {
        None | Some(Some(Limit::Infinity)) => None,
        Some(Some(Limit::Time(time))) => Some(time),
        Some(Some(Limit::Negative) | None) => return inexpressible(Odd::ConnectTime),
    };
    let options = match options::for_connect(options) {
        Ok(options) => options,
        Err(answer) => return answer,
    };
    match destination(host, &port, &options) {
        Ok((host, port)) => {
            let connected = match limit {
                Some(limit) => gen_tcp::connect_timeout(host, port, options, limit).await,
                None => gen_tcp::connect(host, port, options).await,
            };
            opened(connected, stage)
        }
        Err(odd) => inexpressible(odd),
    }
}

/// Where a connect goes to.
fn destination(host: &Term, port: &Term, options: &[Opt]) -> Result<(Host, u16), Odd<'static>> {
    let is_local = options.contains(&Opt::Family(Family::Local));
    let host = match host {
        Term::Atom(word) if **word == *"any" => Host::Any,
        Term::Atom(word) if **word == *"loopback" => Host::Loopback,
        Term::Atom(name) => Host::Name(name.to_string()),
        Term::Tuple(_) => match (address::ip(host), address::local_path(host)) {
            (Some(ip), _) => Host::Ip(ip),
            (None, Some(path)) => Host::Local(path),
            (None, None) => return Err(Odd::ConnectHost),
        },
        Term::List(_) | Term::Str(_) => {
            let name = host.as_string().ok_or(Odd::ConnectHost)?;
            Host::Name(String::from_utf8(name.to_vec()).map_err(|_| Odd::ConnectHost)?)
        }
        _ => return Err(Odd::ConnectHostKind),
    };
    let port = match port {
        Term::Int(number) => u16::try_from(*number).map_err(|_| Odd::ConnectPort)?,
        Term::Atom(_) => return Err(Odd::ConnectService),
        _ => return Err(Odd::ConnectPort),
    };
    match host {
        Host::Local(_) if port != 0 => Err(Odd::ConnectLocalPort),
        Host::Ip(_) if is_local => Err(Odd::ConnectLocalFamily),
        host => Ok((host, port)),
    }
}

/// A time limit as it stands in a script.
enum Limit {
    Infinity,
    Time(Duration),
    /// In accept and recv Erlang waits for ever (ACC-5, RCV-7), and so do these calls here.
    Negative,
}

fn limit(term: &Term) -> Option<Limit> {
    match (term.as_int(), term.as_atom()) {
        (Some(ms @ 0..), _) => Some(Limit::Time(millis(ms))),
        (Some(_), _) => Some(Limit::Negative),
        (_, Some("infinity")) => Some(Limit::Infinity),
        _ => None,
    }
}

async fn accept_in(s: Socket, time: &Term, stage: &Stage) -> CallResult {
    match limit(time) {
        Some(Limit::Time(time)) => accepted(gen_tcp::accept_timeout(s, time).await, stage),
        Some(Limit::Infinity | Limit::Negative) => accepted(gen_tcp::accept(s).await, stage),
        None => odd(s, Odd::Argument),
    }
}

async fn recv(s: Socket, length: &Term, time: Option<&Term>) -> CallResult {
    let length = length.as_int().filter(|length| *length >= 0);
    let limit = time.map_or(Some(Limit::Infinity), limit);
    let (Some(length), Some(limit)) = (length, limit) else {
        return odd(s, Odd::Argument);
    };
    // What is too long for a length is too long for memory.
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let received: Result<Data, Error> = match limit {
        Limit::Time(time) => gen_tcp::recv_timeout(s, length, time).await,
        Limit::Infinity | Limit::Negative => gen_tcp::recv(s, length).await,
    };
    result(received.map(|data| from_data(s, data)))
}

fn how_of(term: &Term) -> Option<How> {
    match term.as_atom()? {
        "read" => Some(How::Read),
        "write" => Some(How::Write),
        "read_write" => Some(How::ReadWrite),
        _ => None,
    }
}

fn getopts(s: Socket, names: Vec<Name>) -> CallResult {
    let options = inet::getopts(s, names);
    result(options.map(|options| {
        let terms: Vec<Term> = options.iter().map(options::to_term).collect();
        Term::list(terms)
    }))
}

/// `{ok,Number}`; of a local socket `{ok,Path}` (1.13).
fn port_number(s: Socket) -> CallResult {
    if let Ok(SocketName::Local(path)) = inet::sockname(s) {
        return Ok(Term::ok(Term::Binary(path.into())));
    }
    result(inet::port(s).map(|port| Term::Int(port.into())))
}

fn getstat(s: Socket, items: &Term) -> CallResult {
    let stats = match items {
        Term::Improper(..) => None,
        items => match items.elements() {
            Some(items) => items.iter().map(stat).collect::<Option<Vec<Stat>>>(),
            None => return inexpressible(Odd::Names),
        },
    };
    let Some(items) = stats else {
        return inexpressible(Odd::UnknownStat);
    };
    result(inet::getstat(s, items).map(|values| {
        let pair = |(item, value): (Stat, u64)| {
            Term::tuple([Term::atom(stat_name(item)), Term::Int(value.into())])
        };
        let pairs: Vec<Term> = values.into_iter().map(pair).collect();
        Term::list(pairs)
    }))
}

const STATS: [(&str, Stat); 10] = [
    ("recv_oct", Stat::RecvOct),
    ("recv_cnt", Stat::RecvCnt),
    ("recv_max", Stat::RecvMax),
    ("recv_avg", Stat::RecvAvg),
    ("recv_dvi", Stat::RecvDvi),
    ("send_oct", Stat::SendOct),
    ("send_cnt", Stat::SendCnt),
    ("send_max", Stat::SendMax),
    ("send_avg", Stat::SendAvg),
    ("send_pend", Stat::SendPend),
];

fn stat(term: &Term) -> Option<Stat> {
    let name = term.as_atom()?;
    STATS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, stat)| *stat)
}

fn stat_name(stat: Stat) -> &'static str {
    STATS
        .iter()
        .find(|(_, known)| *known == stat)
        .map_or("unknown", |(name, _)| name)
}

fn cancel_monitor(monitor: &Term) -> CallResult {
    match monitor.as_handle() {
        Some(Handle::Ref(monitor)) => Ok(Term::boolean(inet::cancel_monitor(*monitor))),
        Some(Handle::Timer(_)) => Ok(Term::boolean(false)),
        _ => inexpressible(Odd::Monitored),
    }
}
