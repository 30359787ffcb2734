//! What is seen of a runtime from outside: the watchdog (process C-7, D-9), statistics (9.4),
//! listings (10.9), and the pools for blocking closures (C-8).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtime::port;
use runtime::prelude::*;
use runtime::{Event, Limits, SortBy, blocking, blocking_cpu};
use tests::alone::alone;
use tests::run::on;
use tests::{Puppet, bell, down, everywhere, gate, next, real, settle, worlds};

/// Holds the worker that it runs on.
#[allow(clippy::disallowed_methods)] // it is what the watchdog is there for
fn hold(time: Duration) {
    std::thread::sleep(time);
}

/// C-7: a slice that is too long is an event, once, with who it is, for how long, and where it came
/// from.
#[test]
fn c_7_a_long_slice_is_an_event_once() {
    for workers in [1, 2] {
        let (tell, told) = channel();
        let builder = Runtime::builder().workers(workers);
        let builder = builder.long_schedule(Duration::from_millis(100));
        let hook = move |event: &Event| tell.send(event.clone()).expect("somebody listens");
        let runtime = builder
            .on_event(hook)
            .build()
            .expect("the system has what it needs");
        let pid = Arc::new(Mutex::new(None));
        let noted = pid.clone();
        on(runtime, async move {
            let (long, watch) = spawn_monitor(async { hold(Duration::from_millis(700)) });
            *noted.lock().unwrap() = Some(long);
            assert_eq!(down(watch).await, Reason::Normal);
        });
        let held = pid.lock().unwrap().expect("it was spawned");
        let events = told.try_iter().filter_map(|event| match event {
            Event::LongSchedule {
                pid,
                ms,
                spawned_at,
            } if pid == held => Some((ms, spawned_at)),
            _ => None,
        });
        let events: Vec<_> = events.collect();
        assert_eq!(events.len(), 1, "{events:?}");
        let (ms, spawned_at) = events[0];
        assert!((100..=700).contains(&ms), "after {ms} ms");
        assert!(spawned_at.is_some_and(|place| place.file().ends_with("watching.rs")));
    }
}

/// C-7: while a process holds the worker that sat at the poller, a parked worker takes its seat, so
/// that timers go on.
#[test]
fn c_7_the_seat_at_the_poller_does_not_stay_empty() {
    real(2, async {
        for _ in 0..5 {
            let (held, main) = (Arc::new(AtomicBool::new(false)), self_pid());
            let flag = held.clone();
            let (_, watch) = spawn_monitor(async move {
                sleep(Duration::from_millis(20)).await;
                flag.store(true, Ordering::SeqCst);
                hold(Duration::from_millis(600));
                flag.store(false, Ordering::SeqCst);
            });
            spawn(async move {
                sleep(Duration::from_millis(60)).await;
                send(main, held.load(Ordering::SeqCst));
            });
            assert!(
                next::<bool>().await,
                "the timer waited for the slice to end"
            );
            assert_eq!(down(watch).await, Reason::Normal);
        }
    });
}

