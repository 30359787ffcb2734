//! Part 9, row 27: of several addresses the one that answers first.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use gen_tcp::{Error, Host, Socket, inet, opt::*};
use runtime::prelude::*;
use tests::sockets::{HOST, assert_mailbox_empty, listen, passive, recv};
use tests::{LIMIT, real};

const V6: Ipv6Addr = Ipv6Addr::LOCALHOST;

fn v4(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn v6(port: u16) -> SocketAddr {
    (V6, port).into()
}

/// A listener on the loopback address of IPv6, with its port.
fn listen6(options: impl IntoIterator<Item = gen_tcp::Opt>) -> (Socket, u16) {
    let options = passive(
        [inet6(), ip(V6), reuseaddr(true)]
            .into_iter()
            .chain(options),
    );
    let listener = gen_tcp::listen(0, options).expect("a listener opens");
    (listener, inet::port(listener).expect("it has a port"))
}

/// A port at which nobody listens, at neither address.
fn nobody() -> u16 {
    let (listener, port) = listen([]);
    runtime::unlink(listener);
    runtime::port::close(listener.port()).expect("it is open");
    port
}

/// A listener whose queue is full, with what fills it: a connect to it waits for ever.
async fn full() -> (u16, Vec<Socket>) {
    let (listener, port) = listen6([backlog(0)]);
    let mut all = vec![listener];
    loop {
        let time = Duration::from_millis(200);
        let options = passive([inet6()]);
        match gen_tcp::connect_timeout(V6, port, options, time).await {
            Ok(socket) => all.push(socket),
            Err(error) => {
                assert_eq!(error, Error::Timeout);
                return (port, all);
            }
        }
        assert!(all.len() < 12, "it is never full");
    }
}

/// The caller's links are these sockets and no others, and no message is there.
async fn nothing_else(sockets: &[Socket]) {
    let mut expected: Vec<ActorId> = sockets.iter().map(|socket| (*socket).into()).collect();
    let mut own = links();
    expected.sort_by_key(|id| format!("{id:?}"));
    own.sort_by_key(|id| format!("{id:?}"));
    assert_eq!(own, expected);
    assert_mailbox_empty().await;
}

// EXT-7, row 27, CON-5
#[test]
fn row27_where_one_address_refuses_the_next_is_taken() {
    real(2, async {
        let (listener, port) = listen([]);
        let (listener6, port6) = listen6([]);
        let dead = nobody();
        for (addresses, name) in [
            ([v6(dead), v4(port)], v4(port)),
            ([v4(dead), v6(port6)], v6(port6)),
            ([v4(port), v6(port6)], v4(port)),
        ] {
            let socket = gen_tcp::connect_first(addresses, passive([]), LIMIT).await;
            let socket = socket.expect("one of them listens");
            let peer = inet::peername(socket);
            assert_eq!(peer, Ok(inet::SocketName::Inet(name)));
            nothing_else(&[listener, listener6, socket]).await;
            gen_tcp::close(socket).await.expect("close does not fail");
        }
        let none = gen_tcp::connect_first([v6(dead), v4(dead)], passive([]), LIMIT).await;
        assert_eq!(none, Err(Error::Econnrefused));
        let none = gen_tcp::connect_first([], passive([]), LIMIT).await;
        assert_eq!(none, Err(Error::Nxdomain));
        nothing_else(&[listener, listener6]).await;
    });
}

// EXT-7: one that does not answer holds up the next for a moment only, and goes when that has won.
#[test]
fn row27_an_address_that_does_not_answer_is_overtaken() {
    real(2, async {
        let (port6, mut all) = full().await;
        let (listener, port) = listen([]);
        let addresses = [v6(port6), v4(port)];
        let socket = gen_tcp::connect_first(addresses, passive([active(true)]), LIMIT).await;
        let socket = socket.expect("the second listens");
        all.extend([listener, socket]);
        nothing_else(&all).await;
        let accepted = gen_tcp::accept_timeout(listener, LIMIT).await;
        let accepted = accepted.expect("it is there");
        gen_tcp::send(accepted, "x").await.expect("it is connected");
        assert_eq!(tests::sockets::data(socket).await, b"x");
        gen_tcp::close(socket).await.expect("close does not fail");
        gen_tcp::close(accepted).await.expect("close does not fail");
        all.truncate(all.len() - 1);
        // Alone it waits for its time, and leaves nothing; so where it is dropped.
        let time = Duration::from_millis(300);
        let late = gen_tcp::connect_first([v6(port6)], passive([]), time).await;
        assert_eq!(late, Err(Error::Timeout));
        nothing_else(&all).await;
        let dropped = gen_tcp::connect_first([v6(port6)], passive([]), LIMIT);
        let mut dropped = Box::pin(dropped);
        let polled = std::future::poll_fn(|cx| {
            std::task::Poll::Ready(dropped.as_mut().poll(cx).is_pending())
        });
        assert!(polled.await, "nobody answers");
        assert_eq!(links().len(), all.len() + 1, "an attempt is under way");
        drop(dropped);
        nothing_else(&all).await;
    });
}

// EXT-6, EXT-7, CON-4: options that belong to a family leave the other one out.
#[test]
fn row27_options_of_a_family_leave_the_other_out() {
    real(2, async {
        let (listener, port) = listen([]);
        for option in [inet(), ip(HOST)] {
            let options = passive([option]);
            let socket = gen_tcp::connect_first([v6(port), v4(port)], options, LIMIT).await;
            let socket = socket.expect("the address of its family listens");
            gen_tcp::close(socket).await.expect("close does not fail");
        }
        let none = gen_tcp::connect_first([v6(port)], passive([inet()]), LIMIT).await;
        assert_eq!(none, Err(Error::Eafnosupport));
        let bad = gen_tcp::connect_first([v4(port)], passive([backlog(1)]), LIMIT).await;
        assert_eq!(bad, Err(Error::BadOption("backlog")));
        nothing_else(&[listener]).await;
    });
}

// EXT-6, row 27
#[test]
fn row27_a_host_is_reached_over_whichever_family_answers() {
    real(2, async {
        let (listener, port) = listen([]);
        let (listener6, port6) = listen6([]);
        for (to, port, listener) in [
            (Host::Loopback, port, listener),
            (Host::Loopback, port6, listener6),
            ("localhost".into(), port, listener),
            (HOST.into(), port, listener),
            (V6.into(), port6, listener6),
        ] {
            let socket = gen_tcp::connect_either(to.clone(), port, passive([]), LIMIT).await;
            let socket = socket.unwrap_or_else(|error| panic!("{to:?}: {error}"));
            let accepted = gen_tcp::accept_timeout(listener, LIMIT).await;
            let accepted = accepted.expect("it is there");
            gen_tcp::send(accepted, "x").await.expect("it is connected");
            assert_eq!(recv(socket, 1).await, Ok(b"x".to_vec()));
            gen_tcp::close(socket).await.expect("close does not fail");
            gen_tcp::close(accepted).await.expect("close does not fail");
        }
        let unknown = gen_tcp::connect_either(".", port, passive([]), LIMIT).await;
        assert_eq!(unknown, Err(Error::Nxdomain));
        let none = gen_tcp::connect_either("a b", port, passive([]), LIMIT).await;
        assert_eq!(none, Err(Error::BadArg));
        nothing_else(&[listener, listener6]).await;
    });
}
