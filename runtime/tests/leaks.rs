//! What is left when it is over: threads, descriptors, memory (I-12, I-14, T-6).
//!
//! Everything here is a property of the whole process of the system, so the tests take turns.

use std::fs;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use runtime::prelude::*;
use runtime::sim;

/// One test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Threads of runtimes.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux");
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let is_ours = |name: &String| name.starts_with("worker-") || name.starts_with("blocking");
    names.filter(is_ours).count()
}

/// Descriptors that pollers have.
fn descriptors() -> usize {
    let fds = fs::read_dir("/proc/self/fd").expect("Linux");
    let targets = fds.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("anon_inode:"))
        .count()
}

/// Memory of the process, in KiB.
fn memory_kib() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number of pages") * 4
}

/// Waits for something that is about to happen.
#[allow(clippy::disallowed_methods)] // a thread of the test has nothing else to wait by
fn wait_until(holds: impl Fn() -> bool) -> bool {
    for _ in 0..10_000 {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// What a runtime of the test does: processes, timers, a blocking closure, a process that stays.
async fn busy() {
    let children: Vec<(Pid, Ref)> = (0..20).map(|_| spawn_monitor(async {})).collect();
    for (_, watch) in children {
        receive_match(|down: &Down| down.monitor == watch).await;
    }
    send_after(Duration::from_secs(1000), self_pid(), "never");
    assert_eq!(runtime::blocking(|| 7).await, Ok(7));
    spawn(std::future::pending::<()>());
}

/// I-14, C-10: two hundred runtimes leave no thread and no descriptor.
#[test]
fn two_hundred_runtimes_leave_nothing() {
    let _alone = alone();
    // A thread that was joined may be seen for a moment longer.
    assert!(wait_until(|| (threads(), descriptors()) == (0, 0)));
    for n in 0..200 {
        let runtime = Runtime::builder()
            .workers(1 + n % 4)
            .build()
            .expect("a runtime");
        runtime.block_on(busy()).expect("it comes to its end");
        drop(runtime);
        assert_eq!(descriptors(), 0, "after {n} runtimes");
    }
    // Threads of the pool are told to end and not waited for to the last instruction.
    assert!(
        wait_until(|| threads() == 0),
        "{} threads are left",
        threads()
    );
}

/// A handle keeps memory, and lets go of it with everything else.
#[test]
fn the_last_handle_lets_go_of_the_runtime() {
    let _alone = alone();
    let runtime = Runtime::builder().workers(2).build().expect("a runtime");
    let handle = runtime.handle();
    runtime.block_on(busy()).expect("it comes to its end");
    drop(runtime);
    handle.send(handle.spawn(async {}), "dropped");
    drop(handle);
    assert_eq!(descriptors(), 0);
}

/// I-12: memory of the dead is freed while the runtime is busy, not only when it sleeps or ends.
#[test]
fn memory_of_the_dead_is_freed_under_load() {
    let _alone = alone();
    for workers in [1, 3] {
        let runtime = Runtime::builder()
            .workers(workers)
            .build()
            .expect("a runtime");
        let grown = runtime.block_on(async {
            let mut warm = 0;
            for round in 0..6 {
                for _ in 0..20_000 {
                    let (_, watch) = spawn_monitor(async {});
                    receive_match(|down: &Down| down.monitor == watch).await;
                }
                if round == 1 {
                    warm = memory_kib();
                }
            }
            memory_kib().saturating_sub(warm)
        });
        let grown = grown.expect("it comes to its end");
        assert!(grown < 4096, "80,000 dead processes left {grown} KiB");
    }
}

/// T-6: neither fired nor cancelled timers leave anything, also where they fire as they are set.
#[test]
fn timers_leave_no_memory() {
    let _alone = alone();
    let runtime = Runtime::builder().workers(3).build().expect("a runtime");
    let grown = runtime.block_on(async {
        let mut warm = 0;
        for round in 0..6 {
            for n in 0..20_000u32 {
                let timer = send_after(Duration::from_micros((n % 7).into()), self_pid(), ());
                if n % 2 == 0 {
                    cancel_timer(timer);
                }
                if n % 64 == 0 {
                    sleep(Duration::from_micros(1)).await;
                }
            }
            sleep(Duration::from_millis(2)).await;
            while receive_timeout::<()>(Duration::ZERO).await.is_some() {}
            if round == 1 {
                warm = memory_kib();
            }
        }
        memory_kib().saturating_sub(warm)
    });
    let grown = grown.expect("it comes to its end");
    assert!(grown < 4096, "80,000 timers left {grown} KiB");
}

/// A world that is over leaves nothing, so that many thousands can be walked through.
#[test]
fn worlds_leave_no_memory() {
    let _alone = alone();
    let walk = |worlds: u64| {
        sim::check(0..worlds, |world| {
            world.spawn(async {
                let children: Vec<Ref> = (0..5).map(|_| spawn_monitor(async {}).1).collect();
                for watch in children {
                    receive_match(|down: &Down| down.monitor == watch).await;
                }
                std::future::pending::<()>().await
            });
            world.run();
        });
    };
    walk(500);
    let warm = memory_kib();
    walk(3000);
    let grown = memory_kib().saturating_sub(warm);
    assert!(grown < 4096, "3,000 worlds left {grown} KiB");
}

/// Values of the program are dropped with their process, not when its memory is reclaimed.
#[test]
fn only_memory_is_reclaimed_late() {
    let _alone = alone();
    let runtime = Runtime::builder().workers(2).build().expect("a runtime");
    let token = Arc::new(());
    let held = token.clone();
    let ended = runtime.block_on(async move {
        for _ in 0..100 {
            let (held, reason) = (held.clone(), Reason::custom(Token(held.clone())));
            let (child, watch) = spawn_monitor(async move {
                let _held = held;
                exit(reason).await
            });
            send(child, "queued");
            receive_match(|down: &Down| down.monitor == watch).await;
        }
    });
    ended.expect("it comes to its end");
    assert!(wait_until(|| runtime.handle().process_count() == 0));
    assert_eq!(Arc::strong_count(&token), 1);
}

/// A payload that holds something.
#[derive(Clone)]
struct Token(Arc<()>);

impl PartialEq for Token {
    fn eq(&self, other: &Token) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("token")
    }
}
