//! R10: packets that are only announced. R12: floods that come in small pieces.
//!
//! Both are counted in bytes of memory, in a process of the system that does nothing else.

use std::sync::Arc;

use gen_tcp::packet::{Decoder, Kind, Step};
use gen_tcp::{Error, Opt, PacketType, Socket, Tcp, opt::*};
use runtime::prelude::*;
use tests::alone::{alone, set_descriptor_limit};
use tests::foreign::connected;
use tests::sockets::{eventually, listen, message, unread};
use tests::{Foreign, LIMIT, next, real};

use crate::system::{allocated_bytes, live_bytes, resident_bytes};

const PEERS: usize = 1000;
/// What all the peers together may cost.
const COST_MAX: usize = 1 << 20;

/// A connection that has exchanged something, and that waits for the next packet.
struct Connection {
    peer: Foreign,
    socket: Socket,
}

/// Connections whose owner is active, active once, or has a process that waits in recv, in turns.
async fn connections(listener: Socket, port: u16) -> Vec<Connection> {
    let mut all = Vec::new();
    for i in 0..PEERS {
        let peer = Foreign::connect(port);
        let accepted = gen_tcp::accept_timeout(listener, LIMIT).await;
        let socket = accepted.expect("there are descriptors");
        peer.write([&[0, 0, 1, 0][..], &[7; 256]].concat());
        match i % 3 {
            2 => {
                let (me, got) = (self_pid(), make_ref());
                spawn_link(async move {
                    let first = gen_tcp::recv(socket, 0).await.map(|data| data.len());
                    send(me, (got, first));
                    let _ = gen_tcp::recv(socket, 0).await;
                });
                let (_, first) = next::<(Ref, Result<usize, Error>)>().await;
                assert_eq!(first, Ok(256));
            }
            kind => {
                let mode = if kind == 0 {
                    active(true)
                } else {
                    active(ONCE)
                };
                gen_tcp::setopts(socket, [mode]).expect("it is connected");
                assert_eq!(tests::sockets::data(socket).await.len(), 256);
                gen_tcp::setopts(socket, [active(ONCE)]).expect("it is connected");
            }
        }
        all.push(Connection { peer, socket });
    }
    all
}

fn has_descriptor(socket: Socket) -> bool {
    gen_tcp::with_fd(socket, |_| ()).is_ok()
}

/// A thousand peers announce a packet of this length and send a byte of it, which costs less than
/// 1 MiB in all. `refused` says whether nobody can hold it.
async fn announced(header: [u8; 4], refused: bool) {
    let (listener, port) = listen([packet(4), backlog(64)]);
    let all = connections(listener, port).await;
    let (live, resident) = (live_bytes(), resident_bytes());
    for connection in &all {
        connection.peer.write([&header[..], b"x"].concat());
    }
    for connection in &all {
        if refused {
            eventually(|| !has_descriptor(connection.socket)).await;
        } else {
            eventually(|| unread(connection.socket) == 0).await;
        }
    }
    let live = live_bytes().saturating_sub(live);
    let resident = resident_bytes().saturating_sub(resident);
    println!("{PEERS} times {header:?}: {live} bytes allocated, {resident} bytes resident");
    assert!(
        live < COST_MAX && resident < COST_MAX,
        "{live} and {resident} bytes"
    );
    for connection in &all {
        assert_eq!(has_descriptor(connection.socket), !refused);
    }
}

#[test]
fn r10_a_thousand_peers_that_announce_2_gib_cost_next_to_nothing() {
    let name = "r10_announced::r10_a_thousand_peers_that_announce_2_gib_cost_next_to_nothing";
    alone(name, || {
        set_descriptor_limit(3 * PEERS as u64);
        // The longest that is waited for.
        real(2, announced(*b"\x7f\xff\xff\xf0", false));
    });
}

#[test]
fn r10_a_thousand_peers_that_announce_too_much_cost_next_to_nothing() {
    let name = "r10_announced::r10_a_thousand_peers_that_announce_too_much_cost_next_to_nothing";
    alone(name, || {
        set_descriptor_limit(3 * PEERS as u64);
        real(2, announced(*b"\x7f\xff\xff\xfe", true));
    });
}

