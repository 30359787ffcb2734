//! Cases of OTP's suites for ports that no rule's own test is a match for, by their numbers in
//! `docs/CASES.md`.

use std::time::Duration;

use runtime::port::{self, CommandError};
use runtime::prelude::*;
use tests::bell::{self, Deed, Ways};
use tests::puppet::drain;
use tests::{Puppet, down, everywhere, exit_of, gate, next, real, settle, worlds};

/// L-10 (`contended_signal_handling`): links to ports come and go while their process goes to the
/// blocking pool and back.
#[test]
fn case_071_links_to_ports_around_the_blocking_pool() {
    real(4, async {
        for round in 0..100u32 {
            let (port, _) = bell::open();
            let watches: Vec<Ref> = (0..3)
                .map(|n| {
                    let linker = async move {
                        for _ in 0..5 {
                            link(port).expect("it is open");
                            if (n + round) % 2 == 0 {
                                runtime::blocking(|| ()).await.expect("the pool has room");
                            }
                            unlink(port);
                            assert!(!links().contains(&port.into()));
                        }
                    };
                    spawn_monitor(linker).1
                })
                .collect();
            for watch in watches {
                assert_eq!(down(watch).await, Reason::Normal);
            }
            let info = port::port_info(port).expect("nobody took it along");
            assert_eq!(info.links, [self_pid()]);
            port::close(port).expect("it is open");
        }
    });
}

/// 8.7, O-2: ports that end by themselves, at once or with output left, all tell who is linked.
#[test]
fn case_145_ports_that_end_by_themselves() {
    worlds(10, || async {
        trap_exit(true);
        for slow in [false, true] {
            let ways = Ways {
                slow,
                ..Ways::default()
            };
            let ports: Vec<PortId> = (0..20).map(|_| bell::open_with(ways).0).collect();
            for (n, port) in ports.iter().enumerate() {
                let reason = if n % 2 == 0 { "normal" } else { "boom" };
                bell::fail(*port, reason).expect("it is open");
            }
            for (n, port) in ports.into_iter().enumerate() {
                let reason = if n % 2 == 0 { "normal" } else { "boom" };
                assert_eq!(exit_of(port).await, Reason::from(reason));
            }
            settle().await;
            assert!(drain::<Exit>().await.is_empty() && links().is_empty());
            assert_eq!(runtime::statistics().ports, 0);
        }
    });
}

/// I-8: eight processes give commands to a port that is being closed: each command is carried out
/// or refused, and none is carried out behind the close.
#[test]
fn case_146_commands_to_a_port_that_is_being_closed() {
    let race = || async {
        let (port, log) = bell::open();
        let me = self_pid();
        for n in 0..8u8 {
            spawn_link(async move {
                let mut carried_out = 0usize;
                loop {
                    match port::command(port, vec![n]).await {
                        Ok(()) => carried_out += 1,
                        Err(error) => {
                            assert_eq!(error, CommandError::Closed);
                            return send(me, carried_out);
                        }
                    }
                }
            });
        }
        for _ in 0..5 {
            yield_now().await;
        }
        port::close(port).expect("it is open");
        let mut carried_out = 0;
        for _ in 0..8 {
            carried_out += next::<usize>().await;
        }
        let deeds = log.deeds();
        let is_command = |deed: &Deed| matches!(deed, Deed::Command(_));
        let commands = deeds.iter().filter(|deed| is_command(deed)).count();
        assert_eq!(commands, carried_out);
        let first_end = deeds.iter().position(|deed| *deed == Deed::Flush(false));
        let behind = &deeds[first_end.expect("it was closed")..];
        assert!(!behind.iter().any(is_command), "behind the close");
    };
    worlds(10, race);
    for _ in 0..20 {
        real(4, race());
    }
}

/// M-1, M-3: a monitor of a port is seen at both ends, fires at the close, and one that is made
/// then fires at once; one by name likewise.
#[test]
fn case_156_and_159_monitors_of_ports() {
    everywhere(|| async {
        let (port, _) = bell::open();
        register("bell", port).expect("it has no name");
        let watches = [
            (monitor(port), Item::Port(port)),
            (monitor("bell"), named()),
        ];
        let info = port::port_info(port).expect("it is open");
        assert_eq!(info.monitored_by, [self_pid(), self_pid()]);
        let own = process_info(self_pid()).await.expect("it lives").monitors;
        assert_eq!(own, [Item::Port(port), named()]);
        let gone = monitor("bell");
        assert!(demonitor(gone));
        port::close(port).expect("it is open");
        for (monitor, item) in watches {
            let down: Down = next().await;
            let expected = Down {
                monitor,
                item,
                reason: Reason::Normal,
            };
            assert_eq!(down, expected);
        }
        for (watch, item) in [
            (monitor(port), Item::Port(port)),
            (monitor("bell"), named()),
        ] {
            let down: Down = next().await;
            assert_eq!(
                (down.monitor, down.item, down.reason),
                (watch, item, Reason::NoProc)
            );
        }
        assert!(drain::<Down>().await.is_empty());
    });
}

fn named() -> Item {
    Item::Name("bell".into())
}

