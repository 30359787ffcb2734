//! A process that is killed: what it does until then, and what it holds.
//!
//! Spawned by a killer. Invariant: it never ends by itself, so whatever it ends with was done to
//! it.

use std::sync::Arc;
use std::time::Duration;

use gen_tcp::{Opt, Socket, Tcp, opt::*};
use runtime::prelude::*;
use tests::sockets::{HOST, SMALL, passive};

/// What a victim is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Computing,
    Receiving,
    Calling,
    Connecting,
    Accepting,
    Reading,
    Sending,
}

pub(crate) const STATES: [State; 7] = [
    State::Computing,
    State::Receiving,
    State::Calling,
    State::Connecting,
    State::Accepting,
    State::Reading,
    State::Sending,
];

/// Whom a victim has to do with.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Server(Pid),
    Port(u16),
    Door(Socket),
}

/// A message that nobody receives. It shows that it was dropped.
pub(crate) struct Token(#[expect(dead_code, reason = "its count is looked at")] pub(crate) Arc<()>);

/// What servers are asked.
pub(crate) struct Ask(pub(crate) usize);

impl Request for Ask {
    type Reply = usize;
}

/// See the file's header.
pub(crate) struct Victim {
    pub(crate) state: State,
    pub(crate) place: Place,
    /// Random bits that its variations are taken from.
    pub(crate) salt: usize,
    pub(crate) killer: Pid,
}

impl Victim {
    /// Its life.
    pub(crate) async fn live(self) {
        self.take_on();
        match (self.state, self.place) {
            (State::Receiving, _) => self.receives().await,
            (State::Calling, Place::Server(server)) => self.calls(server).await,
            (State::Connecting, Place::Port(port)) => self.connects(port).await,
            (State::Accepting, Place::Door(door)) => self.accepts(door).await,
            (State::Reading, Place::Port(port)) => self.reads(port).await,
            (State::Sending, Place::Port(port)) => self.sends(port).await,
            _ => self.computes().await,
        }
    }

    /// Whether it has this one of several properties.
    fn is(&self, property: usize) -> bool {
        self.salt >> (4 + 2 * property) & 3 == 0
    }

    /// What has to go with it.
    fn take_on(&self) {
        if self.is(0) {
            let name = format!("victim-{}", self_pid());
            register(name, self_pid()).expect("it is its own");
        }
        if self.is(1) {
            send_after(Duration::from_secs(3600), self_pid(), ());
            start_timer(Duration::from_millis(1), self_pid(), ());
        }
        if self.is(2) {
            monitor(self.killer);
        }
        if self.is(3) {
            alias(AliasMode::ExplicitUnalias);
        }
        if self.is(4) {
            // A child that goes with it.
            spawn_link(std::future::pending::<()>());
        }
    }

    async fn computes(self) {
        let mut random = tests::Random(self.salt as u64 + 1);
        loop {
            for _ in 0..random.below(1000) {
                std::hint::black_box(random.below(7));
            }
            yield_now().await;
        }
    }

    async fn receives(self) {
        let me = self_pid();
        loop {
            send(me, self.salt);
            receive! {
                n: usize if n == self.salt => {}
            }
            let time = Duration::from_micros((self.salt % 3000) as u64);
            receive! {
                n: usize if n == self.salt => {}
                after(time) => {}
            }
        }
    }

    async fn calls(self, server: Pid) {
        for n in self.salt.. {
            let _ = call(server, Ask(n), Duration::from_millis(1)).await;
        }
    }

    fn options(&self) -> Vec<Opt> {
        passive([linger(true, 0), sndbuf(SMALL), recbuf(SMALL)])
    }

    async fn connects(self, port: u16) {
        loop {
            // A name is looked up on a thread that does not end with its asker.
            let connected = if self.salt % 16 == 1 {
                gen_tcp::connect("localhost", port, self.options()).await
            } else {
                gen_tcp::connect(HOST, port, self.options()).await
            };
            if let Ok(socket) = connected {
                let _ = gen_tcp::close(socket).await;
            }
        }
    }

    async fn accepts(self, door: Socket) {
        loop {
            let accepted = gen_tcp::accept(door).await;
            let socket = accepted.expect("nobody closes the door");
            if self.is(5) {
                let _ = gen_tcp::recv(socket, 0).await;
            }
            let _ = gen_tcp::close(socket).await;
        }
    }

    async fn connected(&self, port: u16) -> Socket {
        let connected = gen_tcp::connect(HOST, port, self.options()).await;
        connected.expect("the killer listens")
    }

    async fn reads(self, port: u16) {
        let socket = self.connected(port).await;
        let mode = match self.salt % 4 {
            0 => active(true),
            1 => active(ONCE),
            2 => active(2),
            _ => loop {
                let read = gen_tcp::recv(socket, self.salt % 50).await;
                drop(read.expect("the killer does not close"));
            },
        };
        loop {
            gen_tcp::setopts(socket, [mode.clone()]).expect("it is open");
            while let Tcp::Data(..) = receive::<Tcp>().await {
                if self.salt % 4 == 1 {
                    break;
                }
            }
        }
    }

    async fn sends(self, port: u16) {
        let socket = self.connected(port).await;
        loop {
            let sent = gen_tcp::send(socket, vec![7; 1 + self.salt % 30_000]).await;
            sent.expect("the killer does not close");
        }
    }
}
