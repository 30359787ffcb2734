//! Ports as actors: opening, exit signals (process 8.6), what a closing port does (8.2, 8.7),
//! drivers (8.11).

use std::time::Duration;

use runtime::port::{self, Flush, OpenError, PortCx, Readiness, Turn};
use runtime::prelude::*;
use tests::bell::{self, Bell, Deed, Rung, Ways};
use tests::puppet::drain;
use tests::{Puppet, down, everywhere, exit_of, next, nothing, real, settle, worlds};

/// O-1: the caller owns the port, is linked to it and gets its messages, in one step.
#[test]
fn o_1_opening_is_one_step() {
    everywhere(|| async {
        let (port, log) = bell::open();
        assert_eq!(links(), [ActorId::from(port)]);
        let info = port::port_info(port).expect("it is open");
        assert_eq!(
            (info.connected, &info.links[..]),
            (self_pid(), &[self_pid()][..])
        );
        assert_eq!(info.name, "bell");
        assert!(port::ports().contains(&port));
        bell::ring(port, 1).unwrap();
        assert_eq!(next::<Rung>().await, Rung(port, 1));
        assert_eq!(log.deeds(), [Deed::Started]);
    });
}

/// O-1: where the driver does not start there is no port: no link, no message, no timer, no driver.
#[test]
fn o_1_a_start_that_fails_undoes_everything() {
    everywhere(|| async {
        trap_exit(true);
        for (fails, panics) in [(true, false), (false, true)] {
            let (bell, log) = Bell::with(Ways {
                fails,
                panics,
                slow: true,
                ..Ways::default()
            });
            let before = port::ports().len();
            let refused = port::open(bell);
            assert!(matches!(refused, Err(OpenError::Io(_))));
            assert_eq!(port::ports().len(), before);
            assert!(links().is_empty());
            let deeds = log.deeds();
            assert_eq!(deeds.first(), Some(&Deed::Started));
            assert_eq!(deeds[deeds.len() - 2..], [Deed::Stopped, Deed::Dropped]);
            assert!(receive_timeout::<Exit>(Duration::ZERO).await.is_none());
        }
    });
}

/// Who sends the signal.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Sender {
    Owner,
    Linked,
    Stranger,
    /// The owner, who unlinked it.
    FreeOwner,
}

/// A port with its owner, a linked process, and a stranger; and who of them is to act, and who is
/// linked.
async fn scene(sender: Sender) -> (PortId, bell::Log, [Puppet; 3], Puppet, [bool; 3]) {
    let puppets = [Puppet::new(), Puppet::new(), Puppet::new()];
    let (port, log) = puppets[0].does(async { bell::open() }).await;
    puppets[1].does(async move { link(port) }).await.unwrap();
    let free = sender == Sender::FreeOwner;
    if free {
        puppets[0].does(async move { unlink(port) }).await;
    }
    let acts = puppets[if free { 0 } else { sender as usize }];
    (port, log, puppets, acts, [!free, true, false])
}

/// What becomes of the port.
#[derive(Clone, PartialEq, Debug)]
enum Fate {
    Open,
    Closed(Reason, Deed),
}

async fn fate(port: PortId, log: &bell::Log, watch: Ref) -> Fate {
    settle().await;
    if port::port_info(port).is_some() {
        return Fate::Open;
    }
    let flushed = log
        .deeds()
        .into_iter()
        .find(|deed| matches!(deed, Deed::Flush(_)));
    Fate::Closed(down(watch).await, flushed.expect("it is asked to flush"))
}

/// O-8: the table 8.6, explicit signals: whoever sends them, linked or not.
#[test]
fn o_8_explicit_exit_signals() {
    let closed = |reason, kill| Fate::Closed(Reason::from(reason), Deed::Flush(kill));
    let rows = [
        ("normal", closed("normal", false)),
        ("kill", closed("killed", true)),
        ("killed", closed("killed", false)),
        ("boom", closed("boom", false)),
        ("shutdown", closed("shutdown", false)),
    ];
    for (reason, expected) in rows {
        let senders = [
            Sender::Owner,
            Sender::Linked,
            Sender::Stranger,
            Sender::FreeOwner,
        ];
        for sender in senders {
            let expected = expected.clone();
            worlds(5, move || {
                let expected = expected.clone();
                async move {
                    let (port, log, puppets, acts, linked) = scene(sender).await;
                    let watch = monitor(port);
                    acts.told(async move { exit_signal(port, reason) });
                    let got = fate(port, &log, watch).await;
                    assert_eq!(got, expected, "{reason} by {sender:?}");
                    // 8.7: those that are linked live on only after `normal`.
                    for (puppet, linked) in puppets.iter().zip(linked) {
                        let lives = !linked || reason == "normal";
                        assert_eq!(is_alive(puppet.pid).await, lives);
                    }
                }
            });
        }
    }
}

