//! The TCP driver: the body of a socket's port.
//!
//! Called by the runtime for readiness, timers and the end, and by the API through `port::call`.
//! Parts: `listen` the accept queue, `connect` the way to a connection, `recv` input and its
//! delivery, `send` the output queue, `sendfile` a file in it, `ends` what ends a connection,
//! `opts` the options, `info`, `stats`, `scratch`.
//!
//! ```text
//!   Connecting ── decided ──► Connected ── EOF, error, send_timeout_close ──► descriptor gone
//!   Listening                     └──────────────── close, exit, owner ──────► port closed
//! ```
//! The descriptor may go while the port stays (0.5): `wire` says which. Invariant: every waiting
//! operation is woken by what decides it, and by `stop`; `tcp_closed` is sent at most once.

mod command;
mod connect;
mod ends;
mod form;
mod info;
mod input;
mod listen;
mod names;
mod opts;
mod output;
mod recv;
mod scratch;
mod send;
mod sendfile;
pub(crate) mod stats;
mod writer;

use std::io;
use std::sync::Arc;

use runtime::port::{Driver, Flush, PortCx, Readiness, Turn};
use runtime::{Message, Pid};

use crate::data::Tcp;
use crate::error::Error;
use crate::inet::addr::Family;
use crate::io::{Io, Sock};
use crate::options::{ActiveState, Linger, Opt, Settings};
use crate::socket::Socket;

pub(crate) use info::Snapshot;
pub(crate) use listen::Accepted;
use listen::Listener;
pub(crate) use recv::Ask;
use recv::Reader;
pub(crate) use sendfile::{Outcome, Part};
use stats::Stats;
use writer::Writer;
pub(crate) use writer::{Caller, SendOp, Sent};

/// The driver of one socket.
pub(crate) struct TcpPort {
    io: Arc<dyn Io>,
    wire: Wire,
    family: Family,
    settings: Settings,
    active: ActiveState,
    role: Role,
    reader: Reader,
    writer: Writer,
    /// A file that is being sent.
    file: Option<Box<sendfile::Transfer>>,
    stats: Stats,
    /// `tcp_closed` has been sent.
    closed_sent: bool,
    /// The owner was told of the peer's end while the socket was passive.
    end_told: bool,
    delayed: Delayed,
    pretended: Option<Box<names::Pretended>>,
}

/// The descriptor.
enum Wire {
    Open(Sock),
    /// Gone for everyone; what is queued is still written (part 9, row 6).
    Flushing(Sock),
    Gone,
}

impl Wire {
    fn open(&self) -> Option<&Sock> {
        match self {
            Wire::Open(sock) => Some(sock),
            Wire::Flushing(_) | Wire::Gone => None,
        }
    }

    /// The descriptor, also where it is only flushed.
    fn any(&self) -> Option<&Sock> {
        match self {
            Wire::Open(sock) | Wire::Flushing(sock) => Some(sock),
            Wire::Gone => None,
        }
    }
}

/// What the socket is there for.
pub(crate) enum Role {
    Connecting(Box<connect::Connector>),
    Listening(Box<Listener>),
    Connected,
}

impl Role {
    pub(crate) fn connecting() -> Role {
        Role::Connecting(Box::default())
    }

    pub(crate) fn listening() -> Role {
        Role::Listening(Box::default())
    }
}

/// What the next call is told after the descriptor went away (1.21).
#[derive(Clone, Copy, Default)]
struct Delayed {
    recv: bool,
    send: bool,
    reset: bool,
}

impl TcpPort {
    pub(crate) fn new(
        io: Arc<dyn Io>,
        sock: Sock,
        family: Family,
        settings: Settings,
        role: Role,
    ) -> Self {
        TcpPort {
            io,
            wire: Wire::Open(sock),
            family,
            reader: Reader::new(&settings),
            settings,
            active: ActiveState::False,
            role,
            writer: Writer::default(),
            file: None,
            stats: Stats::default(),
            closed_sent: false,
            end_told: false,
            delayed: Delayed::default(),
            pretended: None,
        }
    }

    fn is_connected(&self) -> bool {
        matches!((&self.role, &self.wire), (Role::Connected, Wire::Open(_)))
    }

    fn is_active(&self) -> bool {
        self.active != ActiveState::False
    }

    fn socket(cx: &PortCx<'_>) -> Socket {
        Socket::from_port(cx.id())
    }

    /// What a send says where there is no connection: a delayed end, once, and only its own (1.21).
    fn not_connected_to_send(&mut self) -> Error {
        let reset = self.delayed.reset;
        Self::delayed_end(std::mem::take(&mut self.delayed.send), reset)
    }

