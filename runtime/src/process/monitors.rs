//! Monitors: watching an actor without being bound to it (process 4).
//!
//! Called by the free functions, by `call` and by `signal`, which receives what arrives. Invariant
//! (M-1, M-2, I-5): each call of `monitor` makes one of its own, which gives at most one `Down`,
//! and none after `demonitor`. A monitor's reference may be an alias beside (`alias`).

use std::any::Any;
use std::sync::Arc;

use super::alias::{self, MonitorAlias};
use super::signal::{self, Signal};
use super::{Pcb, Private};
use crate::message::Message;
use crate::name::Name;
use crate::pid::{ActorId, Pid, PortId};
use crate::process::context::current;
use crate::reason::{Payload, Reason};
use crate::reference::Ref;

/// A monitor at the watcher's end.
pub(crate) struct Monitor {
    pub(crate) target: Option<ActorId>,
    pub(crate) item: Item,
    pub(crate) tag: Option<Arc<dyn Payload>>,
}

/// A monitor at the target's end.
#[derive(Clone, Copy)]
pub(crate) struct Watcher {
    pub(crate) by: ActorId,
}

/// What was watched, as the watcher named it (process 4.2).
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

/// The message of a monitor with a tag, in place of a [`Down`] (`{tag, T}`, process 4.2).
#[derive(Clone, Debug)]
pub struct TaggedDown {
    tag: Arc<dyn Payload>,
    /// What a monitor without a tag would have given.
    pub down: Down,
}

impl TaggedDown {
    /// The tag, where it is a `T`.
    pub fn tag<T: Any>(&self) -> Option<&T> {
        // The dereference matters: the blanket implementation would answer for the `Arc`.
        (*self.tag).as_any().downcast_ref()
    }
}

/// How to watch: the options of `monitor/3`.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct MonitorOptions {
    /// The reference is an alias, too, for this long.
    pub alias: Option<MonitorAlias>,
    tag: Option<Arc<dyn Payload>>,
}

impl MonitorOptions {
    /// Nothing special.
    pub fn new() -> Self {
        MonitorOptions::default()
    }

    /// The reference is an alias, too: an address of the watcher, for this long (process 4.4).
    pub fn alias(mut self, mode: MonitorAlias) -> Self {
        self.alias = Some(mode);
        self
    }

    /// The message is a [`TaggedDown`] with this tag instead of a [`Down`].
    pub fn tag<T: Any + Send + Sync + std::fmt::Debug + PartialEq>(mut self, tag: T) -> Self {
        self.tag = Some(Arc::new(tag));
        self
    }
}

/// How to end a monitor: the options of `demonitor/2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DemonitorOptions {
    /// Takes the message out of the mailbox where the monitor has fired.
    pub flush: bool,
    /// Answers whether the monitor was active. Without it the answer is true.
    pub info: bool,
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
    monitor_with(target, MonitorOptions::new())
}

/// As [`monitor`], with a reference that is an alias as well, or a message with a tag
/// (`erlang:monitor/3`).
///
/// ```
/// use runtime::prelude::*;
///
/// runtime::run(async {
///     let session = spawn(async {});
///     let _ = monitor_with(session, MonitorOptions::new().tag("session"));
///     receive! {
///         gone: TaggedDown if gone.tag() == Some(&"session") => {
///             assert_eq!(gone.down.item, Item::Process(session));
///         }
///     }
///     Ok(())
/// })
/// .unwrap();
/// ```
///
/// # Panics
/// Outside of a process.
pub fn monitor_with(target: impl Watchable, options: MonitorOptions) -> Ref {
    current(|current| {
        current.charge(1);
        let pcb = current.pcb();
        let (item, target) = target.resolve(&|name| pcb.core.registry.whereis(name));
        watch(pcb, item, target, options)
    })
}

