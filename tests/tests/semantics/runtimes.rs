//! Runtimes as values: `block_on`, handles, shutdown and its deadline, runtimes inside runtimes
//! (process C-10, I-14; design: no statics).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::prelude::*;
use runtime::{Shutdown, SpawnError, sim, try_self_pid};
use tests::alone::{child_with, descriptors, is_child, set_space_limit};
use tests::bell::{self, Deed};
use tests::{Puppet, down, next, real};

const SOON: Duration = Duration::from_secs(20);

fn small() -> Runtime {
    let runtime = Runtime::builder().workers(2).on_crash(|_| {}).build();
    runtime.expect("the system has what a runtime needs")
}

/// `block_on` gives the value, or why there is none: by each way to end.
#[test]
fn block_on_says_how_it_ended() {
    let runtime = small();
    assert_eq!(runtime.block_on(async { 6 * 7 }), Ok(42));
    assert_eq!(
        runtime.block_on(async { exit("left").await }),
        Err::<(), _>(Reason::from("left"))
    );
    let panicked = runtime.block_on(async { panic!("at work") });
    assert_eq!(panicked, Err::<(), _>(Reason::Panic("at work".into())));
    let killed = runtime.block_on(async {
        let me = self_pid();
        spawn(async move { exit_signal(me, "kill") });
        std::future::pending::<()>().await
    });
    assert_eq!(killed, Err(Reason::Killed));
    let linked = runtime.block_on(async {
        spawn_link(async { exit("linked").await });
        std::future::pending::<()>().await
    });
    assert_eq!(linked, Err(Reason::from("linked")));
}

/// `run` gives what `main` returns, or its exit reason.
#[test]
fn run_gives_what_main_returns() {
    assert_eq!(runtime::run(async { Ok(7) }).ok(), Some(7));
    let failed = runtime::run(async {
        "x".parse::<u8>()?;
        Ok(())
    });
    assert!(failed.is_err_and(|error| error.is::<std::num::ParseIntError>()));
    let left = runtime::run(async { exit("left").await });
    let left: runtime::Result = left;
    assert_eq!(
        left.map_err(|error| error.to_string()),
        Err("left".to_owned())
    );
}

/// A handle works on any thread, in no process, and keeps nothing alive.
#[test]
fn handles_work_outside_of_processes() {
    let runtime = small();
    let handle = runtime.handle();
    assert_eq!(try_self_pid(), None);
    let (tell, told) = std::sync::mpsc::channel();
    let pid = handle.spawn(async move {
        register("server", self_pid()).unwrap();
        tell.send(()).unwrap();
        let n: u32 = receive().await;
        assert_eq!(n, 7);
        let (port, _) = bell::open();
        tell.send(()).unwrap();
        receive::<()>().await;
        assert!(runtime::port::port_info(port).is_some());
    });
    told.recv_timeout(SOON).expect("it runs");
    assert_eq!(handle.whereis("server"), Some(pid.into()));
    handle.send(pid, 7u32);
    told.recv_timeout(SOON).expect("it got the message");
    assert_eq!((handle.process_count(), handle.port_count()), (1, 1));
    handle.exit_signal(pid, "boom");
    wait_until(|| handle.process_count() == 0 && handle.port_count() == 0);
    assert_eq!(runtime.shutdown(SOON), Shutdown::default());
    assert_eq!(handle.try_spawn(async {}), Err(SpawnError::SystemLimit));
    handle.send(handle.spawn(async {}), "dropped");
    assert_eq!(runtime.block_on(async {}), Err(Reason::SystemLimit));
}

/// Waits for something that is about to happen.
#[allow(clippy::disallowed_methods)] // the test's own thread has nothing else to wait by
fn wait_until(holds: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("it does not happen");
}

/// Free functions outside of a process panic with advice.
#[test]
fn free_functions_outside_of_a_process_panic_with_advice() {
    let refused = std::panic::catch_unwind(|| spawn(async {}));
    let panic = refused.expect_err("there is no process here");
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.contains("Handle"), "{text}");
}

/// C-10: shutdown tells everyone, and waits for those who need a moment.
#[test]
fn c_10_shutdown_tells_and_waits() {
    let runtime = small();
    let polite = Arc::new(AtomicBool::new(false));
    let flag = polite.clone();
    let (tell, told) = std::sync::mpsc::channel();
    runtime.handle().spawn(async move {
        trap_exit(true);
        for _ in 0..50 {
            spawn_link(std::future::pending::<()>());
        }
        tell.send(()).unwrap();
        let exit = receive_match(|exit: &Exit| exit.reason == Reason::Shutdown).await;
        assert_eq!(
            exit.from.pid().map(|pid| pid.to_string()),
            Some("<0.0.0>".to_owned())
        );
        sleep(Duration::from_millis(20)).await;
        flag.store(true, Ordering::SeqCst);
    });
    told.recv_timeout(SOON).expect("it runs");
    assert_eq!(runtime.shutdown(SOON), Shutdown::default());
    assert!(polite.load(Ordering::SeqCst), "it was given the time");
    assert_eq!(runtime.handle().process_count(), 0);
    assert_eq!(
        runtime.shutdown(SOON),
        Shutdown::default(),
        "twice does no harm"
    );
}

