//! The end of a process: the sequence P-13, and who learns of what when (process 1.4, 1.5).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtime::prelude::*;
use runtime::{read_timer, sim};
use tests::run::on;
use tests::{Puppet, bell, down, everywhere, next, real, settle, worlds};

/// Notes what can be seen at the moment it is dropped.
struct Witness(Arc<Mutex<Vec<&'static str>>>, &'static str);

impl Drop for Witness {
    fn drop(&mut self) {
        let name = match whereis("doomed") {
            Some(_) => "named",
            None => "nameless",
        };
        let mut seen = self.0.lock().expect("nobody panics with it in hand");
        seen.push(self.1);
        seen.push(name);
    }
}

/// P-13: the future goes first, while the name is still there; messages last.
#[test]
fn p_13_the_order_of_the_end() {
    worlds(20, || async {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let witness = Witness(seen.clone(), "future");
        let named = Spawn::new().name("doomed").monitor();
        let (doomed, watch) = named
            .spawn(async move {
                let _witness = witness;
                std::future::pending::<()>().await
            })
            .unwrap();
        send(doomed, Witness(seen.clone(), "first message"));
        send(doomed, Witness(seen.clone(), "second message"));
        exit_signal(doomed, "kill");
        down(watch).await;
        // D-5, I-6: the future is gone when the `Down` is here. The messages go behind it.
        assert_eq!(seen.lock().unwrap()[..2], ["future", "named"]);
        settle().await;
        let rest = ["first message", "nameless", "second message", "nameless"];
        assert_eq!(seen.lock().unwrap()[2..], rest);
    });
}

/// D-5, I-6: when a `Down`, an `Exit` or a false `is_alive` is here, the destructors have run, the
/// name is free and the timers are cancelled: on real workers.
#[test]
fn i_6_all_is_released_when_the_end_is_known() {
    real(4, async {
        trap_exit(true);
        for round in 0..150 {
            let token = Arc::new(());
            let held = token.clone();
            let all = Spawn::new().name("doomed").monitor().link();
            let (doomed, watch) = all
                .spawn(async move {
                    let _held = held;
                    std::future::pending::<()>().await
                })
                .unwrap();
            let timer = send_after(Duration::from_secs(1000), doomed, ());
            exit_signal(doomed, "kill");
            match round % 3 {
                0 => drop(down(watch).await),
                1 => drop(tests::exit_of(doomed).await),
                _ => assert!(!is_alive(doomed).await),
            }
            assert_eq!(Arc::strong_count(&token), 1);
            assert_eq!(whereis("doomed"), None);
            assert_eq!(read_timer(timer), None);
            assert_eq!(cancel_timer(timer), None);
        }
    });
}

