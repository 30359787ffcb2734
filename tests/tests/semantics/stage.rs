//! The stage of a small world: what its processes share with the director, and the walk through all
//! interleavings of them (process, Appendix B).
//!
//! A process lets others run after each thing it does, so the walk takes every order of the things.
//! What has to hold of all worlds alike is checked here: after each step what a look from outside
//! tells, which disturbs nobody, and when all is quiet what the processes themselves say.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use runtime::prelude::*;
use runtime::sim::{World, exhaust};
use runtime::{ProcessInfo, RegisterError};

type Play = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the processes of a world share with its director.
#[derive(Clone, Default)]
pub(crate) struct Stage {
    /// Those that are to be spawned, and whether they trap exits.
    cast: Arc<Mutex<Vec<(bool, Play)>>>,
    pub(crate) pids: Arc<Mutex<Vec<Pid>>>,
    pub(crate) events: Arc<Mutex<Vec<(usize, Event)>>>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Event {
    /// An exit message was received.
    Exit(ActorId, Reason),
    /// An exit message was in the mailbox right behind an unlink.
    Flushed(Reason),
    /// A `Down` was received.
    Down(Ref, Reason),
    /// A monitor was made.
    Watches(Ref),
    /// What `demonitor` said.
    Demonitored(Ref, bool),
    /// What `register` said.
    Registered(Result<(), RegisterError>),
    /// What `is_alive` said.
    Alive(bool),
    /// A process was spawned.
    Child(Pid),
}

impl Stage {
    pub(crate) fn pid(&self, who: usize) -> Pid {
        self.pids.lock().expect("one thread")[who]
    }

    pub(crate) fn note(&self, who: usize, event: Event) {
        self.events.lock().expect("one thread").push((who, event));
    }

    pub(crate) fn events(&self, who: usize) -> Vec<Event> {
        let events = self.events.lock().expect("one thread");
        events
            .iter()
            .filter(|(by, _)| *by == who)
            .map(|(_, event)| event.clone())
            .collect()
    }

    pub(crate) fn exits(&self, who: usize) -> Vec<Reason> {
        let exit = |event| match event {
            Event::Exit(_, reason) => Some(reason),
            _ => None,
        };
        self.events(who).into_iter().filter_map(exit).collect()
    }

    pub(crate) fn downs(&self, who: usize, of: Ref) -> Vec<Reason> {
        let down = |event| match event {
            Event::Down(monitor, reason) if monitor == of => Some(reason),
            _ => None,
        };
        self.events(who).into_iter().filter_map(down).collect()
    }

    /// Adds a process.
    pub(crate) fn add<F>(&self, trapping: bool, play: impl FnOnce(Stage, usize) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut cast = self.cast.lock().expect("one thread");
        let play = play(self.clone(), cast.len());
        cast.push((trapping, Box::pin(play)));
    }

    /// Spawns them all in one slice, before any of them runs.
    pub(crate) fn open(&self, world: &mut World) {
        let (cast, pids) = (
            std::mem::take(&mut *self.cast.lock().unwrap()),
            self.pids.clone(),
        );
        world.spawn(async move {
            for (trapping, play) in cast {
                let spawn = if trapping {
                    Spawn::new().trap_exit()
                } else {
                    Spawn::new()
                };
                let (pid, _) = spawn.spawn(play).expect("there is room");
                pids.lock().unwrap().push(pid);
            }
        });
        world.step();
    }
}

/// Notes what comes, for ever.
pub(crate) async fn listen(stage: Stage, me: usize) {
    loop {
        receive! {
            Exit { from, reason } => stage.note(me, Event::Exit(from, reason)),
            Down { monitor, reason, .. } => stage.note(me, Event::Down(monitor, reason)),
        }
    }
}

/// What the processes say of themselves; `None` of the dead.
pub(crate) fn audit(world: &mut World, stage: &Stage) -> Vec<Option<ProcessInfo>> {
    let (answers, pids) = (
        Arc::new(Mutex::new(Vec::new())),
        stage.pids.lock().unwrap().clone(),
    );
    let noted = answers.clone();
    world.spawn(async move {
        for pid in pids {
            let info = process_info(pid).await;
            noted.lock().unwrap().push(info);
        }
    });
    world.run();
    let answers = answers.lock().unwrap();
    answers.clone()
}

/// The reason of a signal that is sent by one who lives on.
pub(crate) const BY_HAND: &str = "by hand";

/// What is known of a world by its last step.
#[derive(Default)]
pub(crate) struct Witness {
    ends: Vec<Option<Reason>>,
    heard: usize,
    fired: Vec<Ref>,
}

impl Witness {
    /// Runs a world until it is quiet, with a look at it after each step.
    pub(crate) fn see(mut self, world: &mut World, stage: &Stage, look: impl Fn(&World)) {
        self.look(world, stage);
        while world.step() {
            self.look(world, stage);
            look(world);
        }
        // Nobody of them sets a timer.
        world.run();
        self.look(world, stage);
        // I-1: nobody has anything to do that he was not woken for.
        for line in world.handle().process_table().0 {
            assert_eq!(line.status, "waiting", "{} when all is quiet", line.pid);
        }
    }

