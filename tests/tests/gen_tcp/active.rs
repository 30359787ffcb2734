//! Lines 12 to 20: active modes.

use std::time::Duration;

use gen_tcp::{Active, Error, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::connected;
use tests::puppet::drain;
use tests::sockets::{
    MOMENT, SMALL, data, message, mode, pair, quiet, recv, until_it_waits, until_reset,
    until_unread,
};
use tests::{Stream, next, real};

// ACT-4, ACT-5
#[test]
fn t12_counts_add_up_and_a_sum_over_the_limit_changes_nothing() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        inet::setopts(socket, [active(3)]).expect("it is connected");
        inet::setopts(socket, [active(-1)]).expect("it is connected");
        assert_eq!(mode(socket), Active::N(2));
        assert_eq!(inet::setopts(socket, [active(32_766)]), Err(Error::Einval));
        assert_eq!(mode(socket), Active::N(2));
        for value in [32_768, -32_769] {
            assert_eq!(inet::setopts(socket, [active(value)]), Err(Error::Einval));
        }
        inet::setopts(socket, [active(32_765)]).expect("it is the largest sum");
        assert_eq!(mode(socket), Active::N(32_767));
        inet::setopts(socket, [active(-32_766)]).expect("it is connected");
        // The count that is left counts down as any other.
        foreign.write(b"a");
        assert_eq!(data(socket).await, b"a");
        assert_eq!(message(socket).await, Tcp::Passive(socket));
        assert_eq!(mode(socket), Active::False);
    });
}

// ACT-5, ACT-7
#[test]
fn t13_active_0_on_a_passive_socket_sends_tcp_passive() {
    real(2, async {
        let (socket, _foreign) = connected([]).await;
        for value in [0, -1, -32_768] {
            inet::setopts(socket, [active(value)]).expect("it is connected");
            let passive: Option<Tcp> = receive_timeout(Duration::ZERO).await;
            assert_eq!(passive, Some(Tcp::Passive(socket)), "{value}");
            assert_eq!(mode(socket), Active::False);
        }
        // Also where the count is brought down to 0, and in connect.
        inet::setopts(socket, [active(7)]).expect("it is connected");
        quiet::<Tcp>().await;
        inet::setopts(socket, [active(-7)]).expect("it is connected");
        assert_eq!(message(socket).await, Tcp::Passive(socket));
        let (other, _foreign) = connected([active(0)]).await;
        assert_eq!(message(other).await, Tcp::Passive(other));
        quiet::<Tcp>().await;
    });
}

// ACT-6
#[test]
fn t14_another_mode_forgets_the_count_without_tcp_passive() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        for other in [active(ONCE), active(true), active(false)] {
            inet::setopts(socket, [active(5)]).expect("it is connected");
            inet::setopts(socket, [other]).expect("it is connected");
            inet::setopts(socket, [active(2)]).expect("it is connected");
            assert_eq!(mode(socket), Active::N(2), "a count begins anew");
            inet::setopts(socket, [active(false)]).expect("it is connected");
        }
        quiet::<Tcp>().await;
        inet::setopts(socket, [active(5)]).expect("it is connected");
        inet::setopts(socket, [active(ONCE)]).expect("it is connected");
        foreign.write(b"a");
        assert_eq!(data(socket).await, b"a");
        assert_eq!(mode(socket), Active::False);
        quiet::<Tcp>().await;
    });
}

// ADV-2, ADV-3, ACT-4, MSG-2
#[test]
fn t15_seven_packets_in_one_segment_stop_at_the_third() {
    real(2, async {
        for before in [false, true] {
            let (socket, foreign) = connected([packet(1)]).await;
            let seven = b"\x01a\x01b\x01c\x01d\x01e\x01f\x01g";
            if before {
                foreign.write(seven);
                until_unread(socket, seven.len()).await;
            }
            inet::setopts(socket, [active(3)]).expect("it is connected");
            if !before {
                foreign.write(seven);
            }
            for byte in b"abc" {
                assert_eq!(data(socket).await, [*byte]);
            }
            assert_eq!(message(socket).await, Tcp::Passive(socket));
            for byte in b"defg" {
                assert_eq!(recv(socket, 0).await, Ok(vec![*byte]));
            }
            quiet::<Tcp>().await;
        }
    });
}

