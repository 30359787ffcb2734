//! Input: reading, framing, and giving what came to a recv or to the owner (part 6).
//!
//! A passive socket reads only for a pending recv, in the call or in its poll; an active one reads
//! when it is ready, a bounded amount at a time. Invariant (MSG-1, RCV-8): bytes are delivered once
//! and in order; what was read and not delivered stays in `input`, whatever ends a recv. A short
//! read is taken for emptiness only where no end was seen. No memory is taken for what a header
//! announces: `input` grows with what came. What ends the connection is in `ends`.

use std::io;
use std::task::Poll;

use bytes::Bytes;
use runtime::Wakeup;
use runtime::port::{PortCx, Turn};

use super::form::{form, kind, open, port_message};
use super::input::{Due, Input};
use super::scratch::{self, Filled};
use super::{TcpPort, Wire};
use crate::data::{Data, Tcp};
use crate::error::Error;
use crate::options::{ActiveState, Deliver, PacketType, Settings};
use crate::packet::{Decoder, Packet, TooLong};

/// The longest recv(S,N) (RCV-6).
const LENGTH_MAX: usize = 64 << 20;
/// Bytes that one turn of an active socket reads before others have theirs (O-17).
const TURN_BYTES: usize = 64 << 10;
/// Packets that one turn delivers.
const TURN_PACKETS: usize = 256;

/// The input side of a connection.
pub(super) struct Reader {
    pub(super) decoder: Decoder,
    pub(super) input: Input,
    op: Option<Op>,
    next_id: u64,
    /// There may be something to read.
    readable: bool,
    /// The peer's end was announced: only a read of nothing proves emptiness.
    pub(super) end_seen: bool,
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
    /// Its time limit is 0.
    at_once: bool,
}

/// What a recv asks for.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    /// 0: whatever is there.
    pub(crate) length: usize,
    /// Its time limit is 0: it has one try, and what it was to get stays expected (RCV-8).
    pub(crate) at_once: bool,
}

/// What a step towards a delivery came to.
enum Pulled {
    /// Data, and how many bytes it used up.
    Delivery(Data, usize),
    /// Something came, and there has to be more.
    Part,
    Nothing,
    /// Reading is over.
    Ended(Error),
    Eof,
    /// The packet type refuses what is in the buffer.
    Refused,
    Failed(Error),
}

impl Reader {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut reader = Reader {
            decoder: Decoder::new(kind(settings.packet)),
            input: Input::default(),
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
        self.decoder.set_plain(settings.deliver == Deliver::Port);
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

