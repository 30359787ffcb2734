//! R5: a peer that does not read. R28: what is unsent when the socket is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use gen_tcp::{Error, Socket, inet, opt::*};
use runtime::port;
use runtime::prelude::*;
use tests::alone::{alone, descriptors};
use tests::foreign::narrow;
use tests::sockets::{eventually, fill, pair, queued, quiet, recv, until_it_waits};
use tests::{Foreign, Stream, down, next, real};

use crate::system::live_bytes;

const MESSAGE: usize = 65_536;
const HIGH: usize = 200_000;

/// A process that sends message after message, and counts them.
fn endless_sender(socket: Socket) -> (Pid, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let pid = spawn(async move {
        loop {
            let done = gen_tcp::send(socket, vec![5; MESSAGE]).await;
            if done.is_err() {
                break send_result(done).await;
            }
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (pid, sent)
}

/// Ends the process with the word of what its send said.
async fn send_result(done: Result<(), Error>) {
    exit(done.map_or_else(|error| error.atom(), |()| "normal")).await;
}

#[test]
fn r05_a_sender_to_a_peer_that_does_not_read_costs_a_bounded_amount() {
    let name = "r05_slow_reader::\
        r05_a_sender_to_a_peer_that_does_not_read_costs_a_bounded_amount";
    alone(name, || {
        real(2, async {
            let (socket, foreign) = narrow([high_watermark(HIGH)]).await;
            let (client, server) = pair([], []).await;
            let before = live_bytes();
            let (sender, sent) = endless_sender(socket);
            eventually(|| inet::states(socket).contains(&"busy")).await;
            until_it_waits(sender).await;
            let stopped_at = sent.load(Ordering::Relaxed);
            assert!(
                queued(socket) <= (HIGH + MESSAGE) as u64,
                "{}",
                queued(socket)
            );
            // Others go on meanwhile.
            for _ in 0..200 {
                gen_tcp::send(client, "ping")
                    .await
                    .expect("it is connected");
                assert_eq!(recv(server, 4).await, Ok(b"ping".to_vec()));
            }
            assert_eq!(sent.load(Ordering::Relaxed), stopped_at);
            let cost = live_bytes().saturating_sub(before);
            println!("{stopped_at} messages sent, {cost} bytes of memory");
            assert!(cost < HIGH + 2 * MESSAGE + 300_000, "{cost} bytes");
            // The peer reads a little at a time: the bound holds all along.
            let most = Arc::new(AtomicU64::new(0));
            for _ in 0..100 {
                foreign.read(MESSAGE).await.expect("it comes");
                most.fetch_max(queued(socket), Ordering::Relaxed);
            }
            assert!(sent.load(Ordering::Relaxed) > stopped_at);
            assert!(most.load(Ordering::Relaxed) <= (HIGH + MESSAGE) as u64);
            drop(foreign);
        });
    });
}

#[test]
fn r05_send_timeout_close_ends_what_the_peer_does_not_read() {
    real(2, async {
        let options = [
            high_watermark(HIGH),
            send_timeout(100),
            send_timeout_close(true),
        ];
        let (socket, foreign) = narrow(options).await;
        let (sender, _) = endless_sender(socket);
        let watch = monitor(sender);
        assert_eq!(down(watch).await.to_string(), "timeout");
        assert_eq!(queued(socket), 0);
        assert_eq!(inet::states(socket), [""; 0]);
        let (_, end) = foreign.read_to_end().await;
        assert!(end.is_err(), "nothing of it may be taken for the whole");
    });
}

/// Owners that end with a full queue each, and the foreign ends.
async fn orphaned(count: usize) -> (Vec<Socket>, Vec<(Foreign, usize)>) {
    let me = self_pid();
    let (mut sockets, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (_, watch) = spawn_monitor(async move {
            let (socket, foreign) = narrow([]).await;
            let sent = fill(socket, &mut Stream::default()).await;
            send(me, (socket, foreign, sent));
        });
        down(watch).await;
        let (socket, foreign, sent) = next::<(Socket, Foreign, usize)>().await;
        assert!(port::port_exists(socket.port()), "it flushes");
        sockets.push(socket);
        peers.push((foreign, sent));
    }
    (sockets, peers)
}

// What holds the port is the peer's window alone: it goes when the peer reads, resets, or the limit
// of 300 s is over, which is not waited for here.
#[test]
fn r28_unsent_data_is_flushed_until_the_peer_has_it_or_has_gone() {
    let name = "r05_slow_reader::r28_unsent_data_is_flushed_until_the_peer_has_it_or_has_gone";
    alone(name, || {
        real(2, async {
            // What the runtime makes at first use counts as there.
            let (sockets, mut peers) = orphaned(1).await;
            let (foreign, sent) = peers.remove(0);
            assert_eq!(foreign.read_to_end().await.0.len(), sent);
            drop(foreign);
            eventually(|| !port::port_exists(sockets[0].port())).await;
            let before = descriptors();

            let (sockets, peers) = orphaned(10).await;
            assert_eq!(descriptors().len(), before.len() + 20);
            for (i, (foreign, sent)) in peers.into_iter().enumerate() {
                if i % 2 == 0 {
                    let (got, end) = foreign.read_to_end().await;
                    assert_eq!((got.len(), end.is_ok()), (sent, true));
                } else {
                    foreign.reset();
                }
            }
            for socket in &sockets {
                eventually(|| !port::port_exists(socket.port())).await;
            }
            eventually(|| descriptors() == before).await;
        });
    });
}

// A runtime that ends does not wait for them.
#[test]
fn r28_the_end_of_the_runtime_ends_what_is_being_flushed() {
    let name = "r05_slow_reader::r28_the_end_of_the_runtime_ends_what_is_being_flushed";
    alone(name, || {
        real(1, async {});
        let before = descriptors();
        let (tell, told) = std::sync::mpsc::channel();
        real(2, async move {
            let (_, peers) = orphaned(3).await;
            tell.send(peers).expect("the test waits for it");
        });
        let peers = told.recv().expect("it was sent");
        for (foreign, sent) in peers {
            use std::io::Read;
            let mut got = Vec::new();
            let _ = (&*foreign.0).read_to_end(&mut got);
            assert!(got.len() < sent, "all {sent} bytes came");
        }
        assert_eq!(descriptors(), before);
    });
}

// Row 13 of part 9: close itself waits for a queue that does not move, but not for ever.
#[test]
fn r28_close_gives_up_on_a_queue_that_does_not_move() {
    real(2, async {
        let (socket, foreign) = narrow([linger(true, 1)]).await;
        let sent = fill(socket, &mut Stream::default()).await;
        let me = self_pid();
        spawn(async move {
            gen_tcp::close(socket).await.expect("close does not fail");
            send(me, ());
        });
        quiet::<()>().await;
        next::<()>().await;
        assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Closed));
        sleep(Duration::from_millis(50)).await;
        let (got, end) = foreign.read_to_end().await;
        assert_eq!(
            (got.len(), end.is_ok()),
            (sent, true),
            "it is flushed all the same"
        );
    });
}
