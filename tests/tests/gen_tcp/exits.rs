//! Lines 22 to 30 and 39: links, exit signals, monitors.

use gen_tcp::{Error, Socket, Tcp, inet, opt::*};
use runtime::port;
use runtime::prelude::*;
use tests::foreign::{connected, narrow};
use tests::puppet::drain;
use tests::sockets::{
    assert_mailbox_empty, data, eventually, fill, message, quiet, recv, until_unread,
};
use tests::{Foreign, Puppet, Stream, down, exit_of, next, real};

/// A reason that is none of the runtime's own.
const BOOM: &str = "boom";

// LNK-7
#[test]
fn t22_a_fin_gives_a_trapping_owner_tcp_closed_and_no_exit() {
    real(2, async {
        trap_exit(true);
        for exit in [true, false] {
            let (socket, foreign) = connected([active(true), exit_on_close(exit)]).await;
            drop(foreign);
            assert_eq!(message(socket).await, Tcp::Closed(socket));
            assert_eq!(inet::is_open(socket), !exit);
            quiet::<Exit>().await;
            assert_mailbox_empty().await;
        }
    });
}

/// What a linked process that traps is told, and that the owner is spared.
async fn told_of(end: &'static str, foreign: Foreign, socket: Socket) {
    let linked = Puppet::trapping();
    linked
        .does(async move { link(socket).expect("it is open") })
        .await;
    let watch = inet::monitor(socket);
    match end {
        "normal" => drop(foreign),
        "econnreset" => foreign.reset(),
        _ => foreign.write(b"\x0bhello world"),
    }
    if end != "normal" {
        let error = match end {
            "econnreset" => Error::Econnreset,
            _ => Error::Emsgsize,
        };
        assert_eq!(message(socket).await, Tcp::Error(socket, error));
    }
    assert_eq!(message(socket).await, Tcp::Closed(socket));
    let reason = linked.does(async move { exit_of(socket).await }).await;
    assert_eq!(reason.to_string(), end);
    assert_eq!(down(watch).await.to_string(), end);
    quiet::<Exit>().await;
}

// LNK-7, 3.3
#[test]
fn t23_another_linked_process_gets_an_exit_with_the_reason_of_the_end() {
    real(2, async {
        trap_exit(true);
        for end in ["normal", "econnreset", "emsgsize"] {
            let options = [
                active(true),
                show_econnreset(true),
                packet(1),
                packet_size(10),
            ];
            let (socket, foreign) = connected(options).await;
            told_of(end, foreign, socket).await;
        }
    });
}

// LNK-6, CLO-4
#[test]
fn t24_closed_by_a_third_process_the_trapping_owner_gets_exit_normal() {
    real(2, async {
        trap_exit(true);
        for mode in [active(true), active(false)] {
            let (socket, foreign) = connected([mode]).await;
            spawn(async move { gen_tcp::close(socket).await });
            assert_eq!(exit_of(socket).await, Reason::Normal);
            assert_eq!(foreign.read_to_end().await.0, b"");
            quiet::<Tcp>().await;
            assert_mailbox_empty().await;
        }
        // The close of the owner itself tells the owner nothing, another linked process that it
        // ended.
        let (socket, _foreign) = connected([active(true)]).await;
        let linked = Puppet::trapping();
        linked
            .does(async move { link(socket).expect("it is open") })
            .await;
        gen_tcp::close(socket).await.expect("close does not fail");
        let reason = linked.does(async move { exit_of(socket).await }).await;
        assert_eq!(reason, Reason::Normal);
        assert_mailbox_empty().await;
    });
}

// LNK-4
#[test]
fn t25_an_exit_signal_with_normal_closes_the_port() {
    real(2, async {
        trap_exit(true);
        for by_owner in [false, true] {
            let (socket, foreign) = connected([active(true)]).await;
            if by_owner {
                exit_signal(socket, Reason::Normal);
            } else {
                spawn(async move { exit_signal(socket, Reason::Normal) });
            }
            assert_eq!(exit_of(socket).await, Reason::Normal);
            assert_eq!(inet::states(socket), ["closed"]);
            assert_eq!(foreign.read_to_end().await.0, b"");
            quiet::<Tcp>().await;
        }
        // An owner that does not trap lives on.
        let me = self_pid();
        let owner = Puppet::new();
        owner.told(async move {
            let (socket, foreign) = connected([]).await;
            send(me, (socket, foreign));
        });
        let (socket, foreign) = next::<(Socket, Foreign)>().await;
        exit_signal(socket, Reason::Normal);
        assert_eq!(foreign.read_to_end().await.0, b"");
        assert!(owner.links().await.is_empty());
    });
}

