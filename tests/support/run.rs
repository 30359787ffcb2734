//! Starts the main process of a test: in the worlds of many seeds, on real workers, or on both.
//!
//! Invariant: a test whose main process does not come to its end fails, and says why.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use runtime::{Reason, Runtime, exit_signal, processes, self_pid, sim};

/// How long a real runtime may take, many times what it takes.
const REAL_LIMIT: Duration = Duration::from_secs(60);

/// Runs the main process in the worlds of so many seeds.
///
/// # Panics
/// Where it does not return; the seed is printed.
pub fn worlds<F>(seeds: u64, main: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    sim::check(0..seeds, |world| {
        let (done, main) = (Arc::new(AtomicBool::new(false)), main());
        let flag = done.clone();
        world.spawn(async move {
            main.await;
            flag.store(true, Ordering::SeqCst);
        });
        world.run();
        assert!(
            done.load(Ordering::SeqCst),
            "the main process did not come to its end: {:?}\n{}",
            world.crashes(),
            world.ps()
        );
    });
}

/// Runs the main process on a real runtime with so many workers, which says nothing of crashes.
///
/// # Panics
/// Where it does not return, and where the runtime does not end.
pub fn real<F>(workers: usize, main: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = Runtime::builder().workers(workers).on_crash(|_| {}).build();
    on(runtime.expect("the system has what a runtime needs"), main);
}

/// As [`real`], on a runtime that the test made.
///
/// # Panics
/// As [`real`].
#[allow(clippy::disallowed_methods)] // a thread, so that a main process that hangs is seen
pub fn on<F>(runtime: Runtime, main: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (tell, told) = channel::<Result<(), Reason>>();
    let handle = runtime.handle();
    let waiter = std::thread::spawn(move || {
        let end = runtime.block_on(async move {
            main.await;
            // Nobody gets the time that a shutdown gives to those that trap exits.
            for pid in processes().into_iter().filter(|pid| *pid != self_pid()) {
                exit_signal(pid, "kill");
            }
        });
        let late = runtime.shutdown(Duration::from_secs(30)).late;
        assert!(late.is_empty(), "still running at the end: {late:?}");
        let _ = tell.send(end);
    });
    match told.recv_timeout(REAL_LIMIT) {
        Ok(Ok(())) => waiter.join().expect("it has told how it ended"),
        Ok(Err(reason)) => panic!("the main process ended: {reason}"),
        Err(_) => panic!(
            "the main process hangs, or the runtime's end failed\n{}\n{}\n{}",
            handle.statistics(),
            handle.process_table(),
            handle.port_table()
        ),
    }
}

/// Runs the main process in the worlds of 30 seeds, on one real worker and on three.
///
/// # Panics
/// As [`worlds`] and [`real`].
pub fn everywhere<F>(main: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    worlds(30, &main);
    real(1, main());
    real(3, main());
}
