//! Tests of the packet types, and how they say what a stream gives: as Erlang prints it, so that
//! their tables read like the contract's.

mod framed;
mod http;
mod line;
mod streams;

use super::*;

/// The packet as an Erlang term, plain bytes in angle brackets.
fn term(packet: &Packet, input: &[u8]) -> String {
    match &packet.content {
        Content::Bytes(range) => format!("<{}>", input[range.clone()].escape_ascii()),
        Content::Http(packet) => http_term(packet),
        Content::SslTls(record) => {
            let data = match &record.data {
                SslData::Range(range) => &input[range.clone()],
                SslData::Owned(data) => data,
            };
            let (major, minor) = record.version;
            let data = data.escape_ascii();
            format!(
                "{{ssl_tls,{},{{{major},{minor}}},<{data}>}}",
                record.content_type
            )
        }
    }
}

fn http_term(packet: &HttpPacket) -> String {
    match packet {
        HttpPacket::Request {
            method,
            uri,
            version: (major, minor),
        } => {
            let method = match method {
                Method::Known(name) => format!("'{name}'"),
                Method::Other(name) => string(name),
            };
            format!(
                "{{http_request,{method},{},{{{major},{minor}}}}}",
                uri_term(uri)
            )
        }
        HttpPacket::Response {
            version: (major, minor),
            status,
            phrase,
        } => {
            format!(
                "{{http_response,{{{major},{minor}}},{status},{}}}",
                string(phrase)
            )
        }
        HttpPacket::Header {
            index,
            field,
            original,
            value,
        } => {
            let field = match field {
                Field::Known(name) => format!("'{name}'"),
                Field::Other(name) => string(name),
            };
            let (original, value) = (string(original), string(value));
            format!("{{http_header,{index},{field},{original},{value}}}")
        }
        HttpPacket::EndOfHeaders => "http_eoh".into(),
        HttpPacket::Error(line) => format!("{{http_error,{}}}", string(line)),
    }
}

fn uri_term(uri: &Uri) -> String {
    match uri {
        Uri::Star => "'*'".into(),
        Uri::AbsPath(path) => format!("{{abs_path,{}}}", string(path)),
        Uri::Absolute {
            https,
            host,
            port,
            path,
        } => {
            let scheme = if *https { "https" } else { "http" };
            let port = port.map_or("undefined".into(), |port| port.to_string());
            format!(
                "{{absoluteURI,{scheme},{},{port},{}}}",
                string(host),
                string(path)
            )
        }
        Uri::Scheme(scheme, rest) => format!("{{scheme,{},{}}}", string(scheme), string(rest)),
        Uri::Other(text) => string(text),
    }
}

fn string(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// Takes packets off until there is none; the last entry says what then: the rest and the
/// length it waits for, or the refusal.
fn drain(decoder: &mut Decoder, input: &mut Vec<u8>, terms: &mut Vec<String>) -> String {
    loop {
        match decoder.decode(input) {
            Ok(Step::Packet(packet)) => {
                assert!(0 < packet.consumed && packet.consumed <= input.len());
                terms.push(term(&packet, input));
                input.drain(..packet.consumed);
            }
            Ok(Step::More { total }) => {
                assert!(total.is_none_or(|total| total > input.len()));
                return match total {
                    Some(total) => format!("{total} {}", input.escape_ascii()),
                    None => format!("? {}", input.escape_ascii()),
                };
            }
            Err(TooLong) => return "emsgsize".into(),
        }
    }
}

/// Everything that `input` gives, shown at once.
fn all(mut decoder: Decoder, input: &[u8]) -> Vec<String> {
    let mut terms = Vec::new();
    let end = drain(&mut decoder, &mut input.to_vec(), &mut terms);
    terms.push(end);
    terms
}

/// Everything that `input` gives, shown byte by byte.
fn singly(mut decoder: Decoder, input: &[u8]) -> Vec<String> {
    let mut terms = Vec::new();
    let mut received = Vec::new();
    let mut end = drain(&mut decoder, &mut received, &mut terms);
    for &byte in input {
        received.push(byte);
        end = drain(&mut decoder, &mut received, &mut terms);
        if end == "emsgsize" {
            break;
        }
    }
    terms.push(end);
    terms
}

fn limited(kind: Kind, packet_size: u32) -> Decoder {
    let mut decoder = Decoder::new(kind);
    decoder.set_packet_size(packet_size);
    decoder
}

fn buffered(kind: Kind, buffer_bytes: usize) -> Decoder {
    let mut decoder = Decoder::new(kind);
    decoder.set_line_max(buffer_bytes);
    decoder
}

#[track_caller]
fn check(decoder: &Decoder, input: &[u8], expected: &[&str]) {
    assert_eq!(all(decoder.clone(), input), expected, "at once");
    assert_eq!(singly(decoder.clone(), input), expected, "byte by byte");
}

/// Each input gives this packet first, whatever follows.
#[track_caller]
fn check_first(kind: Kind, vectors: &[(&str, &str)]) {
    for (input, expected) in vectors {
        match decode(kind, input.as_bytes(), 0) {
            Ok(Step::Packet(packet)) => assert_eq!(term(&packet, input.as_bytes()), *expected),
            other => panic!("{input:?}: {other:?}"),
        }
    }
}
