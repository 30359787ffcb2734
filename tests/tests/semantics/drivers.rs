//! What drivers can do: commands with flow control (process 8.9), control requests, monitors and
//! jobs of a driver (8.11), ports that close with their owner (O-4).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use runtime::port::{self, CommandError, ControlError, PortReply, PortSignal};
use runtime::prelude::*;
use runtime::{Event, Limits};
use tests::gate::{self, Gate, Told};
use tests::run::on;
use tests::{LIMIT, Puppet, bell, down, everywhere, exit_of, next, nothing, real, settle, worlds};

/// O-13: a command to a port with room is taken at once; one that it cannot take is an error of the
/// caller's and harms nobody.
#[test]
fn o_13_commands_with_room() {
    everywhere(|| async {
        let (port, passed) = gate::open(3);
        assert_eq!(port::command(port, "one").await, Ok(()));
        assert_eq!(port::try_command(port, "two"), Ok(()));
        assert_eq!(port::command(port, "bad").await, Err(CommandError::BadArg));
        let stranger = Puppet::new();
        let by_stranger = stranger
            .does(async move { port::try_command(port, "three") })
            .await;
        assert_eq!(by_stranger, Ok(()));
        assert_eq!(gate::passed(&passed), [&b"one"[..], b"two", b"three"]);
        assert_eq!(passed.lock().unwrap()[2].0, stranger.pid);
        // Full: who does not want to wait is told, and who wants to for a while, too.
        assert_eq!(port::try_command(port, "four"), Err(CommandError::Busy));
        let timed = port::command_timeout(port, "five", Duration::from_millis(5)).await;
        assert_eq!(timed, Err(CommandError::Timeout));
        assert_eq!(
            port::port_info(port).map(|info| info.writers_waiting),
            Some(0)
        );
        unlink(port);
        port::close(port).unwrap();
        assert_eq!(port::command(port, "six").await, Err(CommandError::Closed));
        assert_eq!(port::try_command(port, "six"), Err(CommandError::Closed));
        // A driver without commands.
        let (timer, _) = bell::open();
        assert_eq!(port::command(timer, "bad").await, Err(CommandError::BadArg));
    });
}

/// O-15: a driver that panics over a command closes its port, and the caller is told.
#[test]
fn o_15_a_panic_over_a_command() {
    everywhere(|| async {
        trap_exit(true);
        let (port, _) = gate::open(1);
        assert_eq!(
            port::command(port, "panic").await,
            Err(CommandError::Closed)
        );
        assert!(matches!(exit_of(port).await, Reason::Panic(_)));
    });
}

/// A process that gives a command and reports how it ended.
fn writer(port: PortId, name: u8) -> Pid {
    let main = self_pid();
    spawn(async move {
        let end = port::command(port, vec![name]).await;
        send(main, (name, end));
    })
}

async fn waiting(port: PortId, count: usize) {
    while port::port_info(port).expect("it is open").writers_waiting < count {
        sleep(Duration::from_millis(1)).await;
    }
}

/// O-13, O-11: those who wait are served first come, first served, as many as there is room for,
/// and nobody overtakes them.
#[test]
fn o_13_writers_wait_in_line() {
    everywhere(|| async {
        let (port, passed) = gate::open(0);
        for name in 0..5u8 {
            writer(port, name);
            waiting(port, usize::from(name) + 1).await;
        }
        assert!(port::port_info(port).expect("it is open").busy);
        gate::make_room(port, 2).unwrap();
        for name in 0..2u8 {
            assert_eq!(next::<(u8, _)>().await, (name, Ok::<_, CommandError>(())));
        }
        waiting(port, 3).await;
        assert_eq!(gate::passed(&passed), [[0], [1]]);
        // Room comes, but others are before this one.
        gate::make_room(port, 9).unwrap();
        let late = port::command(port, "late").await;
        assert_eq!(late, Ok(()));
        let all = gate::passed(&passed);
        assert_eq!(all, [&[0][..], &[1], &[2], &[3], &[4], b"late"]);
    });
}

