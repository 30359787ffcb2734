//! Part 9, rows 5, 7, 8: with `keep_input` what came in outlives whatever ends the connection.

use gen_tcp::{Error, How, PacketType, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::{connected, narrow};
use tests::sockets::{
    data, eventually, fill, message, queued, recv, recv_all, until_it_waits, until_reset,
    until_unread,
};
use tests::{Foreign, LIMIT, Stream, next, real};

/// A socket that keeps its input.
async fn keeping(options: impl IntoIterator<Item = gen_tcp::Opt>) -> (Socket, Foreign) {
    connected([keep_input(true)].into_iter().chain(options)).await
}

// EXT-1, row 5: RCV-10 holds, and the bytes can be had behind it.
#[test]
fn row05_fewer_bytes_than_asked_for_are_closed_and_then_readable() {
    real(2, async {
        for exit in [true, false] {
            let (socket, foreign) = keeping([exit_on_close(exit)]).await;
            foreign.write(b"hello");
            foreign.finish();
            for _ in 0..2 {
                assert_eq!(recv(socket, 10).await, Err(Error::Closed));
            }
            assert_eq!(recv(socket, 3).await, Ok(b"hel".to_vec()));
            assert_eq!(recv(socket, 3).await, Err(Error::Closed));
            assert_eq!(recv(socket, 0).await, Ok(b"lo".to_vec()));
            // When they are gone the end is as any other.
            assert_eq!(recv(socket, 0).await, Err(Error::Closed));
            let later = if exit { Error::Enotconn } else { Error::Closed };
            assert_eq!(recv(socket, 0).await, Err(later));
            let gone = inet::states(socket).is_empty();
            assert_eq!(gone, exit, "the descriptor goes with the last byte");
        }
        // Without the option they are lost.
        let (socket, foreign) = connected([]).await;
        foreign.write(b"hello");
        foreign.finish();
        assert_eq!(recv(socket, 10).await, Err(Error::Closed));
        assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
    });
}

// EXT-1, row 5: LIN-4, and half packets of other types.
#[test]
fn row05_half_a_packet_is_readable_behind_closed() {
    real(2, async {
        let cases = [
            (
                PacketType::Line,
                &b"one\ntwo"[..],
                &b"one\n"[..],
                &b"two"[..],
            ),
            (
                PacketType::Four,
                b"\0\0\0\x01a\0\0\0\x05he",
                b"a",
                b"\0\0\0\x05he",
            ),
            (PacketType::Two, b"\0\x01a\0", b"a", b"\0"),
        ];
        for (kind, input, whole, rest) in cases {
            // By recv, and as a message of a socket that is set active then.
            for by_message in [false, true] {
                let (socket, foreign) = keeping([packet(kind)]).await;
                foreign.write(input);
                foreign.finish();
                assert_eq!(recv(socket, 0).await, Ok(whole.to_vec()));
                assert_eq!(recv(socket, 0).await, Err(Error::Closed), "{kind:?}");
                if by_message {
                    inet::setopts(socket, [active(true)]).expect("it is open");
                    assert_eq!(data(socket).await, rest);
                    assert_eq!(message(socket).await, Tcp::Closed(socket));
                    assert!(!inet::is_open(socket));
                } else {
                    assert_eq!(recv(socket, 0).await, Ok(rest.to_vec()), "{kind:?}");
                    assert_eq!(recv(socket, 0).await, Err(Error::Closed));
                    assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
                }
            }
        }
        // What the packet type refuses is not kept.
        let (socket, foreign) = keeping([packet(1), packet_size(3)]).await;
        foreign.write(b"\x09abc");
        assert_eq!(recv(socket, 0).await, Err(Error::Emsgsize));
        assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
    });
}

// EXT-1: a reset, hidden or shown, is an end like others.
#[test]
fn row05_behind_a_reset_what_came_is_readable() {
    real(2, async {
        for (shown, error) in [(false, Error::Closed), (true, Error::Econnreset)] {
            let (socket, foreign) = keeping([show_econnreset(shown)]).await;
            foreign.write(b"abc");
            let early = gen_tcp::recv_timeout(socket, 10, std::time::Duration::ZERO).await;
            assert_eq!(early, Err(Error::Timeout));
            until_taken(socket).await;
            foreign.reset();
            assert_eq!(recv(socket, 10).await, Err(error));
            assert_eq!(recv(socket, 0).await, Ok(b"abc".to_vec()));
            assert_eq!(recv(socket, 0).await, Err(Error::Closed));
            assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
        }
    });
}

/// Sends until it fails. Where the sender has input to answer its sends are gathered, and an error
/// shows one later (5.1).
async fn send_fails(socket: Socket) -> Error {
    for _ in 0..10 {
        if let Err(error) = gen_tcp::send(socket, "x").await {
            return error;
        }
        yield_now().await;
    }
    panic!("no send fails");
}

/// Takes three bytes into the socket's own buffer, which no reset reaches.
async fn until_taken(socket: Socket) {
    let mut tries = 0;
    while tests::sockets::unread(socket) > 0 || tries == 0 {
        tries += 1;
        let time = std::time::Duration::from_millis(20);
        let early = gen_tcp::recv_timeout(socket, 10, time).await;
        assert_eq!(early, Err(Error::Timeout));
    }
}

// EXT-2, row 8: the peer has answered, closed, and not read what we send.
#[test]
fn row08_input_outlives_a_send_that_fails() {
    real(2, async {
        for (shown, error) in [(false, Error::Closed), (true, Error::Econnreset)] {
            let (socket, foreign) = keeping([packet(1), show_econnreset(shown)]).await;
            foreign.write(b"\x01a\x01b\x01c");
            until_unread(socket, 6).await;
            assert_eq!(recv(socket, 0).await, Ok(b"a".to_vec()));
            foreign.write(b"\x01d");
            until_unread(socket, 2).await;
            foreign.reset();
            until_reset(socket).await;
            assert_eq!(send_fails(socket).await, error);
            for _ in 0..2 {
                assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Enotconn));
            }
            // What was buffered is there in any case; what only the kernel had is if it has it.
            assert_eq!(recv(socket, 0).await, Ok(b"b".to_vec()));
            assert_eq!(recv(socket, 0).await, Ok(b"c".to_vec()));
            let last = recv(socket, 0).await;
            if last == Ok(b"d".to_vec()) {
                assert_eq!(recv(socket, 0).await, Err(error));
            } else {
                assert_eq!(last, Err(error));
            }
            assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
        }
        // Without the option it is lost.
        let (socket, foreign) = connected([packet(1)]).await;
        foreign.write(b"\x01a\x01b");
        until_unread(socket, 4).await;
        assert_eq!(recv(socket, 0).await, Ok(b"a".to_vec()));
        foreign.reset();
        until_reset(socket).await;
        assert_eq!(send_fails(socket).await, Error::Closed);
        assert_ne!(recv(socket, 0).await, Ok(b"b".to_vec()));
    });
}

