//! A storm of processes and ports on two to four workers: everything that one can do to another, by
//! all to all, until all are dead.
//!
//! A process draws what it does from a seed; whom it knows it was told by others, in messages. One
//! thread that is no worker takes part through a `Handle`. Invariant: after each round no process,
//! port, timer or message is left.

mod deeds;
mod life;
mod ticker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::port;
use runtime::prelude::*;
use tests::Random;

use crate::common::{self, Load, until_empty};
use life::{Life, News};

/// Processes that a round begins with; each has children, and these have, too.
const FOUNDERS: u64 = 24;
const GENERATIONS: u32 = 2;

/// One round.
pub(crate) fn round(workers: usize, seed: u64) {
    let runtime = common::runtime(workers);
    let handle = runtime.handle();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let started = move |storm| std::thread::spawn(move || stranger(&handle, seed, storm, &stopped));
    let ended = runtime.block_on(async move {
        let stranger = started(self_pid());
        storm(seed).await;
        stop.store(true, Ordering::Relaxed);
        let joined = runtime::blocking(|| stranger.join()).await;
        joined
            .expect("it is let run")
            .expect("the stranger does not fail");
        sweep().await;
    });
    assert_eq!(ended, Ok(()), "seed {seed}");
    until_empty(&runtime, "a round of actors");
    let late = runtime.shutdown(Duration::from_secs(60)).late;
    assert!(late.is_empty(), "still running: {late:?}");
}

/// Spawns the founders, sees them die, and has those that are left killed.
async fn storm(seed: u64) {
    trap_exit(true);
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut founders: Vec<(Pid, Ref)> = Vec::new();
    for n in 0..FOUNDERS {
        let known = founders.iter().map(|(pid, _)| (*pid).into()).collect();
        let life = Life::new(seed * 1000 + n, GENERATIONS, self_pid(), known);
        let founder = Spawn::new().monitor().spawn(life.live());
        founders.push(founder.expect("there is room"));
    }
    for (pid, _) in &founders {
        let whom = founders[random.below(founders.len())].0.into();
        let load = Load::new(&mut random);
        send(*pid, News { load, whom });
    }
    for (_, watch) in founders {
        receive_match(|down: &Down| down.monitor == watch).await;
    }
    sweep().await;
}

/// Kills who waits for nothing, and closes ports that nobody owns.
async fn sweep() {
    loop {
        let others: Vec<Pid> = processes()
            .into_iter()
            .filter(|pid| *pid != self_pid())
            .collect();
        let ports = port::ports();
        if others.is_empty() && ports.is_empty() {
            return;
        }
        for pid in others {
            exit_signal(pid, Reason::Kill);
        }
        for id in ports {
            exit_signal(id, Reason::Kill);
        }
        yield_now().await;
    }
}

/// A thread that is no worker: spawns, sends, kills and asks, until it is told to stop.
fn stranger(handle: &Handle, seed: u64, storm: Pid, stopped: &AtomicBool) {
    let mut random = Random(seed.wrapping_add(77) | 1);
    let mut known: Vec<Pid> = Vec::new();
    for n in 0.. {
        if stopped.load(Ordering::Relaxed) {
            return;
        }
        let whom = known.iter().map(|pid| (*pid).into()).collect();
        let life = Life::new(seed * 1000 + 500 + n, 0, storm, whom);
        let pid = handle.spawn(life.live());
        if known.len() < 4 {
            known.push(pid);
        }
        let old = random.below(known.len());
        let load = Load::new(&mut random);
        let whom = pid.into();
        handle.send(known[old], News { load, whom });
        if n % 3 == 0 {
            handle.exit_signal(known[old], "kill");
            known[old] = pid;
        }
        if n % 16 == 0 {
            let _ = (handle.process_table(), handle.port_table());
        }
        handle.whereis(life::NAMES[random.below(life::NAMES.len())]);
        let _ = handle.statistics();
        std::thread::sleep(Duration::from_micros(300));
    }
}
