//! The budget of a slice: what is charged, and when others have their turn (process C-2, C-3, R-10,
//! I-13).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use runtime::consume_budget;
use runtime::prelude::*;
use tests::{Puppet, down, everywhere, next, real, worlds};

/// What nobody sends.
struct Never;

/// Uses the slice up by looks that find nothing and do not wait.
fn use_up() {
    for _ in 0..5_000 {
        let _ = receive_timeout::<Never>(Duration::ZERO).now_or_never();
    }
}

/// R-10 before C-2: a receive with time zero looks at once, also where the slice is used up, and
/// takes what is there without waiting.
#[test]
fn r_10_time_zero_looks_first() {
    everywhere(|| async {
        send(self_pid(), 7u8);
        for _ in 0..1_024 {
            let _ = receive_timeout::<Never>(Duration::ZERO).now_or_never();
        }
        let seen = receive_timeout::<u8>(Duration::ZERO).now_or_never();
        assert_eq!(seen, Some(Some(7)), "the slice was used up");
        yield_now().await;
        for n in 0..1_500u32 {
            send(self_pid(), n);
        }
        let seen = receive_match_timeout(|n: &u32| *n == 1_499, Duration::ZERO).now_or_never();
        assert_eq!(seen, Some(Some(1_499)), "what was sent is seen");
    });
}

/// R-10, C-2: where it finds nothing and the slice is used up, others have their turn before it
/// times out, and it looks once more. A process that looks again and again holds up nobody.
#[test]
fn r_10_a_process_that_polls_lets_others_run() {
    real(1, async {
        let me = self_pid();
        spawn(async move { send(me, "from another") });
        while receive_timeout::<&str>(Duration::ZERO).await.is_none() {}
    });
    worlds(20, || async {
        use_up();
        let (me, before) = (self_pid(), Duration::ZERO);
        spawn(async move { send(me, 1u8) });
        // It has yielded, or it has not: in both cases it decided.
        let first = receive_timeout::<u8>(before).await;
        if first.is_none() {
            assert_eq!(next::<u8>().await, 1);
        }
        assert_eq!(receive_timeout::<u8>(before).await, None);
    });
}

/// How many turns another process had meanwhile, on one worker.
fn turns_of_others<F>(main: impl FnOnce() -> F + Send + 'static) -> u64
where
    F: Future<Output = ()> + Send,
{
    let turns = Arc::new(AtomicU64::new(0));
    let (counted, told) = (turns.clone(), turns.clone());
    real(1, async move {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        spawn(async move {
            while !flag.load(Ordering::SeqCst) {
                counted.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
            }
        });
        yield_now().await;
        let before = told.load(Ordering::SeqCst);
        main().await;
        told.fetch_sub(before, Ordering::SeqCst);
        stop.store(true, Ordering::SeqCst);
    });
    turns.load(Ordering::SeqCst)
}

/// I-13, R-11: one that flushes its mailbox with time zero does so over several slices.
#[test]
fn i_13_flushing_takes_several_slices() {
    let turns = turns_of_others(|| async {
        for n in 0..20_000u32 {
            send(self_pid(), n);
        }
        let mut expected = 0;
        while let Some(n) = receive_timeout::<u32>(Duration::ZERO).await {
            assert_eq!(n, expected);
            expected += 1;
        }
        assert_eq!(expected, 20_000);
    });
    assert!(turns >= 5, "{turns}");
}

/// C-2: sends and spawns are charged, and the next operation that may wait pays for them.
#[test]
fn c_2_what_does_not_wait_is_charged() {
    let sends = turns_of_others(|| async {
        let other = spawn(std::future::pending::<()>());
        for n in 0..20u32 {
            (0..1_500).for_each(|_| send(other, n));
            send(self_pid(), n);
            next::<u32>().await;
        }
    });
    assert!(sends >= 15, "{sends}");
    let spawns = turns_of_others(|| async {
        for n in 0..20u32 {
            for _ in 0..400 {
                spawn(async {});
            }
            send(self_pid(), n);
            next::<u32>().await;
        }
    });
    assert!(spawns >= 15, "{spawns}");
}

/// C-2: a receive pays for the messages that it tests.
#[test]
fn c_2_a_long_search_is_charged() {
    let turns = turns_of_others(|| async {
        (0..8_000u32).for_each(|n| send(self_pid(), n));
        for _ in 0..60 {
            send(self_pid(), "the last");
            next::<&str>().await;
        }
    });
    assert!(turns >= 20, "{turns}");
}

/// C-2, R-1: a search that alone takes more than a slice allows comes to its end.
#[test]
fn c_2_a_search_over_a_whole_slice_ends() {
    everywhere(|| async {
        (0..40_000u32).for_each(|n| send(self_pid(), n));
        assert_eq!(receive_match(|n: &u32| *n == 39_999).await, 39_999);
        let last = receive_match_timeout(|n: &u32| *n == 39_998, Duration::ZERO).await;
        assert_eq!(last, Some(39_998));
    });
}

/// C-3: a loop that computes lets others run where it says so, and only as often as it has to.
#[test]
fn c_3_consume_budget() {
    let turns = turns_of_others(|| async {
        for _ in 0..20_000 {
            consume_budget().await;
        }
    });
    assert!((10..100).contains(&turns), "{turns}");
    // It waits under whatever waker it is polled with, and can be killed there.
    everywhere(|| async {
        let busy = Puppet::new();
        busy.told(async {
            let forever = async {
                for _ in 0..u64::MAX {
                    consume_budget().await;
                }
            };
            futures_util::join!(forever, async {});
        });
        let watch = monitor(busy.pid);
        exit_signal(busy.pid, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
    });
}
