//! Aliases: references that are addresses of the process that made them (process 4.4).
//!
//! Made by `alias` and by monitors; used by `send` to a `Ref` and by replies of calls. They exist
//! to drop what comes too late. Invariant (M-13, S-1): a message through an alias takes the same
//! way as all signals, and whether it is let in is decided when the process receives it, not when
//! it is sent. Only the maker can end an alias. What it leaves out: nobody can ask whether an alias
//! is active. Unsafe: it touches the private part of the process that the thread runs.

use super::context::current;
use super::{Pcb, Private, monitors};
use crate::core::Core;
use crate::message::Message;
use crate::pin::Pin;
use crate::reference::Ref;

/// How long an [`alias`] lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AliasMode {
    /// Until [`unalias`] (`explicit_unalias`).
    ExplicitUnalias,
    /// For one message, or until [`unalias`] (`reply`).
    Reply,
}

/// How long the alias lasts that a monitor's reference is
/// ([`MonitorOptions`](crate::MonitorOptions)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MonitorAlias {
    /// Until [`unalias`]: it outlives both `demonitor` and the `Down`.
    ExplicitUnalias,
    /// As long as the monitor: until `demonitor`, the `Down`, or [`unalias`].
    Demonitor,
    /// As `Demonitor`, and for one message: that message ends the monitor, too, and no `Down`
    /// follows.
    ReplyDemonitor,
}

/// What ends an alias besides `unalias`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AliasState {
    Lasts,
    OneMessage,
    WithMonitor,
    WithMonitorOrOneMessage,
}

impl From<MonitorAlias> for AliasState {
    fn from(mode: MonitorAlias) -> Self {
        match mode {
            MonitorAlias::ExplicitUnalias => AliasState::Lasts,
            MonitorAlias::Demonitor => AliasState::WithMonitor,
            MonitorAlias::ReplyDemonitor => AliasState::WithMonitorOrOneMessage,
        }
    }
}

/// A fresh reference that is an address of the current process: what is sent to it arrives as long
/// as the alias is active, and is dropped after that (`erlang:alias/1`).
///
/// ```
/// use runtime::prelude::*;
///
/// runtime::run(async {
///     let to = alias(AliasMode::Reply);
///     spawn(async move {
///         send(to, "first");
///         send(to, "second");
///     });
///     assert_eq!(receive::<&str>().await, "first");
///     assert!(!unalias(to), "the first message has ended it");
///     Ok(())
/// })
/// .unwrap();
/// ```
///
/// # Panics
/// Outside of a process.
pub fn alias(mode: AliasMode) -> Ref {
    let state = match mode {
        AliasMode::ExplicitUnalias => AliasState::Lasts,
        AliasMode::Reply => AliasState::OneMessage,
    };
    current(|current| {
        let pcb = current.pcb();
        // SAFETY: this thread runs the process, and no user code is called.
        let private = unsafe { pcb.private() };
        let reference = private.make_ref(pcb.pid);
        begin(private, reference, state);
        reference
    })
}

/// Ends an alias of the current process: what comes through it from now on is dropped; what is in
/// the mailbox stays. A monitor of the same reference stays, too. False where it was not active, or
/// is none of the caller's.
///
/// # Panics
/// Outside of a process.
pub fn unalias(alias: Ref) -> bool {
    current(|current| {
        let pcb = current.pcb();
        // SAFETY: this thread runs the process, and no user code is called.
        alias.maker == pcb.pid && end(unsafe { pcb.private() }, alias)
    })
}

/// The reference, which the process made, becomes an alias.
pub(crate) fn begin(private: &mut Private, reference: Ref, state: AliasState) {
    let aliases = &mut private.rare().seldom().aliases;
    aliases.insert(reference.serial, state);
}

/// Ends an alias of the process's own. False where it was not active.
pub(super) fn end(private: &mut Private, alias: Ref) -> bool {
    let seldom = private.seldom_if_any();
    seldom.is_some_and(|seldom| seldom.aliases.remove(&alias.serial).is_some())
}

/// The monitor of this reference, which is the process's own, has ended: so does an alias that
/// lasts as long as it.
pub(super) fn monitor_ended(private: &mut Private, monitor: Ref) {
    use AliasState::{WithMonitor, WithMonitorOrOneMessage};
    let Some(seldom) = private.seldom_if_any() else {
        return;
    };
    let state = seldom.aliases.get(&monitor.serial);
    if matches!(state, Some(WithMonitor | WithMonitorOrOneMessage)) {
        seldom.aliases.remove(&monitor.serial);
    }
}

/// A message through an alias is received: it goes to the mailbox, or is dropped (M-13).
pub(super) fn arrive(pcb: &Pcb, serial: u64, message: Message) {
    // SAFETY: this thread runs the process. A message that is refused is dropped at the return,
    // after the borrow's last use.
    let private = unsafe { pcb.private() };
    let aliases = private.seldom_if_any().map(|seldom| &mut seldom.aliases);
    let Some((aliases, state)) = aliases.and_then(|aliases| {
        let state = *aliases.get(&serial)?;
        Some((aliases, state))
    }) else {
        return;
    };
    match state {
        AliasState::Lasts | AliasState::WithMonitor => {}
        AliasState::OneMessage => drop(aliases.remove(&serial)),
        AliasState::WithMonitorOrOneMessage => {
            aliases.remove(&serial);
            let (maker, mark) = (pcb.pid, 0);
            monitors::end(
                pcb,
                Ref {
                    maker,
                    serial,
                    mark,
                },
            );
        }
    }
    // SAFETY: as above.
    let mailbox = unsafe { &mut pcb.private().mailbox };
    mailbox.append(message.let_in());
}

impl Core {
    /// Sends through an alias. The dead give the message back.
    pub(crate) fn send_through<T: Send + 'static>(
        &self,
        alias: Ref,
        message: T,
        pin: &Pin,
    ) -> Result<(), Message> {
        let message = Message::through_alias(message, alias.serial);
        self.send_pinned(alias.maker, message, pin)
    }
}
