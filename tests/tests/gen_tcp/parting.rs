//! Part 9, rows 13, 33, 35: closing without waiting, closing without a reset, and being told of the
//! peer's end.

use std::time::{Duration, Instant};

use gen_tcp::{Error, Name, Tcp, inet, opt::*};
use runtime::port::port_exists;
use runtime::prelude::*;
use tests::foreign::{connected, narrow};
use tests::puppet::drain;
use tests::sockets::{
    data, eventually, fill, message, pair, queued, quiet, recv, until_it_waits, until_unread,
};
use tests::{LIMIT, Puppet, Stream, next, real};

/// As long as a close with a queue waits where nothing moves (CLO-8).
const STALL: Duration = Duration::from_secs(5);

// EXT-4, row 13
#[test]
fn row13_close_does_not_wait_and_the_data_arrives() {
    real(2, async {
        let (socket, foreign) = narrow([close_wait(false)]).await;
        let sent = fill(socket, &mut Stream::default()).await;
        let begun = Instant::now();
        gen_tcp::close(socket).await.expect("close does not fail");
        assert!(begun.elapsed() < STALL, "it waited");
        assert_eq!(inet::states(socket), ["closed"]);
        assert!(port_exists(socket.port()), "it flushes");
        let (got, end) = foreign.read_to_end().await;
        assert_eq!((got.len(), end.is_ok()), (sent, true));
        Stream::default().check(&got);
        eventually(|| !port_exists(socket.port())).await;
        // A time to linger is waited for all the same (CLO-9).
        let (socket, _foreign) = narrow([close_wait(false), linger(true, 1)]).await;
        fill(socket, &mut Stream::default()).await;
        let begun = Instant::now();
        gen_tcp::close(socket).await.expect("close does not fail");
        assert!(begun.elapsed() >= Duration::from_millis(950));
    });
}

// EXT-5, row 13, row 14: when the time is over the peer is reset, whatever ended the socket.
#[test]
fn row13_the_background_flush_has_a_limit() {
    real(2, async {
        for end in ["close", "owner", "fin"] {
            let owner = Puppet::new();
            let options = [close_wait(false), flush_limit(50)];
            let (socket, foreign, sent) = owner
                .does(async move {
                    let (socket, foreign) = narrow(options).await;
                    let sent = fill(socket, &mut Stream::default()).await;
                    (socket, foreign, sent)
                })
                .await;
            match end {
                "close" => gen_tcp::close(socket).await.expect("close does not fail"),
                "owner" => owner.ends("shutdown"),
                _ => {
                    foreign.finish();
                    assert_eq!(recv(socket, 0).await, Err(Error::Closed));
                }
            }
            eventually(|| queued(socket) == 0 && inet::states(socket) != ["busy"]).await;
            if end != "fin" {
                eventually(|| !port_exists(socket.port())).await;
            }
            let (got, error) = foreign.read_to_end().await;
            assert!(
                error.is_err() && got.len() < sent,
                "{end}: {} bytes",
                got.len()
            );
        }
        // Without a limit it goes on (OTP's way, row 14).
        let (socket, foreign) = narrow([close_wait(false), flush_limit(INFINITY)]).await;
        let sent = fill(socket, &mut Stream::default()).await;
        gen_tcp::close(socket).await.expect("close does not fail");
        quiet::<Tcp>().await;
        assert_eq!(foreign.read_to_end().await.0.len(), sent);
    });
}

// EXT-4, EXT-5, EXT-8, 2.2: read back, and inherited by accept.
#[test]
fn row13_the_options_are_read_and_inherited() {
    real(2, async {
        let set = [
            keep_input(true),
            close_wait(false),
            flush_limit(Duration::from_secs(2)),
            notify_end(true),
        ];
        let names = [
            Name::KeepInput,
            Name::CloseWait,
            Name::FlushLimit,
            Name::NotifyEnd,
        ];
        let (client, server) = pair([], set.clone()).await;
        let defaults = [
            keep_input(false),
            close_wait(true),
            flush_limit(300_000),
            notify_end(false),
        ];
        assert_eq!(inet::getopts(client, names), Ok(defaults.to_vec()));
        assert_eq!(inet::getopts(server, names), Ok(set.to_vec()));
        inet::setopts(client, set.clone()).expect("it is connected");
        assert_eq!(inet::getopts(client, names), Ok(set.to_vec()));
        let refused = inet::setopts(client, [flush_limit(-1)]);
        assert_eq!(refused, Err(Error::Einval));
    });
}

