//! Calls: one reference for monitor, alias, tag and mark (process 4.4, M-14, M-15).

use std::time::Duration;

use futures_util::{future, join};
use runtime::prelude::*;
use tests::puppet::drain;
use tests::{LIMIT, Puppet, everywhere, nothing, real, settle, worlds};

/// Twice the number.
#[derive(Debug)]
struct Double(u64);

impl Request for Double {
    type Reply = u64;
}

/// Has the server end.
struct Stop(&'static str);

impl Request for Stop {
    type Reply = ();
}

/// What the server says of how a request was received.
#[derive(Debug, PartialEq)]
struct Said(u64);

/// Answers with twice the number, late by so many seconds, and says first that it will.
fn server(seconds: u64) -> Pid {
    let me = self_pid();
    spawn(async move {
        loop {
            receive! {
                Call::<Double> { from, request: Double(n) } => {
                    assert_eq!(from.pid(), me);
                    send(me, Said(n));
                    sleep(Duration::from_secs(seconds)).await;
                    reply(from, 2 * n);
                }
                Call::<Stop> { request: Stop(reason), .. } => exit(reason).await,
            }
        }
    })
}

/// M-14: request and reply, by pid and by name.
#[test]
fn m_14_a_call_gives_the_reply() {
    everywhere(|| async {
        let doubler = server(0);
        assert_eq!(call(doubler, Double(21), LIMIT).await, Ok(42));
        register("doubler", doubler).unwrap();
        assert_eq!(call("doubler", Double(4), LIMIT).await, Ok(8));
        assert_eq!(call(ActorId::from(doubler), Double(5), LIMIT).await, Ok(10));
        let info = process_info(self_pid()).await.expect("I am alive");
        assert!(info.monitors.is_empty(), "the reply has ended it: {info}");
        exit_signal(doubler, "kill");
    });
}

/// M-15, S-1: what the server sent before the reply is in the mailbox when the call returns.
#[test]
fn m_15_what_came_before_the_reply_is_there() {
    everywhere(|| async {
        let doubler = server(0);
        for n in 0..50 {
            assert_eq!(call(doubler, Double(n), LIMIT).await, Ok(2 * n));
            let said = receive_timeout::<Said>(Duration::ZERO).await;
            assert_eq!(said, Some(Said(n)));
        }
        exit_signal(doubler, "kill");
    });
}

/// M-14: a reply that comes too late is dropped.
#[test]
fn m_14_a_late_reply_is_dropped() {
    worlds(30, || async {
        let slow = server(10);
        let late = call(slow, Double(1), Duration::from_secs(1)).await;
        assert_eq!(late, Err(CallError::Timeout));
        settle().await;
        assert_eq!(drain::<Said>().await, [Said(1)], "and nothing else");
        let info = process_info(self_pid()).await.expect("I am alive");
        assert_eq!(info.message_queue_len, 0);
        assert!(info.monitors.is_empty());
        assert_eq!(call(slow, Double(2), LIMIT).await, Ok(4));
    });
}

/// M-14, R-3: a call that is dropped while it waits leaves nothing.
#[test]
fn a_dropped_call_leaves_nothing() {
    worlds(30, || async {
        let slow = server(10);
        let asked = Box::pin(call(slow, Double(1), LIMIT));
        let bored = Box::pin(sleep(Duration::from_secs(1)));
        assert!(matches!(
            future::select(asked, bored).await,
            future::Either::Right(_)
        ));
        settle().await;
        drain::<Said>().await;
        let info = process_info(self_pid()).await.expect("I am alive");
        assert_eq!(info.message_queue_len, 0, "the reply was dropped");
        assert!(info.monitors.is_empty());
        let info = process_info(slow).await.expect("it is alive");
        assert!(info.monitored_by.is_empty());
    });
}

/// 4.4: the server's end is the answer; so is a server that is not there.
#[test]
fn a_call_of_one_that_dies_gives_its_reason() {
    everywhere(|| async {
        let doubler = server(0);
        let gone = |reason: &'static str| Err(CallError::Down(Reason::from(reason)));
        assert_eq!(call(doubler, Stop("boom"), LIMIT).await, gone("boom"));
        let dead = call(doubler, Double(1), LIMIT).await;
        assert_eq!(dead, Err(CallError::Down(Reason::NoProc)));
        let nobody = call("nobody has this name", Double(1), LIMIT).await;
        assert_eq!(nobody, Err(CallError::Down(Reason::NoProc)));
        assert!(drain::<Down>().await.is_empty());
    });
}

/// 4.4: a port is nobody to call, and a process does not wait for itself.
#[test]
fn whom_one_cannot_call() {
    worlds(5, || async {
        let (port, _) = tests::bell::open();
        let asked = call(port, Double(1), LIMIT).await;
        assert_eq!(asked, Err(CallError::Down(Reason::NoProc)));
        let asked = call(self_pid(), Double(1), LIMIT).await;
        assert_eq!(asked, Err(CallError::CallingSelf));
        nothing::<Call<Double>>().await;
    });
}

/// 4.4: several calls of one process wait at once, and each gets its own reply.
#[test]
fn calls_side_by_side() {
    everywhere(|| async {
        let (one, two) = (server(0), server(0));
        for n in 0..20 {
            let (a, b) = (Double(n), Double(n + 100));
            let (a, b) = join!(call(one, a, LIMIT), call(two, b, LIMIT));
            assert_eq!((a, b), (Ok(2 * n), Ok(2 * n + 200)));
        }
        exit_signal(one, "kill");
        exit_signal(two, "kill");
    });
}

/// 4.4: a server may reply later, and another process may reply in its place.
#[test]
fn anybody_replies() {
    everywhere(|| async {
        let front = spawn(async {
            loop {
                let Call { from, request } = receive::<Call<Double>>().await;
                spawn(async move { reply(from, 2 * request.0) });
            }
        });
        for n in 0..20 {
            assert_eq!(call(front, Double(n), LIMIT).await, Ok(2 * n));
        }
        exit_signal(front, "kill");
    });
}

/// Row 7 of section 12: a server can tell that nobody waits for a reply any more.
#[test]
fn a_server_sees_that_nobody_waits() {
    worlds(10, || async {
        let keeper = Puppet::new();
        let caller = Puppet::new();
        let to = keeper.pid;
        caller.told(async move {
            let _ = call(to, Double(1), Duration::from_secs(1)).await;
        });
        caller.told(async move {
            let _ = call(to, Double(2), Duration::MAX).await;
        });
        let first = keeper.does(receive::<Call<Double>>()).await;
        assert!(!first.from.is_abandoned());
        sleep(Duration::from_secs(2)).await;
        assert!(first.from.is_abandoned(), "its time is over");
        let second = keeper.does(receive::<Call<Double>>()).await;
        sleep(Duration::from_secs(1_000_000)).await;
        assert!(!second.from.is_abandoned());
        exit_signal(caller.pid, "kill");
        settle().await;
        assert!(second.from.is_abandoned(), "the caller is dead");
    });
}

/// M-11, I-5: calls whose servers die, answer and are late all at once, on threads.
#[test]
fn calls_race_with_deaths() {
    real(3, async {
        for n in 0..300 {
            let server = spawn(async move {
                let Call { from, request } = receive::<Call<Double>>().await;
                if n % 3 != 0 {
                    reply(from, 2 * request.0);
                }
            });
            let time = Duration::from_micros(if n % 2 == 0 { 50 } else { 30_000_000 });
            match call(server, Double(n), time).await {
                Ok(answer) => assert_eq!((answer, n % 3 != 0), (2 * n, true)),
                Err(CallError::Timeout) => assert_eq!(n % 2, 0),
                Err(error) => assert_eq!(error, CallError::Down(Reason::Normal)),
            }
            exit_signal(server, "kill");
        }
        sleep(Duration::from_millis(20)).await;
        let info = process_info(self_pid()).await.expect("I am alive");
        assert_eq!((info.message_queue_len, info.monitors.len()), (0, 0));
    });
}