/// O-13: only those are woken for whom there is room: no thundering herd.
#[test]
fn o_13_no_more_are_woken_than_there_is_room_for() {
    worlds(10, || async {
        let (port, _) = gate::open(0);
        let polls: Arc<std::sync::atomic::AtomicU32> = Arc::default();
        for name in 0..50u8 {
            let polls = polls.clone();
            spawn(async move {
                let mut command = std::pin::pin!(port::command(port, vec![name]));
                std::future::poll_fn(|cx| {
                    polls.fetch_add(1, Ordering::Relaxed);
                    command.poll_unpin(cx)
                })
                .await
                .ok();
            });
        }
        settle().await;
        assert_eq!(polls.load(Ordering::Relaxed), 50);
        gate::make_room(port, 3).unwrap();
        settle().await;
        assert_eq!(polls.load(Ordering::Relaxed), 53);
        assert_eq!(
            port::port_info(port).map(|info| info.writers_waiting),
            Some(47)
        );
    });
}

/// 8.9: a process that waits can be killed, and one that gives up leaves the line; the next is
/// served.
#[test]
fn writers_that_go_leave_the_line() {
    everywhere(|| async {
        let (port, passed) = gate::open(0);
        let killed = writer(port, 1);
        waiting(port, 1).await;
        let (_, gives_up) = spawn_monitor(async move {
            let time = Duration::from_millis(5);
            let end = port::command_timeout(port, vec![2], time).await;
            assert_eq!(end, Err(CommandError::Timeout));
        });
        writer(port, 3);
        assert_eq!(down(gives_up).await, Reason::Normal);
        waiting(port, 2).await;
        // The first is called, and dies before it comes.
        let watch = monitor(killed);
        exit_signal(killed, "kill");
        gate::make_room(port, 1).unwrap();
        assert_eq!(down(watch).await, Reason::Killed);
        let (name, end) = next::<(u8, Result<(), CommandError>)>().await;
        assert!(end.is_ok());
        // Where the kill came late, the first got through, and the third follows with new room.
        if name == 1 {
            gate::make_room(port, 1).unwrap();
            let (_, end) = next::<(u8, Result<(), CommandError>)>().await;
            assert!(end.is_ok());
        }
        assert_eq!(gate::passed(&passed).last(), Some(&vec![3]));
    });
}

/// 8.7, I-8: a port that closes wakes all who wait, and their commands fail.
#[test]
fn i_8_a_close_resumes_all_writers() {
    everywhere(|| async {
        let (port, passed) = gate::open(0);
        for name in 0..9u8 {
            writer(port, name);
        }
        waiting(port, 9).await;
        port::close(port).unwrap();
        for _ in 0..9 {
            let (_, end) = next::<(u8, Result<(), CommandError>)>().await;
            assert_eq!(end, Err(CommandError::Closed));
        }
        assert!(gate::passed(&passed).is_empty());
    });
}

/// O-13: a process that waits for a port is not deaf: it can take messages beside the wait.
#[test]
fn o_13_a_waiting_process_hears() {
    worlds(10, || async {
        let (port, passed) = gate::open(0);
        let main = self_pid();
        let other = spawn(async move {
            let command = port::command(port, "data").fuse();
            let heard = receive::<u32>().fuse();
            futures_util::pin_mut!(command, heard);
            futures_util::select_biased! {
                _ = command => panic!("there is no room"),
                n = heard => send(main, n + 1),
            }
            send(main, command.await.is_ok());
        });
        settle().await;
        send(other, 1u32);
        assert_eq!(next::<u32>().await, 2);
        assert!(gate::passed(&passed).is_empty());
        gate::make_room(port, 1).unwrap();
        assert!(next::<bool>().await);
    });
}

/// 9.4: a process that begins to wait for a busy port is an event, once for each command.
#[test]
fn a_busy_port_is_an_event() {
    let (tell, told) = std::sync::mpsc::channel();
    let builder = Runtime::builder().workers(2);
    let hook = move |event: &Event| tell.send(event.clone()).expect("somebody listens");
    let runtime = builder
        .on_event(hook)
        .build()
        .expect("the system has what it needs");
    on(runtime, async {
        let (port, _) = gate::open(0);
        let time = Duration::from_millis(20);
        let end = port::command_timeout(port, "data", time).await;
        assert_eq!(end, Err(CommandError::Timeout));
    });
    assert!(matches!(told.try_recv(), Ok(Event::BusyPort { .. })));
    assert!(told.try_recv().is_err(), "it is told once");
}

