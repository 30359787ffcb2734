//! Names: the table of process 7 and its rules.

use std::time::Duration;

use runtime::prelude::*;
use runtime::{NoProc, RegisterError};
use tests::{Puppet, bell, down, everywhere, next, settle, worlds};

/// N-1, N-5: every way in which `register` is refused.
#[test]
fn n_1_one_name_for_one_actor() {
    everywhere(|| async {
        let (a, b) = (Puppet::new(), Puppet::new());
        assert_eq!(register("a", a.pid), Ok(()));
        let taken = Err(RegisterError::Taken(a.pid.into()));
        assert_eq!(register("a", b.pid), taken);
        assert_eq!(register("a", a.pid), taken, "also for the same pair");
        assert_eq!(register("other", a.pid), Err(RegisterError::AlreadyNamed));
        assert_eq!(register("undefined", b.pid), Err(RegisterError::NotAName));
        assert_eq!(whereis("a"), Some(a.pid.into()));
        assert_eq!(whereis("other"), None);
        assert_eq!(
            register("b", b.pid),
            Ok(()),
            "what was refused left nothing behind"
        );
    });
}

/// 7: any process may take a name back; then it can be given again, and its holder another one.
#[test]
fn names_can_be_taken_back() {
    everywhere(|| async {
        let (a, b) = (Puppet::new(), Puppet::new());
        register("name", a.pid).unwrap();
        assert!(b.does(async { unregister("name") }).await);
        assert!(!unregister("name"));
        assert_eq!(whereis("name"), None);
        register("name", b.pid).unwrap();
        register("new name", a.pid).unwrap();
        assert_eq!(whereis("name"), Some(b.pid.into()));
        assert_eq!(whereis("new name"), Some(a.pid.into()));
    });
}

/// 7: ports have names, too; `registered` gives those of both.
#[test]
fn ports_have_names() {
    everywhere(|| async {
        let (puppet, (port, _)) = (Puppet::new(), bell::open());
        register("puppet", puppet.pid).unwrap();
        register("bell", port).unwrap();
        assert_eq!(whereis("bell"), Some(port.into()));
        assert_eq!(registered(), [Name::from("bell"), Name::from("puppet")]);
        let info = runtime::port::port_info(port).expect("it is open");
        assert_eq!(info.registered_name, Some("bell".into()));
        assert_eq!(send("bell", ()), Err(NoProc), "a port takes no messages");
        bell::fail(port, "normal").unwrap();
        assert_eq!(whereis("bell"), None);
        assert_eq!(registered(), [Name::from("puppet")]);
    });
}

/// N-2 (suite `otp_8099`): after `Down`, `Exit` or a false `is_alive` the name is free, and can be
/// given again at once.
#[test]
fn n_2_a_name_is_free_when_its_actors_end_is_known() {
    everywhere(|| async {
        trap_exit(true);
        for round in 0..60 {
            let named = Spawn::new().name("holder").link().monitor();
            let spawned = named.spawn(std::future::pending::<()>());
            let (holder, watch) = spawned.expect("the name is free");
            exit_signal(holder, "kill");
            match round % 3 {
                0 => assert_eq!(down(watch).await, Reason::Killed),
                1 => assert_eq!(tests::exit_of(holder).await, Reason::Killed),
                _ => assert!(!is_alive(holder).await),
            }
            assert_eq!(whereis("holder"), None);
            let next = Puppet::new();
            assert_eq!(register("holder", next.pid), Ok(()));
            exit_signal(next.pid, "kill");
            assert!(!is_alive(next.pid).await);
        }
    });
}

/// N-2: of a port, too.
#[test]
fn n_2_a_ports_name_is_free_when_its_end_is_known() {
    everywhere(|| async {
        for _ in 0..20 {
            let (port, _) = bell::open();
            unlink(port);
            register("bell", port).unwrap();
            let watch = monitor("bell");
            exit_signal(port, "boom");
            assert_eq!(down(watch).await, Reason::from("boom"));
            assert_eq!(whereis("bell"), None);
        }
    });
}

