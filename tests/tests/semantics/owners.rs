//! Whose a port is: owner versus links (process 8.3), message forms and `badsig` (8.4, 8.5),
//! hand-over (8.12, O-18).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::port::{self, HandOverError, PortReply, PortSignal};
use runtime::prelude::*;
use tests::bell::{self, Deed, Rung};
use tests::gate::{self, Told};
use tests::puppet::drain;
use tests::{Puppet, down, everywhere, next, real, settle, worlds};

/// A port of a puppet.
async fn owned(owner: Puppet) -> (PortId, bell::Log) {
    owner.does(async { bell::open() }).await
}

async fn is_open(port: PortId) -> bool {
    settle().await;
    port::port_info(port).is_some()
}

/// 8.3, rows 1 to 3: a linked owner takes its port along, whatever its reason, and whether it ends
/// by itself or is killed.
#[test]
fn the_port_of_a_linked_owner_closes_with_its_reason() {
    let rows = [
        (Some("normal"), "normal"),
        (Some("boom"), "boom"),
        (Some("kill"), "killed"),
        (None, "killed"),
    ];
    for (ends, seen) in rows {
        worlds(5, move || async move {
            let owner = Puppet::new();
            let (port, log) = owned(owner).await;
            let watch = monitor(port);
            match ends {
                Some(reason) => owner.ends(reason),
                None => exit_signal(owner.pid, "kill"),
            }
            assert_eq!(down(watch).await, Reason::from(seen));
            assert!(!is_open(port).await);
            // 8.6: a signal of a link leaves the flush alone.
            assert!(log.has(&Deed::Flush(false)));
        });
    }
}

/// 8.3, row 4, O-4: a port whose owner unlinked it stays open, its messages go nowhere.
#[test]
fn o_4_the_port_of_an_unlinked_owner_is_an_orphan() {
    for reason in ["normal", "boom", "kill"] {
        worlds(5, move || async move {
            let owner = Puppet::new();
            let (port, _) = owned(owner).await;
            owner.does(async move { unlink(port) }).await;
            owner.ends(reason);
            assert!(is_open(port).await);
            assert_eq!(port::owner(port), Some(owner.pid), "dead as it is");
            bell::ring(port, 1).unwrap();
            assert_eq!(
                port::hand_over(port, self_pid()),
                Err(HandOverError::NotOwner)
            );
            exit_signal(port, "normal");
            assert!(!is_open(port).await);
        });
    }
}

/// 8.3, rows 5 to 7: of another linked process.
#[test]
fn the_death_of_another_linked_process() {
    let rows = [
        ("normal", None),
        ("boom", Some(Reason::from("boom"))),
        ("kill", Some(Reason::Killed)),
        ("shutdown", Some(Reason::Shutdown)),
    ];
    for (reason, closes) in rows {
        worlds(5, move || {
            let closes = closes.clone();
            async move {
                let (owner, other) = (Puppet::trapping(), Puppet::new());
                let (port, _) = owned(owner).await;
                other.does(async move { link(port) }).await.unwrap();
                let watch = monitor(port);
                other.ends(reason);
                assert_eq!(is_open(port).await, closes.is_none());
                match closes {
                    Some(reason) => assert_eq!(down(watch).await, reason),
                    None => {
                        let info = port::port_info(port).expect("it is open");
                        assert_eq!(info.links, [owner.pid]);
                    }
                }
            }
        });
    }
}

/// 8.3, rows 8 and 9: the old owner is linked still.
#[test]
fn the_death_of_an_old_owner_that_is_linked_still() {
    for reason in ["normal", "boom"] {
        worlds(5, move || async move {
            let (old, new) = (Puppet::new(), Puppet::new());
            let (port, _) = owned(old).await;
            old.does(async move {
                port::hand_over(port, new.pid).unwrap();
                link(port).unwrap();
            })
            .await;
            let (port_watch, new_watch) = (monitor(port), monitor(new.pid));
            old.ends(reason);
            assert_eq!(is_open(port).await, reason == "normal");
            if reason == "boom" {
                assert_eq!(down(port_watch).await, Reason::from("boom"));
                assert_eq!(down(new_watch).await, Reason::from("boom"));
            }
        });
    }
}

