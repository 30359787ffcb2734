//! The target of an http request.
//!
//! What: sorts a target into the shapes that Erlang's http packets have (6.5).
//! Who calls it: the request line's parser.
//! Invariant: every target has a shape; what is none of the known ones stays a string.
//! Not here: percent signs, queries, the validity of host names.
//!
//! Kept as OTP has it: a target of one byte is a path, whatever the byte. Otherwise than in
//! OTP 25: an address in brackets is a host with its brackets, and the port behind it is found
//! (section 9, 30; OTP's later releases do the same).

use memchr::memchr;

use super::http::number;

/// The target of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Uri {
    /// `'*'`
    Star,
    /// `{abs_path,Path}`
    AbsPath(Vec<u8>),
    /// `{absoluteURI,http|https,Host,Port|undefined,Path}`
    Absolute {
        /// The scheme is https, not http.
        https: bool,
        /// Up to the port or the path, perhaps empty.
        host: Vec<u8>,
        /// `None` when it is missing, 0, or no number of 32 bits.
        port: Option<u32>,
        /// From the first slash; `/` when there is none.
        path: Vec<u8>,
    },
    /// `{scheme,Scheme,Rest}`: what stands before and behind the first colon.
    Scheme(Vec<u8>, Vec<u8>),
    /// Any other target.
    Other(Vec<u8>),
}

/// The shape of `target`.
pub(super) fn parse(target: &[u8]) -> Uri {
    if target == b"*" {
        return Uri::Star;
    }
    if target.len() <= 1 || target.starts_with(b"/") {
        return Uri::AbsPath(target.to_vec());
    }
    if let Some(rest) = without_scheme(target, b"http://") {
        return absolute(rest, false);
    }
    if let Some(rest) = without_scheme(target, b"https://") {
        return absolute(rest, true);
    }
    match split_at_byte(target, b':') {
        Some((scheme, colon_rest)) => Uri::Scheme(scheme.to_vec(), colon_rest[1..].to_vec()),
        None => Uri::Other(target.to_vec()),
    }
}

/// What follows the scheme, in whatever case that is written.
fn without_scheme<'a>(target: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (front, rest) = target.split_at_checked(scheme.len())?;
    front.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// `Host[:Port][/Path]`
fn absolute(rest: &[u8], https: bool) -> Uri {
    let (authority, path) = split_at_byte(rest, b'/').unwrap_or((rest, b"/"));
    let (host, port) = host_and_port(authority);
    Uri::Absolute {
        https,
        host: host.to_vec(),
        port,
        path: path.to_vec(),
    }
}

fn host_and_port(authority: &[u8]) -> (&[u8], Option<u32>) {
    let Some((mut host, mut port)) = split_at_byte(authority, b':') else {
        return (authority, None);
    };
    // An address in brackets has colons of its own.
    if authority.starts_with(b"[")
        && let Some(bracket) = memchr(b']', authority)
    {
        (host, port) = authority.split_at(bracket + 1);
    }
    let port = port.strip_prefix(b":").and_then(number);
    (host, port.filter(|&port| port != 0))
}

/// What stands before the first `byte`, and the rest that begins with it.
fn split_at_byte(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    memchr(byte, text).map(|at| text.split_at(at))
}
