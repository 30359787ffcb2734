//! Exit signals: the decision table of process 3.2, row by row, through real processes.

use runtime::prelude::*;
use tests::{Puppet, down, exit_of, settle, worlds};

/// What an exit signal does to its receiver.
#[derive(Clone, PartialEq, Debug)]
enum Fate {
    Ignored,
    Message(Reason),
    Dies(Reason),
}
use Fate::{Dies, Ignored, Message};

/// The fate of a puppet that got one exit signal from `from`.
async fn fate(puppet: Puppet, from: Pid, watch: Ref) -> Fate {
    settle().await;
    if !is_alive(puppet.pid).await {
        return Dies(down(watch).await);
    }
    demonitor(watch);
    match &puppet.exits().await[..] {
        [] => Ignored,
        [exit] => {
            // L-2: from whom it came, never a name.
            assert_eq!(exit.from, from);
            Message(exit.reason.clone())
        }
        more => panic!("one signal, {} messages", more.len()),
    }
}

fn word(word: &'static str) -> Reason {
    Reason::from(word)
}

/// Reason, fate of a process that does not trap exits, and of one that does.
type Row = (Reason, Fate, Fate);

/// A reason that does what any reason does.
fn plain(reason: Reason) -> Row {
    (reason.clone(), Dies(reason.clone()), Message(reason))
}

/// Those that are like any other, `shutdown` in both forms among them.
fn plain_rows() -> Vec<Row> {
    let reasons = [
        Reason::Killed,
        Reason::Shutdown,
        Reason::shutdown_with(7u8),
        Reason::NoProc,
        word("boom"),
    ];
    reasons.into_iter().map(plain).collect()
}

fn explicit_rows() -> Vec<Row> {
    let killed = Dies(Reason::Killed);
    let normal = (Reason::Normal, Ignored, Message(Reason::Normal));
    let special = [normal, (Reason::Kill, killed.clone(), killed)];
    special.into_iter().chain(plain_rows()).collect()
}

/// L-1, rows 1 to 4; 3.1: an explicit signal leaves the link of the two alone, so the link gives
/// its own signal later.
#[test]
fn rows_1_to_4_explicit_from_another() {
    for (reason, plain, trapped) in explicit_rows() {
        for (trapping, expected) in [(false, plain), (true, trapped)] {
            for linked in [false, true] {
                let (reason, expected) = (reason.clone(), expected.clone());
                worlds(5, move || {
                    let (reason, expected) = (reason.clone(), expected.clone());
                    let sent = reason.clone();
                    async move {
                        let (target, sender) = (Puppet::that_traps(trapping), Puppet::trapping());
                        let watch = monitor(target.pid);
                        if linked {
                            sender.does(async move { link(target.pid) }).await.unwrap();
                        }
                        sender.told(async move { exit_signal(target.pid, sent) });
                        let got = fate(target, sender.pid, watch).await;
                        assert_eq!(got, expected, "{reason}, trapping {trapping}");
                        let still: Vec<ActorId> = match (linked, &got) {
                            (_, Dies(_)) => return,
                            (true, _) => vec![sender.pid.into()],
                            (false, _) => vec![],
                        };
                        assert_eq!(target.links().await, still);
                    }
                });
            }
        }
    }
}

/// L-1, rows 5 to 7, L-4: to oneself, where even `normal` is fatal, before the next await is over.
#[test]
fn rows_5_to_7_explicit_from_oneself() {
    let killed = Dies(Reason::Killed);
    let special = [
        plain(Reason::Normal),
        (Reason::Kill, killed.clone(), killed),
    ];
    for (reason, plain, trapped) in special.into_iter().chain(plain_rows()) {
        for (trapping, expected) in [(false, plain), (true, trapped)] {
            let reason = reason.clone();
            worlds(5, move || {
                let (reason, expected) = (reason.clone(), expected.clone());
                let sent = reason.clone();
                async move {
                    let (target, me) = (Puppet::that_traps(trapping), self_pid());
                    let watch = monitor(target.pid);
                    let survives = matches!(expected, Message(_));
                    target.told(async move {
                        exit_signal(self_pid(), sent);
                        yield_now().await;
                        send(me, "went on");
                    });
                    assert_eq!(fate(target, target.pid, watch).await, expected);
                    let went_on = receive_timeout::<&str>(std::time::Duration::ZERO).await;
                    assert_eq!(went_on.is_some(), survives, "{reason}, trapping {trapping}");
                }
            });
        }
    }
}

