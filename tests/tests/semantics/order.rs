//! The order of signals: pairwise, of all kinds together (process 2.1), and what death means for
//! it.

use std::time::Duration;

use runtime::prelude::*;
use tests::{Puppet, bell, down, everywhere, exit_of, next, settle, worlds};

/// S-1: messages of one sender, by pid and by name.
#[test]
fn s_1_messages_by_pid_and_by_name() {
    everywhere(|| async {
        let me = self_pid();
        register("me", me).unwrap();
        for sender in 0..4u32 {
            spawn(async move {
                for n in 0..300u32 {
                    match n % 3 {
                        0 => send(me, (sender, n)),
                        1 => send("me", (sender, n)).unwrap(),
                        _ => send(&Name::from("me"), (sender, n)).unwrap(),
                    }
                    if n % 64 == 63 {
                        yield_now().await;
                    }
                }
            });
        }
        let mut seen = [0; 4];
        for _ in 0..4 * 300 {
            let (sender, n): (u32, u32) = next().await;
            assert_eq!(n, seen[sender as usize]);
            seen[sender as usize] += 1;
        }
    });
}

/// S-1: a link, then a message that kills; the message finds the link there.
#[test]
fn s_1_a_link_then_a_message() {
    everywhere(|| async {
        trap_exit(true);
        for _ in 0..100 {
            let target = Puppet::new();
            link(target.pid).unwrap();
            target.ends("boom");
            assert_eq!(exit_of(target.pid).await, Reason::from("boom"));
        }
    });
}

/// S-1: a monitor, then an exit signal: the real reason, not `noproc`.
#[test]
fn s_1_a_monitor_then_an_exit() {
    everywhere(|| async {
        for _ in 0..100 {
            let target = spawn(std::future::pending::<()>());
            let watch = monitor(target);
            exit_signal(target, "boom");
            assert_eq!(down(watch).await, Reason::from("boom"));
        }
    });
}

/// S-1: a message, then an exit signal, to one that traps exits: they arrive in that order, and so
/// does what comes after.
#[test]
fn s_1_messages_and_exits() {
    everywhere(|| async {
        trap_exit(true);
        let me = self_pid();
        spawn(async move {
            for n in 0..100u8 {
                send(me, n);
                exit_signal(me, Reason::custom(n));
            }
        });
        for n in 0..100u8 {
            assert_eq!(receive_any().await.downcast::<u8>().ok(), Some(n));
            let exit = receive_any()
                .await
                .downcast::<Exit>()
                .expect("an exit behind it");
            assert_eq!(exit.reason.downcast_ref::<u8>(), Some(&n));
        }
    });
}

/// S-1, L-7: unlink, then a message: the answer to the message is behind everything that the other
/// side had sent before it saw the unlink.
#[test]
fn s_1_an_unlink_then_a_message() {
    worlds(50, || async {
        trap_exit(true);
        let me = self_pid();
        let target = Puppet::with(Spawn::new().link());
        unlink(target.pid);
        target.told(async move {
            send(me, links());
            exit("boom").await
        });
        let seen: Vec<ActorId> = next().await;
        assert!(seen.is_empty());
        tests::nothing::<Exit>().await;
    });
}

/// S-1, P-5: `is_alive` is behind what the caller sent before.
#[test]
fn p_5_is_alive_is_behind_a_kill() {
    everywhere(|| async {
        for _ in 0..100 {
            let target = spawn(std::future::pending::<()>());
            assert!(is_alive(target).await);
            exit_signal(target, "kill");
            assert!(!is_alive(target).await);
            let (trapping, _) = Spawn::new()
                .trap_exit()
                .spawn(std::future::pending::<()>())
                .unwrap();
            exit_signal(trapping, "boom");
            assert!(is_alive(trapping).await);
            exit_signal(trapping, "kill");
            assert!(!is_alive(trapping).await);
        }
    });
}

/// S-1: `process_info` is a signal like any other: it sees the messages that the caller sent
/// before.
#[test]
fn s_1_process_info_is_behind_messages() {
    everywhere(|| async {
        let target = spawn(std::future::pending::<()>());
        for n in 1..50u32 {
            send(target, n);
            let info = process_info(target).await.expect("it is alive");
            assert_eq!(info.message_queue_len, n);
        }
    });
}

/// S-4 (suite `monitor_order`): the last message, then the `Down`; of a link, then the `Exit`.
#[test]
fn s_4_the_last_message_then_the_down() {
    everywhere(|| async {
        trap_exit(true);
        let me = self_pid();
        for _ in 0..200 {
            let watched = Spawn::new().monitor().link();
            let (child, watch) = watched.spawn(async move { send(me, self_pid()) }).unwrap();
            // All three in the order in which they came, whatever they are.
            assert_eq!(receive_any().await.downcast::<Pid>().ok(), Some(child));
            assert!(receive_any().await.is::<Exit>());
            let down = receive_any()
                .await
                .downcast::<Down>()
                .expect("a Down at last");
            assert_eq!(down.monitor, watch);
        }
    });
}

