//! The user buffer of a socket: what was read and not delivered, and how much the next read takes.
//!
//! Called by `recv`. It keeps the books as OTP's driver does, for they show: a buffer is made for a
//! read, of the size that the option `buffer` has then or of the length that the recv asks for; it
//! keeps that size, however the option changes, until all in it has been delivered (6.1, LIN-2).
//! Invariant: `missing` bytes are still to come before anything is delivered; 0 means that the
//! packet type decides. The size is a number only: memory is taken for what came, not for what was
//! announced.

use bytes::{Buf, Bytes, BytesMut};

use crate::packet::{Content, Decoder, Packet, Step, TooLong};

/// The largest single read.
const READ_MAX: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Input {
    bytes: BytesMut,
    /// The size of the buffer. `None`: there is none.
    size: Option<usize>,
    missing: usize,
    /// What is there was read together with what has been delivered.
    rest: bool,
    /// Nothing comes behind it (EXT-1).
    last: bool,
}

/// What comes next.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Due {
    /// The packet at the front of the buffer is delivered.
    Packet(Packet),
    /// At most so many bytes are read.
    Read(usize),
}

impl Input {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether what is there came behind something that has been delivered.
    pub(super) fn is_rest(&self) -> bool {
        self.rest
    }

    /// Bytes of memory that are taken.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether there is a buffer, perhaps an empty one.
    pub(super) fn has_buffer(&self) -> bool {
        self.size.is_some()
    }

    /// Has a buffer of that size, if there is none.
    pub(super) fn provide(&mut self, size: usize) {
        self.size.get_or_insert(size);
    }

    /// Throws away the buffer and what is in it.
    pub(super) fn clear(&mut self) {
        if self.bytes.capacity() > 0 {
            self.bytes = BytesMut::new();
        }
        (self.size, self.missing) = (None, 0);
        (self.rest, self.last) = (false, false);
    }

    /// The connection has ended, and what is there is kept. False where there is nothing.
    pub(super) fn keep_last(&mut self) -> bool {
        self.missing = 0;
        self.last = !self.bytes.is_empty();
        self.last
    }

    /// All that was kept of a connection that has ended, as it is.
    pub(super) fn take_last(&mut self) -> Option<Bytes> {
        let is_last = self.last;
        is_last.then(|| self.split(self.bytes.len()))
    }

    /// Throws away a buffer in which there is nothing and for which nothing is expected.
    pub(super) fn forget_idle(&mut self) {
        if self.is_bare() {
            self.clear();
        }
    }

    /// Nothing is expected any more: the packet type decides about what is there (RCV-8).
    pub(super) fn expect_nothing(&mut self) {
        self.missing = 0;
    }

    /// What a recv of a length, or of 0, or an active socket does next.
    pub(super) fn due(
        &mut self,
        length: usize,
        buffer: usize,
        decoder: &mut Decoder,
    ) -> Result<Due, TooLong> {
        if self.size.is_none() {
            self.size = Some(if length > 0 { length } else { buffer });
            self.missing = length;
        } else if length > 0 {
            if self.bytes.len() >= length {
                return Ok(Due::Packet(plain(length)));
            }
            self.expect(length);
        } else if self.missing == 0 {
            return self.look(decoder);
        }
        let room = match self.missing {
            0 => self.size.unwrap_or(buffer),
            missing => missing,
        };
        Ok(Due::Read(room.min(READ_MAX)))
    }

    /// How much of a read of `room` bytes stays within the packet that is due (`read_ahead`, 6.7).
    pub(super) fn within_packet(&self, room: usize, decoder: &Decoder) -> usize {
        match decoder.header_rest(self.bytes.len()) {
            Some(rest) if self.missing == 0 => room.min(rest),
            _ => room,
        }
    }

    /// Whether the next read can be handed on as it comes, where the type is raw.
    pub(super) fn is_bare(&self) -> bool {
        self.bytes.is_empty() && self.missing == 0
    }

