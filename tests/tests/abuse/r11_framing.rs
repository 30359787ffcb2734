//! R11: the bounds of framed packets, in both directions.

use gen_tcp::{Error, Opt, PacketType, Socket, inet, opt::*};
use tests::foreign::connected;
use tests::real;
use tests::sockets::{pair, recv, word};

/// A packet type, bodies that it can say, and bodies that it cannot.
const SENT: [(u8, &[usize], &[usize]); 3] = [
    (1, &[0, 1, 254, 255], &[256, 300, 65_536]),
    (
        2,
        &[0, 255, 256, 65_534, 65_535],
        &[65_536, 65_537, 200_000],
    ),
    (4, &[0, 255, 65_535, 65_536, 1 << 20], &[]),
];

async fn sends(socket: Socket, length: usize) -> &'static str {
    word(&gen_tcp::send(socket, vec![length as u8; length]).await)
}

// 5.2, section 9 row 17
#[test]
fn r11_a_body_too_long_for_its_header_is_emsgsize_and_the_port_stays_open() {
    real(2, async {
        for (kind, good, bad) in SENT {
            let (client, server) = pair([packet(kind)], [packet(kind)]).await;
            for length in bad {
                assert_eq!(sends(client, *length).await, "emsgsize");
                assert_eq!(inet::states(client), ["connected", "open"]);
            }
            for length in good {
                assert_eq!(sends(client, *length).await, "ok");
                for length in bad {
                    assert_eq!(sends(client, *length).await, "emsgsize");
                }
                assert_eq!(recv(server, 0).await, Ok(vec![*length as u8; *length]));
            }
        }
    });
}

/// A type with its options, a packet at the bound, and one that is a byte longer.
fn at_the_bound(limit: usize) -> Vec<(Opt, Vec<u8>, Vec<u8>)> {
    let framed =
        |header: fn(usize) -> Vec<u8>, length: usize| [header(length), vec![b'x'; length]].concat();
    let both = |header: fn(usize) -> Vec<u8>| (framed(header, limit), framed(header, limit + 1));
    type Header = fn(usize) -> Vec<u8>;
    let types: [(Opt, Header); 7] = [
        (packet(1), |n| vec![n as u8]),
        (packet(2), |n| vec![0, n as u8]),
        (packet(4), |n| vec![0, 0, 0, n as u8]),
        (packet(PacketType::Asn1), |n| vec![0x30, n as u8]),
        (packet(PacketType::Sunrm), |n| vec![0x80, 0, 0, n as u8]),
        (packet(PacketType::Tpkt), |n| vec![3, 0, 0, n as u8 + 4]),
        (packet(PacketType::Fcgi), |n| {
            vec![1, 1, 0, 1, 0, n as u8, 0, 0]
        }),
    ];
    types
        .into_iter()
        .map(|(kind, header)| {
            let (good, bad) = both(header);
            (kind, good, bad)
        })
        .collect()
}

// 6.3: packet_size counts the body.
#[test]
fn r11_a_body_of_packet_size_passes_and_one_byte_more_is_refused() {
    real(2, async {
        for (kind, good, bad) in at_the_bound(10) {
            let (socket, foreign) = connected([kind.clone(), packet_size(10)]).await;
            for byte in &good {
                foreign.write([*byte]);
            }
            let got = recv(socket, 0).await.expect("it is allowed");
            assert!(good.ends_with(&got) && got.len() >= 10, "{kind:?}");
            // The refusal comes with the header.
            foreign.write(&bad[..bad.len() - 11]);
            assert_eq!(recv(socket, 0).await, Err(Error::Emsgsize), "{kind:?}");
            let (socket, foreign) = connected([kind.clone(), packet_size(u32::MAX)]).await;
            foreign.write(&bad);
            assert!(recv(socket, 0).await.is_ok(), "{kind:?}");
        }
    });
}
