//! The one door for decisions: `choose(kind, n)`.
//!
//! Asked by the world whenever something could go more than one way. Invariant: 0 is the dull
//! choice (what a first-in-first-out scheduler would do), so smaller records are calmer runs; each
//! kind draws from a stream of its own, so that asking less of one does not shift the others.
//! Bodies: seeded, replayed from a record, and exhaustive, which walks through all values depth
//! first.

use std::fmt;

use crate::entropy::SplitMix;

/// What a decision is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// Which of the ready processes runs next.
    Next,
    /// Random bits for the runtime: node numbers.
    Bits,
    /// A decision of the director's.
    App,
}

const KINDS: usize = 3;

/// A decision that was made: `value` of `n`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// What it was about.
    pub kind: Kind,
    /// How many ways there were.
    pub n: u32,
    /// Which was taken.
    pub value: u32,
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}/{}", self.kind, self.value, self.n)
    }
}

/// Where decisions come from, and the record of those that were made.
pub(super) struct Choices {
    source: Source,
    record: Vec<Choice>,
}

enum Source {
    Seeded([SplitMix; KINDS]),
    /// The values to take first; 0 where they end. What `exhaust` steps through.
    Path(Vec<u32>),
}

impl Choices {
    pub(super) fn seeded(seed: u64) -> Self {
        let mut seeds = SplitMix::new(seed);
        let streams = [(); KINDS].map(|()| SplitMix::new(seeds.next()));
        Choices {
            source: Source::Seeded(streams),
            record: Vec::new(),
        }
    }

    pub(super) fn path(path: Vec<u32>) -> Self {
        Choices {
            source: Source::Path(path),
            record: Vec::new(),
        }
    }

    /// A number below `n`; `n` is at least 1.
    pub(super) fn choose(&mut self, kind: Kind, n: u32) -> u32 {
        let value = match &mut self.source {
            _ if n <= 1 => return 0,
            Source::Seeded(streams) => streams[kind as usize].below(n),
            Source::Path(path) => path
                .get(self.record.len())
                .map_or(0, |value| (*value).min(n - 1)),
        };
        self.record.push(Choice { kind, n, value });
        value
    }

    pub(super) fn record(&self) -> &[Choice] {
        &self.record
    }

    /// The path of the next run of an exhaustive walk: the last decision that has another way takes
    /// it.
    pub(super) fn next_path(record: &[Choice]) -> Option<Vec<u32>> {
        let last = record
            .iter()
            .rposition(|choice| choice.value + 1 < choice.n)?;
        let mut path: Vec<u32> = record[..=last].iter().map(|choice| choice.value).collect();
        path[last] += 1;
        Some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_visits_every_combination_once() {
        let mut seen = Vec::new();
        let mut path = Some(Vec::new());
        while let Some(next) = path {
            let mut choices = Choices::path(next);
            let first = choices.choose(Kind::Next, 2);
            let second = if first == 0 {
                choices.choose(Kind::Next, 3)
            } else {
                9
            };
            seen.push((first, second));
            path = Choices::next_path(choices.record());
        }
        assert_eq!(seen, [(0, 0), (0, 1), (0, 2), (1, 9)]);
    }

    #[test]
    fn kinds_draw_from_streams_of_their_own() {
        let (mut plain, mut mixed) = (Choices::seeded(7), Choices::seeded(7));
        for _ in 0..100 {
            mixed.choose(Kind::App, 10);
            assert_eq!(
                plain.choose(Kind::Next, 1000),
                mixed.choose(Kind::Next, 1000)
            );
        }
    }
}
