//! Options of sockets: terms to `Opt` and back.
//!
//! Called by the calls of `socket`. Option terms that no `Opt` can be made of become
//! `Opt::Unknown`: gen_tcp then refuses the list as it refuses any other bad one, `exit(badarg)`
//! in connect and listen, `einval` in setopts. What is wrong in another way is answered by the one
//! table in `odd`.
//!
//! Invariant: an option that getopts gives reads back as the term that set it, but for `raw` and
//! `ssl`, which Erlang renames. Left out: `fd`, because a script has no descriptors to lend: a
//! number is refused like an unknown option.

use std::os::unix::ffi::OsStringExt;

use bytes::Bytes;
use gen_tcp::{Active, Address, Backend, Deliver, Family, Mode, Name, Opt, PacketType, Protocol};

use super::super::convert::Term;
use super::odd::{Odd, inexpressible};
use super::{CallResult, address};

/// The options of listen. As in Erlang, of several backlogs only the last one is looked at.
pub(super) fn for_listen(terms: &[Term]) -> Result<Vec<Opt>, Odd<'static>> {
    if has_odd_backend(terms) {
        return Err(Odd::Backend);
    }
    if let Some(module) = odd_module(terms) {
        let atom = module.as_atom().is_some();
        return Err(Odd::ListenModule { atom });
    }
    let (backlogs, others): (Vec<&Term>, Vec<&Term>) =
        terms.iter().partition(|term| backlog(term).is_some());
    let mut options = options(others);
    if let Some(last) = backlogs.last() {
        let is_known = options
            .iter()
            .all(|option| !matches!(option, Opt::Unknown(_)));
        match option(last) {
            Opt::Unknown(_) if is_known => return Err(Odd::ListenBacklog),
            backlog => options.push(backlog),
        }
    }
    Ok(options)
}

fn backlog(term: &Term) -> Option<&Term> {
    value_of("backlog", term)
}

fn value_of<'a>(option: &str, term: &'a Term) -> Option<&'a Term> {
    match term.as_tuple() {
        Some([name, value]) if name.is_atom(option) => Some(value),
        _ => None,
    }
}

/// The implementation is looked at before anything else, where it stands first.
fn has_odd_backend(terms: &[Term]) -> bool {
    let first = terms
        .first()
        .and_then(|term| value_of("inet_backend", term));
    first.is_some_and(|value| !matches!(value.as_atom(), Some("inet" | "socket")))
}

/// The first module of the list, where it is none of the three.
fn odd_module(terms: &[Term]) -> Option<&Term> {
    let module = terms.iter().find_map(|term| value_of("tcp_module", term))?;
    let known = matches!(
        module.as_atom(),
        Some("inet_tcp" | "inet6_tcp" | "local_tcp")
    );
    (!known).then_some(module)
}

/// The options of connect.
pub(super) fn for_connect(term: &Term) -> Result<Vec<Opt>, CallResult> {
    let terms = term
        .elements()
        .ok_or_else(|| inexpressible(Odd::ConnectOptions))?;
    if has_odd_backend(&terms) {
        return Err(inexpressible(Odd::Backend));
    }
    match odd_module(&terms) {
        Some(Term::Atom(_)) => Err(inexpressible(Odd::ConnectModule)),
        _ => Ok(options(terms.iter())),
    }
}

/// The options of setopts.
pub(super) fn for_setopts(term: &Term) -> Result<Vec<Opt>, CallResult> {
    let rest = match term {
        Term::Improper(_, tail) => tail,
        other => other,
    };
    let terms = term
        .elements()
        .ok_or_else(|| inexpressible(Odd::SetoptsOptions(rest)))?;
    Ok(terms.iter().map(option).collect())
}

fn options<'a>(terms: impl IntoIterator<Item = &'a Term>) -> Vec<Opt> {
    let terms = terms.into_iter().filter(|term| !is_no_fd(term));
    terms.map(option).collect()
}

/// `{fd,foo}` and `{fd,-1}`: no descriptor, and no error either in connect and listen (CON-16,
/// LIS-4).
fn is_no_fd(term: &Term) -> bool {
    match term.as_tuple() {
        Some([name, value]) => name.is_atom("fd") && value.as_int().is_none_or(|fd| fd < 0),
        _ => false,
    }
}