/// 8.3, row 10; 8.4: a connect in message form links nobody, so the death of the new owner, if it
/// is not alive already, makes an orphan.
#[test]
fn a_connect_in_message_form_links_nobody() {
    worlds(10, || async {
        let (old, new) = (Puppet::trapping(), Puppet::new());
        let (port, _) = owned(old).await;
        let form = PortSignal::Connect(old.pid, new.pid);
        old.does(async move { port::signal_port(port, form) }).await;
        let reply: PortReply = old.does(next()).await;
        assert_eq!(reply, PortReply::Connected(port));
        let info = port::port_info(port).expect("it is open");
        assert_eq!((info.connected, info.links), (new.pid, vec![old.pid]));
        // The new owner is not linked, so nothing comes of its end; nobody else's link is touched.
        exit_signal(new.pid, "kill");
        assert!(is_open(port).await);
        let info = port::port_info(port).expect("it is open");
        assert_eq!((info.connected, info.links), (new.pid, vec![old.pid]));
        old.does(async move { unlink(port) }).await;
        // And to a corpse: accepted.
        let form = PortSignal::Connect(new.pid, new.pid);
        port::signal_port(port, form);
        assert_eq!(port::owner(port), Some(new.pid));
        exit_signal(port, "normal");
    });
}

/// 8.4: commands and closes in message form; anybody may name the owner, it is no authentication.
#[test]
fn message_forms() {
    worlds(10, || async {
        let owner = Puppet::trapping();
        let (port, log) = owned(owner).await;
        port::signal_port(port, PortSignal::Command(owner.pid, b"data".to_vec()));
        assert!(log.has(&Deed::Command(b"data".to_vec())));
        port::signal_port(port, PortSignal::Close(owner.pid));
        assert!(port::port_info(port).is_none());
        port::signal_port(port, PortSignal::Close(owner.pid));
        settle().await;
        // The exit comes first, the reply second, and only one.
        let first = owner.does(async { receive_any().await.is::<Exit>() }).await;
        assert!(first);
        assert_eq!(
            owner.does(drain::<PortReply>()).await,
            [PortReply::Closed(port)]
        );
    });
}

/// 8.4, 8.9, O-13: a command in message form waits its turn where its sender can wait. Who the
/// owner is, is looked at when the turn has come; a port that closes drops it; one that cannot wait
/// does not.
#[test]
fn o_13_a_command_in_message_form_waits_its_turn() {
    everywhere(|| async {
        let (owner, new) = (Puppet::trapping(), Puppet::trapping());
        let (port, passed) = owner.does(async { gate::open(0) }).await;
        let (main, all) = (self_pid(), [b"one".to_vec(), b"two".to_vec()]);
        let mut senders = Vec::new();
        for data in all {
            let form = PortSignal::Command(owner.pid, data);
            senders.push(spawn(async move {
                port::signal_port_async(port, form).await;
                send(main, self_pid());
            }));
            let waiting = || port::port_info(port).map(|info| info.writers_waiting);
            while waiting() != Some(senders.len()) {
                sleep(Duration::from_millis(1)).await;
            }
        }
        port::signal_port(port, PortSignal::Command(owner.pid, b"at once".to_vec()));
        assert_eq!(gate::passed(&passed), [b"at once"]);
        // The first one has its turn, and the second one no owner any more.
        gate::make_room(port, 1).unwrap();
        assert_eq!(next::<Pid>().await, senders[0]);
        assert_eq!(gate::passed(&passed), [&b"at once"[..], b"one"]);
        assert_eq!(passed.lock().unwrap()[1].0, senders[0]);
        let form = PortSignal::Connect(owner.pid, new.pid);
        owner
            .does(async move { port::signal_port_async(port, form).await })
            .await;
        gate::make_room(port, 1).unwrap();
        assert_eq!(next::<Pid>().await, senders[1]);
        assert_eq!(gate::passed(&passed).len(), 2);
        let badsig = Exit {
            from: port.into(),
            reason: Reason::BadSig,
        };
        assert_eq!(new.exits().await, [badsig]);
        let told = new.does(drain::<Told>()).await;
        assert_eq!(
            told,
            [Told::Withdrawn(0)],
            "the driver knows that it does not come"
        );
        // A port that closes lets all go.
        gate::make_room(port, 0).unwrap();
        let form = PortSignal::Command(new.pid, b"late".to_vec());
        let late = Puppet::new();
        late.told(async move {
            port::signal_port_async(port, form).await;
            send(main, self_pid());
        });
        while port::port_info(port).is_some_and(|info| info.writers_waiting == 0) {
            sleep(Duration::from_millis(1)).await;
        }
        exit_signal(port, "normal");
        assert_eq!(next::<Pid>().await, late.pid);
        assert_eq!(gate::passed(&passed).len(), 2);
    });
}