/// C-10: those that do not go are killed, orphaned and flushing ports are closed.
#[test]
fn c_10_shutdown_kills_what_is_left() {
    let runtime = small();
    let (tell, told) = std::sync::mpsc::channel();
    runtime.handle().spawn(async move {
        let slow = bell::Ways {
            slow: true,
            ..bell::Ways::default()
        };
        let logs = [bell::open().1, bell::open_with(slow).1];
        links().into_iter().for_each(unlink);
        trap_exit(true);
        tell.send(logs).unwrap();
        loop {
            receive_any().await;
        }
    });
    let logs = told.recv_timeout(SOON).expect("it runs");
    assert_eq!(
        runtime.shutdown(Duration::from_millis(400)),
        Shutdown::default()
    );
    let handle = runtime.handle();
    assert_eq!((handle.process_count(), handle.port_count()), (0, 0));
    assert!(logs.iter().all(|log| log.has(&Deed::Dropped)));
}

/// I-14, D-9: a process that does not stop computing is named, and its thread left behind.
#[test]
fn i_14_one_that_computes_on_is_named() {
    let runtime = small();
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let (tell, told) = std::sync::mpsc::channel();
    let busy = runtime.handle().spawn(async move {
        tell.send(()).unwrap();
        while !flag.load(Ordering::SeqCst) {
            std::hint::spin_loop();
        }
    });
    told.recv_timeout(SOON).expect("it runs");
    let late = runtime.shutdown(Duration::from_millis(100)).late;
    assert_eq!(late, [busy]);
    stop.store(true, Ordering::SeqCst);
}

/// C-10: spawning from outside while the runtime ends: each is run to its end or refused, none
/// hangs.
#[test]
#[allow(clippy::disallowed_methods)] // the race is between threads of the test, and takes time
fn c_10_spawning_while_the_runtime_ends() {
    let started = std::time::Instant::now();
    for _ in 0..200 {
        let runtime = small();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    // Ends with a value, killed, or refused.
                    while runtime.block_on(yield_now()) != Err(Reason::SystemLimit) {}
                });
            }
            scope.spawn(|| assert_eq!(runtime.shutdown(SOON), Shutdown::default()));
        });
        assert_eq!(runtime.handle().process_count(), 0);
    }
    // One that was not told would have been waited for until half of the time was over.
    assert!(
        started.elapsed() < SOON / 2,
        "a shutdown waited for one that it had not told"
    );
}

/// C-10: a process that goes on spawning while the runtime ends spawns nobody who would not be
/// told: it gets what it would get at the limit of processes.
#[test]
fn c_10_processes_spawn_nobody_while_the_runtime_ends() {
    let runtime = small();
    let refused = Arc::new(AtomicBool::new(false));
    let flag = refused.clone();
    let (tell, told) = std::sync::mpsc::channel();
    runtime.handle().spawn(async move {
        trap_exit(true);
        tell.send(()).unwrap();
        receive_match(|exit: &Exit| exit.reason == Reason::Shutdown).await;
        assert_eq!(try_spawn(async {}), Err(SpawnError::SystemLimit));
        assert!(!is_alive(spawn(async {})).await);
        let linked = spawn_link(async {});
        assert_eq!(tests::exit_of(linked).await, Reason::SystemLimit);
        let (_, watch) = spawn_monitor(async {});
        assert_eq!(down(watch).await, Reason::SystemLimit);
        flag.store(true, Ordering::SeqCst);
    });
    told.recv_timeout(SOON).expect("it runs");
    assert_eq!(runtime.shutdown(SOON), Shutdown::default());
    assert!(refused.load(Ordering::SeqCst));
}

/// C-10: whoever was spawned before the runtime closed is told `shutdown`, also one that was made
/// while the others were being told: nobody is left for the kill.
#[test]
#[allow(clippy::disallowed_methods)] // what is measured is the time that a shutdown takes
fn c_10_everybody_is_told_however_late_it_was_spawned() {
    let started = std::time::Instant::now();
    for _ in 0..50 {
        let runtime = small();
        let (tell, told) = std::sync::mpsc::channel();
        for _ in 0..4 {
            let tell = tell.clone();
            runtime.handle().spawn(async move {
                tell.send(()).unwrap();
                // Each makes the next, which waits to be told.
                while try_spawn(std::future::pending::<()>()).is_ok() {
                    yield_now().await;
                }
            });
        }
        (0..4).for_each(|_| told.recv_timeout(SOON).expect("it runs"));
        assert_eq!(runtime.shutdown(SOON), Shutdown::default());
        assert_eq!(runtime.handle().process_count(), 0);
        assert!(
            started.elapsed() < SOON / 2,
            "a shutdown waited for one that it had not told"
        );
    }
}

