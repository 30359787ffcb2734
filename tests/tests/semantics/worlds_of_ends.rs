//! Small worlds, all of them: every interleaving of a few processes that watch, kill, spawn, name,
//! ask and hand over at the same time (process, I-5, I-6, I-9). Each test prints how many worlds
//! it walked.

use runtime::port;
use runtime::prelude::*;
use runtime::sim::{World, exhaust};
use runtime::{ProcessInfo, RegisterError};
use tests::bell;

use crate::stage::{Event, Stage, Witness, audit, listen, report, walk};

/// I-5, M-2, M-11: monitors of one that leaves while another kills it: each gives one `Down`, or
/// none where `demonitor` found it active.
#[test]
fn monitors_of_one_that_is_killed_and_leaves() {
    let cast = |stage: &Stage| {
        stage.add(true, |stage, me| async move {
            for _ in 0..2 {
                stage.note(me, Event::Watches(monitor(stage.pid(1))));
                yield_now().await;
            }
            let Event::Watches(first) = stage.events(me)[0] else {
                panic!("the first thing it does is to watch");
            };
            stage.note(me, Event::Demonitored(first, demonitor(first)));
            listen(stage, me).await
        });
        stage.add(false, |_, _| async {
            yield_now().await;
            yield_now().await;
            exit("left").await
        });
        stage.add(false, |stage, _| async move {
            yield_now().await;
            exit_signal(stage.pid(1), "kill");
        });
    };
    let check = |stage: &Stage, infos: &[Option<ProcessInfo>]| {
        let info = infos[0].as_ref().expect("nothing happens to it");
        assert!(infos[1].is_none() && info.monitors.is_empty());
        let events = stage.events(0);
        let watches = events.iter().filter_map(|event| match event {
            Event::Watches(watch) => Some(*watch),
            _ => None,
        });
        let watches: Vec<Ref> = watches.collect();
        let demonitored = events.iter().find_map(|event| match event {
            Event::Demonitored(_, active) => Some(*active),
            _ => None,
        });
        let downs = stage.downs(0, watches[0]);
        assert_eq!(downs.len(), usize::from(demonitored == Some(false)));
        let second = stage.downs(0, watches[1]);
        assert_eq!(second.len(), 1);
        let known = [Reason::from("left"), Reason::Killed, Reason::NoProc];
        assert!(
            downs
                .iter()
                .chain(&second)
                .all(|reason| known.contains(reason))
        );
    };
    report(
        "monitors_of_one_that_is_killed_and_leaves",
        walk(100_000, cast, check),
    );
}

/// M-9, P-13 step 1: whoever is told of a death is told the same reason, whoever sent the first
/// signal.
#[test]
fn all_are_told_the_same_reason() {
    let cast = |stage: &Stage| {
        for reason in ["one", "other"] {
            stage.add(true, move |stage, me| async move {
                let target = stage.pid(2);
                stage.note(me, Event::Watches(monitor(target)));
                link(target).expect("it traps exits");
                yield_now().await;
                exit_signal(target, reason);
                listen(stage, me).await
            });
        }
        stage.add(false, |_, _| std::future::pending());
    };
    let check = |stage: &Stage, infos: &[Option<ProcessInfo>]| {
        assert!(infos[2].is_none());
        let mut reasons = Vec::new();
        for who in 0..2 {
            let Event::Watches(watch) = stage.events(who)[0] else {
                panic!("the first thing it does is to watch");
            };
            let (down, exit) = (stage.downs(who, watch), stage.exits(who));
            assert_eq!((down.len(), exit.len()), (1, 1));
            reasons.extend(
                down.into_iter()
                    .chain(exit)
                    .filter(|reason| *reason != Reason::NoProc),
            );
        }
        assert!(!reasons.is_empty() && reasons.iter().all(|reason| *reason == reasons[0]));
    };
    report("all_are_told_the_same_reason", walk(100_000, cast, check));
}

/// P-8: a parent that spawns linked children is killed: no child stays, whenever that is.
#[test]
fn a_parent_is_killed_while_it_spawns() {
    let cast = |stage: &Stage| {
        stage.add(false, |stage, me| async move {
            for _ in 0..2 {
                let child = spawn_link(std::future::pending::<()>());
                stage.note(me, Event::Child(child));
                yield_now().await;
            }
            std::future::pending().await
        });
        stage.add(false, |stage, _| async move {
            yield_now().await;
            exit_signal(stage.pid(0), "kill");
        });
        // Somebody else unlinks nothing and watches the parent: it sees the kill.
        stage.add(true, |stage, me| async move {
            stage.note(me, Event::Watches(monitor(stage.pid(0))));
            listen(stage, me).await
        });
    };
    let worlds = exhaust(100_000, |world| {
        let stage = Stage::default();
        cast(&stage);
        stage.open(world);
        Witness::default().see(world, &stage, |_| ());
        let infos = audit(world, &stage);
        assert!(infos[0].is_none());
        for event in stage.events(0) {
            let Event::Child(child) = event else { continue };
            assert!(!world.is_alive(child), "a child outlives its parent");
        }
        let Event::Watches(watch) = stage.events(2)[0] else {
            panic!("the first thing it does is to watch");
        };
        assert_eq!(stage.downs(2, watch).len(), 1);
    });
    report("a_parent_is_killed_while_it_spawns", worlds);
}

