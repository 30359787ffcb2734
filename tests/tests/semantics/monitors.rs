//! Monitors: their rules (process 4.1), the shapes of `Down` (4.2), the table of `demonitor`
//! (4.3).

use std::time::Duration;

use runtime::Item;
use runtime::prelude::*;
use tests::puppet::drain;
use tests::{Puppet, bell, down, everywhere, next, nothing, settle, worlds};

/// M-1, M-2, I-5: each call makes a monitor of its own, and each fires once.
#[test]
fn m_1_each_monitor_fires_once() {
    everywhere(|| async {
        let target = Puppet::new();
        let watches: Vec<Ref> = (0..5).map(|_| monitor(target.pid)).collect();
        target.ends("boom");
        for watch in &watches {
            assert_eq!(down(*watch).await, Reason::from("boom"));
        }
        let info = process_info(self_pid()).await.expect("I am alive");
        assert!(info.monitors.is_empty(), "gone after firing: {info}");
        assert!(drain::<Down>().await.is_empty());
    });
}

/// M-1: what both sides say of monitors.
#[test]
fn m_1_both_sides_list_their_monitors() {
    worlds(10, || async {
        let target = Puppet::new();
        let (first, _second) = (monitor(target.pid), monitor(target.pid));
        let mine = process_info(self_pid()).await.expect("I am alive");
        assert_eq!(mine.monitors, vec![Item::Process(target.pid); 2]);
        let theirs = process_info(target.pid).await.expect("it is alive");
        assert_eq!(theirs.monitored_by, vec![self_pid(); 2]);
        assert!(demonitor(first));
        let theirs = process_info(target.pid).await.expect("it is alive");
        assert_eq!(theirs.monitored_by, vec![self_pid()]);
    });
}

/// M-3: the dead, and names that nobody has, are answered at once and by a message.
#[test]
fn m_3_watching_nobody() {
    everywhere(|| async {
        let (gone, watch) = spawn_monitor(async {});
        assert_eq!(down(watch).await, Reason::Normal);
        let watch = monitor(gone);
        let first: Down = next().await;
        assert_eq!((first.monitor, first.item), (watch, Item::Process(gone)));
        assert_eq!(first.reason, Reason::NoProc);
        let watch = monitor("nobody has this name");
        let second: Down = next().await;
        assert_eq!((second.monitor, second.reason), (watch, Reason::NoProc));
        assert_eq!(second.item, Item::Name("nobody has this name".into()));
    });
}

/// M-3: the target dies while the request is under way.
#[test]
fn m_3_watching_one_that_dies_meanwhile() {
    worlds(50, || async {
        let target = Puppet::new();
        exit_signal(target.pid, "kill");
        let watch = monitor(target.pid);
        // The kill came first, so it was dead when the monitor arrived.
        assert_eq!(down(watch).await, Reason::NoProc);
        nothing::<Down>().await;
    });
}

/// M-4: watching oneself gives a reference and nothing else.
#[test]
fn m_4_watching_oneself_never_fires() {
    worlds(10, || async {
        let watch = monitor(self_pid());
        let info = process_info(self_pid()).await.expect("I am alive");
        assert!(info.monitors.is_empty() && info.monitored_by.is_empty());
        assert!(!demonitor(watch));
        register("me", self_pid()).unwrap();
        let by_name = monitor("me");
        assert!(!demonitor_flush(by_name));
        nothing::<Down>().await;
    });
}

/// M-5: a watcher's death removes its monitors at the targets.
#[test]
fn m_5_a_dead_watcher_is_forgotten() {
    worlds(20, || async {
        let (watcher, target) = (Puppet::new(), Puppet::new());
        let (port, _) = bell::open();
        watcher
            .does(async move {
                monitor(target.pid);
                monitor(port);
            })
            .await;
        let watching = process_info(target.pid).await.expect("it is alive");
        assert!(watching.monitored_by.contains(&watcher.pid.into()));
        exit_signal(watcher.pid, "kill");
        settle().await;
        let info = process_info(target.pid).await.expect("it is alive");
        assert!(info.monitored_by.is_empty());
        let info = runtime::port::port_info(port).expect("it is open");
        assert!(info.monitored_by.is_empty());
    });
}

/// M-6, N-2: when the `Down` is here, the name is free.
#[test]
fn m_6_the_name_is_free_when_the_down_comes() {
    everywhere(|| async {
        for _ in 0..100 {
            let named = Spawn::new().name("holder").monitor();
            let (_, watch) = named.spawn(async {}).expect("the name is free");
            let by_name = monitor("holder");
            down(watch).await;
            down(by_name).await;
            assert_eq!(whereis("holder"), None);
        }
    });
}

/// 4.2: what stands in the message is what the watcher named.
#[test]
fn the_message_names_what_the_watcher_named() {
    worlds(10, || async {
        let target = Puppet::new();
        register("target", target.pid).unwrap();
        let (port, _) = bell::open();
        register("bell", port).unwrap();
        let items = [
            (monitor(target.pid), Item::Process(target.pid)),
            (monitor("target"), Item::Name("target".into())),
            (monitor(ActorId::from(port)), Item::Port(port)),
            (monitor(port), Item::Port(port)),
            (monitor("bell"), Item::Name("bell".into())),
        ];
        target.ends("boom");
        bell::fail(port, "normal").unwrap();
        for (watch, item) in items {
            let down = receive_match(|down: &Down| down.monitor == watch).await;
            assert_eq!(down.item, item);
        }
    });
}