/// 8.11: requests by number and bytes, from any process; unknown ones are `badarg`.
#[test]
fn control_requests() {
    everywhere(|| async {
        let (port, _) = gate::open(0);
        let turn = |data: &'static str| port::control(port, gate::TURN, data);
        assert_eq!(turn("abc").as_deref(), Ok(&b"cba"[..]));
        let stranger = Puppet::new();
        let by_stranger = stranger
            .does(async move { port::control(port, 8, "abc") })
            .await;
        assert_eq!(by_stranger, Err(ControlError::BadArg));
        let (timer, _) = bell::open();
        assert_eq!(
            port::control(timer, gate::TURN, ""),
            Err(ControlError::BadArg)
        );
        port::close(port).unwrap();
        assert_eq!(
            port::control(port, gate::TURN, ""),
            Err(ControlError::Closed)
        );
    });
}

fn watch(port: PortId, pid: Pid) -> Option<Ref> {
    port::call(port, move |_: &mut Gate, cx| cx.monitor(pid)).expect("it is open")
}

/// 8.11: a driver watches processes: each monitor tells once, the dead are refused, and an ended
/// monitor tells nothing.
#[test]
fn drivers_watch_processes() {
    everywhere(|| async {
        let (port, _) = gate::open(0);
        let (one, two) = (Puppet::new(), Puppet::new());
        let first = watch(port, one.pid).expect("it lives");
        let second = watch(port, one.pid).expect("it lives");
        let ended = watch(port, one.pid).expect("it lives");
        assert!(watch(port, two.pid).is_some());
        let end = move |_: &mut Gate, cx: &mut port::PortCx<'_>| cx.demonitor(ended);
        assert_eq!(port::call(port, end), Ok(true));
        assert_eq!(port::call(port, end), Ok(false));
        assert_eq!(
            port::port_info(port).map(|info| info.monitors.len()),
            Some(3)
        );
        assert_eq!(
            process_info(two.pid).await.expect("it lives").monitored_by,
            [port]
        );
        one.ends("boom");
        for reference in [first, second] {
            let told = next::<Told>().await;
            assert_eq!(told, Told::Down(reference, one.pid, Reason::from("boom")));
        }
        assert_eq!(watch(port, one.pid), None);
        // A port that closes watches nobody.
        port::close(port).unwrap();
        assert!(
            process_info(two.pid)
                .await
                .expect("it lives")
                .monitored_by
                .is_empty()
        );
        assert!(receive_timeout::<Told>(Duration::ZERO).await.is_none());
    });
}

/// 8.11: jobs of a driver: what they return, and their panics, come back under their numbers.
#[test]
fn drivers_have_jobs_done() {
    everywhere(|| async {
        let (port, _) = gate::open(0);
        let begin = |_: &mut Gate, cx: &mut port::PortCx<'_>| {
            let good = cx.spawn_blocking(|| 42u32).expect("there is room");
            let bad = cx.spawn_blocking(|| -> u32 { panic!("at work") });
            (good, bad.expect("there is room"))
        };
        let (good, bad) = port::call(port, begin).expect("it is open");
        assert_ne!(good, bad);
        for _ in 0..2 {
            match next::<Told>().await {
                Told::Done(job, Ok(42)) => assert_eq!(job, good),
                Told::Done(job, Err(Reason::Panic(_))) => assert_eq!(job, bad),
                other => panic!("came: {other:?}"),
            }
        }
    });
}

/// 8.11, C-8: where the port is gone, a job ends all the same and what it returns is dropped.
#[test]
fn jobs_outlive_their_port() {
    struct Noted(Arc<AtomicBool>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    everywhere(|| async {
        let dropped = Arc::new(AtomicBool::new(false));
        let noted = Noted(dropped.clone());
        let (port, _) = gate::open(0);
        let (go, gone) = std::sync::mpsc::channel::<()>();
        // In a world the job runs later anyway, and must not wait.
        let waits = !runtime::port::is_simulated();
        let job = move |_: &mut Gate, cx: &mut port::PortCx<'_>| {
            let job = move || {
                if waits {
                    gone.recv().expect("it is let go");
                }
                noted
            };
            cx.spawn_blocking(job).is_ok()
        };
        assert_eq!(port::call(port, job), Ok(true));
        port::close(port).unwrap();
        go.send(()).ok();
        while !dropped.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(1)).await;
        }
    });
}

