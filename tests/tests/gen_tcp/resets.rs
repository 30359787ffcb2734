//! Lines 31, 35 and 36: resets, hidden and shown.

use gen_tcp::{Error, Tcp, inet, opt::*};
use tests::foreign::connected;
use tests::puppet::drain;
use tests::sockets::{SMALL, fill, listen, message, quiet, recv, recv_all, until_reset};
use tests::{LIMIT, Stream, real};

// CLO-9, 3.3
#[test]
fn t31_linger_0_with_a_queue_resets_the_peer() {
    real(2, async {
        for (shown, mode) in [(true, false), (true, true), (false, false), (false, true)] {
            let peer_side = [show_econnreset(shown), active(false), recbuf(SMALL)];
            let (listener, port) = listen(peer_side);
            let options = [linger(true, 0), sndbuf(SMALL)];
            let socket = tests::sockets::connect(port, options).await;
            let peer = gen_tcp::accept_timeout(listener, LIMIT)
                .await
                .expect("it is there");
            let sent = fill(socket, &mut Stream::default()).await;
            gen_tcp::close(socket).await.expect("close does not fail");
            assert_eq!(inet::states(socket), ["closed"], "it did not wait");
            until_reset(peer).await;
            let expected = if shown {
                Error::Econnreset
            } else {
                Error::Closed
            };
            if mode {
                inet::setopts(peer, [active(true)]).expect("it is open");
                let mut got = 0;
                let mut last = message(peer).await;
                while let Tcp::Data(_, data) = &last {
                    got += data.len();
                    last = message(peer).await;
                }
                assert!(got < sent, "all {sent} bytes came");
                if shown {
                    assert_eq!(last, Tcp::Error(peer, expected));
                    last = message(peer).await;
                }
                assert_eq!(last, Tcp::Closed(peer));
            } else {
                let (got, end) = recv_all(peer).await;
                assert!(got.len() < sent, "all {sent} bytes came");
                assert_eq!(end, expected);
                assert_eq!(recv(peer, 0).await, Err(Error::Enotconn));
            }
        }
    });
}

// 1.21 rows 11 and 12, SND-8
#[test]
fn t35_a_send_finds_the_reset_and_recv_is_told_once() {
    real(2, async {
        for (shown, error) in [(true, Error::Econnreset), (false, Error::Closed)] {
            let (socket, foreign) = connected([show_econnreset(shown)]).await;
            foreign.reset();
            until_reset(socket).await;
            assert_eq!(gen_tcp::send(socket, "x").await, Err(error));
            assert_eq!(recv(socket, 0).await, Err(error));
            for _ in 0..2 {
                assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
                assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Enotconn));
            }
            assert_eq!(inet::states(socket), [""; 0]);
        }
    });
}

// SND-8: a peer that has closed in order; the kernel learns with the answer to the first send.
#[test]
fn t35_after_the_peers_close_the_first_send_is_ok() {
    real(2, async {
        for (shown, error) in [(true, Error::Econnreset), (false, Error::Closed)] {
            let (socket, foreign) = connected([show_econnreset(shown)]).await;
            drop(foreign);
            assert_eq!(gen_tcp::send(socket, "x").await, Ok(()));
            until_reset(socket).await;
            assert_eq!(gen_tcp::send(socket, "x").await, Err(error));
            assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Enotconn));
        }
    });
}

// MSG-5, 1.21 row 10
#[test]
fn t36_a_send_behind_a_shown_reset_gives_a_second_tcp_error_but_no_second_tcp_closed() {
    real(2, async {
        let options = [active(true), exit_on_close(false), show_econnreset(true)];
        let (socket, foreign) = connected(options).await;
        foreign.reset();
        assert_eq!(message(socket).await, Tcp::Error(socket, Error::Econnreset));
        assert_eq!(message(socket).await, Tcp::Closed(socket));
        assert_eq!(inet::states(socket), ["connected", "open"]);
        assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Econnreset));
        assert_eq!(message(socket).await, Tcp::Error(socket, Error::Econnreset));
        quiet::<Tcp>().await;
        // Passive: recv tells, then the send.
        let (socket, foreign) = connected([exit_on_close(false), show_econnreset(true)]).await;
        foreign.reset();
        assert_eq!(recv(socket, 0).await, Err(Error::Econnreset));
        assert_eq!(recv(socket, 0).await, Err(Error::Closed));
        assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Econnreset));
        // Once more for the end that the second recv saw.
        assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Econnreset));
        assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Enotconn));
    });
}

// MSG-7
#[test]
fn t36_a_failed_send_on_an_active_socket_has_told_the_owner_before() {
    real(2, async {
        for round in 0..40 {
            let exit = round % 2 == 0;
            let options = [active(true), exit_on_close(exit), show_econnreset(true)];
            let (socket, foreign) = connected(options).await;
            foreign.reset();
            // Whoever finds the reset first, reader or sender, the owner is told before the sender.
            while gen_tcp::send(socket, "x").await.is_ok() {}
            let told: Vec<Tcp> = drain().await;
            let expected = [Tcp::Error(socket, Error::Econnreset), Tcp::Closed(socket)];
            assert_eq!(told[..2], expected, "round {round}");
            gen_tcp::close(socket).await.expect("close does not fail");
        }
    });
}
