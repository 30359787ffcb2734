//! What gen_tcp delivers, as terms: data, parsed packets, the messages of a socket, names of ends.
//!
//! Called for the results of calls and for messages. Invariant: the shapes are those of parts 3.1
//! and 6.5 of the contract of gen_tcp.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use gen_tcp::inet::SocketName;
use gen_tcp::packet::{Field, HttpPacket, Method, Uri};
use gen_tcp::{Data, Headed, Http, Socket, SslTls, Tcp};

use super::{Term, port};

/// The term of a socket.
pub(crate) fn socket(socket: Socket) -> Term {
    port(socket.port())
}

/// A message of a socket.
pub(crate) fn from_tcp(message: Tcp) -> Term {
    let tagged = |tag: &str, from: Socket, rest: Vec<Term>| {
        let mut elements = vec![Term::atom(tag), socket(from)];
        elements.extend(rest);
        Term::Tuple(elements)
    };
    match message {
        Tcp::Data(from, data) => tagged("tcp", from, vec![from_data(from, data)]),
        Tcp::Port(from, data) => {
            let data = Term::tuple([Term::atom("data"), from_data(from, data)]);
            Term::tuple([socket(from), data])
        }
        Tcp::Http(from, http) => tagged("http", from, vec![from_http(*http)]),
        Tcp::SslTls(from, record) => from_ssl_tls(from, *record),
        Tcp::Passive(from) => tagged("tcp_passive", from, Vec::new()),
        Tcp::Closed(from) => tagged("tcp_closed", from, Vec::new()),
        Tcp::Ended(from) => tagged("tcp_ended", from, Vec::new()),
        Tcp::Error(from, error) => tagged("tcp_error", from, vec![Term::atom(error.atom())]),
        Tcp::Reply(from, status) => {
            let status = match status {
                Ok(()) => Term::atom("ok"),
                Err(error) => Term::error(error.atom()),
            };
            tagged("inet_reply", from, vec![status])
        }
    }
}

/// What this socket received.
pub(crate) fn from_data(from: Socket, data: Data) -> Term {
    match data {
        Data::Binary(bytes) => Term::Binary(bytes),
        Data::List(bytes) => Term::string(bytes),
        Data::Header(headed) => {
            let Headed { header, rest } = *headed;
            let front = header.into_iter().map(|byte| int(byte.into())).collect();
            Term::cons(front, Term::Binary(rest))
        }
        Data::Http(http) => from_http(*http),
        Data::SslTls(record) => from_ssl_tls(from, *record),
    }
}

/// `{ssl_tls,S,ContentType,{Major,Minor},Data}`, as a message and as a result of recv.
fn from_ssl_tls(from: Socket, record: SslTls) -> Term {
    let (major, minor) = record.version;
    Term::tuple([
        Term::atom("ssl_tls"),
        socket(from),
        int(record.content_type.into()),
        Term::tuple([int(major.into()), int(minor.into())]),
        from_data(from, Data::Binary(record.data)),
    ])
}

fn from_http(http: Http) -> Term {
    let text = |bytes: Vec<u8>| match http.binary {
        true => Term::Binary(Bytes::from(bytes)),
        false => Term::string(bytes),
    };
    let pair = |(major, minor): (u32, u32)| Term::tuple([int(major.into()), int(minor.into())]);
    match http.packet {
        HttpPacket::Request {
            method,
            uri,
            version,
        } => {
            let method = match method {
                Method::Known(name) => Term::atom(name),
                Method::Other(name) => text(name),
            };
            let uri = from_uri(uri, text);
            Term::tuple([Term::atom("http_request"), method, uri, pair(version)])
        }
        HttpPacket::Response {
            version,
            status,
            phrase,
        } => {
            let tag = Term::atom("http_response");
            Term::tuple([tag, pair(version), int(status.into()), text(phrase)])
        }
        HttpPacket::Header {
            index,
            field,
            original,
            value,
        } => {
            let field = match field {
                Field::Known(name) => Term::atom(name),
                Field::Other(name) => text(name),
            };
            let (tag, index) = (Term::atom("http_header"), int(index.into()));
            Term::tuple([tag, index, field, text(original), text(value)])
        }
        HttpPacket::EndOfHeaders => Term::atom("http_eoh"),
        HttpPacket::Error(line) => Term::tuple([Term::atom("http_error"), text(line)]),
    }
}

fn from_uri(uri: Uri, text: impl Fn(Vec<u8>) -> Term) -> Term {
    match uri {
        Uri::Star => Term::atom("*"),
        Uri::AbsPath(path) => Term::tuple([Term::atom("abs_path"), text(path)]),
        Uri::Absolute {
            https,
            host,
            port,
            path,
        } => Term::tuple([
            Term::atom("absoluteURI"),
            Term::atom(if https { "https" } else { "http" }),
            text(host),
            port.map_or_else(|| Term::atom("undefined"), |port| int(port.into())),
            text(path),
        ]),
        Uri::Scheme(scheme, rest) => Term::tuple([Term::atom("scheme"), text(scheme), text(rest)]),
        Uri::Other(target) => text(target),
    }
}

/// `{Ip,Port}` or `{local,Path}`.
pub(crate) fn from_name(name: SocketName) -> Term {
    match name {
        SocketName::Inet(address) => Term::tuple([from_ip(address), int(address.port().into())]),
        SocketName::Local(path) => {
            Term::tuple([Term::atom("local"), Term::Binary(Bytes::from(path))])
        }
    }
}

fn from_ip(address: SocketAddr) -> Term {
    let groups: Vec<u16> = match address.ip() {
        IpAddr::V4(ip) => ip.octets().map(u16::from).to_vec(),
        IpAddr::V6(ip) => ip.segments().to_vec(),
    };
    let groups: Vec<Term> = groups.into_iter().map(|group| int(group.into())).collect();
    Term::tuple(groups)
}

fn int(value: i64) -> Term {
    Term::Int(value.into())
}
