//! Lines 40 to 42, 46 to 49: sending and flow control.

use std::time::Duration;

use bytes::Bytes;
use gen_tcp::{Error, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::{connected, narrow};
use tests::sockets::{
    SMALL, bytes_of, data, eventually, fill, message, pair, queued, quiet, recv, until_it_waits,
};
use tests::{Foreign, LIMIT, Random, Stream, down, next, real};

/// What a sender tells of its send.
#[derive(Debug, PartialEq)]
struct Sent(char, Result<(), Error>);

/// A process that sends once and tells; it has begun when this returns, and waits where it has to.
async fn sender(socket: Socket, name: char, data: Vec<u8>) -> Pid {
    let me = self_pid();
    let pid = spawn(async move {
        send(me, self_pid());
        let sent = gen_tcp::send(socket, data).await;
        send(me, Sent(name, sent));
    });
    assert_eq!(next::<Pid>().await, pid);
    until_it_waits(pid).await;
    pid
}

// SEN-1, SEN-3
#[test]
fn t40_the_first_send_of_10_mb_into_an_empty_queue_is_ok_at_once() {
    real(2, async {
        let length = 10_000_000;
        let (socket, foreign) = narrow([send_timeout(100), send_timeout_close(true)]).await;
        let sent = gen_tcp::send(socket, Stream::default().take(length)).await;
        assert_eq!(sent, Ok(()));
        assert!(queued(socket) > 1_000_000, "nobody reads");
        drop(foreign);

        let (socket, foreign) = connected([sndbuf(16 * SMALL)]).await;
        let sent = gen_tcp::send(socket, Stream::default().take(length)).await;
        assert_eq!(sent, Ok(()));
        let got = foreign.read(length).await.expect("all of it comes");
        Stream::default().check(&got);
    });
}

// SEN-2, SEN-11
#[test]
fn t41_a_second_send_waits_for_the_low_mark_and_others_run_on() {
    // One worker: a thread that was held up would hold up everybody.
    real(1, async {
        let marks = [high_watermark(50_000), low_watermark(20_000)];
        let (socket, foreign) = narrow(marks).await;
        let mut stream = Stream::default();
        let filled = fill(socket, &mut stream).await;
        let pid = sender(socket, 'b', stream.take(1000)).await;
        assert_eq!(inet::states(socket), ["busy", "connected", "open"]);
        // Others run, on the same socket, too.
        foreign.write(b"input");
        assert_eq!(recv(socket, 5).await, Ok(b"input".to_vec()));
        quiet::<Sent>().await;
        assert!(runtime::pid_exists(pid));
        let mut reader = Stream::default();
        let mut left = filled + 1000;
        while left > 0 {
            let before = queued(socket);
            let piece = left.min(SMALL);
            reader.check(&foreign.read(piece).await.expect("it is on its way"));
            left -= piece;
            if let Some(done) = receive_timeout::<Sent>(Duration::ZERO).await {
                assert_eq!(done, Sent('b', Ok(())));
                assert!(queued(socket) <= 20_000, "it went on over the low mark");
                break;
            }
            if left == 0 {
                panic!("all was read ({before} were queued), and the sender waits on");
            }
        }
        reader.check(&foreign.read(left).await.expect("the rest comes"));
    });
}

// SEN-13: with a high mark of 0 every send into a queue waits for an empty one.
#[test]
fn t41_with_a_high_watermark_of_0_a_send_waits_for_an_empty_queue() {
    real(2, async {
        let (socket, foreign) = narrow([high_watermark(0)]).await;
        let mut stream = Stream::default();
        let filled = fill(socket, &mut stream).await;
        sender(socket, 'b', stream.take(1)).await;
        quiet::<Sent>().await;
        let all = foreign.read(filled + 1).await.expect("all of it comes");
        Stream::default().check(&all);
        assert_eq!(next::<Sent>().await, Sent('b', Ok(())));
        assert_eq!(queued(socket), 0);
    });
}

/// Kills a sender and waits until it has ended.
async fn kill(pid: Pid) {
    let watch = monitor(pid);
    exit_signal(pid, Reason::Kill);
    assert_eq!(down(watch).await, Reason::Killed);
}

// SEN-4, SEN-8
#[test]
fn t42_a_killed_sender_that_waited_has_sent_and_a_suspended_one_has_not() {
    real(2, async {
        for waiting_first in [false, true] {
            let (socket, foreign) = narrow([]).await;
            let filled = fill(socket, &mut Stream::default()).await;
            let waiting = sender(socket, 'w', b"w".repeat(10_000)).await;
            let suspended = sender(socket, 's', b"s".repeat(10_000)).await;
            sender(socket, 'l', b"l".repeat(10_000)).await;
            // The port stays busy with what the one that waited has sent, so that the suspended one
            // has no turn in between.
            let [first, second] = match waiting_first {
                true => [waiting, suspended],
                false => [suspended, waiting],
            };
            let before = queued(socket);
            kill(first).await;
            quiet::<Sent>().await;
            assert!(queued(socket) <= before, "the suspended one had a turn");
            kill(second).await;
            let expected = b"wl";
            let length = expected.len() * 10_000;
            let got = foreign.read(filled + length).await.expect("it comes");
            for (piece, name) in got[filled..].chunks(10_000).zip(expected) {
                assert!(
                    piece.iter().all(|byte| byte == name),
                    "{waiting_first}: {name}"
                );
            }
            assert_eq!(next::<Sent>().await, Sent('l', Ok(())));
            gen_tcp::close(socket).await.expect("close does not fail");
            assert_eq!(foreign.read_to_end().await.0, b"");
        }
    });
}

// SEN-5, section 9 row 16
#[test]
fn t42_suspended_senders_are_served_in_their_order() {
    real(2, async {
        let (socket, foreign) = narrow([]).await;
        let filled = fill(socket, &mut Stream::default()).await;
        let names: Vec<char> = ('a'..='h').collect();
        for name in &names {
            sender(socket, *name, vec![*name as u8; 9000]).await;
        }
        let got = foreign.read(filled + 8 * 9000).await.expect("it comes");
        for (piece, name) in got[filled..].chunks(9000).zip(&names) {
            assert!(
                piece.iter().all(|byte| *byte == *name as u8),
                "{name} is not next"
            );
        }
        for _ in names {
            assert_eq!(next::<Sent>().await.1, Ok(()));
        }
    });
}

// 5.4
#[test]
fn t46_a_blocked_sender_and_a_blocked_reader_are_both_told_of_the_close() {
    real(2, async {
        let me = self_pid();
        for half in [false, true] {
            let (socket, foreign) = narrow([]).await;
            fill(socket, &mut Stream::default()).await;
            let reader = spawn(async move {
                send(me, gen_tcp::recv_timeout(socket, 0, LIMIT).await);
            });
            until_it_waits(reader).await;
            let blocked = sender(socket, 'b', vec![0; 10_000]).await;
            assert_eq!(inet::states(socket), ["busy", "connected", "open"]);
            // With our data unread the close is a reset, the half-close a FIN.
            if half {
                foreign.finish();
            } else {
                foreign
                    .clone()
                    .0
                    .shutdown(std::net::Shutdown::Read)
                    .expect("it is connected");
                drop(foreign);
            }
            assert_eq!(next::<Sent>().await, Sent('b', Err(Error::Closed)));
            let told: Result<gen_tcp::Data, Error> = next().await;
            assert_eq!(told, Err(Error::Closed));
            assert!(!runtime::is_alive(blocked).await);
            tests::sockets::assert_mailbox_empty().await;
        }
    });
}

// Section 9 row 6: without exit_on_close a half-close leaves queue and sender alone.
#[test]
fn t46_without_exit_on_close_a_half_close_leaves_the_blocked_sender_alone() {
    real(2, async {
        for mode in [active(false), active(true)] {
            let (socket, foreign) = narrow([mode.clone(), exit_on_close(false)]).await;
            let filled = fill(socket, &mut Stream::default()).await;
            sender(socket, 'b', vec![0; 10_000]).await;
            foreign.finish();
            if mode == active(true) {
                assert_eq!(message(socket).await, Tcp::Closed(socket));
            } else {
                assert_eq!(recv(socket, 0).await, Err(Error::Closed));
            }
            quiet::<Sent>().await;
            foreign
                .read(filled + 10_000)
                .await
                .expect("all of it comes");
            assert_eq!(next::<Sent>().await, Sent('b', Ok(())));
        }
    });
}

// SEN-6, SEN-7
#[test]
fn t47_frames_of_100_senders_are_not_torn() {
    real(2, async {
        let small = [packet(4), sndbuf(SMALL), recbuf(65_536)];
        let (client, server) = pair(small.clone(), small).await;
        inet::setopts(server, [active(true)]).expect("it is connected");
        let (senders, frames) = (100, 10);
        for id in 0..senders {
            spawn_link(async move {
                let mut random = Random(1 + id as u64);
                for frame in 0..frames {
                    let length = 2 + random.below(3000);
                    let mut body = vec![id; length];
                    body[1] = frame;
                    gen_tcp::send(client, body).await.expect("it is connected");
                }
            });
        }
        let mut expected = vec![0; usize::from(senders)];
        for _ in 0..usize::from(senders) * usize::from(frames) {
            let body = data(server).await;
            let (id, frame) = (body[0], body[1]);
            assert!(
                body[2..].iter().all(|byte| *byte == id),
                "a torn frame of {id}"
            );
            assert_eq!(frame, expected[usize::from(id)], "the order of {id}");
            expected[usize::from(id)] += 1;
        }
        quiet::<Tcp>().await;
    });
}

/// Pieces of all sizes, with empty ones in between, and the bytes that they are.
fn pieces(count: usize) -> (Vec<Bytes>, Vec<u8>) {
    let mut random = Random(48);
    let mut stream = Stream::default();
    let pieces: Vec<Bytes> = (0..count)
        .map(|i| if i % 3 == 1 { 0 } else { random.below(40) })
        .map(|length| stream.take(length).into())
        .collect();
    let all = pieces.concat();
    (pieces, all)
}

// SEN-9
#[test]
fn t48_five_thousand_pieces_arrive_as_one() {
    real(2, async {
        for framed in [false, true] {
            let framing = if framed { packet(4) } else { packet(0) };
            let (socket, foreign) = connected([framing, sndbuf(SMALL)]).await;
            let (pieces, all) = pieces(5000);
            // Into an empty queue, then behind it.
            for _ in 0..2 {
                gen_tcp::send(socket, pieces.clone())
                    .await
                    .expect("it is connected");
            }
            for _ in 0..2 {
                if framed {
                    let header = foreign.read(4).await.expect("it comes");
                    assert_eq!(
                        header,
                        u32::try_from(all.len()).expect("small").to_be_bytes()
                    );
                }
                assert_eq!(foreign.read(all.len()).await.expect("it comes"), all);
            }
        }
        // Of nothing but empty pieces there is nothing to send.
        let (socket, foreign) = connected([]).await;
        let nothing = vec![Bytes::new(); 3];
        gen_tcp::send(socket, nothing)
            .await
            .expect("it is connected");
        gen_tcp::close(socket).await.expect("close does not fail");
        assert_eq!(foreign.read_to_end().await.0, b"");
    });
}

// SND-4
#[test]
fn t49_an_empty_send_with_packet_2_is_an_empty_packet() {
    real(2, async {
        let (client, server) = pair([packet(2)], [packet(2)]).await;
        gen_tcp::send(client, "").await.expect("it is connected");
        gen_tcp::send(client, "a").await.expect("it is connected");
        assert_eq!(recv(server, 0).await, Ok(Vec::new()));
        assert_eq!(recv(server, 0).await, Ok(b"a".to_vec()));
        inet::setopts(server, [active(ONCE)]).expect("it is connected");
        gen_tcp::send(client, "").await.expect("it is connected");
        assert_eq!(data(server).await, b"");
        // Raw: nothing is sent.
        let (socket, foreign) = connected([]).await;
        gen_tcp::send(socket, "").await.expect("it is connected");
        gen_tcp::send(socket, "b").await.expect("it is connected");
        assert_eq!(foreign.read(1).await.expect("it comes"), b"b");
    });
}

/// Waits until the socket's descriptor is gone.
async fn until_gone(socket: Socket) {
    eventually(|| inet::states(socket).is_empty()).await;
}

// 5.6
#[test]
fn t50_delay_send_tells_of_the_end_later() {
    real(2, async {
        let (socket, foreign) = connected([delay_send(true)]).await;
        drop(foreign);
        assert_eq!(gen_tcp::send(socket, "1").await, Ok(()));
        tests::sockets::until_reset(socket).await;
        assert_eq!(gen_tcp::send(socket, "2").await, Ok(()));
        until_gone(socket).await;
        assert_eq!(gen_tcp::send(socket, "3").await, Err(Error::Closed));
        assert_eq!(gen_tcp::send(socket, "4").await, Err(Error::Enotconn));
    });
}

// 5.6, LNK-1
#[test]
fn t50_with_delay_send_the_data_of_a_process_that_sends_and_ends_arrives() {
    real(2, async {
        let me = self_pid();
        for way in 0..3 {
            spawn(async move {
                let (socket, foreign) = connected([delay_send(true)]).await;
                send(me, foreign);
                for piece in ["a", "bc", "def"] {
                    gen_tcp::send(socket, piece).await.expect("it is connected");
                }
                match way {
                    0 => {}
                    1 => gen_tcp::close(socket).await.expect("close does not fail"),
                    _ => gen_tcp::shutdown(socket, gen_tcp::How::Write).expect("it is connected"),
                }
            });
            let foreign: Foreign = next().await;
            let (got, end) = foreign.read_to_end().await;
            assert_eq!((&got[..], end.is_ok()), (&b"abcdef"[..], true), "way {way}");
        }
        // As long as it lives, too, and large sends in order with small ones.
        let (client, server) = pair([delay_send(true)], [active(true)]).await;
        let mut stream = Stream::default();
        for length in [1, 100_000, 1, 10, 50_000] {
            gen_tcp::send(client, stream.take(length))
                .await
                .expect("it is connected");
        }
        let got = bytes_of(server, stream.at).await;
        Stream::default().check(&got);
    });
}