/// N-2, N-4: two want a name, one that has it dies; who learned of that can have it, and it is
/// given once.
#[test]
fn a_name_changes_hands() {
    let cast = |stage: &Stage| {
        stage.add(false, |stage, me| async move {
            stage.note(me, Event::Registered(register("name", self_pid())));
            yield_now().await;
        });
        stage.add(true, |stage, me| async move {
            let watch = monitor(stage.pid(0));
            let down = receive_match(|down: &Down| down.monitor == watch).await;
            assert_ne!(down.reason, Reason::Killed);
            let had = whereis("name");
            assert_ne!(
                had,
                Some(stage.pid(0).into()),
                "its end was told before its name was free"
            );
            stage.note(me, Event::Registered(register("name", self_pid())));
            listen(stage, me).await
        });
        stage.add(true, |stage, me| async move {
            yield_now().await;
            stage.note(me, Event::Registered(register("name", self_pid())));
            listen(stage, me).await
        });
    };
    let check = |stage: &Stage, infos: &[Option<ProcessInfo>]| {
        let mut holders = 0;
        for (who, info) in infos.iter().enumerate() {
            let Event::Registered(result) = stage.events(who)[0] else {
                panic!("all it does is to register");
            };
            match (result, info) {
                (Ok(()), Some(info)) => {
                    holders += 1;
                    assert_eq!(info.registered_name, Some("name".into()));
                }
                (Ok(()), None) | (Err(RegisterError::Taken(_)), _) => {}
                (result, _) => panic!("{result:?}"),
            }
        }
        assert_eq!(holders, 1, "of those who live exactly one has it");
    };
    report("a_name_changes_hands", walk(100_000, cast, check));
}

/// P-5, S-1: questions to one that is killed are all answered, and never with a yes behind a kill.
#[test]
fn questions_to_one_that_is_killed() {
    let cast = |stage: &Stage| {
        stage.add(false, |stage, me| async move {
            stage.note(me, Event::Alive(is_alive(stage.pid(2)).await));
            exit_signal(stage.pid(2), "kill");
            stage.note(me, Event::Alive(is_alive(stage.pid(2)).await));
        });
        stage.add(false, |stage, me| async move {
            let info = process_info(stage.pid(2)).await;
            stage.note(me, Event::Alive(info.is_some()));
            yield_now().await;
            exit_signal(stage.pid(2), "boom");
            stage.note(me, Event::Alive(process_info(stage.pid(2)).await.is_some()));
        });
        stage.add(false, |_, _| std::future::pending());
    };
    let check = |stage: &Stage, _: &[Option<ProcessInfo>]| {
        for who in 0..2 {
            let answers = stage.events(who);
            assert_eq!(answers.len(), 2);
            assert_eq!(answers[1], Event::Alive(false));
        }
    };
    report(
        "questions_to_one_that_is_killed",
        walk(100_000, cast, check),
    );
}

/// I-9, L-10, 8.3: a port is handed over while the new owner is killed and the old one leaves: in
/// the end it is closed, or has an owner that lives and is linked to it.
#[test]
fn a_port_is_handed_over_among_the_dying() {
    let cast = |stage: &Stage| {
        stage.add(false, |stage, _| async move {
            let (port, _) = bell::open();
            register("bell", port).expect("nobody else has it");
            yield_now().await;
            bell::ring(port, 1).ok();
            port::hand_over(port, stage.pid(1)).ok();
            yield_now().await;
            exit("left").await
        });
        stage.add(true, |_, _| async {
            yield_now().await;
            if let Some(port) = whereis("bell").and_then(ActorId::port) {
                link(port).ok();
                yield_now().await;
                unlink(port);
            }
            std::future::pending().await
        });
        stage.add(false, |stage, _| async move {
            yield_now().await;
            exit_signal(stage.pid(1), "kill");
        });
    };
    // After each step: a port's side of its links is changed under its lock, in the call.
    let look = |world: &World| {
        for port in world.handle().port_table().0 {
            let live = |pid: &Pid| world.is_alive(*pid);
            assert!(port.links.iter().all(live), "linked to the dead");
            // An owner that unlinked it may leave an orphan (O-4); nobody else may.
            assert!(
                live(&port.connected) || port.links.is_empty(),
                "an owner that is dead and linked"
            );
        }
    };
    let worlds = exhaust(200_000, |world| {
        let stage = Stage::default();
        cast(&stage);
        stage.open(world);
        Witness::default().see(world, &stage, look);
        look(world);
    });
    report("a_port_is_handed_over_among_the_dying", worlds);
}