    /// What a recv says there: a delayed end, once, and with it what a send would be told (1.21).
    fn not_connected_to_recv(&mut self) -> Error {
        if !self.delayed.recv {
            return Error::Enotconn;
        }
        let delayed = std::mem::take(&mut self.delayed);
        Self::delayed_end(true, delayed.reset)
    }

    fn delayed_end(told: bool, reset: bool) -> Error {
        match (told, reset) {
            (false, _) => Error::Enotconn,
            (true, false) => Error::Closed,
            (true, true) => Error::Econnreset,
        }
    }

    /// Takes the descriptor away: out of the reactor, then out of here.
    fn take_sock(&mut self, cx: &PortCx<'_>) -> Option<Sock> {
        let wire = std::mem::replace(&mut self.wire, Wire::Gone);
        match wire {
            Wire::Open(sock) | Wire::Flushing(sock) => {
                cx.deregister(self.io.source(&sock));
                Some(sock)
            }
            Wire::Gone => None,
        }
    }

    fn close_sock(&mut self, cx: &PortCx<'_>) {
        if let Some(sock) = self.take_sock(cx) {
            if self.settings.linger == Linger::Waits {
                // Linux would wait in its close, non-blocking or not, and this is under the port's
                // lock. Without it what was written is sent all the same; the waiting is `close`'s.
                let _ = self.io.set_option(&sock, &Opt::Linger(false, 0));
            }
            self.io.close(sock);
        }
    }

    fn abort_sock(&mut self, cx: &PortCx<'_>) {
        if let Some(sock) = self.take_sock(cx) {
            self.io.abort(sock);
        }
    }

    /// Sends the owner a message. A port that closes has none (MSG-9).
    fn tell(cx: &mut PortCx<'_>, message: Tcp) {
        if !cx.is_closing() {
            cx.send_owner(message);
        }
    }

    fn send_closed(&mut self, cx: &mut PortCx<'_>) {
        if !std::mem::replace(&mut self.closed_sent, true) {
            Self::tell(cx, Tcp::Closed(Self::socket(cx)));
        }
    }
}

impl Driver for TcpPort {
    fn name(&self) -> &'static str {
        "tcp_inet"
    }

    fn start(&mut self, cx: &mut PortCx<'_>) -> io::Result<()> {
        match self.wire.open() {
            Some(sock) => cx.register(self.io.source(sock)),
            None => Ok(()),
        }
    }

    fn ready(&mut self, cx: &mut PortCx<'_>, readiness: Readiness) -> Turn {
        match &mut self.role {
            Role::Listening(listener) => {
                listener.ready(cx);
                Turn::Done
            }
            Role::Connecting(connector) => {
                connector.ready(cx);
                Turn::Done
            }
            Role::Connected => {
                let end = readiness.hangup || readiness.error;
                if readiness.writable || end {
                    self.writable(cx);
                }
                if readiness.readable || end {
                    self.reader.told(end);
                    let turn = self.readable(cx);
                    if self.settings.notify_end {
                        self.notify_end(cx);
                    }
                    return turn;
                }
                Turn::Done
            }
        }
    }

    fn timeout(&mut self, cx: &mut PortCx<'_>) {
        match &mut self.role {
            Role::Listening(listener) => listener.resume(cx),
            Role::Connecting(_) => {}
            Role::Connected => self.time_is_up(cx),
        }
    }

    fn slice_end(&mut self, cx: &mut PortCx<'_>) {
        self.end_gathering(cx);
    }

    fn command(&mut self, cx: &mut PortCx<'_>, data: &[u8], from: Pid) -> bool {
        self.take_command(cx, data, from);
        true
    }

    fn command_withdrawn(&mut self, cx: &mut PortCx<'_>) {
        self.writer.wake_next(cx);
    }

    fn hand_over(&mut self, messages: &[Message]) -> bool {
        // 4.2 step 5: with its `tcp_closed` moved, the port is as good as gone.
        let closed = |message: &Message| matches!(message.downcast_ref(), Some(Tcp::Closed(_)));
        let ended = messages.iter().any(closed);
        if ended {
            self.active = ActiveState::False;
        }
        !ended
    }

    fn flush(&mut self, cx: &mut PortCx<'_>, kill: bool) -> Flush {
        self.begin_flush(cx, kill)
    }

    fn stop(&mut self, cx: &mut PortCx<'_>) {
        self.close_sock(cx);
        if let Role::Listening(listener) = &mut self.role {
            listener.wake_all(cx);
        }
        if let Role::Connecting(connector) = &mut self.role {
            connector.ready(cx);
        }
        self.fail_file(cx, Error::Closed);
        self.reader.wake(cx);
        self.writer.wake_all(cx);
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        vec![
            ("family", format!("{:?}", self.family)),
            ("states", format!("{:?}", self.states())),
            ("active", format!("{:?}", self.active)),
            ("queue", self.writer.output.len().to_string()),
        ]
    }
}
