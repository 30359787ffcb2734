//! Suspending processes (process 1.2, 2.3, 6.3, P-13 step 6; suite cases `suspend`,
//! `mutual_suspend`, `suspend_exit`, `suspender_exit`, `suspend_waiting`,
//! `suspend_process_pausing_proc_timer`, `system_task_on_suspended`, `otp_7738_*`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::poll;
use runtime::prelude::*;
use runtime::{SuspendError, resume_process, suspend_process};
use tests::{Busy, Puppet, bell, down, everywhere, exit_of, next, nothing, real, settle, worlds};

const SECOND: Duration = Duration::from_secs(1);

async fn status(pid: Pid) -> &'static str {
    process_info(pid).await.expect("it is alive").status
}

/// What is sent to a process that is suspended waits, and it is done when it is resumed.
#[test]
fn one_that_waits_and_is_suspended_does_nothing() {
    everywhere(|| async {
        let me = self_pid();
        let echo = spawn(async move {
            loop {
                send(me, receive::<u32>().await);
            }
        });
        suspend_process(echo).await.expect("it lives");
        (0..10u32).for_each(|n| send(echo, n));
        // The answer comes behind the messages.
        let info = process_info(echo).await.expect("it is alive");
        assert_eq!((info.status, info.message_queue_len), ("suspended", 10));
        assert_eq!(receive_timeout::<u32>(Duration::ZERO).await, None);
        resume_process(echo).expect("it was suspended");
        for n in 0..10 {
            assert_eq!(next::<u32>().await, n);
        }
        assert_ne!(status(echo).await, "suspended");
    });
}

/// One that is ready, or that computes and yields, is stopped where it is.
#[test]
fn one_that_works_is_stopped() {
    everywhere(|| async {
        let turns = Arc::new(AtomicU64::new(0));
        let counted = turns.clone();
        let busy = spawn(async move {
            loop {
                counted.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
            }
        });
        suspend_process(busy).await.expect("it lives");
        let before = turns.load(Ordering::SeqCst);
        for _ in 0..100 {
            yield_now().await;
        }
        assert_eq!(turns.load(Ordering::SeqCst), before);
        resume_process(busy).expect("it was suspended");
        while turns.load(Ordering::SeqCst) < before + 10 {
            yield_now().await;
        }
        exit_signal(busy, "kill");
    });
}

/// A poll that is going on comes to its end before the suspension counts.
#[test]
fn the_call_returns_when_no_poll_is_going_on() {
    real(2, async {
        let busy = Busy::start().await;
        let mut suspended = std::pin::pin!(suspend_process(busy.pid));
        assert!(poll!(&mut suspended).is_pending());
        // It has received the signal by the time that it says so.
        assert_eq!(status(busy.pid).await, "running");
        assert!(poll!(&mut suspended).is_pending());
        busy.stop();
        assert_eq!(suspended.await, Ok(()));
    });
}

/// Suspensions are counted, and each process takes back its own.
#[test]
fn suspensions_are_counted() {
    worlds(30, || async {
        let target = Puppet::new();
        let other = Puppet::new();
        let pid = target.pid;
        for _ in 0..2 {
            suspend_process(pid).await.expect("it lives");
        }
        other
            .does(async move { suspend_process(pid).await.expect("it lives") })
            .await;
        let me = self_pid();
        target.told(async move { send(me, "runs") });
        for _ in 0..2 {
            resume_process(pid).expect("it was suspended twice");
            settle().await;
            assert_eq!(status(pid).await, "suspended");
        }
        assert_eq!(resume_process(pid), Err(SuspendError::NotSuspended));
        nothing::<&str>().await;
        other
            .does(async move { resume_process(pid).expect("it was suspended") })
            .await;
        assert_eq!(next::<&str>().await, "runs");
    });
}

/// P-13 step 6: who ends resumes whom it has suspended, as often as it had.
#[test]
fn who_ends_resumes() {
    worlds(30, || async {
        let (target, by) = (Puppet::new(), Puppet::new());
        let pid = target.pid;
        by.does(async move {
            for _ in 0..3 {
                suspend_process(pid).await.expect("it lives");
            }
        })
        .await;
        let me = self_pid();
        target.told(async move { send(me, "runs") });
        nothing::<&str>().await;
        exit_signal(by.pid, "kill");
        assert_eq!(next::<&str>().await, "runs");
    });
}

/// Signals act on one that is suspended: it can be ended, linked, watched, asked.
#[test]
fn one_that_is_suspended_can_be_ended() {
    everywhere(|| async {
        trap_exit(true);
        let target = Puppet::new();
        suspend_process(target.pid).await.expect("it lives");
        link(target.pid).expect("it lives");
        let watch = monitor(target.pid);
        assert!(is_alive(target.pid).await);
        exit_signal(target.pid, "enough");
        assert_eq!(exit_of(target.pid).await, Reason::from("enough"));
        assert_eq!(down(watch).await, Reason::from("enough"));
        assert_eq!(resume_process(target.pid), Err(SuspendError::NoProc));
        assert_eq!(
            resume_process(target.pid),
            Err(SuspendError::NotSuspended),
            "it was forgotten"
        );
    });
}

