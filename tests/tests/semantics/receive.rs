//! Receiving: selective receive, timeouts, cancel safety, marks (process 5).

use std::time::Duration;

use runtime::prelude::*;
use runtime::receive_other_than;
use tests::puppet::drain;
use tests::{down, everywhere, next, real, settle, worlds};

/// 5.1: taking one leaves the others in their order.
#[test]
fn taking_one_leaves_the_order_of_the_others() {
    everywhere(|| async {
        for n in 1..=4u32 {
            send(self_pid(), n);
        }
        assert_eq!(receive_match(|n: &u32| *n == 3).await, 3);
        assert_eq!(drain::<u32>().await, [1, 2, 4]);
    });
}

/// 5.2: the oldest message that any arm matches is taken, whichever arm; within it the first arm.
#[test]
fn the_oldest_message_wins_then_the_first_arm() {
    everywhere(|| async {
        send(self_pid(), "word");
        send(self_pid(), 1u32);
        send(self_pid(), 2u64);
        let arm = receive! {
            _: u64 => 1,
            n: u32 if n > 10 => 2,
            n: u32 if n == 1 => 3,
            _: u32 => 4,
        };
        assert_eq!(arm, 3);
        let arm = receive! { _: u64 => 1, _: &str => 2 };
        assert_eq!(arm, 2);
        let rest = receive! { n: u64 => n };
        assert_eq!(rest, 2);
    });
}

/// a message is tested once in a receive, however often it waits.
#[test]
fn r_1_each_message_is_looked_at_once() {
    worlds(10, || async {
        let me = self_pid();
        for n in 0..10u32 {
            send(me, n);
        }
        spawn(async move {
            for n in 10..30u32 {
                send(me, n);
                yield_now().await;
            }
        });
        let mut looks = Vec::new();
        let found = receive_match(|n: &u32| {
            looks.push(*n);
            *n == 29
        })
        .await;
        assert_eq!(found, 29);
        assert_eq!(looks, (0..30).collect::<Vec<u32>>());
    });
}

/// a receive that is dropped has taken nothing, and the next one begins at the oldest message.
#[test]
fn r_3_a_dropped_receive_loses_nothing() {
    worlds(20, || async {
        let me = self_pid();
        spawn(async move {
            for n in 0..20u32 {
                send(me, n);
                yield_now().await;
            }
        });
        let mut seen = Vec::new();
        while seen.len() < 20 {
            let got = {
                let waiting = std::pin::pin!(receive::<u32>());
                let tired = std::pin::pin!(yield_now());
                match futures_util::future::select(tired, waiting).await {
                    futures_util::future::Either::Left(_) => None,
                    futures_util::future::Either::Right((n, _)) => Some(n),
                }
            };
            seen.extend(got);
        }
        assert_eq!(seen, (0..20).collect::<Vec<u32>>());
        assert!(drain::<u32>().await.is_empty());
    });
}

/// a panic in a test is a panic of the process.
#[test]
fn r_4_a_panic_in_a_guard_is_the_processs() {
    worlds(5, || async {
        let (_, watch) = spawn_monitor(async {
            send(self_pid(), 1u8);
            receive_match(|_: &u8| panic!("in the guard")).await;
        });
        assert_eq!(down(watch).await, Reason::Panic("in the guard".into()));
    });
}

/// a process that catches such a panic goes on, with the rest of its mailbox.
#[test]
fn r_4_the_mailbox_survives_a_panic_in_a_guard() {
    use futures_util::FutureExt;
    use std::panic::AssertUnwindSafe;
    worlds(5, || async {
        for n in 1..=3u8 {
            send(self_pid(), n);
        }
        let picky = receive_match(|n: &u8| if *n == 2 { panic!("two") } else { false });
        assert!(AssertUnwindSafe(picky).catch_unwind().await.is_err());
        // The one under test went with the panic; receives for others wait as ever.
        let info = process_info(self_pid()).await.expect("I am alive");
        assert_eq!(info.message_queue_len, 2);
        let later = receive_timeout::<u16>(Duration::from_secs(1)).await;
        assert_eq!(later, None);
        assert_eq!(drain::<u8>().await, [1, 3]);
    });
}