/// The names that getopts is asked for.
pub(super) fn names(term: &Term) -> Result<Vec<Name>, CallResult> {
    let terms = term.elements().ok_or_else(|| inexpressible(Odd::Names))?;
    Ok(terms.iter().map(name).collect())
}

/// The name of an option, and what makes one of a value.
type Row<V> = (&'static str, fn(V) -> Opt);

/// Options whose value is true or false.
const FLAGS: [Row<bool>; 19] = [
    ("exit_on_close", Opt::ExitOnClose),
    ("show_econnreset", Opt::ShowEconnreset),
    ("send_timeout_close", Opt::SendTimeoutClose),
    ("delay_send", Opt::DelaySend),
    ("read_ahead", Opt::ReadAhead),
    ("debug", Opt::Debug),
    ("nodelay", Opt::Nodelay),
    ("nopush", Opt::Nopush),
    ("keepalive", Opt::Keepalive),
    ("reuseaddr", Opt::Reuseaddr),
    ("reuseport", Opt::Reuseport),
    ("reuseport_lb", Opt::ReuseportLb),
    ("exclusiveaddruse", Opt::Exclusiveaddruse),
    ("recvtos", Opt::Recvtos),
    ("recvttl", Opt::Recvttl),
    ("recvtclass", Opt::Recvtclass),
    ("ipv6_v6only", Opt::Ipv6V6only),
    ("dontroute", Opt::Dontroute),
    ("active", |on| {
        Opt::Active(if on { Active::True } else { Active::False })
    }),
];

/// Options whose value is a number.
const NUMBERS: [Row<i64>; 20] = [
    ("packet_size", Opt::PacketSize),
    ("line_delimiter", Opt::LineDelimiter),
    ("header", Opt::Header),
    ("buffer", Opt::Buffer),
    ("high_watermark", Opt::HighWatermark),
    ("low_watermark", Opt::LowWatermark),
    ("high_msgq_watermark", Opt::HighMsgqWatermark),
    ("low_msgq_watermark", Opt::LowMsgqWatermark),
    ("recbuf", Opt::Recbuf),
    ("sndbuf", Opt::Sndbuf),
    ("keepidle", Opt::Keepidle),
    ("keepintvl", Opt::Keepintvl),
    ("keepcnt", Opt::Keepcnt),
    ("user_timeout", Opt::UserTimeout),
    ("tos", Opt::Tos),
    ("tclass", Opt::Tclass),
    ("ttl", Opt::Ttl),
    ("priority", Opt::Priority),
    ("backlog", Opt::Backlog),
    ("port", Opt::Port),
];

/// Options whose value is one of some words, with the words.
const WORDS: [(&str, &str, Opt); 32] = [
    ("mode", "list", Opt::Mode(Mode::List)),
    ("mode", "binary", Opt::Mode(Mode::Binary)),
    ("active", "once", Opt::Active(Active::Once)),
    ("deliver", "term", Opt::Deliver(Deliver::Term)),
    ("deliver", "port", Opt::Deliver(Deliver::Port)),
    ("packet", "raw", Opt::Packet(PacketType::Raw)),
    ("packet", "asn1", Opt::Packet(PacketType::Asn1)),
    ("packet", "cdr", Opt::Packet(PacketType::Cdr)),
    ("packet", "sunrm", Opt::Packet(PacketType::Sunrm)),
    ("packet", "fcgi", Opt::Packet(PacketType::Fcgi)),
    ("packet", "tpkt", Opt::Packet(PacketType::Tpkt)),
    ("packet", "line", Opt::Packet(PacketType::Line)),
    // The first of the two is what getopts says.
    ("packet", "ssl", Opt::Packet(PacketType::SslTls)),
    ("packet", "ssl_tls", Opt::Packet(PacketType::SslTls)),
    ("packet", "http", Opt::Packet(PacketType::Http)),
    ("packet", "httph", Opt::Packet(PacketType::Httph)),
    ("packet", "http_bin", Opt::Packet(PacketType::HttpBin)),
    ("packet", "httph_bin", Opt::Packet(PacketType::HttphBin)),
    ("send_timeout", "infinity", Opt::SendTimeout(None)),
    ("ip", "any", Opt::Ip(Address::Any)),
    ("ip", "undefined", Opt::Ip(Address::Any)),
    ("ip", "loopback", Opt::Ip(Address::Loopback)),
    ("ifaddr", "any", Opt::Ip(Address::Any)),
    ("ifaddr", "undefined", Opt::Ip(Address::Any)),
    ("ifaddr", "loopback", Opt::Ip(Address::Loopback)),
    ("protocol", "tcp", Opt::Protocol(Protocol::Tcp)),
    ("protocol", "mptcp", Opt::Protocol(Protocol::Mptcp)),
    ("tcp_module", "inet_tcp", Opt::TcpModule(Family::Inet)),
    ("tcp_module", "inet6_tcp", Opt::TcpModule(Family::Inet6)),
    ("tcp_module", "local_tcp", Opt::TcpModule(Family::Local)),
    ("inet_backend", "inet", Opt::InetBackend(Backend::Inet)),
    ("inet_backend", "socket", Opt::InetBackend(Backend::Socket)),
];

/// An option term as an option.
fn option(term: &Term) -> Opt {
    const UNKNOWN: Opt = Opt::Unknown("option");
    let (name, value) = match (term, term.as_tuple()) {
        (Term::Atom(word), _) => return bare(word).unwrap_or(UNKNOWN),
        (_, Some([Term::Atom(name), value])) => (&**name, value),
        (_, Some([tag, level, option, value])) if tag.is_atom("raw") => {
            return raw(level, option, value).unwrap_or(UNKNOWN);
        }
        _ => return UNKNOWN,
    };
    let option = match value {
        // Erlang hands a backlog on as it is, and there a flag is a number.
        Term::Atom(_) if name == "backlog" => value.as_bool().map(|on| Opt::Backlog(on.into())),
        Term::Atom(word) => flag(name, value.as_bool()).or_else(|| worded(name, word)),
        Term::Int(value) => number(name, i64::try_from(*value).unwrap_or(i64::MAX)),
        value => shaped(name, value),
    };
    option.unwrap_or(UNKNOWN)
}

/// `binary`, `inet6` and the like.
fn bare(word: &str) -> Option<Opt> {
    Some(match word {
        "list" => Opt::Mode(Mode::List),
        "binary" => Opt::Mode(Mode::Binary),
        "inet" => Opt::Family(Family::Inet),
        "inet6" => Opt::Family(Family::Inet6),
        "local" => Opt::Family(Family::Local),
        _ => return None,
    })
}

fn flag(name: &str, on: Option<bool>) -> Option<Opt> {
    let (_, make) = FLAGS.iter().find(|(flag, _)| *flag == name)?;
    Some(make(on?))
}

fn worded(name: &str, word: &str) -> Option<Opt> {
    let (_, _, option) = WORDS
        .into_iter()
        .find(|(n, w, _)| (*n, *w) == (name, word))?;
    Some(option)
}

fn number(name: &str, value: i64) -> Option<Opt> {
    match name {
        "active" => Some(Opt::Active(Active::N(value))),
        "packet" => NUMBERED
            .iter()
            .find(|(n, _)| *n == value)
            .map(|(_, kind)| Opt::Packet(*kind)),
        "send_timeout" => Some(Opt::SendTimeout(Some(value))),
        _ => {
            let (_, make) = NUMBERS.iter().find(|(number, _)| *number == name)?;
            Some(make(value))
        }
    }
}

/// Options whose value is a tuple, a binary, a string or a map.
fn shaped(name: &str, value: &Term) -> Option<Opt> {
    match (name, value) {
        ("linger", Term::Tuple(pair)) => {
            let [on, Term::Int(seconds)] = &pair[..] else {
                return None;
            };
            let seconds = i64::try_from(*seconds).unwrap_or(i64::MAX);
            Some(Opt::Linger(on.as_bool()?, seconds))
        }
        ("bind_to_device", Term::Binary(device)) => Some(Opt::BindToDevice(device.to_vec())),
        ("netns", path) => {
            let path = path.iodata()?.to_vec();
            Some(Opt::Netns(std::ffi::OsString::from_vec(path).into()))
        }
        ("ip" | "ifaddr", value) => address::bound(value).map(Opt::Ip),
        _ => None,
    }
}

/// `{raw,Level,Option,Binary}`.
fn raw(level: &Term, option: &Term, value: &Term) -> Option<Opt> {
    let Term::Binary(value) = value else {
        return None;
    };
    let (level, option, value) = (int(level)?, int(option)?, value.to_vec());
    Some(Opt::Raw {
        level,
        option,
        value,
    })
}

fn int(term: &Term) -> Option<i32> {
    i32::try_from(term.as_int()?).ok()
}

/// A name for getopts: an atom, or `{raw,Level,Option,Size}` with a number or a binary of that
/// size.
fn name(term: &Term) -> Name {
    const UNKNOWN: Name = Name::Unknown("option");
    let raw = |level: &Term, option: &Term, size: &Term| {
        let size = match size {
            Term::Binary(bytes) => i64::try_from(bytes.len()).ok()?,
            size => i64::try_from(size.as_int()?).ok()?,
        };
        let (level, option) = (int(level)?, int(option)?);
        Some(Name::Raw {
            level,
            option,
            size,
        })
    };
    match (term, term.as_tuple()) {
        (Term::Atom(word), _) => plain_name(word).unwrap_or(UNKNOWN),
        (_, Some([tag, level, option, size])) if tag.is_atom("raw") => {
            raw(level, option, size).unwrap_or(UNKNOWN)
        }
        _ => UNKNOWN,
    }
}

fn plain_name(word: &str) -> Option<Name> {
    match word {
        "linger" => Some(Name::Linger),
        "bind_to_device" => Some(Name::BindToDevice),
        "netns" => Some(Name::Netns),
        "pktoptions" => Some(Name::Pktoptions),
        _ => {
            let option = flag(word, Some(false))
                .or_else(|| number(word, 0))
                .or_else(|| {
                    let found = WORDS.into_iter().find(|(name, ..)| *name == word);
                    found.map(|(_, _, option)| option)
                });
            option.map(|option| option.name())
        }
    }
}

/// An option as getopts gives it.
pub(super) fn to_term(option: &Opt) -> Term {
    let name = Term::atom(option.name().atom());
    if let Opt::Raw {
        level,
        option,
        value,
    } = option
    {
        let (level, option) = (Term::Int((*level).into()), Term::Int((*option).into()));
        return Term::tuple([
            name,
            level,
            option,
            Term::Binary(Bytes::from(value.clone())),
        ]);
    }
    Term::tuple([name, value(option)])
}

fn value(option: &Opt) -> Term {
    let int = |value: i64| Term::Int(value.into());
    match option {
        Opt::PacketSize(n)
        | Opt::LineDelimiter(n)
        | Opt::Header(n)
        | Opt::Buffer(n)
        | Opt::HighWatermark(n)
        | Opt::LowWatermark(n)
        | Opt::HighMsgqWatermark(n)
        | Opt::LowMsgqWatermark(n)
        | Opt::SendQueueLimit(n)
        | Opt::Recbuf(n)
        | Opt::Sndbuf(n)
        | Opt::Keepidle(n)
        | Opt::Keepintvl(n)
        | Opt::Keepcnt(n)
        | Opt::UserTimeout(n)
        | Opt::Tos(n)
        | Opt::Tclass(n)
        | Opt::Ttl(n)
        | Opt::Priority(n)
        | Opt::SendTimeout(Some(n))
        | Opt::Active(Active::N(n)) => int(*n),
        Opt::Linger(on, seconds) => Term::tuple([Term::boolean(*on), int(*seconds)]),
        Opt::BindToDevice(device) => Term::Binary(Bytes::from(device.clone())),
        Opt::Netns(path) => Term::string(path.as_os_str().as_encoded_bytes().to_vec()),
        Opt::Pktoptions(options) => Term::list(options.iter().map(to_term).collect::<Vec<_>>()),
        Opt::Packet(kind) => match NUMBERED.iter().find(|(_, known)| known == kind) {
            Some((n, _)) => int(*n),
            None => value_word(option),
        },
        option => value_word(option),
    }
}

/// `true`, `false`, or the first word that stands for the value.
fn value_word(option: &Opt) -> Term {
    let is = |(_, make): &Row<bool>, on: bool| make(on) == *option;
    if let Some(on) = [true, false]
        .into_iter()
        .find(|on| FLAGS.iter().any(|row| is(row, *on)))
    {
        return Term::boolean(on);
    }
    let word = WORDS.into_iter().find(|(_, _, known)| known == option);
    Term::atom(word.map_or("undefined", |(_, word, _)| word))
}

/// Packet types whose name is a number.
const NUMBERED: [(i64, PacketType); 4] = [
    (0, PacketType::Raw),
    (1, PacketType::One),
    (2, PacketType::Two),
    (4, PacketType::Four),
];