/// Stands for a process that is killed, and does not end by itself.
const KILLED: &str = "is killed";

/// O-8: the table 8.6, signals of links: by the death of the owner and of another linked process.
#[test]
fn o_8_exit_signals_of_links() {
    let closed = |reason| Fate::Closed(Reason::from(reason), Deed::Flush(false));
    let rows = [
        (Sender::Owner, "normal", closed("normal")),
        (Sender::Owner, "boom", closed("boom")),
        (Sender::Owner, "kill", closed("killed")),
        (Sender::Owner, KILLED, closed("killed")),
        (Sender::Linked, "normal", Fate::Open),
        (Sender::Linked, "boom", closed("boom")),
        (Sender::Linked, "kill", closed("killed")),
        (Sender::Linked, KILLED, closed("killed")),
        (Sender::Stranger, "boom", Fate::Open),
        (Sender::FreeOwner, "normal", Fate::Open),
        (Sender::FreeOwner, "boom", Fate::Open),
    ];
    for (sender, reason, expected) in rows {
        worlds(5, move || {
            let expected = expected.clone();
            async move {
                let (port, log, puppets, acts, _) = scene(sender).await;
                let watch = monitor(port);
                match reason {
                    KILLED => exit_signal(acts.pid, "kill"),
                    reason => acts.ends(reason),
                }
                let got = fate(port, &log, watch).await;
                assert_eq!(got, expected, "{reason} of {sender:?}");
                if let (Sender::Linked, Fate::Open) = (sender, got) {
                    let info = port::port_info(port).expect("it is open");
                    assert_eq!(info.links, [puppets[0].pid], "the link went with its end");
                }
            }
        });
    }
}

/// 8.6, last row: a port that is closing drops what comes.
#[test]
fn a_closing_port_drops_exit_signals() {
    worlds(10, || async {
        trap_exit(true);
        let (port, log) = bell::open_with(Ways {
            slow: true,
            ..Ways::default()
        });
        exit_signal(port, "first");
        exit_signal(port, "second");
        exit_signal(port, "kill");
        assert_eq!(exit_of(port).await, Reason::from("first"));
        settle().await;
        let deeds = [
            Deed::Started,
            Deed::Flush(false),
            Deed::TimedOut,
            Deed::Stopped,
            Deed::Dropped,
        ];
        assert_eq!(log.deeds(), deeds);
    });
}

/// O-2: links, monitors and the name are settled when the closing starts; the flush goes on behind
/// it.
#[test]
fn o_2_all_but_the_flush_is_settled_at_once() {
    worlds(10, || async {
        trap_exit(true);
        let (port, log) = bell::open_with(Ways {
            slow: true,
            ..Ways::default()
        });
        register("bell", port).unwrap();
        let watch = monitor(port);
        bell::fail(port, "boom").unwrap();
        assert!(port::port_info(port).is_none() && !port::ports().contains(&port));
        assert_eq!(whereis("bell"), None);
        assert_eq!(
            receive_timeout::<Exit>(Duration::ZERO)
                .await
                .map(|e| e.from),
            Some(port.into())
        );
        let down = receive_timeout::<Down>(Duration::ZERO)
            .await
            .expect("with the exit");
        assert_eq!((down.monitor, down.reason), (watch, Reason::from("boom")));
        assert!(bell::ring(port, 1).is_err());
        assert!(!log.has(&Deed::Stopped));
        settle().await;
        assert!(log.has(&Deed::Stopped));
    });
}

