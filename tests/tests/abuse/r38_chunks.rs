//! R38: short reads and short writes. Everything is echoed in pieces of random sizes, through small
//! buffers, and comes back as it went.

use std::io::{Read, Write};

use gen_tcp::{Error, Opt, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::connected;
use tests::sockets::{message, pair, recv_all};
use tests::{Foreign, Random, Stream, next, real};

/// Bytes of one echo.
const LENGTH: usize = 4_000_000;

/// A peer that writes the stream in random pieces and reads it back in others.
fn foreign_client(peer: &Foreign, seed: u64) -> std::thread::JoinHandle<()> {
    let (reader, writer) = (peer.0.clone(), peer.0.clone());
    std::thread::spawn(move || {
        let sender = std::thread::spawn(move || {
            let (mut random, mut stream) = (Random(seed), Stream::default());
            while stream.at < LENGTH {
                let piece = random.below(9000).min(LENGTH - stream.at);
                (&*writer)
                    .write_all(&stream.take(piece))
                    .expect("it is read");
            }
            writer
                .shutdown(std::net::Shutdown::Write)
                .expect("it is connected");
        });
        let (mut random, mut stream) = (Random(seed + 1), Stream::default());
        loop {
            let mut buffer = vec![0; 1 + random.below(9000)];
            match (&*reader).read(&mut buffer).expect("it is echoed") {
                0 => break,
                length => stream.check(&buffer[..length]),
            }
        }
        assert_eq!(stream.at, LENGTH);
        sender.join().expect("the sender does not panic");
    })
}

/// Echoes what comes, in pieces of its own, until the end.
async fn echo(socket: Socket, mode: Opt, seed: u64) {
    let mut random = Random(seed);
    inet::setopts(socket, [mode.clone()]).expect("it is connected");
    let (mut pending, mut got) = (Vec::new(), 0);
    loop {
        if mode == active(false) {
            // Fewer bytes than asked for would be lost at the end (RCV-10).
            let length = random.below(50).min(LENGTH - got);
            match gen_tcp::recv(socket, length).await {
                Ok(data) => {
                    got += data.len();
                    pending.extend_from_slice(&data);
                }
                Err(error) => break assert_eq!(error, Error::Closed),
            }
        } else {
            match message(socket).await {
                Tcp::Data(_, data) => pending.extend_from_slice(&data),
                Tcp::Passive(_) => {}
                other => break assert_eq!(other, Tcp::Closed(socket)),
            }
            if inet::getopts(socket, [gen_tcp::Name::Active]) == Ok(vec![active(false)]) {
                inet::setopts(socket, [mode.clone()]).expect("it is open");
            }
        }
        let piece: Vec<u8> = pending
            .drain(..pending.len() - random.below(pending.len()))
            .collect();
        gen_tcp::send(socket, piece).await.expect("it is read");
    }
    gen_tcp::send(socket, pending).await.expect("it is read");
    gen_tcp::close(socket).await.expect("close does not fail");
}

/// Socket options that make every read and write a short one.
fn small() -> [Opt; 4] {
    [
        sndbuf(9000),
        buffer(3000),
        exit_on_close(false),
        nodelay(true),
    ]
}

#[test]
fn r38_an_echo_in_random_pieces_comes_back_whole_passive() {
    real(2, echoed(active(false)));
}

#[test]
fn r38_an_echo_in_random_pieces_comes_back_whole_active() {
    real(2, echoed(active(true)));
}

#[test]
fn r38_an_echo_in_random_pieces_comes_back_whole_once() {
    real(2, echoed(active(ONCE)));
}

#[test]
fn r38_an_echo_in_random_pieces_comes_back_whole_counted() {
    real(2, echoed(active(7)));
}

async fn echoed(mode: Opt) {
    let (socket, peer) = connected(small()).await;
    let client = foreign_client(&peer, 38);
    echo(socket, mode, 3838).await;
    let joined = runtime::blocking(move || client.join().is_ok()).await;
    assert_eq!(joined, Ok(true));
}

// Frames of random sizes between two of ours, both ways at once.
#[test]
fn r38_frames_of_random_sizes_both_ways() {
    real(2, async {
        let frames = 400;
        let options = [packet(4), sndbuf(9000), buffer(3000)];
        let (client, server) = pair(options.clone(), options).await;
        let me = self_pid();
        for (socket, seed) in [(client, 1), (server, 2)] {
            spawn_link(async move {
                let mut random = Random(seed);
                for _ in 0..frames {
                    let frame = vec![random.below(256) as u8; random.below(20_000)];
                    gen_tcp::send(socket, frame).await.expect("it is read");
                }
            });
            spawn_link(async move {
                // What the other end sends.
                let mut random = Random(3 - seed);
                for _ in 0..frames {
                    let byte = random.below(256) as u8;
                    let length = random.below(20_000);
                    let frame = gen_tcp::recv(socket, 0).await.expect("it is sent");
                    assert_eq!(frame.len(), length);
                    assert!(frame.iter().all(|other| *other == byte));
                }
                send(me, seed);
            });
        }
        next::<u64>().await;
        next::<u64>().await;
        gen_tcp::close(client).await.expect("close does not fail");
        assert_eq!(recv_all(server).await, (Vec::new(), Error::Closed));
    });
}
