//! Spawning: options, limits, inheritance (process 1.1 to 1.3).

use std::sync::Arc;
use std::time::Duration;

use runtime::port::{self, OpenError};
use runtime::prelude::*;
use runtime::{SpawnError, pid_exists};
use tests::bell::Bell;
use tests::puppet::drain;
use tests::run::on;
use tests::{Puppet, down, everywhere, exit_of, next, real, settle, worlds};

/// 1.3: `spawn` gives the pid at once; the child has not necessarily run.
#[test]
fn spawn_gives_the_pid_at_once() {
    worlds(20, || async {
        let me = self_pid();
        let child = spawn(async move { send(me, self_pid()) });
        assert!(pid_exists(child) && processes().contains(&child));
        assert_eq!(next::<Pid>().await, child);
    });
}

/// P-9: a process can trap exits from its birth on: a signal that comes before its first slice is a
/// message.
#[test]
fn p_9_trapping_at_birth() {
    everywhere(|| async {
        let me = self_pid();
        let trapping = Spawn::new().trap_exit().monitor();
        let (child, watch) = trapping
            .spawn(async move {
                let exit: Exit = next().await;
                assert!(trap_exit(true), "it was on");
                send(me, exit);
            })
            .unwrap();
        exit_signal(child, "early");
        let expected = Exit {
            from: me.into(),
            reason: Reason::from("early"),
        };
        assert_eq!(next::<Exit>().await, expected);
        assert_eq!(down(watch).await, Reason::Normal);
    });
}

/// P-10: what is inherited and what is not.
#[test]
fn p_10_what_a_child_inherits() {
    worlds(5, || async {
        trap_exit(true);
        link(Puppet::new().pid).unwrap();
        register("parent", self_pid()).unwrap();
        let child = Puppet::new();
        let info = process_info(child.pid).await.expect("it is alive");
        assert_eq!(info.parent, self_pid());
        assert!(!info.trap_exit && info.links.is_empty());
        assert_eq!(info.registered_name, None);
        assert!(info.spawned_at.file().ends_with("puppet.rs"));
    });
}

/// 1.3: options combine.
#[test]
fn options_combine() {
    everywhere(|| async {
        trap_exit(true);
        let all = Spawn::new().name("all").link().monitor().trap_exit();
        let (child, watch) = all.spawn(async { exit("done").await }).unwrap();
        assert_eq!(exit_of(child).await, Reason::from("done"));
        assert_eq!(down(watch).await, Reason::from("done"));
        assert_eq!(whereis("all"), None);
        let (plain, unused) = Spawn::new().spawn(async {}).unwrap();
        assert!(!demonitor(unused));
        while is_alive(plain).await {}
        assert!(drain::<Down>().await.is_empty());
    });
}

/// P-4: at the limit nothing is made, nothing panics or blocks, and those who asked for it are
/// told.
#[test]
fn p_4_at_the_limit() {
    let runtime = Runtime::builder()
        .workers(2)
        .processes_max(10)
        .on_crash(|_| {});
    on(runtime.build().expect("a runtime"), async {
        trap_exit(true);
        let token = Arc::new(());
        let mut pids: Vec<Pid> = (0..9).map(|_| Puppet::new().pid).collect();
        for _ in 0..100 {
            let held = token.clone();
            let refused = try_spawn(async move { drop(held) });
            assert_eq!(refused, Err(SpawnError::SystemLimit));
        }
        assert_eq!(Arc::strong_count(&token), 1, "what was not spawned is gone");
        let dead = spawn(async {});
        assert!(!is_alive(dead).await);
        let linked = spawn_link(async {});
        assert_eq!(exit_of(linked).await, Reason::SystemLimit);
        let (watched, watch) = spawn_monitor(async {});
        assert!(!is_alive(watched).await);
        assert_eq!(down(watch).await, Reason::SystemLimit);
        assert!(links().is_empty());
        let named = Spawn::new().name("name").spawn(async {});
        assert_eq!(named, Err(SpawnError::SystemLimit));
        assert_eq!(whereis("name"), None);
        // Who has ended makes room, by the time that anybody knows of the end.
        for _ in 0..50 {
            let oldest = pids.remove(0);
            let watch = monitor(oldest);
            exit_signal(oldest, "kill");
            down(watch).await;
            pids.push(try_spawn(std::future::pending::<()>()).expect("there is room"));
        }
    });
}

/// Ends when it is told to.
struct Slow(std::sync::mpsc::Receiver<()>);

impl Drop for Slow {
    fn drop(&mut self) {
        let told = self.0.recv_timeout(tests::LIMIT);
        told.expect("the test tells it");
    }
}

/// P-4, P-13: the place is free when the end is known, whatever the dead has left to drop: by a
/// `Down`, by an `Exit`, by a false `is_alive`.
#[test]
fn p_4_the_dead_take_no_place() {
    let runtime = Runtime::builder().workers(2).processes_max(2);
    let runtime = runtime.on_crash(|_| {}).build();
    on(runtime.expect("a runtime"), async {
        trap_exit(true);
        for way in ["down", "exit", "alive"] {
            let (tell, told) = std::sync::mpsc::channel();
            let both = Spawn::new().link().monitor();
            let doomed = both.spawn(std::future::pending::<()>());
            let (doomed, watch) = doomed.expect("there is room");
            send(doomed, Slow(told));
            assert_eq!(try_spawn(async {}), Err(SpawnError::SystemLimit));
            exit_signal(doomed, "kill");
            match way {
                "down" => drop(down(watch).await),
                "exit" => drop(exit_of(doomed).await),
                // Not by a question that would be answered behind the drop.
                _ => while pid_exists(doomed) {},
            }
            let (_, next) = Spawn::new().monitor().spawn(async {}).expect(way);
            down(next).await;
            tell.send(()).expect("its message is being dropped");
        }
    });
}

