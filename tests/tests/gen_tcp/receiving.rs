//! Lines 51 to 57 and 64: recv and what it gives.

use std::time::Duration;

use gen_tcp::{Active, Data, Error, Headed, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::connected;
use tests::puppet::drain;
use tests::sockets::{
    MOMENT, data, eventually, mode, pair, quiet, recv, recv_all, unread, until_it_waits,
    until_unread,
};
use tests::{LIMIT, next, real};

/// A recv that is known to find too little.
async fn recv_in_vain(socket: Socket, length: usize) {
    let got = gen_tcp::recv_timeout(socket, length, Duration::from_millis(30)).await;
    assert_eq!(got, Err(Error::Timeout));
}

// REC-4, REC-5, RCV-8
#[test]
fn t51_what_came_before_a_timeout_stays() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        foreign.write(b"hello");
        recv_in_vain(socket, 10).await;
        assert_eq!(recv(socket, 3).await, Ok(b"hel".to_vec()));
        assert_eq!(recv(socket, 0).await, Ok(b"lo".to_vec()));
        recv_in_vain(socket, 0).await;
        // Or for an active mode.
        foreign.write(b"again");
        recv_in_vain(socket, 10).await;
        inet::setopts(socket, [active(ONCE)]).expect("it is connected");
        assert_eq!(data(socket).await, b"again");
        // With the end behind it: what is there can be had, more is closed.
        foreign.write(b"12345");
        recv_in_vain(socket, 10).await;
        foreign.finish();
        assert_eq!(recv(socket, 2).await, Ok(b"12".to_vec()));
        assert_eq!(recv(socket, 10).await, Err(Error::Closed));
        assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
    });
}

// RCV-7, ACC-4: a time of zero.
#[test]
fn t51_with_a_time_of_zero_recv_has_what_is_there() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        let now = Duration::ZERO;
        let none = gen_tcp::recv_timeout(socket, 0, now).await;
        assert_eq!(none, Err(Error::Timeout));
        foreign.write(b"abc");
        until_unread(socket, 3).await;
        let none = gen_tcp::recv_timeout(socket, 4, now).await;
        assert_eq!(none, Err(Error::Timeout));
        let all = gen_tcp::recv_timeout(socket, 3, now).await;
        assert_eq!(all.as_deref(), Ok(&b"abc"[..]));
    });
}

// RCV-10, REC-11
#[test]
fn t52_fewer_bytes_than_asked_for_and_then_the_end_is_closed() {
    real(2, async {
        for waits in [false, true] {
            let (socket, foreign) = connected([]).await;
            let me = self_pid();
            let reader = async move { send(me, gen_tcp::recv_timeout(socket, 5, LIMIT).await) };
            foreign.write(b"abc");
            until_unread(socket, 3).await;
            if waits {
                let pid = spawn(reader);
                until_it_waits(pid).await;
                assert_eq!(unread(socket), 0);
                foreign.finish();
            } else {
                foreign.finish();
                spawn(reader);
            }
            assert_eq!(next::<Result<Data, Error>>().await, Err(Error::Closed));
            assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
        }
        // Without exit_on_close it is closed each time.
        let (socket, foreign) = connected([exit_on_close(false)]).await;
        foreign.write(b"abc");
        foreign.finish();
        for _ in 0..3 {
            assert_eq!(recv(socket, 5).await, Err(Error::Closed));
        }
        gen_tcp::send(socket, "x")
            .await
            .expect("this direction is open");
        assert_eq!(foreign.read(1).await.expect("it comes"), b"x");
    });
}

// RCV-2
#[test]
fn t53_a_second_recv_is_ealready_and_the_first_is_not_disturbed() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        let me = self_pid();
        let reader = spawn(async move {
            send(me, gen_tcp::recv_timeout(socket, 5, LIMIT).await);
        });
        until_it_waits(reader).await;
        foreign.write(b"abc");
        for length in [0, 1, 5] {
            let second = gen_tcp::recv_timeout(socket, length, Duration::ZERO).await;
            assert_eq!(second, Err(Error::Ealready));
            let second = gen_tcp::recv(socket, length).await;
            assert_eq!(second, Err(Error::Ealready));
        }
        foreign.write(b"de");
        let first: Result<Data, Error> = next().await;
        assert_eq!(first.as_deref(), Ok(&b"abcde"[..]));
        // Then it is free again.
        foreign.write(b"f");
        assert_eq!(recv(socket, 1).await, Ok(b"f".to_vec()));
    });
}

