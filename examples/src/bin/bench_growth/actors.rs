//! Curves over the number of processes, of senders, and of links.
//!
//! Called by `point`, in the main process. Each makes its X processes, lets them run once, and then
//! measures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use runtime::prelude::*;

use crate::meter::{Draw, Meter, Sample};

/// What a process does in one go before it lets others run.
const PER_YIELD: u64 = 64;

/// Linked processes of one round of `exits`, at least.
const EXITS: u64 = 2000;

/// The sender is there.
struct Up;
/// The sender is about to end.
struct Gone;
/// The receiver is to end.
struct Stop;
/// What nobody sends.
struct Never;
/// Who is next in the ring.
struct Next(Pid);
/// Hops that the token has still to make.
struct Hops(u64);
/// The token has made all its hops.
struct Finished;
/// One of many messages to one process.
struct Item;

/// A ring of X processes in drawn order, one token; an operation is a hop.
pub(crate) async fn ring(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let main = self_pid();
    let mut nodes = vec![main; x as usize];
    for node in &mut nodes {
        *node = spawn(ring_node(main));
    }
    Draw::new().shuffle(&mut nodes);
    let after = nodes.iter().skip(1).chain(&nodes[..1]);
    for (node, next) in nodes.iter().zip(after) {
        send(*node, Next(*next));
    }
    let first = nodes[0];
    send(first, Hops(x));
    receive! { Finished => {} }
    meter.begin();
    send(first, Hops(ops));
    receive! { Finished => {} }
    meter.stop();
    meter.sample(x, ops)
}

async fn ring_node(main: Pid) {
    let next = receive! { Next(next) => next };
    loop {
        receive! {
            Hops(0) => send(main, Finished),
            Hops(left) => send(next, Hops(left - 1)),
        }
    }
}

/// X processes at a time that say that they are there, wait, are told to end, and say so; an
/// operation is one such life. Its memory is that of processes that wait.
pub(crate) async fn spawns(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let me = self_pid();
    let mut pids = vec![me; x as usize];
    let rounds = ops.div_ceil(x);
    for round in 0..=rounds {
        // The first round is there to warm up.
        if round > 0 {
            meter.begin();
        }
        for some in pids.chunks_mut(PER_YIELD as usize) {
            for pid in some.iter_mut() {
                *pid = spawn(async move {
                    send(me, Up);
                    receive! { Stop => send(me, Gone) }
                });
            }
            for _ in some {
                receive! { Up => {} }
            }
        }
        meter.weigh(x);
        for some in pids.chunks(PER_YIELD as usize) {
            for pid in some {
                send(*pid, Stop);
            }
            for _ in some {
                receive! { Gone => {} }
            }
        }
        if round > 0 {
            meter.stop();
        }
    }
    meter.sample(x, rounds * x)
}

/// X senders and one receiver; an operation is a message.
pub(crate) async fn senders(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let me = self_pid();
    let each = ops.div_ceil(x);
    let sender = || {
        spawn(async move {
            send(me, Up);
            receive! { Next(to) => flood(to, each).await }
        })
    };
    let senders: Vec<Pid> = (0..x).map(|_| sender()).collect();
    for _ in &senders {
        receive! { Up => {} }
    }
    meter.begin();
    for sender in senders {
        send(sender, Next(me));
    }
    for _ in 0..x * each {
        receive! { Item => {} }
    }
    meter.stop();
    meter.sample(x, x * each)
}

async fn flood(to: Pid, messages: u64) {
    for left in (1..=messages).rev() {
        send(to, Item);
        // Nothing interrupts a process that only sends.
        if left.is_multiple_of(PER_YIELD) {
            yield_now().await;
        }
    }
}

/// One process with X links; an operation takes a drawn one of them away and makes it again.
pub(crate) async fn links(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let wait = || {
        spawn(async {
            receive! { Never => {} }
        })
    };
    let others: Vec<Pid> = (0..x).map(|_| wait()).collect();
    for (n, other) in (1_u64..).zip(&others) {
        link(*other).expect("it lives");
        if n.is_multiple_of(PER_YIELD) {
            yield_now().await;
        }
    }
    yield_now().await;
    let mut draw = Draw::new();
    meter.begin();
    for n in 1..=ops {
        let other = others[draw.below(x) as usize];
        unlink(other);
        link(other).expect("it lives");
        if n.is_multiple_of(PER_YIELD) {
            yield_now().await;
        }
    }
    yield_now().await;
    meter.stop();
    meter.sample(x, ops)
}

/// A process with X links ends; an operation is one of those who are linked: it traps the exit
/// signal, receives it, and ends. Making and linking them is not measured.
pub(crate) async fn exits(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let main = self_pid();
    // With few links several such processes end at once, so that the clock is seldom read.
    let hubs_len = (EXITS / x).max(1);
    let rounds = ops.div_ceil(hubs_len * x);
    for _ in 0..rounds {
        let left = Arc::new(AtomicU64::new(hubs_len * x));
        let hub = || {
            spawn(async {
                receive! { Stop => {} }
            })
        };
        let hubs: Vec<Pid> = (0..hubs_len).map(|_| hub()).collect();
        for hub in &hubs {
            for n in 1..=x {
                spawn(linked(*hub, main, left.clone()));
                if n.is_multiple_of(PER_YIELD) {
                    yield_now().await;
                }
            }
        }
        for _ in 0..hubs_len * x {
            receive! { Up => {} }
        }
        meter.begin();
        for hub in hubs {
            send(hub, Stop);
        }
        receive! { Gone => {} }
        meter.stop();
    }
    meter.sample(x, rounds * hubs_len * x)
}

async fn linked(hub: Pid, main: Pid, left: Arc<AtomicU64>) {
    trap_exit(true);
    link(hub).expect("it lives");
    send(main, Up);
    receive! {
        Exit { .. } => {
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                send(main, Gone);
            }
        }
    }
}
