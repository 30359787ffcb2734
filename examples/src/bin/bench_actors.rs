//! The actor workloads on this runtime: what `tests/peers/compare actors` runs as `--ours`.
//!
//! `bench_actors WORK N THREADS` does N operations of one work on so many workers and prints a
//! line of JSON. Each work is the program of the same name in `tests/peers/erlang/actors_otp.erl`,
//! as a user of the runtime would write it: processes, plain types as messages, `receive!`.
//!
//! - A work is done once with N / 10 operations to warm up, then measured, both by the main
//!   process.
//! - `idle` counts memory from before the warm-up, so that what that left behind is no gift.
//! - Nothing interrupts a process that only sends, so one that sends much yields now and then.
//! - `links` ends its processes by exit signals. The reports of their ends are thrown away,
//!   because Erlang makes none for such an end.

use std::num::NonZero;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use examples::memory::resident_bytes;
use runtime::prelude::*;

/// Live processes at most, as for Erlang's `+P`.
const PROCESSES_MAX: u32 = 5_000_000;
/// Sends of a process between two yields.
const SENDS_PER_YIELD: u64 = 256;
/// Processes of the ring.
const RING: u64 = 1000;
/// Processes that send to one.
const SENDERS: u64 = 100;
/// Messages that stand before the replies in `selective`.
const OTHERS: u64 = 10_000;

