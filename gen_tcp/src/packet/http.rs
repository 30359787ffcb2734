//! http: start lines and header lines, one packet each.
//!
//! What: finds the end of a line ([`line_end`]) and takes it apart ([`parse`]).
//! Who calls it: the decoder, which keeps the state between lines.
//! Invariant: no byte is searched twice; a line that cannot be understood becomes
//! [`HttpPacket::Error`] and never a refusal (HTP-7). Only its length is refused (HTP-9).
//! Not here: bodies, Content-Length, repeated headers and whatever else gives lines a meaning:
//! they are handed on as they are (HTP-11).
//!
//! Kept as OTP has it: what stands behind the version of a request is not looked at; a status
//! without digits is 0 when nothing follows; a line of one byte is never folded.
//! Otherwise than in OTP: numbers that do not fit into 32 bits make the line an error, where
//! OTP's numbers wrap.

use memchr::memchr;

use super::TooLong;
use super::http_fields::{self, Field};
use super::http_uri::{self, Uri};

/// One line of http (6.5). Strings are bytes; the caller gives them the form of the packet type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HttpPacket {
    /// `{http_request,Method,Uri,{Major,Minor}}`
    Request {
        /// The method.
        method: Method,
        /// The target.
        uri: Uri,
        /// Major and minor version; 0.9 when the line has none.
        version: (u32, u32),
    },
    /// `{http_response,{Major,Minor},Status,Phrase}`
    Response {
        /// Major and minor version.
        version: (u32, u32),
        /// The status, with any number of digits.
        status: u32,
        /// The phrase, perhaps empty.
        phrase: Vec<u8>,
    },
    /// `{http_header,Index,Field,OriginalName,Value}`
    Header {
        /// The number of a known field, 0 for others (HTP-6).
        index: u8,
        /// The name in its usual spelling.
        field: Field,
        /// The name as it came.
        original: Vec<u8>,
        /// The value without leading blanks, folded lines as they came (HTP-4, HTP-5).
        value: Vec<u8>,
    },
    /// `http_eoh`: the empty line.
    EndOfHeaders,
    /// `{http_error,Line}`: the line with its end (HTP-7).
    Error(Vec<u8>),
}

/// The method of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Method {
    /// One of the seven that are atoms in Erlang.
    Known(&'static str),
    /// Any other.
    Other(Vec<u8>),
}

/// The length of the line at the front of `input`, its end included, if it is there.
///
/// A header ends only where the next line is known not to go on with it (HTP-4).
pub(super) fn line_end(
    input: &[u8],
    in_headers: bool,
    limit: usize,
    scanned: &mut usize,
) -> Result<Option<usize>, TooLong> {
    // The empty line has no length to be too long.
    for empty in [&b"\n"[..], b"\r\n"] {
        if input.starts_with(empty) {
            return Ok(Some(empty.len()));
        }
    }
    let window = input.get(..limit).unwrap_or(input);
    let mut from = (*scanned).min(window.len());
    while let Some(offset) = memchr(b'\n', &window[from..]) {
        let end = from + offset + 1;
        if !in_headers || matches!(&window[..end], b"\n" | b"\r\n") {
            return Ok(Some(end));
        }
        match input.get(end) {
            Some(&next) if is_blank(next) && end > 2 => from = end,
            Some(_) => return Ok(Some(end)),
            None => {
                // The same newline is found again when the next byte is there.
                *scanned = end - 1;
                return Ok(None);
            }
        }
    }
    *scanned = window.len();
    if input.len() >= limit {
        Err(TooLong)
    } else {
        Ok(None)
    }
}

/// The packet that a whole line is.
pub(super) fn parse(line: &[u8], in_headers: bool) -> HttpPacket {
    let text = line
        .strip_suffix(b"\r\n")
        .or_else(|| line.strip_suffix(b"\n"))
        .unwrap_or(line);
    let packet = if in_headers {
        header(text)
    } else if let Some(status) = text.strip_prefix(b"HTTP/") {
        response(status)
    } else {
        request(text)
    };
    packet.unwrap_or_else(|| HttpPacket::Error(line.to_vec()))
}

/// `Method SP Uri [SP HTTP/Major.Minor]`
fn request(text: &[u8]) -> Option<HttpPacket> {
    let (method, rest) = split_while(text, is_token);
    let (gap, rest) = split_while(rest, is_blank);
    let (uri, rest) = split_while(rest, |byte| !is_blank(byte));
    if method.is_empty() || gap.is_empty() || uri.is_empty() {
        return None;
    }
    let (_, rest) = split_while(rest, is_blank);
    let version = if rest.is_empty() {
        (0, 9)
    } else {
        let (version, _) = version(rest.strip_prefix(b"HTTP/")?)?;
        version
    };
    let known = METHODS.into_iter().find(|name| name.as_bytes() == method);
    let method = known.map_or_else(|| Method::Other(method.to_vec()), Method::Known);
    Some(HttpPacket::Request {
        method,
        uri: http_uri::parse(uri),
        version,
    })
}

/// What follows `HTTP/` in a status line: `Major.Minor SP Status [SP Phrase]`
fn response(text: &[u8]) -> Option<HttpPacket> {
    let (version, rest) = version(text)?;
    let (gap, rest) = split_while(rest, is_blank);
    if gap.is_empty() {
        return None;
    }
    let (digits, rest) = split_while(rest, |byte| byte.is_ascii_digit());
    let status = if digits.is_empty() {
        0
    } else {
        number(digits)?
    };
    let (gap, phrase) = split_while(rest, is_blank);
    // With the digits missing, the gap was all taken above: then nothing may follow.
    if gap.is_empty() && !phrase.is_empty() {
        return None;
    }
    Some(HttpPacket::Response {
        version,
        status,
        phrase: phrase.to_vec(),
    })
}

/// `Name:Value`, or nothing: the end of the headers.
fn header(text: &[u8]) -> Option<HttpPacket> {
    if text.is_empty() {
        return Some(HttpPacket::EndOfHeaders);
    }
    let (name, rest) = split_while(text, is_token);
    let (_, value) = split_while(rest.strip_prefix(b":")?, is_blank);
    let (index, field) = http_fields::field(name);
    Some(HttpPacket::Header {
        index,
        field,
        original: name.to_vec(),
        value: value.to_vec(),
    })
}

/// `Major.Minor` and what follows.
fn version(text: &[u8]) -> Option<((u32, u32), &[u8])> {
    let (major, rest) = split_while(text, |byte| byte.is_ascii_digit());
    let (minor, rest) = split_while(rest.strip_prefix(b".")?, |byte| byte.is_ascii_digit());
    Some(((number(major)?, number(minor)?), rest))
}

/// The number that digits make; `None` when there are none, too many, or other bytes.
pub(super) fn number(digits: &[u8]) -> Option<u32> {
    if !digits.iter().all(u8::is_ascii_digit) {
        // The parser below would take a sign.
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

/// The longest beginning whose bytes are all `wanted`, and the rest.
fn split_while(text: &[u8], wanted: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|&byte| !wanted(byte))
        .unwrap_or(text.len());
    text.split_at(end)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A byte of a method or field name: ASCII without controls, blanks and separators. DEL counts
/// as one, as in OTP.
fn is_token(byte: u8) -> bool {
    (33..128).contains(&byte) && !SEPARATORS.contains(&byte)
}

const SEPARATORS: &[u8] = b"()<>@,;:\\\"/[]?={}";

const METHODS: [&str; 7] = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE"];