/// a receive since a reference looks at nothing older.
#[test]
fn r_5_a_receive_since_a_reference_looks_at_nothing_older() {
    worlds(5, || async {
        let me = self_pid();
        for n in 0..1000u32 {
            send(me, (make_ref(), n));
        }
        drain::<()>().await;
        let asked = make_ref();
        spawn(async move { send(me, (asked, 7u32)) });
        let mut looks = 0;
        let answer = receive! {
            since(asked);
            answer: (Ref, u32) if { looks += 1; answer.0 == asked } => answer.1,
        };
        assert_eq!((answer, looks), (7, 1));
        assert_eq!(drain::<(Ref, u32)>().await.len(), 1000);
    });
}

/// the reference of another process says nothing of the caller's mailbox.
#[test]
fn r_5_a_strangers_reference_hides_nothing() {
    worlds(5, || async {
        let stranger = tests::Puppet::new();
        let reference = stranger
            .does(async {
                for n in 0..100u32 {
                    send(self_pid(), n);
                }
                drain::<()>().await;
                make_ref()
            })
            .await;
        send(self_pid(), "here");
        let found = receive! {
            since(reference);
            word: &str => word,
            after(Duration::from_secs(1)) => "hidden",
        };
        assert_eq!(found, "here");
    });
}

/// a call costs the same from a full mailbox as from an empty one: its scans look at the
/// answer alone, with ten thousand older messages of the same type, and a hundred unrelated
/// receives in between.
#[test]
fn r_6_calls_from_a_full_mailbox() {
    real(2, async {
        let server = spawn(async {
            loop {
                let (from, to): (Pid, Ref) = receive().await;
                send(from, (to, ()));
            }
        });
        for _ in 0..10_000 {
            send(self_pid(), (make_ref(), ()));
        }
        drain::<()>().await;
        let mut looks = 0;
        for n in 0..1000u32 {
            let asked = make_ref();
            send(server, (self_pid(), asked));
            send(self_pid(), n);
            receive! { m: u32 if m == n => {} }
            receive! {
                since(asked);
                answer: (Ref, ()) if { looks += 1; answer.0 == asked } => {}
            }
        }
        assert_eq!(looks, 1000);
    });
}

/// 5.4: `after` zero finds what is there, behind what does not match; else it goes on at once.
#[test]
fn after_zero_looks_at_all_that_was_sent() {
    everywhere(|| async {
        for n in 1..=4u32 {
            send(self_pid(), n);
        }
        let four = receive! { n: u32 if n == 4 => Some(n), after(Duration::ZERO) => None };
        assert_eq!(four, Some(4));
        let five = receive! { n: u32 if n == 5 => Some(n), after(Duration::ZERO) => None };
        assert_eq!(five, None);
    });
}

/// `after` zero lets nobody else run before it looks.
#[test]
fn r_10_after_zero_does_not_yield_before_it_looks() {
    worlds(20, || async {
        let me = self_pid();
        for _ in 0..20 {
            spawn(async move { send(me, "sent by one that ran") });
            let there = receive_timeout::<&str>(Duration::ZERO).await;
            assert_eq!(there, None);
            assert!(next::<&str>().await.starts_with("sent"));
        }
    });
}

/// messages that do not match do not make a receive wait longer.
#[test]
fn r_7_the_clock_is_not_started_again() {
    worlds(10, || async {
        let me = self_pid();
        let noise = spawn(async move {
            loop {
                send(me, "noise");
                sleep(Duration::from_millis(10)).await;
            }
        });
        let started = now().await;
        let late = receive_timeout::<u8>(Duration::from_millis(100)).await;
        let took = now().await - started;
        assert_eq!(late, None);
        let limits = Duration::from_millis(100)..Duration::from_millis(105);
        assert!(limits.contains(&took), "{took:?}");
        exit_signal(noise, "kill");
    });
}

/// The runtime's time, by way of a driver.
async fn now() -> Duration {
    let (port, _) = tests::bell::open();
    let now = tests::bell::on(port, |_, cx| cx.now()).expect("just opened");
    tests::bell::fail(port, "normal").expect("just opened");
    unlink_flush(port);
    now
}

