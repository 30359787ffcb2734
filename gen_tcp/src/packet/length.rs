//! Types 1, 2 and 4: a length in front of the body.
//!
//! What: the header read on receive ([`frame`]) and written on send ([`header`]).
//! Who calls it: the decoder; the driver's send.
//! Invariant: a header on send always tells the true length; a length that it cannot tell is
//! refused (section 9, 17), where OTP cuts it and ruins the stream.
//! Not here: headers of the other types. Their sender makes them itself (5.2).

use core::ops::Deref;

use super::frame::{Frame, big_endian};
use super::{Kind, TooLong};

/// The bytes that send puts in front of a packet: none, 1, 2 or 4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    bytes: [u8; 4],
    /// The header is what stands from here on: 0 to 4.
    start: u8,
}

impl Deref for Header {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
            .get(usize::from(self.start)..)
            .unwrap_or_default()
    }
}

impl AsRef<[u8]> for Header {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// The header for a packet of `body_bytes` (5.2): a length for types 1, 2 and 4, empty for
/// all others. `packet_size` plays no part.
///
/// # Errors
/// [`TooLong`] when the length does not fit into the header (section 9, 17).
pub fn header(kind: Kind, body_bytes: usize) -> Result<Header, TooLong> {
    let (size, body_max) = match kind {
        Kind::One => (1, 0xff),
        Kind::Two => (2, 0xffff),
        Kind::Four => (4, u32::MAX),
        _ => {
            return Ok(Header {
                bytes: [0; 4],
                start: 4,
            });
        }
    };
    match u32::try_from(body_bytes) {
        Ok(body) if body <= body_max => Ok(Header {
            bytes: body.to_be_bytes(),
            start: 4 - size,
        }),
        _ => Err(TooLong),
    }
}

/// The frame behind a length of `size` bytes (at most 4), when these are there.
pub(super) fn frame(size: usize, input: &[u8]) -> Option<Frame> {
    let length = input.get(..size)?;
    Some(Frame::bare(size, big_endian(length)))
}
