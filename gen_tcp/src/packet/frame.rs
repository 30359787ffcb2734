//! A frame: what the complete header of a framed packet says.
//!
//! What: the lengths of header, body and padding, and the checks that all framed types share.
//! Who calls it: the decoder; the files of the single types make frames.
//! Invariant: all arithmetic is checked. A frame that passes [`Frame::total`] is at most
//! 2^31 - 1 bytes long, as in OTP, whatever `packet_size` allows.
//! Not here: the headers themselves.

use core::ops::Range;

use super::TooLong;

/// The lengths that a header announces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Frame {
    /// Bytes of the header.
    header: usize,
    /// The header is delivered with the body.
    with_header: bool,
    /// Bytes of the body that are delivered.
    body: u32,
    /// Bytes behind the body that are consumed and not delivered.
    padding: u8,
}

impl Frame {
    /// A frame whose header is removed.
    pub(super) fn bare(header: usize, body: u32) -> Self {
        Frame {
            header,
            with_header: false,
            body,
            padding: 0,
        }
    }

    /// A frame that is delivered with its header.
    pub(super) fn whole(header: usize, body: u32) -> Self {
        Frame {
            header,
            with_header: true,
            body,
            padding: 0,
        }
    }

    /// The same frame with padding behind the body.
    pub(super) fn with_padding(self, padding: u8) -> Self {
        Frame { padding, ..self }
    }

    /// The length of the packet: header, body and padding. `packet_size` 0 is no limit; the
    /// padding counts, the header does not (6.3).
    pub(super) fn total(&self, packet_size: u32) -> Result<usize, TooLong> {
        let behind = self
            .body
            .checked_add(u32::from(self.padding))
            .ok_or(TooLong)?;
        if packet_size != 0 && behind > packet_size {
            return Err(TooLong);
        }
        let behind = usize::try_from(behind).map_err(|_| TooLong)?;
        let total = self.header.checked_add(behind).ok_or(TooLong)?;
        if total > PACKET_MAX_BYTES {
            return Err(TooLong);
        }
        Ok(total)
    }

    /// What of the packet is delivered.
    pub(super) fn delivered(&self) -> Range<usize> {
        let start = if self.with_header { 0 } else { self.header };
        let body = usize::try_from(self.body).unwrap_or(usize::MAX);
        start..self.header.saturating_add(body)
    }
}

/// The number that at most four bytes make, the highest first.
pub(super) fn big_endian(bytes: &[u8]) -> u32 {
    debug_assert!(bytes.len() <= 4, "more bytes than a u32 has");
    bytes
        .iter()
        .fold(0, |number, &byte| (number << 8) | u32::from(byte))
}

/// The longest packet, header included.
const PACKET_MAX_BYTES: usize = i32::MAX as usize;