/// The sender is there.
struct Up;
/// The sender is about to end.
struct Gone;
/// The receiver is to end.
struct Stop;
/// What nobody sends.
struct Never;
/// A ping of this process.
struct Ping(Pid);
/// What answers a ping.
struct Pong;
/// The token has made all its hops.
struct Finished;
/// What a part of the tree adds up to.
struct Sum(u64);
/// A message that is not asked for yet.
struct Other(#[expect(dead_code, reason = "nobody looks at it")] u64);
/// A call of this process, with its reference.
struct Call(Pid, Ref);
/// The reply to the call with this reference.
struct Reply(Ref);
/// The last process of a chain of links.
struct Deep(Pid);

/// A process that tells its parent that it is there, and ends; then the next.
async fn spawns(n: u64) {
    let me = self_pid();
    for _ in 0..n {
        spawn(async move { send(me, Up) });
        receive! { Up => {} }
    }
}

/// Two processes, N round trips.
async fn pingpong(n: u64) {
    let pong = spawn_link(async {
        loop {
            receive! {
                Ping(from) => send(from, Pong),
                Stop => break,
            }
        }
    });
    for _ in 0..n {
        send(pong, Ping(self_pid()));
        receive! { Pong => {} }
    }
    send(pong, Stop);
}

/// A ring of processes, the main one among them; one token, N hops.
async fn ring(n: u64) {
    let main = self_pid();
    let first = (0..RING).fold(main, |next, _| spawn(ring_node(next, main)));
    send(first, n);
    loop {
        receive! {
            Finished => break,
            hops: u64 if hops == 0 => break,
            hops: u64 => send(first, hops),
        }
    }
}

async fn ring_node(next: Pid, main: Pid) {
    loop {
        receive! {
            hops: u64 if hops == 0 => send(main, Finished),
            hops: u64 => send(next, hops - 1),
        }
    }
}

/// Many senders, N messages in all, one receiver. Gives the number of messages.
async fn fanin(n: u64) -> u64 {
    let me = self_pid();
    let each = (n / SENDERS).max(1);
    for _ in 0..SENDERS {
        spawn(async move {
            for left in (1..=each).rev() {
                send(me, left);
                if left % SENDS_PER_YIELD == 0 {
                    yield_now().await;
                }
            }
        });
    }
    for _ in 0..SENDERS * each {
        receive! { _: u64 => {} }
    }
    SENDERS * each
}

/// N processes that wait. Gives the memory of the whole program while they do.
async fn idle(n: u64) -> u64 {
    let me = self_pid();
    let idlers = (0..n).map(|_| {
        spawn(async move {
            send(me, Up);
            receive! { Stop => send(me, Gone) }
        })
    });
    let pids: Vec<Pid> = idlers.collect();
    for _ in &pids {
        receive! { Up => {} }
    }
    let resident = resident_bytes();
    for pid in &pids {
        send(*pid, Stop);
    }
    for _ in &pids {
        receive! { Gone => {} }
    }
    resident
}

/// A tree of ten children each with N leaves, N a power of ten; the sum of the leaves comes back.
async fn skynet(n: u64) {
    assert_eq!(10u64.pow(n.ilog10()), n, "the tree is whole");
    grow(0, n, self_pid());
    receive! { Sum(sum) => assert_eq!(sum, n * (n - 1) / 2) }
}

/// Grows the part of the tree that has the leaves from `first` on.
fn grow(first: u64, leaves: u64, parent: Pid) {
    spawn(async move {
        if leaves == 1 {
            return send(parent, Sum(first));
        }
        let each = leaves / 10;
        for child in 0..10 {
            grow(first + child * each, each, self_pid());
        }
        let mut total = 0;
        for _ in 0..10 {
            receive! { Sum(sum) => total += sum }
        }
        send(parent, Sum(total));
    });
}

/// Messages for later wait in the mailbox while N calls go to a server and back.
async fn selective(n: u64) {
    let server = spawn_link(async {
        loop {
            receive! {
                Call(from, reference) => send(from, Reply(reference)),
                Stop => break,
            }
        }
    });
    for number in 0..OTHERS {
        send(self_pid(), Other(number));
    }
    for _ in 0..n {
        let reference = make_ref();
        send(server, Call(self_pid(), reference));
        receive! {
            since(reference);
            Reply(to) if to == reference => {}
        }
    }
    for _ in 0..OTHERS {
        receive! { Other(_) => {} }
    }
    send(server, Stop);
}

/// A chain of N linked processes: the last is killed, all must end, up to the first.
async fn links(n: u64) {
    trap_exit(true);
    let main = self_pid();
    let first = spawn(link_down(n - 1, main));
    let (_, probe) = spawn_monitor(async {});
    receive! { Down { monitor, .. } if monitor == probe => {} }
    let watch = monitor(first);
    receive! { Deep(last) => exit_signal(last, "boom") }
    receive! { Down { monitor, .. } if monitor == watch => {} }
}

/// A process of the chain: linked to the next of those that are left, it waits.
async fn link_down(left: u64, main: Pid) {
    if left == 0 {
        send(main, Deep(self_pid()));
    } else {
        link_next(left - 1, main);
    }
    receive! { Never => {} }
}

/// Apart from `link_down`, whose type would else contain itself.
fn link_next(left: u64, main: Pid) {
    spawn_link(link_down(left, main));
}

/// N timers, each set far ahead and cancelled.
async fn timers(n: u64) {
    for left in (1..=n).rev() {
        let timer = start_timer(Duration::from_millis(60_000 + left % 1000), self_pid(), ());
        cancel_timer(timer);
    }
}

/// One pass of a work: its operations, and the memory that `idle` saw. `None` where there is no
/// such work.
async fn pass(work: &str, n: u64) -> Option<(u64, Option<u64>)> {
    let (mut ops, mut resident) = (n, None);
    match work {
        "spawn" => spawns(n).await,
        "pingpong" => pingpong(n).await,
        "ring" => ring(n).await,
        "fanin" => ops = fanin(n).await,
        "idle" => resident = Some(idle(n).await),
        "skynet" => skynet(n).await,
        "selective" => selective(n).await,
        "links" => links(n).await,
        "timers" => timers(n).await,
        _ => return None,
    }
    Some((ops, resident))
}

/// Warms up and measures. Gives the line to print.
async fn measure(work: String, n: u64) -> Option<String> {
    let before = resident_bytes();
    pass(&work, (n / 10).max(1)).await?;
    let start = Instant::now();
    let (ops, resident) = pass(&work, n).await?;
    let (seconds, ops) = (start.elapsed().as_secs_f64(), ops as f64);
    let memory = resident.map(|resident| {
        let each = resident.saturating_sub(before) as f64 / n as f64;
        format!(",\"bytes_per_proc\":{each:.1}")
    });
    let (ops_per_s, ns_per_op) = (ops / seconds, seconds * 1e9 / ops);
    let memory = memory.unwrap_or_default();
    Some(format!(
        "{{\"peer\":\"ours\",\"work\":\"{work}\",\"n\":{n},\
         \"ops_per_s\":{ops_per_s:.1},\"ns_per_op\":{ns_per_op:.1}{memory}}}"
    ))
}

fn main() -> runtime::Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [work, n, threads] = &args[..] else {
        eprintln!("bench_actors WORK N THREADS");
        return Ok(ExitCode::from(2));
    };
    let (n, threads) = (n.parse::<NonZero<u64>>()?.get(), threads.parse()?);
    let builder = Runtime::builder()
        .workers(threads)
        .processes_max(PROCESSES_MAX);
    let runtime = builder.on_crash(|_| {}).build()?;
    let Some(line) = runtime.block_on(measure(work.clone(), n))? else {
        eprintln!("bench_actors: no work is called {work}");
        return Ok(ExitCode::from(2));
    };
    println!("{line}");
    Ok(ExitCode::SUCCESS)
}
