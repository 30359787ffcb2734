//! Input: reading, framing, and giving what came to a recv or to the owner (part 6).
//!
//! A passive socket reads only for a pending recv, in the call or in its poll; an active one reads when
//! it is ready, a bounded amount at a time. Invariant (MSG-1, RCV-8): bytes are delivered once and in
//! order; what was read and not delivered stays in `input`, whatever ends a recv. A short read is taken
//! for emptiness only where no end was seen. No memory is taken for what a header announces: `input`
//! grows with what came. What ends the connection is in `ends`.

use std::io;
use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use runtime::Wakeup;
use runtime::port::{PortCx, Turn};

use super::scratch::{self, Filled};
use super::{TcpPort, Wire};
use crate::data::{Data, Http, SslTls, Tcp};
use crate::error::Error;
use crate::options::{ActiveState, Deliver, Mode, PacketType, Settings};
use crate::packet::{Content, Decoder, Kind, Packet, SslData, Step, TooLong};
use crate::socket::Socket;

/// The longest recv(S,N) (RCV-6).
const LENGTH_MAX: usize = 64 << 20;
/// Bytes that one turn of an active socket reads before others have theirs (O-17).
const TURN_BYTES: usize = 256 << 10;
/// Packets that one turn delivers.
const TURN_PACKETS: usize = 256;

/// The input side of a connection.
pub(super) struct Reader {
    pub(super) decoder: Decoder,
    pub(super) input: BytesMut,
    op: Option<Op>,
    next_id: u64,
    /// There may be something to read.
    readable: bool,
    /// The peer's end was announced: only a read of nothing proves emptiness.
    end_seen: bool,
    /// The data of a recv went to the owner.
    handed_out: bool,
    /// Reading is over though the descriptor is there (`exit_on_close` false): what recv says.
    pub(super) ended: Option<Error>,
}

/// A recv that waits. One at a time (RCV-2).
struct Op {
    id: u64,
    wakeup: Option<Wakeup>,
    /// Decided by somebody else.
    result: Option<Error>,
    /// The socket was set active meanwhile: it gets no data any more (ACT-13).
    overtaken: bool,
    /// Its data went to the owner by `{deliver,port}`: with it went its time limit, as in OTP.
    untimed: bool,
}

/// What reading came to.
enum Read {
    Some,
    Nothing,
    End,
    Failed(Error),
}

/// The decoder's name for a packet type.
pub(super) fn kind(packet: PacketType) -> Kind {
    match packet {
        PacketType::Raw => Kind::Raw,
        PacketType::One => Kind::One,
        PacketType::Two => Kind::Two,
        PacketType::Four => Kind::Four,
        PacketType::Asn1 => Kind::Asn1,
        PacketType::Cdr => Kind::Cdr,
        PacketType::Sunrm => Kind::SunRm,
        PacketType::Fcgi => Kind::Fcgi,
        PacketType::Tpkt => Kind::Tpkt,
        PacketType::Line => Kind::Line,
        PacketType::SslTls => Kind::SslTls,
        PacketType::Http => Kind::Http,
        PacketType::Httph => Kind::HttpHeader,
        PacketType::HttpBin => Kind::HttpBin,
        PacketType::HttphBin => Kind::HttpHeaderBin,
    }
}

impl Reader {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut reader = Reader {
            decoder: Decoder::new(kind(settings.packet)),
            input: BytesMut::new(),
            op: None,
            next_id: 0,
            readable: true,
            end_seen: false,
            handed_out: false,
            ended: None,
        };
        reader.follow(settings, false);
        reader
    }

    /// Takes the settings over. `packet_set`: the packet type was among what was set.
    pub(super) fn follow(&mut self, settings: &Settings, packet_set: bool) {
        if packet_set {
            self.decoder.set_kind(kind(settings.packet));
        }
        self.decoder.set_packet_size(settings.packet_size);
        self.decoder.set_delimiter(settings.line_delimiter);
        self.decoder.set_line_max(settings.buffer as usize);
    }

    /// The reactor told of readiness.
    pub(super) fn told(&mut self, end: bool) {
        self.readable = true;
        self.end_seen |= end;
    }

    /// Has the waiting recv look again.
    pub(super) fn wake(&mut self, cx: &mut PortCx<'_>) {
        if let Some(wakeup) = self.op.as_mut().and_then(|op| op.wakeup.take()) {
            cx.wake(wakeup);
        }
    }

    /// Answers the waiting recv.
    pub(super) fn answer(&mut self, cx: &mut PortCx<'_>, error: Error) {
        if let Some(op) = &mut self.op {
            op.result.get_or_insert(error);
        }
        self.wake(cx);
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.op.is_some()
    }

    /// The socket was set active.
    pub(super) fn overtake(&mut self) {
        if let Some(op) = &mut self.op {
            op.overtaken = true;
        }
    }

    pub(super) fn clear(&mut self) {
        self.input = BytesMut::new();
        self.decoder.rescan();
    }

    /// How many bytes the next read may take: what is missing of a recv of a length, else the buffer.
    fn room(&self, settings: &Settings, length: usize) -> usize {
        match length.checked_sub(self.input.len()) {
            Some(missing) if length > 0 => missing.max(1),
            _ => settings.buffer as usize,
        }
    }

    /// The next packet in `input`, or in `fresh` where `input` is empty, with the bytes it uses up.
    fn next(&mut self, bytes: &[u8]) -> Result<Option<Packet>, TooLong> {
        match self.decoder.decode(bytes)? {
            Step::Packet(packet) => Ok(Some(packet)),
            Step::More { .. } => Ok(None),
        }
    }
}

