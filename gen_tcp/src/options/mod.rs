//! The options of a socket (part 2 of the contract).
//!
//! What: [`Opt`] is one option with its value, [`Name`] one to ask for, and [`opt`] the words in
//! which a user writes them. `check` says which of them a call takes, `plan` makes of a list what
//! the creation of a socket needs, `settings` holds the values that the driver itself obeys,
//! `active` the arithmetic of the delivery mode.
//! Who calls it: users write [`Opt`]; the driver checks, plans and keeps settings; `io` reads and
//! writes the rest in the kernel.
//! Invariant: numbers are kept as they were given, so that a value out of range is refused by
//! the check (OPT-1, OPT-6) and never silently cut. Nothing here touches a socket.
//! Not here: the kernel's options (`io::sockopt`), and what a value makes the driver do.

mod active;
mod args;
mod check;
mod name;
pub mod opt;
mod plan;
mod settings;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

pub use crate::inet::addr::Family;

pub(crate) use active::{ActiveState, next_active};
use args::number;
pub use args::{Packet, SendTimeout};
pub(crate) use check::{Use, check, check_names};
pub use name::Name;
pub(crate) use plan::Plan;
pub(crate) use settings::{Linger, Settings, inherited};

/// One option with its value. The words to write it with are in [`opt`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Opt {
    /// Form of the received data; `list` is the default.
    Mode(Mode),
    /// Delivery mode (2.3); `true` is the default.
    Active(Active),
    /// Framing (6.3).
    Packet(PacketType),
    /// Largest body of a packet, 0 for no limit.
    PacketSize(i64),
    /// Last byte of a line, 0 to 255.
    LineDelimiter(i64),
    /// Binary mode: so many bytes as a list in front of the rest (6.6).
    Header(i64),
    /// Form of the data messages.
    Deliver(Deliver),
    /// Size of the user buffer; values under 1 count as 1.
    Buffer(i64),
    /// What the peer's end does (0.5); `true` is the default.
    ExitOnClose(bool),
    /// Report a reset as `econnreset` and not as `closed`.
    ShowEconnreset(bool),
    /// How long a send may wait, in milliseconds; `None` is `infinity`, the default (5.3).
    SendTimeout(Option<i64>),
    /// Close when a send times out.
    SendTimeoutClose(bool),
    /// Queue every send and write later (5.6).
    DelaySend(bool),
    /// Length of the output queue from which senders wait; negative counts as 0.
    HighWatermark(i64),
    /// Length at which they go on.
    LowWatermark(i64),
    /// As the watermarks, for the commands that wait for the port; under 1 is `einval`.
    HighMsgqWatermark(i64),
    /// The lower of the two.
    LowMsgqWatermark(i64),
    /// Most that the output queue may hold, in bytes; 0, the default, is no limit. Ours (part 9,
    /// row 11).
    SendQueueLimit(i64),
    /// `false`: read no more than the packet needs.
    ReadAhead(bool),
    /// Accepted, kept, and without effect.
    Debug(bool),
    /// Ours: what came in outlives an end of the connection (EXT-1 to EXT-3).
    KeepInput(bool),
    /// Ours: whether close waits for queued output; `true` is the default (EXT-4).
    CloseWait(bool),
    /// Ours: how long a closed socket writes its queue in the background, in milliseconds; `None`
    /// is without a limit (EXT-5).
    FlushLimit(Option<i64>),
    /// Ours: tell the owner of a passive socket of the peer's end (EXT-8).
    NotifyEnd(bool),

    /// `SO_RCVBUF`; raises a `buffer` that was never set.
    Recbuf(i64),
    /// `SO_SNDBUF`.
    Sndbuf(i64),
    /// `TCP_NODELAY`.
    Nodelay(bool),
    /// `TCP_CORK` or `TCP_NOPUSH`; for setopts only.
    Nopush(bool),
    /// `SO_KEEPALIVE`.
    Keepalive(bool),
    /// `TCP_KEEPIDLE`, in seconds.
    Keepidle(i64),
    /// `TCP_KEEPINTVL`, in seconds.
    Keepintvl(i64),
    /// `TCP_KEEPCNT`.
    Keepcnt(i64),
    /// `TCP_USER_TIMEOUT`, in milliseconds.
    UserTimeout(i64),
    /// `SO_LINGER`: on or off, and seconds; on with 0 means reset (CLO-9).
    Linger(bool, i64),
    /// `SO_REUSEADDR`.
    Reuseaddr(bool),
    /// `SO_REUSEPORT`.
    Reuseport(bool),
    /// The load-balancing form of `reuseport`; on Linux the same.
    ReuseportLb(bool),
    /// Of Windows; ignored elsewhere.
    Exclusiveaddruse(bool),
    /// `IP_TOS`.
    Tos(i64),
    /// `IPV6_TCLASS`.
    Tclass(i64),
    /// `IP_TTL`.
    Ttl(i64),
    /// Ask for `tos` in [`Opt::Pktoptions`].
    Recvtos(bool),
    /// Ask for `ttl` in [`Opt::Pktoptions`].
    Recvttl(bool),
    /// Ask for `tclass` in [`Opt::Pktoptions`].
    Recvtclass(bool),
    /// The values received last, as [`Opt::Tos`], [`Opt::Ttl`], [`Opt::Tclass`]; only an answer.
    Pktoptions(Vec<Opt>),
    /// `SO_PRIORITY`.
    Priority(i64),
    /// `IPV6_V6ONLY`; not for connect.
    Ipv6V6only(bool),
    /// `SO_BINDTODEVICE`; the empty name ends the binding.
    BindToDevice(Vec<u8>),
    /// Network name space to create the socket in.
    Netns(PathBuf),
    /// `SO_DONTROUTE`; for setopts only.
    Dontroute(bool),
    /// Straight to the kernel.
    Raw {
        /// The protocol level.
        level: i32,
        /// The number of the option.
        option: i32,
        /// Its bytes.
        value: Vec<u8>,
    },

    /// Length of the accept queue; 16 bits are passed on (LIS-6).
    Backlog(i64),
    /// Address to bind to.
    Ip(Address),
    /// Port to bind to.
    Port(i64),
    /// An existing descriptor in place of a new one; see [`opt::fd`].
    Fd(FdNumber),
    /// Address family; of several the first one counts.
    Family(Family),
    /// Transport protocol.
    Protocol(Protocol),
    /// `inet_tcp`, `inet6_tcp` or `local_tcp`: another word for the family.
    TcpModule(Family),
    /// Implementation; `inet` is the only one, and it must come first in the list.
    InetBackend(Backend),

    /// An option, or a value of one, that exists nowhere. Every check refuses it.
    Unknown(&'static str),
}

