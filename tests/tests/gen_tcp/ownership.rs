//! Lines 68 to 72: whose a socket is.

use gen_tcp::{Active, Data, Error, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::connected;
use tests::sockets::{
    assert_mailbox_empty, data, listen, message, mode, quiet, recv, until_it_waits, until_unread,
};
use tests::{Foreign, LIMIT, Puppet, down, next, real};

/// A pid whose process is gone.
async fn dead() -> Pid {
    let (pid, watch) = spawn_monitor(async {});
    down(watch).await;
    pid
}

/// A socket that a puppet owns, passive, and its foreign end.
async fn owned_by(owner: Puppet) -> (Socket, Foreign) {
    owner.does(async { connected([]).await }).await
}

// CTL-3, section 9 row 3
#[test]
fn t68_a_hand_over_to_a_dead_process_is_badarg_and_changes_nothing() {
    real(2, async {
        let dead = dead().await;
        for (set, is) in [
            (active(true), Active::True),
            (active(ONCE), Active::Once),
            (active(5), Active::N(5)),
            (active(false), Active::False),
        ] {
            let (socket, foreign) = connected([set]).await;
            let refused = gen_tcp::controlling_process(socket, dead);
            assert_eq!(refused, Err(Error::BadArg));
            assert_eq!(mode(socket), is);
            assert_eq!(runtime::port::owner(socket.port()), Some(self_pid()));
            assert!(links().contains(&socket.into()));
            foreign.write(b"a");
            if is == Active::False {
                assert_eq!(recv(socket, 1).await, Ok(b"a".to_vec()));
            } else {
                assert_eq!(data(socket).await, b"a");
            }
            gen_tcp::close(socket).await.expect("close does not fail");
        }
        // What is in the mailbox stays there, in its order.
        let (socket, foreign) = connected([packet(1), active(true)]).await;
        foreign.write(b"\x01a\x01b");
        tests::sockets::eventually(runtime::has_messages).await;
        let refused = gen_tcp::controlling_process(socket, dead);
        assert_eq!(refused, Err(Error::BadArg));
        assert_eq!(data(socket).await, b"a");
        assert_eq!(data(socket).await, b"b");
        assert_mailbox_empty().await;
    });
}

// CTL-5, CTL-6, 4.2 step 2
#[test]
fn t69_only_the_owner_hands_over_but_to_the_owner_anybody() {
    real(2, async {
        let owner = Puppet::new();
        let (socket, foreign) = owned_by(owner).await;
        let (me, other) = (self_pid(), Puppet::new());
        for to in [me, other.pid, dead().await] {
            let refused = gen_tcp::controlling_process(socket, to);
            assert_eq!(refused, Err(Error::Eperm));
        }
        assert_eq!(gen_tcp::controlling_process(socket, owner.pid), Ok(()));
        let itself = owner.does(async move { gen_tcp::controlling_process(socket, self_pid()) });
        assert_eq!(itself.await, Ok(()));
        // Nothing has changed: the port dies with its owner still.
        assert_eq!(runtime::port::owner(socket.port()), Some(owner.pid));
        assert!(links().iter().all(|link| *link != socket));
        let watch = inet::monitor(socket);
        owner.ends("boom");
        assert_eq!(down(watch).await.to_string(), "boom");
        assert_eq!(foreign.read_to_end().await.0, b"");
        assert_eq!(gen_tcp::controlling_process(socket, me), Err(Error::Closed));
    });
}

// CTL-8: listeners, too.
#[test]
fn t69_a_listener_is_handed_over_like_a_connection() {
    real(2, async {
        let (listener, port) = listen([]);
        let new = Puppet::new();
        gen_tcp::controlling_process(listener, new.pid).expect("it is open");
        assert!(links().is_empty());
        let _client = Foreign::connect(port);
        let accepted = gen_tcp::accept_timeout(listener, LIMIT).await;
        let accepted = accepted.expect("anybody may accept");
        let watch = inet::monitor(listener);
        new.ends("shutdown");
        assert_eq!(down(watch).await, Reason::Shutdown);
        assert!(
            inet::is_open(accepted),
            "it has nothing to do with the listener"
        );
    });
}

// CTL-4, REC-8
#[test]
fn t70_a_recv_that_waits_is_answered_after_the_hand_over() {
    real(2, async {
        let (socket, foreign) = connected([]).await;
        let (me, new) = (self_pid(), Puppet::new());
        let reader = spawn(async move {
            send(me, gen_tcp::recv_timeout(socket, 4, LIMIT).await);
        });
        until_it_waits(reader).await;
        foreign.write(b"ab");
        gen_tcp::controlling_process(socket, new.pid).expect("it is open");
        foreign.write(b"cd");
        let answer: Result<Data, Error> = next().await;
        assert_eq!(answer.as_deref(), Ok(&b"abcd"[..]));
        // The new owner has it, and no message of it.
        new.does(quiet::<Tcp>()).await;
        assert_eq!(runtime::port::owner(socket.port()), Some(new.pid));
        // And where the old owner itself is the one that waits in another process's name: closed.
        let reader = spawn(async move {
            send(me, gen_tcp::recv_timeout(socket, 4, LIMIT).await);
        });
        until_it_waits(reader).await;
        new.ends("normal");
        assert_eq!(next::<Result<Data, Error>>().await, Err(Error::Closed));
    });
}

// 4.2 step 7, CTL-9, LNK-1
#[test]
fn t71_the_port_dies_with_its_new_owner_and_not_with_the_old_one() {
    real(2, async {
        for dies in ["old", "new"] {
            let (old, new) = (Puppet::new(), Puppet::new());
            let (socket, foreign) = owned_by(old).await;
            let given = old.does(async move {
                // Links do not count: one more changes nothing.
                link(socket).expect("it is open");
                gen_tcp::controlling_process(socket, new.pid)
            });
            assert_eq!(given.await, Ok(()));
            assert!(old.links().await.is_empty());
            let links = runtime::port::port_info(socket.port()).map(|info| info.links);
            assert_eq!(links, Some(vec![new.pid]));
            assert_eq!(new.links().await, [ActorId::from(socket)]);
            let (watch, victim) = (inet::monitor(socket), monitor(old.pid));
            if dies == "old" {
                old.ends("boom");
                assert_eq!(down(victim).await.to_string(), "boom");
                foreign.write(b"alive");
                assert_eq!(recv(socket, 5).await, Ok(b"alive".to_vec()));
                new.ends("boom");
                assert_eq!(down(watch).await.to_string(), "boom");
            } else {
                new.ends("boom");
                assert_eq!(down(watch).await.to_string(), "boom");
                assert_eq!(foreign.read_to_end().await.0, b"");
                // The old owner is not touched by it.
                assert_eq!(old.does(async { self_pid() }).await, old.pid);
            }
        }
    });
}

// CTL-10: the usual pattern has no window in which data is lost or a close is missed.
#[test]
fn t71_accept_hand_over_go_then_active_misses_nothing() {
    real(2, async {
        let me = self_pid();
        for _ in 0..50 {
            let (listener, port) = listen([]);
            let client = Foreign::connect(port);
            client.write(b"early");
            let socket = gen_tcp::accept_timeout(listener, LIMIT)
                .await
                .expect("it is there");
            let worker = spawn(async move {
                receive::<()>().await;
                inet::setopts(socket, [active(true)]).expect("it is open");
                let got = tests::sockets::bytes_of(socket, 9).await;
                let end = message(socket).await;
                send(me, (got, end == Tcp::Closed(socket)));
            });
            gen_tcp::controlling_process(socket, worker).expect("it is open");
            client.write(b"late");
            drop(client);
            send(worker, ());
            assert_eq!(
                next::<(Vec<u8>, bool)>().await,
                (b"earlylate".to_vec(), true)
            );
            gen_tcp::close(listener).await.expect("close does not fail");
        }
    });
}

// Section 9 row 1, 4.4
#[test]
fn t72_after_a_process_was_killed_in_recv_the_next_recv_gets_all_data() {
    real(2, async {
        for kind in 0..3 {
            let (socket, foreign) = connected([]).await;
            let reader = spawn(async move {
                let _ = gen_tcp::recv(socket, if kind == 1 { 100 } else { 0 }).await;
            });
            until_it_waits(reader).await;
            if kind == 1 {
                // Half of what it waits for has come.
                foreign.write(b"half");
                tests::sockets::eventually(|| tests::sockets::unread(socket) == 0).await;
            }
            let watch = monitor(reader);
            exit_signal(reader, Reason::Kill);
            assert_eq!(down(watch).await, Reason::Killed);
            foreign.write(b"data");
            until_unread(socket, 4).await;
            let expected: &[u8] = if kind == 1 { b"halfdata" } else { b"data" };
            assert_eq!(recv(socket, expected.len()).await.as_deref(), Ok(expected));
            // A recv whose future is dropped leaves nothing behind either.
            drop(gen_tcp::recv(socket, 0));
            let late = gen_tcp::recv_timeout(socket, 0, std::time::Duration::ZERO).await;
            assert_eq!(late, Err(Error::Timeout));
        }
    });
}
