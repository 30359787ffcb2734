//! R1: connections on which nothing happens. R57: runtimes that come and go with their sockets.
//!
//! Both count what a whole process of the system has, in one that does nothing else.

use std::time::Duration;

use gen_tcp::opt::*;
use runtime::prelude::*;
use tests::alone::{alone, descriptors, set_descriptor_limit};
use tests::sockets::{connect, listen, pair};
use tests::{Foreign, LIMIT, next, real};

use crate::system::{computed, resident_bytes};

const CONNECTIONS: usize = 1000;
/// So long nothing happens.
const QUIET: Duration = Duration::from_secs(2);
/// What that may cost, the figure being printed: much less than a wake-up a millisecond would.
const COMPUTED_MAX: Duration = Duration::from_millis(5);
const STARTS: usize = 1000;

/// A thousand processes wait in recv or for a message of their socket, and nothing comes.
#[test]
fn r01_a_thousand_idle_connections_use_no_processor_time() {
    let name = "r01_idle::r01_a_thousand_idle_connections_use_no_processor_time";
    alone(name, || {
        set_descriptor_limit(3 * CONNECTIONS as u64);
        real(2, async {
            let (listener, port) = listen([backlog(64)]);
            let (before, mut peers) = (resident_bytes(), Vec::new());
            for n in 0..CONNECTIONS {
                peers.push(Foreign::connect(port));
                let accepted = gen_tcp::accept_timeout(listener, LIMIT).await;
                let socket = accepted.expect("there are descriptors");
                let me = self_pid();
                let owner = spawn_link(async move {
                    receive::<()>().await;
                    send(me, ());
                    if n % 2 == 0 {
                        drop(gen_tcp::recv(socket, 0).await);
                    } else {
                        gen_tcp::setopts(socket, [active(ONCE)]).expect("it is connected");
                        receive_any().await;
                    }
                });
                gen_tcp::controlling_process(socket, owner).expect("it lives");
                send(owner, ());
                next::<()>().await;
            }
            let resident = resident_bytes().saturating_sub(before);
            // The first second is for what is on its way.
            sleep(Duration::from_secs(1)).await;
            let before = computed();
            sleep(QUIET).await;
            let computed = computed() - before;
            println!(
                "{CONNECTIONS} idle connections: {computed:?} of a processor in {QUIET:?}, \
                 {resident} bytes resident"
            );
            assert!(computed <= COMPUTED_MAX, "{computed:?}");
            // They are there, and were.
            for peer in &peers {
                peer.write(b"x");
            }
            drop(peers);
        });
    });
}

/// Descriptors and threads that this process of the system has.
fn has() -> (Vec<u64>, usize) {
    let threads = std::fs::read_dir("/proc/self/task").expect("it is Linux");
    (descriptors(), threads.count())
}

/// A life with a listener, two ends of a connection, somebody who accepts, connects and reads, and
/// a closure on another thread.
async fn life() {
    let (listener, port) = listen([]);
    for _ in 0..2 {
        spawn(async move { gen_tcp::accept(listener).await.map(|_| ()) });
    }
    let client = connect(port, []).await;
    spawn(async move { gen_tcp::recv(client, 0).await.map(|_| ()) });
    let (_, full_port) = listen([backlog(0)]);
    let _held = connect(full_port, []).await;
    spawn(async move {
        let connected = gen_tcp::connect(tests::sockets::HOST, full_port, []).await;
        connected.map(|_| ())
    });
    let (one, other) = pair([], [sndbuf(tests::sockets::SMALL)]).await;
    gen_tcp::send(other, vec![7; 100_000])
        .await
        .expect("it fits the queue");
    gen_tcp::unrecv(one, "x").expect("it is open");
    send_after(Duration::from_secs(1000), self_pid(), "never");
    assert_eq!(runtime::blocking(|| 7).await, Ok(7));
    spawn(std::future::pending::<()>());
}

#[test]
fn r57_a_thousand_starts_and_shutdowns_leave_no_thread_and_no_descriptor() {
    let name = "r01_idle::r57_a_thousand_starts_and_shutdowns_leave_no_thread_and_no_descriptor";
    alone(name, || {
        let before = has();
        for n in 0..STARTS {
            let runtime = Runtime::builder().workers(1 + n % 3).on_crash(|_| {});
            let runtime = runtime.build().expect("there is what it needs");
            runtime.block_on(life()).expect("it comes to its end");
            assert_eq!(runtime.shutdown(LIMIT).late, []);
            drop(runtime);
            // A thread that has been joined may be seen for a moment longer.
            for _ in 0..10_000 {
                if has() == before {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(has(), before, "after {n} runtimes");
        }
        println!("{STARTS} starts and shutdowns: {before:?} before and after");
    });
}
