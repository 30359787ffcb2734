//! Lines 1 to 11: connect, listen and accept.

use std::time::Duration;

use gen_tcp::{Active, Error, Name, Opt, Socket, inet, opt::*};
use runtime::prelude::*;
use tests::alone::{alone, set_descriptor_limit, use_up_descriptors};
use tests::sockets::{
    HOST, assert_mailbox_empty, connect, listen, mode, passive, recv, recv_all, until_it_waits,
};
use tests::{Foreign, LIMIT, down, next, real};

/// What an acceptor tells of its accept.
#[derive(Debug)]
struct Accepted(usize, Result<Socket, Error>);

/// A process that accepts once, tells, and lives on; it waits in accept when this returns.
async fn acceptor(listener: Socket, number: usize) -> Pid {
    let me = self_pid();
    let pid = spawn(async move {
        send(me, self_pid());
        let accepted = gen_tcp::accept(listener).await;
        send(me, Accepted(number, accepted));
        receive::<()>().await;
    });
    assert_eq!(next::<Pid>().await, pid);
    until_it_waits(pid).await;
    pid
}

// 0.3, CON-16, LIS-5, SOP-2
#[test]
fn t01_connect_with_a_bad_option_raises() {
    real(2, async {
        let (listener, port) = listen([]);
        let bad = [
            (Opt::Unknown("nosuch"), "nosuch"),
            (packet(3), "packet"),
            (active(40_000), "active"),
            (backlog(5), "backlog"),
            (ipv6_v6only(true), "ipv6_v6only"),
            (dontroute(true), "dontroute"),
            (packet_size(-1), "packet_size"),
        ];
        let socket = connect(port, []).await;
        for (opt, name) in bad {
            let connected = gen_tcp::connect(HOST, port, [binary(), opt.clone()]).await;
            assert_eq!(connected, Err(Error::BadOption(name)));
            if !matches!(name, "ipv6_v6only" | "dontroute") {
                let set = inet::setopts(socket, [packet(2), opt.clone()]);
                assert_eq!(set, Err(Error::Einval), "{opt:?}");
            }
        }
        // Nothing of a refused list is applied.
        let kept = inet::getopts(socket, [Name::Packet]);
        assert_eq!(kept, Ok(vec![packet(0)]));
        // What only the kernel refuses raises in connect, is returned by listen and setopts.
        let connected = gen_tcp::connect(HOST, port, [ttl(0)]).await;
        assert_eq!(connected, Err(Error::BadArg));
        assert_eq!(gen_tcp::listen(0, [ttl(0)]), Err(Error::Einval));
        assert_eq!(inet::setopts(socket, [ttl(0)]), Err(Error::Einval));
        assert_eq!(
            gen_tcp::listen(0, [packet(3)]),
            Err(Error::BadOption("packet"))
        );
        // Before any of these refusals a socket was connected: only the good one waits for accept.
        let accepted = gen_tcp::accept(listener).await;
        assert!(accepted.is_ok());
        assert_eq!(
            links(),
            [listener, socket, accepted.expect("checked")].map(ActorId::from)
        );
        assert_mailbox_empty().await;
    });
}

// CON-6, CON-20, LIS-7
#[test]
fn t02_connect_to_a_full_backlog_times_out_and_leaves_nothing() {
    real(2, async {
        let (listener, port) = listen([backlog(1)]);
        let mut admitted = Vec::new();
        let end = loop {
            let time = Duration::from_millis(200);
            match gen_tcp::connect_timeout(HOST, port, passive([]), time).await {
                Ok(socket) => admitted.push(socket),
                Err(error) => break error,
            }
            assert!(admitted.len() < 10, "a backlog of 1 is never full");
        };
        assert_eq!(end, Error::Timeout);
        assert_eq!(admitted.len(), 2, "Linux admits one more than the backlog");
        assert_mailbox_empty().await;
        let mut all = vec![listener];
        all.extend(admitted);
        let all: Vec<ActorId> = all.into_iter().map(ActorId::from).collect();
        assert_eq!(links(), all);
    });
}

// CON-17, OPT-3
#[test]
fn t03_active_is_applied_after_all_other_options() {
    real(2, async {
        let foreign = std::net::TcpListener::bind((HOST, 0)).expect("a port is free");
        let port = foreign.local_addr().expect("it has a port").port();
        for _ in 0..50 {
            // The data is on its way before connect returns.
            let greeter = foreign.try_clone().expect("a copy of the listener");
            let thread = std::thread::spawn(move || {
                let (stream, _) = greeter.accept().expect("somebody connects");
                let stream = Foreign::new(stream);
                stream.write(b"\0\0\0\x05hello\0\0\0\x02yo");
                stream
            });
            let options = [active(true), binary(), packet(4)];
            let socket = gen_tcp::connect(HOST, port, options).await;
            let socket = socket.expect("it is accepted");
            assert_eq!(tests::sockets::data(socket).await, b"hello");
            assert_eq!(tests::sockets::data(socket).await, b"yo");
            gen_tcp::close(socket).await.expect("close does not fail");
            drop(thread.join().expect("the greeter does not panic"));
        }
    });
}

