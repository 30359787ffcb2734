//! A hundred thousand processes, killed at any moment, leave nothing behind (I-12, R26).
//!
//! They compute, receive, call, connect, accept, read and send, on real sockets and three workers;
//! each is killed at a moment drawn from a seed. Some have a name, timers, an alias, a monitor, a
//! link and unread messages. `KILLS` says how many there are in all: 7,000 where nothing is said
//! and the build is not optimised. Run by `.ci/run` with all of them; prints what it counted.
//!
//! Invariant: after each tenth nobody is there, no port, timer, name, unread message, and the
//! descriptors are those of the start; memory does not grow from the first half to the second.

#[allow(dead_code)] // of what it has this program needs the counting of bytes
#[path = "abuse/system.rs"]
mod system;
#[path = "kills/victim.rs"]
mod victim;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gen_tcp::{Error, Socket, opt::*};
use runtime::prelude::*;
use tests::alone::descriptors;
use tests::sockets::{SMALL, connect, listen, until_it_waits};
use tests::{LIMIT, Random, down, exit_of};
use victim::{Ask, Place, STATES, State, Token, Victim};

const WORKERS: usize = 3;
/// Processes that kill, one victim after the other, in each state.
const KILLERS: usize = 8;
const ROUNDS: usize = 10;
/// KiB that the second five rounds may have allocated more than those before them, the very first
/// apart: the least after a round counts, because threads keep some blocks for the next process.
const ALLOCATED_MAX: usize = 512;
/// Likewise, KiB of memory that the system has given.
const RESIDENT_MAX: usize = 4096;
/// A worker frees what the dead have left every so many slices; what it has when it falls asleep
/// waits for the next ones.
const SLICES: usize = 4096;

fn kills() -> usize {
    let asked = std::env::var("KILLS").map(|text| text.parse().expect("KILLS is a number"));
    asked.unwrap_or(if cfg!(debug_assertions) {
        7_000
    } else {
        100_000
    })
}

/// What killers meet at: who is called and connected to, and sockets to accept from.
#[derive(Clone)]
struct Stage {
    server: Pid,
    /// A listener that somebody accepts from.
    open: u16,
    /// A listener that takes nobody in.
    full: u16,
    /// A listener that victims accept from.
    door: Socket,
    token: Arc<()>,
}

/// Answers some calls at once, some late, and some never.
async fn server() {
    loop {
        let Call { from, request }: Call<Ask> = receive().await;
        match request.0 % 4 {
            0 => drop(from),
            1 => {
                spawn(async move {
                    yield_now().await;
                    reply(from, 1);
                });
            }
            n => reply(from, n),
        }
    }
}

/// Takes in whoever connects, and closes, until the end of the round.
async fn porter(listener: Socket) {
    while let Ok(socket) = gen_tcp::accept(listener).await {
        let _ = gen_tcp::close(socket).await;
    }
}

/// Waits for a moment in the victim's life.
async fn a_moment(random: &mut Random, victim: Pid) {
    match random.below(64) {
        0 => sleep(Duration::from_millis(1)).await,
        1..8 => {}
        8..24 => until_it_waits(victim).await,
        n => {
            for _ in 0..n / 2 {
                yield_now().await;
            }
        }
    }
}

/// Spawns a victim, kills it at some moment, and is told of it in all the ways.
async fn kill(stage: &Stage, state: State, random: &mut Random, own: (Socket, u16)) {
    let (me, salt) = (self_pid(), random.below(1 << 30));
    let place = match state {
        State::Accepting => Place::Door(stage.door),
        State::Connecting if salt % 2 == 0 => Place::Port(stage.full),
        State::Connecting => Place::Port(stage.open),
        State::Reading | State::Sending => Place::Port(own.1),
        _ => Place::Server(stage.server),
    };
    let life = Victim {
        state,
        place,
        salt,
        killer: me,
    };
    let spawn = Spawn::new().monitor().link();
    let (pid, watch) = spawn.spawn(life.live()).expect("there is room");
    for _ in 0..salt % 4 {
        send(pid, Token(stage.token.clone()));
    }
    let peer = match state {
        State::Reading | State::Sending => Some(peer(own.0, state, random).await),
        State::Accepting if salt % 2 == 0 => {
            Some(connect(port_of(stage.door), [linger(true, 0)]).await)
        }
        _ => None,
    };
    a_moment(random, pid).await;
    exit_signal(pid, Reason::Kill);
    assert_eq!(exit_of(pid).await, Reason::Killed, "{state:?}");
    assert_eq!(down(watch).await, Reason::Killed, "{state:?}");
    if let Some(peer) = peer {
        end_of(peer, state, salt).await;
    }
}

fn port_of(listener: Socket) -> u16 {
    gen_tcp::inet::port(listener).expect("it listens")
}

/// The other end of a victim's connection, with something to read for it.
async fn peer(listener: Socket, state: State, random: &mut Random) -> Socket {
    let accepted = gen_tcp::accept_timeout(listener, LIMIT).await;
    let socket = accepted.expect("the victim connects");
    if let State::Reading = state {
        for _ in 0..random.below(4) {
            let size = 1 + random.below(3000);
            let sent = gen_tcp::send(socket, vec![7; size]).await;
            assert_eq!(sent, Ok(()), "the victim lives");
        }
    }
    socket
}