// EXT-9, row 33, CLO-6
#[test]
fn row33_a_lingering_close_resets_nobody() {
    real(2, async {
        for mode in [active(false), active(true)] {
            let (socket, foreign) = narrow([mode, packet(4)]).await;
            let sent = fill(socket, &mut Stream::default()).await;
            foreign.write(b"\0\0\0\x01a\0\0\0\x09never read");
            let me = self_pid();
            let closer = spawn(async move {
                send(me, gen_tcp::lingering_close(socket, LIMIT).await);
            });
            until_it_waits(closer).await;
            // The peer writes on while it reads.
            foreign.write(b"more of it");
            let (got, end) = foreign.read_to_end().await;
            assert!(end.is_ok(), "{end:?}");
            assert!(got.len() > sent, "with the headers of its packets");
            assert!(inet::is_open(socket), "it waits for the peer");
            foreign.write(b"and the last");
            foreign.finish();
            assert_eq!(next::<Result<(), Error>>().await, Ok(()));
            assert!(!inet::is_open(socket));
            drain::<Tcp>().await;
        }
        // The same with close: the peer gets a reset.
        let (socket, foreign) = connected([]).await;
        foreign.write(b"never read");
        until_unread(socket, 10).await;
        gen_tcp::close(socket).await.expect("close does not fail");
        assert!(foreign.read_to_end().await.1.is_err());
    });
}

// EXT-9: a peer that does not end holds it up no longer than it may.
#[test]
fn row33_a_lingering_close_has_a_limit() {
    real(2, async {
        let (socket, foreign) = narrow([active(true)]).await;
        fill(socket, &mut Stream::default()).await;
        let begun = Instant::now();
        let closed = gen_tcp::lingering_close(socket, Duration::from_millis(100)).await;
        assert_eq!(closed, Ok(()));
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_millis(95) && took < STALL,
            "{took:?}"
        );
        assert_eq!(inet::states(socket), ["closed"]);
        tests::sockets::assert_mailbox_empty().await;
        drop(foreign);
        // On what is closed, and on a listener, it is a close.
        assert_eq!(gen_tcp::lingering_close(socket, LIMIT).await, Ok(()));
        let (listener, _) = tests::sockets::listen([]);
        assert_eq!(gen_tcp::lingering_close(listener, LIMIT).await, Ok(()));
        assert!(!inet::is_open(listener));
    });
}

// EXT-8, row 35
#[test]
fn row35_the_owner_of_a_passive_socket_is_told_of_the_end() {
    real(2, async {
        for reset in [false, true] {
            let (socket, foreign) = connected([notify_end(true)]).await;
            foreign.write(b"abc");
            quiet::<Tcp>().await;
            if reset {
                foreign.reset();
            } else {
                foreign.finish();
                assert_eq!(message(socket).await, Tcp::Ended(socket));
                // What came before it is there, and so is the other direction.
                gen_tcp::send(socket, "still").await.expect("half is open");
                assert_eq!(foreign.read(5).await.expect("it comes"), b"still");
                assert_eq!(recv(socket, 3).await, Ok(b"abc".to_vec()));
                assert_eq!(recv(socket, 0).await, Err(Error::Closed));
                drop(foreign);
                quiet::<Tcp>().await;
                continue;
            }
            assert_eq!(message(socket).await, Tcp::Ended(socket));
            quiet::<Tcp>().await;
        }
        // Not without the option; with it set afterwards, at once.
        let (socket, foreign) = connected([]).await;
        drop(foreign);
        quiet::<Tcp>().await;
        inet::setopts(socket, [notify_end(true)]).expect("it is open");
        assert_eq!(drain::<Tcp>().await, [Tcp::Ended(socket)]);
        inet::setopts(socket, [notify_end(true), active(false)]).expect("it is open");
        quiet::<Tcp>().await;
    });
}

// EXT-8, ACT-9: an active socket has its `tcp_closed`; where the mode is used up it is passive.
#[test]
fn row35_active_sockets_have_tcp_closed_and_used_up_ones_are_told() {
    real(2, async {
        let (socket, foreign) = connected([notify_end(true), active(true)]).await;
        drop(foreign);
        assert_eq!(message(socket).await, Tcp::Closed(socket));
        quiet::<Tcp>().await;
        for mode in [active(ONCE), active(1)] {
            let (socket, foreign) = connected([notify_end(true), mode.clone()]).await;
            foreign.write(b"a");
            drop(foreign);
            assert_eq!(data(socket).await, b"a");
            if mode == active(1) {
                assert_eq!(message(socket).await, Tcp::Passive(socket));
            }
            assert_eq!(message(socket).await, Tcp::Ended(socket));
            inet::setopts(socket, [active(ONCE)]).expect("it is open");
            assert_eq!(message(socket).await, Tcp::Closed(socket));
            quiet::<Tcp>().await;
        }
    });
}

// EXT-8, CTL-2: it moves with the socket.
#[test]
fn row35_the_notice_moves_with_the_socket() {
    real(2, async {
        let (socket, foreign) = connected([notify_end(true)]).await;
        drop(foreign);
        eventually(runtime::has_messages).await;
        let heir = Puppet::new();
        gen_tcp::controlling_process(socket, heir.pid).expect("it is open");
        assert_eq!(drain::<Tcp>().await, []);
        assert_eq!(heir.does(message(socket)).await, Tcp::Ended(socket));
    });
}
