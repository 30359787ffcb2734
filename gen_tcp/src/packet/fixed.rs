//! The types with a header of fixed size that is delivered: sunrm, cdr, fcgi, tpkt.
//!
//! What: for each a function from the input to the frame; `None` while the header is incomplete.
//! Who calls it: the decoder.
//! Invariant: nothing is judged before the whole header is there, and then at once, without
//! waiting for the body (6.3).
//! Not here: `packet_size`, which the frame checks, and any field that is not about length.

use super::TooLong;
use super::frame::{Frame, big_endian};

/// Sun RPC: 31 bits of length under a flag that says "last fragment" and is not looked at.
pub(super) fn sunrm(input: &[u8]) -> Option<Frame> {
    let mark = big_endian(input.get(..4)?);
    Some(Frame::whole(4, mark & 0x7fff_ffff))
}

/// CORBA: `GIOP`, version (2), flags, message type, length (4). Bit 0 of the flags says that
/// the length is little endian.
pub(super) fn cdr(input: &[u8]) -> Result<Option<Frame>, TooLong> {
    let Some(header) = input.first_chunk::<12>() else {
        return Ok(None);
    };
    let [b'G', b'I', b'O', b'P', _, _, flags, _, length @ ..] = *header else {
        return Err(TooLong);
    };
    let little_endian = flags & 1 != 0;
    let body = if little_endian {
        u32::from_le_bytes(length)
    } else {
        u32::from_be_bytes(length)
    };
    Ok(Some(Frame::whole(12, body)))
}

/// FastCGI: version 1, type, id (2), content length (2), padding length, reserved. The
/// padding is consumed and not delivered.
pub(super) fn fcgi(input: &[u8]) -> Result<Option<Frame>, TooLong> {
    let Some(header) = input.first_chunk::<8>() else {
        return Ok(None);
    };
    let [1, _, _, _, high, low, padding, _] = *header else {
        return Err(TooLong);
    };
    let content = u32::from(u16::from_be_bytes([high, low]));
    Ok(Some(Frame::whole(8, content).with_padding(padding)))
}

/// RFC 1006: version 3, reserved, length (2) that counts the header too.
pub(super) fn tpkt(input: &[u8]) -> Result<Option<Frame>, TooLong> {
    let Some(header) = input.first_chunk::<4>() else {
        return Ok(None);
    };
    let [3, _, high, low] = *header else {
        return Err(TooLong);
    };
    let length = u32::from(u16::from_be_bytes([high, low]));
    let body = length.checked_sub(4).ok_or(TooLong)?;
    Ok(Some(Frame::whole(4, body)))
}