/// A value of received bytes, in the form that the settings ask for (6.6).
fn form(settings: &Settings, bytes: Bytes) -> Data {
    let header = settings.header as usize;
    match settings.mode {
        Mode::List => Data::List(bytes.into()),
        Mode::Binary if header == 0 => Data::Binary(bytes),
        Mode::Binary if bytes.len() < header => Data::List(bytes.into()),
        Mode::Binary => Data::Header(bytes[..header].to_vec(), bytes.slice(header..)),
    }
}

/// A decoded packet as a value, out of the bytes that it was decoded from.
fn open(settings: &Settings, packet: Packet, bytes: &[u8]) -> (Data, usize) {
    let copy = |range: std::ops::Range<usize>| Bytes::copy_from_slice(&bytes[range]);
    let consumed = packet.consumed;
    match packet.content {
        Content::Bytes(range) => (form(settings, copy(range)), consumed),
        Content::Http(packet) => {
            let binary = matches!(settings.packet, PacketType::HttpBin | PacketType::HttphBin);
            (Data::Http(Http { packet, binary }), consumed)
        }
        Content::SslTls(record) => {
            let data = match record.data {
                SslData::Range(range) => copy(range),
                SslData::Owned(bytes) => bytes.into(),
            };
            let (content_type, version) = (record.content_type, record.version);
            (
                Data::SslTls(SslTls {
                    content_type,
                    version,
                    data,
                }),
                consumed,
            )
        }
    }
}

/// `{S,{data,Data}}`: of a port that was not opened for binaries the data is a list, whatever the mode.
fn port_message(socket: Socket, data: Data) -> Tcp {
    let list = match data {
        Data::Header(front, rest) => [&front[..], &rest[..]].concat(),
        data => data.to_vec(),
    };
    Tcp::Port(socket, Data::List(list))
}

impl TcpPort {
    /// One attempt of a process that receives. `op` is its number, once it waits.
    pub(crate) fn recv(
        &mut self,
        cx: &mut PortCx<'_>,
        op: &mut Option<u64>,
        length: usize,
        wakeup: Wakeup,
    ) -> Poll<Result<Data, Error>> {
        let (overtaken, mut untimed) = match op {
            None => {
                self.may_recv(length)?;
                (false, false)
            }
            Some(id) => match &self.reader.op {
                Some(waiting) if waiting.id == *id => {
                    if let Some(error) = waiting.result {
                        self.reader.op = None;
                        return Poll::Ready(Err(error));
                    }
                    (waiting.overtaken, waiting.untimed)
                }
                _ => return Poll::Ready(Err(Error::Closed)),
            },
        };
        if !overtaken && let Some(result) = self.take(cx, length) {
            self.reader.op = None;
            return Poll::Ready(result);
        }
        untimed |= std::mem::take(&mut self.reader.handed_out);
        if op.is_none() {
            self.reader.next_id += 1;
            *op = Some(self.reader.next_id);
        }
        let id = self.reader.next_id;
        self.reader.op = Some(Op {
            id,
            wakeup: Some(wakeup),
            result: None,
            overtaken,
            untimed,
        });
        Poll::Pending
    }

