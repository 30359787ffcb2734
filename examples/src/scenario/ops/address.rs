//! Addresses: the terms that Erlang writes them as, to those of gen_tcp.
//!
//! Called for the option `ip` and for the destination of connect. Invariant: a tuple with a number
//! that is out of range is no address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use gen_tcp::Address;

use super::super::convert::Term;

/// An address to bind to: a tuple of numbers, `{local,Path}`, or a sockaddr map.
pub(super) fn bound(term: &Term) -> Option<Address> {
    if let Some(path) = local_path(term) {
        return Some(Address::Local(path));
    }
    match term {
        Term::Map(pairs) => sockaddr(pairs),
        tuple => ip(tuple).map(Address::from),
    }
}

/// The path of `{local,Path}`.
pub(super) fn local_path(term: &Term) -> Option<Vec<u8>> {
    match term.as_tuple()? {
        [tag, path] if tag.is_atom("local") => Some(path.iodata()?.to_vec()),
        _ => None,
    }
}

/// The address that a tuple of four or eight numbers is.
pub(super) fn ip(term: &Term) -> Option<IpAddr> {
    let elements = term.as_tuple()?;
    let groups: Option<Vec<u16>> = elements
        .iter()
        .map(|element| u16::try_from(element.as_int()?).ok())
        .collect();
    let groups = groups?;
    if let Ok(groups) = <[u16; 8]>::try_from(&groups[..]) {
        return Some(Ipv6Addr::from(groups).into());
    }
    let octets: Option<Vec<u8>> = groups
        .iter()
        .map(|group| u8::try_from(*group).ok())
        .collect();
    let octets = <[u8; 4]>::try_from(octets?).ok()?;
    Some(Ipv4Addr::from(octets).into())
}

/// `#{family => inet, addr => Address, port => Port}`; for `local` it has a `path`.
fn sockaddr(pairs: &[(Term, Term)]) -> Option<Address> {
    let get = |key: &str| {
        let pair = pairs.iter().find(|(known, _)| known.is_atom(key));
        pair.map(|(_, value)| value)
    };
    let family = get("family")?.as_atom()?;
    if family == "local" {
        return Some(Address::Local(get("path")?.iodata()?.to_vec()));
    }
    let port = get("port").map_or(Some(0), |port| u16::try_from(port.as_int()?).ok())?;
    let ip: IpAddr = match (family, get("addr").and_then(Term::as_atom)) {
        ("inet", Some("any")) => Ipv4Addr::UNSPECIFIED.into(),
        ("inet", Some("loopback")) => Ipv4Addr::LOCALHOST.into(),
        ("inet6", Some("any")) => Ipv6Addr::UNSPECIFIED.into(),
        ("inet6", Some("loopback")) => Ipv6Addr::LOCALHOST.into(),
        _ => ip(get("addr")?)?,
    };
    match (family, ip) {
        ("inet", IpAddr::V4(_)) | ("inet6", IpAddr::V6(_)) => {
            Some(SocketAddr::new(ip, port).into())
        }
        _ => None,
    }
}