// SOP-9, MSG-6
#[test]
fn t16_once_has_buffered_data_in_the_mailbox_when_setopts_returns() {
    real(2, async {
        let (socket, foreign) = connected([packet(1)]).await;
        foreign.write(b"\x01a\x01b\x01c");
        until_unread(socket, 6).await;
        // One read takes all three into the socket's own buffer.
        assert_eq!(recv(socket, 0).await, Ok(b"a".to_vec()));
        for byte in b"bc" {
            inet::setopts(socket, [active(ONCE)]).expect("it is connected");
            let there: Vec<Tcp> = drain().await;
            assert_eq!(there.len(), 1, "{there:?}");
            assert!(matches!(&there[0], Tcp::Data(s, data) if *s == socket && data[..] == [*byte]));
            assert_eq!(mode(socket), Active::False);
        }
        // What only the kernel has is fetched, too.
        foreign.write(b"\x01d");
        until_unread(socket, 2).await;
        inet::setopts(socket, [active(ONCE)]).expect("it is connected");
        assert_eq!(drain::<Tcp>().await.len(), 1);
    });
}

// 3.3, ACT-9
#[test]
fn t17_once_used_up_the_close_is_told_when_active_is_set_again() {
    real(2, async {
        for exit in [true, false] {
            let (socket, foreign) = connected([active(ONCE), exit_on_close(exit)]).await;
            foreign.write(b"a");
            assert_eq!(data(socket).await, b"a");
            drop(foreign);
            quiet::<Tcp>().await;
            inet::setopts(socket, [active(ONCE)]).expect("it is connected");
            assert_eq!(message(socket).await, Tcp::Closed(socket));
            assert_eq!(inet::is_open(socket), !exit);
            let again = inet::setopts(socket, [active(ONCE)]);
            assert_eq!(again, if exit { Err(Error::Einval) } else { Ok(()) });
            quiet::<Tcp>().await;
        }
    });
}

/// One life of a socket: its mode, what ends it, then everything that may tell of an end.
async fn closed_count(mode: Active, exit: bool, shown: bool, reset: bool) -> usize {
    let options = [exit_on_close(exit), show_econnreset(shown), active(mode)];
    let (socket, foreign) = connected(options).await;
    foreign.write(b"a");
    if mode != Active::False {
        assert_eq!(data(socket).await, b"a");
    }
    if reset {
        foreign.reset();
        until_reset(socket).await;
    } else {
        drop(foreign);
    }
    let mut closed = 0;
    for round in 0..4 {
        let _ = gen_tcp::send(socket, "b").await;
        let _ = gen_tcp::recv_timeout(socket, 0, Duration::from_millis(20)).await;
        let _ = inet::setopts(
            socket,
            [if round % 2 == 0 {
                active(ONCE)
            } else {
                active(5)
            }],
        );
        let _ = inet::setopts(socket, [active(round < 2)]);
        sleep(Duration::from_millis(2)).await;
        let _ = gen_tcp::shutdown(socket, gen_tcp::How::Write);
        let told: Vec<Tcp> = drain().await;
        closed += told
            .iter()
            .filter(|message| **message == Tcp::Closed(socket))
            .count();
        let behind = told
            .iter()
            .skip_while(|message| **message != Tcp::Closed(socket))
            .skip(1);
        let strange: Vec<&Tcp> = behind.filter(|m| !matches!(m, Tcp::Error(..))).collect();
        assert!(strange.is_empty(), "behind tcp_closed came {strange:?}");
    }
    gen_tcp::close(socket).await.expect("close does not fail");
    closed
}

