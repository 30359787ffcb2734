//! Many processes on real workers: what comes and goes leaves nothing behind, and no wake-up is
//! lost.
//!
//! Each test has a bound that only a hanging runtime reaches; none depends on speed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use runtime::port::{self, Driver, PortCx, Readiness, Turn};
use runtime::prelude::*;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs the main process; fails where it hangs, and where anything is left when it is over.
#[allow(clippy::disallowed_methods)] // a thread, so that a main process that hangs is seen
fn on<F>(workers: usize, main: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = Runtime::builder().workers(workers).on_crash(|_| {}).build();
    let runtime = runtime.expect("the system has what a runtime needs");
    let handle = runtime.handle();
    let (tell, told) = channel();
    let waiter = std::thread::spawn(move || {
        let ended = runtime.block_on(main);
        // What is on its way to its end gets there by itself, without a shutdown.
        for _ in 0..20_000 {
            if handle.process_count() == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let left = (handle.process_count(), handle.port_count());
        let _ = tell.send((ended, left));
    });
    match told.recv_timeout(LIMIT) {
        Ok((ended, left)) => {
            assert_eq!(ended, Ok(()));
            assert_eq!(left, (0, 0), "processes and ports that are left");
            waiter.join().expect("the runtime ends");
        }
        Err(_) => panic!("it hangs"),
    }
}

async fn down(watch: Ref) -> Reason {
    receive_match(|down: &Down| down.monitor == watch)
        .await
        .reason
}

/// I-12: a hundred thousand processes, linked, watched and killed, in all the ways at once.
#[test]
fn a_hundred_thousand_that_come_and_go() {
    on(4, async {
        let workers: Vec<Ref> = (0..50u32)
            .map(|n| {
                spawn_monitor(async move {
                    for _ in 0..40 {
                        brood(n).await
                    }
                })
                .1
            })
            .collect();
        for watch in workers {
            assert_eq!(down(watch).await, Reason::Normal);
        }
    });
}

/// Fifty processes: a parent that traps exits, children linked to it and to each other, watched,
/// killed, leaving, panicking.
async fn brood(salt: u32) {
    let (_, watch) = Spawn::new()
        .trap_exit()
        .monitor()
        .spawn(family(salt))
        .expect("room");
    assert_eq!(down(watch).await, Reason::Normal);
}

async fn family(salt: u32) {
    let mut watches = Vec::new();
    let mut last: Option<Pid> = None;
    for n in 0..49u32 {
        let brother = last;
        let child = async move {
            if let Some(brother) = brother {
                link(brother).ok();
            }
            match (n + salt) % 4 {
                0 => {}
                1 => exit("left").await,
                2 => std::panic::resume_unwind(Box::new("quietly")),
                _ => std::future::pending().await,
            }
        };
        let spawn = Spawn::new().monitor();
        let spawn = if n % 2 == 0 { spawn.link() } else { spawn };
        let (pid, watch) = spawn.spawn(child).expect("there is room");
        if n % 5 == 0 {
            exit_signal(pid, "kill");
        }
        if n % 7 == 0 {
            unlink(pid);
            monitor(pid);
        }
        watches.push((pid, watch));
        last = Some(pid);
    }
    for (pid, watch) in watches {
        exit_signal(pid, "kill");
        down(watch).await;
    }
}

/// R-12, I-1: players on four workers that pass balls, yield now and then, and lose none.
#[test]
fn r_12_ping_pong_loses_no_wake_up() {
    struct Ball(u32);
    on(4, async {
        let me = self_pid();
        let players: Vec<Pid> = (0..16u32)
            .map(|n| {
                spawn_link(async move {
                    let others: Vec<Pid> = receive().await;
                    let mut random = n + 1;
                    loop {
                        let Ball(left) = receive().await;
                        if left == 0 {
                            send(me, ());
                            continue;
                        }
                        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        if random % 8 == 0 {
                            yield_now().await;
                        }
                        send(
                            others[(random >> 16) as usize % others.len()],
                            Ball(left - 1),
                        );
                    }
                })
            })
            .collect();
        for player in &players {
            send(*player, players.clone());
        }
        for player in &players {
            send(*player, Ball(5000));
        }
        for _ in &players {
            receive::<()>().await;
        }
        for player in players {
            unlink(player);
            exit_signal(player, "kill");
        }
    });
}

/// two that go to sleep after each message: each wake-up is of a sleeping worker.
#[test]
fn r_12_sleeping_workers_are_woken() {
    for workers in [1, 2, 4] {
        on(workers, async {
            let me = self_pid();
            let echo = spawn_link(async move {
                loop {
                    let n: u32 = receive().await;
                    send(me, n);
                }
            });
            for n in 0..3000u32 {
                send(echo, n);
                assert_eq!(receive::<u32>().await, n);
                if n % 100 == 0 {
                    sleep(Duration::from_micros(200)).await;
                }
            }
            unlink(echo);
            exit_signal(echo, "kill");
        });
    }
}

/// wake-ups from threads that are no workers, while all workers sleep.
#[test]
fn r_12_wake_ups_from_outside() {
    on(3, async {
        for n in 0..2000u32 {
            assert_eq!(runtime::blocking(move || n).await, Ok(n));
        }
    });
}

/// I-12: ports that come and go with their owners, by every way to end, and timers of theirs.
#[test]
fn ports_that_come_and_go() {
    struct Ticking;
    impl Driver for Ticking {
        fn name(&self) -> &'static str {
            "ticking"
        }
        fn start(&mut self, cx: &mut PortCx<'_>) -> std::io::Result<()> {
            cx.set_timer(Duration::from_micros(50));
            Ok(())
        }
        fn ready(&mut self, _: &mut PortCx<'_>, _: Readiness) -> Turn {
            Turn::Done
        }
        fn timeout(&mut self, cx: &mut PortCx<'_>) {
            cx.send_owner(());
            cx.set_timer(Duration::from_micros(50));
        }
        fn stop(&mut self, _: &mut PortCx<'_>) {}
    }
    on(4, async {
        for round in 0..300u32 {
            let watches: Vec<(Pid, Ref)> = (0..10)
                .map(|n| {
                    spawn_monitor(async move {
                        let ports: Vec<PortId> = (0..3)
                            .map(|_| port::open(Ticking).expect("it starts"))
                            .collect();
                        match (n + round) % 5 {
                            0 => {}
                            1 => exit("left").await,
                            2 => receive::<()>().await,
                            3 => exit_signal(ports[1], "boom"),
                            _ => std::future::pending().await,
                        }
                    })
                })
                .collect();
            for (pid, _) in watches.iter().skip(4) {
                exit_signal(*pid, "kill");
            }
            yield_now().await;
            for (pid, watch) in watches {
                exit_signal(pid, "kill");
                down(watch).await;
            }
        }
    });
}

/// P-3, R-12: processes that are looked up, sent to and asked while they die, from all sides.
#[test]
fn the_dying_are_asked_from_all_sides() {
    on(4, async {
        let rounds = 400;
        for _ in 0..rounds {
            let target = spawn(async {
                for _ in 0..3 {
                    yield_now().await;
                }
            });
            let askers: Vec<Ref> = (0..6)
                .map(|n| {
                    spawn_monitor(async move {
                        match n {
                            0 => drop(is_alive(target).await),
                            1 => drop(process_info(target).await),
                            2 => drop(down(monitor(target)).await),
                            3 => drop(link(target)),
                            4 => exit_signal(target, "kill"),
                            _ => {
                                for _ in 0..10 {
                                    send(target, "noise");
                                }
                            }
                        }
                    })
                    .1
                })
                .collect();
            for asker in askers {
                down(asker).await;
            }
        }
    });
}

/// C-7: a process that is ready behind a slice which does not end is run by another worker, also
/// where all others sleep.
#[test]
#[allow(clippy::disallowed_methods)] // a blocking closure that takes a while
fn c_7_a_long_slice_holds_nobody_up() {
    for workers in [2, 3, 4] {
        on(workers, async {
            for _ in 0..3 {
                let ran = Arc::new(AtomicBool::new(false));
                let flag = ran.clone();
                let waits = spawn(async move {
                    receive::<()>().await;
                    flag.store(true, Ordering::SeqCst);
                });
                // Everybody falls asleep; then this process is woken by a thread that is no worker.
                let nap = || std::thread::park_timeout(Duration::from_millis(5));
                assert_eq!(runtime::blocking(nap).await, Ok(()));
                send(waits, ());
                while !ran.load(Ordering::SeqCst) {
                    std::hint::spin_loop();
                }
            }
        });
    }
}
