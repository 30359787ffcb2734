//! Who reads from a socket of the storm: an echo on the server's side, a mere reader on the
//! client's.
//!
//! Spawned by acceptors and clients, and by each other, to hand the socket over in the middle.
//! Invariant: what comes is the beginning of what the other side sent; only where the client asked
//! for a break does it end before all of it came.

use gen_tcp::{Data, How, Socket, Tcp, opt::*};
use runtime::port;
use runtime::prelude::*;
use tests::{LIMIT, Random, Stream};

use super::Kind;

/// Processes that send on one socket of packets.
pub(crate) const TALKERS: usize = 3;

/// What the client wants: that all is echoed, or that somebody breaks it off.
pub(crate) const ALL: u8 = b'a';
pub(crate) const BREAK: u8 = b'b';

/// What has to come next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    Bytes(Stream),
    /// The number of each talker's next packet.
    Packets([u16; TALKERS]),
}

impl Expected {
    pub(crate) fn beginning(kind: Kind) -> Self {
        match kind {
            Kind::Raw => Expected::Bytes(Stream::default()),
            Kind::Packets => Expected::Packets([0; TALKERS]),
        }
    }

    fn check(&mut self, data: &[u8]) {
        match self {
            Expected::Bytes(stream) => stream.check(data),
            Expected::Packets(next) => {
                let talker = usize::from(data[0]);
                let number = u16::from_be_bytes([data[1], data[2]]);
                assert_eq!(number, next[talker], "a packet of talker {talker}");
                next[talker] += 1;
            }
        }
    }
}

/// What a reader is for.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Sends all back; the first byte says what the client wants.
    Echo { wants: Option<u8> },
    /// Tells this process what has come, at the end.
    Tell { boss: Pid, wants: u8 },
}

/// What a reader tells at the end.
pub(crate) struct Ended(pub(crate) Socket, pub(crate) Expected);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Passive,
    Once,
    Counted,
    Active,
}

/// See the file's header.
pub(crate) struct Reader {
    socket: Socket,
    role: Role,
    expected: Expected,
    random: Random,
    mode: Mode,
}

impl Reader {
    pub(crate) fn new(socket: Socket, role: Role, kind: Kind, mut random: Random) -> Self {
        let modes = [Mode::Passive, Mode::Once, Mode::Counted, Mode::Active];
        let mode = modes[random.below(4)];
        Reader {
            socket,
            role,
            expected: Expected::beginning(kind),
            random,
            mode,
        }
    }

    /// Reads to the end, or to where somebody else goes on.
    pub(crate) async fn reads(mut self) {
        let socket = self.socket;
        match self.mode {
            Mode::Active => drop(gen_tcp::setopts(socket, [active(true)])),
            Mode::Counted => drop(gen_tcp::setopts(socket, [active(3)])),
            Mode::Passive | Mode::Once => {}
        }
        loop {
            let Some(data) = self.next().await else {
                return self.ends().await;
            };
            self.takes(&data).await;
            match self.random.below(16) {
                0 if self.hands_over().await => return,
                1 if self.wants() == Some(BREAK) => return self.breaks().await,
                _ => {}
            }
        }
    }

    fn wants(&self) -> Option<u8> {
        match self.role {
            Role::Echo { wants } => wants,
            Role::Tell { wants, .. } => Some(wants),
        }
    }

    /// The next data; `None` at the end.
    async fn next(&mut self) -> Option<Data> {
        let socket = self.socket;
        if self.mode == Mode::Passive {
            return gen_tcp::recv_timeout(socket, 0, LIMIT).await.ok();
        }
        if self.mode == Mode::Once {
            gen_tcp::setopts(socket, [active(ONCE)]).ok()?;
        }
        loop {
            receive! {
                Tcp::Data(from, data) if from == socket => return Some(data),
                Tcp::Closed(from) if from == socket => return None,
                Tcp::Passive(from) if from == socket => {
                    gen_tcp::setopts(socket, [active(3)]).ok()?;
                }
                after(LIMIT) => panic!("{socket} hangs behind {:?}", self.expected),
            }
        }
    }

    async fn takes(&mut self, data: &[u8]) {
        let mut data = data;
        if let Role::Echo { wants } = &mut self.role
            && wants.is_none()
        {
            *wants = data.first().copied();
            data = &data[1..];
        }
        if data.is_empty() {
            return;
        }
        self.expected.check(data);
        if let Role::Echo { .. } = self.role {
            // Where the other side is gone, that is seen by the next read.
            let _ = gen_tcp::send(self.socket, data.to_vec()).await;
        }
    }

    /// Spawns it, to go on when it is told: until it has the messages that were there, it could
    /// take later ones first. Who would tell it may be killed before.
    fn in_turn(self) -> Pid {
        let old = self_pid();
        spawn(async move {
            monitor(old);
            receive! {
                () => {}
                Down { .. } => {}
            }
            self.reads().await;
        })
    }

    /// Has somebody else go on. False where it goes on itself.
    async fn hands_over(&mut self) -> bool {
        let modes = [Mode::Passive, Mode::Once, Mode::Counted, Mode::Active];
        // Messages that are there go with the socket, so the heir has to look for them.
        let mode = match self.mode {
            Mode::Passive => modes[self.random.below(4)],
            mode => mode,
        };
        let heir = Reader {
            random: Random(self.random.below(1 << 30) as u64 + 1),
            mode,
            ..*self
        };
        let heir = heir.in_turn();
        if gen_tcp::controlling_process(self.socket, heir).is_err() {
            exit_signal(heir, Reason::Kill);
            return false;
        }
        send(heir, ());
        if port::owner(self.socket.port()) == Some(self_pid()) {
            // The end was among the messages: then it keeps the socket, which would go with it.
            let watch = monitor(heir);
            receive_match(|down: &Down| down.monitor == watch).await;
        }
        true
    }

    /// The end that the client asked for.
    async fn breaks(mut self) {
        let socket = self.socket;
        match self.random.below(7) {
            0 => drop(gen_tcp::close(socket).await),
            1 => exit("broken off").await,
            2 => exit_signal(self_pid(), Reason::Kill),
            3 => {
                let _ = gen_tcp::setopts(socket, [linger(true, 0)]);
                let _ = gen_tcp::close(socket).await;
            }
            4 => exit_signal(socket, "broken off"),
            5 => drop(gen_tcp::shutdown(socket, How::ReadWrite)),
            _ => {}
        }
    }

    async fn ends(self) {
        match self.role {
            Role::Echo { .. } => drop(gen_tcp::close(self.socket).await),
            Role::Tell { boss, .. } => {
                let _ = gen_tcp::close(self.socket).await;
                send(boss, Ended(self.socket, self.expected));
            }
        }
    }
}
