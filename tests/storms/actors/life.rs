//! A process of the storm: who it is, whom it knows, and how it goes on.
//!
//! Spawned by founders and by each other. Invariant: it takes a bounded number of steps, has a
//! bounded number of children, and each wait of its own has a limit.

use std::time::Duration;

use runtime::prelude::*;
use tests::Random;

use super::ticker::Tick;
use crate::common::{Load, MEANT};

/// Names that are fought for.
pub(crate) const NAMES: [&str; 6] = ["ann", "bob", "cid", "dot", "eve", "fay"];

const STEPS: usize = 40;
const CHILDREN_MAX: usize = 3;
const KNOWN_MAX: usize = 12;

/// A message: something to carry, and somebody to know.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) load: Load,
    pub(crate) whom: ActorId,
}

/// What processes ask each other.
#[derive(Debug)]
pub(crate) struct Ask(pub(crate) Load);

impl Request for Ask {
    type Reply = Load;
}

/// See the file's header.
pub(crate) struct Life {
    pub(crate) random: Random,
    pub(crate) generations: u32,
    pub(crate) known: Vec<ActorId>,
    pub(crate) monitors: Vec<Ref>,
    pub(crate) aliases: Vec<Ref>,
    pub(crate) timers: Vec<TimerRef>,
    /// Nobody's business.
    pub(crate) storm: Pid,
    /// Goes with the process, whichever way it ends.
    load: Load,
    children: usize,
}

impl Life {
    pub(crate) fn new(seed: u64, generations: u32, storm: Pid, known: Vec<ActorId>) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let load = Load::new(&mut random);
        Life {
            random,
            generations,
            known,
            monitors: Vec::new(),
            aliases: Vec::new(),
            timers: Vec::new(),
            storm,
            load,
            children: 0,
        }
    }

    /// Whoever it draws.
    pub(crate) fn somebody(&mut self) -> ActorId {
        let n = self.random.below(self.known.len() + 1);
        self.known.get(n).copied().unwrap_or(self_pid().into())
    }

    /// A process that it draws.
    pub(crate) fn some_process(&mut self) -> Pid {
        self.somebody().pid().unwrap_or(self_pid())
    }

    pub(crate) fn name(&mut self) -> &'static str {
        NAMES[self.random.below(NAMES.len())]
    }

    pub(crate) fn micros(&mut self, bound: usize) -> Duration {
        Duration::from_micros(self.random.below(bound) as u64)
    }

    pub(crate) fn meets(&mut self, whom: ActorId) {
        if self.known.len() < KNOWN_MAX {
            self.known.push(whom);
        } else {
            let n = self.random.below(KNOWN_MAX);
            self.known[n] = whom;
        }
    }

    /// The seed and the generation of a child, where it may have one.
    pub(crate) fn child(&mut self) -> Option<Life> {
        if self.children == CHILDREN_MAX || self.generations == 0 {
            return None;
        }
        self.children += 1;
        let mut known = self.known.clone();
        known.truncate(KNOWN_MAX / 2);
        known.push(self_pid().into());
        let seed = self.random.below(usize::MAX >> 33) as u64;
        Some(Life::new(seed, self.generations - 1, self.storm, known))
    }

    /// A life, to its end.
    pub(crate) async fn live(mut self) {
        if self.random.below(3) == 0 {
            trap_exit(true);
        }
        for _ in 0..STEPS {
            let takes = self.random.below(3) == 0;
            if takes {
                self.take_in().await;
            } else {
                self.does().await;
            }
            self.load.touch();
        }
        match self.random.below(8) {
            0 => exit("a word").await,
            1 => exit(Reason::Kill).await,
            2 => std::panic::resume_unwind(Box::new(MEANT)),
            3 => sleep(Duration::from_millis(20)).await,
            _ => {}
        }
    }

    /// Takes messages, until there are none or it has had enough of them.
    async fn take_in(&mut self) {
        let patience = if self.random.below(2) == 0 {
            Duration::ZERO
        } else {
            self.micros(300)
        };
        for _ in 0..self.random.below(6) {
            receive! {
                news: News => {
                    let News { mut load, whom } = news;
                    load.touch();
                    self.meets(whom);
                }
                asked: Call<Ask> => self.answers(asked),
                exit: Exit => self.meets(exit.from),
                down: Down => self.monitors.retain(|old| *old != down.monitor),
                late: Timeout<Load> => {
                    let mut load = late.message;
                    load.touch();
                    self.timers.retain(|old| *old != late.timer);
                }
                tick: Tick => {
                    let Tick { from, mut load } = tick;
                    load.touch();
                    self.meets(from.into());
                }
                after(patience) => return,
            }
        }
    }

    fn answers(&mut self, asked: Call<Ask>) {
        let Call { from, request } = asked;
        let Ask(mut load) = request;
        load.touch();
        match self.random.below(4) {
            // Nobody answers.
            0 => {}
            1 => {
                spawn(async move {
                    yield_now().await;
                    reply(from, load);
                });
            }
            _ => reply(from, load),
        }
    }
}
