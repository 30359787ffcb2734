//! Cases of OTP's suites for processes that no rule's own test is a match for, by their numbers in
//! `docs/CASES.md`.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use runtime::prelude::*;
use runtime::statistics;
use tests::puppet::drain;
use tests::{Puppet, down, everywhere, exit_of, next, nothing, real, settle, worlds};

/// A reason of a thousand numbers.
fn large() -> Reason {
    Reason::custom((0..1000u32).collect::<Vec<u32>>())
}

/// P-11, L-1: a large reason arrives whole, of one that ended and of one that was ended, and goes
/// on along links.
#[test]
fn case_001_and_002_large_reasons() {
    everywhere(|| async {
        trap_exit(true);
        let child = spawn_link(async { exit(large()).await });
        assert_eq!(exit_of(child).await, large());
        let (linked, target) = (Puppet::with(Spawn::new().link()), Puppet::new());
        linked.does(async move { link(target.pid) }).await.unwrap();
        let watch = monitor(target.pid);
        exit_signal(target.pid, large());
        assert_eq!(down(watch).await, large());
        let reason = exit_of(linked.pid).await;
        assert_eq!(reason.downcast_ref::<Vec<u32>>().map(Vec::len), Some(1000));
        assert_eq!(reason, large());
    });
}

/// L-1 row 7: two hundred signals to oneself are two hundred messages, in their order.
#[test]
fn case_004_signals_to_oneself() {
    everywhere(|| async {
        trap_exit(true);
        for n in 0..200u32 {
            exit_signal(self_pid(), Reason::custom(n));
        }
        let mut came = Vec::new();
        for exit in drain::<Exit>().await {
            assert_eq!(exit.from, self_pid());
            came.extend(exit.reason.downcast_ref::<u32>().copied());
        }
        assert_eq!(came, (0..200).collect::<Vec<u32>>());
    });
}

/// L-1 rows 5 to 7, L-4: what a process sends itself is not caught by what stands around it.
#[test]
fn case_007_a_signal_to_oneself_is_not_caught() {
    for (sent, seen) in [("boom", "boom"), ("normal", "normal"), ("kill", "killed")] {
        worlds(5, move || async move {
            let me = self_pid();
            let (_, watch) = spawn_monitor(async move {
                let caught = async {
                    exit_signal(self_pid(), sent);
                    yield_now().await;
                };
                let _ = AssertUnwindSafe(caught).catch_unwind().await;
                send(me, "went on");
            });
            assert_eq!(down(watch).await, Reason::from(seen));
            nothing::<&str>().await;
        });
    }
}

/// S-6: an exit signal and the end of a wait that both reach a process of low priority before it
/// runs: it dies, and what stands behind the wait does not run.
#[test]
fn case_010_an_exit_signal_and_a_timeout_at_once() {
    real(1, async {
        let me = self_pid();
        for _ in 0..5 {
            let waits = async move {
                receive_timeout::<()>(Duration::from_millis(2)).await;
                send(me, "went on");
            };
            let spawn = Spawn::new().monitor().priority(Priority::Low);
            let (pid, watch) = spawn.spawn(waits).expect("there is room");
            tests::sockets::until_it_waits(pid).await;
            exit_signal(pid, "boom");
            // The only worker is held until the time is over as well.
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(5) {
                std::hint::spin_loop();
            }
            assert_eq!(down(watch).await, Reason::from("boom"));
            assert_eq!(drain::<&str>().await, [""; 0]);
        }
    });
}

/// P-6, S-3: a message to one that was found in the list of processes, and that perhaps has only
/// just been made, is not lost.
#[test]
fn case_047_messages_to_infants() {
    struct Knock;
    real(4, async {
        let (me, count) = (self_pid(), 3000);
        let finder = spawn_link(async move {
            let mut known: BTreeSet<Pid> = [me, self_pid()].into();
            loop {
                for pid in processes() {
                    if known.insert(pid) {
                        send(pid, Knock);
                    }
                }
                yield_now().await;
            }
        });
        let parents: Vec<Ref> = (0..3)
            .map(|_| {
                let parent = async move {
                    next::<Knock>().await;
                    for _ in 0..count / 3 {
                        let (_, child) = spawn_monitor(async {
                            next::<Knock>().await;
                        });
                        assert_eq!(down(child).await, Reason::Normal);
                    }
                };
                spawn_monitor(parent).1
            })
            .collect();
        for parent in parents {
            assert_eq!(down(parent).await, Reason::Normal);
        }
        unlink(finder);
        exit_signal(finder, "kill");
    });
}

