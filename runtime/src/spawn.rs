//! Spawning: making a process, with its link or monitor in place before its first instruction
//! (P-8).
//!
//! Called by the free functions, by handles and by worlds. Invariant: a process that is published
//! can be sent to, is linked or watched as asked, and is queued once. At the limit nothing is made.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::core::{Core, Uncounted};
use crate::name::Name;
use crate::pid::Pid;
use crate::priority::Priority;
use crate::process::Pcb;
use crate::process::budget::SPAWN_COST;
use crate::process::cell::{Birth, create};
use crate::process::context::current;
use crate::process::links::LinkState;
use crate::process::monitors::{Item, MonitorOptions, Watcher, note};
use crate::process::overflow::MailboxLimit;
use crate::process::run::Runnable;
use crate::process::signal::Signal;
use crate::reason::{Outcome, Reason};
use crate::reference::Ref;
use crate::registry::RegisterError;
use crate::trace;

/// Why a process was not spawned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpawnError {
    /// The table of processes is full, or the runtime is shutting down (P-4).
    SystemLimit,
    /// The name could not be given.
    Register(RegisterError),
}

impl std::fmt::Display for SpawnError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SpawnError::SystemLimit => f.write_str("system_limit"),
            SpawnError::Register(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SpawnError {}

/// How to spawn: linked, watched, trapping exits, under a name, with a priority, a label, a limit
/// of the mailbox (`spawn_opt`, process 1.3). Nothing of it is inherited (P-10).
///
/// ```
/// use runtime::prelude::*;
///
/// runtime::run(async {
///     let (pid, monitor) = Spawn::new().link().monitor().spawn(async {})?;
///     receive! {
///         Down { monitor: fired, .. } if fired == monitor => {}
///     }
///     assert!(!is_alive(pid).await);
///     Ok(())
/// })
/// .unwrap();
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Spawn {
    link: bool,
    monitor: Option<MonitorOptions>,
    trap_exit: bool,
    name: Option<Name>,
    priority: Priority,
    label: Option<Name>,
    mailbox_limit: Option<MailboxLimit>,
}

impl Spawn {
    /// Nothing special.
    pub fn new() -> Self {
        Spawn::default()
    }

    /// Linked to the caller, in one step with being made.
    pub fn link(mut self) -> Self {
        self.link = true;
        self
    }

    /// Watched by the caller, in one step with being made.
    pub fn monitor(mut self) -> Self {
        self.monitor = Some(MonitorOptions::new());
        self
    }

    /// As [`monitor`](Spawn::monitor), with an alias or a tag.
    pub fn monitor_with(mut self, options: MonitorOptions) -> Self {
        self.monitor = Some(options);
        self
    }

    /// Trapping exits from its first instruction on (P-9).
    pub fn trap_exit(mut self) -> Self {
        self.trap_exit = true;
        self
    }

    /// Registered under this name before its first instruction.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// With this priority, until the process changes it (C-5).
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Called this by people: shown by `process_info`.
    pub fn label(mut self, label: impl Into<Name>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With a limit of the messages that may wait for it (R-15). It counts what is sent with `send`
    /// and its kin; exits, downs, timers, replies and what ports send come in any case. A process
    /// that has no limit takes any number.
    pub fn mailbox_limit(mut self, limit: MailboxLimit) -> Self {
        self.mailbox_limit = Some(limit);
        self
    }

    /// Spawns. The reference is the monitor's; without [`monitor`](Spawn::monitor) it fires never.
    ///
    /// # Errors
    /// [`SpawnError`]; then nothing was made.
    ///
    /// # Panics
    /// Outside of a process.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Result<(Pid, Ref), SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Outcome,
    {
        let spawned_at = Location::caller();
        current(|current| {
            current.charge(SPAWN_COST);
            let parent = current.pcb();
            // SAFETY: this thread runs the parent, and no user code is called.
            let reference = unsafe { parent.private() }.make_ref(parent.pid);
            let order = Order {
                spawn: &self,
                parent: Some(parent),
                reference,
                spawned_at,
            };
            order
                .carry_out(&parent.core, future)
                .map(|pid| (pid, reference))
        })
    }
}

/// One spawn, with all that is needed for it.
pub(crate) struct Order<'a> {
    pub(crate) spawn: &'a Spawn,
    /// The caller, where it is a process: it is run by this thread.
    pub(crate) parent: Option<&'a Pcb>,
    pub(crate) reference: Ref,
    pub(crate) spawned_at: &'static Location<'static>,
}

impl Order<'_> {
    pub(crate) fn carry_out<F>(self, core: &Arc<Core>, future: F) -> Result<Pid, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Outcome,
    {
        let on_worker = core.sched.on_worker();
        let reserved = core.reserve(on_worker).ok_or(SpawnError::SystemLimit)?;
        let pid = Pid::new(core.node, reserved.slot, reserved.generation);
        let parent = self
            .parent
            .map_or(Pid::nobody(core.node), |parent| parent.pid);
        // SAFETY: the runtime is held by whoever runs a process, and by every waker of it.
        let (core, spawned_at) = (unsafe { Uncounted::new(core) }, self.spawned_at);
        let pcb = create(
            Birth {
                core,
                pid,
                parent,
                spawned_at,
                trap_exit: self.spawn.trap_exit,
            },
            future,
        );
        // SAFETY: made a moment ago and counted by the table from `publish` on; it cannot end
        // before it was queued, which is the last thing done here.
        let child: &Pcb = unsafe { pcb.as_ref() };
        let core = &child.core;
        if self.is_bound() {
            self.bind_child(child);
        }
        child.limit.set(self.spawn.mailbox_limit.clone());
        child.marks.set_priority(self.spawn.priority);
        trace::spawn(pid, parent, spawned_at);
        core.processes.publish(reserved, pcb);
        let named = self.spawn.name.clone().map(|name| {
            core.registry
                .register(name, pid.into(), &child.marks)
                .map_err(SpawnError::Register)
        });
        if let Some(Err(error)) = named {
            // It has run nothing, so it ends as if it had never been: nobody is told.
            // SAFETY: nobody runs it yet, and nobody has been told of it.
            let private = unsafe { child.private() };
            private.links = Default::default();
            drop(private.take_rare());
            drop(private.end_with(Reason::Killed));
            core.sched.ready(Runnable::of(child));
            return Err(error);
        }
        if self.is_bound() {
            self.bind_parent(pid);
        }
        core.sched.ready(Runnable::of(child));
        Ok(pid)
    }

    /// Whether there is more to it than a process.
    fn is_bound(&self) -> bool {
        self.spawn.link || self.spawn.monitor.is_some() || self.spawn.label.is_some()
    }

    /// The child's ends of the link and the monitor, and its label.
    fn bind_child(&self, child: &Pcb) {
        // SAFETY: nobody runs it yet, and nobody has been told of it.
        let private = unsafe { child.private() };
        if let Some(parent) = self.parent {
            if self.spawn.link {
                private.links.insert(parent.pid.into(), LinkState::Active);
            }
            if self.spawn.monitor.is_some() {
                private.rare().watchers.insert(
                    self.reference,
                    Watcher {
                        by: parent.pid.into(),
                    },
                );
            }
        }
        if self.spawn.label.is_some() {
            private.rare().seldom().label = self.spawn.label.clone();
        }
    }

    /// The parent's ends of the link and the monitor.
    fn bind_parent(&self, child: Pid) {
        let Some(parent) = self.parent else { return };
        // SAFETY: this thread runs the parent, and no user code is called.
        let private = unsafe { parent.private() };
        if self.spawn.link {
            private.links.insert(child.into(), LinkState::Active);
        }
        if let Some(options) = &self.spawn.monitor {
            let (target, item) = (Some(child.into()), Item::Process(child));
            note(private, self.reference, target, item, options.clone());
        }
    }
}

