//! Priorities (process C-5) and labels: what a spawn may ask for, and what a process may change.
//!
//! Who comes before whom is asked of one real worker: on several, and in simulated worlds, any
//! order of processes that are ready may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;

use runtime::prelude::*;
use runtime::{set_label, set_priority};
use tests::{LIMIT, down, everywhere, next, real, settle, worlds};

/// The priorities of processes in the order in which one worker ran them: so many of each, all
/// ready before the first of them ran.
async fn order_of(numbers: &[(Priority, usize)]) -> Vec<Priority> {
    let (tell, told) = channel();
    let (me, left) = (self_pid(), Arc::new(AtomicUsize::new(0)));
    for &(priority, number) in numbers {
        left.fetch_add(number, SeqCst);
        for _ in 0..number {
            let (tell, left) = (tell.clone(), left.clone());
            let body = async move {
                let _ = tell.send(priority);
                if left.fetch_sub(1, SeqCst) == 1 {
                    send(me, "the last one has run");
                }
            };
            let child = Spawn::new().priority(priority);
            child.spawn(body).expect("there is room");
        }
    }
    next::<&str>().await;
    told.try_iter().collect()
}

/// C-5: high comes before normal, whatever was ready first.
#[test]
fn c_5_high_comes_before_normal() {
    real(1, async {
        let order = order_of(&[(Priority::Normal, 40), (Priority::High, 40)]).await;
        let (high, normal) = order.split_at(40);
        assert!(high.iter().all(|one| *one == Priority::High), "{order:?}");
        assert!(normal.iter().all(|one| *one == Priority::Normal));
    });
}

/// C-5, D-8: after 64 of high priority one of normal has its turn.
#[test]
fn d_8_one_of_normal_after_64_of_high() {
    real(1, async {
        let order = order_of(&[(Priority::Normal, 10), (Priority::High, 640)]).await;
        let turns: Vec<usize> = order
            .iter()
            .enumerate()
            .filter(|(_, one)| **one == Priority::Normal)
            .map(|(at, _)| at)
            .collect();
        assert_eq!(turns.len(), 10);
        assert!(turns[0] <= 64, "{turns:?}");
        for two in turns.windows(2) {
            assert_eq!(two[1] - two[0], 65, "{turns:?}");
        }
    });
}

/// C-5, D-8: one of high priority that is always ready does not starve the others.
#[test]
fn d_8_the_valve_lets_everybody_run() {
    for workers in [1, 3] {
        real(workers, async {
            let done = Arc::new(AtomicBool::new(false));
            let mut watches = Vec::new();
            for _ in 0..6 {
                let done = done.clone();
                let busy = Spawn::new().priority(Priority::High).monitor();
                let body = async move {
                    while !done.load(SeqCst) {
                        yield_now().await;
                    }
                };
                watches.push(busy.spawn(body).expect("there is room").1);
            }
            for priority in [Priority::Normal, Priority::Low] {
                let (_, watch) = Spawn::new()
                    .priority(priority)
                    .monitor()
                    .spawn(async {
                        for _ in 0..10 {
                            yield_now().await;
                        }
                    })
                    .expect("there is room");
                down(watch).await;
            }
            done.store(true, SeqCst);
            for watch in watches {
                down(watch).await;
            }
        });
    }
}

/// C-5: of normal and low, one turn in nine is for low.
#[test]
fn c_5_low_has_one_turn_after_eight() {
    real(1, async {
        let turns = [Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0))];
        let done = Arc::new(AtomicBool::new(false));
        let mut watches = Vec::new();
        for n in 0..12 {
            let priority = [Priority::Normal, Priority::Low][n % 2];
            let (mine, normal) = (turns[n % 2].clone(), turns[0].clone());
            let done = done.clone();
            let child = Spawn::new().priority(priority).monitor();
            let body = async move {
                while !done.load(SeqCst) {
                    mine.fetch_add(1, SeqCst);
                    if normal.load(SeqCst) >= 9000 {
                        done.store(true, SeqCst);
                    }
                    yield_now().await;
                }
            };
            watches.push(child.spawn(body).expect("there is room").1);
        }
        for watch in watches {
            down(watch).await;
        }
        let (normal, low) = (turns[0].load(SeqCst), turns[1].load(SeqCst));
        let ratio = normal as f64 / low as f64;
        assert!(
            (7.0..9.5).contains(&ratio),
            "{normal} of normal, {low} of low"
        );
    });
}

