//! Small worlds, all of them: every interleaving of a few processes that link and unlink each
//! other, and of deaths among them (process 3, I-4, L-10). Each test prints how many worlds it
//! walked.

use runtime::ProcessInfo;
use runtime::prelude::*;
use tests::puppet::drain;

use crate::stage::{BY_HAND, Event, Stage, listen, report, sequences, walk};

/// What one of three does to the next one.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Link,
    Unlink,
    Watch,
    /// Watches, and takes it back at once.
    WatchNot,
    Signal,
    Kill,
    Leave,
    Name,
}

const DEEDS: [Deed; 8] = [
    Deed::Link,
    Deed::Unlink,
    Deed::Watch,
    Deed::WatchNot,
    Deed::Signal,
    Deed::Kill,
    Deed::Leave,
    Deed::Name,
];

async fn deed(stage: &Stage, me: usize, deed: Deed) {
    let next = stage.pid((me + 1) % 3);
    match deed {
        Deed::Link => drop(link(next)),
        Deed::Unlink => unlink(next),
        Deed::Watch => stage.note(me, Event::Watches(monitor(next))),
        Deed::WatchNot => {
            let watch = monitor(next);
            stage.note(me, Event::Demonitored(watch, demonitor(watch)));
        }
        Deed::Signal => exit_signal(next, BY_HAND),
        Deed::Kill => exit_signal(next, "kill"),
        Deed::Leave => exit("left").await,
        Deed::Name => stage.note(me, Event::Registered(register("name", self_pid()))),
    }
}