/// P-4: the limit is the same from outside.
#[test]
fn p_4_at_the_limit_from_outside() {
    let runtime = Runtime::builder().workers(1).processes_max(2).build();
    let runtime = runtime.expect("a runtime");
    let spawn = || runtime.handle().try_spawn(std::future::pending::<()>());
    assert!(spawn().is_ok() && spawn().is_ok());
    assert_eq!(spawn(), Err(SpawnError::SystemLimit));
    assert_eq!(runtime.handle().process_count(), 2);
}

/// P-4: one that does not trap exits dies from `spawn_link` at the limit.
#[test]
fn p_4_a_link_at_the_limit_is_fatal() {
    let runtime = Runtime::builder()
        .workers(1)
        .processes_max(2)
        .on_crash(|_| {});
    on(runtime.build().expect("a runtime"), async {
        let (_, watch) = spawn_monitor(async {
            spawn_link(async {});
            receive::<()>().await;
        });
        assert_eq!(down(watch).await, Reason::SystemLimit);
    });
}

/// 8.1: the limit of ports; a closed one makes room.
#[test]
fn the_limit_of_ports() {
    let runtime = Runtime::builder().workers(2).ports_max(3).on_crash(|_| {});
    on(runtime.build().expect("a runtime"), async {
        trap_exit(true);
        let mut open: Vec<PortId> = (0..3).map(|_| tests::bell::open().0).collect();
        for _ in 0..10 {
            let (bell, log) = Bell::new();
            let refused = port::open(bell);
            assert!(matches!(refused, Err(OpenError::SystemLimit)));
            assert_eq!(log.deeds(), [tests::bell::Deed::Dropped]);
            let first = open.remove(0);
            exit_signal(first, "normal");
            open.push(tests::bell::open().0);
        }
        assert_eq!(port::ports().len(), 3);
    });
}

/// P-6: `processes` holds everyone who lives throughout, and nobody who was dead before.
#[test]
fn p_6_the_list_of_processes() {
    real(4, async {
        let stay: Vec<Puppet> = (0..20).map(|_| Puppet::new()).collect();
        let flicker = spawn(async {
            loop {
                spawn_monitor(async {});
                receive::<Down>().await;
            }
        });
        let mut dead = Vec::new();
        for _ in 0..200 {
            let (gone, watch) = spawn_monitor(async {});
            down(watch).await;
            dead.push(gone);
            let list = processes();
            assert!(stay.iter().all(|puppet| list.contains(&puppet.pid)));
            assert!(list.contains(&self_pid()) && list.contains(&flicker));
            assert!(dead.iter().all(|pid| !list.contains(pid)));
        }
    });
}

/// 1.1: a cheap question without order stands beside the one that is a signal.
#[test]
fn p_5_a_hint_and_a_question() {
    worlds(10, || async {
        let target = spawn(std::future::pending::<()>());
        exit_signal(target, "kill");
        assert!(pid_exists(target), "nobody has run in between");
        assert!(!is_alive(target).await);
        assert!(!pid_exists(target));
    });
}

/// P-1: pids do not come twice, printed or compared.
#[test]
fn p_1_pids_are_unique() {
    worlds(2, || async {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..2000 {
            let (child, watch) = spawn_monitor(async {});
            assert!(seen.insert((child, child.to_string())));
            down(watch).await;
        }
    });
}

/// What a process may return.
#[test]
fn what_a_process_may_return() {
    worlds(3, || async {
        let (_, unit) = spawn_monitor(async {});
        let (_, ok) = spawn_monitor(async { Ok::<(), std::fmt::Error>(()) });
        let (_, never) = spawn_monitor(async { exit("never").await });
        let (_, infallible) = spawn_monitor(async { Err::<(), std::fmt::Error>(std::fmt::Error) });
        assert_eq!(down(unit).await, Reason::Normal);
        assert_eq!(down(ok).await, Reason::Normal);
        assert_eq!(down(never).await, Reason::from("never"));
        assert!(matches!(down(infallible).await, Reason::Error(_)));
    });
}

/// The blocking pool: values come back, panics too; the process stays killable and its result is
/// dropped (C-8).
#[test]
fn c_8_blocking() {
    everywhere(|| async {
        assert_eq!(runtime::blocking(|| 6 * 7).await, Ok(42));
        let failed = runtime::blocking(|| panic!("while blocking")).await;
        let reason = Reason::Panic("while blocking".into());
        assert_eq!(failed, Err::<(), _>(runtime::BlockingError::Failed(reason)));
        let token = Arc::new(());
        let held = token.clone();
        let (child, watch) = spawn_monitor(async move {
            runtime::blocking(move || held).await.ok();
            std::future::pending::<()>().await
        });
        exit_signal(child, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
        while Arc::strong_count(&token) > 1 {
            sleep(Duration::from_millis(1)).await;
        }
    });
    worlds(1, settle);
}
