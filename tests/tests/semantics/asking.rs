//! What a process says of itself when it is asked (process 10.8, B-15).

use runtime::prelude::*;
use tests::{Busy, Puppet, real, settle, worlds};

async fn status(pid: Pid) -> &'static str {
    process_info(pid).await.expect("it is alive").status
}

/// 10.8: the status is what it would be without the question: one that waits says so, whatever lies
/// in its mailbox that it does not wait for.
#[test]
fn one_that_waits_says_so() {
    worlds(30, || async {
        let puppet = Puppet::new();
        settle().await;
        assert_eq!(status(puppet.pid).await, "waiting");
        send(puppet.pid, "not what it waits for");
        settle().await;
        assert_eq!(status(puppet.pid).await, "waiting");
        let info = process_info(puppet.pid).await.expect("it is alive");
        assert_eq!((info.message_queue_len, info.status), (1, "waiting"));
        // A signal that is no message gives it nothing to do.
        let watch = monitor(puppet.pid);
        assert_eq!(status(puppet.pid).await, "waiting");
        demonitor(watch);
        assert_eq!(status(puppet.pid).await, "waiting");
    });
}

/// 10.8: one that has something to do is runnable: it has not run yet, it has yielded, or a message
/// came before the question.
#[test]
fn one_that_is_ready_says_so() {
    worlds(30, || async {
        let infant = spawn(std::future::pending::<()>());
        assert_eq!(status(infant).await, "runnable");
        settle().await;
        assert_eq!(status(infant).await, "waiting");
        send(infant, "news");
        assert_eq!(status(infant).await, "runnable");
        let busy = spawn(async {
            for _ in 0..200 {
                yield_now().await;
            }
            std::future::pending::<()>().await;
        });
        assert_eq!(status(busy).await, "runnable");
        assert_eq!(status(busy).await, "runnable");
        settle().await;
        assert_eq!(status(busy).await, "waiting");
        let trapping = Puppet::trapping();
        settle().await;
        exit_signal(trapping.pid, "trapped");
        assert_eq!(status(trapping.pid).await, "runnable");
    });
}

/// 10.8: one that is asked in the middle of its work is running, and so is whoever asks himself.
#[test]
fn one_that_works_says_so() {
    real(2, async {
        assert_eq!(status(self_pid()).await, "running");
        let busy = Busy::start().await;
        assert_eq!(status(busy.pid).await, "running");
    });
}
