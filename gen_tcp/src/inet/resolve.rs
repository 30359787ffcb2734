//! Hosts, and their addresses (1.18, CON-9 to CON-12).
//!
//! What: [`Host`], what connect takes as its destination, and the blocking look-ups behind
//! `getaddrs` and `connect`, on the system's resolver.
//! Who calls it: the API, in a blocking job: an answer may take many seconds.
//! Invariant: only addresses of the family that was asked for, in the resolver's order, at least
//! one of them.
//! Not here: timeouts, threads, the simulated table of names, Unix-domain paths (nothing to
//! look up).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _};

use super::addr::{Family, parse_ipv4_address, parse_ipv6strict_address};
use crate::error::Error;

/// A destination.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// A host name, or an address as text.
    Name(String),
    /// A path of a Unix-domain socket; a first byte 0 means an abstract name (CON-14).
    Local(Vec<u8>),
    /// Erlang's `any`: leads to this machine, as 0.0.0.0 does (CON-12; part 9, row 25).
    Any,
    /// Erlang's `loopback` (part 9, row 25).
    Loopback,
}

impl Host {
    /// The path of a Unix-domain socket.
    pub fn local(path: impl Into<Vec<u8>>) -> Self {
        Self::Local(path.into())
    }

    /// The family, where the host is an address.
    pub(crate) const fn family(&self) -> Option<Family> {
        match self {
            Self::Ip(IpAddr::V4(_)) => Some(Family::Inet),
            Self::Ip(IpAddr::V6(_)) => Some(Family::Inet6),
            Self::Local(_) => Some(Family::Local),
            Self::Name(_) | Self::Any | Self::Loopback => None,
        }
    }
}

