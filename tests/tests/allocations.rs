//! What a message, a receive and a port operation allocate: what docs/ARCHITECTURE.md says, and no
//! more.
//!
//! A counting allocator around the system's; one worker, so that the counts are those of the code
//! under test. Each case measures a long run after a warm-up and allows for the epoch's bags, which
//! come one for many dead processes. The cases run one after the other, in one test, because the
//! count is global. Unsafe: the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gen_tcp::opt::*;
use runtime::port::{Driver, PortCx, Readiness, Turn};
use runtime::prelude::*;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROUNDS: u64 = 10_000;

/// Allocations of one round, in the mean of many.
async fn measure<F: Future<Output = ()>>(mut round: impl FnMut() -> F) -> f64 {
    for _ in 0..ROUNDS / 10 {
        round().await;
    }
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..ROUNDS {
        round().await;
    }
    (ALLOCATIONS.load(Ordering::Relaxed) - before) as f64 / ROUNDS as f64
}

fn expect(what: &str, got: f64, allowed: f64) {
    println!("{what}: {got:.3} allocations, {allowed} allowed");
    assert!(
        got <= allowed + 0.05,
        "{what}: {got:.3} allocations, {allowed} allowed"
    );
}

struct Echo(Pid, u64);

/// A request that is answered with its number.
struct Ask(u64);

impl Request for Ask {
    type Reply = u64;
}

/// A driver that counts its calls.
struct Counter(u64);

impl Driver for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn ready(&mut self, _: &mut PortCx<'_>, _: Readiness) -> Turn {
        Turn::Done
    }

    fn stop(&mut self, _: &mut PortCx<'_>) {}
}

async fn processes() {
    let echo = spawn(async {
        loop {
            receive! { Echo(from, n) => send(from, n) }
        }
    });
    let me = self_pid();
    let one = measure(|| async move {
        send(me, 7u64);
        receive! { n: u64 if n == 7 => {} }
    });
    expect("a message to oneself, and its receive!", one.await, 1.0);
    let two = measure(|| async move {
        send(echo, Echo(me, 1));
        receive! { _: u64 => {} }
    });
    expect(
        "a message there and one back, through the scheduler",
        two.await,
        2.0,
    );
    let none = measure(|| async {
        receive! {
            _: u8 => {}
            after(Duration::ZERO) => {}
        }
    });
    expect("a receive! that finds nothing", none.await, 0.0);
    let child = measure(|| async move {
        spawn(async move { send(me, 1u64) });
        receive! { _: u64 => {} }
    });
    expect(
        "a process that sends one message and ends",
        child.await,
        2.0,
    );
}

/// R-6, M-14: the monitor, the request, the reply, the end of the monitor; whatever waits.
async fn calls() {
    let server = spawn(async {
        loop {
            receive! { Call::<Ask> { from, request: Ask(n) } => reply(from, n) }
        }
    });
    let ask = || async move {
        let answer = call(server, Ask(7), Duration::from_secs(60)).await;
        assert_eq!(answer, Ok(7));
    };
    expect("a call and its reply", measure(ask).await, 4.0);
    for n in 0..1_000_000u64 {
        send(self_pid(), n);
    }
    let behind = measure(ask).await;
    expect("a call behind a million messages", behind, 4.0);
    exit_signal(server, "kill");
}

async fn ports() -> runtime::Result {
    let port = runtime::port::open(Counter(0))?;
    let call = measure(|| async move {
        runtime::port::call(port, |counter: &mut Counter, _| counter.0 += 1).expect("it is open");
    });
    expect("a call of a port's driver", call.await, 0.0);

    let local = [binary(), active(false), ip([127, 0, 0, 1])];
    let listener = gen_tcp::listen(0, local)?;
    let number = gen_tcp::inet::port(listener)?;
    let client = gen_tcp::connect([127, 0, 0, 1], number, [binary(), active(false)]).await?;
    let server = gen_tcp::accept(listener).await?;
    let data = bytes::Bytes::from_static(b"hello");
    let echo = measure(|| {
        let data = data.clone();
        async move {
            gen_tcp::send(client, data).await.expect("connected");
            let got = gen_tcp::recv(server, 0).await.expect("connected");
            assert_eq!(got.len(), 5);
        }
    });
    expect("a send and a recv: the received bytes", echo.await, 1.0);
    gen_tcp::setopts(server, [active(true)])?;
    let message = measure(|| {
        let data = data.clone();
        async move {
            gen_tcp::send(client, data).await.expect("connected");
            receive! { gen_tcp::Tcp::Data(_, got) => assert_eq!(got.len(), 5) }
        }
    });
    expect(
        "a send and a message: the bytes and the message",
        message.await,
        2.0,
    );
    Ok(())
}

/// In a process of its own, whose mailbox goes with it.
async fn spawn_and_wait(body: impl Future<Output = ()> + Send + 'static) {
    let (_, watch) = spawn_monitor(body);
    let Down { reason, .. } = receive_match(|down: &Down| down.monitor == watch).await;
    assert!(reason.is_normal(), "{reason}");
}

#[test]
fn nothing_allocates_more_than_it_should() {
    let runtime = Runtime::builder()
        .workers(1)
        .build()
        .expect("a runtime starts");
    let done = runtime.block_on(async {
        processes().await;
        spawn_and_wait(calls()).await;
        ports().await
    });
    done.expect("the process ends by itself")
        .expect("no socket fails");
}