/// N-3: a name is resolved when the message is sent.
#[test]
fn n_3_a_send_by_name_goes_to_who_has_the_name_now() {
    worlds(10, || async {
        let (a, b) = (Puppet::new(), Puppet::new());
        register("name", a.pid).unwrap();
        assert_eq!(send("name", 1u8), Ok(()));
        unregister("name");
        assert_eq!(send("name", 2u8), Err(NoProc));
        register("name", b.pid).unwrap();
        assert_eq!(send("name", 3u8), Ok(()));
        settle().await;
        assert_eq!(a.does(tests::puppet::drain::<u8>()).await, [1]);
        assert_eq!(b.does(tests::puppet::drain::<u8>()).await, [3]);
    });
}

/// N-4: of those who register the same name at the same time exactly one succeeds.
#[test]
fn n_4_registering_is_one_step() {
    everywhere(|| async {
        let me = self_pid();
        for _ in 0..50 {
            let racers = 4;
            for _ in 0..racers {
                spawn(async move {
                    send(me, (self_pid(), register("prize", self_pid())));
                    receive::<()>().await;
                });
            }
            let mut winners = Vec::new();
            let mut all = Vec::new();
            for _ in 0..racers {
                let (racer, result): (Pid, Result<(), RegisterError>) = next().await;
                all.push(racer);
                match result {
                    Ok(()) => winners.push(racer),
                    Err(error) => assert!(matches!(error, RegisterError::Taken(_))),
                }
            }
            assert_eq!(winners.len(), 1);
            assert_eq!(whereis("prize"), Some(winners[0].into()));
            for racer in all {
                let watch = monitor(racer);
                send(racer, ());
                down(watch).await;
            }
        }
    });
}

/// N-1: of many names for one actor at the same time exactly one is given.
#[test]
fn n_1_an_actor_gets_one_name_also_in_a_race() {
    everywhere(|| async {
        let me = self_pid();
        for round in 0..30 {
            let target = Puppet::new();
            for n in 0..4 {
                let name = format!("name {round} {n}");
                spawn(async move { send(me, register(name, target.pid).is_ok()) });
            }
            let mut given = 0;
            for _ in 0..4 {
                given += usize::from(next::<bool>().await);
            }
            assert_eq!(given, 1);
            exit_signal(target.pid, "kill");
            assert!(!is_alive(target.pid).await);
            assert!(registered().is_empty());
        }
    });
}

/// N-2, N-4: a name given to one that dies at the same time is free afterwards, whoever was first.
#[test]
fn n_4_a_name_given_to_the_dying_does_not_stay() {
    everywhere(|| async {
        for _ in 0..100 {
            let (child, watch) = spawn_monitor(async {});
            let result = register("flickering", child);
            down(watch).await;
            assert!(matches!(result, Ok(()) | Err(RegisterError::NoProc)));
            assert_eq!(whereis("flickering"), None);
            assert!(registered().is_empty());
        }
    });
}

/// N-5: names are text of any length, compared by their text.
#[test]
fn n_5_names_are_text() {
    worlds(3, || async {
        let long = "ü".repeat(10_000);
        register(long.clone(), self_pid()).unwrap();
        assert_eq!(whereis(Name::from(&*long)), Some(self_pid().into()));
        assert!(unregister(Name::from(long)));
    });
}

/// 1.3: a process can be born with a name; a taken one makes nothing.
#[test]
fn a_name_at_birth_is_given_or_nothing_is_made() {
    everywhere(|| async {
        let me = self_pid();
        let first = Puppet::with(Spawn::new().name("name"));
        let token = std::sync::Arc::new(());
        let held = token.clone();
        let second = Spawn::new()
            .name("name")
            .link()
            .monitor()
            .spawn(async move {
                let _held = held;
                send(me, "ran");
            });
        let taken = RegisterError::Taken(first.pid.into());
        assert_eq!(second, Err(runtime::SpawnError::Register(taken)));
        assert!(links().is_empty());
        assert_eq!(whereis("name"), Some(first.pid.into()));
        // Its future goes without having run.
        while std::sync::Arc::strong_count(&token) > 1 {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(receive_timeout::<&str>(Duration::ZERO).await, None);
        let named = Spawn::new().name("born with it").monitor();
        let (_, watch) = named
            .spawn(async { assert!(whereis("born with it").is_some()) })
            .unwrap();
        assert_eq!(down(watch).await, Reason::Normal);
    });
}
