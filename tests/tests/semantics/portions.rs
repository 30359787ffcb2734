//! What may take long is done in portions, and others have their turns in between (process P-13,
//! T-5, C-1, C-2, I-13).
//!
//! A ticker counts its turns on the only worker. What is to be done notes the count as it is done,
//! so how many counts were noted says in how many portions it was done.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtime::prelude::*;
use tests::{down, real, worlds};

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
