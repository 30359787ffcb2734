//! Timers: the table of process 6.1 and the guarantees of 6.2.

use std::time::Duration;

use runtime::prelude::*;
use runtime::read_timer;
use tests::puppet::drain;
use tests::{Puppet, bell, everywhere, next, nothing, real, settle, worlds};

const MS: Duration = Duration::from_millis(1);

/// 6.1: `send_after` delivers the message, `start_timer` one that names the timer.
#[test]
fn both_kinds_deliver() {
    everywhere(|| async {
        send_after(2 * MS, self_pid(), 1u8);
        assert_eq!(next::<u8>().await, 1);
        let timer = start_timer(2 * MS, self_pid(), 2u8);
        let timeout: Timeout<u8> = next().await;
        assert_eq!((timeout.timer, timeout.message), (timer, 2));
    });
}

/// 6.1: an active timer can be read and cancelled, by any process; one that is over gives nothing.
#[test]
fn reading_and_cancelling() {
    worlds(10, || async {
        let other = Puppet::new();
        let timer = send_after(100 * MS, self_pid(), ());
        let left = read_timer(timer).expect("it is active");
        assert!(left > 99 * MS && left <= 100 * MS, "{left:?}");
        sleep(40 * MS).await;
        let left = other.does(async move { read_timer(timer) }).await;
        assert!(left.expect("it is active") <= 60 * MS);
        let left = other.does(async move { cancel_timer(timer) }).await;
        assert!(left.expect("it is active") <= 60 * MS);
        assert_eq!((read_timer(timer), cancel_timer(timer)), (None, None));
        nothing::<()>().await;
        let timer = send_after(MS, self_pid(), ());
        let () = next().await;
        assert_eq!((read_timer(timer), cancel_timer(timer)), (None, None));
    });
}

/// 6.1: the death of the destination cancels, that of the creator does not.
#[test]
fn whose_death_cancels() {
    worlds(20, || async {
        let (creator, destination) = (Puppet::new(), Puppet::new());
        let (me, to) = (self_pid(), destination.pid);
        let (mine, its) = creator
            .does(async move { (send_after(50 * MS, me, 1u8), send_after(50 * MS, to, 2u8)) })
            .await;
        exit_signal(creator.pid, "kill");
        exit_signal(destination.pid, "kill");
        assert!(!is_alive(destination.pid).await);
        assert!(read_timer(mine).is_some());
        assert_eq!(read_timer(its), None);
        assert_eq!(next::<u8>().await, 1);
        settle().await;
    });
}

/// 6.1: a name is resolved when the timer fires; the death of who had it before does not matter.
#[test]
fn a_named_destination_is_resolved_when_the_timer_fires() {
    worlds(20, || async {
        let first = Puppet::new();
        register("target", first.pid).unwrap();
        let timer = send_after(50 * MS, "target", 1u8);
        send_after(10 * MS, Name::from("target"), 2u8);
        sleep(20 * MS).await;
        assert_eq!(first.does(drain::<u8>()).await, [2]);
        exit_signal(first.pid, "kill");
        assert!(!is_alive(first.pid).await);
        assert!(read_timer(timer).is_some(), "not cancelled");
        register("target", self_pid()).unwrap();
        assert_eq!(next::<u8>().await, 1);
        send_after(10 * MS, "target", 3u8);
        unregister("target");
        nothing::<u8>().await;
        let (port, _) = bell::open();
        register("port", port).unwrap();
        send_after(MS, "port", 4u8);
        settle().await;
    });
}

/// T-2: timers to one destination that are a millisecond apart arrive in the order of expiry.
#[test]
fn t_2_in_the_order_of_expiry() {
    worlds(10, || async {
        let mut order: Vec<u32> = (1..60).collect();
        // A fixed shuffle.
        order.sort_by_key(|n| n * 7919 % 61);
        for n in order {
            send_after(n * MS, self_pid(), n);
        }
        settle().await;
        assert_eq!(drain::<u32>().await, (1..60).collect::<Vec<u32>>());
    });
}

/// T-2: a timer of zero is not a send.
#[test]
fn t_2_a_timer_of_zero_comes_behind_a_send() {
    worlds(20, || async {
        send_after(Duration::ZERO, self_pid(), "timer");
        send(self_pid(), "send");
        assert_eq!(next::<&str>().await, "send");
        assert_eq!(next::<&str>().await, "timer");
    });
}

/// T-1, R-8: never early, on the real clock; and many of them at once.
#[test]
fn t_1_never_early() {
    real(2, async {
        let (port, _) = bell::open();
        let now = move || bell::on(port, |_, cx| cx.now()).expect("it is open");
        for n in 0..200u32 {
            let after = Duration::from_micros(u64::from(n) * 97);
            send_after(after, self_pid(), now() + after);
        }
        for _ in 0..200 {
            let due: Duration = next().await;
            assert!(now() >= due);
        }
    });
}

/// T-3: where the destination itself cancels too late, the message is in its mailbox: also where it
/// is one of many that another worker is sending at this moment.
#[test]
fn t_3_none_means_that_the_message_is_there() {
    real(4, async {
        let (port, _) = bell::open();
        let now = move || bell::on(port, |_, cx| cx.now()).expect("it is open");
        let mut late = 0;
        for round in 0..400u32 {
            let due = now() + MS;
            let each = 200u32;
            let timers: Vec<TimerRef> = (0..each).map(|n| send_after(MS, self_pid(), n)).collect();
            // Until about the tick in which they fire, on whichever worker.
            let until = due + Duration::from_micros(u64::from(round % 40) * 30);
            while now() < until {
                std::hint::spin_loop();
            }
            for (n, timer) in timers.into_iter().enumerate().rev() {
                if cancel_timer(timer).is_none() {
                    let wanted = |message: &u32| *message == n as u32;
                    let there = receive_match_timeout(wanted, Duration::ZERO).await;
                    assert!(there.is_some(), "it fired and is not there");
                    late += 1;
                    break;
                }
            }
            drain::<u32>().await;
            sleep(MS).await;
            drain::<u32>().await;
        }
        println!("{late} times too late");
    });
}