/// P-14: what is left in the mailbox is dropped, in silence.
#[test]
fn p_14_queued_messages_are_dropped() {
    everywhere(|| async {
        let token = Arc::new(());
        let (doomed, watch) = spawn_monitor(std::future::pending::<()>());
        for _ in 0..100 {
            send(doomed, token.clone());
        }
        exit_signal(doomed, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
        while Arc::strong_count(&token) > 1 {
            yield_now().await;
        }
    });
}

/// P-15: a process that waits and is killed runs no more: not what stands behind its await.
#[test]
fn p_15_a_waiting_process_dies_without_running() {
    everywhere(|| async {
        let me = self_pid();
        let (doomed, watch) = spawn_monitor(async move {
            send(me, "waits");
            let n: Option<u8> = receive_timeout(Duration::from_secs(1000)).await;
            send(me, n);
        });
        assert_eq!(next::<&str>().await, "waits");
        send(doomed, 1u16);
        exit_signal(doomed, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
        assert!(
            receive_timeout::<Option<u8>>(Duration::ZERO)
                .await
                .is_none()
        );
    });
}

/// P-15: one that never ran does not run, either.
#[test]
fn p_15_a_process_killed_before_its_first_slice_never_runs() {
    worlds(20, || async {
        let me = self_pid();
        let (doomed, watch) = spawn_monitor(async move { send(me, "ran") });
        exit_signal(doomed, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
        tests::nothing::<&str>().await;
    });
}

/// Step 6: the targets of its monitors forget it, ports that it owns close with its reason.
#[test]
fn step_6_ports_close_with_their_owner() {
    everywhere(|| async {
        for (reason, seen) in [("normal", "normal"), ("boom", "boom"), ("kill", "killed")] {
            let owner = Puppet::new();
            let port = owner.does(async { bell::open().0 }).await;
            let watch = monitor(port);
            owner.ends(reason);
            assert_eq!(down(watch).await, Reason::from(seen));
        }
    });
}

/// Step 7: requests that were under way are answered as by the dead.
#[test]
fn step_7_what_was_under_way_is_answered() {
    worlds(30, || async {
        trap_exit(true);
        let doomed = Puppet::new();
        exit_signal(doomed.pid, "kill");
        link(doomed.pid).expect("it is there still");
        let watch = monitor(doomed.pid);
        let alive = is_alive(doomed.pid);
        let info = process_info(doomed.pid);
        let (alive, info) = futures_util::join!(alive, info);
        assert!(!alive && info.is_none());
        assert_eq!(down(watch).await, Reason::NoProc);
        assert_eq!(tests::exit_of(doomed.pid).await, Reason::NoProc);
        unlink(doomed.pid);
        assert!(links().is_empty());
    });
}

/// 1.4, crash reports: one for each abnormal end, none for expected ones and for the killed.
#[test]
fn crash_reports() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let noted = reports.clone();
    let runtime = Runtime::builder().workers(2);
    let runtime = runtime.on_crash(move |report| noted.lock().unwrap().push(report.clone()));
    on(runtime.build().expect("a runtime"), async {
        let ends: [(&str, bool); 4] = [
            ("normal", false),
            ("shutdown", false),
            ("kill", false),
            ("panic", true),
        ];
        for (end, _) in ends {
            let named = Spawn::new().name(end).monitor();
            let spawned = named.spawn(async move {
                match end {
                    "panic" => panic!("reported"),
                    "kill" => std::future::pending::<()>().await,
                    end => exit(end).await,
                }
            });
            let (child, watch) = spawned.unwrap();
            if end == "kill" {
                exit_signal(child, "kill");
            }
            down(watch).await;
        }
        let (_, watch) = spawn_monitor(async { "x".parse::<u8>().map(drop) });
        down(watch).await;
    });
    let reports = reports.lock().unwrap();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert_eq!(reports[0].name, Some("panic".into()));
    assert_eq!(reports[0].reason, Reason::Panic("reported".into()));
    assert!(reports[0].spawned_at.file().ends_with("ending.rs"));
    assert!(matches!(reports[1].reason, Reason::Error(_)));
}

/// P-11: `{shutdown, Term}` is an expected end with details: it travels as it is, ends who is
/// linked and does not trap, and is no crash, whether it was exited with or returned.
#[test]
fn p_11_a_shutdown_with_details() {
    sim::check(0..20, |world| {
        let reason = || Reason::shutdown_with(("moving", 7u8));
        world.spawn(async move {
            trap_exit(true);
            let (linked, watch) = Spawn::new().link().monitor().spawn(async move {
                spawn_link(async move { exit(reason()).await });
                std::future::pending::<()>().await
            })?;
            assert_eq!(down(watch).await, reason());
            let seen = tests::exit_of(linked).await;
            assert_eq!(seen.to_string(), r#"{shutdown,("moving", 7)}"#);
            assert_eq!(seen.downcast_ref(), Some(&("moving", 7u8)));
            assert!(seen.is_expected() && !seen.is_normal() && seen != Reason::Shutdown);
            assert_ne!(seen, Reason::custom(("moving", 7u8)));
            let (_, watch) = spawn_monitor(async move { Err::<(), _>(reason()) });
            assert_eq!(down(watch).await, reason());
            Ok::<(), runtime::SpawnError>(())
        });
        world.run();
        assert!(world.crashes().is_empty(), "{:?}", world.crashes());
        assert_eq!(world.process_count(), 0);
    });
}

/// C-11: a crash hook that panics hurts nobody.
#[test]
fn a_crash_hook_that_panics_hurts_nobody() {
    let runtime = Runtime::builder()
        .workers(1)
        .on_crash(|_| panic!("in the hook"));
    on(runtime.build().expect("a runtime"), async {
        let (_, watch) = spawn_monitor(async { panic!("reported") });
        assert_eq!(down(watch).await, Reason::Panic("reported".into()));
    });
}

/// A world knows its crashes, and kills what is left at its end, orphaned ports included.
#[test]
fn a_world_leaves_nothing() {
    let log = sim::run(1, |world| {
        let (tell, told) = std::sync::mpsc::channel();
        world.spawn(async move {
            let (port, log) = bell::open();
            unlink(port);
            tell.send(log).unwrap();
            panic!("seen by the world")
        });
        world.spawn(std::future::pending::<()>());
        world.run();
        assert_eq!(world.crashes().len(), 1);
        assert_eq!(world.process_count(), 1);
        told.recv().unwrap()
    });
    assert!(log.has(&bell::Deed::Dropped));
}
