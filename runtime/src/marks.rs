//! The marks of an actor: whether it has a name, whether timers were directed at it, whether it has
//! ended, its priority, and whether a shutdown has told it.
//!
//! Kept in the actor, in one byte, so that one that has neither pays for neither at its end.
//! Invariant: after
//! `end` no name and no timer is given to the actor any more; what was given before is known to it.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::priority::Priority;

const NAMED: u8 = 1;
const TIMED: u8 = 2;
const ENDED: u8 = 4;
const HIGH: u8 = 8;
const LOW: u8 = 16;
const ORDERED: u8 = 32;

/// See the file's header.
pub(crate) struct Marks(AtomicU8);

/// Why a name cannot be given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoName {
    AlreadyNamed,
    Ended,
}

/// What an actor that ends has to give back.
pub(crate) struct Belongings {
    pub(crate) name: bool,
    pub(crate) timers: bool,
}

impl Marks {
    pub(crate) const fn new() -> Self {
        Marks(AtomicU8::new(0))
    }

    /// A name is being given. Called under the registry's lock.
    pub(crate) fn name(&self) -> Result<(), NoName> {
        let before = self.0.fetch_or(NAMED, Ordering::AcqRel);
        if before & ENDED != 0 {
            return Err(NoName::Ended);
        }
        if before & NAMED != 0 {
            Err(NoName::AlreadyNamed)
        } else {
            Ok(())
        }
    }

    /// The name was taken back. Called under the registry's lock.
    pub(crate) fn unname(&self) {
        self.0.fetch_and(!NAMED, Ordering::AcqRel);
    }

    /// A timer is being directed at the actor. False where it has ended.
    pub(crate) fn time(&self) -> bool {
        let now = self.0.load(Ordering::Acquire);
        let before = if now & TIMED == 0 {
            self.0.fetch_or(TIMED, Ordering::AcqRel)
        } else {
            now
        };
        before & ENDED == 0
    }

    #[inline]
    pub(crate) fn priority(&self) -> Priority {
        match self.0.load(Ordering::Relaxed) & (HIGH | LOW) {
            0 => Priority::Normal,
            HIGH => Priority::High,
            _ => Priority::Low,
        }
    }

    /// Gives the old one. Only the spawner and the actor itself change it.
    pub(crate) fn set_priority(&self, priority: Priority) -> Priority {
        let old = self.priority();
        if old == priority {
            return old;
        }
        let bits = match priority {
            Priority::Low => LOW,
            Priority::Normal => 0,
            Priority::High => HIGH,
        };
        self.0.fetch_and(!(HIGH | LOW), Ordering::Relaxed);
        self.0.fetch_or(bits, Ordering::Relaxed);
        old
    }

    /// The actor is about to be told of the shutdown. False where it was told before.
    pub(crate) fn order_to_stop(&self) -> bool {
        self.0.fetch_or(ORDERED, Ordering::Relaxed) & ORDERED == 0
    }

    /// The actor ends.
    pub(crate) fn end(&self) -> Belongings {
        let before = self.0.fetch_or(ENDED, Ordering::AcqRel);
        Belongings {
            name: before & NAMED != 0,
            timers: before & TIMED != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_known_and_nothing_is_given_to_the_ended() {
        let marks = Marks::new();
        assert_eq!(marks.name(), Ok(()));
        assert_eq!(marks.name(), Err(NoName::AlreadyNamed));
        marks.unname();
        assert_eq!(marks.name(), Ok(()));
        let belongings = marks.end();
        assert!(belongings.name && !belongings.timers);
        assert!(!marks.time());
        marks.unname();
        assert_eq!(marks.name(), Err(NoName::Ended));
    }

    #[test]
    fn a_priority_stands_beside_the_other_marks() {
        let marks = Marks::new();
        assert_eq!(marks.set_priority(Priority::High), Priority::Normal);
        assert_eq!(marks.name(), Ok(()));
        assert_eq!(marks.set_priority(Priority::Low), Priority::High);
        assert_eq!(marks.priority(), Priority::Low);
        assert_eq!(marks.set_priority(Priority::Normal), Priority::Low);
        assert!(marks.end().name && marks.priority() == Priority::Normal);
    }
}