/// S-4: also for what destructors send (D-5), and where the end is a kill.
#[test]
fn s_4_what_destructors_send_comes_before_the_down() {
    struct Tells(Pid);
    impl Drop for Tells {
        fn drop(&mut self) {
            send(self.0, "dropped");
        }
    }
    everywhere(|| async {
        for _ in 0..50 {
            let tells = Tells(self_pid());
            let (child, watch) = spawn_monitor(async move {
                let _tells = tells;
                std::future::pending::<()>().await
            });
            exit_signal(child, "kill");
            assert!(receive_any().await.is::<&str>());
            let down = receive_any()
                .await
                .downcast::<Down>()
                .expect("behind the message");
            assert_eq!((down.monitor, down.reason), (watch, Reason::Killed));
        }
    });
}

/// S-6: messages behind a fatal signal are never seen.
#[test]
fn s_6_nothing_behind_a_fatal_signal_is_seen() {
    everywhere(|| async {
        let me = self_pid();
        for _ in 0..100 {
            let (target, watch) = spawn_monitor(async move {
                loop {
                    let n: u8 = receive().await;
                    send(me, n);
                }
            });
            send(target, 1u8);
            exit_signal(target, "boom");
            send(target, 2u8);
            assert_eq!(down(watch).await, Reason::from("boom"));
            while let Some(n) = receive_timeout::<u8>(Duration::ZERO).await {
                assert_eq!(n, 1);
            }
        }
    });
}

/// S-6: a receive that finds a fatal signal in the middle of a poll does not come back.
#[test]
fn s_6_a_receive_that_finds_a_fatal_signal_does_not_come_back() {
    everywhere(|| async {
        let me = self_pid();
        let (_, watch) = Spawn::new()
            .trap_exit()
            .monitor()
            .spawn(async move {
                // It is under way, and fatal by the time it is received.
                exit_signal(self_pid(), "boom");
                send(self_pid(), 7u8);
                trap_exit(false);
                let n: Option<u8> = receive_timeout(Duration::ZERO).await;
                send(me, n);
            })
            .unwrap();
        assert_eq!(down(watch).await, Reason::from("boom"));
        assert!(
            receive_timeout::<Option<u8>>(Duration::ZERO)
                .await
                .is_none()
        );
    });
}

/// O-9: of process and port, in both directions.
#[test]
fn o_9_order_with_ports() {
    everywhere(|| async {
        trap_exit(true);
        for _ in 0..20 {
            let (port, _) = bell::open();
            unlink(port);
            for n in 0..5 {
                bell::ring(port, n).unwrap();
            }
            bell::fail(port, "boom").unwrap();
            assert_eq!(
                link(port),
                Ok(()),
                "behind the close: answered by a message"
            );
            for n in 0..5 {
                let rung = receive_any().await.downcast::<bell::Rung>();
                assert_eq!(rung.ok(), Some(bell::Rung(port, n)));
            }
            assert_eq!(exit_of(port).await, Reason::NoProc);
        }
    });
}

/// S-3: nothing that was sent to one that lives is lost, whoever sends at the same time.
#[test]
fn s_3_nothing_is_lost_among_many_senders() {
    tests::real(4, async {
        let me = self_pid();
        let (senders, each) = (8u64, 2000u64);
        for sender in 0..senders {
            spawn(async move {
                for n in 0..each {
                    send(me, sender * each + n);
                    if n % 100 == 0 {
                        yield_now().await;
                    }
                }
            });
        }
        let mut sum = 0;
        for _ in 0..senders * each {
            sum += next::<u64>().await;
        }
        let all = senders * each;
        assert_eq!(sum, all * (all - 1) / 2);
        settle_real().await;
    });
}

/// Nothing more comes: all that was sent has been counted.
async fn settle_real() {
    assert!(
        receive_timeout::<u64>(Duration::from_millis(5))
            .await
            .is_none()
    );
}

/// S-5: a process that computes still reacts to signals when it looks at its mailbox.
#[test]
fn s_5_signals_are_handled_whenever_a_process_looks() {
    worlds(10, || async {
        let target = Puppet::trapping();
        let other = Puppet::new();
        target.told(async move {
            link(other.pid).unwrap();
            other.ends("boom");
            while links().contains(&other.pid.into()) {
                yield_now().await;
            }
        });
        settle().await;
        assert_eq!(target.exits().await.len(), 1);
    });
}