/// I-1, I-4 to I-6, N-2: three in a circle, who do anything to each other: one links the next and
/// does something, the others do something, each of them in every order. What has to hold of all
/// worlds alike is looked at; and a monitor fires once, or not where `demonitor` found it active.
#[test]
fn three_that_do_anything() {
    let mut worlds = 0;
    for deeds in sequences(&DEEDS, 3) {
        let cast = |stage: &Stage| {
            for (who, what) in deeds.iter().copied().enumerate() {
                stage.add(who != 1, move |stage, me| async move {
                    if me == 0 {
                        deed(&stage, me, Deed::Link).await;
                        yield_now().await;
                    }
                    deed(&stage, me, what).await;
                    listen(stage, me).await
                });
            }
        };
        let check = |stage: &Stage, infos: &[Option<ProcessInfo>]| {
            for who in 0..3 {
                let next_is_dead = infos[(who + 1) % 3].is_none();
                for event in stage.events(who).iter().filter(|_| infos[who].is_some()) {
                    match event {
                        Event::Watches(watch) => {
                            let downs = stage.downs(who, *watch).len();
                            assert_eq!(downs, usize::from(next_is_dead), "{deeds:?}");
                        }
                        Event::Demonitored(watch, active) => {
                            let downs = stage.downs(who, *watch).len();
                            assert_eq!(downs, usize::from(!*active), "{deeds:?}");
                        }
                        _ => {}
                    }
                }
            }
            let holders = infos.iter().flatten();
            let holders = holders.filter(|info| info.registered_name.is_some());
            assert!(holders.count() <= 1, "{deeds:?}");
        };
        worlds += walk(10_000, cast, check);
    }
    report("three_that_do_anything", worlds);
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Tie {
    Link,
    Unlink,
}

/// Links and unlinks, letting the others run in between.
async fn tie(stage: Stage, me: usize, other: usize, ties: Vec<Tie>) {
    for tie in ties {
        let pid = stage.pid(other);
        match tie {
            Tie::Link => link(pid).expect("it traps exits"),
            Tie::Unlink => {
                unlink(pid);
                for exit in drain::<Exit>().await {
                    stage.note(me, Event::Flushed(exit.reason));
                }
            }
        }
        yield_now().await;
    }
}

const TIES: [Tie; 2] = [Tie::Link, Tie::Unlink];

/// 3.4, L-8 to L-10: two that link and unlink each other agree in the end, and nobody is told of
/// anything.
#[test]
fn two_that_link_and_unlink() {
    let mut worlds = 0;
    for one in sequences(&TIES, 3) {
        for other in sequences(&TIES, 3) {
            let cast = |stage: &Stage| {
                for (who, ties) in [(1, one.clone()), (0, other.clone())] {
                    stage.add(true, |stage, me| async move {
                        tie(stage.clone(), me, who, ties).await;
                        listen(stage, me).await
                    });
                }
            };
            let check = |stage: &Stage, infos: &[Option<ProcessInfo>]| {
                assert!(infos.iter().all(Option::is_some));
                assert!(stage.events.lock().unwrap().is_empty());
                if one[2] == other[2] {
                    let linked = infos[0].as_ref().is_some_and(|info| !info.links.is_empty());
                    assert_eq!(linked, one[2] == Tie::Link, "both ended with the same");
                }
            };
            worlds += walk(10_000, cast, check);
        }
    }
    report("two_that_link_and_unlink", worlds);
}

/// I-4, 3.5: one of the two dies in between. A link that stands is told of exactly once; after an
/// unlink nothing comes.
#[test]
fn one_of_two_dies() {
    let mut worlds = 0;
    for one in sequences(&TIES, 3) {
        for other in sequences(&TIES, 2) {
            let cast = |stage: &Stage| {
                let (one, other) = (one.clone(), other.clone());
                stage.add(true, |stage, me| async move {
                    tie(stage.clone(), me, 1, one).await;
                    listen(stage, me).await
                });
                stage.add(true, |stage, me| async move {
                    tie(stage.clone(), me, 0, other).await;
                    exit("boom").await
                });
            };
            let check = |stage: &Stage, infos: &[Option<ProcessInfo>]| {
                let info = infos[0].as_ref().expect("it traps exits");
                assert!(infos[1].is_none() && info.links.is_empty());
                let exits = stage.exits(0);
                let real = exits
                    .iter()
                    .filter(|reason| **reason == Reason::from("boom"))
                    .count();
                assert!(real <= 1, "one death, {real} reports");
                match one[2] {
                    Tie::Link => {
                        let links = one.iter().filter(|tie| **tie == Tie::Link).count();
                        let most = links + usize::from(other.contains(&Tie::Link));
                        let least = usize::from(!other.contains(&Tie::Unlink));
                        assert!((least..=most).contains(&exits.len()), "{exits:?}");
                    }
                    // The other one may have linked anew before it died; else it is over.
                    Tie::Unlink if other.contains(&Tie::Link) => assert!(exits.len() <= 1),
                    Tie::Unlink => assert!(exits.is_empty(), "{exits:?} after an unlink"),
                }
            };
            worlds += walk(10_000, cast, check);
        }
    }
    report("one_of_two_dies", worlds);
}

/// L-5, 3.5: three in a line; the first is killed while the middle one unlinks it. The last dies
/// with the middle one or not at all.
#[test]
fn a_line_that_is_cut_while_a_death_travels() {
    let cast = |stage: &Stage| {
        stage.add(false, |stage, _| async move {
            link(stage.pid(1)).ok();
            std::future::pending().await
        });
        stage.add(false, |stage, _| async move {
            yield_now().await;
            unlink(stage.pid(0));
            std::future::pending().await
        });
        stage.add(false, |stage, me| async move {
            stage.note(me, Event::Alive(link(stage.pid(1)).is_ok()));
            std::future::pending().await
        });
        stage.add(false, |stage, _| async move {
            yield_now().await;
            exit_signal(stage.pid(0), "kill");
        });
    };
    let check = |stage: &Stage, infos: &[Option<ProcessInfo>]| {
        assert!(infos[0].is_none());
        match (&infos[1], &infos[2]) {
            (Some(middle), Some(_)) => assert_eq!(middle.links.len(), 1),
            (None, None) => {}
            // It came too late to link the middle one, and was told so.
            (None, Some(_)) => assert_eq!(stage.events(2), [Event::Alive(false)]),
            (middle, last) => panic!("{} and {}", middle.is_some(), last.is_some()),
        }
    };
    report(
        "a_line_that_is_cut_while_a_death_travels",
        walk(500_000, cast, check),
    );
}

/// L-10, L-5, M-5: three that link, watch and unlink each other round about, while one leaves and
/// another is killed.
#[test]
fn three_in_a_circle() {
    let cast = |stage: &Stage| {
        stage.add(true, |stage, me| async move {
            stage.note(me, Event::Watches(monitor(stage.pid(2))));
            yield_now().await;
            link(stage.pid(1)).expect("it traps exits");
            yield_now().await;
            unlink(stage.pid(2));
            listen(stage, me).await
        });
        stage.add(true, |stage, me| async move {
            link(stage.pid(2)).expect("it traps exits");
            yield_now().await;
            exit_signal(stage.pid(2), "kill");
            unlink(stage.pid(0));
            yield_now().await;
            link(stage.pid(0)).expect("it traps exits");
            listen(stage, me).await
        });
        stage.add(true, |stage, me| async move {
            link(stage.pid(0)).expect("it traps exits");
            yield_now().await;
            stage.note(me, Event::Watches(monitor(stage.pid(1))));
            yield_now().await;
            exit("left").await
        });
    };
    let check = |stage: &Stage, infos: &[Option<ProcessInfo>]| {
        assert!(infos[2].is_none(), "killed, or it left");
        let Event::Watches(watch) = stage.events(0)[0] else {
            panic!("the first thing it does is to watch");
        };
        assert_eq!(stage.downs(0, watch).len(), 1);
        for who in [0, 1] {
            let info = infos[who].as_ref().expect("it traps exits");
            assert_eq!(info.links, [ActorId::from(stage.pid(1 - who))]);
            assert!(stage.exits(who).len() <= 2, "{:?}", stage.exits(who));
        }
        // One that linked it and did not unlink it is told, once.
        assert_eq!(stage.exits(1).len(), 1);
    };
    report("three_in_a_circle", walk(500_000, cast, check));
}