/// 2.2: the receiver's state at reception decides; a signal that a process sends itself while it
/// traps exits is still under way when the flag goes.
#[test]
fn trapping_is_looked_at_when_the_signal_is_received() {
    worlds(10, || async {
        let target = Puppet::trapping();
        let watch = monitor(target.pid);
        target.told(async {
            exit_signal(self_pid(), "boo");
            assert!(trap_exit(false));
        });
        assert_eq!(down(watch).await, word("boo"));
    });
}

/// L-1, rows 8 to 11; 3.1: the signal takes the link with it, also where it is ignored.
#[test]
fn rows_8_to_11_by_the_death_of_a_linked_process() {
    let normal = (Reason::Normal, Ignored, Message(Reason::Normal));
    // What it calls `exit` with is told as it is, `kill` too.
    let special = [normal, plain(Reason::Kill)];
    for (reason, plain, trapped) in special.into_iter().chain(plain_rows()) {
        for (trapping, expected) in [(false, plain), (true, trapped)] {
            let reason = reason.clone();
            worlds(5, move || {
                let (reason, expected) = (reason.clone(), expected.clone());
                async move {
                    let (target, other) = (Puppet::that_traps(trapping), Puppet::new());
                    let watch = monitor(target.pid);
                    target.does(async move { link(other.pid) }).await.unwrap();
                    match &reason {
                        // Row 10: it is killed.
                        Reason::Killed => exit_signal(other.pid, "kill"),
                        reason => other.ends(reason.clone()),
                    }
                    let got = fate(target, other.pid, watch).await;
                    assert_eq!(got, expected, "{reason}, trapping {trapping}");
                    if !matches!(got, Dies(_)) {
                        assert!(target.links().await.is_empty());
                    }
                }
            });
        }
    }
}

/// L-1, row 12: a signal over a link that is gone, or whose unlink is under way, is dropped. That
/// the signals cross is made sure of in `link_cells`, where both are in the middle of a slice.
#[test]
fn row_12_by_the_death_of_one_that_is_unlinked() {
    for trapping in [false, true] {
        for reason in ["normal", "kill", "boom"] {
            worlds(20, move || async move {
                let (target, other) = (Puppet::that_traps(trapping), Puppet::new());
                let watch = monitor(target.pid);
                target.does(async move { link(other.pid) }).await.unwrap();
                target.told(async move {
                    // The message that it dies from comes before the unlink.
                    other.ends(reason);
                    unlink(other.pid);
                });
                assert_eq!(fate(target, other.pid, watch).await, Ignored);
                assert!(target.links().await.is_empty());
            });
        }
    }
}

/// L-1, row 13; S-9: linking to the dead.
#[test]
fn row_13_from_a_target_that_was_dead() {
    worlds(10, || async {
        let (gone, watch) = spawn_monitor(async {});
        down(watch).await;
        let plain = Puppet::new();
        let result = plain.does(async move { link(gone) }).await;
        assert_eq!(result, Err(runtime::NoProc));
        let trapping = Puppet::trapping();
        let watch = monitor(trapping.pid);
        assert_eq!(trapping.does(async move { link(gone) }).await, Ok(()));
        let got = fate(trapping, gone, watch).await;
        assert_eq!(got, Message(Reason::NoProc));
        assert!(trapping.links().await.is_empty());
    });
}

/// L-1, row 13: the target dies while the link request is under way.
#[test]
fn row_13_from_a_target_that_dies_before_it_gets_the_request() {
    for trapping in [false, true] {
        worlds(20, move || async move {
            let (target, other) = (Puppet::that_traps(trapping), Puppet::new());
            let watch = monitor(target.pid);
            target.told(async move {
                exit_signal(other.pid, "kill");
                // It is alive still, and has both signals in its inbox.
                assert_eq!(link(other.pid), Ok(()));
            });
            let got = fate(target, other.pid, watch).await;
            let expected = match trapping {
                true => Message(Reason::NoProc),
                false => Dies(Reason::NoProc),
            };
            assert_eq!(got, expected);
        });
    }
}

/// L-1, row 14; P-13 step 1: the first fatal signal fixes the reason.
#[test]
fn row_14_a_process_that_is_exiting_drops_what_comes() {
    worlds(20, || async {
        for trapping in [false, true] {
            let target = Puppet::that_traps(trapping);
            let watch = monitor(target.pid);
            // Its own destructors run between the first signal and its end: none of the others
            // has a message or another reason come of it.
            exit_signal(target.pid, if trapping { "kill" } else { "first" });
            exit_signal(target.pid, "second");
            exit_signal(target.pid, "normal");
            exit_signal(target.pid, "kill");
            let expected = if trapping { "killed" } else { "first" };
            assert_eq!(down(watch).await, word(expected));
        }
    });
}

