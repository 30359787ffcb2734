//! R20: events for what is gone, when its number is somebody else's. R21: closing twice. R40:
//! descriptors in the programs that this one starts.

use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gen_tcp::{How, Socket, Tcp, inet, opt::*};
use runtime::port::{self, Driver, PortCx, Readiness, Source, Turn};
use runtime::prelude::*;
use tests::alone::{alone, descriptors};
use tests::foreign::{connected, through};
use tests::puppet::drain;
use tests::sockets::{HOST, eventually, listen, message, recv};
use tests::{Foreign, LIMIT, Random, down, real};

/// The number of a socket's descriptor.
fn number(socket: Socket) -> i32 {
    gen_tcp::with_fd(socket, |fd| fd.as_raw_fd()).expect("it is open")
}

/// One round: a socket is closed, another gets its number, and the old connection goes on making
/// events: through a copy of its descriptor, or because they were on their way already. The peer of
/// the round before ends in the middle of it.
async fn reused(copied: bool, listener: &TcpListener, before: &mut Foreign) -> bool {
    let (old, old_peer) = through(listener, [active(true)]).await;
    let old_number = number(old);
    let copy: Option<OwnedFd> = copied.then(|| {
        let copy = gen_tcp::with_fd(old, |fd| fd.try_clone_to_owned());
        copy.expect("it is open").expect("there are descriptors")
    });
    if !copied {
        old_peer.write(b"stale");
    }
    gen_tcp::close(old).await.expect("close does not fail");
    let (new, new_peer) = through(listener, [active(true), packet(1)]).await;
    let same = number(new) == old_number;
    if copied {
        old_peer.write(b"stale");
    }
    std::mem::replace(before, old_peer).reset();
    new_peer.write(b"\x05fresh");
    assert_eq!(tests::sockets::data(new).await, b"fresh");
    drop(copy);
    new_peer.write(b"\x04more");
    assert_eq!(tests::sockets::data(new).await, b"more");
    // No connection stays behind in the kernel's memory: it has a limited number of ports.
    new_peer.reset();
    assert_eq!(message(new).await, Tcp::Closed(new));
    let strange: Vec<Tcp> = drain().await;
    let strange = strange.iter().filter(|message| message.socket() != old);
    assert_eq!(strange.count(), 0);
    same
}

#[test]
fn r20_an_event_of_a_closed_socket_never_reaches_the_next_with_its_number() {
    let name = "r20_reuse::r20_an_event_of_a_closed_socket_never_reaches_the_next_with_its_number";
    alone(name, || {
        real(2, async {
            let listener = TcpListener::bind((HOST, 0)).expect("a port is free");
            let (_first, mut peer) = through(&listener, []).await;
            let rounds = 1000;
            let mut same = 0;
            for round in 0..rounds {
                same += usize::from(reused(round % 2 == 0, &listener, &mut peer).await);
            }
            let stale = runtime::statistics().stale_events;
            println!("{same} of {rounds} rounds had the same number, {stale} events were stale");
            assert!(same > rounds / 4, "only {same} of {rounds}");
        });
    });
}

/// A port with a source, whose `ready` may have to wait until another port has been closed.
struct Ear {
    source: UdpSocket,
    /// `ready` has begun, and may go on.
    gate: Option<Arc<[AtomicBool; 2]>>,
}

/// A port was told of its source.
#[derive(Debug, PartialEq)]
struct Heard(PortId);

fn wait_for(flag: &AtomicBool) {
    while !flag.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
}

impl Driver for Ear {
    fn name(&self) -> &'static str {
        "ear"
    }

    fn start(&mut self, cx: &mut PortCx<'_>) -> std::io::Result<()> {
        cx.register(Source::Fd(self.source.as_fd()))
    }

    fn ready(&mut self, cx: &mut PortCx<'_>, readiness: Readiness) -> Turn {
        // That it may be written to is told of each.
        if !readiness.readable {
            return Turn::Done;
        }
        if let Some(gate) = &self.gate {
            gate[0].store(true, Ordering::SeqCst);
            wait_for(&gate[1]);
        }
        cx.send_owner(Heard(cx.id()));
        Turn::Done
    }

    fn stop(&mut self, cx: &mut PortCx<'_>) {
        cx.deregister(Source::Fd(self.source.as_fd()));
    }
}