/// The victim's end is closed: to the end of what it sent, or at once.
async fn end_of(peer: Socket, state: State, salt: usize) {
    if !salt.is_multiple_of(3) || state != State::Sending {
        loop {
            match gen_tcp::recv_timeout(peer, 0, LIMIT).await {
                Ok(_) => {}
                Err(Error::Closed | Error::Econnreset) => break,
                Err(error) => panic!("{state:?}: {error}"),
            }
        }
    }
    gen_tcp::close(peer).await.expect("close does not fail");
}

/// Kills so many, one after the other.
async fn killer(stage: Stage, state: State, seed: u64, kills: usize) {
    let mut random = Random(seed);
    let own = listen([recbuf(SMALL), linger(true, 0)]);
    for _ in 0..kills {
        kill(&stage, state, &mut random, own).await;
    }
}

/// Kills so many, in all states at once.
async fn round(kills: usize, seed: u64, token: Arc<()>) {
    let (full, full_port) = listen([backlog(0)]);
    let _held = connect(full_port, []).await;
    let (open, open_port) = listen([backlog(1024)]);
    let stage = Stage {
        server: spawn_link(server()),
        open: open_port,
        full: full_port,
        door: listen([backlog(1024)]).0,
        token,
    };
    for _ in 0..2 {
        spawn_link(porter(open));
    }
    // Who is not taken in by a victim is taken in by this one.
    spawn_link(porter(stage.door));
    let each = kills / STATES.len() / KILLERS;
    let mut extra = kills - each * STATES.len() * KILLERS;
    let mut killers = Vec::new();
    for n in 0..KILLERS {
        for state in STATES {
            let stage = stage.clone();
            let seed = seed * 1000 + (n * STATES.len()) as u64 + state as u64 + 1;
            let kills = each + std::mem::take(&mut extra);
            let spawn = Spawn::new().monitor().trap_exit();
            killers.push(spawn.spawn(killer(stage, state, seed, kills)));
        }
    }
    for killer in killers {
        let (_, watch) = killer.expect("there is room");
        let reason = down_late(watch).await;
        assert_eq!(reason, Reason::Normal, "a killer ended");
    }
    assert_eq!(registered(), [], "names that are left");
    gen_tcp::close(full).await.expect("close does not fail");
    exit("over").await
}

/// As `down`, with the patience that thousands of kills take.
async fn down_late(monitor: Ref) -> Reason {
    let limit = Duration::from_secs(600);
    let down = receive_match_timeout(|down: &Down| down.monitor == monitor, limit).await;
    down.expect("the killers come to their end").reason
}

/// Runs a round, and checks that nothing of it is left but memory.
fn leaves_nothing(runtime: &Runtime, kills: usize, seed: u64, descriptors_before: &[u64]) {
    let (handle, token) = (runtime.handle(), Arc::new(()));
    let ended = runtime.block_on(round(kills, seed, token.clone()));
    assert_eq!(ended, Err("over".into()));
    let left = || {
        let statistics = handle.statistics();
        (statistics.processes, statistics.ports, statistics.timers)
    };
    for _ in 0..30_000 {
        if left() == (0, 0, 0) && descriptors() == descriptors_before {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(left(), (0, 0, 0), "processes, ports and timers are left");
    assert_eq!(descriptors(), descriptors_before, "descriptors are left");
    assert_eq!(Arc::strong_count(&token), 1, "messages are left");
}

#[test]
fn killed_at_any_moment_they_leave_nothing_behind() {
    let kills = kills();
    let runtime = Runtime::builder().workers(WORKERS).on_crash(|_| {}).build();
    let runtime = runtime.expect("the system has what a runtime needs");
    let before = descriptors();
    let started = Instant::now();
    let mut memory = Vec::new();
    for n in 0..ROUNDS {
        leaves_nothing(&runtime, kills / ROUNDS, n as u64 + 1, &before);
        let lively = runtime.block_on(async {
            for _ in 0..SLICES {
                yield_now().await;
            }
        });
        assert_eq!(lively, Ok(()));
        system::trim();
        memory.push((system::live_bytes() >> 10, system::resident_bytes() >> 10));
    }
    println!(
        "{kills} kills in {} states, {WORKERS} workers: {:.1} s; left: 0 processes, 0 ports, 0 \
         timers, {} descriptors as at the start; KiB allocated and resident after each tenth: \
         {memory:?}",
        STATES.len(),
        started.elapsed().as_secs_f64(),
        before.len(),
    );
    let (first, second) = memory[1..].split_at(ROUNDS / 2 - 1);
    let least = |half: &[(usize, usize)]| {
        let allocated = half.iter().map(|(allocated, _)| *allocated).min();
        allocated.zip(half.iter().map(|(_, resident)| *resident).min())
    };
    let (first, second) = (
        least(first).expect("rounds"),
        least(second).expect("rounds"),
    );
    assert!(
        second.0 <= first.0 + ALLOCATED_MAX,
        "allocated memory is left"
    );
    assert!(
        second.1 <= first.1 + RESIDENT_MAX,
        "resident memory is left"
    );
}