/// M-8: a name is resolved once, when the monitor is made.
#[test]
fn m_8_a_monitor_stays_with_the_process_that_had_the_name() {
    worlds(10, || async {
        let (first, second) = (Puppet::new(), Puppet::new());
        register("moving", first.pid).unwrap();
        let watch = monitor("moving");
        assert!(unregister("moving"));
        register("moving", second.pid).unwrap();
        second.ends("second");
        settle().await;
        assert!(drain::<Down>().await.is_empty());
        first.ends("first");
        assert_eq!(down(watch).await, Reason::from("first"));
    });
}

/// M-9: the reasons are those of links.
#[test]
fn m_9_killed_and_exit_kill_are_told_apart() {
    worlds(10, || async {
        let (a, b) = (Puppet::new(), Puppet::new());
        let (watch_a, watch_b) = (monitor(a.pid), monitor(b.pid));
        exit_signal(a.pid, "kill");
        b.ends("kill");
        assert_eq!(down(watch_a).await, Reason::Killed);
        assert_eq!(down(watch_b).await, Reason::Kill);
    });
}

/// M-10, P-13 step 6: links first, then monitors, each in the order in which they were made.
#[test]
fn m_10_links_before_monitors_in_the_order_of_making() {
    worlds(20, || async {
        trap_exit(true);
        let target = Puppet::trapping();
        let watches: Vec<Ref> = (0..30).map(|_| monitor(target.pid)).collect();
        link(target.pid).unwrap();
        target.ends("boom");
        settle().await;
        assert!(receive_any().await.is::<Exit>());
        for watch in watches {
            let down = receive_any().await.downcast::<Down>();
            assert_eq!(down.ok().map(|down| down.monitor), Some(watch));
        }
    });
}

/// A monitor in each of the states of the table 4.3.
#[derive(Clone, Copy, Debug)]
enum State {
    Active,
    Fired,
    NeverWas,
    Others,
}

async fn in_state(state: State) -> (Puppet, Ref) {
    let target = Puppet::new();
    let watch = match state {
        State::NeverWas => make_ref(),
        State::Others => Puppet::new().does(async move { monitor(target.pid) }).await,
        State::Active | State::Fired => monitor(target.pid),
    };
    if matches!(state, State::Fired) {
        target.ends("boom");
        settle().await;
    }
    (target, watch)
}

/// 4.3, every row and column: what `demonitor` answers, and what becomes of the `Down`.
#[test]
fn demonitor_table_4_3() {
    // State, the answer, messages left by `demonitor`, messages left by `demonitor_flush`.
    let rows = [
        (State::Active, true, 0, 0),
        (State::Fired, false, 1, 0),
        (State::NeverWas, false, 0, 0),
        (State::Others, false, 0, 0),
    ];
    for (state, answer, left, left_by_flush) in rows {
        worlds(10, move || async move {
            let (target, watch) = in_state(state).await;
            assert_eq!(demonitor(watch), answer, "{state:?}");
            target.ends("boom");
            settle().await;
            assert_eq!(drain::<Down>().await.len(), left, "{state:?}");
            let (target, watch) = in_state(state).await;
            assert_eq!(demonitor_flush(watch), answer, "{state:?}, flush");
            target.ends("boom");
            settle().await;
            assert_eq!(
                drain::<Down>().await.len(),
                left_by_flush,
                "{state:?}, flush"
            );
        });
    }
}

/// 4.3: the second `demonitor` finds nothing.
#[test]
fn a_monitor_ends_once() {
    worlds(10, || async {
        let target = Puppet::new();
        let watch = monitor(target.pid);
        assert!(demonitor(watch));
        assert!(!demonitor(watch));
        target.ends("boom");
        nothing::<Down>().await;
    });
}

/// M-11 (suite `local_remove_monitor`): false means that the `Down` can be found at once, also
/// while the targets die at the same time on other workers.
#[test]
fn m_11_false_means_that_the_down_is_in_the_mailbox() {
    let race = || async {
        for _ in 0..100 {
            let watches: Vec<Ref> = (0..20).map(|_| spawn_monitor(async {}).1).collect();
            yield_now().await;
            for watch in watches {
                let active = demonitor(watch);
                let wanted = |down: &Down| down.monitor == watch;
                let found = receive_match_timeout(wanted, Duration::ZERO).await;
                assert_eq!(found.is_some(), !active);
            }
        }
    };
    worlds(5, race);
    tests::real(4, race());
}

/// M-12: a flush takes one message, of this reference.
#[test]
fn m_12_flush_leaves_the_downs_of_others() {
    worlds(10, || async {
        let target = Puppet::new();
        let watches: Vec<Ref> = (0..5).map(|_| monitor(target.pid)).collect();
        target.ends("boom");
        settle().await;
        assert!(!demonitor_flush(watches[2]));
        let left: Vec<Ref> = drain::<Down>()
            .await
            .iter()
            .map(|down| down.monitor)
            .collect();
        assert_eq!(left, [watches[0], watches[1], watches[3], watches[4]]);
    });
}

/// P-8, 1.3: `spawn_monitor` always gives the real reason; with a link both signals come.
#[test]
fn p_8_spawn_monitor_is_one_step() {
    everywhere(|| async {
        trap_exit(true);
        for _ in 0..50 {
            let (child, watch) = spawn_monitor(async { exit("soon").await });
            assert_eq!(down(watch).await, Reason::from("soon"));
            let both = Spawn::new().link().monitor();
            let (linked, watch) = both.spawn(async { exit("both").await }).expect("room");
            assert_eq!(tests::exit_of(linked).await, Reason::from("both"));
            assert_eq!(down(watch).await, Reason::from("both"));
            assert!(!is_alive(child).await);
        }
    });
}