// EXT-2, row 8, MSG-7: an active owner gets all of it, then the end, before its sender is told.
#[test]
fn row08_an_active_owner_gets_its_input_before_the_end() {
    real(2, async {
        for (exit, shown) in [(true, true), (true, false), (false, true), (false, false)] {
            let options = [packet(1), exit_on_close(exit), show_econnreset(shown)];
            let (socket, foreign) = keeping(options).await;
            foreign.write(b"\x01a\x01b\x01c");
            until_unread(socket, 6).await;
            assert_eq!(recv(socket, 0).await, Ok(b"a".to_vec()));
            inet::setopts(socket, [active(1)]).expect("it is open");
            assert_eq!(data(socket).await, b"b");
            assert_eq!(message(socket).await, Tcp::Passive(socket));
            foreign.reset();
            until_reset(socket).await;
            // Passive: what is buffered stays. Active again: it comes, then the end.
            send_fails(socket).await;
            inet::setopts(socket, [active(true)]).expect("it is open");
            assert_eq!(data(socket).await, b"c");
            if shown {
                assert_eq!(message(socket).await, Tcp::Error(socket, Error::Econnreset));
            }
            assert_eq!(message(socket).await, Tcp::Closed(socket));
            assert_eq!(inet::is_open(socket), !exit);
        }
        for round in 0..20 {
            let (socket, foreign) = keeping([active(true)]).await;
            foreign.write(b"abc");
            foreign.reset();
            while gen_tcp::send(socket, "x").await.is_ok() {}
            let told: Vec<Tcp> = tests::puppet::drain().await;
            assert_eq!(told.last(), Some(&Tcp::Closed(socket)), "round {round}");
        }
    });
}

