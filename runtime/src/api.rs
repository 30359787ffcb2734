//! What a process says: the free functions that act for the current process, but for those that
//! stand with their own subject (links, monitors, receive, timers, spawn, ports).
//!
//! Called by user code inside a process. Invariant: each panics outside of a process, with the
//! advice to use a `Handle`, and says so.

use crate::marks::Marks;
use crate::message::Message;
use crate::name::Name;
use crate::pid::{ActorId, Pid, PortId};
use crate::priority::Priority;
use crate::process::context::{current, try_current};
use crate::process::info::ProcessInfo;
use crate::process::links::NoProc;
use crate::process::signal::{ExitKind, ExitVerdict, Signal, exit_verdict};
use crate::reason::Reason;
use crate::reference::Ref;
use crate::registry::RegisterError;
use crate::reply::reply;

/// The pid of the current process (`self()`).
///
/// # Panics
/// Outside of a process.
pub fn self_pid() -> Pid {
    current(|current| current.pcb().pid)
}

/// The pid of the current process, where there is one.
pub fn try_self_pid() -> Option<Pid> {
    try_current(|current| current.pid()).flatten()
}

/// Where a message can be sent: a [`Pid`], a name, or a [`Ref`] that is an alias (process 4.4).
pub trait Destination {
    /// What sending gives: nothing for a pid or an alias, a `Result` for a name.
    type Sent;

    /// Sends. See [`send`].
    fn send<T: Send + 'static>(self, message: T) -> Self::Sent;

    /// To whom that would be now; `None` where nobody has the name.
    #[doc(hidden)]
    fn address(self) -> Option<Address>;
}

/// To whom a message goes.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Address {
    /// A process.
    Process(Pid),
    /// The maker of an alias.
    Alias(Ref),
}

impl Destination for Pid {
    type Sent = ();

    #[inline]
    fn send<T: Send + 'static>(self, message: T) {
        let sent = current(|current| {
            current.charge(1);
            let pin = current.pin();
            let message = Message::new(message);
            current.core().send_user(self, message, false, &pin)
        });
        // What a dead process refuses is dropped here, where nothing is borrowed.
        sent.settle();
    }

    fn address(self) -> Option<Address> {
        Some(Address::Process(self))
    }
}

impl Destination for &Name {
    type Sent = Result<(), NoProc>;

    fn send<T: Send + 'static>(self, message: T) -> Result<(), NoProc> {
        let to = whereis(self).and_then(ActorId::pid).ok_or(NoProc)?;
        to.send(message);
        Ok(())
    }

    fn address(self) -> Option<Address> {
        whereis(self).and_then(ActorId::pid).map(Address::Process)
    }
}

impl Destination for &str {
    type Sent = Result<(), NoProc>;

    fn send<T: Send + 'static>(self, message: T) -> Result<(), NoProc> {
        (&Name::from(self)).send(message)
    }

    fn address(self) -> Option<Address> {
        (&Name::from(self)).address()
    }
}

impl Destination for Ref {
    type Sent = ();

    fn send<T: Send + 'static>(self, message: T) {
        let refused = current(|current| {
            current.charge(1);
            let pin = current.pin();
            current.core().send_through(self, message, &pin)
        });
        drop(refused);
    }

    fn address(self) -> Option<Address> {
        Some(Address::Alias(self))
    }
}

/// Sends a message (`!`). To a pid it always succeeds: what is sent to a dead process is dropped.
/// To a name it is an error where nobody has the name now (process 2.4). To an alias it
/// succeeds, and what comes when the alias is not active is dropped (4.4). Where the receiver's
/// mailbox has a limit and is full, its policy decides; see [`Overflow`](crate::Overflow),
/// [`try_send`](crate::try_send) and [`send_async`](crate::send_async).
///
/// # Panics
/// Outside of a process.
#[inline]
pub fn send<D: Destination, T: Send + 'static>(to: D, message: T) -> D::Sent {
    to.send(message)
}

