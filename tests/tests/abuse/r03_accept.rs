//! R3: connections that are gone before they are accepted. R37: a listener that is closed under
//! those who wait on it.

use gen_tcp::{Error, Socket, Tcp, opt::*};
use runtime::prelude::*;
use tests::sockets::{connect, listen, message, recv_all, until_it_waits};
use tests::{Foreign, LIMIT, Random, next, real};

/// What a process that accepts once tells.
#[derive(Debug)]
struct Accepted(Result<Socket, Error>);

// No error of one connection may reach the acceptor as one of the listener.
#[test]
fn r03_an_acceptor_outlives_connections_that_are_gone() {
    real(2, async {
        let (listener, port) = listen([backlog(64)]);
        let mut random = Random(3);
        for round in 0..20 {
            let mut good = Vec::new();
            for _ in 0..10 {
                let client = Foreign::connect(port);
                client.write([round]);
                match random.below(4) {
                    0 => client.reset(),
                    1 => drop(client),
                    _ => good.push(client),
                }
            }
            let mut echoed = 0;
            for _ in 0..10 {
                let accepted = gen_tcp::accept_timeout(listener, LIMIT).await;
                let socket = accepted.expect("no connection is the listener's failure");
                match gen_tcp::recv_timeout(socket, 1, LIMIT).await {
                    Ok(byte) => echoed += usize::from(gen_tcp::send(socket, byte).await.is_ok()),
                    Err(error) => assert_eq!(error, Error::Closed),
                }
                gen_tcp::close(socket).await.expect("close does not fail");
            }
            assert!(echoed >= good.len());
            for client in good {
                let (got, _) = client.read_to_end().await;
                assert_eq!(got, [round]);
            }
        }
    });
}

#[test]
fn r37_closing_a_listener_tells_all_who_wait_and_resets_who_was_not_accepted() {
    real(2, async {
        let (listener, _) = listen([]);
        let me = self_pid();
        for _ in 0..4 {
            let waiter = spawn(async move {
                send(me, Accepted(gen_tcp::accept(listener).await));
            });
            until_it_waits(waiter).await;
        }
        gen_tcp::close(listener).await.expect("close does not fail");
        for _ in 0..4 {
            let Accepted(told) = next().await;
            assert_eq!(told, Err(Error::Closed));
        }

        let (listener, port) = listen([]);
        let foreign = Foreign::connect(port);
        let active_one = connect(port, [active(true)]).await;
        let passive_one = connect(port, [show_econnreset(true)]).await;
        gen_tcp::close(listener).await.expect("close does not fail");
        let (got, end) = foreign.read_to_end().await;
        let end = end.map_err(|error| error.kind());
        assert_eq!(
            (&got[..], end),
            (&b""[..], Err(std::io::ErrorKind::ConnectionReset))
        );
        assert_eq!(message(active_one).await, Tcp::Closed(active_one));
        assert_eq!(recv_all(passive_one).await, (Vec::new(), Error::Econnreset));
    });
}