/// 9.4: what a worker counts never goes down.
#[test]
fn case_027_counters_do_not_go_back() {
    real(3, async {
        let busy: Vec<Pid> = (0..6)
            .map(|_| {
                spawn(async {
                    loop {
                        yield_now().await;
                    }
                })
            })
            .collect();
        let polls = || {
            statistics()
                .workers
                .iter()
                .map(|worker| worker.polls)
                .collect()
        };
        let mut before: Vec<u64> = polls();
        let first: u64 = before.iter().sum();
        while before.iter().sum::<u64>() < first + 10_000 {
            let now: Vec<u64> = polls();
            assert!(before.iter().zip(&now).all(|(before, now)| before <= now));
            before = now;
            yield_now().await;
        }
        busy.into_iter().for_each(|pid| exit_signal(pid, "kill"));
    });
}

/// C-3, C-1: of those that yield all the time each has as many turns as the others, to one.
#[test]
fn case_039_and_183_turns_are_equal() {
    real(1, async {
        struct Turns(usize, u32);
        let (me, each) = (self_pid(), 2000);
        for n in 0..8 {
            spawn_link(async move {
                for turn in 0..each {
                    send(me, Turns(n, turn));
                    yield_now().await;
                }
            });
        }
        let mut turns = [0u32; 8];
        for _ in 0..8 * each {
            let Turns(n, turn) = next().await;
            assert_eq!(turn, turns[n]);
            turns[n] += 1;
            let (least, most) = (turns.iter().min(), turns.iter().max());
            assert!(
                most.zip(least)
                    .is_some_and(|(most, least)| most - least <= 1),
                "{turns:?}"
            );
        }
    });
}

/// 3.5, S-4: a process unlinks another and ends, while that one links it anew: this one is told of
/// the end once, by the new link, and of the old link nothing.
#[test]
fn case_074_an_unlink_then_an_end_then_a_link() {
    struct Unlinked;
    let race = |again: bool| async move {
        trap_exit(true);
        for _ in 0..300 {
            let me = self_pid();
            let (other, watch) = spawn_monitor(async move {
                link(me).expect("it is alive");
                receive::<()>().await;
                unlink(me);
                send(me, Unlinked);
                exit("boom").await
            });
            send(other, ());
            next::<Unlinked>().await;
            if again {
                link(other).expect("exits are trapped");
                let reason = exit_of(other).await;
                assert!(
                    reason == Reason::from("boom") || reason == Reason::NoProc,
                    "{reason}"
                );
            }
            down(watch).await;
            assert!(drain::<Exit>().await.is_empty());
            assert!(links().is_empty());
        }
    };
    for again in [false, true] {
        worlds(3, move || race(again));
        real(4, race(again));
    }
}

/// S-1, S-4: messages by pid, by name and by two aliases in turn, then the end: all of it in the
/// order of sending.
#[test]
fn case_076_all_addresses_then_the_end() {
    everywhere(|| async {
        register("receiver", self_pid()).expect("it has no name yet");
        let (pid, count) = (self_pid(), 400u32);
        let own = alias(AliasMode::ExplicitUnalias);
        let (sender, _) = spawn_monitor(async {
            next::<()>().await;
        });
        exit_signal(sender, "kill");
        let options = MonitorOptions::new().alias(MonitorAlias::ExplicitUnalias);
        let watched = monitor_with(sender, options);
        let (_, watch) = spawn_monitor(async move {
            for n in 0..count {
                match n % 4 {
                    0 => send(pid, n),
                    1 => send("receiver", n).expect("it has the name"),
                    2 => send(own, n),
                    _ => send(watched, n),
                }
            }
        });
        let mut came = 0;
        loop {
            receive! {
                n: u32 => {
                    assert_eq!(n, came);
                    came += 1;
                }
                down: Down if down.monitor == watch => break,
            }
        }
        assert_eq!(came, count);
    });
}

/// M-2, M-12: behind a kill and a flush no `Down` comes late.
#[test]
fn case_086_no_late_down() {
    real(4, async {
        for _ in 0..2000 {
            let target = spawn(std::future::pending::<()>());
            let watch = monitor(target);
            exit_signal(target, "kill");
            demonitor_flush(watch);
            assert!(drain::<Down>().await.is_empty());
            assert!(!is_alive(target).await);
            assert!(drain::<Down>().await.is_empty());
        }
    });
}

