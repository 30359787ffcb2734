//! User code that calls back into the runtime: guards, `PartialEq`, destructors of messages, of
//! reasons, of futures, and panics in them (design: no user code while private state is borrowed;
//! I-10).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtime::prelude::*;
use runtime::{port, receive_other_than};
use tests::puppet::drain;
use tests::run::on;
use tests::{Puppet, bell, down, everywhere, next, real, settle, worlds};

/// Runs a closure when it is dropped.
struct OnDrop<F: FnOnce() + Send>(Option<F>);

impl<F: FnOnce() + Send> OnDrop<F> {
    fn new(f: F) -> Self {
        OnDrop(Some(f))
    }
}

impl<F: FnOnce() + Send> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0.take().expect("dropped once")();
    }
}

/// As a reason: equal to all of its kind, and does something when the last clone goes.
struct Payload(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Payload {
    fn reason(f: impl FnOnce() + Send + 'static) -> Reason {
        Reason::custom(Payload(Mutex::new(Some(Box::new(f)))))
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        if let Some(f) = self.0.get_mut().expect("no panic while it was held").take() {
            f();
        }
    }
}

impl PartialEq for Payload {
    fn eq(&self, _: &Payload) -> bool {
        true
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("payload")
    }
}

/// Everything that a process can call without waiting.
fn call_everything(other: Pid) {
    let me = self_pid();
    send(other, "from a callback");
    send(me, 1u64);
    link(other).ok();
    unlink(other);
    unlink_flush(other);
    let watch = monitor(other);
    demonitor(watch);
    demonitor_flush(watch);
    register("callback", me).ok();
    assert!(registered().len() < 2);
    unregister("callback");
    spawn(async {});
    spawn_monitor(async {});
    cancel_timer(send_after(Duration::from_secs(1), me, ()));
    trap_exit(trap_exit(true));
    assert!(links().len() < 100 && !processes().is_empty());
    let (port, _) = bell::open();
    bell::ring(port, 1).unwrap();
    port::hand_over(port, other).ok();
    unlink(port);
    exit_signal(port, "normal");
}

/// Guards may do all that, and receive, too; what they take is taken, the message under test is
/// not.
#[test]
fn guards_may_call_back() {
    worlds(20, || async {
        let other = Puppet::trapping();
        for n in 0..10u32 {
            send(self_pid(), n);
        }
        let taken = receive_match(|n: &u32| {
            call_everything(other.pid);
            // The one under test is out: nobody else can take it.
            let polled = futures_util::FutureExt::now_or_never(receive_match_timeout(
                |m: &u32| m == n || *m == n + 1,
                Duration::ZERO,
            ));
            let stolen = polled.expect("it does not wait");
            assert_eq!(stolen, Some(n + 1).filter(|m| *m < 10));
            *n == 4
        })
        .await;
        assert_eq!(taken, 4);
        assert_eq!(drain::<u32>().await, [0, 2, 6, 7, 8, 9]);
    });
}

/// `PartialEq` of a message's value runs as a guard does.
#[test]
fn comparisons_may_call_back() {
    struct Calls(Pid);
    impl PartialEq for Calls {
        fn eq(&self, other: &Calls) -> bool {
            call_everything(other.0);
            self.0 == other.0
        }
    }
    worlds(10, || async {
        let other = Puppet::trapping();
        send(self_pid(), Calls(self_pid()));
        send(self_pid(), Calls(other.pid));
        let wanted = Calls(other.pid);
        assert!(receive_match(|calls: &Calls| *calls == wanted).await.0 == other.pid);
    });
}

/// Destructors of what is received, refused, or left in a mailbox.
#[test]
fn destructors_of_messages_may_call_back() {
    everywhere(|| async {
        let other = Puppet::trapping().pid;
        let call = move || OnDrop::new(move || call_everything(other));
        send(self_pid(), call());
        drop(receive_other_than::<()>(Duration::ZERO).await);
        let (dead, watch) = spawn_monitor(async {});
        down(watch).await;
        send(dead, call());
        let (doomed, watch) = spawn_monitor(std::future::pending::<()>());
        for _ in 0..3 {
            send(doomed, call());
        }
        exit_signal(doomed, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
        send_after(Duration::from_millis(1), "nobody", OnDrop::new(|| {}));
        sleep(Duration::from_millis(3)).await;
    });
}

/// D-5, D-14: destructors of a future that ends: by returning, by a panic, by a kill.
#[test]
fn destructors_of_futures_may_call_back() {
    everywhere(|| async {
        let other = Puppet::trapping().pid;
        let call = move || OnDrop::new(move || call_everything(other));
        let (_, watch) = spawn_monitor(async move { drop(call()) });
        assert_eq!(down(watch).await, Reason::Normal);
        let (_, watch) = spawn_monitor(async move {
            let _call = call();
            panic!("with a destructor")
        });
        assert_eq!(down(watch).await, Reason::Panic("with a destructor".into()));
        let (child, watch) = spawn_monitor(async move {
            let _call = call();
            std::future::pending::<()>().await
        });
        yield_now().await;
        exit_signal(child, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
    });
}

/// L-10: whom the last destructors of a process link or watch is told of its end, too.
#[test]
fn links_made_by_the_last_destructors_are_told() {
    worlds(30, || async {
        let (plain, trapping) = (Puppet::new(), Puppet::trapping());
        let doomed = Puppet::new();
        let watch = monitor(plain.pid);
        let (opened, ports) = std::sync::mpsc::channel();
        send(
            doomed.pid,
            OnDrop::new(move || {
                link(plain.pid).ok();
                link(trapping.pid).ok();
                monitor(trapping.pid);
                opened.send(bell::open().0).ok();
            }),
        );
        exit_signal(doomed.pid, "boom");
        assert_eq!(down(watch).await, Reason::from("boom"));
        settle().await;
        assert_eq!(trapping.exits().await.len(), 1);
        assert!(trapping.links().await.is_empty());
        let info = process_info(trapping.pid).await.expect("it traps exits");
        assert!(info.monitored_by.iter().all(|by| *by != doomed.pid));
        let port = ports.recv().expect("the destructor ran");
        assert!(port::port_info(port).is_none(), "it died with its owner");
    });
}

/// P-5, S-6: what arrives while destructors run is answered as by the dead, also when they look for
/// it.
#[test]
fn destructors_do_not_answer_for_the_living() {
    real(2, async {
        let me = self_pid();
        for _ in 0..50 {
            let begun = Arc::new(AtomicBool::new(false));
            let asked = Arc::new(AtomicBool::new(false));
            let (begins, was_asked) = (begun.clone(), asked.clone());
            let child = spawn(async move {
                let _looks = OnDrop::new(move || {
                    begins.store(true, Ordering::SeqCst);
                    while !was_asked.load(Ordering::SeqCst) {
                        std::hint::spin_loop();
                    }
                    links();
                });
                send(me, "waits");
                std::future::pending::<()>().await
            });
            let _: &str = next().await;
            exit_signal(child, "boom");
            while !begun.load(Ordering::SeqCst) {
                yield_now().await;
            }
            let mut alive = std::pin::pin!(is_alive(child));
            assert!(futures_util::poll!(&mut alive).is_pending());
            let watch = monitor(child);
            asked.store(true, Ordering::SeqCst);
            assert!(!alive.await);
            assert_eq!(down(watch).await, Reason::NoProc);
        }
    });
}

/// P-13 step 1: a destructor cannot change the reason any more.
#[test]
fn destructors_do_not_change_the_reason() {
    everywhere(|| async {
        let (child, watch) = spawn_monitor(async {
            let _late = OnDrop::new(|| {
                exit_signal(self_pid(), Payload::reason(|| ()));
                exit_signal(self_pid(), "kill");
            });
            exit("first").await
        });
        assert_eq!(down(watch).await, Reason::from("first"));
        assert!(!is_alive(child).await);
    });
}

/// D-10, C-11: panics in destructors of futures and of messages end with the process.
#[test]
fn panics_in_destructors_hurt_nobody_else() {
    everywhere(|| async {
        let bomb = || OnDrop::new(|| panic!("a bomb"));
        let (child, watch) = spawn_monitor(async move {
            let _bomb = bomb();
            receive::<()>().await;
            exit("first").await
        });
        for _ in 0..3 {
            send(child, bomb());
        }
        send(child, ());
        assert_eq!(down(watch).await, Reason::from("first"));
        send_after(Duration::from_millis(1), "nobody", bomb());
        let (child, watch) = spawn_monitor(std::future::pending::<()>());
        send_after(Duration::from_secs(1000), child, bomb());
        exit_signal(child, "kill");
        assert_eq!(down(watch).await, Reason::Killed);
        sleep(Duration::from_millis(3)).await;
        assert!(
            is_alive(spawn(std::future::pending::<()>())).await,
            "all is well"
        );
    });
}

/// The same of a reason: its last clone goes in the runtime's own code, wherever that is.
#[test]
fn panics_in_destructors_of_reasons_hurt_nobody() {
    let runtime = Runtime::builder().workers(2).on_crash(|_| {}).build();
    let runtime = runtime.expect("a runtime");
    let handle = runtime.handle();
    on(runtime, async move {
        let bomb = || Payload::reason(|| panic!("a bomb"));
        // With nobody to tell.
        let child = spawn(async move { exit(bomb()).await });
        while is_alive(child).await {}
        // As a signal of a link that is gone when it is received.
        let child = spawn_link(async move {
            receive::<()>().await;
            exit(bomb()).await
        });
        send(child, ());
        while handle.process_count() > 1 {
            std::hint::spin_loop();
        }
        unlink(child);
        yield_now().await;
        // At the end of a port.
        let (port, _) = bell::open();
        unlink(port);
        exit_signal(port, bomb());
        assert!(port::port_info(port).is_none());
    });
}

/// A reason whose last clone goes while signals are taken in may call back; what arrives by that is
/// taken in later, so that the order of the rest is kept (S-1).
#[test]
fn a_reason_that_calls_back_does_not_disturb_the_order() {
    let runtime = Runtime::builder().workers(2).build().expect("a runtime");
    let handle = runtime.handle();
    on(runtime, async move {
        let me = self_pid();
        for _ in 0..20 {
            let other = spawn_link(async move {
                receive::<()>().await;
                let payload = Payload::reason(move || {
                    send(me, 3u8);
                    links();
                });
                exit(payload).await
            });
            let sent = Arc::new(AtomicBool::new(false));
            let flag = sent.clone();
            spawn(async move {
                let watch = monitor(other);
                send(other, ());
                drop(down(watch).await);
                send(me, 1u8);
                send(me, 2u8);
                flag.store(true, Ordering::SeqCst);
            });
            // This process looks only when all of it is there.
            while !sent.load(Ordering::SeqCst) || handle.process_count() > 1 {
                std::hint::spin_loop();
            }
            // The signal is ignored (row 12), so the reason goes when it is received.
            unlink(other);
            yield_now().await;
            assert_eq!(drain::<u8>().await, [1, 2, 3]);
        }
    });
}

/// I-10: the reason of a port's end goes when the port's lock is free.
#[test]
fn the_reason_of_a_port_goes_without_its_lock() {
    everywhere(|| async {
        for explicit in [true, false] {
            let (port, _) = bell::open();
            unlink(port);
            let payload = Payload::reason(move || {
                assert!(port::port_info(port).is_none());
                assert!(bell::ring(port, 1).is_err());
            });
            match explicit {
                true => exit_signal(port, payload),
                false => bell::fail(port, payload).unwrap(),
            }
        }
    });
}

/// I-10: a hand-over takes in what was sent to the caller, and wakes its other futures, without a
/// lock.
#[test]
fn wakers_run_by_a_hand_over_may_use_the_port() {
    use std::task::{Context, Wake, Waker};
    struct UsesPort(PortId);
    impl Wake for UsesPort {
        fn wake(self: Arc<Self>) {
            bell::ring(self.0, 2).expect("it is open and not locked");
        }
    }
    worlds(5, || async {
        let (port, _) = bell::open();
        let to = Puppet::new();
        {
            let mut waiting = std::pin::pin!(receive::<u8>());
            let waker: Waker = Arc::new(UsesPort(port)).into();
            assert!(
                waiting
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            bell::ring(port, 1).unwrap();
            send(self_pid(), 7u8);
            port::hand_over(port, to.pid).unwrap();
        }
        assert_eq!(next::<u8>().await, 7);
        let rung = to.does(async { drain::<bell::Rung>().await }).await;
        assert_eq!(rung, [bell::Rung(port, 1), bell::Rung(port, 2)]);
    });
}

/// A waker of the user's that panics is a panic of the process that waits under it.
#[test]
fn a_waker_that_panics_is_a_panic_of_its_process() {
    use std::task::{Context, Wake, Waker};
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker");
        }
    }
    everywhere(|| async {
        let me = self_pid();
        let (child, watch) = spawn_monitor(async move {
            let mut waiting = std::pin::pin!(receive::<u8>());
            let waker: Waker = Arc::new(Panics).into();
            assert!(
                waiting
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            send(me, "waits");
            std::future::pending::<()>().await
        });
        let _: &str = next().await;
        send(child, 1u16);
        assert_eq!(down(watch).await, Reason::Panic("a waker".into()));
        // By time: nobody's process is being run then.
        let (child, watch) = spawn_monitor(async {
            let mut waiting = std::pin::pin!(sleep(Duration::from_millis(1)));
            let waker: Waker = Arc::new(Panics).into();
            assert!(
                waiting
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            sleep(Duration::from_millis(5)).await;
        });
        assert_eq!(down(watch).await, Reason::Normal);
        assert!(!is_alive(child).await);
    });
}

/// The current process is known to its destructors, and nobody is to those of a driver's callback.
#[test]
fn who_is_current_in_callbacks() {
    everywhere(|| async {
        let me = self_pid();
        let (child, watch) = spawn_monitor(async move {
            let _tells = OnDrop::new(move || send(me, runtime::try_self_pid()));
            send(me, "waits");
            std::future::pending::<()>().await
        });
        send(
            child,
            OnDrop::new(move || send(me, runtime::try_self_pid())),
        );
        let _: &str = next().await;
        exit_signal(child, "kill");
        assert_eq!(next::<Option<Pid>>().await, Some(child));
        assert_eq!(down(watch).await, Reason::Killed);
        assert_eq!(next::<Option<Pid>>().await, Some(child));
        let (port, _) = bell::open();
        assert_eq!(bell::on(port, |_, _| runtime::try_self_pid()), Ok(None));
        let inside = runtime::blocking(runtime::try_self_pid).await;
        assert_eq!(inside, Ok(None));
    });
}
