//! Processes that a port watches: a driver's monitors, and the one of its owner (process 8.11,
//! O-4).
//!
//! A driver watches with `PortCx::monitor` and is told by `Driver::process_down`. With
//! `close_on_owner_death` the port watches its owner, whoever that is, and closes with it also
//! where no link carries the news. Invariant: a monitor tells once, and not after it was ended or
//! the port began to close; the port watches the owner that it has, through every change of hands.

use std::sync::Arc;

use super::rare::Rare;
use super::{Body, PortCell, PortClosed, PortCx, locked};
use crate::core::Core;
use crate::pid::{ActorId, Pid, PortId};
use crate::process::context::current;
use crate::process::signal::Signal;
use crate::reason::Reason;
use crate::reference::Ref;

impl PortCx<'_> {
    /// Watches a process: its end is told to [`Driver::process_down`](super::Driver::process_down),
    /// once. `None` where it is dead already. For the port's own sake; nobody else learns of it.
    pub fn monitor(&mut self, pid: Pid) -> Option<Ref> {
        let reference = self.watch(pid)?;
        self.rare_mut().monitors.insert(reference, pid);
        Some(reference)
    }

    /// Ends a monitor. False where there is none: it has told, or never was.
    pub fn demonitor(&mut self, monitor: Ref) -> bool {
        let rare = self.rare.as_deref_mut();
        let Some(pid) = rare.and_then(|rare| rare.monitors.remove(&monitor)) else {
            return false;
        };
        let reference = monitor;
        self.core.signal(pid, Signal::Demonitor { reference });
        true
    }

    /// Whether the port closes when its owner ends, with the owner's reason, also where they are
    /// not linked (O-4, D-6). Without it such a port lives on, as in Erlang.
    pub fn close_on_owner_death(&mut self, on: bool) {
        let (owner, watched) = (self.owner, self.rare().and_then(|rare| rare.owner_watch));
        match (on, watched) {
            (true, None) => match self.watch(owner) {
                Some(reference) => self.rare_mut().owner_watch = Some(reference),
                None => self.close(Reason::NoProc),
            },
            (false, Some(reference)) => {
                self.rare_mut().owner_watch = None;
                self.core.signal(owner, Signal::Demonitor { reference });
            }
            _ => {}
        }
    }

    fn watch(&mut self, pid: Pid) -> Option<Ref> {
        let id = self.id;
        let (reference, watcher) = (self.rare_mut().make_ref(id), id.into());
        let lives = self
            .core
            .signal(pid, Signal::Monitor { reference, watcher });
        lives.then_some(reference)
    }
}

/// Sets whether a port closes when its owner ends, with the owner's reason, also where they are not
/// linked (O-4, D-6). Off where nothing is said. Where the owner is dead already the port closes
/// with `noproc`.
///
/// # Errors
/// [`PortClosed`] where it is closed.
///
/// # Panics
/// Outside of a process.
pub fn close_on_owner_death(port: PortId, on: bool) -> Result<(), PortClosed> {
    current(|current| {
        let core = current.core_of_process();
        locked(core, port, true, |_, cx| cx.close_on_owner_death(on)).ok_or(PortClosed)
    })
}

/// The port has another owner than this one: it watches the new one, where it watched. False where
/// that one is dead and the port has to close.
#[must_use]
pub(super) fn follow_owner(cell: &PortCell, body: &mut Body, old: Pid) -> bool {
    let Some(rare) = body.rare.as_deref_mut() else {
        return true;
    };
    let Some(reference) = rare.owner_watch.take() else {
        return true;
    };
    cell.core.signal(old, Signal::Demonitor { reference });
    let (reference, watcher) = (rare.make_ref(cell.id), cell.id.into());
    rare.owner_watch = Some(reference);
    let watch = Signal::Monitor { reference, watcher };
    cell.core.signal(body.owner, watch)
}

/// The port begins to close: it watches nobody any more.
pub(super) fn end_all(core: &Core, owner: Pid, rare: &mut Rare) {
    let owners = rare.owner_watch.take().map(|reference| (reference, owner));
    for (reference, pid) in std::mem::take(&mut rare.monitors).into_iter().chain(owners) {
        core.signal(pid, Signal::Demonitor { reference });
    }
}

impl Core {
    /// Tells a watcher of an end.
    pub(crate) fn tell_down(self: &Arc<Self>, to: ActorId, reference: Ref, reason: Reason) {
        match to {
            ActorId::Process(pid) => {
                self.signal(pid, Signal::Down { reference, reason });
            }
            ActorId::Port(port) => down(self, port, reference, &reason),
        }
    }
}

/// A process that the port watches has ended.
fn down(core: &Arc<Core>, port: PortId, reference: Ref, reason: &Reason) {
    locked(core, port, false, |driver, cx| {
        let Some(rare) = cx.rare.as_deref_mut() else {
            return;
        };
        if rare.owner_watch == Some(reference) {
            rare.owner_watch = None;
            cx.close(reason.clone());
        } else if let Some(pid) = rare.monitors.remove(&reference) {
            driver.process_down(cx, reference, pid, reason);
        }
    });
}
