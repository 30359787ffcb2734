//! Internet addresses as text, families, and the name of a socket's end (1.19).
//!
//! What: Erlang's `parse_address` and its kin, `ntoa`, and the two small types that every layer
//! above needs: [`Family`] and [`SocketName`].
//! Who calls it: users; the resolver, for names that are addresses; options and `io` for the types.
//! Invariant: what `ntoa` prints, `parse_strict_address` reads. No text panics.
//! Zones: Erlang keeps the zone of a link-local IPv6 address in its second group, and writes it
//! `%0` and the number: `fe80::1%03` is `{16#fe80,3,0,0,0,0,0,1}`. Any other zone is dropped. A
//! [`SocketName`] has it where the system wants it.
//! Not here: names and their resolution.

use core::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use crate::error::Error;

/// An address family.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
    /// Unix-domain.
    Local,
}

/// The name of one end of a socket (1.13).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SocketName {
    /// Address and port.
    Inet(SocketAddr),
    /// A path; a first byte 0 means an abstract name, the empty path no name.
    Local(Vec<u8>),
}

impl SocketName {
    /// The name of an address and port; a zone in Erlang's manner becomes the scope.
    pub(crate) fn inet(ip: IpAddr, port: u16) -> Self {
        Self::Inet(match ip {
            IpAddr::V4(_) => SocketAddr::new(ip, port),
            IpAddr::V6(ip) => {
                let mut groups = ip.segments();
                let mut scope = 0;
                if zoned(groups[0]) {
                    scope = u32::from(core::mem::take(&mut groups[1]));
                }
                SocketAddrV6::new(groups.into(), port, 0, scope).into()
            }
        })
    }

    /// The family that the name belongs to.
    #[cfg(test)]
    pub(crate) const fn family(&self) -> Family {
        match self {
            Self::Inet(SocketAddr::V4(_)) => Family::Inet,
            Self::Inet(SocketAddr::V6(_)) => Family::Inet6,
            Self::Local(_) => Family::Local,
        }
    }
}

/// `parse_address`: IPv4 in every notation of old, else IPv6.
///
/// # Errors
///
/// [`Error::Einval`] for text that is no address; so in all functions of this kind.
pub fn parse_address(text: &str) -> Result<IpAddr, Error> {
    match parse_ipv4_address(text) {
        Ok(ip) => Ok(ip.into()),
        Err(_) => parse_ipv6strict_address(text).map(Into::into),
    }
}

/// `parse_strict_address`: four decimal numbers, or IPv6.
///
/// # Errors
///
/// [`Error::Einval`].
pub fn parse_strict_address(text: &str) -> Result<IpAddr, Error> {
    match parse_ipv4strict_address(text) {
        Ok(ip) => Ok(ip.into()),
        Err(_) => parse_ipv6strict_address(text).map(Into::into),
    }
}

/// `parse_ipv4_address`: one to four numbers, each decimal, octal (`017`) or hexadecimal (`0xF`);
/// the last one fills all the bytes that are left.
///
/// # Errors
///
/// [`Error::Einval`].
pub fn parse_ipv4_address(text: &str) -> Result<Ipv4Addr, Error> {
    let mut leading = 0u32;
    let mut count = 0;
    let mut fields = text.split('.').peekable();
    while let Some(field) = fields.next() {
        let value = ipv4_number(field).ok_or(Error::Einval)?;
        if fields.peek().is_some() {
            if count == 3 || value > 0xFF {
                return Err(Error::Einval);
            }
            leading |= value << (24 - 8 * count);
            count += 1;
        } else {
            let fits = count == 0 || value >> (32 - 8 * count) == 0;
            return if fits {
                Ok((leading | value).into())
            } else {
                Err(Error::Einval)
            };
        }
    }
    Err(Error::Einval)
}

/// A number with its base in front, as C writes it. Zeros alone after `0x` are none in Erlang.
fn ipv4_number(field: &str) -> Option<u32> {
    let (digits, base, digits_max) = if let Some(digits) = field
        .strip_prefix("0x")
        .or_else(|| field.strip_prefix("0X"))
    {
        (digits.trim_start_matches('0'), 16, 8)
    } else if let Some(digits) = field.strip_prefix('0') {
        let digits = digits.trim_start_matches('0');
        (if digits.is_empty() { "0" } else { digits }, 8, 11)
    } else {
        (field, 10, 10)
    };
    // `from_str_radix` would take a sign.
    if digits.len() > digits_max || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, base).ok()
}

/// `parse_ipv4strict_address`: four decimal numbers.
///
/// # Errors
///
/// [`Error::Einval`].
pub fn parse_ipv4strict_address(text: &str) -> Result<Ipv4Addr, Error> {
    text.parse().map_err(|_| Error::Einval)
}

