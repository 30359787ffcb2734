//! Types with a length in their header: 6.3, and 5.2 on send.

use super::*;

#[test]
fn framed_vectors_of_the_contract() {
    for (kind, input, expected) in VECTORS {
        check(&Decoder::new(*kind), input, expected);
    }
}

#[test]
fn framed_streams_as_recorded() {
    let short_and_long =
        b"\x04\x81\x02de\x04\x82\0\x03fgh\x04\x84\0\0\0\x02jk\xbf\x81\x84\x05\x81\x01o";
    let expected = [
        "<\\x04\\x81\\x02de>",
        "<\\x04\\x82\\x00\\x03fgh>",
        "<\\x04\\x84\\x00\\x00\\x00\\x02jk>",
        "<\\xbf\\x81\\x84\\x05\\x81\\x01o>",
        "? ",
    ];
    check(&Decoder::new(Kind::Asn1), short_and_long, &expected);
    let padded =
        b"\x01\x05\0\x01\0\x03\x05\0abcpaddi\x01\x09\0\0\0\0\0\0\x01\x05\0\x01\0\0\x02\0xx";
    let expected = [
        "<\\x01\\x05\\x00\\x01\\x00\\x03\\x05\\x00abc>",
        "<\\x01\\t\\x00\\x00\\x00\\x00\\x00\\x00>",
        "<\\x01\\x05\\x00\\x01\\x00\\x00\\x02\\x00>",
        "? ",
    ];
    check(&Decoder::new(Kind::Fcgi), padded, &expected);
}

/// A packet of this type with this body, and what is delivered of it.
pub(super) fn framed(kind: Kind, body: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let short = u16::try_from(body.len()).map(u16::to_be_bytes);
    let long = u32::try_from(body.len()).unwrap().to_be_bytes();
    let head = match kind {
        Kind::Asn1 => [&[0x1f, 0x82, 0x01, 0x84], &long[..]].concat(),
        Kind::Cdr => [&b"GIOP\x01\x02\0\x01"[..], &long].concat(),
        Kind::SunRm => long.to_vec(),
        Kind::Fcgi => [&[1, 5, 0, 1], &short.ok()?[..], &[3, 0]].concat(),
        Kind::Tpkt => {
            let length = u16::try_from(body.len() + 4).ok()?;
            [&[3, 0], &length.to_be_bytes()[..]].concat()
        }
        Kind::SslTls => [&[23, 3, 3], &short.ok()?[..]].concat(),
        _ => header(kind, body.len()).ok()?.to_vec(),
    };
    let padding: &[u8] = if kind == Kind::Fcgi { b"pad" } else { b"" };
    let removed = matches!(kind, Kind::One | Kind::Two | Kind::Four | Kind::SslTls);
    let delivered = if removed {
        body.to_vec()
    } else {
        [&head, body].concat()
    };
    Some(([&head, body, padding].concat(), delivered))
}

