//! When a busy worker looks at what may have come for it: timers, sockets, processes of others.
//!
//! Asked by the worker after each slice. It looks after so many slices, or after about `LOOK_NS`
//! where they are long; from the last look it learns how many may pass until it asks for the time
//! again, so that short slices cost no reading of the clock. Invariant: where slices take a steady
//! time, a look comes after `2 * LOOK_NS` and one slice at the latest.

use crate::limits::{LOOK_NS, SLICES_PER_CLOCK, SLICES_PER_LOOK};

/// See the file's header.
pub(super) struct Looks {
    /// Slices from one reading of the clock to the next.
    every: u32,
    /// Slices that are left of them.
    left: u32,
    /// Slices since it looked, up to the last reading.
    since: u32,
    /// When it looked last, or woke up.
    at: u64,
}

impl Looks {
    pub(super) fn new(now: u64) -> Self {
        let (every, since, at) = (SLICES_PER_CLOCK, 0, now);
        Looks {
            every,
            left: every,
            since,
            at,
        }
    }

    /// Counts a slice. True where it is time to read the clock.
    pub(super) fn count(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left == 0
    }

    /// Whether it is time to look, by the clock.
    pub(super) fn is_due(&mut self, now: u64) -> bool {
        self.left = self.every;
        self.since += self.every;
        let took = now.saturating_sub(self.at).max(1);
        if took < LOOK_NS && self.since < SLICES_PER_LOOK {
            return false;
        }
        let fitting = u64::from(self.since) * LOOK_NS / took;
        let most = (2 * self.every).min(SLICES_PER_LOOK);
        self.every = u32::try_from(fitting).map_or(most, |fitting| fitting.clamp(1, most));
        (self.left, self.since, self.at) = (self.every, 0, now);
        true
    }

    /// It slept, and has looked.
    pub(super) fn woke(&mut self, now: u64) {
        self.every = self.every.min(SLICES_PER_CLOCK);
        (self.left, self.since, self.at) = (self.every, 0, now);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Slices between looks, for slices of this length, from this state on.
    fn between(looks: &mut Looks, now: &mut u64, slice_ns: u64) -> u32 {
        for slices in 1.. {
            *now += slice_ns;
            if looks.count() && looks.is_due(*now) {
                return slices;
            }
        }
        unreachable!("the range does not end")
    }

    #[test]
    fn short_slices_are_counted_and_long_ones_timed() {
        let (mut now, mut looks) = (7, Looks::new(7));
        for _ in 0..10 {
            between(&mut looks, &mut now, 100);
        }
        assert_eq!(looks.every, SLICES_PER_LOOK);
        assert_eq!(between(&mut looks, &mut now, 100), SLICES_PER_LOOK);
        // It learns from the first row of long ones, and sticks to it.
        for slice_ns in [10_000, 100_000, 500_000, 10_000_000] {
            between(&mut looks, &mut now, slice_ns);
            for _ in 0..5 {
                let took = u64::from(between(&mut looks, &mut now, slice_ns)) * slice_ns;
                assert!(took <= 2 * LOOK_NS + slice_ns, "{slice_ns}: {took}");
            }
        }
        // Short ones again: it becomes slow to look step by step.
        for _ in 0..10 {
            between(&mut looks, &mut now, 100);
        }
        assert_eq!(looks.every, SLICES_PER_LOOK);
    }

    #[test]
    fn after_sleep_it_asks_early() {
        let (mut now, mut looks) = (7, Looks::new(7));
        for _ in 0..10 {
            between(&mut looks, &mut now, 100);
        }
        looks.woke(now);
        assert_eq!(between(&mut looks, &mut now, LOOK_NS), SLICES_PER_CLOCK);
        assert_eq!(between(&mut looks, &mut now, LOOK_NS), 1);
    }
}