/// Form of the received data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// Lists of bytes.
    List,
    /// Binaries.
    Binary,
}

/// Delivery mode as it is asked for (2.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Active {
    /// Nothing is read but for a pending recv.
    False,
    /// Everything is sent to the owner as it comes.
    True,
    /// One message, then `false`.
    Once,
    /// So many messages more, added to the count (ACT-4); -32768 to 32767.
    N(i64),
}

impl From<bool> for Active {
    fn from(on: bool) -> Self {
        if on { Self::True } else { Self::False }
    }
}

/// The packet types (6.3). Erlang's `raw` and 0 are one type, which getopts prints as 0; its
/// `ssl` and `ssl_tls` are one, printed as `ssl`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PacketType {
    /// `raw`, 0: no framing.
    Raw,
    /// 1: a length of one byte.
    One,
    /// 2: a length of two bytes.
    Two,
    /// 4: a length of four bytes.
    Four,
    /// `asn1`: BER.
    Asn1,
    /// `cdr`: CORBA.
    Cdr,
    /// `sunrm`: Sun RPC.
    Sunrm,
    /// `fcgi`: FastCGI.
    Fcgi,
    /// `tpkt`: RFC 1006.
    Tpkt,
    /// `line`: up to the delimiter.
    Line,
    /// `ssl_tls`: TLS records.
    SslTls,
    /// `http`: a start line, then headers.
    Http,
    /// `httph`: headers only.
    Httph,
    /// `http_bin`: as `http`, with binaries.
    HttpBin,
    /// `httph_bin`: as `httph`, with binaries.
    HttphBin,
}

/// Form of the data messages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Deliver {
    /// `{tcp,S,Data}`.
    Term,
    /// `{S,{data,Data}}`.
    Port,
}

/// Transport protocol.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// Multipath TCP, where the kernel has it.
    Mptcp,
}

/// The implementations that Erlang knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Backend {
    /// The one of this crate.
    Inet,
    /// Refused.
    Socket,
}

/// An address to bind to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// IPv4.
    V4(Ipv4Addr),
    /// IPv6.
    V6(Ipv6Addr),
    /// All addresses of the family.
    Any,
    /// The loopback address of the family.
    Loopback,
    /// A path of a Unix-domain socket; a first byte 0 means an abstract name.
    Local(Vec<u8>),
    /// Erlang's sockaddr map: address and port, for IPv6 with flow and scope.
    Socket(SocketAddr),
}

impl Address {
    /// The path of a Unix-domain socket.
    pub fn local(path: impl Into<Vec<u8>>) -> Self {
        Self::Local(path.into())
    }

    /// The family that the address belongs to, if it says.
    pub(crate) fn family(&self) -> Option<Family> {
        match self {
            Self::V4(_) | Self::Socket(SocketAddr::V4(_)) => Some(Family::Inet),
            Self::V6(_) | Self::Socket(SocketAddr::V6(_)) => Some(Family::Inet6),
            Self::Local(_) => Some(Family::Local),
            Self::Any | Self::Loopback => None,
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::V4(ip),
            IpAddr::V6(ip) => Self::V6(ip),
        }
    }
}

impl From<Ipv4Addr> for Address {
    fn from(ip: Ipv4Addr) -> Self {
        Self::V4(ip)
    }
}

impl From<Ipv6Addr> for Address {
    fn from(ip: Ipv6Addr) -> Self {
        Self::V6(ip)
    }
}

impl From<[u8; 4]> for Address {
    fn from(ip: [u8; 4]) -> Self {
        Self::V4(ip.into())
    }
}

impl From<[u16; 8]> for Address {
    fn from(ip: [u16; 8]) -> Self {
        Self::V6(ip.into())
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Socket(address)
    }
}

/// The raw number of a descriptor to adopt. Only [`opt::fd`], which is `unsafe`, makes one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FdNumber(i64);

impl FdNumber {
    /// The number. Negative: none.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}