/// Two sources become ready together; while a worker hands the first event to its port another
/// one closes the second port, and opens a third. Gives how many events were stale.
async fn an_event_for_the_dead() -> u64 {
    let socket = || UdpSocket::bind((HOST, 0)).expect("a port is free");
    let (gate, began) = (Arc::new(<[AtomicBool; 2]>::default()), Arc::default());
    let [first, second] = [Some(gate.clone()), None].map(|gate| {
        let source = socket();
        let address = source.local_addr().expect("it is bound");
        let ear = Ear { source, gate };
        (port::open(ear).expect("it starts"), address)
    });
    let before = runtime::statistics().stale_events;
    let begins: Arc<AtomicBool> = Arc::clone(&began);
    let (closer, watch) = spawn_monitor(async move {
        begins.store(true, Ordering::SeqCst);
        wait_for(&gate[0]);
        port::close(second.0).expect("it is open");
        let third = Ear {
            source: UdpSocket::bind((HOST, 0)).expect("a port is free"),
            gate: None,
        };
        let third = port::open(third).expect("it starts");
        gate[1].store(true, Ordering::SeqCst);
        assert_eq!(
            receive_timeout(Duration::from_millis(20)).await,
            None::<Heard>
        );
        port::close(third).expect("it is open");
    });
    // The other worker is held by then, so that both events are fetched by this one, and at once.
    while !began.load(Ordering::SeqCst) {
        yield_now().await;
    }
    let sender = socket();
    for (_, address) in [first, second] {
        sender.send_to(b"x", address).expect("there is room");
    }
    let heard: Heard = receive().await;
    assert!([first.0, second.0].contains(&heard.0));
    assert_eq!(down(watch).await, Reason::Normal, "{closer}");
    drain::<Heard>().await;
    port::close(first.0).expect("it is open");
    runtime::statistics().stale_events - before
}

#[test]
fn r20_an_event_that_was_on_its_way_is_counted_and_reaches_nobody() {
    real(2, async {
        for round in 0..100 {
            if an_event_for_the_dead().await > 0 {
                println!("in round {round}");
                return;
            }
        }
        panic!("no event was stale");
    });
}

/// Ends a socket in one of the ways that there are.
async fn end(way: usize, socket: Socket) {
    match way {
        0 => gen_tcp::close(socket).await.expect("close does not fail"),
        1 => drop(port::close(socket.port())),
        2 => exit_signal(socket, Reason::Normal),
        3 => drop(gen_tcp::take_fd(socket)),
        _ => exit_signal(socket, Reason::Kill),
    }
}

// A descriptor that is closed twice is somebody else's the second time.
#[test]
fn r21_closing_from_everywhere_closes_one_descriptor_once() {
    let name = "r20_reuse::r21_closing_from_everywhere_closes_one_descriptor_once";
    alone(name, || {
        real(3, async {
            trap_exit(true);
            let (first, _peer) = connected([]).await;
            let before = descriptors();
            let mut random = Random(21);
            for _ in 0..300 {
                let (victim, victim_peer) = connected([]).await;
                let watches: Vec<Ref> = (0..4)
                    .map(|_| random.below(5))
                    .map(|way| spawn_monitor(end(way, victim)).1)
                    .collect();
                // Meanwhile others get the numbers that become free.
                let (other, other_peer) = connected([]).await;
                other_peer.write(b"x");
                assert_eq!(recv(other, 1).await, Ok(b"x".to_vec()));
                for watch in watches {
                    down(watch).await;
                }
                gen_tcp::send(other, "y")
                    .await
                    .expect("it is somebody else's");
                assert_eq!(other_peer.read(1).await.expect("it comes"), b"y");
                assert_eq!(victim_peer.read_to_end().await.0, b"");
                gen_tcp::close(other).await.expect("close does not fail");
                assert_eq!(gen_tcp::close(victim).await, Ok(()));
                drain::<Exit>().await;
            }
            assert!(inet::is_open(first));
            eventually(|| descriptors() == before).await;
        });
    });
}

