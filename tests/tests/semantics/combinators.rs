//! Several futures of one process at once: `join!`, `select!`, `FuturesUnordered`, wakers of any
//! make (process R-3, D-13; design: every waiting future has its own waker).

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, future, join};
use runtime::prelude::*;
use tests::puppet::drain;
use tests::{bell, down, everywhere, next, real, settle, worlds};

/// Each receive of a `join!` gets its message, though another one took it out of the inbox (I-1).
#[test]
fn a_receive_is_polled_again_when_another_one_took_the_message_in() {
    everywhere(|| async {
        join!(
            receive::<u8>(),
            async {
                send(self_pid(), 1u8);
                // Looks into the inbox, finds nothing of its own, and waits.
                let nothing = receive_timeout::<u16>(Duration::from_secs(3600));
                let awaited = receive::<u32>();
                future::select(pin!(nothing), pin!(awaited)).await;
            }
            .now_or_later(|| send(self_pid(), 2u32))
        );
    });
}

/// Runs something after the first poll of a future.
trait NowOrLater: Future + Sized {
    async fn now_or_later(self, then: impl FnOnce()) -> Self::Output {
        let mut this = pin!(self);
        let mut then = Some(then);
        poll_fn(|cx| {
            let polled = this.as_mut().poll(cx);
            if let Some(then) = then.take() {
                then();
            }
            polled
        })
        .await
    }
}

impl<F: Future> NowOrLater for F {}

/// I-1: the same, by each function that looks into the inbox.
#[test]
fn a_receive_is_polled_again_whatever_took_the_message_in() {
    type Look = fn();
    let looks: [Look; 4] = [
        || drop(links()),
        || assert!(!demonitor(make_ref())),
        || drop(unlink_flush(self_pid())),
        || drop(process_info(self_pid()).now_or_never()),
    ];
    for look in looks {
        worlds(5, move || async move {
            let (got, ()) = join!(receive::<u8>(), async {
                send(self_pid(), 7u8);
                look();
            });
            assert_eq!(got, 7);
        });
    }
}

/// I-1: on real workers, where the messages come from others at any moment.
#[test]
fn receives_in_a_join_lose_no_wake_up() {
    real(4, async {
        let me = self_pid();
        for n in 0..2000u64 {
            spawn(async move { send(me, n as u8) });
            spawn(async move { send(me, n as u16) });
            spawn(async move { send(me, n) });
            let (a, b, c) = join!(next::<u8>(), next::<u16>(), next::<u64>());
            assert_eq!((a, b, c), (n as u8, n as u16, n));
        }
    });
}

/// R-3, D-13: each message goes to one of those that wait for its type, and none is lost.
#[test]
fn each_message_goes_to_one_of_those_that_wait() {
    everywhere(|| async {
        let me = self_pid();
        for n in 0..5u32 {
            spawn(async move {
                yield_now().await;
                send(me, n);
            });
        }
        let mut waiting: FuturesUnordered<_> = (0..5).map(|_| next::<u32>()).collect();
        let mut got = Vec::new();
        while let Some(n) = waiting.next().await {
            got.push(n);
        }
        got.sort_unstable();
        assert_eq!(got, [0, 1, 2, 3, 4]);
        assert!(drain::<u32>().await.is_empty());
    });
}

/// Receives of different types in one `FuturesUnordered`, which polls only those that were woken.
#[test]
fn receives_of_many_kinds_under_foreign_wakers() {
    everywhere(|| async {
        let me = self_pid();
        let mut waiting: FuturesUnordered<Pin<Box<dyn Future<Output = u32> + Send>>> =
            FuturesUnordered::new();
        waiting.push(Box::pin(async { next::<u8>().await.into() }));
        waiting.push(Box::pin(async { next::<u16>().await.into() }));
        waiting.push(Box::pin(receive_match(|n: &u32| *n == 3)));
        waiting.push(Box::pin(receive_match(|n: &u32| *n == 4)));
        waiting.push(Box::pin(async {
            sleep(Duration::from_millis(5)).await;
            5
        }));
        let answered = is_alive_as_number();
        waiting.push(Box::pin(answered));
        spawn(async move {
            send(me, 4u32);
            send(me, 2u16);
            yield_now().await;
            send(me, 3u32);
            send(me, 1u8);
        });
        let mut sum = 0;
        while let Some(n) = waiting.next().await {
            sum += n;
        }
        assert_eq!(sum, 1 + 2 + 3 + 4 + 5 + 6);
    });
}

/// A question to another process, answered by a signal.
async fn is_alive_as_number() -> u32 {
    let other = spawn(std::future::pending::<()>());
    if is_alive(other).await { 6 } else { 0 }
}

/// A future that moved to another combinator is woken where it is now: by a message, and by time.
#[test]
fn a_future_that_moved_is_woken_where_it_is() {
    worlds(10, || async {
        let me = self_pid();
        for by_message in [true, false] {
            let mut waiting = Box::pin(receive_timeout::<u8>(Duration::from_secs(5)));
            {
                let mut set = FuturesUnordered::new();
                set.push(&mut waiting);
                assert!(poll_once(set.next()).await.is_pending());
            }
            let mut other_set = FuturesUnordered::new();
            other_set.push(&mut waiting);
            assert!(poll_once(other_set.next()).await.is_pending());
            drop(other_set);
            if by_message {
                spawn(async move { send(me, 1u8) });
            }
            assert_eq!(waiting.await.is_some(), by_message);
        }
    });
}

async fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// A sleep that is polled under another waker later ends on time, too, and leaves no timer behind.
#[test]
fn a_sleep_that_moved_ends_on_time() {
    worlds(5, || async {
        let mut sleeping = Box::pin(sleep(Duration::from_secs(5)));
        for _ in 0..3 {
            let mut set = FuturesUnordered::new();
            set.push(&mut sleeping);
            assert!(poll_once(set.next()).await.is_pending());
        }
        sleeping.await;
    });
}

/// `select!` with a receive in a loop: what the other branch does cancels it again and again, and
/// nothing is lost.
#[test]
fn a_receive_that_is_cancelled_again_and_again() {
    everywhere(|| async {
        let me = self_pid();
        spawn(async move {
            for n in 0..200u32 {
                send(me, n);
                if n % 3 == 0 {
                    yield_now().await;
                }
            }
        });
        let mut seen = Vec::new();
        while seen.len() < 200 {
            futures_util::select! {
                n = Box::pin(receive::<u32>()).fuse() => seen.push(n),
                () = Box::pin(yield_now()).fuse() => {}
            }
        }
        assert_eq!(seen, (0..200).collect::<Vec<u32>>());
    });
}

/// A waker that counts how often it is used, and passes it on.
struct Counting(AtomicU32, Waker);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.wake_by_ref();
    }
}

/// A wake-up comes through the waker of the latest poll, not only to the process.
#[test]
fn the_waker_of_the_poll_is_used() {
    worlds(10, || async {
        let me = self_pid();
        spawn(async move {
            sleep(Duration::from_millis(1)).await;
            send(me, 7u8);
        });
        let mut waiting = pin!(receive::<u8>());
        let mut counting: Option<Arc<Counting>> = None;
        let got = poll_fn(|cx| {
            let waker = Arc::new(Counting(AtomicU32::new(0), cx.waker().clone()));
            if let Some(before) = counting.replace(waker.clone()) {
                assert_eq!(before.0.load(Ordering::SeqCst), 1);
            }
            waiting
                .as_mut()
                .poll(&mut Context::from_waker(&waker.into()))
        })
        .await;
        assert_eq!(got, 7);
    });
}

/// A waker that outlives its process does no harm, and keeps nobody alive.
#[test]
fn a_waker_outlives_its_process() {
    everywhere(|| async {
        let me = self_pid();
        let (_, watch) = spawn_monitor(async move {
            poll_fn(|cx| {
                send(me, cx.waker().clone());
                Poll::Ready(())
            })
            .await;
        });
        let waker: Waker = next().await;
        assert_eq!(down(watch).await, Reason::Normal);
        waker.wake_by_ref();
        let other = waker.clone();
        waker.wake();
        drop(other);
    });
}

/// Wakers used from everywhere at once: the process runs, on one worker at a time, and no more than
/// it has to (P-7, C-6).
#[test]
fn wakers_used_at_the_same_time() {
    real(4, async {
        let running = Arc::new(AtomicU32::new(0));
        for _ in 0..200 {
            let (me, running) = (self_pid(), running.clone());
            let mut handed_out = false;
            let (_, watch) = spawn_monitor(poll_fn(move |cx| {
                assert_eq!(
                    running.fetch_add(1, Ordering::SeqCst),
                    0,
                    "run twice at once"
                );
                if !handed_out {
                    for _ in 0..8 {
                        let waker = cx.waker().clone();
                        spawn(async move { waker.wake() });
                    }
                }
                running.fetch_sub(1, Ordering::SeqCst);
                if std::mem::replace(&mut handed_out, true) {
                    send(me, "woken");
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }));
            assert_eq!(down(watch).await, Reason::Normal);
            let _: &str = next().await;
        }
    });
}

/// A future that belongs to another process says so and names both.
#[test]
fn a_receive_of_another_process_panics_and_names_both() {
    worlds(5, || async {
        let me = self_pid();
        let mut mine: Pin<Box<dyn Future<Output = u8> + Send>> = Box::pin(receive::<u8>());
        assert!(poll_once(&mut mine).await.is_pending());
        let (other, watch) = spawn_monitor(async move {
            mine.await;
        });
        let Reason::Panic(text) = down(watch).await else {
            panic!("it took another's message");
        };
        assert!(
            text.contains(&me.to_string()) && text.contains(&other.to_string()),
            "{text}"
        );
        send(me, 1u8);
        assert_eq!(receive::<u8>().await, 1);
        settle().await;
    });
}

/// Port operations and receives under foreign wakers side by side.
#[test]
fn messages_of_ports_under_foreign_wakers() {
    everywhere(|| async {
        let (port, _) = bell::open();
        let mut set = FuturesUnordered::new();
        for n in 0..4 {
            set.push(receive_match(move |rung: &bell::Rung| rung.1 == n));
        }
        for n in (0..4).rev() {
            bell::ring(port, n).unwrap();
        }
        let mut got = 0;
        while set.next().await.is_some() {
            got += 1;
        }
        assert_eq!(got, 4);
    });
}
