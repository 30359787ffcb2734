//! line: text up to a delimiter byte, which is delivered with it.
//!
//! What: finds the end of a line, or the place where a long one is cut; the limit of a line,
//! which http shares.
//! Who calls it: the decoder.
//! Invariant: never looks beyond the limit, and at no byte twice.
//! Not here: CR is a byte as others; a last line without delimiter is the driver's to drop (LIN-4).

use memchr::memchr;

use super::TooLong;

/// How long a line may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Limit {
    /// No `packet_size`: the user buffer's bytes; a longer line comes in pieces (LIN-2).
    Buffer(usize),
    /// `packet_size`: a longer line is refused (LIN-3). The user buffer does not matter
    /// (section 9, 18).
    PacketSize(usize),
}

impl Limit {
    /// The limit under these options.
    pub(super) fn new(packet_size: u32, buffer_bytes: usize) -> Self {
        match packet_size {
            0 => Limit::Buffer(buffer_bytes),
            size => Limit::PacketSize(usize::try_from(size).unwrap_or(usize::MAX)),
        }
    }

    /// The limit as a number.
    pub(super) fn bytes(self) -> usize {
        match self {
            Limit::Buffer(bytes) | Limit::PacketSize(bytes) => bytes,
        }
    }
}

/// The length of the line or piece at the front of `input`, delimiter included, if it is there.
pub(super) fn end(
    input: &[u8],
    delimiter: u8,
    limit: Limit,
    scanned: &mut usize,
) -> Result<Option<usize>, TooLong> {
    let window = input.get(..limit.bytes()).unwrap_or(input);
    let from = (*scanned).min(window.len());
    if let Some(offset) = memchr(delimiter, &window[from..]) {
        return Ok(Some(from + offset + 1));
    }
    *scanned = window.len();
    match limit {
        Limit::Buffer(piece) if input.len() >= piece => Ok(Some(piece)),
        Limit::PacketSize(size) if input.len() > size => Err(TooLong),
        _ => Ok(None),
    }
}
