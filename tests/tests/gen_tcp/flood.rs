//! Lines 66 and 67: hand-overs under a flood of data, and with the close racing.
//!
//! The socket goes round a ring of processes. Each checks what it gets against the one stream that
//! the peer sends without a pause: who owns the socket next goes on where the one before it left
//! off, so a byte that is lost, doubled or out of order is seen. Invariant of the ring: a process
//! that has handed the socket over has seen all that it took out of its mailbox, and takes nothing
//! more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use gen_tcp::packet::HttpPacket;
use gen_tcp::{Active, Error, PacketType, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::connected;
use tests::puppet::drain;
use tests::sockets::{message, recv};
use tests::{Foreign, Random, Stream, down, next, real};

/// How many hand-overs a flood has to survive.
const HAND_OVERS: usize = 1000;
/// Processes in the ring.
const RING: usize = 4;
/// How far the peer may be ahead of the readers.
const AHEAD_MAX: usize = 1 << 20;

/// Computes without an await for a while: what comes meanwhile waits outside of the mailbox.
fn compute(random: &mut Random) {
    for n in 0..random.below(20_000) {
        std::hint::black_box(n);
    }
}

/// The turn: sent to who owns the socket now.
struct Turn {
    socket: Socket,
    left: usize,
}

/// What the processes of a ring share.
#[derive(Clone)]
struct Ring {
    mode: Active,
    reader: Arc<Mutex<Stream>>,
    done: Pid,
}

impl Ring {
    fn check(&self, bytes: &[u8]) {
        self.reader
            .lock()
            .expect("nobody panics with it")
            .check(bytes);
    }

    /// Bytes that have been checked.
    fn at(&self) -> usize {
        self.reader.lock().expect("nobody panics with it").at
    }

    /// Takes one delivery, and sets the mode anew where that is due.
    async fn take(&self, socket: Socket) {
        if self.mode == Active::False {
            return self.check(&recv(socket, 0).await.expect("the peer sends"));
        }
        match message(socket).await {
            Tcp::Data(_, data) => {
                self.check(&data);
                if self.mode == Active::Once {
                    inet::setopts(socket, [active(ONCE)]).expect("it is open");
                }
            }
            Tcp::Passive(_) => inet::setopts(socket, [active(self.mode)]).expect("it is open"),
            other => panic!("came {other:?}"),
        }
    }

    /// One process of the ring.
    async fn member(self, place: usize, next: impl Fn() -> Pid) {
        let mut random = Random(0x5eed + place as u64);
        loop {
            let Turn { socket, left } = receive().await;
            for _ in 0..random.below(4) {
                self.take(socket).await;
            }
            compute(&mut random);
            if left == 0 {
                gen_tcp::controlling_process(socket, self.done).expect("it is open");
                send(self.done, socket);
                continue;
            }
            let to = next();
            gen_tcp::controlling_process(socket, to).expect("it is open");
            // Whatever of it were here now would never be seen by anybody.
            let left_behind: Vec<Tcp> = drain().await;
            assert_eq!(left_behind.len(), 0, "messages are left behind");
            let left = left - 1;
            send(to, Turn { socket, left });
        }
    }
}

/// A peer that sends the stream until it is told to stop; gives how much it was. It is ahead of the
/// readers all the time, but not without end: `true` has no flow control, and each hand-over moves
/// all that has come.
fn flood(foreign: Foreign, ring: Ring, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<usize> {
    std::thread::spawn(move || {
        use std::io::Write;
        let mut stream = Stream::default();
        let mut random = Random(66);
        while !stop.load(Ordering::Relaxed) {
            if stream.at > ring.at() + AHEAD_MAX {
                std::thread::yield_now();
                continue;
            }
            let piece = stream.take(1 + random.below(3000));
            (&*foreign.0).write_all(&piece).expect("it is read");
        }
        foreign.finish();
        stream.at
    })
}

/// The whole of line 66 in one mode.
async fn hand_over_under_a_flood(mode: Active) {
    let (socket, foreign) = connected([buffer(2000), active(mode)]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let ring = Ring {
        mode,
        reader: Arc::default(),
        done: self_pid(),
    };
    let members: Arc<Mutex<Vec<Pid>>> = Arc::default();
    for place in 0..RING {
        let (ring, others) = (ring.clone(), members.clone());
        let next = move || others.lock().expect("nobody panics with it")[(place + 1) % RING];
        let pid = spawn_link(ring.member(place, next));
        members.lock().expect("nobody panics with it").push(pid);
    }
    let first = members.lock().expect("nobody panics with it")[0];
    gen_tcp::controlling_process(socket, first).expect("it is open");
    let peer = flood(foreign, ring.clone(), stop.clone());
    send(
        first,
        Turn {
            socket,
            left: HAND_OVERS,
        },
    );
    assert_eq!(next::<Socket>().await, socket);
    stop.store(true, Ordering::Relaxed);
    // The rest is ours, to the end.
    loop {
        if mode == Active::False {
            match recv(socket, 0).await {
                Ok(data) => ring.check(&data),
                Err(error) => break assert_eq!(error, Error::Closed),
            }
        } else {
            match message(socket).await {
                Tcp::Data(_, data) => {
                    ring.check(&data);
                    if mode == Active::Once {
                        inet::setopts(socket, [active(ONCE)]).expect("it is open");
                    }
                }
                Tcp::Passive(_) => inet::setopts(socket, [active(mode)]).expect("it is open"),
                other => break assert_eq!(other, Tcp::Closed(socket)),
            }
        }
    }
    let sent = peer.join().expect("the peer does not panic");
    assert_eq!(ring.at(), sent);
}

// CTL-1, MSG-8
#[test]
fn t66_a_thousand_hand_overs_under_a_flood_active_true() {
    real(2, hand_over_under_a_flood(Active::True));
}

// CTL-1, MSG-8
#[test]
fn t66_a_thousand_hand_overs_under_a_flood_active_once() {
    real(2, hand_over_under_a_flood(Active::Once));
}

// CTL-1, MSG-8
#[test]
fn t66_a_thousand_hand_overs_under_a_flood_active_n() {
    real(2, hand_over_under_a_flood(Active::N(3)));
}

// CTL-1, MSG-8
#[test]
fn t66_a_thousand_hand_overs_under_a_flood_passive() {
    real(2, hand_over_under_a_flood(Active::False));
}

/// Numbered requests, a header each.
fn requests(count: usize) -> String {
    (0..count)
        .map(|n| format!("GET /{n} HTTP/1.1\r\nHost: {n}\r\n\r\n"))
        .collect()
}

/// The numbers in http messages, and how many packets there were.
#[derive(Default)]
struct Seen {
    numbers: Vec<usize>,
    packets: usize,
    closed: usize,
}

impl Seen {
    fn add(&mut self, message: Tcp) {
        let packet = match message {
            Tcp::Http(_, http) => http.packet,
            Tcp::Closed(_) => return self.closed += 1,
            Tcp::Passive(_) => return,
            other => panic!("came {other:?}"),
        };
        assert_eq!(self.closed, 0, "behind tcp_closed came {packet:?}");
        self.packets += 1;
        let number = match packet {
            HttpPacket::Request {
                uri: gen_tcp::packet::Uri::AbsPath(path),
                ..
            } => path[1..].to_vec(),
            HttpPacket::Header { value, .. } => value,
            HttpPacket::EndOfHeaders => return,
            other => panic!("came {other:?}"),
        };
        let number = String::from_utf8_lossy(&number).into_owned();
        self.numbers.push(number.parse().expect("a number"));
    }
}

/// Sets the mode anew, where the message has used it up.
fn renew(socket: Socket, mode: Active, message: &Tcp) {
    let used_up = match message {
        Tcp::Passive(_) => true,
        Tcp::Closed(_) => false,
        _ => mode == Active::Once,
    };
    if used_up {
        // The port may have ended meanwhile.
        let _ = inet::setopts(socket, [active(mode)]);
    }
}

/// One connection: requests and the close come while the socket changes hands; gives who has what.
async fn race(random: &mut Random, exit: bool, mode: Active, count: usize) -> Seen {
    let options = [packet(PacketType::Http), exit_on_close(exit), active(mode)];
    let (socket, foreign) = connected(options).await;
    let mut seen = Seen::default();
    let me = self_pid();
    let (heir, watch) = spawn_monitor(async move {
        receive::<()>().await;
        let mut seen = Seen::default();
        while seen.closed == 0 {
            let message = message(socket).await;
            renew(socket, mode, &message);
            seen.add(message);
        }
        send(me, seen);
    });
    let text = requests(count);
    let peer = std::thread::spawn(move || foreign.write(text));
    for _ in 0..random.below(3 * count) {
        if let Some(message) = receive_timeout::<Tcp>(std::time::Duration::ZERO).await {
            renew(socket, mode, &message);
            seen.add(message);
        }
        if random.below(8) == 0 {
            yield_now().await;
        }
    }
    compute(random);
    let handed = gen_tcp::controlling_process(socket, heir);
    peer.join().expect("the peer does not panic");
    if handed == Ok(()) && seen.closed == 0 {
        let left: Vec<Tcp> = drain().await;
        assert_eq!(left.len(), 0, "messages are left behind");
        send(heir, ());
        let rest: Seen = next().await;
        seen.numbers.extend(rest.numbers);
        seen.packets += rest.packets;
        seen.closed += rest.closed;
    } else {
        // The port had ended: all of it is here (4.2 step 1).
        assert!(matches!(handed, Ok(()) | Err(Error::Closed)), "{handed:?}");
        drain::<Tcp>()
            .await
            .into_iter()
            .for_each(|message| seen.add(message));
        exit_signal(heir, Reason::Kill);
    }
    down(watch).await;
    let _ = gen_tcp::close(socket).await;
    seen
}

// CTL-1, CTL-2, 4.2 steps 1 and 5
#[test]
fn t67_http_packets_and_a_racing_close_go_to_one_owner_in_order() {
    real(2, async {
        let mut random = Random(67);
        let count = 12;
        let expected: Vec<usize> = (0..count).flat_map(|n| [n, n]).collect();
        for round in 0..400 {
            let exit = round % 2 == 0;
            let mode = [Active::True, Active::N(5), Active::Once][round % 3];
            let seen = race(&mut random, exit, mode, count).await;
            assert_eq!(seen.numbers, expected, "round {round}");
            assert_eq!((seen.packets, seen.closed), (3 * count, 1), "round {round}");
        }
    });
}
