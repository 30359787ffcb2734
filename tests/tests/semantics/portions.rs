//! What may take long is done in portions, and others have their turns in between (process P-13,
//! S-5, T-5, C-1, C-2, I-13).
//!
//! A ticker counts its turns on the only worker. What is to be done notes the count as it is done,
//! so how many counts were noted says in how many portions it was done.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use runtime::pid_exists;
use runtime::prelude::*;
use tests::{Puppet, bell, down, everywhere, gate, next, real, worlds};

/// Many more than a slice does at once.
const MANY: u64 = 8_000;
/// In how many portions that has to be done at least: one would be all at once.
const PORTIONS_MIN: usize = 4;

/// The turns that the ticker had.
#[derive(Clone, Default, Debug)]
struct Ticks(Arc<AtomicU64>, Arc<Mutex<BTreeSet<u64>>>);

impl Ticks {
    fn note(&self) {
        let now = self.0.load(Ordering::SeqCst);
        self.1.lock().expect("nobody panics with it").insert(now);
    }

    /// Whether what was noted was done in portions.
    #[track_caller]
    fn were_portions(&self) {
        let counts = std::mem::take(&mut *self.1.lock().expect("nobody panics with it"));
        assert!(counts.len() >= PORTIONS_MIN, "all in {counts:?}");
    }
}

/// Notes when it is dropped.
#[derive(Debug)]
struct Note(Ticks);

impl Drop for Note {
    fn drop(&mut self) {
        self.0.note();
    }
}