/// I-5: monitors that are made while the driver fails: each fires once, with the reason of the end
/// or with `noproc`.
#[test]
fn case_161_monitors_of_a_port_that_is_failing() {
    let race = || async {
        for _ in 0..50 {
            let (port, _) = bell::open();
            unlink(port);
            let watchers: Vec<Ref> = (0..4)
                .map(|_| {
                    let watcher = async move {
                        let watch = monitor(port);
                        let reason = down(watch).await;
                        assert!(reason == Reason::NoProc || reason == Reason::from("boom"));
                        assert!(drain::<Down>().await.is_empty());
                    };
                    spawn_monitor(watcher).1
                })
                .collect();
            yield_now().await;
            bell::fail(port, "boom").expect("it is open");
            for watcher in watchers {
                assert_eq!(down(watcher).await, Reason::Normal);
            }
        }
    };
    worlds(5, race);
    real(4, race());
}

/// O-13: a hundred growing commands of one process to a port that is busy after each.
#[test]
fn case_171_growing_commands_to_a_busy_port() {
    everywhere(|| async {
        let (port, passed) = gate::open(0);
        let (_, watch) = spawn_monitor(async move {
            for n in 0..100usize {
                port::command(port, vec![n as u8; n * 10])
                    .await
                    .expect("it is open");
            }
        });
        while gate::passed(&passed).len() < 100 {
            gate::make_room(port, 1).expect("it is open");
            yield_now().await;
        }
        assert_eq!(down(watch).await, Reason::Normal);
        let expected: Vec<Vec<u8>> = (0..100).map(|n| vec![n as u8; n * 10]).collect();
        assert_eq!(gate::passed(&passed), expected);
    });
}

/// 8.4, 8.9: a port is killed while a process waits to give it a command: one that is linked and
/// does not trap exits dies of it, one that is not linked goes on with `closed`, and one that traps
/// exits does both: its command is refused, and the exit is a message.
#[test]
fn case_175_to_177_a_port_is_killed_under_its_writer() {
    for (linked, trapping) in [(true, false), (false, false), (true, true)] {
        worlds(10, move || async move {
            let (port, passed) = gate::open(0);
            unlink(port);
            let (me, writer) = (self_pid(), Puppet::that_traps(trapping));
            let watch = monitor(writer.pid);
            writer.told(async move {
                if linked {
                    link(port).expect("it is open");
                }
                send(me, port::command(port, "data").await);
            });
            settle().await;
            exit_signal(port, "kill");
            if linked && !trapping {
                assert_eq!(down(watch).await, Reason::Killed);
                settle().await;
                assert!(drain::<Result<(), CommandError>>().await.is_empty());
                return;
            }
            let answer: Result<(), CommandError> = next().await;
            assert_eq!(answer, Err(CommandError::Closed));
            let exits: Vec<Reason> = writer.exits().await.into_iter().map(|e| e.reason).collect();
            assert_eq!(exits, vec![Reason::Killed; usize::from(linked)]);
            assert!(gate::passed(&passed).is_empty());
        });
    }
}

/// O-13, O-6: fifty commands wait for a busy port; it changes hands, and is closed after some of
/// them: those that passed did so in their order, the others are told.
#[test]
fn case_180_commands_that_wait_while_the_port_changes_hands() {
    worlds(10, || async {
        let (port, passed) = gate::open(0);
        let (me, heir) = (self_pid(), Puppet::trapping());
        for n in 0..50u8 {
            spawn(async move { send(me, (n, port::command(port, vec![n]).await)) });
            // Each waits before the next one begins.
            settle().await;
        }
        gate::make_room(port, 10).expect("it is open");
        settle().await;
        port::hand_over(port, heir.pid).expect("it lives");
        gate::make_room(port, 10).expect("it is open");
        settle().await;
        port::close(port).expect("it is open");
        settle().await;
        let expected: Vec<Vec<u8>> = (0..20).map(|n| vec![n]).collect();
        assert_eq!(gate::passed(&passed), expected);
        let mut answers = drain::<(u8, Result<(), CommandError>)>().await;
        answers.sort_by_key(|(n, _)| *n);
        for (n, answer) in &answers {
            let good = if *n < 20 {
                Ok(())
            } else {
                Err(CommandError::Closed)
            };
            assert_eq!(*answer, good, "command {n}");
        }
        assert_eq!(answers.len(), 50);
        assert_eq!(heir.exits().await.len(), 1);
    });
}

/// O-11 of ours: what a process does beside a command that waits does not wait for it, a link
/// neither: it is in place, and the port's end comes by it.
#[test]
fn case_182_a_link_beside_a_command_that_waits() {
    worlds(10, || async {
        let (port, _) = gate::open(0);
        unlink(port);
        let (me, other) = (self_pid(), Puppet::trapping());
        other.told(async move {
            let command = port::command(port, "data");
            let command = std::pin::pin!(command);
            let link = async {
                link(port).expect("it is open");
                receive::<()>().await;
            };
            let link = std::pin::pin!(link);
            futures_util::future::select(command, link).await;
            send(me, links());
        });
        settle().await;
        let info = port::port_info(port).expect("it is open");
        assert_eq!((info.links, info.writers_waiting), (vec![other.pid], 1));
        send(other.pid, ());
        assert_eq!(next::<Vec<ActorId>>().await, [ActorId::from(port)]);
        port::close(port).expect("it is open");
        let exit = other.exits().await;
        assert_eq!(exit.len(), 1);
        assert_eq!(exit[0].reason, Reason::Normal);
        sleep(Duration::ZERO).await;
    });
}