/// Whether the current process has messages, seen or unseen, that it has not taken.
///
/// # Panics
/// Outside of a process.
pub fn has_messages() -> bool {
    current(|current| {
        let pcb = current.pcb();
        // SAFETY: this thread runs the process, and no user code is called.
        let private = unsafe { pcb.private() };
        !pcb.inbox.is_empty() || private.is_behind() || private.mailbox.len() > 0
    })
}

/// A fresh reference (`make_ref()`), which remembers where the caller's mailbox ends now.
///
/// # Panics
/// Outside of a process.
pub fn make_ref() -> Ref {
    current(|current| {
        let pcb = current.pcb();
        // SAFETY: this thread runs the process, and no user code is called.
        unsafe { pcb.private() }.make_ref(pcb.pid)
    })
}

/// Ends the current process with this reason, at once and for good (`exit/1`; it cannot be caught,
/// P-12). The form that can be caught is `return Err(reason.into())`.
///
/// # Panics
/// Outside of a process.
pub async fn exit(reason: impl Into<Reason>) -> ! {
    let reason = reason.into();
    current(|current| {
        // SAFETY: this thread runs the process; what comes back is dropped after the borrow.
        drop(unsafe { current.pcb().private() }.end_with(reason));
    });
    loop {
        std::future::pending::<()>().await;
    }
}

/// Sends an exit signal to a process or a port (`exit/2`, process 3.2 and 8.6). To oneself, where
/// exits are not trapped, it takes effect at the next await, whatever the reason (L-4).
///
/// # Panics
/// Outside of a process.
pub fn exit_signal(to: impl Into<ActorId>, reason: impl Into<Reason>) {
    let (to, reason) = (to.into(), reason.into());
    current(|current| {
        current.charge(1);
        let (core, me) = (current.core(), current.pcb());
        match to {
            ActorId::Port(port) => core.exit_port(port, me.pid, reason, false),
            ActorId::Process(pid) if pid == me.pid => exit_self(me, reason),
            ActorId::Process(pid) => {
                core.signal(
                    pid,
                    Signal::Exit {
                        from: me.pid.into(),
                        reason,
                        linked: false,
                    },
                );
            }
        }
    });
}

/// Rows 5 to 7 of the table: fatal for oneself means now; a trapped one is a signal like any other.
fn exit_self(me: &crate::process::Pcb, reason: Reason) {
    // SAFETY: this thread runs the process, and no user code is called.
    let trapping = unsafe { me.private() }.trap_exit;
    match exit_verdict(ExitKind::ExplicitSelf, reason.clone(), trapping) {
        ExitVerdict::Die(reason) => {
            // SAFETY: as above; what comes back is dropped after the borrow.
            drop(unsafe { me.private() }.end_with(reason));
        }
        ExitVerdict::Message(_) | ExitVerdict::Ignore => {
            let from = me.pid.into();
            me.core.signal(
                me.pid,
                Signal::Exit {
                    from,
                    reason,
                    linked: false,
                },
            );
        }
    }
}

/// Whether exit signals become messages (`process_flag(trap_exit, _)`). Gives the old value.
///
/// # Panics
/// Outside of a process.
pub fn trap_exit(trap: bool) -> bool {
    current(|current| {
        // SAFETY: this thread runs the process, and no user code is called.
        let private = unsafe { current.pcb().private() };
        std::mem::replace(&mut private.trap_exit, trap)
    })
}

/// Sets the priority of the current process (`process_flag(priority, _)`, C-5). Gives the old one.
/// It counts from the next time that the process is queued.
///
/// # Panics
/// Outside of a process.
pub fn set_priority(priority: Priority) -> Priority {
    current(|current| current.pcb().marks.set_priority(priority))
}

/// Sets what people call the current process (`proc_lib:set_label/1`): shown by `process_info` and
/// crash reports.
///
/// # Panics
/// Outside of a process.
pub fn set_label(label: impl Into<Name>) {
    let label = label.into();
    current(|current| {
        // SAFETY: this thread runs the process, and no user code is called.
        let private = unsafe { current.pcb().private() };
        private.rare().seldom().label = Some(label);
    });
}

/// The actors that the current process is linked to, in the order of linking.
///
/// # Panics
/// Outside of a process.
pub fn links() -> Vec<ActorId> {
    current(|current| {
        let pcb = current.pcb();
        crate::process::signal::receive_all(pcb);
        crate::process::info::of(pcb).links
    })
}