impl PartialEq for Note {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Runs the main process on one worker, with a ticker beside it.
fn with_ticker<F>(main: impl FnOnce(Ticks) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send,
{
    real(1, async move {
        let ticks = Ticks::default();
        let (counter, stop) = (ticks.0.clone(), Arc::new(AtomicBool::new(false)));
        let flag = stop.clone();
        spawn(async move {
            while !flag.load(Ordering::SeqCst) {
                counter.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
            }
        });
        main(ticks).await;
        stop.store(true, Ordering::SeqCst);
    });
}

/// A process that does this and then waits, and how to know of its end.
async fn that_did<F>(prepare: F) -> (Pid, Ref)
where
    F: Future<Output = ()> + Send + 'static,
{
    struct Ready;
    let me = self_pid();
    let spawned = spawn_monitor(async move {
        prepare.await;
        send(me, Ready);
        std::future::pending::<()>().await;
    });
    receive::<Ready>().await;
    spawned
}

/// P-13 step 6: many links.
#[test]
fn p_13_many_links_are_told_in_portions() {
    with_ticker(|ticks| async move {
        let noted = ticks.clone();
        let (hub, watch) = that_did(async move {
            for _ in 0..MANY {
                let ticks = noted.clone();
                let child = Spawn::new().link().trap_exit();
                let spawned = child.spawn(async move {
                    let exit = receive::<Exit>().await;
                    assert_eq!(exit.reason, Reason::Killed);
                    ticks.note();
                });
                spawned.expect("there is room");
            }
        })
        .await;
        exit_signal(hub, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
        while processes().len() > 2 {
            yield_now().await;
        }
        ticks.were_portions();
    });
}

/// P-13 step 6: many watchers.
#[test]
fn p_13_many_watchers_are_told_in_portions() {
    with_ticker(|ticks| async move {
        let (target, watch) = that_did(async {}).await;
        for _ in 0..MANY {
            let ticks = ticks.clone();
            spawn(async move {
                monitor(target);
                assert_eq!(receive::<Down>().await.reason, Reason::Killed);
                ticks.note();
            });
        }
        let info = || async move { process_info(target).await.expect("it lives") };
        while info().await.monitored_by.len() <= MANY as usize {}
        exit_signal(target, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
        while processes().len() > 2 {
            yield_now().await;
        }
        ticks.were_portions();
    });
}

/// P-13 step 6: many that are watched.
#[test]
fn p_13_many_monitors_are_ended_in_portions() {
    with_ticker(|ticks| async move {
        let target = spawn(std::future::pending::<()>());
        let noted = ticks.clone();
        let (watcher, watch) = that_did(async move {
            for _ in 0..MANY {
                monitor_with(target, MonitorOptions::new().tag(Note(noted.clone())));
            }
        })
        .await;
        exit_signal(watcher, "kill");
        down(watch).await;
        let watched = || async move {
            let info = process_info(target).await.expect("it lives");
            !info.monitored_by.is_empty()
        };
        while watched().await {}
        ticks.were_portions();
    });
}

/// P-13 steps 7 and 8: many signals and messages that are left.
#[test]
fn p_13_what_is_left_is_dropped_in_portions() {
    with_ticker(|ticks| async move {
        let (target, watch) = that_did(async {}).await;
        let left = Arc::new(());
        for _ in 0..MANY {
            send(target, (Note(ticks.clone()), left.clone()));
        }
        exit_signal(target, "kill");
        down(watch).await;
        while Arc::strong_count(&left) > 1 {
            yield_now().await;
        }
        ticks.were_portions();

        let (target, watch) = that_did(async {}).await;
        exit_signal(target, "kill");
        for _ in 0..MANY {
            let reason = Reason::custom((Note(ticks.clone()), left.clone()));
            exit_signal(target, reason);
        }
        down(watch).await;
        while Arc::strong_count(&left) > 1 {
            yield_now().await;
        }
        ticks.were_portions();
    });
}

/// T-5: many timers of a process that ends, its own and those of others.
#[test]
fn t_5_many_timers_are_cancelled_in_portions() {
    const FAR: Duration = Duration::from_secs(100_000);
    with_ticker(|ticks| async move {
        let noted = ticks.clone();
        let (own, watch) = that_did(async move {
            for _ in 0..MANY {
                send_after(FAR, self_pid(), Note(noted.clone()));
            }
        })
        .await;
        exit_signal(own, "kill");
        // I-6: they are all cancelled when the end is known.
        down(watch).await;
        ticks.were_portions();

        let (others, watch) = that_did(async {}).await;
        let timers: Vec<TimerRef> = (0..MANY)
            .map(|_| send_after(FAR, others, Note(ticks.clone())))
            .collect();
        exit_signal(others, "kill");
        down(watch).await;
        ticks.were_portions();
        for timer in timers {
            assert_eq!(cancel_timer(timer), None);
        }
    });
}

/// P-13, 2.4: while the end is under way the process answers as the dead do, once its name is free;
/// what was asked before that is answered behind it all. In every order.
#[test]
fn p_13_questions_to_one_that_is_ending() {
    worlds(30, || async {
        trap_exit(true);
        let noted = Ticks::default();
        let (hub, watch) = that_did(async move {
            register("hub", self_pid()).expect("it is free");
            for _ in 0..3_000 {
                spawn_link(async {
                    trap_exit(true);
                    receive::<Exit>().await;
                });
                send_after(Duration::from_secs(1000), self_pid(), Note(noted.clone()));
            }
        })
        .await;
        exit_signal(hub, "boom");
        // Until somebody knows of its end it may be found, and then it says what is so.
        while let Some(ActorId::Process(pid)) = whereis("hub") {
            assert_eq!(pid, hub);
            if !is_alive(hub).await {
                assert_eq!(whereis("hub"), None);
                break;
            }
        }
        assert_eq!(register("hub", self_pid()), Ok(()));
        assert!(process_info(hub).await.is_none());
        let late = monitor(hub);
        assert_eq!(down(late).await, Reason::NoProc);
        assert_eq!(link(hub), Ok(()));
        assert_eq!(tests::exit_of(hub).await, Reason::NoProc);
        assert_eq!(down(watch).await, Reason::from("boom"));
        unregister("hub");
    });
}

/// More than a process takes in at once.
const VERY_MANY: u32 = 20_000;

/// S-5: what was sent is taken in in portions where it is very much.
#[test]
fn s_5_very_many_signals_are_taken_in_in_portions() {
    with_ticker(|ticks| async move {
        let gone = alias(AliasMode::ExplicitUnalias);
        unalias(gone);
        let noted = ticks.clone();
        let filled = Puppet::new();
        filled
            .does(async move {
                for _ in 0..VERY_MANY {
                    send(gone, Note(noted.clone()));
                }
            })
            .await;
        // Each is dropped when it is taken in.
        yield_now().await;
        ticks.were_portions();
    });
}

/// S-5, S-6, D-9: a process has all that was sent to it before its turn by the time that its code
/// runs: a kill behind very many messages, too.
#[test]
fn s_5_a_process_has_all_before_it_runs() {
    everywhere(|| async {
        let (me, seen) = (self_pid(), Arc::new(AtomicU64::new(0)));
        let counter = seen.clone();
        let (reader, watch) = spawn_monitor(async move {
            loop {
                receive::<u32>().await;
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        settle_on(me).await;
        for n in 0..VERY_MANY {
            send(reader, n);
        }
        exit_signal(reader, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
        assert!(seen.load(Ordering::SeqCst) <= u64::from(VERY_MANY));
    });
    // In worlds and on one worker it has not run in between.
    real(1, async {
        let (reader, watch) = spawn_monitor(async {
            receive::<u32>().await;
            panic!("it has run");
        });
        yield_now().await;
        for n in 0..VERY_MANY {
            send(reader, n);
        }
        exit_signal(reader, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
    });
}

/// Lets everybody run for a while.
async fn settle_on(_: Pid) {
    for _ in 0..10 {
        yield_now().await;
    }
}

/// S-1, M-11, O-18: while very much is being taken in the order stays, and whoever promises to see
/// what was sent sees it.
#[test]
fn s_1_very_many_keep_their_order() {
    everywhere(|| async {
        let (port, _) = bell::open();
        let (target, watch) = spawn_monitor(std::future::pending::<()>());
        exit_signal(target, "kill");
        while pid_exists(target) {
            yield_now().await;
        }
        for n in 0..VERY_MANY {
            send(self_pid(), n);
            if n % 5_000 == 0 {
                bell::ring(port, n).expect("it is open");
            }
        }
        // A look that waits puts by what is too much for once.
        assert!(receive::<Never>().now_or_never().is_none());
        assert!(!demonitor(watch), "it has fired");
        assert!(receive_timeout::<Down>(Duration::ZERO).await.is_some());
        let next_owner = Puppet::new();
        for n in 0..VERY_MANY {
            send(self_pid(), VERY_MANY + n);
        }
        bell::ring(port, VERY_MANY).expect("it is open");
        assert!(receive::<Never>().now_or_never().is_none());
        runtime::port::hand_over(port, next_owner.pid).expect("it is mine");
        let rung = next_owner
            .does(async { tests::puppet::drain::<bell::Rung>().await })
            .await;
        let numbers: Vec<u32> = rung.iter().map(|rung| rung.1).collect();
        assert_eq!(numbers, [0, 5_000, 10_000, 15_000, VERY_MANY]);
        assert!(receive::<Never>().now_or_never().is_none());
        // one with time zero sees it all.
        let last = 2 * VERY_MANY - 1;
        let seen = receive_match_timeout(|n: &u32| *n == last, Duration::ZERO).now_or_never();
        assert_eq!(seen, Some(Some(last)));
        for n in 0..last {
            assert_eq!(receive::<u32>().await, n);
        }
    });
}

/// What nobody sends.
struct Never;

/// S-1, 3.5: an unlink from a port, and the end of a process, in the middle of very much that is
/// being taken in: nothing is lost or out of order.
#[test]
fn s_1_ends_in_the_middle_of_very_many() {
    everywhere(|| async {
        trap_exit(true);
        let (port, _) = bell::open();
        (0..VERY_MANY).for_each(|n| send(self_pid(), n));
        assert!(receive::<Never>().now_or_never().is_none());
        bell::fail(port, "failed").expect("it is open");
        unlink(port);
        let exits = tests::puppet::drain::<Exit>().await;
        assert!(
            exits
                .iter()
                .all(|exit| exit.reason == Reason::from("failed"))
        );
        for n in 0..VERY_MANY {
            assert_eq!(receive::<u32>().await, n);
        }
    });
}

/// P-13 step 7: one that ends while it is behind answers what was sent to it by then, as the dead
/// do, and gives back what is left.
#[test]
fn p_13_one_that_ends_while_it_is_behind() {
    everywhere(|| async {
        let (port, _) = gate::open(1);
        let left = Arc::new(());
        let held = left.clone();
        let (ends, watch) = spawn_monitor(async move {
            let me = self_pid();
            (0..VERY_MANY).for_each(|_| send(me, held.clone()));
            let watched = runtime::port::call(port, |_: &mut gate::Gate, cx| cx.monitor(me));
            assert!(watched.expect("it is open").is_some());
            (0..VERY_MANY).for_each(|_| send(me, held.clone()));
            assert!(receive::<Never>().now_or_never().is_none());
        });
        assert_eq!(down(watch).await, Reason::Normal);
        match next::<gate::Told>().await {
            gate::Told::Down(_, who, Reason::NoProc) => assert_eq!(who, ends),
            told => panic!("{told:?}"),
        }
        while Arc::strong_count(&left) > 1 {
            yield_now().await;
        }
    });
}