// ACC-2, ACC-15
#[test]
fn t04_eight_acceptors_are_served_in_the_order_of_waiting() {
    real(2, async {
        for _ in 0..10 {
            let (listener, port) = listen([backlog(16)]);
            assert_eq!(inet::states(listener), ["listen", "open"]);
            for number in 0..8 {
                acceptor(listener, number).await;
            }
            assert_eq!(inet::states(listener), ["accepting", "listen", "open"]);
            let clients: Vec<Foreign> = (0..8).map(|_| Foreign::connect(port)).collect();
            let mut served = Vec::new();
            for _ in 0..8 {
                let Accepted(number, socket) = next().await;
                served.push((number, socket.expect("a connection is there")));
            }
            // The answers of different processes come in any order; whom they got does not.
            served.sort_by_key(|(number, _)| *number);
            for (client, (number, socket)) in clients.iter().zip(served) {
                client.write([number as u8]);
                assert_eq!(recv(socket, 1).await, Ok(vec![number as u8]));
            }
        }
    });
}

// ACC-6
#[test]
fn t05_a_killed_acceptors_turn_goes_to_the_next() {
    real(2, async {
        let (listener, port) = listen([]);
        let mut waiting = Vec::new();
        for number in 0..5 {
            waiting.push(acceptor(listener, number).await);
        }
        // The first, and one in the middle.
        for number in [0, 2] {
            let watch = monitor(waiting[number]);
            exit_signal(waiting[number], Reason::Kill);
            assert_eq!(down(watch).await, Reason::Killed);
        }
        for number in [1, 3, 4] {
            let client = Foreign::connect(port);
            let Accepted(who, socket) = next().await;
            assert_eq!(who, number);
            client.write(b"x");
            assert_eq!(
                recv(socket.expect("a connection is there"), 1).await,
                Ok(b"x".to_vec())
            );
        }
    });
}

/// Three waiters, then what ends the listener; all have to be told.
async fn waiters_are_told(listener: Socket, end: impl FnOnce()) {
    for number in 0..3 {
        acceptor(listener, number).await;
    }
    end();
    for _ in 0..3 {
        let Accepted(_, answer) = next().await;
        assert_eq!(answer, Err(Error::Closed));
    }
    assert_eq!(gen_tcp::accept(listener).await, Err(Error::Closed));
}

// ACC-7, ACC-9
#[test]
fn t06_a_listener_closed_by_a_third_process_tells_every_waiter() {
    real(2, async {
        let (listener, _) = listen([]);
        waiters_are_told(listener, || {
            spawn(async move { gen_tcp::close(listener).await });
        })
        .await;
    });
}

// ACC-7, LNK-1
#[test]
fn t07_the_end_of_a_listeners_owner_tells_every_waiter() {
    real(2, async {
        let me = self_pid();
        for reason in [Reason::Normal, Reason::from("boom"), Reason::Kill] {
            let owner = spawn(async move {
                send(me, listen([]).0);
                exit(receive::<Reason>().await).await;
            });
            let listener: Socket = next().await;
            waiters_are_told(listener, || match reason {
                Reason::Kill => exit_signal(owner, Reason::Kill),
                reason => send(owner, reason),
            })
            .await;
        }
    });
}

// ACC-10, OPT-4, 2.2
#[test]
fn t08_accept_inherits_what_the_listener_has_now() {
    real(2, async {
        let (listener, port) = listen([packet(0), active(false)]);
        let options = [
            packet(2),
            active(3),
            nodelay(true),
            header(1),
            send_timeout(77),
        ];
        inet::setopts(listener, options).expect("a listener takes them");
        let names = [Name::Packet, Name::Nodelay, Name::Header, Name::SendTimeout];
        for _ in 0..2 {
            let client = Foreign::connect(port);
            let socket = gen_tcp::accept(listener).await.expect("a client waits");
            let inherited = inet::getopts(socket, names);
            let expected = vec![packet(2), nodelay(true), header(1), send_timeout(77)];
            assert_eq!(inherited, Ok(expected));
            assert_eq!(mode(socket), Active::N(3));
            client.write(b"\0\x01a");
            tests::sockets::message(socket).await;
            assert_eq!(mode(socket), Active::N(2));
            assert_eq!(
                mode(listener),
                Active::N(3),
                "the listener's count is not used up"
            );
        }
        inet::setopts(listener, [active(false), packet(0)]).expect("a listener takes them");
        let _client = Foreign::connect(port);
        let socket = gen_tcp::accept(listener).await.expect("a client waits");
        assert_eq!(mode(socket), Active::False);
        assert_eq!(inet::getopts(socket, [Name::Packet]), Ok(vec![packet(0)]));
    });
}