    /// Takes in what was read. `None`: there has to be more.
    pub(super) fn came(
        &mut self,
        bytes: &[u8],
        decoder: &mut Decoder,
    ) -> Result<Option<Packet>, TooLong> {
        self.bytes.extend_from_slice(bytes);
        if self.missing > 0 {
            self.missing = self.missing.saturating_sub(bytes.len());
            return Ok((self.missing == 0).then(|| self.whole(decoder)));
        }
        Ok(match self.look(decoder)? {
            Due::Packet(packet) => Some(packet),
            Due::Read(_) => None,
        })
    }

    /// Takes a packet off the front.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.bytes.advance(bytes);
        self.consumed();
    }

    /// Takes bytes off the front, as they are.
    pub(super) fn split(&mut self, bytes: usize) -> Bytes {
        let capacity = self.bytes.capacity();
        let front = self.bytes.split_to(bytes).freeze();
        self.consumed();
        // A small piece must not keep a large buffer alive (REC-9).
        if bytes < capacity / 4 {
            return Bytes::copy_from_slice(&front);
        }
        front
    }

    /// Puts bytes in front: the buffer grows by them, and nothing is expected any more (1.6).
    pub(super) fn put_back(&mut self, pieces: &[Bytes]) {
        self.missing = 0;
        if pieces.iter().all(Bytes::is_empty) {
            // A buffer without room would be refused as full.
            return;
        }
        self.rest = false;
        let mut bytes = BytesMut::new();
        pieces
            .iter()
            .for_each(|piece| bytes.extend_from_slice(piece));
        self.size = Some(self.size.unwrap_or(0).saturating_add(bytes.len()));
        bytes.extend_from_slice(&self.bytes);
        self.bytes = bytes;
    }

    /// What the packet type makes of the bytes: a packet, or how much to read for one.
    fn look(&mut self, decoder: &mut Decoder) -> Result<Due, TooLong> {
        let size = self.size.unwrap_or(0);
        decoder.set_line_max(size);
        let room = match decoder.decode(&self.bytes)? {
            Step::Packet(packet) => return Ok(Due::Packet(packet)),
            Step::More { total: Some(total) } => {
                self.expect(total);
                self.missing
            }
            Step::More { total: None } => {
                let allowed = usize::try_from(decoder.packet_size()).unwrap_or(usize::MAX);
                if size <= self.bytes.len() && allowed > self.bytes.len() {
                    self.size = Some(allowed);
                }
                self.size.unwrap_or(0).saturating_sub(self.bytes.len())
            }
        };
        match room {
            // A full buffer, and not even the length of the packet is known.
            0 => Err(TooLong),
            room => Ok(Due::Read(room.min(READ_MAX))),
        }
    }

    /// So many bytes in all are to be there; the buffer grows to hold them.
    fn expect(&mut self, total: usize) {
        self.size = self.size.max(Some(total));
        self.missing = total.saturating_sub(self.bytes.len());
    }

    /// All that is there, which was all that was missing: one packet, whatever the options say by
    /// now.
    fn whole(&mut self, decoder: &mut Decoder) -> Packet {
        let limit = decoder.packet_size();
        decoder.set_packet_size(0);
        decoder.set_line_max(self.size.unwrap_or(0));
        let step = decoder.decode(&self.bytes);
        decoder.set_packet_size(limit);
        match step {
            Ok(Step::Packet(packet)) if packet.consumed == self.bytes.len() => packet,
            _ => {
                decoder.rescan();
                plain(self.bytes.len())
            }
        }
    }

    fn consumed(&mut self) {
        if self.bytes.is_empty() {
            self.clear();
        } else {
            self.missing = 0;
            self.rest = true;
        }
    }
}

