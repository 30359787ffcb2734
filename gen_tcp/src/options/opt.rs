//! The words for options.
//!
//! What: a function for each option of the contract, under Erlang's name, made to be imported
//! all at once: `[binary(), packet(0), active(false), ip([127, 0, 0, 1])]`.
//! Who calls it: users.
//! Invariant: no value panics; one that the option cannot have makes an [`Opt`] that the check
//! refuses (OPT-1).
//! Not here: which call takes which option.

use std::path::PathBuf;

use super::{Active, Address, Backend, Deliver, Family, FdNumber, Mode, Opt, Protocol};
use super::{Packet, SendTimeout, number};

/// `{active,once}`: write `active(ONCE)`.
pub const ONCE: Active = Active::Once;
/// All addresses: write `ip(ANY)`.
pub const ANY: Address = Address::Any;
/// The loopback address: write `ip(LOOPBACK)`.
pub const LOOPBACK: Address = Address::Loopback;
/// No limit: write `send_timeout(INFINITY)`.
pub const INFINITY: SendTimeout = SendTimeout::INFINITY;

/// Options whose value is true or false.
macro_rules! flags {
    ($($(#[$doc:meta])* $word:ident $variant:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub const fn $word(on: bool) -> Opt {
            Opt::$variant(on)
        }
    )*};
}

/// Options whose value is a number.
macro_rules! numbers {
    ($($(#[$doc:meta])* $word:ident $variant:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $word(value: impl TryInto<i64>) -> Opt {
            Opt::$variant(number(value))
        }
    )*};
}

/// Options without a value.
macro_rules! atoms {
    ($($(#[$doc:meta])* $word:ident $value:expr;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub const fn $word() -> Opt {
            $value
        }
    )*};
}

atoms! {
    /// Received data are binaries.
    binary Opt::Mode(Mode::Binary);
    /// Received data are lists, the default.
    list Opt::Mode(Mode::List);
    /// IPv4, the default.
    inet Opt::Family(Family::Inet);
    /// IPv6.
    inet6 Opt::Family(Family::Inet6);
    /// Unix-domain sockets.
    local Opt::Family(Family::Local);
}

flags! {
    /// What the peer's end does to the socket (0.5).
    exit_on_close ExitOnClose;
    /// Report a reset as `econnreset`.
    show_econnreset ShowEconnreset;
    /// Close when a send times out.
    send_timeout_close SendTimeoutClose;
    /// Queue every send and write later (5.6).
    delay_send DelaySend;
    /// `false`: read no more than the packet needs.
    read_ahead ReadAhead;
    /// Accepted and without effect.
    debug Debug;
    /// Ours: the last bytes of a connection stay readable, whatever ends it, and a send that fails
    /// ends nothing but sending (EXT-1 to EXT-3).
    keep_input KeepInput;
    /// Ours: `false`: close does not wait for queued output (EXT-4).
    close_wait CloseWait;
    /// Ours: tell the owner of a passive socket of the peer's end (EXT-8).
    notify_end NotifyEnd;
    /// `TCP_NODELAY`.
    nodelay Nodelay;
    /// Hold back partial segments; setopts only.
    nopush Nopush;
    /// `SO_KEEPALIVE`.
    keepalive Keepalive;
    /// `SO_REUSEADDR`.
    reuseaddr Reuseaddr;
    /// `SO_REUSEPORT`.
    reuseport Reuseport;
    /// `SO_REUSEPORT` with load balancing.
    reuseport_lb ReuseportLb;
    /// Of Windows; ignored elsewhere.
    exclusiveaddruse Exclusiveaddruse;
    /// Ask for `tos` in `pktoptions`.
    recvtos Recvtos;
    /// Ask for `ttl` in `pktoptions`.
    recvttl Recvttl;
    /// Ask for `tclass` in `pktoptions`.
    recvtclass Recvtclass;
    /// IPv6 only; not in connect.
    ipv6_v6only Ipv6V6only;
    /// `SO_DONTROUTE`; setopts only.
    dontroute Dontroute;
}

numbers! {
    /// Largest body of a packet, 0 for no limit.
    packet_size PacketSize;
    /// Last byte of a line: 0 to 255.
    line_delimiter LineDelimiter;
    /// So many bytes as a list in front of the rest (6.6).
    header Header;
    /// Size of the user buffer.
    buffer Buffer;
    /// Length of the output queue from which senders wait.
    high_watermark HighWatermark;
    /// Length of the output queue at which they go on.
    low_watermark LowWatermark;
    /// As `high_watermark`, for commands; at least 1.
    high_msgq_watermark HighMsgqWatermark;
    /// As `low_watermark`, for commands; at least 1.
    low_msgq_watermark LowMsgqWatermark;
    /// Bytes that the output queue may hold, 0 for no limit: a send that would leave more in it is
    /// refused with `enobufs`, and nothing of it is sent. Ours (part 9, row 11).
    send_queue_limit SendQueueLimit;
    /// Size of the kernel's receive buffer.
    recbuf Recbuf;
    /// Size of the kernel's send buffer.
    sndbuf Sndbuf;
    /// Seconds of silence before the first keep-alive probe.
    keepidle Keepidle;
    /// Seconds between keep-alive probes.
    keepintvl Keepintvl;
    /// Unanswered probes that end the connection.
    keepcnt Keepcnt;
    /// Milliseconds that sent data may stay unacknowledged; 0 is the kernel's own limit.
    user_timeout UserTimeout;
    /// Type of service, IPv4.
    tos Tos;
    /// Traffic class, IPv6.
    tclass Tclass;
    /// Time to live: 1 to 255.
    ttl Ttl;
    /// Queueing priority.
    priority Priority;
    /// Length of the accept queue; 5 by default.
    backlog Backlog;
    /// Port to bind to.
    port Port;
}