/// O-2: a kill skips the flush, also where the driver asks for time.
#[test]
fn o_2_a_kill_waits_for_no_flush() {
    everywhere(|| async {
        let (port, log) = bell::open_with(Ways {
            slow: true,
            ..Ways::default()
        });
        unlink(port);
        exit_signal(port, "kill");
        let deeds = [
            Deed::Started,
            Deed::Flush(true),
            Deed::Stopped,
            Deed::Dropped,
        ];
        assert_eq!(log.deeds(), deeds);
    });
}

/// 8.7, M-10: links are told in the order of linking, also where one of them sent the signal.
#[test]
fn links_of_a_port_are_told_in_the_order_of_linking() {
    worlds(10, || async {
        let me = self_pid();
        let (port, _) = bell::open();
        let linked: Vec<Puppet> = (0..5).map(|_| Puppet::trapping()).collect();
        for puppet in &linked {
            puppet.does(async move { link(port) }).await.unwrap();
        }
        let expected: Vec<Pid> = [me]
            .into_iter()
            .chain(linked.iter().map(|p| p.pid))
            .collect();
        let info = port::port_info(port).expect("it is open");
        assert_eq!(info.links, expected);
        // Those that are told report in turn: they become ready in the order in which they are
        // told.
        linked[0]
            .does(async move { exit_signal(port, "normal") })
            .await;
        for puppet in linked {
            assert_eq!(puppet.exits().await.len(), 1);
        }
    });
}

/// O-15, D-7: a panic in a callback closes the port with it; the caller lives.
#[test]
fn o_15_a_panic_of_a_driver_closes_its_port() {
    everywhere(|| async {
        trap_exit(true);
        let (port, log) = bell::open();
        let result = bell::on(port, |_, _| panic!("in the driver"));
        assert!(result.is_err());
        assert_eq!(exit_of(port).await, Reason::Panic("in the driver".into()));
        assert!(port::port_info(port).is_none());
        assert!(log.has(&Deed::Dropped));
        // In its last call.
        let (port, log) = bell::open_with(Ways {
            stop_panics: true,
            ..Ways::default()
        });
        exit_signal(port, "boom");
        assert_eq!(exit_of(port).await, Reason::from("boom"));
        assert!(log.has(&Deed::Dropped));
    });
}

/// O-15: a panic in the timer of a port; nobody called it.
#[test]
fn o_15_a_panic_in_a_timeout() {
    struct Bomb;
    impl port::Driver for Bomb {
        fn name(&self) -> &'static str {
            "bomb"
        }
        fn start(&mut self, cx: &mut PortCx<'_>) -> std::io::Result<()> {
            cx.set_timer(Duration::from_millis(1));
            Ok(())
        }
        fn ready(&mut self, _: &mut PortCx<'_>, _: Readiness) -> Turn {
            Turn::Done
        }
        fn timeout(&mut self, _: &mut PortCx<'_>) {
            panic!("time is up")
        }
        fn flush(&mut self, _: &mut PortCx<'_>, _: bool) -> Flush {
            Flush::Later
        }
        fn stop(&mut self, _: &mut PortCx<'_>) {}
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("and again")
        }
    }
    everywhere(|| async {
        trap_exit(true);
        let port = port::open(Bomb).unwrap();
        assert_eq!(exit_of(port).await, Reason::Panic("time is up".into()));
        sleep(Duration::from_millis(1)).await;
    });
}

/// 8.11: a port has one timer; setting it again replaces it, and it can be cancelled.
#[test]
fn a_port_has_one_timer() {
    worlds(10, || async {
        let (port, log) = bell::open();
        let set = move |ms| bell::on(port, move |_, cx| cx.set_timer(Duration::from_millis(ms)));
        set(10).unwrap();
        set(50).unwrap();
        sleep(Duration::from_millis(40)).await;
        assert!(!log.has(&Deed::TimedOut));
        sleep(Duration::from_millis(20)).await;
        assert!(log.has(&Deed::TimedOut));
        set(10).unwrap();
        bell::on(port, |_, cx| cx.cancel_timer()).unwrap();
        set(10).unwrap();
        exit_signal(port, "normal");
        settle().await;
        let timeouts = log
            .deeds()
            .into_iter()
            .filter(|deed| *deed == Deed::TimedOut);
        assert_eq!(timeouts.count(), 1);
    });
}

