//! The driver of a port: what a third party writes to make something an actor (process.md 8.11).
//!
//! The runtime calls it under the port's lock, from whichever thread has something for it. Invariant
//! (O-14): callbacks are synchronous and short, never block, never run at once for one port, and see no
//! current process; each does a bounded amount and asks for another turn (O-17).

use std::any::Any;
use std::io;

use super::{PortCx, Readiness};
use crate::message::Message;

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

/// The body of a port. See `docs/SEMANTICS.md` for an example of one that has nothing to do with TCP.
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

    /// A command in message form: data from the owner (8.4). False where it is bad data (8.5).
    fn command(&mut self, cx: &mut PortCx<'_>, data: &[u8]) -> bool {
        let _ = (cx, data);
        false
    }

    /// The port is being handed over, and these of its messages go to the new owner. False where it stays
    /// with its owner all the same: because it has ended, as far as its owner can be told.
    fn hand_over(&mut self, messages: &[Message]) -> bool {
        let _ = messages;
        true
    }

    /// The port begins to close: links and monitors have been told, and for all others it is closed.
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