impl From<&str> for Host {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl From<String> for Host {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<&String> for Host {
    fn from(name: &String) -> Self {
        Self::Name(name.clone())
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

impl From<Ipv4Addr> for Host {
    fn from(ip: Ipv4Addr) -> Self {
        Self::Ip(ip.into())
    }
}

impl From<Ipv6Addr> for Host {
    fn from(ip: Ipv6Addr) -> Self {
        Self::Ip(ip.into())
    }
}

impl From<[u8; 4]> for Host {
    fn from(ip: [u8; 4]) -> Self {
        Self::Ip(ip.into())
    }
}

impl From<[u16; 8]> for Host {
    fn from(ip: [u16; 8]) -> Self {
        Self::Ip(ip.into())
    }
}

/// What the resolver says of a name (`#hostent{}`, 1.18).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Hostent {
    /// The name that was asked for.
    pub name: String,
    /// Other names: none, as the resolver is asked in a way that tells no others.
    pub aliases: Vec<String>,
    /// The family of the addresses.
    pub addrtype: Family,
    /// Bytes of an address: 4 or 16.
    pub length: usize,
    /// The addresses, at least one, in the resolver's order.
    pub addr_list: Vec<IpAddr>,
}

impl Hostent {
    pub(crate) fn new(name: &str, family: Family, addresses: Vec<IpAddr>) -> Result<Self, Error> {
        Ok(Self {
            name: name.to_owned(),
            aliases: Vec::new(),
            addrtype: family,
            length: match family {
                Family::Inet => 4,
                Family::Inet6 => 16,
                Family::Local => return Err(Error::Einval),
            },
            addr_list: addresses,
        })
    }
}

/// The addresses of a host in a family (1.18). Blocks, unless [`at_once`] answers.
///
/// # Errors
///
/// - [`Error::Eafnosupport`]: an address of the other family;
/// - [`Error::Nxdomain`]: no such name, or none with an address of the family;
/// - [`Error::Einval`]: no name at all (empty, with blanks or other than visible ASCII), a path;
/// - another posix reason where the system had no descriptor or memory for the question.
pub(crate) fn lookup(host: &Host, family: Family) -> Result<Vec<IpAddr>, Error> {
    match (at_once(host, family), host) {
        (Some(answer), _) => answer,
        (None, Host::Name(name)) => resolve(name, Some(family)),
        (None, _) => Err(Error::Einval),
    }
}

/// As [`lookup`], in both families.
pub(crate) fn lookup_either(host: &Host) -> Result<Vec<IpAddr>, Error> {
    match (either_at_once(host), host) {
        (Some(answer), _) => answer,
        (None, Host::Name(name)) => resolve(name, None),
        (None, _) => Err(Error::Einval),
    }
}

/// The answer of [`lookup_either`] where it needs no resolver.
pub(crate) fn either_at_once(host: &Host) -> Option<Result<Vec<IpAddr>, Error>> {
    let (inet6, inet) = (at_once(host, Family::Inet6)?, at_once(host, Family::Inet)?);
    Some(match (inet6, inet) {
        (Ok(all), Ok(more)) => Ok([all, more].concat()),
        (Ok(all), Err(_)) | (Err(_), Ok(all)) => Ok(all),
        (Err(_), Err(error)) => Err(error),
    })
}

/// The answer of [`lookup`] where it needs no resolver, and so does not block.
pub(crate) fn at_once(host: &Host, family: Family) -> Option<Result<Vec<IpAddr>, Error>> {
    let (any, loopback): (IpAddr, IpAddr) = match family {
        Family::Inet => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into()),
        Family::Inet6 => (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::LOCALHOST.into()),
        Family::Local => return Some(Err(Error::Einval)),
    };
    match host {
        Host::Any => Some(Ok(vec![any])),
        Host::Loopback => Some(Ok(vec![loopback])),
        Host::Local(_) => Some(Err(Error::Einval)),
        Host::Ip(ip) if ip.is_ipv4() == any.is_ipv4() => Some(Ok(vec![*ip])),
        Host::Ip(_) => Some(Err(Error::Eafnosupport)),
        Host::Name(name) if !visible(name) => Some(Err(Error::Einval)),
        Host::Name(name) => {
            let inet = parse_ipv4_address(name).map(IpAddr::from);
            let inet6 = parse_ipv6strict_address(name).map(IpAddr::from);
            let (own, other) = if any.is_ipv4() {
                (inet, inet6)
            } else {
                (inet6, inet)
            };
            match (own, other) {
                (Ok(ip), _) => Some(Ok(vec![ip])),
                (Err(_), Ok(_)) => Some(Err(Error::Nxdomain)),
                (Err(_), Err(_)) => None,
            }
        }
    }
}

/// What connect makes of the answer of [`lookup`]: an empty name is unknown, any other host that
/// is none is raised (CON-10).
pub(crate) fn in_connect(
    host: &Host,
    answer: Result<Vec<IpAddr>, Error>,
) -> Result<Vec<IpAddr>, Error> {
    answer.map_err(|error| match host {
        Host::Name(name) if name.is_empty() => Error::Nxdomain,
        _ => error.in_connect(),
    })
}

/// `gethostname`: the name of this machine, without the domain (1.20).
#[must_use]
pub fn gethostname() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// The system's resolver. It is asked for both families, as it is made to be.
fn resolve(name: &str, family: Option<Family>) -> Result<Vec<IpAddr>, Error> {
    let answer = (name, 0u16).to_socket_addrs();
    let starved = answer.as_ref().err().and_then(std::io::Error::raw_os_error);
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in answer.into_iter().flatten() {
        let ip = address.ip();
        let own = if ip.is_ipv4() {
            Family::Inet
        } else {
            Family::Inet6
        };
        if family.is_none_or(|family| family == own) && !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    match (addresses.is_empty(), starved.map(Error::from_errno)) {
        (false, _) => Ok(addresses),
        (true, Some(error @ (Error::Emfile | Error::Enfile | Error::Enomem))) => Err(error),
        // A machine may not know itself.
        (true, _) if name.eq_ignore_ascii_case(&gethostname()) => match family {
            Some(family) => lookup(&Host::Loopback, family),
            None => lookup_either(&Host::Loopback),
        },
        (true, _) => Err(Error::Nxdomain),
    }
}

/// Whether the name has something to it, and nothing but visible ASCII.
fn visible(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: [u8; 4] = [127, 0, 0, 1];
    const V6: [u16; 8] = [0, 0, 0, 0, 0, 0, 0, 1];

    fn inet(host: impl Into<Host>) -> Result<Vec<IpAddr>, Error> {
        lookup(&host.into(), Family::Inet)
    }

    fn inet6(host: impl Into<Host>) -> Result<Vec<IpAddr>, Error> {
        lookup(&host.into(), Family::Inet6)
    }

    #[test]
    fn an_address_is_itself_in_its_family() {
        assert_eq!(inet(V4), Ok(vec![V4.into()]));
        assert_eq!(inet(V6), Err(Error::Eafnosupport));
        assert_eq!(inet6(V6), Ok(vec![V6.into()]));
        assert_eq!(inet6(V4), Err(Error::Eafnosupport));
    }

    #[test]
    fn an_address_as_text_needs_no_resolver() {
        for text in ["127.0.0.1", "127.1", "0x7f.1"] {
            assert_eq!(inet(text), Ok(vec![V4.into()]));
            assert_eq!(inet6(text), Err(Error::Nxdomain));
            assert!(at_once(&text.into(), Family::Inet6).is_some());
        }
        for text in ["::1", "0:0:0:0:0:0:0:1"] {
            assert_eq!(inet6(text), Ok(vec![V6.into()]));
            assert_eq!(inet(text), Err(Error::Nxdomain));
        }
    }

    #[test]
    fn any_and_loopback_are_destinations() {
        assert_eq!(inet(Host::Any), Ok(vec![[0, 0, 0, 0].into()]));
        assert_eq!(inet(Host::Loopback), Ok(vec![V4.into()]));
        assert_eq!(inet6(Host::Loopback), Ok(vec![V6.into()]));
    }

    #[test]
    fn either_family_is_both() {
        let both = |host: &Host| lookup_either(host);
        assert_eq!(both(&V4.into()), Ok(vec![V4.into()]));
        assert_eq!(both(&"::1".into()), Ok(vec![V6.into()]));
        assert_eq!(both(&Host::Loopback), Ok(vec![V6.into(), V4.into()]));
        assert!(both(&"localhost".into()).is_ok_and(|all| all.contains(&V4.into())));
        assert_eq!(both(&".".into()), Err(Error::Nxdomain));
        assert_eq!(both(&"a b".into()), Err(Error::Einval));
        assert_eq!(both(&Host::local("x")), Err(Error::Einval));
    }

    #[test]
    fn what_is_no_name_is_einval_and_connect_raises() {
        for name in ["", "a b", "a\tb", " ", "h\u{e9}", "a\0b", "127.0.0.1 "] {
            let host = Host::from(name);
            let answer = lookup(&host, Family::Inet);
            assert_eq!(answer, Err(Error::Einval), "{name:?}");
            let expected = if name.is_empty() {
                Error::Nxdomain
            } else {
                Error::BadArg
            };
            assert_eq!(in_connect(&host, answer), Err(expected), "{name:?}");
        }
        let path = Host::local("x");
        assert_eq!(lookup(&path, Family::Inet), Err(Error::Einval));
        assert_eq!(lookup(&path, Family::Local), Err(Error::Einval));
        let answer = in_connect(&Host::Any, Err(Error::Nxdomain));
        assert_eq!(answer, Err(Error::Nxdomain));
    }

    #[test]
    fn names_are_resolved() {
        assert!(inet("localhost").unwrap().contains(&V4.into()));
        assert_eq!(inet("."), Err(Error::Nxdomain));
        assert_eq!(inet6("256.1.1.1"), Err(Error::Nxdomain));
        let own = gethostname();
        assert!(!own.contains('.'));
        assert!(own.is_empty() || inet(own.as_str()).is_ok());
    }
}