/// I-7: a timer that was replaced or cancelled does not fire any more, also when it is about to: on
/// real workers, at the moment at which it is due.
#[test]
fn a_port_timer_that_was_cancelled_does_not_fire() {
    real(3, async {
        let (port, log) = bell::open();
        let now = move || bell::on(port, |_, cx| cx.now()).expect("it is open");
        for n in 0..600u64 {
            let armed = now();
            bell::on(port, |_, cx| cx.set_timer(Duration::from_micros(300))).unwrap();
            let until = armed + Duration::from_micros(300 + n % 16 * 50);
            while now() < until {
                std::hint::spin_loop();
            }
            // From here on it must not fire; whether it has is known under the lock.
            let seen = bell::on(port, {
                let log = log.clone();
                move |_, cx| {
                    cx.cancel_timer();
                    if n % 2 == 0 {
                        cx.set_timer(Duration::from_secs(1000));
                    }
                    log.deeds().len()
                }
            });
            yield_now().await;
            sleep(Duration::from_micros(50)).await;
            assert_eq!(
                log.deeds().len(),
                seen.unwrap(),
                "a timer fired that was cancelled"
            );
        }
    });
}

/// O-16: a source of the system; its events reach the port, and stale ones nobody.
#[test]
fn o_16_events_of_a_source() {
    use std::net::UdpSocket;
    real(2, async {
        let to = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = to.local_addr().expect("it is bound");
        let from = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        for _ in 0..50 {
            let (mut bell, _) = Bell::new();
            bell.source = Some(to.try_clone().expect("a descriptor"));
            let port = port::open(bell).expect("it starts");
            from.send_to(b"x", address).expect("it is sent");
            // Writable at first, then readable: one event or more.
            next::<Rung>().await;
            bell::fail(port, "normal").unwrap();
            // For one that is gone; the next tenant of its slot must not get it.
            from.send_to(b"y", address).expect("it is sent");
            drain::<Rung>().await;
            let (other, log) = bell::open();
            yield_now().await;
            assert!(!log.has(&Deed::Ready));
            exit_signal(other, "normal");
        }
    });
}

/// `again` is heard, also where the poller's worker sleeps and the caller goes to sleep, too.
#[test]
#[allow(clippy::disallowed_methods)] // a blocking closure that takes a while
fn asking_for_another_turn_wakes_the_poller() {
    let nap = || std::thread::park_timeout(Duration::from_millis(2));
    for workers in [1, 2, 3] {
        real(workers, async move {
            let (port, _) = bell::open();
            for _ in 0..50 {
                // Woken by a thread that is no worker, so that another worker sits at the poller.
                assert_eq!(runtime::blocking(nap).await, Ok(()));
                bell::on(port, |_, cx| cx.again()).unwrap();
                assert_eq!(next::<Rung>().await, Rung(port, u32::MAX));
            }
        });
    }
}

/// 8.2: once it is closed, its id is dead and its driver gone, though somebody holds the id.
#[test]
fn a_port_is_closed_once() {
    everywhere(|| async {
        trap_exit(true);
        let (port, log) = bell::open();
        assert_eq!(port::close(port), Ok(()));
        assert_eq!(port::close(port), Err(port::PortClosed));
        assert_eq!(exit_of(port).await, Reason::Normal);
        let (next_one, _) = bell::open();
        assert_ne!(next_one, port);
        assert!(bell::ring(port, 1).is_err());
        assert_eq!(
            log.deeds()
                .iter()
                .filter(|deed| **deed == Deed::Stopped)
                .count(),
            1
        );
    });
}

/// LNK-7: an end that spares the owner tells everyone else.
#[test]
fn an_end_that_spares_the_owner() {
    worlds(10, || async {
        trap_exit(true);
        let (port, _) = bell::open();
        let other = Puppet::trapping();
        other.does(async move { link(port) }).await.unwrap();
        bell::on(port, |_, cx| cx.close_sparing_owner(Reason::Normal)).unwrap();
        nothing::<Exit>().await;
        assert!(links().is_empty());
        assert_eq!(other.exits().await.len(), 1);
    });
}
