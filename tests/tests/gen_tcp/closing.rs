//! Lines 32 to 34, 37 and 38: closing and shutting down with something still on its way.

use std::time::{Duration, Instant};

use gen_tcp::{Error, How, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::{connected, narrow};
use tests::sockets::{
    eventually, fill, message, queued, quiet, recv, recv_all, until_it_waits, until_unread, word,
};
use tests::{LIMIT, Stream, exit_of, next, real};

// CLO-9, CLO-10
#[test]
fn t32_with_linger_close_returns_after_its_time_and_the_data_still_arrives() {
    real(2, async {
        let (socket, foreign) = narrow([linger(true, 1)]).await;
        let sent = fill(socket, &mut Stream::default()).await;
        let begun = Instant::now();
        gen_tcp::close(socket).await.expect("close does not fail");
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(950), "it waited for {took:?}");
        assert!(took < Duration::from_millis(4900), "it waited for {took:?}");
        assert!(!inet::is_open(socket));
        assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Closed));
        let (got, end) = foreign.read_to_end().await;
        assert_eq!((got.len(), end.is_ok()), (sent, true));
        Stream::default().check(&got);
        eventually(|| !runtime::port::port_exists(socket.port())).await;
    });
}

// CLO-9, SEN-11: the kernel would wait for what it has not sent, in whoever lets the descriptor go.
#[test]
fn t32_a_killed_socket_with_linger_holds_up_no_worker() {
    real(1, async {
        trap_exit(true);
        let seconds = 2 * i32::try_from(LIMIT.as_secs()).expect("it is short");
        let (socket, foreign) = narrow([linger(true, seconds)]).await;
        fill(socket, &mut Stream::default()).await;
        let begun = Instant::now();
        exit_signal(socket, Reason::Kill);
        assert_eq!(exit_of(socket).await, Reason::Killed);
        assert!(begun.elapsed() < LIMIT, "the close waited");
        drop(foreign);
    });
}

// CLO-7, CLO-8, CLO-12: without linger, close waits for a queue that moves.
#[test]
fn t32_without_linger_close_waits_until_the_queue_is_empty() {
    real(2, async {
        let (socket, foreign) = narrow([]).await;
        let sent = fill(socket, &mut Stream::default()).await;
        let me = self_pid();
        spawn(async move {
            gen_tcp::close(socket).await.expect("close does not fail");
            send(me, ());
        });
        quiet::<()>().await;
        assert_eq!(
            inet::states(socket),
            ["connected", "open"],
            "others may still use it"
        );
        let (got, end) = foreign.read_to_end().await;
        assert_eq!((got.len(), end.is_ok()), (sent, true));
        next::<()>().await;
    });
}

// 0.5, SHU-8, section 9 row 6
#[test]
fn t33_a_half_closed_peer_gets_all_of_a_long_answer() {
    real(2, async {
        let length = 10_000_000;
        for mode in [active(false), active(true)] {
            let options = [mode, exit_on_close(false), sndbuf(65_536)];
            let (socket, foreign) = connected(options).await;
            foreign.write(b"question");
            foreign.finish();
            let receiver = foreign.clone();
            let me = self_pid();
            spawn(async move { send(me, receiver.read_to_end().await) });
            if inet::getopts(socket, [gen_tcp::Name::Active]) == Ok(vec![active(false)]) {
                assert_eq!(
                    recv_all(socket).await,
                    (b"question".to_vec(), Error::Closed)
                );
            } else {
                assert_eq!(tests::sockets::data(socket).await, b"question");
                assert_eq!(message(socket).await, Tcp::Closed(socket));
            }
            let mut stream = Stream::default();
            while stream.at < length {
                let sent = gen_tcp::send(socket, stream.take(1_000_000)).await;
                sent.expect("the other direction is open");
            }
            gen_tcp::close(socket).await.expect("close does not fail");
            let (got, end) = next::<(Vec<u8>, std::io::Result<()>)>().await;
            assert_eq!((got.len(), end.is_ok()), (length, true));
            Stream::default().check(&got);
        }
    });
}

// Section 9 row 6: with exit_on_close, too, what was accepted arrives.
#[test]
fn t33_a_half_close_does_not_destroy_what_was_accepted() {
    real(2, async {
        for mode in [active(false), active(true)] {
            let (socket, foreign) = narrow([mode.clone()]).await;
            let sent = fill(socket, &mut Stream::default()).await;
            foreign.finish();
            if mode == active(false) {
                assert_eq!(recv(socket, 0).await, Err(Error::Closed));
                assert_eq!(inet::states(socket), [""; 0]);
            } else {
                assert_eq!(message(socket).await, Tcp::Closed(socket));
            }
            let (got, end) = foreign.read_to_end().await;
            assert_eq!((got.len(), end.is_ok()), (sent, true));
            Stream::default().check(&got);
        }
    });
}