// EXT-2: who waits is told as ever, and a queue that cannot leave is dropped.
#[test]
fn row08_a_blocked_sender_and_a_reader_are_told_and_the_rest_is_there() {
    real(2, async {
        let (socket, foreign) = narrow([keep_input(true)]).await;
        fill(socket, &mut Stream::default()).await;
        let me = self_pid();
        let sender = spawn(async move { send(me, gen_tcp::send(socket, vec![0; 10_000]).await) });
        until_it_waits(sender).await;
        assert!(inet::states(socket).contains(&"busy"));
        foreign.write(b"abc");
        let reader = spawn(async move {
            let first = gen_tcp::recv_timeout(socket, 10, LIMIT).await;
            send(me, ("recv", first.map(|data| data.to_vec())));
        });
        until_it_waits(reader).await;
        eventually(|| tests::sockets::unread(socket) == 0).await;
        foreign.reset();
        assert_eq!(next::<Result<(), Error>>().await, Err(Error::Closed));
        let told = next::<(&str, Result<Vec<u8>, Error>)>().await;
        assert_eq!(told.1, Err(Error::Closed));
        assert_eq!(queued(socket), 0);
        assert_eq!(recv(socket, 0).await, Ok(b"abc".to_vec()));
        assert_eq!(recv(socket, 0).await, Err(Error::Closed));
        assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
    });
}

// EXT-3, row 7: the send alone fails, and reading goes on.
#[test]
fn row07_a_send_behind_shutdown_write_fails_alone() {
    real(2, async {
        for mode in [false, true] {
            let (socket, foreign) = keeping([active(mode)]).await;
            gen_tcp::shutdown(socket, How::Write).expect("it is connected");
            for _ in 0..3 {
                assert_eq!(gen_tcp::send(socket, "late").await, Err(Error::Closed));
                assert_eq!(gen_tcp::send(socket, "").await, Err(Error::Closed));
            }
            assert_eq!(foreign.read_to_end().await.0, b"");
            foreign.write(b"answer");
            if mode {
                assert_eq!(data(socket).await, b"answer");
                drop(foreign);
                assert_eq!(message(socket).await, Tcp::Closed(socket));
            } else {
                assert_eq!(recv(socket, 6).await, Ok(b"answer".to_vec()));
                assert_eq!(gen_tcp::send(socket, "late").await, Err(Error::Closed));
                foreign.write(b"more");
                drop(foreign);
                assert_eq!(recv_all(socket).await, (b"more".to_vec(), Error::Closed));
            }
        }
        // While it is pending: what was queued before it leaves, and then the end.
        let (socket, foreign) = narrow([keep_input(true)]).await;
        let sent = fill(socket, &mut Stream::default()).await;
        gen_tcp::shutdown(socket, How::Write).expect("it is connected");
        assert_eq!(gen_tcp::send(socket, "late").await, Err(Error::Closed));
        let (got, end) = foreign.read_to_end().await;
        assert_eq!((got.len(), end.is_ok()), (sent, true));
        Stream::default().check(&got);
        assert_eq!(gen_tcp::send(socket, "late").await, Err(Error::Closed));
        foreign.write(b"answer");
        assert_eq!(recv(socket, 6).await, Ok(b"answer".to_vec()));
    });
}
