//! Whatever comes and however it comes: fragments, random bytes, floods.

use super::framed::{FRAMED, framed};
use super::*;

#[test]
fn byte_by_byte_gives_the_same_as_at_once() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..6_000 {
        let kind = KINDS[round % KINDS.len()];
        if kind == Kind::Raw {
            continue;
        }
        let mut decoder = Decoder::new(kind);
        decoder.set_packet_size([0, 0, 9, 30][random.below(4)]);
        decoder.set_line_max([5, 40, 65_536][random.below(3)]);
        let input = random.stream(kind);
        assert_eq!(
            all(decoder.clone(), &input),
            singly(decoder, &input),
            "{kind:?} {input:?}"
        );
    }
}

#[test]
fn good_packets_of_every_framed_type_in_a_row() {
    let mut random = Random(7);
    for kind in FRAMED {
        let mut input = Vec::new();
        for size in [0, 1, 5, 130, 255] {
            let body: Vec<u8> = (0..size).map(|_| random.byte()).collect();
            input.extend(framed(kind, &body).unwrap().0);
        }
        let packets = singly(Decoder::new(kind), &input);
        assert_eq!(packets.len(), 6, "{kind:?}");
        assert_eq!(packets, all(Decoder::new(kind), &input));
    }
}

#[test]
fn no_input_panics_and_every_packet_consumes() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for round in 0..60_000 {
        let kind = KINDS[round % KINDS.len()];
        let input: Vec<u8> = match random.below(3) {
            0 => (0..random.below(40)).map(|_| random.byte()).collect(),
            _ => random.stream(kind),
        };
        let packet_size = [0, 1, 7, 1000, u32::MAX][random.below(5)];
        // `drain` asserts that packets consume and that a wait is for more than there is.
        let _ = all(limited(kind, packet_size), &input);
        let _ = all(buffered(kind, random.below(9)), &input);
    }
}

#[test]
fn an_input_that_shrinks_or_changes_does_not_panic() {
    let mut random = Random(99);
    for round in 0..20_000 {
        let mut decoder = Decoder::new(KINDS[round % KINDS.len()]);
        for _ in 0..4 {
            let input = random.stream(decoder.kind());
            let _ = decoder.decode(&input);
            decoder.set_line_max(random.below(50));
            if random.below(3) == 0 {
                decoder.set_kind(KINDS[random.below(KINDS.len())]);
            }
        }
    }
}

/// Quadratic work would take hours here.
#[test]
fn a_megabyte_byte_by_byte_is_looked_at_once() {
    let folded = b"name: value".iter().chain(b"\r\n folded".iter().cycle());
    let floods: [(Kind, Vec<u8>); 4] = [
        (Kind::Line, vec![b'x'; MEGABYTE]),
        (Kind::Http, vec![b'x'; MEGABYTE]),
        (Kind::HttpHeader, folded.take(MEGABYTE).copied().collect()),
        (Kind::Asn1, vec![0xff; MEGABYTE]),
    ];
    for (kind, input) in floods {
        let mut decoder = buffered(kind, usize::MAX);
        for end in 1..=input.len() {
            assert_eq!(
                decoder.decode(&input[..end]),
                Ok(Step::More { total: None }),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn a_flood_without_end_is_refused_at_the_buffer() {
    for kind in [Kind::Http, Kind::HttpHeader, Kind::Asn1] {
        let mut decoder = buffered(kind, 1460);
        let input = vec![0xff; 1460];
        assert_eq!(
            decoder.decode(&input[..1459]),
            Ok(Step::More { total: None })
        );
        assert_eq!(decoder.decode(&input), Err(TooLong));
        assert_eq!(decoder.decode(&input), Err(TooLong), "and again");
    }
}

/// xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// Bytes among which packets of this type are likely.
    fn stream(&mut self, kind: Kind) -> Vec<u8> {
        let pieces: &[&[u8]] = match kind {
            Kind::Cdr => &[
                b"GIOP\x01\0\0\0\0\0\0",
                b"GIOP\0\0\x01\0\x01\0\0\0",
                b"\x02",
                b"G",
            ],
            Kind::Fcgi => &[
                b"\x01\x05\0\x01\0\x02\x03\0",
                b"\x01\x05\0\x01\0\0\0\0",
                b"abcde",
            ],
            Kind::Tpkt => &[b"\x03\0\0\x04", b"\x03\0\0\x06", b"ab", b"\x03\0\0"],
            Kind::SslTls => &[b"\x16\x03\x03\0\x02", b"\x80\x05\x01\x03\x01", b"ab", b"\0"],
            Kind::Asn1 => &[
                b"\x30\x02",
                b"\x1f\x81\x01\x81\x01",
                b"\x30\x80",
                b"\x01",
                b"a",
            ],
            Kind::Line => &[b"\n", b"\r\n", b"a", b"longer"],
            Kind::Http | Kind::HttpHeader | Kind::HttpBin | Kind::HttpHeaderBin => &HTTP_PIECES,
            _ => &[b"\0", b"\0\0\0\x02ab", b"\x01", b"\x02", b"\xff"],
        };
        let mut stream = Vec::new();
        for _ in 0..self.below(14) {
            stream.extend_from_slice(pieces[self.below(pieces.len())]);
            if self.below(40) == 0 {
                stream.push(self.byte());
            }
        }
        stream
    }
}

const HTTP_PIECES: [&[u8]; 14] = [
    b"GET / HTTP/1.1\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"GET http://[::1]:80/ HTTP/1.1\r\n",
    b"Host: a\r\n",
    b"x-y:",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b"/",
    b"a",
    b"HTTP/",
];

const KINDS: [Kind; 15] = [
    Kind::Raw,
    Kind::One,
    Kind::Two,
    Kind::Four,
    Kind::Asn1,
    Kind::Cdr,
    Kind::SunRm,
    Kind::Fcgi,
    Kind::Tpkt,
    Kind::Line,
    Kind::SslTls,
    Kind::Http,
    Kind::HttpHeader,
    Kind::HttpBin,
    Kind::HttpHeaderBin,
];

const MEGABYTE: usize = 1 << 20;
