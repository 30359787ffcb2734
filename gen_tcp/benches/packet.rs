//! Micro-benchmarks of the packet types: bytes to packets, and the header of a packet that is sent.
//!
//! ```text
//! cargo bench -p gen_tcp --bench packet          # all
//! cargo bench -p gen_tcp --bench packet -- http  # some
//! ```
//! No socket and no runtime: `socket.rs` beside this has both. `items` in divan's table are
//! packets.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use gen_tcp::packet::{Decoder, Kind, Step, header};

/// Packets of one sample.
const PACKETS: usize = 1000;
/// Bytes of a packet without its header.
const SIZE: usize = 64;

fn main() {
    divan::main();
}

/// How many packets a decoder finds in the input.
fn decode_all(decoder: &mut Decoder, mut input: &[u8]) -> usize {
    let mut packets = 0;
    while let Ok(Step::Packet(packet)) = decoder.decode(input) {
        input = &input[packet.consumed..];
        packets += 1;
        black_box(packet);
    }
    assert!(input.is_empty(), "nothing is left over");
    packets
}

/// The same packet again and again.
fn decode(bencher: Bencher<'_, '_>, kind: Kind, packet: &[u8]) {
    let input = packet.repeat(PACKETS);
    bencher
        .counter(ItemsCount::new(PACKETS))
        .counter(BytesCount::of_slice(&input[..]))
        .bench_local(|| {
            let mut decoder = Decoder::new(kind);
            assert_eq!(decode_all(&mut decoder, black_box(&input)), PACKETS);
        });
}

/// All that is there is one packet.
#[divan::bench]
fn raw(bencher: Bencher<'_, '_>) {
    let input = [b'x'; SIZE];
    bencher.counter(ItemsCount::new(PACKETS)).bench_local(|| {
        let mut decoder = Decoder::new(Kind::Raw);
        for _ in 0..PACKETS {
            assert_eq!(decode_all(&mut decoder, black_box(&input)), 1);
        }
    });
}

#[divan::bench(args = [Kind::One, Kind::Two, Kind::Four])]
fn length(bencher: Bencher<'_, '_>, kind: Kind) {
    let header = header(kind, SIZE).expect("a length that fits");
    decode(bencher, kind, &[&header, &[b'x'; SIZE][..]].concat());
}

#[divan::bench]
fn line(bencher: Bencher<'_, '_>) {
    let mut line = [b'x'; SIZE];
    line[SIZE - 1] = b'\n';
    decode(bencher, Kind::Line, &line);
}

/// A long line that comes byte by byte: its bytes are looked at once.
#[divan::bench]
fn line_by_bytes(bencher: Bencher<'_, '_>) {
    let mut line = vec![b'x'; PACKETS];
    line[PACKETS - 1] = b'\n';
    bencher
        .counter(BytesCount::of_slice(&line[..]))
        .bench_local(|| {
            let mut decoder = Decoder::new(Kind::Line);
            for end in 1..PACKETS {
                let step = decoder.decode(black_box(&line[..end]));
                assert_eq!(step, Ok(Step::More { total: None }));
            }
            assert_eq!(decode_all(&mut decoder, &line), 1);
        });
}

#[divan::bench]
fn asn1(bencher: Bencher<'_, '_>) {
    let mut packet = [b'x'; SIZE];
    // A sequence, and the length of what is behind these two.
    packet[0] = 0x30;
    packet[1] = SIZE as u8 - 2;
    decode(bencher, Kind::Asn1, &packet);
}

const REQUEST: &[u8] = b"GET /index.html?page=1 HTTP/1.1\r\n\
Host: example.org\r\n\
User-Agent: curl/8.5.0\r\n\
Accept: text/html,application/xhtml+xml\r\n\
Accept-Encoding: gzip, deflate\r\n\
Connection: keep-alive\r\n\
X-Request-Id: 01234567-89ab-cdef\r\n\
Content-Length: 0\r\n\
\r\n";

/// A start line, seven headers and their end, parsed: nine packets, of which the time of one.
#[divan::bench]
fn http(bencher: Bencher<'_, '_>) {
    const REQUESTS: usize = 100;
    let input = REQUEST.repeat(REQUESTS);
    bencher
        .counter(ItemsCount::new(9 * REQUESTS))
        .counter(BytesCount::of_slice(&input[..]))
        .bench_local(|| {
            let mut decoder = Decoder::new(Kind::HttpBin);
            assert_eq!(decode_all(&mut decoder, black_box(&input)), 9 * REQUESTS);
        });
}

/// What send puts in front.
#[divan::bench(args = [Kind::Raw, Kind::One, Kind::Two, Kind::Four])]
fn encode(bencher: Bencher<'_, '_>, kind: Kind) {
    bencher.counter(ItemsCount::new(PACKETS)).bench_local(|| {
        for _ in 0..PACKETS {
            let header = header(black_box(kind), black_box(SIZE));
            black_box(header.expect("a length that fits"));
        }
    });
}