// ACC-13
#[test]
fn t09_a_client_that_reset_before_accept_is_accepted_and_recv_tells() {
    real(2, async {
        for shown in [false, true] {
            let (listener, port) = listen([show_econnreset(shown)]);
            let client = Foreign::connect(port);
            client.write(b"hello");
            client.reset();
            let socket = gen_tcp::accept(listener)
                .await
                .expect("accept does not fail");
            let (data, end) = recv_all(socket).await;
            // Whether the kernel still has the data is the kernel's affair.
            assert!(data.is_empty() || data == b"hello", "{data:?}");
            assert_eq!(
                end,
                if shown {
                    Error::Econnreset
                } else {
                    Error::Closed
                }
            );
            assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
        }
        // One that closed in order: the data, then the end.
        let (listener, port) = listen([]);
        let client = Foreign::connect(port);
        client.write(b"hello");
        drop(client);
        let socket = gen_tcp::accept(listener).await.expect("a client waits");
        assert_eq!(recv_all(socket).await, (b"hello".to_vec(), Error::Closed));
    });
}

// ACC-11
#[test]
fn t10_at_the_descriptor_limit_accept_is_emfile_and_goes_on_after_it() {
    alone(
        "connecting::t10_at_the_descriptor_limit_accept_is_emfile_and_goes_on_after_it",
        || {
            real(1, async {
                let (listener, port) = listen([]);
                let client = Foreign::connect(port);
                client.write(b"x");
                // Others wait behind the one that is told.
                let (_first, _second) = (acceptor(listener, 1).await, acceptor(listener, 2).await);
                let Accepted(_, served) = next().await;
                let _served = served.expect("a descriptor is free");
                let mut spare = use_up_descriptors();
                spare.pop();
                let late = Foreign::connect(port);
                late.write(b"y");
                let Accepted(who, refused) = next().await;
                assert_eq!((who, refused), (2, Err(Error::Emfile)));
                // The connection is still there, and so is the listener.
                spare.pop();
                let socket = gen_tcp::accept_timeout(listener, LIMIT).await;
                let socket = socket.expect("a descriptor is free again");
                assert_eq!(recv(socket, 1).await, Ok(b"y".to_vec()));
            });
        },
    );
}

// CON-15, LIS-4: Linux gives sockets and connections the same descriptors round after round; none
// may be kept.
#[test]
fn t11_twenty_rounds_up_to_the_limit_give_the_same_number() {
    alone(
        "connecting::t11_twenty_rounds_up_to_the_limit_give_the_same_number",
        || {
            real(1, async {
                let (listener, port) = listen([]);
                set_descriptor_limit(100);
                let mut counts = Vec::new();
                for round in 0..20 {
                    let listeners = round % 2 == 0;
                    let (mut sockets, error) = open_to_the_limit(listener, port, listeners).await;
                    assert_eq!(error, Error::Emfile);
                    counts.push(sockets.len());
                    if !listeners && sockets.len() % 2 == 1 {
                        // The last connection waits for its accept.
                        let freed = sockets.remove(0);
                        gen_tcp::close(freed).await.expect("close does not fail");
                        let socket = gen_tcp::accept_timeout(listener, LIMIT).await;
                        sockets.push(socket.expect("a descriptor is free"));
                    }
                    for socket in sockets {
                        gen_tcp::close(socket).await.expect("close does not fail");
                    }
                }
                let even = counts.iter().step_by(2).all(|count| *count == counts[0]);
                let odd = counts
                    .iter()
                    .skip(1)
                    .step_by(2)
                    .all(|count| *count == counts[1]);
                assert!(even && odd && counts[0] > 40, "{counts:?}");
            });
        },
    );
}

/// Opens listeners, or both ends of connections, until there is no descriptor left.
async fn open_to_the_limit(listener: Socket, port: u16, listeners: bool) -> (Vec<Socket>, Error) {
    let mut sockets = Vec::new();
    loop {
        let opened = match (listeners, sockets.len() % 2) {
            (true, _) => gen_tcp::listen(0, passive([])),
            (false, 0) => gen_tcp::connect(HOST, port, passive([])).await,
            (false, _) => gen_tcp::accept(listener).await,
        };
        match opened {
            Ok(socket) => sockets.push(socket),
            Err(error) => return (sockets, error),
        }
    }
}
