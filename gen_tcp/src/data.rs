//! What is sent and what is received: the values that cross the face of the crate.
//!
//! [`IoData`] is what send takes, [`Data`] what recv gives, [`Tcp`] the messages of a socket to its
//! owner (3.1). Invariant: data is never copied here but for list mode; the two modes stay
//! distinguishable.

use std::ops::Deref;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::error::Error;
use crate::packet::HttpPacket;
use crate::socket::Socket;

/// Bytes to send, in pieces as `iodata` is: they are written without being joined (SEN-9).
#[derive(Clone, Debug, Default)]
pub struct IoData(pub(crate) Pieces);

/// One piece is the rule, and stands in place.
pub(crate) type Pieces = SmallVec<[Bytes; 1]>;

impl IoData {
    /// Bytes in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Whether there is no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

macro_rules! one_piece {
    ($($type:ty => |$value:ident| $bytes:expr,)*) => {
        $(impl From<$type> for IoData {
            fn from($value: $type) -> Self {
                IoData(SmallVec::from_buf([$bytes]))
            }
        })*
    };
}

one_piece! {
    Bytes => |bytes| bytes,
    &Bytes => |bytes| bytes.clone(),
    Vec<u8> => |bytes| Bytes::from(bytes),
    String => |text| Bytes::from(text),
    &[u8] => |bytes| Bytes::copy_from_slice(bytes),
    &str => |text| Bytes::copy_from_slice(text.as_bytes()),
    &Vec<u8> => |bytes| Bytes::copy_from_slice(bytes),
    &String => |text| Bytes::copy_from_slice(text.as_bytes()),
}

impl<const N: usize> From<&[u8; N]> for IoData {
    fn from(bytes: &[u8; N]) -> Self {
        IoData::from(bytes.as_slice())
    }
}

impl From<Vec<Bytes>> for IoData {
    fn from(pieces: Vec<Bytes>) -> Self {
        IoData(SmallVec::from_vec(pieces))
    }
}

impl From<Data> for IoData {
    fn from(data: Data) -> Self {
        match data {
            Data::Binary(bytes) => bytes.into(),
            Data::List(bytes) => bytes.into(),
            Data::Header(headed) => vec![headed.header.into(), headed.rest].into(),
            Data::Http(_) => IoData::default(),
            Data::SslTls(record) => record.data.into(),
        }
    }
}

/// What was received. Readable as `&[u8]`, whatever the mode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Data {
    /// `binary` mode.
    Binary(Bytes),
    /// `list` mode.
    List(Vec<u8>),
    /// `binary` mode with `{header,N}` (6.6). Fewer than N bytes come as a [`Data::List`].
    Header(Box<Headed>),
    /// A packet of the http types: it has no bytes of its own.
    Http(Box<Http>),
    /// A record of type `ssl_tls`; its bytes are those of the body.
    SslTls(Box<SslTls>),
}

impl Deref for Data {
    type Target = [u8];

    /// The bytes. With `{header,N}` those behind the header; of an http packet none.
    fn deref(&self) -> &[u8] {
        match self {
            Data::Binary(bytes) => bytes,
            Data::Header(headed) => &headed.rest,
            Data::List(bytes) => bytes,
            Data::Http(_) => &[],
            Data::SslTls(record) => &record.data,
        }
    }
}

impl AsRef<[u8]> for Data {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// What `binary` mode gives with `{header,N}` (6.6).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Headed {
    /// The first N bytes.
    pub header: Vec<u8>,
    /// Those behind them.
    pub rest: Bytes,
}

/// A packet of the http types (6.5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Http {
    /// The packet.
    pub packet: HttpPacket,
    /// Whether its texts are binaries (`http_bin`, `httph_bin`) or lists.
    pub binary: bool,
}

/// A record of type `ssl_tls`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SslTls {
    /// Content type.
    pub content_type: u8,
    /// Major and minor version.
    pub version: (u8, u8),
    /// The body: a binary, whatever the mode of the socket.
    pub data: Bytes,
}

/// The messages of a socket to its owner (3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tcp {
    /// `{tcp,S,Data}`
    Data(Socket, Data),
    /// `{S,{data,Data}}`, with `{deliver,port}`.
    Port(Socket, Data),
    /// `{http,S,HttpPacket}`
    Http(Socket, Box<Http>),
    /// `{ssl_tls,S,ContentType,Version,Data}`
    SslTls(Socket, Box<SslTls>),
    /// `{tcp_passive,S}`: the count of `{active,N}` is used up.
    Passive(Socket),
    /// `{tcp_closed,S}`: at most once in the life of a socket.
    Closed(Socket),
    /// Ours, with `notify_end`: the peer has ended, and the socket is passive (EXT-8). What came
    /// before is still to be received.
    Ended(Socket),
    /// `{tcp_error,S,Reason}`: always followed by `Closed`.
    Error(Socket, Error),
    /// `{inet_reply,S,Status}`: what became of a command in message form; to who sent it.
    Reply(Socket, Result<(), Error>),
}

impl Tcp {
    /// Whose message it is.
    #[must_use]
    pub fn socket(&self) -> Socket {
        match self {
            Tcp::Data(socket, _)
            | Tcp::Port(socket, _)
            | Tcp::Http(socket, _)
            | Tcp::SslTls(socket, _)
            | Tcp::Passive(socket)
            | Tcp::Closed(socket)
            | Tcp::Ended(socket)
            | Tcp::Error(socket, _)
            | Tcp::Reply(socket, _) => *socket,
        }
    }
}