/// Watches this actor, or nobody, for the process that the thread runs.
pub(super) fn watch(
    pcb: &Pcb,
    item: Item,
    target: Option<ActorId>,
    options: MonitorOptions,
) -> Ref {
    let core = &pcb.core;
    // SAFETY: this thread runs the process; no user code is called while it is borrowed.
    let private = unsafe { pcb.private() };
    let reference = private.make_ref(pcb.pid);
    if target.is_some_and(|target| target == pcb.pid) {
        if let Some(mode) = options.alias {
            alias::begin(private, reference, mode.into());
        }
        return reference;
    }
    note(private, reference, target, item, options);
    let watched = match target {
        Some(ActorId::Process(pid)) => core.signal(
            pid,
            Signal::Monitor {
                reference,
                watcher: pcb.pid.into(),
            },
        ),
        Some(ActorId::Port(port)) => core.monitor_port(port, reference, pcb.pid),
        None => false,
    };
    if !watched {
        let reason = Reason::NoProc;
        core.signal(pcb.pid, Signal::Down { reference, reason });
    }
    reference
}

/// The watcher's end of a monitor.
pub(crate) fn note(
    private: &mut Private,
    reference: Ref,
    target: Option<ActorId>,
    item: Item,
    options: MonitorOptions,
) {
    let MonitorOptions { alias, tag } = options;
    let monitor = Monitor { target, item, tag };
    private.rare().monitors.insert(reference, monitor);
    if let Some(mode) = alias {
        alias::begin(private, reference, mode.into());
    }
}

/// A down signal is received. Whether the monitor is still there is looked at now (M-2).
pub(super) fn fire(pcb: &Pcb, reference: Ref, reason: Reason) {
    // SAFETY: this thread runs the process; no user code is called.
    let private = unsafe { pcb.private() };
    let monitor = private
        .rare_if_any()
        .and_then(|rare| rare.monitors.remove(&reference));
    let Some(monitor) = monitor else { return };
    alias::monitor_ended(private, reference);
    let down = Down {
        monitor: reference,
        item: monitor.item,
        reason,
    };
    private.mailbox.append(match monitor.tag {
        None => Message::new(down),
        Some(tag) => Message::new(TaggedDown { tag, down }),
    });
}

/// Ends a monitor of the current process: no [`Down`] will come. One that is in the mailbox stays.
/// True where the monitor was active; false means that its `Down` is in the mailbox now, or that
/// there never was such a monitor (the answer of `demonitor(Ref, [info])`, M-11).
///
/// # Panics
/// Outside of a process.
pub fn demonitor(reference: Ref) -> bool {
    let (flush, info) = (false, true);
    demonitor_with(reference, DemonitorOptions { flush, info })
}

/// As [`demonitor`], and takes a [`Down`] or [`TaggedDown`] that is already in the mailbox out of
/// it (`demonitor(Ref, [flush, info])`).
///
/// # Panics
/// Outside of a process.
pub fn demonitor_flush(reference: Ref) -> bool {
    let (flush, info) = (true, true);
    demonitor_with(reference, DemonitorOptions { flush, info })
}

/// Ends a monitor of the current process, with the options of `erlang:demonitor/2` (process
/// 4.3). An alias that lasts as long as the monitor ends with it.
///
/// # Panics
/// Outside of a process.
pub fn demonitor_with(reference: Ref, options: DemonitorOptions) -> bool {
    current(|current| {
        let pcb = current.pcb();
        // M-11: what has been sent is received first, so that false means: the message is there.
        signal::receive_all(pcb);
        let active = end(pcb, reference);
        if !active && options.flush {
            flush(pcb, reference);
        }
        active || !options.info
    })
}

/// Takes the message of this monitor out of the mailbox. The search begins at the mark (M-12).
pub(super) fn flush(pcb: &Pcb, reference: Ref) {
    // SAFETY: this thread runs the process; no user code is called, and the messages are dropped
    // after the borrow.
    let mailbox = unsafe { &mut pcb.private().mailbox };
    let down = mailbox.take_first(reference.mark, |down: &Down| down.monitor == reference);
    let tagged = match down {
        None => mailbox.take_first(reference.mark, |tagged: &TaggedDown| {
            tagged.down.monitor == reference
        }),
        Some(_) => None,
    };
    drop((down, tagged));
}

/// Ends the monitor, and the alias that lasts as long. False where it had fired, or never was.
pub(super) fn end(pcb: &Pcb, reference: Ref) -> bool {
    // SAFETY: this thread runs the process; no user code is called while it is borrowed. The
    // monitor, whose tag is the user's value, is dropped at the end.
    let private = unsafe { pcb.private() };
    if reference.maker == pcb.pid {
        alias::monitor_ended(private, reference);
    }
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