/// Switches that the threads of this process made of their own will.
fn switches() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("it is Linux");
    let of = |task: std::io::Result<std::fs::DirEntry>| {
        let status = std::fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("voluntary"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    tasks.filter_map(of).sum()
}

/// C-7, C-9: a runtime with nothing to do does nothing, the watchdog neither: no thread of it wakes
/// up.
#[cfg(target_os = "linux")]
#[test]
fn an_idle_runtime_sleeps() {
    alone("watching::an_idle_runtime_sleeps", || {
        let runtime = Runtime::builder()
            .workers(3)
            .build()
            .expect("there is what it needs");
        let (tell, told) = channel();
        runtime.handle().spawn(async move {
            for _ in 0..100 {
                spawn(async { receive::<()>().await });
                bell::open();
            }
            send_after(Duration::from_secs(3600), self_pid(), ());
            tell.send(()).expect("the test waits");
            receive::<()>().await
        });
        told.recv().expect("it comes to that");
        hold(Duration::from_millis(200));
        let before = switches();
        hold(Duration::from_secs(1));
        let woken = switches() - before;
        assert!(woken <= 3, "{woken} wake-ups in a second");
    });
}

/// 9.4: statistics are there at any time, count what is and what was, and print as a table.
#[test]
fn statistics_of_a_runtime() {
    real(2, async {
        // Whoever spawned this process from outside counts until its call has returned.
        while runtime::statistics().processes as usize != processes().len() {
            sleep(Duration::from_millis(1)).await;
        }
        let before = runtime::statistics();
        assert_eq!(before.workers.len(), 2);
        let polls = |of: &runtime::Statistics| of.workers.iter().map(|w| w.polls).sum::<u64>();
        let (_port, puppet) = (bell::open(), Puppet::new());
        let timer = send_after(Duration::from_secs(3600), self_pid(), ());
        for n in 0..100u32 {
            assert_eq!(puppet.does(async move { n }).await, n);
        }
        let after = runtime::statistics();
        assert!(polls(&after) >= polls(&before) + 100);
        assert_eq!(
            (after.processes, after.ports),
            (before.processes + 1, before.ports + 1)
        );
        assert!(after.timers > before.timers);
        cancel_timer(timer);
        sleep(Duration::from_millis(5)).await;
        let parks = runtime::statistics()
            .workers
            .iter()
            .map(|w| w.parks)
            .sum::<u64>();
        assert!(parks > 0);
        let table = after.to_string();
        assert!(
            table.contains("polls") && table.lines().count() > 10,
            "{table}"
        );
    });
}

/// 9.4: run queues are seen: what is ready and waits for the only worker.
#[test]
fn statistics_of_run_queues() {
    real(1, async {
        for _ in 0..50 {
            spawn(async {});
        }
        let statistics = runtime::statistics();
        assert_eq!(statistics.workers[0].run_queue, 50);
    });
}

/// B-16: the processes with most to do come first; a line says who they are.
#[test]
fn b_16_the_top_of_the_processes() {
    worlds(5, || async {
        let (full, _) = Spawn::new()
            .name("full")
            .spawn(async { receive::<()>().await })
            .unwrap();
        let less = Puppet::new();
        for n in 0..30u32 {
            send(full, n);
            if n < 10 {
                send(less.pid, n);
            }
        }
        settle().await;
        let top = runtime::top(SortBy::MessageQueue, 2);
        assert_eq!(
            top.0.iter().map(|line| line.pid).collect::<Vec<_>>(),
            [full, less.pid]
        );
        let (first, text) = (&top.0[0], top.to_string());
        assert_eq!((first.message_queue_len, first.status), (30, "waiting"));
        assert_eq!(
            first.registered_name.as_ref().map(Name::as_str),
            Some("full")
        );
        assert!(text.contains("full") && text.lines().count() == 3, "{text}");
        let (big, _) = Spawn::new()
            .spawn(async {
                let held = std::hint::black_box([0u8; 10_000]);
                receive::<()>().await;
                assert_eq!(held.len(), 10_000);
            })
            .unwrap();
        assert_eq!(runtime::top(SortBy::Memory, 1).0[0].pid, big);
    });
}

/// 10.9: the tables of processes and ports, from outside of all processes.
#[test]
fn tables_from_outside() {
    let runtime = Runtime::builder()
        .workers(1)
        .build()
        .expect("the system has what it needs");
    let handle = runtime.handle();
    let (tell, told) = channel();
    let pid = handle.spawn(async move {
        let (port, _) = gate::open(0);
        register("listed", self_pid()).expect("it is free");
        spawn(async move { port::command(port, "waits").await });
        while port::port_info(port).expect("it is open").writers_waiting == 0 {
            yield_now().await;
        }
        tell.send(port).expect("the test waits");
        receive::<()>().await
    });
    let port = told.recv().expect("it comes to that");
    let (processes, ports) = (handle.process_table(), handle.port_table());
    assert_eq!(processes.0.len(), 2);
    assert!(processes.0.iter().any(|line| line.pid == pid));
    assert_eq!(
        (ports.0.len(), ports.0[0].id, ports.0[0].connected),
        (1, port, pid)
    );
    let text = runtime.to_string();
    for part in ["listed", "gate", "busy=1", "watching.rs"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

/// C-8: closures that compute have a pool of their own: they run while the other one is held, and
/// hold up nobody there.
#[test]
fn c_8_two_pools() {
    everywhere(|| async {
        assert_eq!(blocking_cpu(|| 6 * 7).await, Ok(42));
        let failed = blocking_cpu(|| panic!("computing")).await;
        assert!(matches!(
            failed,
            Err::<(), _>(runtime::BlockingError::Failed(_))
        ));
    });
    let mut limits = Limits::default();
    (limits.blocking_threads_max, limits.blocking_cpu_threads_max) = (1, 1);
    let builder = Runtime::builder().workers(2).limits(limits);
    on(
        builder.build().expect("the system has what it needs"),
        async {
            let (go, gone) = channel::<()>();
            let gone = Mutex::new(gone);
            let (_, held) = spawn_monitor(async move {
                blocking(move || gone.lock().unwrap().recv()).await.ok();
            });
            while runtime::statistics().blocking.busy == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(blocking_cpu(|| 1).await, Ok(1));
            let (_, waits) = spawn_monitor(async { blocking(|| ()).await.unwrap() });
            while runtime::statistics().blocking.waiting == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            let pool = runtime::statistics().blocking;
            assert_eq!((pool.threads, pool.busy, pool.waiting), (1, 1, 1));
            go.send(()).expect("it waits");
            for watch in [held, waits] {
                assert_eq!(down(watch).await, Reason::Normal);
            }
        },
    );
}

/// C-8: a pool serves first come, first served.
#[test]
fn c_8_closures_wait_in_order() {
    let limits =
        |limits: &mut Limits| (limits.blocking_cpu_threads_max, limits.blocking_queue_max) = (1, 9);
    let mut one = Limits::default();
    limits(&mut one);
    let builder = Runtime::builder().workers(1).limits(one);
    on(
        builder.build().expect("the system has what it needs"),
        async {
            let order: Arc<Mutex<Vec<u32>>> = Arc::default();
            let mut ends = Vec::new();
            let main = self_pid();
            for n in 0..9 {
                let order = order.clone();
                let job = async move {
                    send(main, n);
                    blocking_cpu(move || order.lock().unwrap().push(n))
                        .await
                        .unwrap();
                };
                ends.push(spawn_monitor(job).1);
                assert_eq!(next::<u32>().await, n);
            }
            for end in ends {
                assert_eq!(down(end).await, Reason::Normal);
            }
            assert_eq!(*order.lock().unwrap(), (0..9).collect::<Vec<u32>>());
        },
    );
}