/// The first so many bytes, as they are.
fn plain(bytes: usize) -> Packet {
    Packet {
        consumed: bytes,
        content: Content::Bytes(0..bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Kind;

    const BUFFER: usize = 10;

    fn came(input: &mut Input, decoder: &mut Decoder, bytes: &[u8]) -> Option<usize> {
        let packet = input.came(bytes, decoder).expect("not refused")?;
        input.consume(packet.consumed);
        Some(packet.consumed)
    }

    #[test]
    fn a_buffer_keeps_the_size_that_it_was_made_with() {
        let (mut input, mut decoder) = (Input::default(), Decoder::new(Kind::Raw));
        // A recv of 2 found nothing; the next one of any length reads no more than that.
        assert_eq!(input.due(2, BUFFER, &mut decoder), Ok(Due::Read(2)));
        input.expect_nothing();
        assert_eq!(input.due(0, BUFFER, &mut decoder), Ok(Due::Read(2)));
        assert_eq!(came(&mut input, &mut decoder, b"ab"), Some(2));
        // All is delivered: the next read is of the option's size.
        assert_eq!(input.due(0, BUFFER, &mut decoder), Ok(Due::Read(BUFFER)));
        assert_eq!(input.due(0, 3, &mut decoder), Ok(Due::Read(BUFFER)));
    }

    #[test]
    fn what_is_missing_holds_until_it_has_come() {
        let (mut input, mut decoder) = (Input::default(), Decoder::new(Kind::Raw));
        assert_eq!(input.due(5, BUFFER, &mut decoder), Ok(Due::Read(5)));
        assert_eq!(came(&mut input, &mut decoder, b"abc"), None);
        // As after a recv with the timeout 0.
        assert_eq!(input.due(0, BUFFER, &mut decoder), Ok(Due::Read(2)));
        assert_eq!(came(&mut input, &mut decoder, b"de"), Some(5));
    }

    #[test]
    fn what_is_last_is_delivered_as_it_is() {
        let (mut input, mut decoder) = (Input::default(), Decoder::new(Kind::Four));
        assert!(!input.keep_last());
        assert_eq!(input.due(0, BUFFER, &mut decoder), Ok(Due::Read(BUFFER)));
        assert_eq!(came(&mut input, &mut decoder, b"\0\0\0\x05he"), None);
        assert_eq!(input.due(0, BUFFER, &mut decoder), Ok(Due::Read(3)));
        assert_eq!(input.take_last(), None);
        assert!(input.keep_last());
        assert_eq!(input.due(0, BUFFER, &mut decoder), Ok(Due::Read(3)));
        let last = input.take_last();
        assert_eq!(last.as_deref(), Some(&b"\0\0\0\x05he"[..]));
        assert_eq!(input.take_last(), None);
        assert!(!input.keep_last());
        assert_eq!(input.due(0, BUFFER, &mut decoder), Ok(Due::Read(BUFFER)));
    }

    #[test]
    fn bytes_that_were_put_back_fill_their_buffer() {
        let (mut input, mut decoder) = (Input::default(), Decoder::new(Kind::Line));
        input.put_back(&[Bytes::from("par")]);
        // The buffer is full, so the line is cut.
        let cut = input.due(0, BUFFER, &mut decoder);
        assert_eq!(cut, Ok(Due::Packet(plain(3))));
        let mut decoder = Decoder::new(Kind::Two);
        let mut input = Input::default();
        input.put_back(&[Bytes::from("\0")]);
        assert_eq!(input.due(0, BUFFER, &mut decoder), Err(TooLong));
        // With its length known a packet waits for the rest.
        let mut input = Input::default();
        input.put_back(&[Bytes::from("\0\x03a")]);
        assert_eq!(input.due(0, BUFFER, &mut decoder), Ok(Due::Read(2)));
    }

    #[test]
    fn a_header_longer_than_the_buffer_is_refused_unless_packet_size_allows_it() {
        for (packet_size, next) in [(0, Err(TooLong)), (20, Ok(Due::Read(16)))] {
            let (mut input, mut decoder) = (Input::default(), Decoder::new(Kind::Cdr));
            decoder.set_packet_size(packet_size);
            assert_eq!(input.due(0, 4, &mut decoder), Ok(Due::Read(4)));
            drop(input.came(b"GIOP", &mut decoder));
            assert_eq!(input.due(0, 4, &mut decoder), next);
        }
    }
}
