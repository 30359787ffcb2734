//! The form of what was received: packets as values and as messages.
//!
//! Called by `recv`. Pure: bytes and settings in, [`Data`] and [`Tcp`] out (6.6, 3.1).

use bytes::Bytes;

use crate::data::{Data, Headed, Http, SslTls, Tcp};
use crate::options::{Mode, PacketType, Settings};
use crate::packet::{Content, Kind, Packet, SslData};
use crate::socket::Socket;

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

/// A value of received bytes, in the form that the settings ask for (6.6).
pub(super) fn form(settings: &Settings, bytes: Bytes) -> Data {
    let header = settings.header as usize;
    match settings.mode {
        Mode::List => Data::List(bytes.into()),
        Mode::Binary if header == 0 => Data::Binary(bytes),
        Mode::Binary if bytes.len() < header => Data::List(bytes.into()),
        Mode::Binary => Data::Header(Box::new(Headed {
            header: bytes[..header].to_vec(),
            rest: bytes.slice(header..),
        })),
    }
}

/// A decoded packet as a value, out of the bytes that it was decoded from.
pub(super) fn open(settings: &Settings, packet: Packet, bytes: &[u8]) -> Data {
    let copy = |range: std::ops::Range<usize>| Bytes::copy_from_slice(&bytes[range]);
    match packet.content {
        Content::Bytes(range) => form(settings, copy(range)),
        Content::Http(packet) => {
            let binary = matches!(settings.packet, PacketType::HttpBin | PacketType::HttphBin);
            Data::Http(Box::new(Http { packet, binary }))
        }
        Content::SslTls(record) => {
            let data = match record.data {
                SslData::Range(range) => copy(range),
                SslData::Owned(bytes) => bytes.into(),
            };
            let (content_type, version) = (record.content_type, record.version);
            Data::SslTls(Box::new(SslTls {
                content_type,
                version,
                data,
            }))
        }
    }
}

/// `{S,{data,Data}}`. Of an accepted socket the data is a list, whatever the mode: in OTP its port
/// was not opened for binaries.
pub(super) fn port_message(socket: Socket, settings: &Settings, data: Data) -> Tcp {
    let data = match data {
        Data::Header(headed) if settings.accepted => {
            Data::List([&headed.header[..], &headed.rest[..]].concat())
        }
        Data::Binary(bytes) if settings.accepted => Data::List(bytes.into()),
        data => data,
    };
    Tcp::Port(socket, data)
}