/// `parse_ipv6_address`: IPv6, or IPv4 in any notation, mapped.
///
/// # Errors
///
/// [`Error::Einval`].
pub fn parse_ipv6_address(text: &str) -> Result<Ipv6Addr, Error> {
    match parse_ipv4_address(text) {
        Ok(ip) => Ok(ip.to_ipv6_mapped()),
        Err(_) => parse_ipv6strict_address(text),
    }
}

/// `parse_ipv6strict_address`: IPv6 only. A zone is allowed on link-local addresses.
///
/// # Errors
///
/// [`Error::Einval`].
pub fn parse_ipv6strict_address(text: &str) -> Result<Ipv6Addr, Error> {
    let Some((address, zone)) = text.split_once('%') else {
        return text.parse().map_err(|_| Error::Einval);
    };
    let ip: Ipv6Addr = address.parse().map_err(|_| Error::Einval)?;
    let mut groups = ip.segments();
    if !zoned(groups[0]) || groups[1] != 0 || address.contains('.') {
        return Err(Error::Einval);
    }
    if let Some(digits) = zone.strip_prefix('0') {
        let number = digits.bytes().all(|byte| byte.is_ascii_digit());
        groups[1] = match digits.trim_start_matches('0') {
            _ if !number => return Err(Error::Einval),
            "" => 0,
            digits => digits.parse().map_err(|_| Error::Einval)?,
        };
    }
    Ok(groups.into())
}

/// `ntoa`: the address as text. The longest run of zeros, the first of equals, is `::`; mapped and
/// compatible addresses end in IPv4.
#[must_use]
pub fn ntoa(ip: IpAddr) -> String {
    let ip = match ip {
        IpAddr::V4(ip) => return ip.to_string(),
        IpAddr::V6(ip) => ip,
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "::".into(),
        [0, 0, 0, 0, 0, 0, 0, 1] => "::1".into(),
        [0, 0, 0, 0, 0, 0, high, low] => format!("::{}", tail(high, low)),
        [0, 0, 0, 0, 0, 0xFFFF, high, low] => format!("::ffff:{}", tail(high, low)),
        [first, zone, rest @ ..] if zoned(first) && zone != 0 => {
            let [a, b, c, d, e, f] = rest;
            format!("{}%0{zone}", compressed([first, 0, a, b, c, d, e, f]))
        }
        groups => compressed(groups),
    }
}

fn tail(high: u16, low: u16) -> Ipv4Addr {
    (u32::from(high) << 16 | u32::from(low)).into()
}

/// The groups with the longest run of at least two zeros left out.
fn compressed(groups: [u16; 8]) -> String {
    let mut run = 0..0;
    let mut start = 0;
    for (index, &group) in groups.iter().enumerate() {
        if group != 0 {
            start = index + 1;
        } else if index + 1 - start > run.len().max(1) {
            run = start..index + 1;
        }
    }
    let mut text = String::with_capacity(39);
    for (index, group) in groups.iter().enumerate() {
        if run.contains(&index) {
            if index == run.start {
                text.push_str("::");
            }
        } else {
            if index > 0 && index != run.end {
                text.push(':');
            }
            // Writing to a string does not fail.
            let _ = write!(text, "{group:x}");
        }
    }
    text
}

/// `ipv4_mapped_ipv6_address`, both ways; of an IPv6 address it takes the last 32 bits.
#[must_use]
pub fn ipv4_mapped_ipv6_address(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().into(),
        IpAddr::V6(ip) => {
            let [.., high, low] = ip.segments();
            tail(high, low).into()
        }
    }
}

/// `is_ip_address`: whether the numbers are an address of either family.
#[must_use]
pub fn is_ip_address(numbers: &[i64]) -> bool {
    is_ipv4_address(numbers) || is_ipv6_address(numbers)
}

/// `is_ipv4_address`: four numbers of 8 bits.
#[must_use]
pub fn is_ipv4_address(numbers: &[i64]) -> bool {
    numbers.len() == 4 && numbers.iter().all(|number| (0..=0xFF).contains(number))
}

/// `is_ipv6_address`: eight numbers of 16 bits.
#[must_use]
pub fn is_ipv6_address(numbers: &[i64]) -> bool {
    numbers.len() == 8 && numbers.iter().all(|number| (0..=0xFFFF).contains(number))
}

/// Whether addresses that begin so have a zone: link-local, unicast and multicast.
const fn zoned(first: u16) -> bool {
    matches!(first, 0xFE80 | 0xFF02)
}

#[cfg(test)]
mod tests;
