//! The names of the options.
//!
//! What: [`Name`], what getopts is asked for, and its atom; each [`Opt`] has one.
//! Who calls it: users of getopts; the check, the plan and the settings, as the key of an option.
//! Invariant: one name, one atom; the names are Erlang's.
//! Not here: the values.

use super::Opt;

/// Declares the names with their atoms and the mapping from options.
macro_rules! names {
    ($($name:ident $atom:literal $pattern:pat,)*) => {
        /// The name of an option, for getopts (1.12).
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Name {
            $(#[doc = concat!("`", $atom, "`")] $name,)*
            /// `{raw,Level,Option,Size}`: straight from the kernel, at most 64 KiB.
            Raw {
                /// The protocol level.
                level: i32,
                /// The number of the option.
                option: i32,
                /// How many bytes the answer may have.
                size: i64,
            },
            /// A name that no option has: getopts answers `einval`.
            Unknown(&'static str),
        }

        impl Name {
            /// Erlang's atom for the option.
            #[must_use]
            pub const fn atom(&self) -> &'static str {
                match self {
                    $(Self::$name => $atom,)*
                    Self::Raw { .. } => "raw",
                    Self::Unknown(atom) => atom,
                }
            }
        }

        impl Opt {
            /// The name under which the option is set and read.
            #[must_use]
            pub const fn name(&self) -> Name {
                match self {
                    $($pattern => Name::$name,)*
                    Self::Raw { level, option, value } => {
                        Name::Raw { level: *level, option: *option, size: value.len() as i64 }
                    }
                    Self::Unknown(atom) => Name::Unknown(atom),
                }
            }
        }
    };
}

names! {
    Mode "mode" Self::Mode(_),
    Active "active" Self::Active(_),
    Packet "packet" Self::Packet(_),
    PacketSize "packet_size" Self::PacketSize(_),
    LineDelimiter "line_delimiter" Self::LineDelimiter(_),
    Header "header" Self::Header(_),
    Deliver "deliver" Self::Deliver(_),
    Buffer "buffer" Self::Buffer(_),
    ExitOnClose "exit_on_close" Self::ExitOnClose(_),
    ShowEconnreset "show_econnreset" Self::ShowEconnreset(_),
    SendTimeout "send_timeout" Self::SendTimeout(_),
    SendTimeoutClose "send_timeout_close" Self::SendTimeoutClose(_),
    DelaySend "delay_send" Self::DelaySend(_),
    HighWatermark "high_watermark" Self::HighWatermark(_),
    LowWatermark "low_watermark" Self::LowWatermark(_),
    HighMsgqWatermark "high_msgq_watermark" Self::HighMsgqWatermark(_),
    LowMsgqWatermark "low_msgq_watermark" Self::LowMsgqWatermark(_),
    SendQueueLimit "send_queue_limit" Self::SendQueueLimit(_),
    ReadAhead "read_ahead" Self::ReadAhead(_),
    Debug "debug" Self::Debug(_),
    KeepInput "keep_input" Self::KeepInput(_),
    CloseWait "close_wait" Self::CloseWait(_),
    FlushLimit "flush_limit" Self::FlushLimit(_),
    NotifyEnd "notify_end" Self::NotifyEnd(_),
    Recbuf "recbuf" Self::Recbuf(_),
    Sndbuf "sndbuf" Self::Sndbuf(_),
    Nodelay "nodelay" Self::Nodelay(_),
    Nopush "nopush" Self::Nopush(_),
    Keepalive "keepalive" Self::Keepalive(_),
    Keepidle "keepidle" Self::Keepidle(_),
    Keepintvl "keepintvl" Self::Keepintvl(_),
    Keepcnt "keepcnt" Self::Keepcnt(_),
    UserTimeout "user_timeout" Self::UserTimeout(_),
    Linger "linger" Self::Linger(..),
    Reuseaddr "reuseaddr" Self::Reuseaddr(_),
    Reuseport "reuseport" Self::Reuseport(_),
    ReuseportLb "reuseport_lb" Self::ReuseportLb(_),
    Exclusiveaddruse "exclusiveaddruse" Self::Exclusiveaddruse(_),
    Tos "tos" Self::Tos(_),
    Tclass "tclass" Self::Tclass(_),
    Ttl "ttl" Self::Ttl(_),
    Recvtos "recvtos" Self::Recvtos(_),
    Recvttl "recvttl" Self::Recvttl(_),
    Recvtclass "recvtclass" Self::Recvtclass(_),
    Pktoptions "pktoptions" Self::Pktoptions(_),
    Priority "priority" Self::Priority(_),
    Ipv6V6only "ipv6_v6only" Self::Ipv6V6only(_),
    BindToDevice "bind_to_device" Self::BindToDevice(_),
    Netns "netns" Self::Netns(_),
    Dontroute "dontroute" Self::Dontroute(_),
    Backlog "backlog" Self::Backlog(_),
    Ip "ip" Self::Ip(_),
    Port "port" Self::Port(_),
    Fd "fd" Self::Fd(_),
    Family "inet" Self::Family(_),
    Protocol "protocol" Self::Protocol(_),
    TcpModule "tcp_module" Self::TcpModule(_),
    InetBackend "inet_backend" Self::InetBackend(_),
}
