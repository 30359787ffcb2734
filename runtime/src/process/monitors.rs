//! Monitors: watching an actor without being bound to it (process.md 4).
//!
//! Called by the free functions; the arriving half is in `signal`. Invariant (M-1, M-2, I-5): each call
//! of `monitor` makes one of its own, which gives at most one `Down`, and none after `demonitor`.

use super::Pcb;
use super::signal::{self, Signal};
use crate::name::Name;
use crate::pid::{ActorId, Pid, PortId};
use crate::process::context::current;
use crate::reason::Reason;
use crate::reference::Ref;

/// A monitor at the watcher's end.
pub(crate) struct Monitor {
    pub(crate) target: Option<ActorId>,
    pub(crate) item: Item,
}

/// A monitor at the target's end.
#[derive(Clone, Copy)]
pub(crate) struct Watcher {
    pub(crate) pid: Pid,
}

/// What was watched, as the watcher named it (process.md 4.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// A process, by pid.
    Process(Pid),
    /// A port, by id.
    Port(PortId),
    /// A process or port, by the name that was resolved when the monitor was made (M-8).
    Name(Name),
}

/// The message that a monitor gives when its target ends (`{'DOWN', Ref, Type, Item, Reason}`).
#[derive(Clone, Debug, PartialEq)]
pub struct Down {
    /// What `monitor` returned.
    pub monitor: Ref,
    /// What was watched.
    pub item: Item,
    /// The exit reason; `noproc` where there was nobody to watch (M-3).
    pub reason: Reason,
}

/// What can be watched: a [`Pid`], a [`PortId`], an [`ActorId`] or a name.
pub trait Watchable {
    /// The item for the message, and the actor that it denotes now.
    #[doc(hidden)]
    fn resolve(self, whereis: &dyn Fn(&Name) -> Option<ActorId>) -> (Item, Option<ActorId>);
}

impl Watchable for Pid {
    fn resolve(self, _: &dyn Fn(&Name) -> Option<ActorId>) -> (Item, Option<ActorId>) {
        (Item::Process(self), Some(self.into()))
    }
}

impl Watchable for PortId {
    fn resolve(self, _: &dyn Fn(&Name) -> Option<ActorId>) -> (Item, Option<ActorId>) {
        (Item::Port(self), Some(self.into()))
    }
}

impl Watchable for ActorId {
    fn resolve(self, _: &dyn Fn(&Name) -> Option<ActorId>) -> (Item, Option<ActorId>) {
        match self {
            ActorId::Process(pid) => (Item::Process(pid), Some(self)),
            ActorId::Port(port) => (Item::Port(port), Some(self)),
        }
    }
}

impl Watchable for Name {
    fn resolve(self, whereis: &dyn Fn(&Name) -> Option<ActorId>) -> (Item, Option<ActorId>) {
        let actor = whereis(&self);
        (Item::Name(self), actor)
    }
}

impl Watchable for &str {
    fn resolve(self, whereis: &dyn Fn(&Name) -> Option<ActorId>) -> (Item, Option<ActorId>) {
        Name::from(self).resolve(whereis)
    }
}

/// Watches an actor: when it ends, the current process gets one [`Down`] (`erlang:monitor/2`).
/// Watching nobody gives a `Down` with `noproc` (M-3); watching oneself never gives one (M-4).
///
/// # Panics
/// Outside of a process.
pub fn monitor(target: impl Watchable) -> Ref {
    current(|current| {
        let pcb = current.pcb();
        let core = &pcb.core;
        let (item, target) = target.resolve(&|name| core.registry.whereis(name));
        // SAFETY: this thread runs the process; no user code is called while it is borrowed.
        let private = unsafe { pcb.private() };
        let reference = private.make_ref(pcb.pid);
        if target.is_some_and(|target| target == pcb.pid) {
            return reference;
        }
        private
            .rare()
            .monitors
            .insert(reference, Monitor { target, item });
        let watched = match target {
            Some(ActorId::Process(pid)) => core.signal(
                pid,
                Signal::Monitor {
                    reference,
                    watcher: pcb.pid,
                },
            ),
            Some(ActorId::Port(port)) => core.monitor_port(port, reference, pcb.pid),
            None => false,
        };
        if !watched {
            core.signal(
                pcb.pid,
                Signal::Down {
                    reference,
                    reason: Reason::NoProc,
                },
            );
        }
        reference
    })
}

/// Ends a monitor of the current process: no [`Down`] will come. One that is in the mailbox stays.
/// True where the monitor was active; false means that its `Down` is in the mailbox now, or that
/// there never was such a monitor (the answer of `demonitor(Ref, [info])`, M-11).
///
/// # Panics
/// Outside of a process.
pub fn demonitor(reference: Ref) -> bool {
    current(|current| demonitor_of(current.pcb(), reference))
}

/// As [`demonitor`], and takes a [`Down`] that is already in the mailbox out of it
/// (`demonitor(Ref, [flush, info])`).
///
/// # Panics
/// Outside of a process.
pub fn demonitor_flush(reference: Ref) -> bool {
    current(|current| {
        let pcb = current.pcb();
        let active = demonitor_of(pcb, reference);
        if !active {
            // SAFETY: this thread runs the process; no user code is called, and the message is
            // dropped after the borrow. The search begins at the mark (M-12).
            let mailbox = unsafe { &mut pcb.private().mailbox };
            drop(mailbox.take_first(reference.mark, |down: &Down| down.monitor == reference));
        }
        active
    })
}

fn demonitor_of(pcb: &Pcb, reference: Ref) -> bool {
    signal::receive(pcb);
    // SAFETY: this thread runs the process; no user code is called.
    let private = unsafe { pcb.private() };
    let Some(monitor) = private
        .rare_if_any()
        .and_then(|rare| rare.monitors.remove(&reference))
    else {
        return false;
    };
    match monitor.target {
        Some(ActorId::Process(pid)) => {
            pcb.core.signal(pid, Signal::Demonitor { reference });
        }
        Some(ActorId::Port(port)) => pcb.core.demonitor_port(port, reference),
        None => {}
    }
    true
}
