//! asn1: a BER tag and length in front of the contents, all delivered.
//!
//! What: reads tag and length, short and long forms, and makes a frame of them.
//! Who calls it: the decoder.
//! Invariant: the bytes of a long tag are looked at once. Tag and length are no longer than the
//! user buffer, so that an endless tag is refused, as OTP's socket does.
//! Not here: the contents. The indefinite length is taken as 0 (6.3): its contents and their
//! end come as packets of their own.

use super::TooLong;
use super::frame::{Frame, big_endian};

/// The frame, when tag and length are complete. `scanned` remembers how much of a long tag
/// has been passed.
pub(super) fn frame(
    input: &[u8],
    buffer_bytes: usize,
    scanned: &mut usize,
) -> Result<Option<Frame>, TooLong> {
    let header_max = buffer_bytes.max(HEADER_MAX_LEAST_BYTES);
    let window = input.get(..header_max).unwrap_or(input);
    if let Some(frame) = read(window, scanned)? {
        return Ok(Some(frame));
    }
    if input.len() >= header_max {
        return Err(TooLong);
    }
    Ok(None)
}

fn read(input: &[u8], scanned: &mut usize) -> Result<Option<Frame>, TooLong> {
    let Some(length_at) = length_position(input, scanned) else {
        return Ok(None);
    };
    let Some((&first, behind)) = input.get(length_at..).and_then(<[u8]>::split_first) else {
        return Ok(None);
    };
    let short = usize::from(first & !LONG);
    if first & LONG == 0 {
        return Ok(Some(Frame::whole(length_at + 1, u32::from(first))));
    }
    // The length has so many bytes of its own. That there are too many is said, as in OTP,
    // when they have come.
    let Some(length) = behind.get(..short) else {
        return Ok(None);
    };
    if length.len() > 4 {
        return Err(TooLong);
    }
    Ok(Some(Frame::whole(
        length_at + 1 + short,
        big_endian(length),
    )))
}

/// Where the length begins: behind a tag of one byte, or behind the first byte of a long tag
/// without the top bit.
fn length_position(input: &[u8], scanned: &mut usize) -> Option<usize> {
    let tag = input.first()?;
    if tag & LONG_TAG != LONG_TAG {
        return Some(1);
    }
    let from = (*scanned).clamp(1, input.len());
    match input.iter().skip(from).position(|byte| byte & LONG == 0) {
        Some(offset) => {
            *scanned = from + offset;
            Some(from + offset + 1)
        }
        None => {
            *scanned = input.len();
            None
        }
    }
}

/// All five low bits of the first byte: the tag goes on.
const LONG_TAG: u8 = 0x1f;

/// In a tag: another byte follows. In a length: this byte counts those of the length.
const LONG: u8 = 0x80;

/// However small the user buffer is, headers of this length are read.
const HEADER_MAX_LEAST_BYTES: usize = 256;