/// 4.4, M-2: `demonitor` races with the end of one that is watched by an alias that lasts: no
/// `Down` after it, and the alias is there still.
#[test]
fn case_102_no_late_down_on_an_alias() {
    let race = || async {
        for _ in 0..200 {
            let target = spawn(async { yield_now().await });
            let options = MonitorOptions::new().alias(MonitorAlias::ExplicitUnalias);
            let watch = monitor_with(target, options);
            yield_now().await;
            demonitor_flush(watch);
            spawn(async move { send(watch, "through the alias") });
            next::<&str>().await;
            while is_alive(target).await {
                yield_now().await;
            }
            assert!(drain::<Down>().await.is_empty());
            assert!(unalias(watch));
        }
    };
    worlds(5, race);
    real(4, race());
}

/// a panic between the making of a reference and its receive leaves nothing: what is older is
/// found by the receive around it.
#[test]
fn case_108_a_panic_behind_a_mark() {
    worlds(5, || async {
        send(self_pid(), "older");
        // It is in the mailbox, so that the mark is behind it.
        links();
        let broken = async {
            let mark = make_ref();
            send(self_pid(), "younger");
            receive! {
                since(mark);
                _: &str if panic_quietly() => {}
            }
        };
        assert!(AssertUnwindSafe(broken).catch_unwind().await.is_err());
        // The one under test went with the panic.
        assert_eq!(drain::<&str>().await, ["older"]);
    });
}

fn panic_quietly() -> bool {
    std::panic::resume_unwind(Box::new("in a guard"))
}

/// the same receive, inside itself, each time with a reference of its own.
#[test]
fn case_109_a_receive_within_itself() {
    type Nested = std::pin::Pin<Box<dyn Future<Output = u32> + Send>>;
    fn ask(echo: Pid, depth: u32) -> Nested {
        Box::pin(async move {
            let mark = make_ref();
            send(echo, (mark, depth));
            let inner = if depth == 0 {
                0
            } else {
                ask(echo, depth - 1).await
            };
            receive! {
                since(mark);
                answer: (Ref, u32) if answer.0 == mark => answer.1 + inner,
            }
        })
    }
    everywhere(|| async {
        let me = self_pid();
        let echo = spawn_link(async move {
            loop {
                let question: (Ref, u32) = receive().await;
                send(me, question);
            }
        });
        assert_eq!(ask(echo, 20).await, 210);
        unlink(echo);
        exit_signal(echo, "kill");
    });
}

/// a mark that is made while nothing has been taken in yet of what was sent.
#[test]
fn case_110_a_mark_behind_what_is_under_way() {
    worlds(20, || async {
        for n in 0..200u32 {
            send(self_pid(), n);
        }
        let mark = make_ref();
        let me = self_pid();
        spawn(async move { send(me, mark) });
        for n in 0..200 {
            assert_eq!(receive::<u32>().await, n);
        }
        let came = receive! { since(mark); came: Ref => came };
        assert_eq!(came, mark);
    });
}

/// calls amid bursts of messages and of exit signals that are ignored.
#[test]
fn case_111_calls_amid_bursts() {
    struct Ask;
    impl Request for Ask {
        type Reply = ();
    }
    struct Burst;
    real(3, async {
        let client = self_pid();
        let server = spawn_link(async {
            loop {
                let asked: Call<Ask> = receive().await;
                reply(asked.from, ());
            }
        });
        let noise = spawn_link(async move {
            let mut random = tests::Random(1199);
            loop {
                // A burst for each call: without a pause, flushing need not come to an end.
                receive::<Burst>().await;
                for _ in 0..random.below(20) {
                    match random.below(2) {
                        0 => send(client, "noise"),
                        _ => exit_signal(client, "normal"),
                    }
                }
            }
        });
        for n in 0..2000 {
            send(noise, Burst);
            assert_eq!(call(server, Ask, tests::LIMIT).await, Ok(()));
            if n % 3 == 0 {
                drain::<&str>().await;
            }
        }
        for pid in [noise, server] {
            unlink(pid);
            exit_signal(pid, "kill");
        }
    });
}

/// R-8, T-5: ten thousand waits that are over in the same millisecond.
#[test]
fn case_118_ten_thousand_waits_end_at_once() {
    let blast = || async {
        let time = Duration::from_millis(100);
        let watches: Vec<Ref> = (0..10_000)
            .map(|_| {
                let waits = async move {
                    assert_eq!(receive_timeout::<()>(time).await, None);
                };
                spawn_monitor(waits).1
            })
            .collect();
        for watch in watches {
            assert_eq!(down(watch).await, Reason::Normal);
        }
        settle_in_a_world().await;
        assert_eq!(statistics().timers, 0);
    };
    worlds(1, blast);
    real(3, blast());
}

async fn settle_in_a_world() {
    if runtime::port::is_simulated() {
        settle().await;
    }
}