/// Form of the received data.
#[must_use]
pub const fn mode(mode: Mode) -> Opt {
    Opt::Mode(mode)
}

/// Delivery mode: `true`, `false`, [`ONCE`], or a count that is added (ACT-4).
#[must_use]
pub fn active(mode: impl Into<Active>) -> Opt {
    Opt::Active(mode.into())
}

/// Framing: a [`PacketType`](super::PacketType), or 0, 1, 2, 4.
#[must_use]
pub fn packet(kind: impl Into<Packet>) -> Opt {
    kind.into()
        .get()
        .map_or(Opt::Unknown("packet"), Opt::Packet)
}

/// Form of the data messages.
#[must_use]
pub const fn deliver(form: Deliver) -> Opt {
    Opt::Deliver(form)
}

/// How long a send may wait: a [`Duration`](std::time::Duration), milliseconds, or [`INFINITY`]
/// (5.3).
#[must_use]
pub fn send_timeout(limit: impl Into<SendTimeout>) -> Opt {
    Opt::SendTimeout(limit.into().get())
}

/// Ours: how long a closed socket writes what is queued, in the background, before it resets the
/// peer: a [`Duration`](std::time::Duration), milliseconds, or [`INFINITY`] (EXT-5).
#[must_use]
pub fn flush_limit(limit: impl Into<SendTimeout>) -> Opt {
    Opt::FlushLimit(limit.into().get())
}

/// What close does with unsent data: off, or on with a limit in seconds (CLO-8 to CLO-10).
#[must_use]
pub fn linger(on: bool, seconds: impl TryInto<i64>) -> Opt {
    Opt::Linger(on, number(seconds))
}

/// Network device to bind to; the empty name ends the binding.
#[must_use]
pub fn bind_to_device(name: impl Into<Vec<u8>>) -> Opt {
    Opt::BindToDevice(name.into())
}

/// Network name space to create the socket in.
#[must_use]
pub fn netns(path: impl Into<PathBuf>) -> Opt {
    Opt::Netns(path.into())
}

/// Straight to the kernel: level, option, bytes.
#[must_use]
pub fn raw(level: i32, option: i32, value: impl Into<Vec<u8>>) -> Opt {
    Opt::Raw {
        level,
        option,
        value: value.into(),
    }
}

/// Address to bind to: `ip([127, 0, 0, 1])`, `ip(LOOPBACK)`, `ip(Address::local("/run/x"))`.
#[must_use]
pub fn ip(address: impl Into<Address>) -> Opt {
    Opt::Ip(address.into())
}

/// The same as [`ip`].
#[must_use]
pub fn ifaddr(address: impl Into<Address>) -> Opt {
    Opt::Ip(address.into())
}

/// Transport protocol.
#[must_use]
pub const fn protocol(protocol: Protocol) -> Opt {
    Opt::Protocol(protocol)
}

/// `{tcp_module,inet6_tcp}` and its kin: another word for the family.
#[must_use]
pub const fn tcp_module(family: Family) -> Opt {
    Opt::TcpModule(family)
}

/// Implementation; must come first, and only [`Backend::Inet`] is taken.
#[must_use]
pub const fn inet_backend(backend: Backend) -> Opt {
    Opt::InetBackend(backend)
}

/// An existing descriptor in place of a new one (1.10). It is not closed with the socket.
/// A negative number is none; one that is not open makes the call fail with `ebadf`.
///
/// # Safety
///
/// If the number is an open descriptor, it must be a stream socket that the caller may lend, and
/// it must stay open until every socket made with this option, or with a clone of it, is closed.
/// The socket switches it to non-blocking.
#[must_use]
pub unsafe fn fd(number: impl TryInto<i64>) -> Opt {
    Opt::Fd(FdNumber(super::number(number)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::PacketType;
    use super::*;

    #[test]
    fn a_list_reads_like_erlang() {
        let list = [
            binary(),
            packet(0),
            active(false),
            ip([127, 0, 0, 1]),
            buffer(100usize),
        ];
        assert_eq!(list[0], Opt::Mode(Mode::Binary));
        assert_eq!(list[1], Opt::Packet(PacketType::Raw));
        assert_eq!(list[2], Opt::Active(Active::False));
        assert_eq!(list[3], Opt::Ip(Address::V4([127, 0, 0, 1].into())));
        assert_eq!(list[4], Opt::Buffer(100));
    }

    #[test]
    fn values_beyond_every_range_do_not_panic() {
        assert_eq!(packet(3), Opt::Unknown("packet"));
        assert_eq!(packet(-1i64), Opt::Unknown("packet"));
        assert_eq!(packet(u64::MAX), Opt::Unknown("packet"));
        assert_eq!(active(u64::MAX), Opt::Active(Active::N(i64::MAX)));
        assert_eq!(buffer(u128::MAX), Opt::Buffer(i64::MAX));
        assert_eq!(
            send_timeout(Duration::MAX),
            Opt::SendTimeout(Some(i64::MAX))
        );
        assert_eq!(send_timeout(INFINITY), Opt::SendTimeout(None));
        assert_eq!(active(ONCE), Opt::Active(Active::Once));
    }
}