/// 8.5, O-7: a bad signal punishes the owner, and nobody else.
#[test]
fn o_7_badsig() {
    let bad = |owner: Pid, stranger: Pid| {
        [
            PortSignal::Bad,
            PortSignal::Command(stranger, vec![]),
            PortSignal::Command(owner, b"bad".to_vec()),
            PortSignal::Close(stranger),
            PortSignal::Connect(stranger, owner),
        ]
    };
    for which in 0..5 {
        worlds(3, move || async move {
            // A trapping owner gets a message; the port stays open and linked.
            let (owner, stranger) = (Puppet::trapping(), Puppet::new());
            let (port, _) = owned(owner).await;
            let signal = bad(owner.pid, stranger.pid)[which].clone();
            stranger
                .does(async move { port::signal_port(port, signal) })
                .await;
            let exits = owner.exits().await;
            let expected = Exit {
                from: port.into(),
                reason: Reason::BadSig,
            };
            assert_eq!(exits, [expected]);
            let info = port::port_info(port).expect("it is open");
            assert_eq!(info.links, [owner.pid]);
            // One that does not trap exits dies; the port closes by the link, if there is one.
            for linked in [true, false] {
                let owner = Puppet::new();
                let (port, _) = owned(owner).await;
                if !linked {
                    owner.does(async move { unlink(port) }).await;
                }
                let watch = monitor(owner.pid);
                let signal = bad(owner.pid, stranger.pid)[which].clone();
                stranger
                    .does(async move { port::signal_port(port, signal) })
                    .await;
                assert_eq!(down(watch).await, Reason::BadSig);
                assert_eq!(is_open(port).await, !linked);
                // Without a living owner it is ignored.
                port::signal_port(port, PortSignal::Bad);
            }
            assert!(is_alive(stranger.pid).await);
        });
    }
}

/// 8.12, O-18: every answer of a hand-over, and what is so afterwards.
#[test]
fn o_18_the_answers_of_a_hand_over() {
    everywhere(|| async {
        let (new, stranger) = (Puppet::new(), Puppet::new());
        let (port, _) = bell::open();
        let me = self_pid();
        // Step 1: to the present owner, whoever calls.
        assert_eq!(port::hand_over(port, me), Ok(()));
        assert_eq!(
            stranger
                .does(async move { port::hand_over(port, me) })
                .await,
            Ok(())
        );
        // Step 2: not the owner.
        let refused = stranger
            .does(async move { port::hand_over(port, new.pid) })
            .await;
        assert_eq!(refused, Err(HandOverError::NotOwner));
        // Steps 5 to 8.
        assert_eq!(port::hand_over(port, new.pid), Ok(()));
        let info = port::port_info(port).expect("it is open");
        assert_eq!((info.connected, info.links), (new.pid, vec![new.pid]));
        assert!(links().is_empty());
        assert_eq!(new.links().await, [ActorId::from(port)]);
        assert_eq!(port::hand_over(port, me), Err(HandOverError::NotOwner));
        let watch = monitor(port);
        new.ends("boom");
        assert_eq!(
            down(watch).await,
            Reason::from("boom"),
            "it dies with its new owner"
        );
        // Step 3: closed.
        assert_eq!(port::hand_over(port, me), Err(HandOverError::Closed));
    });
}

/// O-18: what waits in the old owner's mailbox goes along in its order, and nothing else does.
#[test]
fn o_18_queued_messages_go_along() {
    everywhere(|| async {
        let new = Puppet::new();
        let ((port, _), (other, _)) = (bell::open(), bell::open());
        for n in 0..10 {
            bell::ring(port, n).unwrap();
            bell::ring(other, n).unwrap();
            send(self_pid(), n);
        }
        // Some have been looked at by a receive before.
        let taken = receive_match(|rung: &Rung| *rung == Rung(port, 3)).await;
        assert_eq!(taken.1, 3);
        bell::ring(port, 10).unwrap();
        port::hand_over(port, new.pid).unwrap();
        bell::ring(port, 11).unwrap();
        let moved = new.does(drain::<Rung>()).await;
        let expected: Vec<Rung> = (0..12).filter(|n| *n != 3).map(|n| Rung(port, n)).collect();
        assert_eq!(moved, expected);
        let left: Vec<Rung> = (0..10).map(|n| Rung(other, n)).collect();
        assert_eq!(drain::<Rung>().await, left);
        assert_eq!(drain::<u32>().await, (0..10).collect::<Vec<u32>>());
    });
}