/// T-4, I-7: each timer is delivered or cancelled, not both: cancelled by others, at about the time
/// at which it fires.
#[test]
fn t_4_delivered_or_cancelled() {
    real(4, async {
        let me = self_pid();
        let (rounds, each) = (20, 200u32);
        for _ in 0..rounds {
            let timers: Vec<TimerRef> = (0..each).map(|n| send_after(n % 3 * MS, me, n)).collect();
            for part in timers.chunks(50) {
                let part = part.to_vec();
                spawn(async move {
                    sleep(MS).await;
                    let cancelled = part.iter().filter(|timer| cancel_timer(**timer).is_some());
                    send(me, cancelled.count() as u64);
                });
            }
            let mut cancelled = 0;
            for _ in 0..each / 50 {
                cancelled += next::<u64>().await;
            }
            for _ in 0..u64::from(each) - cancelled {
                next::<u32>().await;
            }
            assert!(receive_timeout::<u32>(3 * MS).await.is_none());
        }
    });
}

/// T-4: in worlds, where all orders of firing, cancelling and dying are tried.
#[test]
fn t_4_delivered_or_cancelled_in_worlds() {
    worlds(100, || async {
        let me = self_pid();
        let timers: Vec<TimerRef> = (0..20u32).map(|n| send_after(n % 4 * MS, me, n)).collect();
        for part in timers.chunks(5) {
            let part = part.to_vec();
            spawn(async move {
                sleep(2 * MS).await;
                let cancelled = part.iter().filter(|timer| cancel_timer(**timer).is_some());
                send(me, cancelled.count() as u64);
            });
        }
        settle().await;
        let delivered = drain::<u32>().await.len() as u64;
        let cancelled: u64 = drain::<u64>().await.into_iter().sum();
        assert_eq!(delivered + cancelled, 20);
    });
}

/// T-5, T-6: a hundred thousand at once fire, and as many go with their destination.
#[test]
fn t_5_a_hundred_thousand_at_once() {
    real(2, async {
        let doomed = spawn(std::future::pending::<()>());
        for _ in 0..100_000u32 {
            send_after(10 * MS, self_pid(), ());
            send_after(Duration::from_secs(1000), doomed, ());
        }
        for _ in 0..100_000u32 {
            let () = next().await;
        }
        exit_signal(doomed, "kill");
        assert!(!is_alive(doomed).await);
    });
}

/// 6.1: a timer that was set by one worker for a process that waits on another is not missed:
/// nobody is awake but by its time.
#[test]
fn a_timer_wakes_idle_workers() {
    for workers in [1, 2, 4] {
        real(workers, async {
            for n in 0..50u64 {
                let started = runtime::blocking(|| ()).await;
                assert_eq!(started, Ok(()));
                sleep(Duration::from_micros(n * 40)).await;
            }
        });
    }
}

/// A timer of another runtime is none of ours.
#[test]
fn a_timer_of_another_runtime_is_not_cancelled() {
    let other = Runtime::builder().workers(1).build().expect("a runtime");
    let timer = other
        .block_on(async {
            let waits = spawn(std::future::pending::<()>());
            send_after(Duration::from_secs(1000), waits, ())
        })
        .expect("it comes to its end");
    real(1, async move {
        let mine = send_after(Duration::from_secs(1000), self_pid(), ());
        assert_eq!((cancel_timer(timer), read_timer(timer)), (None, None));
        assert!(cancel_timer(mine).is_some());
    });
    let still = other
        .block_on(async move { read_timer(timer) })
        .expect("it comes to its end");
    assert!(still.is_some());
}

/// A receive of one runtime that is dropped in another leaves the timers of that one alone.
#[test]
fn a_receive_dropped_in_another_runtime_cancels_nothing_there() {
    use std::pin::Pin;
    struct Carried(Waiting);
    type Waiting = Pin<Box<dyn Future<Output = Option<u8>> + Send>>;
    let other = Runtime::builder().workers(1).build().expect("a runtime");
    let Carried(waiting) = other
        .block_on(async {
            let mut waiting: Waiting = Box::pin(receive_timeout::<u8>(Duration::from_secs(1000)));
            assert!(futures_util::poll!(&mut waiting).is_pending());
            Carried(waiting)
        })
        .expect("it comes to its end");
    real(1, async move {
        let mine = send_after(Duration::from_secs(1000), self_pid(), ());
        drop(waiting);
        assert!(
            cancel_timer(mine).is_some(),
            "it was the other runtime's timer"
        );
    });
}

/// T-1, I-1: who sleeps until a timer wakes once for it, and finds it due.
#[test]
fn a_timer_wakes_an_idle_worker_once() {
    real(1, async {
        let parks = || runtime::statistics().workers[0].parks;
        let before = parks();
        for _ in 0..100 {
            sleep(Duration::from_micros(150)).await;
        }
        let parked = parks() - before;
        assert!(parked <= 110, "{parked} times asleep for 100 timers");
    });
}