/// R-8, T-1: never early, on the real clock.
#[test]
fn r_8_a_timeout_is_never_early() {
    real(2, async {
        for ms in [0, 1, 2, 3, 5, 8] {
            let time = Duration::from_millis(ms) + Duration::from_micros(ms * 37);
            let started = now().await;
            assert_eq!(receive_timeout::<u8>(time).await, None);
            let took = now().await - started;
            assert!(took >= time, "{took:?} instead of {time:?}");
            let started = now().await;
            sleep(time).await;
            assert!(now().await - started >= time);
        }
    });
}

/// a message that is there wins over a time that is over.
#[test]
fn r_9_a_message_wins_over_the_time() {
    worlds(30, || async {
        // Both timers are due in the same moment, so the process wakes with both.
        send_after(Duration::from_millis(10), self_pid(), 7u8);
        let got = receive_timeout::<u8>(Duration::from_millis(10)).await;
        if got.is_none() {
            // The time was over in a slice before that of the message.
            assert_eq!(next::<u8>().await, 7);
        }
        // Here the message is there for certain: it came while the process was not scheduled.
        let me = self_pid();
        let (_, watch) = spawn_monitor(async move {
            let wish = receive_match_timeout(|n: &u8| *n == 9, Duration::from_millis(5)).await;
            send(me, wish);
        });
        settle().await;
        assert_eq!(next::<Option<u8>>().await, None);
        down(watch).await;
    });
}

/// exactly, where a worker is held up until both are there.
#[test]
fn r_9_a_message_wins_over_the_time_on_a_busy_worker() {
    real(1, async {
        let me = self_pid();
        let (waiter, watch) = spawn_monitor(async move {
            send(me, "waiting");
            let n: Option<u8> = receive_timeout(Duration::from_millis(5)).await;
            send(me, n);
        });
        let _: &str = next().await;
        let started = now().await;
        // Nobody else runs on this worker until the time is over and the message sent.
        while now().await - started < Duration::from_millis(20) {}
        send(waiter, 7u8);
        assert_eq!(next::<Option<u8>>().await, Some(7));
        assert_eq!(down(watch).await, Reason::Normal);
    });
}

/// 5.4: a sleep leaves messages alone.
#[test]
fn a_sleep_leaves_messages_alone() {
    everywhere(|| async {
        send(self_pid(), 1u8);
        sleep(Duration::from_millis(3)).await;
        send(self_pid(), 2u8);
        sleep(Duration::ZERO).await;
        assert_eq!(drain::<u8>().await, [1, 2]);
    });
}

/// 5.4: times beyond all clocks.
#[test]
fn times_without_end() {
    worlds(3, || async {
        let me = self_pid();
        send_after(Duration::from_secs(60), me, 1u8);
        assert_eq!(receive_timeout::<u8>(Duration::MAX).await, Some(1));
        let timer = send_after(Duration::MAX, me, 2u8);
        assert!(cancel_timer(timer) > Some(Duration::from_secs(1_000_000_000)));
    });
}

/// The forms for messages of unknown type.
#[test]
fn messages_of_any_type() {
    everywhere(|| async {
        send(self_pid(), 1u8);
        send(self_pid(), "word");
        let other = receive_other_than::<u8>(Duration::ZERO).await;
        assert!(other.is_some_and(|message| message.is::<&str>()));
        assert!(receive_other_than::<u8>(Duration::ZERO).await.is_none());
        let message = receive_any().await;
        let message = message.downcast::<&str>().expect_err("it is a number");
        assert_eq!(message.downcast_ref::<u8>(), Some(&1));
        assert_eq!(message.downcast::<u8>().ok(), Some(1));
    });
}

/// R-11, C-2: a process that flushes its mailbox does not keep others from running.
#[test]
fn a_busy_receiver_lets_others_run() {
    real(1, async {
        let me = self_pid();
        for n in 0..10_000u32 {
            send(me, n);
        }
        spawn(async move { send(me, "ran") });
        let mut taken = 0;
        while receive_timeout::<&str>(Duration::ZERO).await.is_none() {
            receive::<u32>().await;
            taken += 1;
        }
        assert!(taken < 10_000, "the other process ran only at the end");
    });
}