// RCV-6, REC-3
#[test]
fn t54_a_recv_of_64_mib_is_allowed_and_one_byte_more_is_enomem() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        foreign.write(b"abc");
        let largest = 64 << 20;
        recv_in_vain(socket, largest).await;
        for length in [largest + 1, 1 << 32, (1 << 32) + 3, usize::MAX] {
            assert_eq!(recv(socket, length).await, Err(Error::Enomem), "{length}");
        }
        assert_eq!(recv(socket, 3).await, Ok(b"abc".to_vec()));
    });
}

// RCV-5, RCV-1
#[test]
fn t55_a_length_in_a_packet_mode_is_einval() {
    real(2, async {
        let types = [
            packet(1),
            packet(2),
            packet(4),
            packet(gen_tcp::PacketType::Line),
        ];
        for framing in types {
            let (socket, foreign) = connected([framing.clone()]).await;
            assert_eq!(recv(socket, 1).await, Err(Error::Einval), "{framing:?}");
            inet::setopts(socket, [packet(0)]).expect("it is connected");
            foreign.write(b"x");
            assert_eq!(recv(socket, 1).await, Ok(b"x".to_vec()));
            inet::setopts(socket, [active(true)]).expect("it is connected");
            assert_eq!(recv(socket, 0).await, Err(Error::Einval));
        }
    });
}

// 1.6
#[test]
fn t56_unrecv_joins_with_what_comes_and_the_last_one_is_read_first() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        gen_tcp::unrecv(socket, "c").expect("it is connected");
        gen_tcp::unrecv(socket, "b").expect("it is connected");
        gen_tcp::unrecv(socket, "a").expect("it is connected");
        foreign.write(b"de");
        assert_eq!(recv(socket, 5).await, Ok(b"abcde".to_vec()));
        // The beginning of a packet, put back in front of its middle; the end comes. A recv that
        // waits counts anew.
        inet::setopts(socket, [packet(4)]).expect("it is connected");
        let me = self_pid();
        let reader = spawn(async move {
            send(me, gen_tcp::recv_timeout(socket, 0, LIMIT).await);
        });
        until_it_waits(reader).await;
        foreign.write(b"ll");
        eventually(|| unread(socket) == 0).await;
        gen_tcp::unrecv(socket, b"\0\0\0\x05he").expect("it is connected");
        foreign.write(b"o");
        let joined: Result<Data, Error> = next().await;
        assert_eq!(joined.as_deref(), Ok(&b"hello"[..]));
        // Several packets at once, put back into an active socket: delivered at once.
        gen_tcp::unrecv(socket, b"\0\0\0\x01a\0\0\0\x01b\0\0").expect("it is connected");
        assert_eq!(recv(socket, 0).await, Ok(b"a".to_vec()));
        inet::setopts(socket, [active(true)]).expect("it is connected");
        gen_tcp::unrecv(socket, b"\0\0\0\x01c").expect("it is connected");
        let there: Vec<Tcp> = drain().await;
        let bytes: Vec<&[u8]> = there
            .iter()
            .map(|message| match message {
                Tcp::Data(_, data) => &data[..],
                other => panic!("came {other:?}"),
            })
            .collect();
        assert_eq!(bytes, [b"b", b"c"]);
        foreign.write(b"\0\x01d");
        // What was left, two bytes of a header, stands behind what was put in front of it.
        assert_eq!(data(socket).await, b"d");
        // Of no bytes: nothing happens.
        for mode in [active(true), active(false)] {
            let (socket, foreign) = connected([mode.clone()]).await;
            gen_tcp::unrecv(socket, "").expect("it is connected");
            foreign.write(b"x");
            if mode == active(true) {
                assert_eq!(data(socket).await, b"x");
            } else {
                assert_eq!(recv(socket, 1).await, Ok(b"x".to_vec()));
            }
        }
        // Errors.
        gen_tcp::close(socket).await.expect("close does not fail");
        assert_eq!(gen_tcp::unrecv(socket, "x"), Err(Error::Closed));
    });
}

