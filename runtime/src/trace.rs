//! Tracing of what processes do: spawn, exit, link, unlink, register, unregister, send, receive
//! (B-17).
//!
//! Called where these happen. With the feature `tracing` each is an event of the `tracing` crate,
//! of level `TRACE` and target `runtime`, whose field `event` is its name; without the feature
//! there is nothing. Invariant: nothing private is borrowed at a call. A port may be locked, so a
//! subscriber must not call the runtime.

use std::panic::Location;

use crate::name::Name;
use crate::pid::{ActorId, Pid};
use crate::reason::Reason;

/// An event, where the feature is on; else its arguments are looked at, and nothing more.
macro_rules! event {
    ($name:literal, $($field:ident = $value:expr),+) => {{
        #[cfg(feature = "tracing")]
        tracing::trace!(target: "runtime", event = $name, $($field = %$value),+);
        #[cfg(not(feature = "tracing"))]
        let _ = ($(&$value),+);
    }};
}

/// A process was made.
#[inline(always)]
pub(crate) fn spawn(pid: Pid, parent: Pid, spawned_at: &'static Location<'static>) {
    event!("spawn", pid = pid, parent = parent, spawned_at = spawned_at);
}

/// A process ends.
#[inline(always)]
pub(crate) fn exit(pid: Pid, reason: &Reason) {
    event!("exit", pid = pid, reason = reason);
}

/// A process makes a link.
#[inline(always)]
pub(crate) fn link(pid: Pid, to: ActorId) {
    event!("link", pid = pid, to = to);
}

/// A process takes a link back.
#[inline(always)]
pub(crate) fn unlink(pid: Pid, to: ActorId) {
    event!("unlink", pid = pid, to = to);
}

/// An actor was given a name.
#[inline(always)]
pub(crate) fn register(actor: ActorId, name: &Name) {
    event!("register", actor = actor, name = name);
}

/// A name was taken back.
#[inline(always)]
pub(crate) fn unregister(actor: ActorId, name: &Name) {
    event!("unregister", actor = actor, name = name);
}

/// A message is sent to a process, dead or alive; `message` says its type.
#[inline(always)]
pub(crate) fn send(to: Pid, message: impl FnOnce() -> &'static str) {
    #[cfg(feature = "tracing")]
    {
        let current = crate::process::context::try_current(|current| current.pid());
        let from = current.flatten().unwrap_or(Pid::nobody(to.node));
        event!("send", pid = from, to = to, message = message());
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (to, message);
}

/// A process takes a message into its mailbox.
#[inline(always)]
pub(crate) fn receive(pid: Pid, message: impl FnOnce() -> &'static str) {
    #[cfg(feature = "tracing")]
    event!("receive", pid = pid, message = message());
    #[cfg(not(feature = "tracing"))]
    let _ = (pid, message);
}
