//! References: unique values that also remember where their maker's mailbox stood.
//!
//! Made by `make_ref`, `monitor`, `alias` and `call`. Invariant: a message that contains a
//! reference was sent after the reference was made, so it stands in the maker's mailbox at or
//! behind
//! `mark`; a receive that waits for the reference may begin there. What a reference does not do: it
//! keeps nothing alive, and it is an address only where its maker says so (`alias`).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::pid::Pid;

/// A unique reference (process 5.3). `Copy`, comparable, sendable anywhere.
#[derive(Clone, Copy)]
pub struct Ref {
    pub(crate) maker: Pid,
    pub(crate) serial: u64,
    /// The arrival index that the maker's mailbox would have given next.
    pub(crate) mark: u64,
}

impl Ref {
    const fn key(&self) -> (Pid, u64) {
        (self.maker, self.serial)
    }
}

impl PartialEq for Ref {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Ref {}

impl PartialOrd for Ref {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ref {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Ref {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "#Ref<0.{}.{}.{}>",
            self.maker.slot, self.maker.generation, self.serial
        )
    }
}

impl fmt::Debug for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