/// 2.4: what cannot be suspended or resumed.
#[test]
fn what_cannot_be_suspended() {
    everywhere(|| async {
        let (dead, watch) = spawn_monitor(async {});
        down(watch).await;
        assert_eq!(suspend_process(dead).await, Err(SuspendError::NoProc));
        assert_eq!(suspend_process(self_pid()).await, Err(SuspendError::Myself));
        let target = Puppet::new();
        assert_eq!(resume_process(target.pid), Err(SuspendError::NotSuspended));
        assert_eq!(resume_process(dead), Err(SuspendError::NotSuspended));
        // Whoever ends before it is suspended was not.
        let (ends, _) = spawn_monitor(async {});
        let ended = suspend_process(ends).await;
        if ended.is_ok() {
            resume_process(ends).expect("it was suspended");
        }
        assert!(matches!(ended, Ok(()) | Err(SuspendError::NoProc)));
    });
}

/// Dropped before it is over, the call takes the suspension back.
#[test]
fn a_dropped_call_takes_it_back() {
    worlds(30, || async {
        let target = Puppet::new();
        {
            let mut dropped = std::pin::pin!(suspend_process(target.pid));
            assert!(poll!(&mut dropped).is_pending());
        }
        assert_eq!(target.does(async { 7 }).await, 7);
        assert_eq!(resume_process(target.pid), Err(SuspendError::NotSuspended));
    });
}

/// Two that suspend each other wait until a third one lets them go on.
#[test]
fn two_that_suspend_each_other() {
    worlds(100, || async {
        let (one, other) = (Puppet::new(), Puppet::new());
        let (first, second) = (one.pid, other.pid);
        one.told(async move {
            suspend_process(second).await.expect("it lives");
            resume_process(second).expect("it was suspended");
        });
        other.told(async move {
            suspend_process(first).await.expect("it lives");
            resume_process(first).expect("it was suspended");
        });
        settle().await;
        let both = (status(first).await, status(second).await);
        if both.0 == "suspended" || both.1 == "suspended" {
            assert_eq!(both, ("suspended", "suspended"), "one waits for the other");
            exit_signal(first, "kill");
            assert_eq!(other.does(async { 7 }).await, 7);
        }
    });
}

/// The time of a world, or of the machine.
fn now() -> Duration {
    let (port, _) = bell::open();
    let now = bell::on(port, |_, cx| cx.now()).expect("it is open");
    runtime::port::close(port).expect("it is open");
    now
}

/// 6.3: the time of a receive stands still while its process is suspended, as often as it is.
#[test]
fn the_time_of_a_receive_stands_still() {
    worlds(30, || async {
        let me = self_pid();
        let begun = now();
        let waits = spawn(async move {
            let came = receive_timeout::<u32>(10 * SECOND).await;
            send(me, (came, now()));
            sleep(10 * SECOND).await;
            send(me, (None::<u32>, now()));
        });
        for _ in 0..3 {
            sleep(SECOND).await;
            suspend_process(waits).await.expect("it lives");
            // Longer than all that it waits.
            sleep(100 * SECOND).await;
            resume_process(waits).expect("it was suspended");
        }
        let (came, at) = next::<(Option<u32>, Duration)>().await;
        assert_eq!(came, None);
        let took = at - begun;
        assert!((310 * SECOND..311 * SECOND).contains(&took), "{took:?}");
        // One that begins after that counts as ever.
        let (_, then) = receive::<(Option<u32>, Duration)>().await;
        let took = then - at;
        assert!((10 * SECOND..11 * SECOND).contains(&took), "{took:?}");
    });
}

/// 6.3, R-9: a message that came meanwhile is there, though the time would have been over.
#[test]
fn a_message_that_came_meanwhile_wins() {
    worlds(30, || async {
        let me = self_pid();
        let waits = spawn(async move {
            let mut both = futures_util::future::join(
                Box::pin(receive_timeout::<u32>(SECOND)),
                Box::pin(receive_timeout::<u8>(2 * SECOND)),
            );
            send(me, (&mut both).await);
        });
        suspend_process(waits).await.expect("it lives");
        sleep(5 * SECOND).await;
        send(waits, 7u32);
        sleep(5 * SECOND).await;
        resume_process(waits).expect("it was suspended");
        sleep(SECOND).await;
        send(waits, 8u8);
        assert_eq!(
            next::<(Option<u32>, Option<u8>)>().await,
            (Some(7), Some(8))
        );
    });
}
