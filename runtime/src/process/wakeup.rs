//! A wake-up: how a waiting future of a process is told that it may go on.
//!
//! Kept by timers and by drivers for operations that wait. Invariant: the process's own waker is
//! kept as its pid, which costs nothing and keeps nothing alive; any other waker is kept as it is,
//! so a future inside a combinator is polled again.

use std::task::{Context, Waker};

use super::context::current;
use super::run::shielded;
use super::{Pcb, cell};
use crate::core::Core;
use crate::pid::Pid;
use crate::pin::Pin;

/// See the file's header. Made from the context of a poll, used once.
#[derive(Clone, Debug)]
pub struct Wakeup(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Own(Pid),
    Foreign(Waker),
}

impl Wakeup {
    /// The wake-up of the future that is being polled.
    ///
    /// # Panics
    /// Outside of a process.
    pub fn new(cx: &Context<'_>) -> Self {
        current(|current| Wakeup::of(current.pcb(), cx.waker()))
    }

    pub(crate) fn of(pcb: &Pcb, waker: &Waker) -> Self {
        Wakeup(match cell::is_own_waker(pcb, waker) {
            true => Kind::Own(pcb.pid),
            false => Kind::Foreign(waker.clone()),
        })
    }

    /// Whether both have the same future polled.
    #[must_use]
    pub fn will_wake(&self, other: &Wakeup) -> bool {
        match (&self.0, &other.0) {
            (Kind::Own(one), Kind::Own(other)) => one == other,
            (Kind::Foreign(one), Kind::Foreign(other)) => one.will_wake(other),
            _ => false,
        }
    }

    /// As [`wake`](Wakeup::wake), where nobody could catch a panic of somebody else's waker.
    #[inline]
    pub(crate) fn wake_shielded(self, core: &Core, pin: &Pin) {
        match self.0 {
            Kind::Own(pid) => wake_process(pid, core, pin),
            Kind::Foreign(waker) => shielded(|| waker.wake()),
        }
    }

    /// Has the future polled again. May run code of the user's where the waker is a combinator's.
    pub(crate) fn wake(self, core: &Core) {
        match self.0 {
            Kind::Own(pid) => wake_process(pid, core, &core.pin()),
            Kind::Foreign(waker) => waker.wake(),
        }
    }
}

#[inline]
fn wake_process(pid: Pid, core: &Core, pin: &Pin) {
    if let Some(pcb) = core.processes.get(pid.slot, pid.generation, pin) {
        pcb.wake();
    }
}