/// One owner in a row: takes some, then hands the port on. Reports what it took.
async fn hop(hop: u32, port: PortId, take: usize, next_one: Option<Pid>, collector: Pid) {
    // Its turn has come when the port is its own.
    while port::owner(port) != Some(self_pid()) {
        yield_now().await;
    }
    let mut taken = Vec::new();
    while taken.len() < take {
        taken.push(receive::<Rung>().await.1);
    }
    if let Some(next_one) = next_one {
        port::hand_over(port, next_one).unwrap();
        assert!(drain::<Rung>().await.is_empty(), "something stayed behind");
    }
    send(collector, (hop, taken));
}

/// O-18, I-9 (erlang/otp#3471): with a port that sends all the time, through many hands: every
/// message is seen once, in order.
#[test]
fn i_9_a_hand_over_loses_and_doubles_nothing() {
    let relay = || async {
        let (hops, each) = (12u32, 40usize);
        let collector = self_pid();
        let total = hops as usize * each;
        let (first, (port, _)) = (Puppet::new(), bell::open());
        let mut next_one = None;
        for n in (1..hops).rev() {
            next_one = Some(spawn_link(hop(n, port, each, next_one, collector)));
        }
        port::hand_over(port, first.pid).unwrap();
        first.told(hop(0, port, each, next_one, collector));
        spawn(async move {
            for n in 0..total as u32 {
                if bell::ring(port, n).is_err() {
                    return;
                }
                if n % 7 == 0 {
                    yield_now().await;
                }
            }
        });
        let mut all = Vec::new();
        for n in 0..hops {
            let (_, taken) = receive_match(|(hop, _): &(u32, Vec<u32>)| *hop == n).await;
            all.extend(taken);
        }
        assert_eq!(all, (0..total as u32).collect::<Vec<u32>>());
    };
    worlds(30, relay);
    for _ in 0..5 {
        real(4, relay());
    }
}

/// O-18: to one that dies at that moment: it is refused, or the port goes down with it.
#[test]
fn a_hand_over_to_the_dying_leaves_no_orphan() {
    let race = || async {
        trap_exit(true);
        for _ in 0..60 {
            let new = spawn(async {
                yield_now().await;
                exit("boom").await
            });
            let (port, _) = bell::open();
            let watch = monitor(port);
            yield_now().await;
            match port::hand_over(port, new) {
                Ok(()) => drop(down(watch).await),
                Err(error) => {
                    assert_eq!(error, HandOverError::NoProc);
                    assert_eq!(port::owner(port), Some(self_pid()));
                    exit_signal(port, "normal");
                }
            }
        }
    };
    worlds(20, race);
    real(4, race());
}

/// L-10: the ends of a link to a port agree, though it is handed over and unlinked at the same
/// moment.
#[test]
fn l_10_links_to_ports_agree_in_a_race() {
    real(4, async {
        for round in 0..1500u32 {
            let target = Puppet::new();
            let (port, _) = bell::open();
            let ready = Arc::new(AtomicBool::new(false));
            let go = Arc::new(AtomicBool::new(false));
            let (is_ready, may_go) = (ready.clone(), go.clone());
            target.told(async move {
                link(port).expect("it is open");
                is_ready.store(true, Ordering::SeqCst);
                while !may_go.load(Ordering::SeqCst) {
                    std::hint::spin_loop();
                }
                (0..round % 60).for_each(|_| std::hint::spin_loop());
                unlink(port);
            });
            while !ready.load(Ordering::SeqCst) {
                yield_now().await;
            }
            go.store(true, Ordering::SeqCst);
            (0..round % 7 * 10).for_each(|_| std::hint::spin_loop());
            port::hand_over(port, target.pid).unwrap();
            let its = target.links().await.contains(&port.into());
            let info = port::port_info(port).expect("it is open");
            assert_eq!(info.links.contains(&target.pid), its, "the ends disagree");
            unlink(port);
            exit_signal(port, "kill");
            exit_signal(target.pid, "kill");
        }
    });
}

/// L-10: an owner that hands on what it was just given, before it has looked at its inbox.
#[test]
fn l_10_handing_on_at_once_leaves_no_link_behind() {
    real(4, async {
        for _ in 0..300 {
            let (port, _) = bell::open();
            let last = Puppet::new();
            let middle = Puppet::new();
            let to = last.pid;
            middle.told(async move {
                while port::hand_over(port, to).is_err() {
                    std::hint::spin_loop();
                }
            });
            yield_now().await;
            port::hand_over(port, middle.pid).unwrap();
            assert!(middle.links().await.is_empty());
            assert_eq!(last.links().await, [ActorId::from(port)]);
            let info = port::port_info(port).expect("it is open");
            assert_eq!((info.connected, info.links), (to, vec![to]));
            exit_signal(last.pid, "kill");
            exit_signal(middle.pid, "kill");
        }
        sleep(Duration::from_millis(1)).await;
    });
}