    fn may_recv(&mut self, length: usize) -> Result<(), Error> {
        if !self.is_connected() {
            return Err(self.not_connected(false));
        }
        if self.is_active() || (length > 0 && self.settings.packet != PacketType::Raw) {
            return Err(Error::Einval);
        }
        if length > LENGTH_MAX {
            return Err(Error::Enomem);
        }
        if self.reader.op.is_some() {
            Err(Error::Ealready)
        } else {
            Ok(())
        }
    }

    /// Whether the time limit of a recv that waits ends it.
    pub(crate) fn may_time_out(&self, id: u64) -> bool {
        self.reader
            .op
            .as_ref()
            .is_none_or(|op| op.id != id || !op.untimed)
    }

    /// Gives up waiting: timed out, or the process is gone. What came stays (RCV-8; part 9, row 1).
    pub(crate) fn cancel_recv(&mut self, id: u64) {
        if self.reader.op.as_ref().is_some_and(|op| op.id == id) {
            self.reader.op = None;
        }
    }

    /// What a recv can have now: data, or the end of the connection. `None`: it has to wait.
    fn take(&mut self, cx: &mut PortCx<'_>, length: usize) -> Option<Result<Data, Error>> {
        loop {
            match self.assemble(length) {
                Ok(Some((data, size))) => {
                    self.stats.received(size);
                    return self.hand_out(cx, data);
                }
                Ok(None) => {}
                Err(TooLong) => return Some(Err(self.read_failed(cx, Error::Emsgsize))),
            }
            if let Some(ended) = self.reader.ended {
                self.reader.clear();
                return Some(Err(ended));
            }
            if self.is_raw() && length == 0 {
                match self.read_raw() {
                    (Read::Some, bytes) => {
                        self.stats.received(bytes.len());
                        let data = form(&self.settings, bytes);
                        return self.hand_out(cx, data);
                    }
                    (Read::Nothing, _) => return None,
                    (Read::End, _) => return Some(Err(self.eof(cx))),
                    (Read::Failed(error), _) => return Some(Err(self.read_failed(cx, error))),
                }
            }
            match self.fill(length) {
                Read::Some => {}
                Read::Nothing => return None,
                Read::End => return Some(Err(self.eof(cx))),
                Read::Failed(error) => return Some(Err(self.read_failed(cx, error))),
            }
        }
    }

    /// Data for a recv. With `{deliver,port}` it goes to the owner as a message, and the recv waits on, as
    /// one that was overtaken.
    fn hand_out(&mut self, cx: &mut PortCx<'_>, data: Data) -> Option<Result<Data, Error>> {
        match (self.settings.deliver, data) {
            (Deliver::Port, data @ (Data::Binary(_) | Data::List(_) | Data::Header(..))) => {
                cx.send_owner(port_message(Self::socket(cx), data));
                self.reader.handed_out = true;
                None
            }
            (_, data) => Some(Ok(data)),
        }
    }

    /// The next delivery out of `input`.
    fn assemble(&mut self, length: usize) -> Result<Option<(Data, usize)>, TooLong> {
        let (reader, settings) = (&mut self.reader, &self.settings);
        if reader.input.is_empty() || reader.input.len() < length {
            return Ok(None);
        }
        if settings.packet == PacketType::Raw {
            let all = reader.input.len().min(settings.buffer as usize);
            let bytes = reader
                .input
                .split_to(if length > 0 { length } else { all })
                .freeze();
            let size = bytes.len();
            // A small piece must not keep a large buffer alive (REC-9).
            let small = size < reader.input.capacity() / 4;
            let bytes = if small {
                Bytes::copy_from_slice(&bytes)
            } else {
                bytes
            };
            return Ok(Some((form(settings, bytes), size)));
        }
        let input = std::mem::take(&mut reader.input);
        let next = reader.next(&input);
        reader.input = input;
        let Some(packet) = next? else { return Ok(None) };
        let consumed = packet.consumed;
        let delivery = open(settings, packet, &reader.input);
        reader.input.advance(consumed);
        if reader.input.is_empty() {
            reader.input = BytesMut::new();
        }
        Ok(Some(delivery))
    }

    fn is_raw(&self) -> bool {
        self.settings.packet == PacketType::Raw
    }

    /// Reads what goes straight to whoever gets it: raw bytes behind an empty `input`.
    fn read_raw(&mut self) -> (Read, Bytes) {
        let keep = |filled: Filled<'_>| filled.into_bytes();
        let room = self.settings.buffer as usize;
        let (read, bytes) = self.reader.read(&self.wire, &*self.io, room, keep);
        (read, bytes.unwrap_or_default())
    }