/// C-8, 9.4: a job that finds no room is an error of the callback's, and an event.
#[test]
fn a_full_pool_refuses_jobs() {
    let (tell, told) = std::sync::mpsc::channel();
    let mut limits = Limits::default();
    (limits.blocking_threads_max, limits.blocking_queue_max) = (1, 1);
    let builder = Runtime::builder().workers(1).limits(limits);
    let hook = move |event: &Event| tell.send(event.clone()).expect("somebody listens");
    let runtime = builder
        .on_event(hook)
        .build()
        .expect("the system has what it needs");
    on(runtime, async {
        let (port, _) = gate::open(0);
        let begin = |_: &mut Gate, cx: &mut port::PortCx<'_>| {
            let (go, gone) = std::sync::mpsc::channel::<()>();
            let wait = move || gone.recv().map_or(0u32, |()| 1);
            let mut refused = cx.spawn_blocking(wait).is_err();
            for _ in 0..2 {
                refused |= cx.spawn_blocking(|| 1u32).is_err();
            }
            drop(go);
            refused
        };
        assert_eq!(port::call(port, begin), Ok(true));
    });
    assert_eq!(told.try_recv(), Ok(Event::BlockingPoolFull));
}

/// O-4, D-6: with the option a port closes with its owner's reason also where no link carries the
/// news; without it, it stays.
#[test]
fn o_4_ports_that_close_with_their_owner() {
    for reason in ["normal", "boom", "killed"] {
        worlds(10, move || async move {
            for on in [true, false] {
                let owner = Puppet::new();
                let opens = async move {
                    let (port, _) = bell::open();
                    port::close_on_owner_death(port, on).expect("it is open");
                    unlink(port);
                    port
                };
                let port = owner.does(opens).await;
                let watch = monitor(port);
                owner.ends(reason);
                settle().await;
                assert_eq!(port::port_info(port).is_none(), on);
                exit_signal(port, "late");
                let expected = if on { reason } else { "late" };
                assert_eq!(down(watch).await, Reason::from(expected));
            }
        });
    }
}

/// O-4: the option follows the owner through every change of hands, and can be taken back.
#[test]
fn o_4_the_option_follows_the_owner() {
    everywhere(|| async {
        let (old, new, last) = (Puppet::new(), Puppet::new(), Puppet::new());
        let opens = async move {
            let (port, _) = bell::open();
            port::close_on_owner_death(port, true).expect("it is open");
            port::hand_over(port, new.pid).expect("it lives");
            port
        };
        let port = old.does(opens).await;
        new.does(async move {
            port::signal_port(port, PortSignal::Connect(new.pid, last.pid));
            unlink(port);
        })
        .await;
        old.ends("boom");
        new.ends("boom");
        let (watch, gone) = (monitor(port), [monitor(old.pid), monitor(new.pid)]);
        for gone in gone {
            down(gone).await;
        }
        assert!(port::port_info(port).is_some());
        last.ends("boom");
        assert_eq!(down(watch).await, Reason::from("boom"));
        // To a corpse: there is nobody to live for.
        let (port, _) = bell::open();
        unlink(port);
        port::close_on_owner_death(port, true).expect("it is open");
        let watch = monitor(port);
        port::signal_port(port, PortSignal::Connect(self_pid(), old.pid));
        assert_eq!(down(watch).await, Reason::NoProc);
        // Taken back.
        let (port, _) = bell::open();
        port::close_on_owner_death(port, true).expect("it is open");
        port::close_on_owner_death(port, false).expect("it is open");
        assert!(
            process_info(self_pid())
                .await
                .expect("it lives")
                .monitored_by
                .is_empty()
        );
    });
}

/// 8.4, 8.2: `closed` is the answer to a close in message form, once the flush is over; the exit
/// comes when it begins.
#[test]
fn closed_comes_after_the_flush() {
    let slow = bell::Ways {
        slow: true,
        ..bell::Ways::default()
    };
    worlds(10, move || async move {
        trap_exit(true);
        let (port, log) = bell::open_with(slow);
        port::signal_port(port, PortSignal::Close(self_pid()));
        assert_eq!(exit_of(port).await, Reason::Normal);
        assert!(receive_timeout::<PortReply>(Duration::ZERO).await.is_none());
        assert_eq!(next::<PortReply>().await, PortReply::Closed(port));
        assert!(log.has(&bell::Deed::Stopped));
        nothing::<PortReply>().await;
    });
    real(2, async move {
        trap_exit(true);
        let (port, _) = bell::open_with(slow);
        port::signal_port(port, PortSignal::Close(self_pid()));
        let reply = receive_timeout::<PortReply>(LIMIT).await;
        assert_eq!(reply, Some(PortReply::Closed(port)));
    });
}
