//! The driver of a port: what a third party writes to make something an actor (process 8.11).
//!
//! The runtime calls it under the port's lock, from whichever thread has something for it.
//! Invariant (O-14): callbacks are synchronous and short, never block, never run at once for one
//! port, and see no current process; each does a bounded amount and asks for another turn (O-17).

use std::any::Any;
use std::io;

use bytes::Bytes;

use super::{PortCx, Readiness};
use crate::message::Message;
use crate::pid::Pid;
use crate::reason::Reason;
use crate::reference::Ref;

/// What a driver that was told of readiness says.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// It has done all there was, or waits for the next edge.
    Done,
    /// There is more: call again, after others had their turn.
    Again,
}

/// What a driver whose port begins to close says.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flush {
    /// Nothing is left to do: `stop` comes next.
    Done,
    /// There is output: it goes on being called until it says [`PortCx::flushed`].
    Later,
}

/// A control request that the driver does not know, or with data that is wrong (`badarg`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadArg;

/// The body of a port. See `docs/SEMANTICS.md` for an example of one that has nothing to do with
/// TCP.
pub trait Driver: Any + Send {
    /// What kind of driver this is, for people.
    fn name(&self) -> &'static str;

    /// The port is being opened: the place to register sources. An error undoes the opening.
    ///
    /// # Errors
    /// Whatever registering says; `open` passes it on.
    fn start(&mut self, cx: &mut PortCx<'_>) -> io::Result<()> {
        let _ = cx;
        Ok(())
    }

    /// A source has become ready.
    fn ready(&mut self, cx: &mut PortCx<'_>, readiness: Readiness) -> Turn;

    /// The timer that was set with [`PortCx::set_timer`] has fired.
    fn timeout(&mut self, cx: &mut PortCx<'_>) {
        let _ = cx;
    }

    /// The slice in which [`PortCx::at_slice_end`] was called is over.
    fn slice_end(&mut self, cx: &mut PortCx<'_>) {
        let _ = cx;
    }

    /// A command: data for the port, from this process, by [`command`](super::command) or in
    /// message form (8.4). False where it is bad data, as all of it is where nothing else is said.
    /// One by [`signal_port`](super::signal_port) comes also while the port is busy, because its
    /// sender cannot be made to wait.
    fn command(&mut self, cx: &mut PortCx<'_>, data: &[u8], from: Pid) -> bool {
        let _ = (cx, data, from);
        false
    }

    /// A command that was held back does not come after all: its sender has given up or is gone,
    /// or it was not the owner's as it said. [`PortCx::writers_waiting`] is what it is without it.
    fn command_withdrawn(&mut self, cx: &mut PortCx<'_>) {
        let _ = cx;
    }

    /// A request by number and bytes (`port_control`), answered at once.
    ///
    /// # Errors
    /// [`BadArg`] where there is no such request, as where nothing else is said.
    fn control(&mut self, cx: &mut PortCx<'_>, op: u32, data: &[u8]) -> Result<Bytes, BadArg> {
        let _ = (cx, op, data);
        Err(BadArg)
    }

    /// A process that is watched with [`PortCx::monitor`] has ended.
    fn process_down(&mut self, cx: &mut PortCx<'_>, monitor: Ref, pid: Pid, reason: &Reason) {
        let _ = (cx, monitor, pid, reason);
    }

    /// The job of this number, given to [`PortCx::spawn_blocking`], is done: what it returned, or
    /// its panic.
    fn blocking_done(&mut self, cx: &mut PortCx<'_>, job: u64, result: Result<Message, Reason>) {
        let _ = (cx, job, result);
    }

    /// The port is being handed over, and these of its messages go to the new owner. False where it
    /// stays with its owner all the same: because it has ended, as far as its owner can be told.
    fn hand_over(&mut self, messages: &[Message]) -> bool {
        let _ = messages;
        true
    }

    /// The port begins to close: links and monitors have been told, and for all others it is
    /// closed.
    /// `kill` says that nothing may be flushed (O-2).
    fn flush(&mut self, cx: &mut PortCx<'_>, kill: bool) -> Flush {
        let _ = (cx, kill);
        Flush::Done
    }

    /// The last call. Sources are removed from the reactor here, and those who wait are woken.
    fn stop(&mut self, cx: &mut PortCx<'_>);

    /// Facts for people and for `port_info`: names and values.
    fn facts(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}