/// C-5: low has what nobody else wants, everywhere.
#[test]
fn c_5_low_runs_when_nobody_else_does() {
    everywhere(|| async {
        let me = self_pid();
        for n in 0..50u32 {
            let low = Spawn::new().priority(Priority::Low);
            low.spawn(async move { send(me, n) }).expect("room");
            let answer = receive_match_timeout(|got: &u32| *got == n, LIMIT).await;
            assert_eq!(answer, Some(n));
        }
    });
}

/// C-5, P-10: the priority can be asked, changed, and is not handed down.
#[test]
fn c_5_a_process_sets_its_own_priority() {
    everywhere(|| async {
        let of = |pid| async move { process_info(pid).await.expect("it is alive").priority };
        assert_eq!(set_priority(Priority::High), Priority::Normal);
        assert_eq!(of(self_pid()).await, Priority::High);
        let child = spawn(async { receive::<()>().await });
        assert_eq!(of(child).await, Priority::Normal, "not handed down");
        assert_eq!(set_priority(Priority::Low), Priority::High);
        yield_now().await;
        assert_eq!(of(child).await, Priority::Normal);
        assert_eq!(set_priority(Priority::Normal), Priority::Low);
        let low = Spawn::new().priority(Priority::Low).link();
        let (low, _) = low.spawn(async { receive::<()>().await }).expect("room");
        assert_eq!(of(low).await, Priority::Low);
        send(low, ());
        send(child, ());
    });
}

/// I-1, C-6: a storm of all priorities on threads: everybody has all turns, and everybody ends.
#[test]
fn c_6_processes_that_change_their_priority_are_run_once() {
    real(3, async {
        let turns = Arc::new(AtomicU64::new(0));
        let watches: Vec<Ref> = (0..200u64)
            .map(|n| {
                let turns = turns.clone();
                let (_, watch) = spawn_monitor(async move {
                    for round in 0..100 {
                        let all = [Priority::High, Priority::Low, Priority::Normal];
                        set_priority(all[((n + round) % 3) as usize]);
                        turns.fetch_add(1, SeqCst);
                        yield_now().await;
                    }
                });
                watch
            })
            .collect();
        for watch in watches {
            assert_eq!(down(watch).await, Reason::Normal);
        }
        assert_eq!(turns.load(SeqCst), 20_000);
    });
}

/// 1.3: a label is shown by `process_info` and by crash reports, and can be changed.
#[test]
fn a_label_is_for_people() {
    worlds(5, || async {
        let (child, _) = Spawn::new()
            .label("session 7")
            .spawn(async {
                receive::<()>().await;
                set_label("session 8");
                receive::<()>().await;
            })
            .expect("room");
        let label = |pid| async move {
            let info = process_info(pid).await.expect("it is alive");
            let text = info.to_string();
            let label = info.label.expect("it has one").to_string();
            assert!(text.contains(&label));
            label
        };
        assert_eq!(label(child).await, "session 7");
        send(child, ());
        settle().await;
        assert_eq!(label(child).await, "session 8");
        let me = process_info(self_pid()).await.expect("I am alive");
        assert_eq!(me.label, None);
    });
    runtime::sim::check(0..5, |world| {
        world.spawn(async {
            set_label("the one that fails");
            panic!("on purpose");
        });
        world.run();
        let crashes = world.crashes();
        let label = crashes[0].label.as_ref().map(Name::as_str);
        assert_eq!(label, Some("the one that fails"));
        assert!(crashes[0].to_string().contains("the one that fails"));
    });
}