/// Spawns a process (`erlang:spawn/1`). At the limit, and while the runtime shuts down, the pid is
/// a dead one.
///
/// # Panics
/// Outside of a process.
#[track_caller]
pub fn spawn<F>(future: F) -> Pid
where
    F: Future + Send + 'static,
    F::Output: Outcome,
{
    try_spawn(future).unwrap_or_else(|_| dead_pid())
}

/// Spawns a process, or says why it cannot (P-4).
///
/// # Errors
/// [`SpawnError::SystemLimit`] at the limit, and while the runtime shuts down.
///
/// # Panics
/// Outside of a process.
#[track_caller]
pub fn try_spawn<F>(future: F) -> Result<Pid, SpawnError>
where
    F: Future + Send + 'static,
    F::Output: Outcome,
{
    Spawn::new().spawn(future).map(|(pid, _)| pid)
}

/// Spawns a process that is linked to the caller, in one step (`erlang:spawn_link/1`). At the
/// limit, and while the runtime shuts down, the pid is a dead one, and the caller gets the exit
/// signal `system_limit` over the link.
///
/// # Panics
/// Outside of a process.
#[track_caller]
pub fn spawn_link<F>(future: F) -> Pid
where
    F: Future + Send + 'static,
    F::Output: Outcome,
{
    match Spawn::new().link().spawn(future) {
        Ok((pid, _)) => pid,
        Err(_) => {
            let pid = dead_pid();
            current(|current| {
                let (me, reason) = (current.pcb(), Reason::SystemLimit);
                me.core.signal(
                    me.pid,
                    Signal::Exit {
                        from: pid.into(),
                        reason,
                        linked: false,
                    },
                );
            });
            pid
        }
    }
}

/// Spawns a process that the caller watches, in one step (`erlang:spawn_monitor/1`). At the limit,
/// and while the runtime shuts down, the pid is a dead one, and the monitor fires with
/// `system_limit`.
///
/// # Panics
/// Outside of a process.
#[track_caller]
pub fn spawn_monitor<F>(future: F) -> (Pid, Ref)
where
    F: Future + Send + 'static,
    F::Output: Outcome,
{
    if let Ok(spawned) = Spawn::new().monitor().spawn(future) {
        return spawned;
    }
    let pid = dead_pid();
    current(|current| {
        let me = current.pcb();
        // SAFETY: this thread runs the process, and no user code is called.
        let private = unsafe { me.private() };
        let reference = private.make_ref(me.pid);
        let (target, item) = (None, Item::Process(pid));
        note(private, reference, target, item, MonitorOptions::new());
        me.core.signal(
            me.pid,
            Signal::Down {
                reference,
                reason: Reason::SystemLimit,
            },
        );
        (pid, reference)
    })
}

/// A pid that denotes nobody: slot 0 is never given out.
fn dead_pid() -> Pid {
    current(|current| Pid::nobody(current.core().node))
}
