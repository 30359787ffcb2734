//! R2: descriptors have run out.
//!
//! The kernel keeps the connections, and the listener stays readable: whoever tries again at once
//! burns a processor, whoever gives up has lost the listener.

use std::time::{Duration, Instant};

use gen_tcp::{Error, Socket};
use runtime::prelude::*;
use tests::alone::{alone, set_descriptor_limit, use_up_descriptors};
use tests::sockets::{listen, recv};
use tests::{Foreign, next, real};

use crate::system::computed;

/// What the acceptor of an accept loop tells.
#[derive(Debug)]
struct Accepted(Result<Socket, Error>);

/// Accepts for ever, and tries again at once after an error, as a naive server does.
async fn accept_loop(listener: Socket, tell: Pid) {
    loop {
        let accepted = gen_tcp::accept(listener).await;
        let is_over = accepted == Err(Error::Closed);
        if let Ok(socket) = accepted {
            gen_tcp::controlling_process(socket, tell).expect("it is open");
        }
        send(tell, Accepted(accepted));
        if is_over {
            break;
        }
    }
}

#[test]
fn r02_accept_pauses_when_descriptors_have_run_out_and_goes_on_after_it() {
    let name = "r02_emfile::r02_accept_pauses_when_descriptors_have_run_out_and_goes_on_after_it";
    alone(name, || real(2, starved_listener()));
}

async fn starved_listener() {
    let (clients, room, errors) = (50, 5, 10);
    let (listener, port) = listen([gen_tcp::opt::backlog(64)]);
    let peers: Vec<Foreign> = (0..clients).map(|_| Foreign::connect(port)).collect();
    let mut spare = use_up_descriptors();
    spare.truncate(spare.len() - room);
    let me = self_pid();
    let acceptor = spawn(accept_loop(listener, me));
    let mut served = Vec::new();
    let refused = loop {
        match next::<Accepted>().await.0 {
            Ok(socket) => served.push(socket),
            Err(error) => break error,
        }
    };
    assert_eq!((refused, served.len()), (Error::Emfile, room));

    let (begun, computed_before) = (Instant::now(), computed());
    for _ in 0..errors {
        let Accepted(refused) = next().await;
        assert_eq!(refused, Err(Error::Emfile));
    }
    let (took, work) = (begun.elapsed(), computed() - computed_before);
    println!("{errors} refusals in {took:?}, which cost {work:?} of computing");
    assert!(
        took >= Duration::from_millis(40) * errors,
        "more than 25 a second"
    );
    assert!(work < took / 10, "it spins: {work:?} of {took:?}");

    // A descriptor becomes free: the next connection is served.
    let freed = Instant::now();
    gen_tcp::close(served.remove(0))
        .await
        .expect("close does not fail");
    // When the pause that is under way is over: nobody waits for two. One may be about to end.
    let mut refusals = 0;
    let one = loop {
        match next::<Accepted>().await.0 {
            Ok(socket) => break socket,
            Err(error) => assert_eq!(error, Error::Emfile),
        }
        refusals += 1;
    };
    assert!(refusals <= 1, "{refusals} refusals after there was room");
    println!(
        "the next connection was served {:?} after a descriptor became free",
        freed.elapsed()
    );
    served.push(one);

    // And when there is room again, all of them.
    drop(spare);
    set_descriptor_limit(1000);
    while served.len() < clients - 1 {
        match next::<Accepted>().await.0 {
            Ok(socket) => served.push(socket),
            Err(error) => assert_eq!(error, Error::Emfile),
        }
    }
    assert!(runtime::pid_exists(acceptor), "the acceptor has died");
    for (peer, socket) in peers.iter().skip(1).zip(&served) {
        peer.write(b"x");
        assert_eq!(recv(*socket, 1).await, Ok(b"x".to_vec()));
    }
    gen_tcp::close(listener).await.expect("close does not fail");
    assert_eq!(next::<Accepted>().await.0, Err(Error::Closed));
}