fn delivered(packet: &Packet, input: &[u8]) -> Vec<u8> {
    match &packet.content {
        Content::Bytes(range) => input[range.clone()].to_vec(),
        Content::SslTls(SslTls {
            data: SslData::Range(range),
            ..
        }) => input[range.clone()].to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_size_of_the_echo_suite_goes_through() {
    let sizes = [
        0, 1, 2, 3, 4, 7, 10, 13, 126, 127, 128, 255, 256, 1023, 3747, 32767, 32768, 65531, 65535,
        65536, 70000,
    ];
    for kind in FRAMED {
        for size in sizes {
            let body: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let Some((mut input, expected)) = framed(kind, &body) else {
                continue;
            };
            let total = input.len();
            input.push(b'+');
            for packet_size in [0, u32::MAX] {
                match decode(kind, &input, packet_size) {
                    Ok(Step::Packet(packet)) => {
                        assert_eq!(packet.consumed, total, "{kind:?} {size}");
                        assert_eq!(delivered(&packet, &input), expected, "{kind:?} {size}");
                    }
                    other => panic!("{kind:?} {size}: {other:?}"),
                }
            }
            // One byte short: the length is known, the packet not there.
            let short = decode(kind, &input[..total - 1], 0);
            if size > 0 {
                assert_eq!(
                    short,
                    Ok(Step::More { total: Some(total) }),
                    "{kind:?} {size}"
                );
            }
        }
    }
}

#[test]
fn packet_size_bounds_the_body_and_is_checked_with_the_header() {
    for kind in FRAMED {
        // FastCGI's padding of 3 counts.
        let padding = if kind == Kind::Fcgi { 3 } else { 0 };
        for (body, fits) in [(9, true), (10, true), (11, false)] {
            let (input, _) = framed(kind, &vec![7; body - padding]).unwrap();
            let head = input.len() - body;
            let early = decode(kind, &input[..head], 10);
            if fits {
                assert_eq!(
                    early,
                    Ok(Step::More {
                        total: Some(input.len())
                    }),
                    "{kind:?}"
                );
                assert!(
                    matches!(decode(kind, &input, 10), Ok(Step::Packet(_))),
                    "{kind:?}"
                );
            } else {
                assert_eq!(early, Err(TooLong), "{kind:?}");
            }
        }
    }
    check(
        &limited(Kind::Four, u32::MAX),
        b"\xff\xff\xff\xff",
        &["emsgsize"],
    );
    assert!(
        matches!(decode(Kind::Raw, b"raw", 2), Ok(Step::Packet(_))),
        "raw has no limit"
    );
}

#[test]
fn raw_is_whatever_is_there() {
    assert_eq!(all(Decoder::new(Kind::Raw), b"a\nb"), ["<a\\nb>", "? "]);
    assert_eq!(singly(Decoder::new(Kind::Raw), b"ab"), ["<a>", "<b>", "? "]);
    assert_eq!(decode(Kind::Raw, b"", 0), Ok(Step::More { total: None }));
}

#[test]
fn no_length_passes_two_gigabytes_whatever_packet_size_allows() {
    // 7fff_fffb and a header of 4 make 2^31 - 1 bytes, the longest packet.
    let longest = b"\x7f\xff\xff\xfb";
    let more = Ok(Step::More {
        total: Some(0x7fff_ffff),
    });
    for packet_size in [0, u32::MAX] {
        assert_eq!(decode(Kind::Four, longest, packet_size), more);
        assert_eq!(decode(Kind::SunRm, longest, packet_size), more);
        for kind in [Kind::Four, Kind::SunRm] {
            for tail in [b"\xfc", b"\xff"] {
                let input = [&longest[..3], tail].concat();
                assert_eq!(decode(kind, &input, packet_size), Err(TooLong));
            }
        }
        let asn1 = b"\x30\x84\xff\xff\xff\xff";
        assert_eq!(decode(Kind::Asn1, asn1, packet_size), Err(TooLong));
        let cdr = b"GIOP\0\0\x01\0\xff\xff\xff\xff";
        assert_eq!(decode(Kind::Cdr, cdr, packet_size), Err(TooLong));
    }
}

#[test]
fn ssl2_hello_shorter_than_its_own_fields() {
    check(
        &Decoder::new(Kind::SslTls),
        b"\x80\x02\x01\x03\x01",
        &["emsgsize"],
    );
    let smallest = b"\x80\x03\x01\x03\x01";
    let expected = "{ssl_tls,22,{3,1},<\\x01\\x00\\x00\\x02\\x03\\x01>}";
    check(&Decoder::new(Kind::SslTls), smallest, &[expected, "? "]);
    // The limit is for what is behind the first five bytes.
    let hello = b"\x80\x05\x01\x03\x01\0\0";
    check(&limited(Kind::SslTls, 2), hello, &[V2_HELLO, "? "]);
    check(&limited(Kind::SslTls, 1), hello, &["emsgsize"]);
}

#[test]
fn asn1_endless_tag_is_refused_at_the_buffer() {
    let tag = |bytes: usize| [&b"\x1f"[..], &vec![0x81; bytes - 3], b"\x01\0"].concat();
    let decoder = buffered(Kind::Asn1, 300);
    assert_eq!(
        all(decoder.clone(), &tag(300)).len(),
        2,
        "a header as long as the buffer"
    );
    assert_eq!(all(decoder.clone(), &tag(301)), ["emsgsize"]);
    assert_eq!(singly(decoder, &tag(301)), ["emsgsize"]);
    assert!(
        matches!(decode(Kind::Asn1, &tag(5000), 0), Ok(Step::Packet(_))),
        "no buffer"
    );
}

#[test]
fn header_on_send_tells_the_true_length_or_none() {
    assert_eq!(*header(Kind::One, 255).unwrap(), [255]);
    assert_eq!(*header(Kind::Two, 65535).unwrap(), [255, 255]);
    assert_eq!(*header(Kind::Four, 65537).unwrap(), [0, 1, 0, 1]);
    assert_eq!(header(Kind::Four, 0).unwrap().as_ref(), [0; 4]);
    assert_eq!(header(Kind::One, 256), Err(TooLong));
    assert_eq!(header(Kind::Two, 65536), Err(TooLong));
    assert_eq!(header(Kind::Four, usize::MAX), Err(TooLong));
    for kind in [Kind::Raw, Kind::Line, Kind::Asn1, Kind::Tpkt, Kind::HttpBin] {
        assert!(header(kind, usize::MAX).unwrap().is_empty());
    }
}

pub(super) const FRAMED: [Kind; 9] = [
    Kind::One,
    Kind::Two,
    Kind::Four,
    Kind::Asn1,
    Kind::Cdr,
    Kind::SunRm,
    Kind::Fcgi,
    Kind::Tpkt,
    Kind::SslTls,
];

const CDR_BIG: &str = "<GIOP\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x019>";
const CDR_LITTLE: &str = "<GIOP\\x01\\x00\\x01\\x00\\x01\\x00\\x00\\x009>";
const FCGI: &str = "<\\x01\\x01\\x00\\x01\\x00\\x02\\x01\\x00\\t\\t>";
const V2_HELLO: &str = "{ssl_tls,22,{3,1},<\\x01\\x00\\x00\\x04\\x03\\x01\\x00\\x00>}";

/// Type, input, what it gives.
const VECTORS: &[(Kind, &[u8], &[&str])] = &[
    (Kind::One, b"\x03abcd", &["<abc>", "101 d"]),
    (Kind::One, b"\0", &["<>", "? "]),
    (Kind::Two, b"\0\0\x01", &["<>", "? \\x01"]),
    (Kind::Four, b"\0\0\0\0", &["<>", "? "]),
    (Kind::Four, b"\x7f\xff\xff\xff", &["emsgsize"]),
    (Kind::Four, b"\x7f\xff\xff\xfc", &["emsgsize"]),
    (Kind::Four, b"\x80\0\0\0", &["emsgsize"]),
    (Kind::Four, b"\xff\xff\xff\xff", &["emsgsize"]),
    (
        Kind::Four,
        b"\x07\xff\xff\xff",
        &["134217731 \\x07\\xff\\xff\\xff"],
    ),
    (
        Kind::Asn1,
        b"\x30\x02\x01\x02\x03",
        &["<0\\x02\\x01\\x02>", "? \\x03"],
    ),
    (
        Kind::Asn1,
        b"\x30\x81\x01\x05",
        &["<0\\x81\\x01\\x05>", "? "],
    ),
    (
        Kind::Asn1,
        b"\x1f\x83\x27\x01\x05",
        &["<\\x1f\\x83\\'\\x01\\x05>", "? "],
    ),
    (
        Kind::Asn1,
        b"\x30\x80\x01\x05",
        &["<0\\x80>", "7 \\x01\\x05"],
    ),
    (
        Kind::Asn1,
        b"\x30\x85\x01\x01\x01\x01",
        &["? 0\\x85\\x01\\x01\\x01\\x01"],
    ),
    (Kind::Asn1, b"\x30\x85\x01\x01\x01\x01\x01", &["emsgsize"]),
    (Kind::Asn1, b"\x30\x84\xff\x01\x01\x01", &["emsgsize"]),
    (
        Kind::SunRm,
        b"\x80\0\0\x02\x01\x02",
        &["<\\x80\\x00\\x00\\x02\\x01\\x02>", "? "],
    ),
    (
        Kind::SunRm,
        b"\0\0\0\x02\x01\x02",
        &["<\\x00\\x00\\x00\\x02\\x01\\x02>", "? "],
    ),
    (Kind::SunRm, b"\xff\xff\xff\xff", &["emsgsize"]),
    (Kind::Cdr, b"GIOP\x01\0\0\0\0\0\0\x019", &[CDR_BIG, "? "]),
    (
        Kind::Cdr,
        b"GIOP\x01\0\x01\0\x01\0\0\x009",
        &[CDR_LITTLE, "? "],
    ),
    (
        Kind::Cdr,
        b"XIOP\x01\0\0\0\0\0\0",
        &["? XIOP\\x01\\x00\\x00\\x00\\x00\\x00\\x00"],
    ),
    (Kind::Cdr, b"XIOP\x01\0\0\0\0\0\0\x019", &["emsgsize"]),
    (
        Kind::Fcgi,
        b"\x01\x01\0\x01\0\x02\x01\0\x09\x09\0",
        &[FCGI, "? "],
    ),
    (Kind::Fcgi, b"\x02\x01\0\x01\0\x02\x01\0", &["emsgsize"]),
    (
        Kind::Tpkt,
        b"\x03\0\0\x06\x01\x02",
        &["<\\x03\\x00\\x00\\x06\\x01\\x02>", "? "],
    ),
    (
        Kind::Tpkt,
        b"\x03\0\0\x04",
        &["<\\x03\\x00\\x00\\x04>", "? "],
    ),
    (Kind::Tpkt, b"\x03\0\0\x03", &["emsgsize"]),
    (Kind::Tpkt, b"\x02\0\0\x04", &["emsgsize"]),
    (
        Kind::SslTls,
        b"\x16\x03\x01\0\x02\x01\x02",
        &["{ssl_tls,22,{3,1},<\\x01\\x02>}", "? "],
    ),
    (
        Kind::SslTls,
        b"\x17\x03\x03\0\0",
        &["{ssl_tls,23,{3,3},<>}", "? "],
    ),
    (Kind::SslTls, b"\x80\x05\x01\x03\x01\0\0", &[V2_HELLO, "? "]),
    (
        Kind::SslTls,
        b"\x01\x01\x01\x01\x01",
        &["262 \\x01\\x01\\x01\\x01\\x01"],
    ),
];

/// Read header first, then exactly the rest, no byte behind a packet is touched.
#[test]
fn what_says_the_length_is_within_the_packet() {
    let packets: [(Kind, &[u8]); 10] = [
        (Kind::One, b"\0"),
        (Kind::Two, b"\0\x02ab"),
        (Kind::Four, b"\0\0\0\x01a"),
        (Kind::Asn1, b"\x30\0"),
        (Kind::Asn1, b"\x1f\x83\x27\x81\x01\x05"),
        (Kind::SunRm, b"\x80\0\0\x02\x01\x02"),
        (Kind::Cdr, b"GIOP\x01\0\x01\0\x01\0\0\0\x09"),
        (Kind::Fcgi, b"\x01\x01\0\x01\0\x02\x01\0\x09\x09\0"),
        (Kind::Tpkt, b"\x03\0\0\x04"),
        (Kind::SslTls, b"\x80\x05\x01\x03\x01\0\0"),
    ];
    for (kind, packet) in packets {
        let (mut decoder, mut there) = (Decoder::new(kind), 0);
        loop {
            there += match decoder.decode(&packet[..there]) {
                Ok(Step::Packet(packet)) => break assert_eq!(packet.consumed, there),
                Ok(Step::More { total: Some(total) }) => total - there,
                Ok(Step::More { total: None }) => decoder.header_rest(there).expect("it has one"),
                Err(TooLong) => panic!("{kind:?}"),
            };
            assert!(there <= packet.len(), "{kind:?}: {there} bytes");
        }
        assert_eq!(there, packet.len(), "{kind:?}");
    }
    for kind in [Kind::Raw, Kind::Line, Kind::Http, Kind::HttpHeaderBin] {
        assert_eq!(Decoder::new(kind).header_rest(0), None);
    }
}
