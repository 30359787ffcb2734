//! Micro-benchmarks of what a process does: send, receive, select, call, spawn, link, monitor, set
//! a timer, command a port.
//!
//! ```text
//! cargo bench -p runtime                 # all
//! cargo bench -p runtime -- selective    # some
//! ```
//! A sample is one process that does `N` operations on a runtime with one worker; `items` in
//! divan's table are operations. How the runtime fares beside others: `tests/peers/compare`.

use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use runtime::port::{self, Driver, PortCx, Readiness, Turn};
use runtime::prelude::*;

/// Operations of one sample.
const N: u64 = 10_000;
/// Messages that a process may have unread in a sample.
const BATCH: u64 = 100;

fn main() {
    divan::main();
}

fn one_worker() -> Runtime {
    let builder = Runtime::builder().workers(1).on_crash(|_| {});
    builder.build().expect("a runtime")
}

/// Each sample is a process that does `operations`.
fn sample<F>(bencher: Bencher<'_, '_>, runtime: &Runtime, operations: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    bencher
        .counter(ItemsCount::new(N))
        .bench_local(|| runtime.block_on(operations()).expect("it comes to its end"));
}

struct Go(Pid);
struct Done;
struct Ask(Pid, Ref);
struct Answer(Ref);
struct Other;

/// To oneself, and what was sent is thrown away with the process.
#[divan::bench]
fn send_only(bencher: Bencher<'_, '_>) {
    sample(bencher, &one_worker(), || async {
        for number in 0..N {
            send(self_pid(), number);
        }
    });
}

/// To oneself in batches, and received in their order.
#[divan::bench]
fn send_and_receive(bencher: Bencher<'_, '_>) {
    sample(bencher, &one_worker(), || async {
        for _ in 0..N / BATCH {
            for number in 0..BATCH {
                send(self_pid(), number);
            }
            for _ in 0..BATCH {
                receive! { _: u64 => {} }
            }
        }
    });
}

/// To another process and back: each message wakes the one that it goes to.
#[divan::bench]
fn round_trip(bencher: Bencher<'_, '_>) {
    let runtime = one_worker();
    let other = runtime.block_on(async {
        spawn(async {
            loop {
                receive! { Go(from) => send(from, Done) }
            }
        })
    });
    let other = other.expect("it comes to its end");
    sample(bencher, &runtime, || async move {
        for _ in 0..N {
            send(other, Go(self_pid()));
            receive! { Done => {} }
        }
    });
}

struct Add(u64, u64);

impl Request for Add {
    type Reply = u64;
}

/// `call` and `reply`: a monitor, an alias and a time limit with each.
#[divan::bench]
fn call_and_reply(bencher: Bencher<'_, '_>) {
    sample(bencher, &one_worker(), || async {
        let server = spawn_link(async {
            loop {
                receive! { Call { request: Add(a, b), from } => reply(from, a + b) }
            }
        });
        for number in 0..N {
            let sum = call(server, Add(number, 1), Duration::from_secs(60)).await;
            assert_eq!(sum, Ok(number + 1));
        }
        exit_signal(server, Reason::Kill);
    });
}

/// A request with a reference of its own and the answer to it, while so many other messages wait.
#[divan::bench(args = [0, 100, 10_000, 1_000_000])]
fn selective(bencher: Bencher<'_, '_>, others: u64) {
    let runtime = one_worker();
    let caller = runtime.block_on(async move {
        let server = spawn(async {
            loop {
                receive! { Ask(from, reference) => send(from, Answer(reference)) }
            }
        });
        spawn(async move {
            for _ in 0..others {
                send(self_pid(), Other);
            }
            calls_on_demand(server).await;
        })
    });
    let caller = caller.expect("it comes to its end");
    sample(bencher, &runtime, || async move {
        send(caller, Go(self_pid()));
        receive! { Done => {} }
    });
}

async fn calls_on_demand(server: Pid) {
    loop {
        let mark = make_ref();
        let from = receive! { since(mark); Go(from) => from };
        for _ in 0..N {
            let reference = make_ref();
            send(server, Ask(self_pid(), reference));
            receive! {
                since(reference);
                Answer(to) if to == reference => {}
            }
        }
        send(from, Done);
    }
}

/// A process that says that it is there, and ends.
#[divan::bench]
fn spawn_and_end(bencher: Bencher<'_, '_>) {
    sample(bencher, &one_worker(), || async {
        let me = self_pid();
        for _ in 0..N {
            spawn(async move { send(me, Done) });
            receive! { Done => {} }
        }
    });
}

/// A process that is linked as it is made, and ends as its link says.
#[divan::bench]
fn spawn_linked(bencher: Bencher<'_, '_>) {
    sample(bencher, &one_worker(), || async {
        trap_exit(true);
        for _ in 0..N {
            spawn_link(async {});
            receive! { Exit { .. } => {} }
        }
    });
}

/// A link that is made and taken away again.
#[divan::bench]
fn link_and_unlink(bencher: Bencher<'_, '_>) {
    sample(bencher, &one_worker(), || async {
        let other = spawn(std::future::pending::<()>());
        for _ in 0..N {
            link(other).expect("it lives");
            unlink(other);
            yield_now().await;
        }
        exit_signal(other, Reason::Kill);
    });
}

/// A monitor that is made and taken away again.
#[divan::bench]
fn monitor_and_demonitor(bencher: Bencher<'_, '_>) {
    sample(bencher, &one_worker(), || async {
        let other = spawn(std::future::pending::<()>());
        for _ in 0..N {
            demonitor(monitor(other));
            yield_now().await;
        }
        exit_signal(other, Reason::Kill);
    });
}

/// A timer that is set far ahead and cancelled.
#[divan::bench]
fn timer(bencher: Bencher<'_, '_>) {
    sample(bencher, &one_worker(), || async {
        for left in 0..N {
            let time = Duration::from_millis(60_000 + left % 1000);
            cancel_timer(start_timer(time, self_pid(), ()));
        }
    });
}

/// A driver that counts what it was told, and tells its owner of each command.
struct Counter(u64);

impl Driver for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn ready(&mut self, _: &mut PortCx<'_>, _: Readiness) -> Turn {
        Turn::Done
    }

    fn command(&mut self, cx: &mut PortCx<'_>, data: &[u8], _: Pid) -> bool {
        self.0 += data.len() as u64;
        cx.send_owner(Done);
        true
    }

    fn stop(&mut self, _: &mut PortCx<'_>) {}
}

/// A call of a port's driver: its lock, and a closure.
#[divan::bench]
fn port_call(bencher: Bencher<'_, '_>) {
    sample(bencher, &one_worker(), || async {
        let port = port::open(Counter(0)).expect("a port");
        for _ in 0..N {
            let count = |counter: &mut Counter, _: &mut PortCx<'_>| counter.0 += 1;
            port::call(port, count).expect("it is open");
        }
    });
}

/// A command to a port, and the message that it sends for it.
#[divan::bench]
fn port_command(bencher: Bencher<'_, '_>) {
    sample(bencher, &one_worker(), || async {
        let port = port::open(Counter(0)).expect("a port");
        for _ in 0..N {
            port::command(port, &b"data"[..])
                .await
                .expect("it takes all");
            receive! { Done => {} }
        }
    });
}