// 0.5, MSG-4, MSG-5
#[test]
fn t18_tcp_closed_comes_once_whatever_ends_the_connection() {
    real(2, async {
        let modes = [
            Active::False,
            Active::True,
            Active::Once,
            Active::N(1),
            Active::N(9),
        ];
        for mode in modes {
            for bits in 0..8u8 {
                let (exit, shown, reset) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
                let closed = closed_count(mode, exit, shown, reset).await;
                assert_eq!(
                    closed, 1,
                    "{mode:?} exit {exit} shown {shown} reset {reset}"
                );
            }
        }
    });
}

// ACT-13, SOP-1
#[test]
fn t19_set_active_while_another_is_in_recv_the_data_goes_to_the_owner() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        let me = self_pid();
        let reader = spawn(async move {
            send(me, ());
            send(me, gen_tcp::recv_timeout(socket, 0, MOMENT * 5).await);
        });
        next::<()>().await;
        until_it_waits(reader).await;
        inet::setopts(socket, [active(true)]).expect("it is connected");
        foreign.write(b"a");
        assert_eq!(data(socket).await, b"a");
        let answer: Result<gen_tcp::Data, Error> = next().await;
        assert_eq!(answer, Err(Error::Timeout));
        foreign.write(b"b");
        assert_eq!(data(socket).await, b"b");
    });
}

/// Bytes of one send, and sends of one process.
const PIECE: usize = 10_000;
const ROUNDS: usize = 100;

async fn send_pieces(socket: Socket) {
    let piece = vec![7; PIECE];
    for _ in 0..ROUNDS {
        gen_tcp::send(socket, &piece)
            .await
            .expect("it is connected");
    }
}

/// Takes so many bytes, and sets the mode anew where that is due.
async fn take(socket: Socket, mode: Active, mut left: usize) {
    while left > 0 {
        match message(socket).await {
            Tcp::Data(_, data) => left -= data.len(),
            Tcp::Passive(_) => inet::setopts(socket, [active(mode)]).expect("it is connected"),
            other => panic!("came {other:?}"),
        }
    }
}

/// One end: two processes send, and the owner takes what comes. Where the mode is `true` the owner
/// sends, too, before it takes anything.
async fn busy_end(socket: Socket, mode: Active) {
    spawn_link(send_pieces(socket));
    spawn_link(send_pieces(socket));
    inet::setopts(socket, [active(mode)]).expect("it is connected");
    if mode == Active::True {
        send_pieces(socket).await;
        return take(socket, mode, 3 * ROUNDS * PIECE).await;
    }
    take(socket, mode, 2 * ROUNDS * PIECE).await;
}

// ACT-11, SEN-12
#[test]
fn t20_two_ends_that_both_send_all_the_time_do_not_stall() {
    real(2, async {
        let me = self_pid();
        for mode in [Active::N(30), Active::True] {
            let small = [sndbuf(16 * SMALL), buffer(SMALL)];
            let (client, server) = pair(small.clone(), small).await;
            for socket in [client, server] {
                let end = spawn_link(async move {
                    receive::<()>().await;
                    busy_end(socket, mode).await;
                    send(me, socket);
                    receive::<()>().await;
                });
                gen_tcp::controlling_process(socket, end).expect("it is open");
                send(end, ());
            }
            for _ in 0..2 {
                next::<Socket>().await;
            }
        }
    });
}

// ACT-10: a count that is renewed at each tcp_passive, then the close.
#[test]
fn t20_a_count_that_is_renewed_loses_no_byte() {
    real(2, async {
        let (socket, foreign) = connected([active(3), buffer(1000)]).await;
        let length = 2_000_000;
        let writer = foreign.clone();
        let all = Stream::default().take(length);
        spawn_link(async move { writer.write_all(all).await.expect("it is read") });
        let mut stream = Stream::default();
        while stream.at < length {
            match message(socket).await {
                Tcp::Data(_, data) => stream.check(&data),
                Tcp::Passive(_) => inet::setopts(socket, [active(3)]).expect("it is open"),
                other => panic!("behind {} bytes came {other:?}", stream.at),
            }
        }
        foreign.finish();
        loop {
            match message(socket).await {
                Tcp::Passive(_) => inet::setopts(socket, [active(3)]).expect("it is open"),
                other => break assert_eq!(other, Tcp::Closed(socket)),
            }
        }
    });
}