/// Dropping a runtime ends it.
#[test]
fn a_dropped_runtime_has_ended() {
    let runtime = small();
    let handle = runtime.handle();
    let token = Arc::new(());
    let held = token.clone();
    handle.spawn(async move {
        let _held = held;
        std::future::pending::<()>().await
    });
    drop(runtime);
    assert_eq!(Arc::strong_count(&token), 1);
    assert_eq!(handle.process_count(), 0);
}

/// A runtime inside a process of another: each free function acts for its own, before and after.
#[test]
fn runtimes_nest() {
    real(2, async {
        let me = self_pid();
        let inner = small();
        let handle = inner.handle();
        let stranger = inner.block_on(async {
            register("name", self_pid()).unwrap();
            self_pid()
        });
        assert_eq!(self_pid(), me);
        assert_eq!(whereis("name"), None);
        assert!(!is_alive(stranger.expect("it comes to its end")).await);
        let outer = spawn(std::future::pending::<()>());
        let seen = inner.block_on(async move { is_alive(outer).await });
        assert_eq!(seen, Ok(false), "a pid of another runtime is a dead one");
        inner.shutdown(SOON);
        assert_eq!(handle.process_count(), 0);
        assert!(is_alive(outer).await);
    });
}

/// A world inside a process, and a world inside a world's director.
#[test]
fn worlds_nest() {
    real(1, async {
        let me = self_pid();
        let ran = sim::run(7, |world| {
            let outer = world.spawn(async { sleep(Duration::from_secs(5)).await });
            world.step();
            let inner = sim::run(8, |world| {
                let (tell, told) = std::sync::mpsc::channel();
                world.spawn(async move {
                    sleep(Duration::from_secs(60)).await;
                    tell.send(self_pid()).unwrap();
                });
                world.run();
                assert!(world.now() >= Duration::from_secs(60));
                told.recv().is_ok()
            });
            assert!(world.is_alive(outer) && world.now() < Duration::from_secs(1));
            world.run();
            assert!(!world.is_alive(outer));
            inner
        });
        assert!(ran);
        assert_eq!(self_pid(), me);
        let (_, watch) = spawn_monitor(async {});
        assert_eq!(down(watch).await, Reason::Normal);
    });
}

/// What two runtimes send each other by handles arrives.
#[test]
fn runtimes_talk_by_handles() {
    let other = small();
    let there = other.handle();
    let here = small();
    let back = here.handle();
    let answered = here.block_on(async move {
        let me = self_pid();
        let server = there.spawn(async move {
            loop {
                let n: u32 = receive().await;
                back.send(me, n + 1);
            }
        });
        let mut n = 0u32;
        for _ in 0..500 {
            there.send(server, n);
            n = next().await;
        }
        n
    });
    assert_eq!(answered, Ok(500));
}

/// The same world twice: the same steps, to the last.
#[test]
fn a_world_is_a_function_of_its_seed() {
    let walk = |seed| {
        sim::run(seed, |world| {
            world.spawn(async {
                let puppets: Vec<Puppet> = (0..5).map(|_| Puppet::new()).collect();
                for n in 0..20u32 {
                    let target = puppets[n as usize % 5].pid;
                    send_after(Duration::from_millis(n.into()), target, n);
                    yield_now().await;
                }
                exit_signal(puppets[0].pid, "kill");
            });
            world.run();
            (world.hash(), world.steps(), world.now())
        })
    };
    for seed in 0..20 {
        assert_eq!(walk(seed), walk(seed));
    }
    assert_ne!(walk(1).0, walk(2).0);
}

/// The threads of runtimes that this process has.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let is_ours = |name: &String| name.starts_with("worker-") || name.starts_with("watchdog");
    names.filter(is_ours).count()
}

/// Node: a runtime that cannot have all of its threads leaves none behind, and no descriptor.
#[test]
fn a_runtime_that_does_not_start_leaves_nothing() {
    const NAME: &str = "runtimes::a_runtime_that_does_not_start_leaves_nothing";
    const MIB: u64 = 1 << 20;
    if !is_child(NAME) {
        // Room for three stacks and a half; what threads allocate is small beside that.
        let environment = [("RUST_MIN_STACK", "67108864"), ("MALLOC_ARENA_MAX", "1")];
        let output = child_with(NAME, NAME, &environment);
        let text = String::from_utf8_lossy(&output.stderr);
        return assert!(output.status.success(), "{text}");
    }
    let build = || Runtime::builder().workers(8).build();
    let before = descriptors();
    set_space_limit(Some(224 * MIB));
    assert!(build().is_err(), "eight threads had room");
    set_space_limit(None);
    assert_eq!(descriptors(), before);
    // A thread that was joined may be seen for a moment longer.
    let gone = (0..10_000).any(|_| {
        let none = threads() == 0;
        if !none {
            std::thread::sleep(Duration::from_millis(1));
        }
        none
    });
    assert!(gone, "{} threads are left", threads());
    let runtime = build().expect("there is room");
    assert_eq!(runtime.block_on(async { 7 }), Ok(7));
}