// REC-11, 1.21 row 11
#[test]
fn t34_after_a_failed_send_recv_is_closed_never_enotconn() {
    real(2, async {
        for round in 0..30 {
            // The peer closes with data of ours unread, which makes the kernel send a reset.
            let (socket, foreign) = connected([]).await;
            gen_tcp::send(socket, "unread")
                .await
                .expect("it is connected");
            eventually(|| foreign.0.peek(&mut [0; 6]).is_ok()).await;
            drop(foreign);
            let mut told = Vec::new();
            while told.last() != Some(&"closed") {
                told.push(word(&gen_tcp::send(socket, "x").await));
                assert!(told.len() < 1000, "{told:?}");
                yield_now().await;
            }
            assert!(
                told[..told.len() - 1].iter().all(|word| *word == "ok"),
                "{told:?}"
            );
            assert_eq!(recv(socket, 0).await, Err(Error::Closed), "round {round}");
            assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
            assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Enotconn));
        }
        // Most of a large send is queued when the peer closes without having read.
        for round in 0..20 {
            let (socket, foreign) = narrow([]).await;
            fill(socket, &mut Stream::default()).await;
            drop(foreign);
            if round % 2 == 0 {
                eventually(|| queued(socket) == 0).await;
            }
            assert_eq!(recv(socket, 0).await, Err(Error::Closed), "round {round}");
        }
    });
}

// SHU-3
#[test]
fn t37_shutdown_write_with_a_queue_returns_at_once_and_all_arrives() {
    real(2, async {
        for how in [How::Write, How::ReadWrite] {
            let (socket, foreign) = narrow([]).await;
            let sent = fill(socket, &mut Stream::default()).await;
            assert_eq!(gen_tcp::shutdown(socket, how), Ok(()));
            assert!(queued(socket) > 0, "it did not wait");
            let (got, end) = foreign.read_to_end().await;
            assert_eq!((got.len(), end.is_ok()), (sent, true));
            Stream::default().check(&got);
            if how == How::Write {
                // Reading goes on.
                foreign.write(b"answer");
                assert_eq!(recv(socket, 6).await, Ok(b"answer".to_vec()));
                assert_eq!(gen_tcp::shutdown(socket, how), Ok(()), "again");
            }
        }
    });
}

// SHU-4, SHU-5
#[test]
fn t37_a_send_behind_shutdown_write_is_closed_and_ruins_the_rest() {
    real(2, async {
        // While the shutdown is pending: the queue is thrown away.
        let (socket, foreign) = narrow([]).await;
        let sent = fill(socket, &mut Stream::default()).await;
        gen_tcp::shutdown(socket, How::Write).expect("it is connected");
        assert_eq!(gen_tcp::send(socket, "late").await, Err(Error::Closed));
        assert_eq!(recv(socket, 0).await, Err(Error::Closed));
        assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
        let (got, end) = foreign.read_to_end().await;
        assert!(
            end.is_ok() && got.len() < sent,
            "{} bytes, {end:?}",
            got.len()
        );
        Stream::default().check(&got);
        // When it is done: input that was not read is lost.
        let (socket, foreign) = connected([]).await;
        foreign.write(b"never read");
        until_unread(socket, 10).await;
        gen_tcp::shutdown(socket, How::Write).expect("it is connected");
        assert_eq!(gen_tcp::send(socket, "late").await, Err(Error::Closed));
        assert_eq!(recv(socket, 0).await, Err(Error::Closed));
        // Active: tcp_closed, before the sender has its error.
        let (socket, _foreign) = connected([active(true)]).await;
        gen_tcp::shutdown(socket, How::Write).expect("it is connected");
        assert_eq!(gen_tcp::send(socket, "late").await, Err(Error::Closed));
        let told: Option<Tcp> = receive_timeout(Duration::ZERO).await;
        assert_eq!(told, Some(Tcp::Closed(socket)));
    });
}

// SHU-6
#[test]
fn t38_shutdown_read_leaves_what_the_kernel_has() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        foreign.write(b"before");
        until_unread(socket, 6).await;
        gen_tcp::shutdown(socket, How::Read).expect("it is connected");
        assert_eq!(recv(socket, 0).await, Ok(b"before".to_vec()));
        assert_eq!(recv(socket, 0).await, Err(Error::Closed));
        assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
        // A recv that waits is told; an active owner, too.
        for mode in [active(false), active(true)] {
            let (socket, _foreign) = connected([mode.clone()]).await;
            let me = self_pid();
            if mode == active(false) {
                let reader =
                    spawn(async move { send(me, gen_tcp::recv_timeout(socket, 0, LIMIT).await) });
                until_it_waits(reader).await;
            }
            gen_tcp::shutdown(socket, How::Read).expect("it is connected");
            if mode == active(false) {
                let told: Result<gen_tcp::Data, Error> = next().await;
                assert_eq!(told, Err(Error::Closed));
            } else {
                assert_eq!(message(socket).await, Tcp::Closed(socket));
            }
        }
    });
}
