//! The server of the storm: acceptors, and who serves what they accept.
//!
//! Spawned for each listener. Invariant: an acceptor goes on until the listener is closed.

use gen_tcp::Socket;
use runtime::prelude::*;
use tests::Random;

use super::Kind;
use super::reader::{Reader, Role};

/// Accepts, and has others serve, or does so itself while others accept.
pub(crate) async fn accepts(listener: Socket, kind: Kind, seed: u64) {
    let mut random = Random(seed | 1);
    loop {
        let time = std::time::Duration::from_micros(200 + random.below(20_000) as u64);
        let socket = match gen_tcp::accept_timeout(listener, time).await {
            Ok(socket) => socket,
            Err(gen_tcp::Error::Timeout) => continue,
            Err(_) => return,
        };
        let own = Random(random.below(1 << 30) as u64 + 1);
        let reader = Reader::new(socket, Role::Echo { wants: None }, kind, own);
        let server = spawn(async move {
            receive::<()>().await;
            reader.reads().await;
        });
        if gen_tcp::controlling_process(socket, server).is_ok() {
            send(server, ());
        } else {
            exit_signal(server, Reason::Kill);
        }
    }
}