/// Registers a process or port under a name (`register/2`, process 7).
///
/// # Errors
/// [`RegisterError`] where the name is taken, the actor has one already or is dead.
///
/// # Panics
/// Outside of a process.
pub fn register(name: impl Into<Name>, actor: impl Into<ActorId>) -> Result<(), RegisterError> {
    let (name, actor) = (name.into(), actor.into());
    current(|current| {
        let core = current.core();
        with_mark(core, actor, |mark| {
            core.registry.register(name, actor, mark)
        })
        .unwrap_or(Err(RegisterError::NoProc))
    })
}

fn with_mark<R>(
    core: &crate::core::Core,
    actor: ActorId,
    f: impl FnOnce(&Marks) -> R,
) -> Option<R> {
    match actor {
        ActorId::Process(pid) => core.with_process(pid, |pcb| f(&pcb.marks)),
        ActorId::Port(port) => core.with_port(port, |cell| f(&cell.marks)),
    }
}

/// Takes a name back (`unregister/1`); any process may. False where nobody had it.
///
/// # Panics
/// Outside of a process.
pub fn unregister(name: impl Into<Name>) -> bool {
    let name = name.into();
    current(|current| {
        let core = current.core();
        core.registry.unregister(&name, |actor, reset| {
            with_mark(core, actor, reset);
        })
    })
}

/// Who has a name (`whereis/1`).
///
/// # Panics
/// Outside of a process.
pub fn whereis(name: impl Into<Name>) -> Option<ActorId> {
    let name = name.into();
    current(|current| current.core().registry.whereis(&name))
}

/// The names that are in use (`registered/0`), sorted.
///
/// # Panics
/// Outside of a process.
pub fn registered() -> Vec<Name> {
    current(|current| current.core().registry.registered())
}

/// Whether a process is alive, as a signal that is answered behind all that the caller sent before
/// (`is_process_alive/1`, P-5): after false its name is free and its links have been told.
///
/// # Cancel safety
/// Dropping it has no effect.
///
/// # Panics
/// Outside of a process.
pub async fn is_alive(pid: Pid) -> bool {
    if pid == self_pid() {
        return true;
    }
    let (to, answer) = reply();
    let asked = current(|current| current.core().signal(pid, Signal::IsAlive { reply: to }));
    asked && answer.await.unwrap_or(false)
}

/// Whether a pid is in the table: a hint without any order (P-5).
///
/// # Panics
/// Outside of a process.
pub fn pid_exists(pid: Pid) -> bool {
    current(|current| current.core().exists(pid))
}

/// What is known of a process, or `None` where it is dead (`process_info/1`). The process answers
/// itself, behind all that the caller sent before.
///
/// # Cancel safety
/// Dropping it has no effect.
///
/// # Panics
/// Outside of a process.
pub async fn process_info(pid: Pid) -> Option<ProcessInfo> {
    let (to, answer) = reply();
    let asked = current(|current| {
        let me = current.pcb();
        if pid == me.pid {
            crate::process::signal::receive_all(me);
            let status = "running";
            to.send(Some(ProcessInfo {
                status,
                ..crate::process::info::of(me)
            }));
            return true;
        }
        me.core.signal(pid, Signal::Info { reply: to })
    });
    if asked { answer.await.flatten() } else { None }
}

/// The processes that are alive (`processes/0`, P-6).
///
/// # Panics
/// Outside of a process.
pub fn processes() -> Vec<Pid> {
    current(|current| {
        let core = current.core();
        let (mut pids, pin) = (Vec::new(), core.pin());
        core.processes.each(&pin, |pcb| pids.push(pcb.pid));
        pids
    })
}

impl crate::core::Core {
    pub(crate) fn with_port<R>(
        &self,
        port: PortId,
        f: impl FnOnce(&crate::port::PortCell) -> R,
    ) -> Option<R> {
        if port.node != self.node {
            return None;
        }
        let pin = self.pin();
        self.ports.get(port.slot, port.generation, &pin).map(f)
    }
}
