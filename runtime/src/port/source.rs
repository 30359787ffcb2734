//! Sources of readiness, and the reactor that watches them.
//!
//! A driver registers a source once; the reactor reports edges under the port's token. Invariant
//! (O-16, R20): the token carries slot and generation, so a late event finds its own port or
//! nobody; a source is removed from the reactor before it is closed.

use std::io;
use std::os::fd::BorrowedFd;

/// What can become ready: a descriptor, or a source of a simulated world.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A descriptor of the system.
    Fd(BorrowedFd<'a>),
    /// A simulated source, by its number.
    Sim(u64),
}

/// What a source has become ready for. Edges: told once, until it happens again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Readiness {
    /// There may be something to read.
    pub readable: bool,
    /// There may be room to write.
    pub writable: bool,
    /// The peer has shut down its side, or all is over: a short read is no proof of emptiness.
    pub hangup: bool,
    /// There is an error to fetch.
    pub error: bool,
}

/// An event: the token that the source was registered under, and what it is ready for.
pub(crate) type Event = (u64, Readiness);

/// Watches sources. The real one asks the system, the simulated one its world.
pub(crate) trait Reactor: Send + Sync {
    /// Watches a source for everything, by edges.
    fn add(&self, source: Source<'_>, token: u64) -> io::Result<()>;
    /// Stops watching. Called before the source is closed.
    fn remove(&self, source: Source<'_>);
    /// Reports this once more, behind what is there now.
    fn again(&self, token: u64, readiness: Readiness);
}
