//! ssl_tls: the records of SSL and TLS.
//!
//! What: the frame of a record and its fields; the client hello of SSLv2, which has a header of
//! another form, is turned into the handshake record of SSLv3 that says the same (6.3).
//! Who calls it: the decoder.
//! Invariant: only the lengths are believed. Content type and version are handed on unchecked.
//! Not here: TLS itself.

use core::ops::Range;

use super::TooLong;
use super::frame::{Frame, big_endian};

/// One record: `{ssl_tls,S,ContentType,{Major,Minor},Data}`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SslTls {
    /// 20 to 24 in practice; any byte here.
    pub content_type: u8,
    /// Major and minor version.
    pub version: (u8, u8),
    /// The body.
    pub data: SslData,
}

/// The body of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SslData {
    /// It is this part of the input.
    Range(Range<usize>),
    /// It was made: a converted SSLv2 hello.
    Owned(Vec<u8>),
}

/// The frame, when the five bytes that tell it are there.
pub(super) fn frame(input: &[u8]) -> Result<Option<Frame>, TooLong> {
    let Some(header) = input.first_chunk::<5>() else {
        return Ok(None);
    };
    if is_v2_hello(header) {
        // The length counts what is behind its own two bytes: three of the five here are part
        // of that.
        let length = big_endian(&header[..2]) & 0x7fff;
        let body = length.checked_sub(3).ok_or(TooLong)?;
        return Ok(Some(Frame::whole(5, body)));
    }
    Ok(Some(Frame::bare(5, big_endian(&header[3..]))))
}

/// The fields of a complete record: a packet as long as its frame says, so at least five bytes.
pub(super) fn record(packet: &[u8]) -> SslTls {
    debug_assert!(packet.len() >= 5, "a record shorter than its header");
    if is_v2_hello(packet) {
        return SslTls {
            content_type: HANDSHAKE,
            version: (packet[3], packet[4]),
            data: SslData::Owned(handshake(&packet[3..])),
        };
    }
    SslTls {
        content_type: packet[0],
        version: (packet[1], packet[2]),
        data: SslData::Range(5..packet.len()),
    }
}

/// A handshake message: type, three bytes of length, and the hello, unchanged from its version on.
fn handshake(hello: &[u8]) -> Vec<u8> {
    let hello_bytes = u32::try_from(hello.len()).unwrap_or(u32::MAX);
    let [_, length @ ..] = hello_bytes.to_be_bytes();
    let mut message = Vec::with_capacity(4 + hello.len());
    message.push(CLIENT_HELLO);
    message.extend_from_slice(&length);
    message.extend_from_slice(hello);
    message
}

/// SSLv2: the top bit, 15 bits of length, then message type 1.
fn is_v2_hello(packet: &[u8]) -> bool {
    matches!(packet, [first, _, CLIENT_HELLO, ..] if first & 0x80 != 0)
}

/// Message type, the same in SSLv2 and later.
const CLIENT_HELLO: u8 = 1;

/// Content type of handshake messages.
const HANDSHAKE: u8 = 22;