// LNK-1, 5.5
#[test]
fn t26_the_owner_ends_and_what_is_queued_still_arrives() {
    real(2, async {
        let me = self_pid();
        for reason in [Reason::Normal, Reason::from(BOOM), Reason::Kill] {
            let (owner, watch) = spawn_monitor(async move {
                let (socket, foreign) = narrow([]).await;
                let mut stream = Stream::default();
                let length = fill(socket, &mut stream).await + 200_000;
                let rest = stream.take(200_000);
                spawn(async move { gen_tcp::send(socket, rest).await });
                eventually(|| inet::states(socket).contains(&"busy")).await;
                send(me, (socket, foreign, length));
                exit(receive::<Reason>().await).await;
            });
            let (socket, foreign, length) = next::<(Socket, Foreign, usize)>().await;
            let gone = inet::monitor(socket);
            match &reason {
                Reason::Kill => exit_signal(owner, Reason::Kill),
                other => send(owner, other.clone()),
            }
            let ended = down(watch).await;
            assert_eq!(
                down(gone).await,
                ended,
                "the port ends with its owner's reason"
            );
            assert_eq!(gen_tcp::send(socket, "x").await, Err(Error::Closed));
            assert!(port::port_exists(socket.port()), "it flushes");
            let (got, end) = foreign.read_to_end().await;
            assert!(end.is_ok(), "{end:?}");
            assert_eq!(got.len(), length);
            Stream::default().check(&got);
            eventually(|| !port::port_exists(socket.port())).await;
        }
    });
}

// 5.5, LNK-4
#[test]
fn t27_an_exit_signal_kill_drops_the_queue() {
    real(2, async {
        trap_exit(true);
        let (socket, foreign) = narrow([]).await;
        let mut stream = Stream::default();
        let sent = fill(socket, &mut stream).await;
        exit_signal(socket, Reason::Kill);
        assert_eq!(exit_of(socket).await, Reason::Killed);
        assert!(!port::port_exists(socket.port()), "nothing is flushed");
        let (got, end) = foreign.read_to_end().await;
        assert!(end.is_ok(), "the end is a FIN: {end:?}");
        assert!(got.len() < sent, "all {sent} bytes came");
        Stream::default().check(&got);

        // Any other reason leaves the queue to be flushed.
        let (socket, foreign) = narrow([]).await;
        let sent = fill(socket, &mut Stream::default()).await;
        exit_signal(socket, BOOM);
        assert_eq!(exit_of(socket).await, Reason::from(BOOM));
        let (got, end) = foreign.read_to_end().await;
        assert_eq!((got.len(), end.is_ok()), (sent, true));
    });
}

/// A socket that a puppet owns, and its foreign end.
async fn owned_by(owner: Puppet) -> (Socket, Foreign) {
    owner.does(async { connected([active(true)]).await }).await
}

// LNK-2, LNK-3
#[test]
fn t28_a_linked_process_that_dies_takes_port_and_owner_along() {
    real(2, async {
        for (how, traps) in [
            (BOOM, false),
            ("kill", false),
            (BOOM, true),
            ("normal", false),
        ] {
            let owner = Puppet::that_traps(traps);
            let (socket, foreign) = owned_by(owner).await;
            let partner = Puppet::new();
            partner
                .does(async move { link(socket).expect("it is open") })
                .await;
            let watches = [
                monitor(partner.pid),
                inet::monitor(socket),
                monitor(owner.pid),
            ];
            match how {
                "kill" => exit_signal(partner.pid, Reason::Kill),
                how => partner.ends(how),
            }
            let reason = down(watches[0]).await;
            if how == "normal" {
                foreign.write(b"x");
                let got = owner.does(async move { data(socket).await }).await;
                assert_eq!(got, b"x", "nothing has happened to it");
                continue;
            }
            assert_eq!(down(watches[1]).await, reason);
            if traps {
                assert_eq!(owner.does(exit_of(socket)).await, reason);
            } else {
                assert_eq!(down(watches[2]).await, reason);
            }
            assert_eq!(foreign.read_to_end().await.0, b"");
        }
    });
}