/// One operation of any kind, whatever the socket says to it.
async fn operation(kind: usize, socket: Socket) {
    let soon = Duration::from_millis(1);
    match kind {
        0 => {
            let _ = gen_tcp::recv_timeout(socket, 0, soon).await;
        }
        1 => {
            let _ = gen_tcp::send(socket, "x").await;
        }
        2 => {
            let _ = gen_tcp::shutdown(socket, How::Write);
        }
        3 => {
            let _ = inet::setopts(socket, [active(ONCE)]);
        }
        4 => {
            let _ = inet::setopts(socket, [active(false), packet(4)]);
        }
        5 => {
            let _ = gen_tcp::unrecv(socket, "ab");
        }
        6 => {
            let _ = gen_tcp::controlling_process(socket, self_pid());
        }
        7 => {
            let _ = inet::getstat(socket, [inet::Stat::RecvOct]);
        }
        8 => {
            let _ = gen_tcp::accept_timeout(socket, soon).await;
        }
        9 => {
            let _ = gen_tcp::connect_timeout([0, 0, 0, 0], 9, [], soon).await;
        }
        10 => {
            let _ = link(socket);
        }
        11 => {
            let _ = gen_tcp::recv_timeout(socket, 3, soon).await;
        }
        _ => gen_tcp::close(socket).await.expect("close does not fail"),
    }
}

#[test]
fn r21_random_operations_of_three_processes_leave_nothing_behind() {
    let name = "r20_reuse::r21_random_operations_of_three_processes_leave_nothing_behind";
    alone(name, || {
        real(3, async {
            trap_exit(true);
            let (_first, _peer) = connected([]).await;
            let before = descriptors();
            for seed in 1..120u64 {
                let (socket, foreign) = connected([active(seed % 2 == 0)]).await;
                let watches: Vec<Ref> = (0..3)
                    .map(|process| {
                        let mut random = Random(seed * 7 + process);
                        let work = async move {
                            trap_exit(true);
                            for _ in 0..20 {
                                operation(random.below(13), socket).await;
                            }
                        };
                        spawn_monitor(work).1
                    })
                    .collect();
                foreign.write(b"some bytes");
                if seed % 3 == 0 {
                    foreign.reset();
                } else {
                    drop(foreign);
                }
                for watch in watches {
                    assert_eq!(down(watch).await, Reason::Normal, "seed {seed}");
                }
                gen_tcp::close(socket).await.expect("close does not fail");
                assert_eq!(inet::states(socket), ["closed"]);
            }
            eventually(|| descriptors() == before).await;
        });
    });
}

/// The descriptors of a program that is started now, as it lists them.
fn listing() -> String {
    let mut list = Command::new("ls");
    list.args(["-l", "/proc/self/fd"])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    String::from_utf8_lossy(&list.output().expect("it is there").stdout).into_owned()
}

fn entries(listing: &str) -> usize {
    listing.lines().filter(|line| line.contains(" -> ")).count()
}

#[test]
fn r40_a_program_that_is_started_under_load_has_no_descriptor_of_ours() {
    // What a program has that is started from here: its own three, and whatever this one was given.
    let quiet = entries(&listing());
    assert!(
        quiet >= 3,
        "a program has three descriptors and the folder that it reads"
    );
    real(2, async move {
        let (listener, port) = listen([]);
        let acceptor = spawn(async move {
            loop {
                let socket = gen_tcp::accept(listener).await.expect("it is open");
                drop(gen_tcp::recv_timeout(socket, 1, LIMIT).await);
                gen_tcp::close(socket).await.expect("close does not fail");
            }
        });
        let client = spawn(async move {
            loop {
                let socket = gen_tcp::connect([127, 0, 0, 1], port, [active(false)]).await;
                let socket = socket.expect("somebody listens");
                let _ = gen_tcp::send(socket, "x").await;
                gen_tcp::close(socket).await.expect("close does not fail");
            }
        });
        for _ in 0..40 {
            let listing = runtime::blocking(listing).await;
            let listing = listing.expect("the closure does not panic");
            assert_eq!(entries(&listing), quiet, "{listing}");
            let strange = listing
                .lines()
                .filter(|line| line.contains("socket:") || line.contains("anon_inode:"));
            assert_eq!(strange.count(), 0, "{listing}");
        }
        for pid in [client, acceptor] {
            let watch = monitor(pid);
            exit_signal(pid, Reason::Kill);
            assert_eq!(down(watch).await, Reason::Killed, "it ran all the time");
        }
    });
}