    /// Reads into `input`.
    fn fill(&mut self, length: usize) -> Read {
        let room = self.reader.room(&self.settings, length);
        let mut input = std::mem::take(&mut self.reader.input);
        let keep = |filled: Filled<'_>| input.extend_from_slice(filled.as_slice());
        let (read, _) = self.reader.read(&self.wire, &*self.io, room, keep);
        self.reader.input = input;
        read
    }

    /// The reactor says that there is input, or an end. A passive socket leaves it to its recv.
    pub(super) fn readable(&mut self, cx: &mut PortCx<'_>) -> Turn {
        if self.is_active() {
            return self.deliver(cx);
        }
        self.reader.wake(cx);
        Turn::Done
    }

    /// Sends the owner what there is, as long as the mode is active; a bounded amount (O-17).
    pub(super) fn deliver(&mut self, cx: &mut PortCx<'_>) -> Turn {
        let (mut bytes, mut packets) = (0, 0);
        while self.is_active() && self.is_connected() {
            if bytes >= TURN_BYTES || packets >= TURN_PACKETS {
                return Turn::Again;
            }
            match self.assemble(0) {
                Ok(Some((data, size))) => {
                    packets += 1;
                    self.stats.received(size);
                    self.message(cx, data);
                    continue;
                }
                Ok(None) => {}
                Err(TooLong) => {
                    self.read_failed(cx, Error::Emsgsize);
                    break;
                }
            }
            if self.reader.ended.is_some() {
                break;
            }
            let (read, fresh) = if self.is_raw() {
                self.read_raw()
            } else {
                (self.fill(0), Bytes::new())
            };
            match read {
                Read::Some if self.is_raw() => {
                    bytes += fresh.len();
                    self.stats.received(fresh.len());
                    self.message(cx, form(&self.settings, fresh));
                }
                Read::Some => bytes += self.reader.input.len(),
                Read::Nothing => break,
                Read::End => {
                    self.eof(cx);
                    break;
                }
                Read::Failed(error) => {
                    self.read_failed(cx, error);
                    break;
                }
            }
        }
        Turn::Done
    }

    /// One data message, and what it does to the mode (2.3).
    fn message(&mut self, cx: &mut PortCx<'_>, data: Data) {
        let socket = Self::socket(cx);
        cx.send_owner(match data {
            Data::Http(packet) => Tcp::Http(socket, packet),
            Data::SslTls(record) => Tcp::SslTls(socket, record),
            data if self.settings.deliver == Deliver::Port => port_message(socket, data),
            data => Tcp::Data(socket, data),
        });
        match self.active {
            ActiveState::Once => self.active = ActiveState::False,
            ActiveState::N(1) => {
                self.active = ActiveState::False;
                cx.send_owner(Tcp::Passive(socket));
            }
            ActiveState::N(n) => self.active = ActiveState::N(n - 1),
            ActiveState::True | ActiveState::False => {}
        }
    }

    /// `unrecv`: bytes in front of the input (1.6).
    pub(crate) fn unrecv(&mut self, cx: &mut PortCx<'_>, data: &[Bytes]) -> Result<(), Error> {
        if !self.is_connected() {
            return Err(Error::Enotconn);
        }
        let mut input = BytesMut::new();
        data.iter().for_each(|piece| input.extend_from_slice(piece));
        input.extend_from_slice(&self.reader.input);
        self.reader.input = input;
        self.reader.decoder.rescan();
        if self.is_active() {
            self.deliver_all(cx);
        } else {
            self.reader.wake(cx);
        }
        Ok(())
    }

    /// Delivers, and has the rest delivered by the event loop.
    pub(super) fn deliver_all(&mut self, cx: &mut PortCx<'_>) {
        if self.deliver(cx) == Turn::Again {
            cx.again();
        }
    }
}

impl Reader {
    /// One read of at most `room` bytes.
    fn read<R>(
        &mut self,
        wire: &Wire,
        io: &dyn crate::io::Io,
        room: usize,
        keep: impl FnOnce(Filled<'_>) -> R,
    ) -> (Read, Option<R>) {
        let Some(sock) = wire.open().filter(|_| self.readable) else {
            return (Read::Nothing, None);
        };
        match scratch::read(room, |buffer| io.read(sock, buffer), keep) {
            Ok((0, _)) => (Read::End, None),
            Ok((n, kept)) => {
                // Less than there was room for, and no end in sight: that was all.
                self.readable = n == room || self.end_seen;
                (Read::Some, Some(kept))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                (Read::Nothing, None)
            }
            Err(error) => (Read::Failed(error.into()), None),
        }
    }
}