/// L-3: the message takes its place among the others.
#[test]
fn a_trapped_exit_stands_where_it_arrived() {
    worlds(20, || async {
        trap_exit(true);
        let me = self_pid();
        let sender = Puppet::new();
        sender.told(async move {
            send(me, 1u8);
            exit_signal(me, "boom");
            send(me, 2u8);
        });
        settle().await;
        assert_eq!(receive_any().await.downcast::<u8>().ok(), Some(1));
        let exit = receive_any().await.downcast::<Exit>().ok();
        assert_eq!(exit.map(|exit| exit.reason), Some(word("boom")));
        assert_eq!(receive_any().await.downcast::<u8>().ok(), Some(2));
    });
}

/// A line of puppets, each linked to the next; with the monitors of the caller.
async fn line(len: usize, closed: bool) -> Vec<(Puppet, Ref)> {
    let puppets: Vec<Puppet> = (0..len).map(|_| Puppet::new()).collect();
    for (i, puppet) in puppets.iter().enumerate() {
        let next = puppets.get(i + 1).or(puppets.first().filter(|_| closed));
        if let Some(next) = next.map(|next| next.pid) {
            puppet.does(async move { link(next) }).await.unwrap();
        }
    }
    puppets
        .into_iter()
        .map(|puppet| (puppet, monitor(puppet.pid)))
        .collect()
}

/// L-5 (suite `kill2killed`): a kill at the end of a line makes all the others die of `killed`; an
/// `exit(kill)` there makes all of them die of `kill`. A circle ends, too.
#[test]
fn l_5_deaths_travel_along_lines_and_circles() {
    for len in [1, 2, 9, 10] {
        for closed in [false, true] {
            worlds(5, move || async move {
                let puppets = line(len, closed).await;
                exit_signal(puppets[len - 1].0.pid, "kill");
                for (_, watch) in puppets {
                    assert_eq!(down(watch).await, Reason::Killed);
                }
                let puppets = line(len, closed).await;
                puppets[len - 1].0.ends(Reason::Kill);
                for (_, watch) in puppets {
                    assert_eq!(down(watch).await, Reason::Kill);
                }
            });
        }
    }
}

/// L-6: one that traps exits tells its links of its own end all the same.
#[test]
fn l_6_trapping_does_not_stop_the_signals_of_ones_own_end() {
    worlds(10, || async {
        trap_exit(true);
        let trapping = Puppet::with(Spawn::new().trap_exit().link());
        trapping.ends("boom");
        assert_eq!(exit_of(trapping.pid).await, word("boom"));
    });
}

/// P-11, 1.4: the ways to end, and the reasons that links see.
#[test]
fn the_ways_to_end_and_their_reasons() {
    worlds(10, || async {
        trap_exit(true);
        let child = spawn_link(async {});
        assert_eq!(exit_of(child).await, Reason::Normal);
        let child = spawn_link(async { Err::<(), _>(word("left")) });
        assert_eq!(exit_of(child).await, word("left"));
        let child = spawn_link(async { "1x".parse::<u8>().map(drop) });
        let reason = exit_of(child).await;
        assert!(matches!(&reason, Reason::Error(error) if error.is::<std::num::ParseIntError>()));
        let child = spawn_link(async { panic!("at the disco") });
        assert_eq!(exit_of(child).await, Reason::Panic("at the disco".into()));
        let child = spawn_link(async { std::panic::panic_any(7u8) });
        assert!(matches!(exit_of(child).await, Reason::Panic(_)));
        let child = spawn_link(async { exit(Reason::custom(7u8)).await });
        assert_eq!(exit_of(child).await.downcast_ref::<u8>(), Some(&7));
    });
}

/// P-12: `exit` cannot be caught, whatever stands around it.
#[test]
fn p_12_exit_is_not_caught_by_a_select() {
    worlds(10, || async {
        let (_, watch) = spawn_monitor(async {
            let leaving = std::pin::pin!(exit("gone"));
            let ready = std::pin::pin!(async {});
            futures_util::future::select(leaving, ready).await;
            panic!("went on");
        });
        assert_eq!(down(watch).await, word("gone"));
    });
}