    /// Nothing is in the buffer, and nothing has come since the last read.
    fn is_dry(&self) -> bool {
        !self.readable && self.input.is_bare()
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
        self.input.clear();
        self.decoder.rescan();
    }
}

impl TcpPort {
    /// One attempt of a process that receives. `op` is its number, once it waits.
    pub(crate) fn recv(
        &mut self,
        cx: &mut PortCx<'_>,
        op: &mut Option<u64>,
        ask: Ask,
        wakeup: Wakeup,
    ) -> Poll<Result<Data, Error>> {
        let mut length = 0;
        let (overtaken, mut untimed) = match op {
            None => {
                length = ask.length;
                self.may_recv(length)?;
                if ask.at_once {
                    // Its one try is a read, whether the reactor has told of input or not (RCV-7).
                    self.reader.told(false);
                }
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
        if !overtaken && let Some(result) = self.take(cx, length, ask.at_once) {
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
            at_once: ask.at_once,
        });
        Poll::Pending
    }

    fn may_recv(&mut self, length: usize) -> Result<(), Error> {
        if !self.is_connected() {
            return Err(self.not_connected_to_recv());
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
        if let Some(op) = self.reader.op.take_if(|op| op.id == id)
            && !op.at_once
        {
            self.reader.input.expect_nothing();
        }
    }

    /// What a recv can have now: data, or the end of the connection. `None`: it has to wait.
    fn take(
        &mut self,
        cx: &mut PortCx<'_>,
        mut length: usize,
        at_once: bool,
    ) -> Option<Result<Data, Error>> {
        loop {
            match self.pull(length) {
                Pulled::Delivery(data, size) => {
                    self.stats.received(size);
                    return self.hand_out(cx, data);
                }
                Pulled::Part if at_once => return None,
                Pulled::Part => length = 0,
                Pulled::Nothing => return None,
                Pulled::Ended(ended) => {
                    self.reader.clear();
                    // A send behind this is told the same once, where the descriptor goes (1.21).
                    self.delayed.send |= ended == Error::Closed;
                    return Some(Err(ended));
                }
                Pulled::Eof => {
                    if length == 0
                        && let Some(data) = self.last()
                    {
                        return self.hand_out(cx, data);
                    }
                    return Some(Err(self.eof(cx)));
                }
                Pulled::Refused => return Some(Err(self.read_failed(cx, Error::Emsgsize))),
                Pulled::Failed(error) => return Some(Err(self.read_failed(cx, error))),
            }
        }
    }

    /// Data for a recv. With `{deliver,port}` it goes to the owner as a message, and the recv waits
    /// on, as one that was overtaken.
    fn hand_out(&mut self, cx: &mut PortCx<'_>, data: Data) -> Option<Result<Data, Error>> {
        if self.settings.deliver == Deliver::Port {
            Self::tell(cx, port_message(Self::socket(cx), &self.settings, data));
            self.reader.handed_out = true;
            return None;
        }
        Some(Ok(data))
    }

    /// One step towards the next delivery: it is in the buffer, or one read is made for it.
    fn pull(&mut self, length: usize) -> Pulled {
        let raw = self.settings.packet == PacketType::Raw;
        let buffer = self.settings.buffer as usize;
        let reader = &mut self.reader;
        let room = match reader.input.due(length, buffer, &mut reader.decoder) {
            Ok(Due::Read(room)) if self.settings.read_ahead => room,
            Ok(Due::Read(room)) => reader.input.within_packet(room, &reader.decoder),
            Ok(Due::Packet(packet)) => return self.delivery(packet),
            Err(TooLong) => return Pulled::Refused,
        };
        // A passive socket looks again: behind a local `shutdown(S,read)`, or behind input that was
        // refused, there may be more. Where there is none, the refusal holds (part 9, row 28).
        let refused = match reader.ended {
            Some(ended) if self.active != ActiveState::False => return Pulled::Ended(ended),
            ended => ended == Some(Error::Emsgsize) && reader.input.is_empty(),
        };
        if raw && reader.input.is_bare() {
            let keep = |filled: Filled<'_>| filled.into_bytes();
            return match reader.read(&self.wire, &*self.io, room, keep) {
                Ok(bytes) => {
                    reader.input.clear();
                    let size = bytes.len();
                    Pulled::Delivery(form(&self.settings, bytes), size)
                }
                Err(Pulled::Nothing) if refused => Pulled::Ended(Error::Emsgsize),
                Err(pulled) => pulled,
            };
        }
        let mut input = std::mem::take(&mut reader.input);
        let mut decoder = reader.decoder.clone();
        let keep = |filled: Filled<'_>| input.came(filled.as_slice(), &mut decoder);
        let came = reader.read(&self.wire, &*self.io, room, keep);
        reader.input = input;
        reader.decoder = decoder;
        match came {
            Ok(Ok(Some(packet))) => self.delivery(packet),
            Ok(Ok(None)) => Pulled::Part,
            Ok(Err(TooLong)) => Pulled::Failed(Error::Emsgsize),
            Err(Pulled::Nothing) if refused => Pulled::Ended(Error::Emsgsize),
            Err(pulled) => pulled,
        }
    }

    /// Takes a packet out of the buffer.
    fn delivery(&mut self, packet: Packet) -> Pulled {
        let (input, settings) = (&mut self.reader.input, &self.settings);
        let size = packet.consumed;
        if settings.packet == PacketType::Raw {
            return Pulled::Delivery(form(settings, input.split(size)), size);
        }
        let data = open(settings, packet, input.as_slice());
        input.consume(size);
        Pulled::Delivery(data, size)
    }

    /// The reactor says that there is input, or an end. A passive socket leaves it to its recv.
    pub(super) fn readable(&mut self, cx: &mut PortCx<'_>) -> Turn {
        if self.is_active() {
            // What has ended begins again by a change of mode only.
            return match self.reader.ended {
                Some(_) => Turn::Done,
                None => self.deliver(cx, false),
            };
        }
        self.reader.wake(cx);
        Turn::Done
    }

    /// Sends the owner what there is, as long as the mode is active; a bounded amount (O-17).
    /// `quiet`: what the packet type refuses is told with the next input (3.4), unless it stood
    /// behind a good packet (part 9, row 20).
    pub(super) fn deliver(&mut self, cx: &mut PortCx<'_>, quiet: bool) -> Turn {
        let (mut bytes, mut packets) = (0, 0);
        while self.is_active() && self.is_connected() {
            if bytes >= TURN_BYTES || packets >= TURN_PACKETS {
                return Turn::Again;
            }
            let provided = self.reader.input.has_buffer();
            match self.pull(0) {
                Pulled::Delivery(data, size) => {
                    packets += 1;
                    bytes += size;
                    self.stats.received(size);
                    self.message(cx, data);
                    if self.reader.is_dry() {
                        break;
                    }
                }
                Pulled::Part => bytes += 1,
                Pulled::Nothing => {
                    if !provided {
                        // OTP makes no buffer before there is something to read.
                        self.reader.input.clear();
                    }
                    break;
                }
                Pulled::Ended(_) => break,
                Pulled::Eof => match self.last() {
                    Some(data) => self.message(cx, data),
                    None => {
                        self.eof(cx);
                        break;
                    }
                },
                Pulled::Refused => {
                    if !quiet || self.reader.input.is_rest() {
                        self.read_failed(cx, Error::Emsgsize);
                    }
                    break;
                }
                Pulled::Failed(error) => {
                    self.read_failed(cx, error);
                    break;
                }
            }
        }
        Turn::Done
    }

    /// What is buffered and refused is told where the kernel has input, or an end, behind it.
    pub(super) fn tell_refused(&mut self, cx: &mut PortCx<'_>) {
        let (active, buffer) = (self.is_active(), self.settings.buffer as usize);
        let Reader { input, decoder, .. } = &mut self.reader;
        if active
            && !input.is_empty()
            && input.due(0, buffer, decoder) == Err(TooLong)
            && let Some(sock) = self.wire.open()
            && self.io.has_input(sock)
        {
            self.read_failed(cx, Error::Emsgsize);
        }
    }

    /// One data message, and what it does to the mode (2.3).
    fn message(&mut self, cx: &mut PortCx<'_>, data: Data) {
        let socket = Self::socket(cx);
        Self::tell(
            cx,
            match data {
                data if self.settings.deliver == Deliver::Port => {
                    port_message(socket, &self.settings, data)
                }
                Data::Http(packet) => Tcp::Http(socket, packet),
                Data::SslTls(record) => Tcp::SslTls(socket, record),
                data => Tcp::Data(socket, data),
            },
        );
        match self.active {
            ActiveState::Once => self.active = ActiveState::False,
            ActiveState::N(1) => {
                self.active = ActiveState::False;
                Self::tell(cx, Tcp::Passive(socket));
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
        self.reader.input.put_back(data);
        self.reader.decoder.rescan();
        if self.is_active() {
            self.deliver_all(cx, true);
        }
        Ok(())
    }

    /// Delivers, and has the rest delivered by the event loop.
    pub(super) fn deliver_all(&mut self, cx: &mut PortCx<'_>, quiet: bool) {
        if self.deliver(cx, quiet) == Turn::Again {
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
    ) -> Result<R, Pulled> {
        let Some(sock) = wire.open().filter(|_| self.readable) else {
            return Err(Pulled::Nothing);
        };
        match scratch::read(room, |buffer| io.read(sock, buffer), keep) {
            Ok((0, _)) => Err(Pulled::Eof),
            Ok((n, kept)) => {
                // Less than there was room for, and no end in sight: that was all.
                self.readable = n == room || self.end_seen;
                Ok(kept)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Err(Pulled::Nothing)
            }
            Err(error) => Err(Pulled::Failed(error.into())),
        }
    }
}