    /// I-6, M-9, N-2: an end is one, with one reason, and whoever was told of it was told that one,
    /// when it was over; nobody who has ended has a name. I-5: no monitor fires twice.
    fn look(&mut self, world: &World, stage: &Stage) {
        let pids = stage.pids.lock().expect("one thread").clone();
        self.ends.resize(pids.len(), None);
        for (pid, before) in pids.iter().zip(&mut self.ends) {
            let end = world.exit_reason(*pid);
            assert_eq!(end.is_none(), world.is_alive(*pid), "{pid} ended: {end:?}");
            assert!(before.is_none() || *before == end, "{pid} ended twice");
            *before = end;
        }
        let named = world.handle().whereis("name").and_then(ActorId::pid);
        assert!(
            named.is_none_or(|pid| world.is_alive(pid)),
            "a name of the dead"
        );
        let events = stage.events.lock().expect("one thread");
        for (_, event) in &events[self.heard..] {
            let (of, reason) = match event {
                Event::Exit(_, reason) if *reason == Reason::from(BY_HAND) => continue,
                Event::Exit(from, reason) => (from.pid(), reason),
                Event::Down(monitor, reason) => {
                    assert!(!self.fired.contains(monitor), "a monitor fired twice");
                    self.fired.push(*monitor);
                    (None, reason)
                }
                _ => continue,
            };
            assert!(of.is_none_or(|pid| !world.is_alive(pid)), "told too early");
            let of = |pid: &Pid| of.is_none_or(|of| of == *pid);
            let ends = pids.iter().zip(&self.ends).filter(|(pid, _)| of(pid));
            let is_end = ends
                .map(|(_, end)| end)
                .any(|end| end.as_ref() == Some(reason));
            assert!(is_end || *reason == Reason::NoProc, "told of {reason}");
        }
        self.heard = events.len();
    }
}

/// Walks through all worlds that `cast` sets up, and checks each after each step and when it is
/// quiet.
pub(crate) fn walk(
    limit: u64,
    cast: impl Fn(&Stage),
    check: impl Fn(&Stage, &[Option<ProcessInfo>]),
) -> u64 {
    exhaust(limit, |world| {
        let stage = Stage::default();
        cast(&stage);
        stage.open(world);
        Witness::default().see(world, &stage, |_| ());
        let infos = audit(world, &stage);
        assert_eq!(
            infos.len(),
            stage.pids.lock().unwrap().len(),
            "nobody fails to answer"
        );
        ends_agree(&stage, &infos);
        check(&stage, &infos);
    })
}

/// L-10, I-4, M-5: of each pair both say the same of their link, nobody is linked to the dead, and
/// each monitor is known at both ends.
pub(crate) fn ends_agree(stage: &Stage, infos: &[Option<ProcessInfo>]) {
    let pids = stage.pids.lock().unwrap().clone();
    for (info, me) in infos
        .iter()
        .zip(&pids)
        .filter_map(|(info, pid)| Some((info.as_ref()?, pid)))
    {
        for (other, pid) in infos.iter().zip(&pids) {
            let mine = info.links.contains(&ActorId::from(*pid));
            let theirs = other
                .as_ref()
                .is_some_and(|other| other.links.contains(&(*me).into()));
            assert_eq!(mine, theirs, "the link of {me} and {pid}");
            let watching = info
                .monitors
                .iter()
                .filter(|item| **item == runtime::Item::Process(*pid));
            let watched = other
                .as_ref()
                .map(|other| other.monitored_by.iter().filter(|by| **by == *me));
            assert_eq!(
                watching.count(),
                watched.map_or(0, Iterator::count),
                "{me} watches {pid}"
            );
        }
    }
}

/// All sequences of so many of these.
pub(crate) fn sequences<T: Copy>(of: &[T], len: usize) -> Vec<Vec<T>> {
    if len == 0 {
        return vec![Vec::new()];
    }
    let longer = |shorter: Vec<T>| of.iter().map(move |one| [&shorter[..], &[*one]].concat());
    sequences(of, len - 1)
        .into_iter()
        .flat_map(longer)
        .collect()
}

pub(crate) fn report(test: &str, worlds: u64) {
    println!("worlds of {test}: {worlds}");
}