// 3.4, 0.4
#[test]
fn t57_what_is_buffered_is_parsed_with_the_new_packet_type() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        foreign.write(b"\0\0\0\x08half");
        recv_in_vain(socket, 100).await;
        inet::setopts(socket, [packet(4)]).expect("it is connected");
        recv_in_vain(socket, 0).await;
        foreign.write(b"donexy");
        assert_eq!(recv(socket, 0).await, Ok(b"halfdone".to_vec()));
        // And back: the bytes are plain bytes again, header and all.
        inet::setopts(socket, [packet(0)]).expect("it is connected");
        assert_eq!(recv(socket, 2).await, Ok(b"xy".to_vec()));
        // On an active socket in the middle of a packet: what is there is parsed again.
        inet::setopts(socket, [packet(4), active(true)]).expect("it is connected");
        foreign.write(b"\0\0\0\x09a\nb");
        until_unread_is_gone(socket).await;
        inet::setopts(socket, [packet(gen_tcp::PacketType::Line)]).expect("it is connected");
        assert_eq!(data(socket).await, b"\0\0\0\x09a\n");
        inet::setopts(socket, [packet(0)]).expect("it is connected");
        assert_eq!(data(socket).await, b"b");
        assert_eq!(mode(socket), Active::True);
    });
}

/// Waits until the event loop has read all.
async fn until_unread_is_gone(socket: Socket) {
    sleep(MOMENT / 2).await;
    eventually(|| unread(socket) == 0).await;
}

/// What `header` makes of these bytes, by recv and as a message.
async fn with_header(framing: gen_tcp::Opt, bytes: &[u8], body: &[u8]) -> Data {
    let (socket, foreign) = connected([framing, header(4)]).await;
    foreign.write(bytes);
    until_unread(socket, bytes.len()).await;
    let by_recv = gen_tcp::recv_timeout(socket, 0, LIMIT).await;
    let by_recv = by_recv.expect("it is there");
    foreign.write(bytes);
    until_unread(socket, bytes.len()).await;
    inet::setopts(socket, [active(ONCE)]).expect("it is connected");
    match tests::sockets::message(socket).await {
        Tcp::Data(_, data) => assert_eq!(data, by_recv, "{body:?}"),
        other => panic!("came {other:?}"),
    }
    by_recv
}

// 6.6
#[test]
fn t64_header_4_with_three_four_and_five_bytes() {
    real(2, async {
        let headed = |rest: &'static [u8]| {
            Data::Header(Box::new(Headed {
                header: b"abcd".to_vec(),
                rest: bytes::Bytes::from_static(rest),
            }))
        };
        for framed in [false, true] {
            for length in 3..=5usize {
                let body = &b"abcde"[..length];
                let data = if framed {
                    let bytes = [&[length as u8], body].concat();
                    with_header(packet(1), &bytes, body).await
                } else {
                    with_header(packet(0), body, body).await
                };
                let expected = match length {
                    3 => Data::List(b"abc".to_vec()),
                    4 => headed(b""),
                    _ => headed(b"e"),
                };
                assert_eq!(data, expected);
            }
        }
        // In list mode it has no effect.
        let (socket, foreign) = connected([list(), header(4)]).await;
        foreign.write(b"abcde");
        until_unread(socket, 5).await;
        let data = gen_tcp::recv_timeout(socket, 0, LIMIT).await;
        assert_eq!(data, Ok(Data::List(b"abcde".to_vec())));
    });
}

// REC-2, RCV-3, RCV-9: recv in raw mode gives at most the buffer, all of it, then the end.
#[test]
fn t52_recv_gives_all_complete_data_before_closed() {
    real(2, async {
        let (client, server) = pair([], [buffer(10)]).await;
        gen_tcp::send(client, "0123456789abcde")
            .await
            .expect("it is connected");
        gen_tcp::close(client).await.expect("close does not fail");
        until_unread(server, 15).await;
        assert_eq!(recv(server, 0).await, Ok(b"0123456789".to_vec()));
        let rest = recv_all(server).await;
        assert_eq!(rest, (b"abcde".to_vec(), Error::Closed));
        quiet::<Tcp>().await;
    });
}