// With its header it would have more than 2^31 - 1 bytes: refused when the header is seen (6.3).
#[test]
fn r10_a_packet_that_no_one_can_hold_is_refused_at_its_header() {
    real(2, async {
        for header in [0x7fff_fffe_u32, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
            let (socket, peer) = connected([packet(4), active(true)]).await;
            peer.write(header.to_be_bytes());
            assert_eq!(
                message(socket).await,
                Tcp::Error(socket, Error::Emsgsize),
                "{header:x}"
            );
            assert_eq!(message(socket).await, Tcp::Closed(socket));
        }
    });
}

/// Feeds a decoder byte by byte, and spoils each byte that it has seen with one that would end the
/// packet: a decoder that looks back finds it.
fn looks_at_each_byte_once(kind: Kind, good: &[u8], spoilt: u8) {
    let mut decoder = Decoder::new(kind);
    decoder.set_line_max(usize::MAX);
    let mut input: Vec<u8> = Vec::new();
    for (at, byte) in good.iter().enumerate() {
        input.push(*byte);
        let step = decoder.decode(&input);
        assert_eq!(step, Ok(Step::More { total: None }), "{kind:?} at {at}");
        // All but the first, which tells the type of a tag, and the last few: folding looks back a
        // little.
        if at > 4 {
            input[at - 4] = spoilt;
        }
    }
}

#[test]
fn r12_a_line_or_header_that_comes_byte_by_byte_is_looked_at_once() {
    let length = 200_000;
    let line = vec![b'x'; length];
    looks_at_each_byte_once(Kind::Line, &line, b'\n');
    looks_at_each_byte_once(Kind::Http, &line, b'\n');
    let header = [&b"Host: "[..], &line].concat();
    looks_at_each_byte_once(Kind::HttpHeader, &header, b'\n');
    let folded: Vec<u8> = b"Host: a\r\n "
        .iter()
        .chain(b"bcd\r\n ".iter().cycle())
        .take(length)
        .copied()
        .collect();
    looks_at_each_byte_once(Kind::HttpHeader, &folded, b'\n');
    // A tag of BER that does not end.
    let tag = vec![0xff; length];
    looks_at_each_byte_once(Kind::Asn1, &tag, 0x01);
}

/// Bytes that are allocated while this comes in pieces of a thousand bytes.
async fn allocated_by(options: Vec<Opt>, input: Arc<Vec<u8>>, packets: usize) -> usize {
    let options = options
        .into_iter()
        .chain([buffer(1000), packet_size(8 << 20), active(true)]);
    let (socket, peer) = connected(options).await;
    let before = allocated_bytes();
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        (&*peer.0).write_all(&input).expect("it is read");
        peer
    });
    for _ in 0..packets {
        match message(socket).await {
            Tcp::Data(..) | Tcp::Http(..) => {}
            other => panic!("came {other:?}"),
        }
    }
    drop(writer.join().expect("the writer does not panic"));
    let allocated = allocated_bytes() - before;
    gen_tcp::close(socket).await.expect("close does not fail");
    allocated
}

/// A kind of flood: its packet type, how to make one of a size, and how many packets it makes.
type Flood = (
    &'static str,
    PacketType,
    fn(usize) -> Vec<u8>,
    fn(usize) -> usize,
);

const FLOODS: [Flood; 3] = [
    (
        "a line",
        PacketType::Line,
        |size| [&vec![b'x'; size - 1][..], b"\n"].concat(),
        |_| 1,
    ),
    (
        "a folded header",
        PacketType::Httph,
        |size| {
            let folds = b" bc\r\n".repeat(size / 5);
            [&b"a: b\r\n"[..], &folds, b"\r\n"].concat()
        },
        |_| 1,
    ),
    (
        "empty headers",
        PacketType::Httph,
        |size| b"a:\r\n".repeat(size / 4),
        |size| size / 4 - 1,
    ),
];

#[test]
fn r12_eight_times_the_flood_costs_eight_times_the_memory() {
    alone(
        "r10_announced::r12_eight_times_the_flood_costs_eight_times_the_memory",
        || {
            real(2, async {
                for (name, kind, make, packets) in FLOODS {
                    let mut costs = Vec::new();
                    for size in [100_000, 100_000, 800_000] {
                        let input = Arc::new(make(size));
                        costs.push(allocated_by(vec![packet(kind)], input, packets(size)).await);
                    }
                    let ratio = costs[2] as f64 / costs[1] as f64;
                    println!("{name}: {costs:?} bytes, {ratio:.1} times for 8 times as much");
                    // A buffer that doubles makes it uneven, by no more than 2 at either end.
                    assert!(ratio < 32.0, "{name}: {costs:?}");
                }
            });
        },
    );
}