// LNK-8, LNK-11
#[test]
fn t29_the_owner_unlinks_and_dies_and_the_port_lives_on() {
    real(2, async {
        let owner = Puppet::new();
        let (socket, foreign) = owner.does(async { connected([]).await }).await;
        owner.does(async move { unlink(socket) }).await;
        let watch = monitor(owner.pid);
        owner.ends(BOOM);
        down(watch).await;
        gen_tcp::send(socket, "anybody").await.expect("it is open");
        assert_eq!(foreign.read(7).await.expect("it came"), b"anybody");
        foreign.write(b"may");
        assert_eq!(recv(socket, 3).await, Ok(b"may".to_vec()));
        let me = self_pid();
        assert_eq!(gen_tcp::controlling_process(socket, me), Err(Error::Eperm));
        // Its messages go nowhere.
        inet::setopts(socket, [active(true)]).expect("it is open");
        foreign.write(b"lost");
        quiet::<Tcp>().await;
        gen_tcp::close(socket).await.expect("close does not fail");
        assert_eq!(inet::states(socket), ["closed"]);
        assert_eq!(foreign.read_to_end().await.0, b"");
    });
}

// CLO-3
#[test]
fn t30_close_takes_tcp_closed_and_exit_out_of_the_mailbox_and_leaves_data() {
    real(2, async {
        trap_exit(true);
        let (socket, foreign) = connected([active(true)]).await;
        foreign.write(b"a");
        drop(foreign);
        eventually(|| !inet::is_open(socket)).await;
        gen_tcp::close(socket).await.expect("close does not fail");
        let left: Vec<Tcp> = drain().await;
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(matches!(&left[0], Tcp::Data(s, data) if *s == socket && data[..] == *b"a"));
        assert_mailbox_empty().await;

        let (socket, foreign) = connected([]).await;
        foreign.write(b"b");
        until_unread(socket, 1).await;
        inet::setopts(socket, [active(ONCE)]).expect("it is connected");
        spawn(async move { exit_signal(socket, BOOM) });
        eventually(|| !inet::is_open(socket)).await;
        send(self_pid(), "another message");
        gen_tcp::close(socket).await.expect("close does not fail");
        assert_eq!(data(socket).await, b"b");
        assert_eq!(next::<&str>().await, "another message");
        quiet::<Exit>().await;
        assert_mailbox_empty().await;
        // A close that finds the socket closed is no error.
        assert_eq!(gen_tcp::close(socket).await, Ok(()));
    });
}

// 1.17
#[test]
fn t39_monitors_tell_why_the_socket_ended() {
    real(2, async {
        let (socket, _foreign) = connected([]).await;
        let watches = [inet::monitor(socket), inet::monitor(socket)];
        let other = inet::monitor(socket);
        assert!(inet::cancel_monitor(other));
        assert!(!inet::cancel_monitor(other));
        gen_tcp::close(socket).await.expect("close does not fail");
        for watch in watches {
            assert_eq!(down(watch).await, Reason::Normal);
        }
        let late = inet::monitor(socket);
        assert_eq!(down(late).await, Reason::NoProc);

        let (socket, foreign) = connected([active(true)]).await;
        let watch = inet::monitor(socket);
        drop(foreign);
        assert_eq!(down(watch).await, Reason::Normal, "a FIN");
        message(socket).await;

        for reason in ["shutdown", BOOM, "kill"] {
            let owner = Puppet::new();
            let (socket, _foreign) = owned_by(owner).await;
            let watch = inet::monitor(socket);
            exit_signal(owner.pid, reason);
            let expected = if reason == "kill" { "killed" } else { reason };
            assert_eq!(down(watch).await.to_string(), expected);
        }
        trap_exit(true);
        let (socket, _foreign) = connected([]).await;
        let watch = inet::monitor(socket);
        exit_signal(socket, BOOM);
        assert_eq!(down(watch).await, Reason::from(BOOM), "the signal's");
        assert_eq!(exit_of(socket).await, Reason::from(BOOM));
        assert_mailbox_empty().await;
    });
}
