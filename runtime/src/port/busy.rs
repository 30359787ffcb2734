//! Busy ports: commands, and the line of those who wait to give one (process 8.9, O-11, O-13).
//!
//! A driver that has no room says so with `PortCx::set_busy`; commands wait then. Protocol:
//!
//! 1. A command passes where the port is not busy and nobody is before it in the line.
//! 2. Otherwise its future takes a place at the end of the line, once, and leaves its wake-up
//!    there.
//! 3. After a callback that leaves the port not busy the first in the line is called: it alone is
//!    woken.
//! 4. The one that was called comes: it passes, or keeps its place where the port is busy anew.
//! 5. Whoever leaves the line, having passed or given up, has the next one called by step 3.
//!
//! So nobody overtakes, and only as many are woken as there is room for. A port that begins to
//! close wakes all of them. Invariant (I-8): a command is carried out once or its caller is told
//! why not; a dropped future leaves the line. What a process sends beside a command that waits does
//! not wait for it.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use super::{Driver, PortCx, locked, signal};
use crate::core::Core;
use crate::event::Event;
use crate::pid::{Pid, PortId};
use crate::process::alarm::Alarm;
use crate::process::budget::poll_budget;
use crate::process::context::current;
use crate::process::wakeup::Wakeup;

/// Why a command was not carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommandError {
    /// The port is closed, or began to close while the command waited.
    Closed,
    /// The driver takes no such data, or no commands at all (`badarg`).
    BadArg,
    /// The port is busy, or others wait for it.
    Busy,
    /// The port was busy for all of the time.
    Timeout,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CommandError::Closed => "closed",
            CommandError::BadArg => "badarg",
            CommandError::Busy => "busy",
            CommandError::Timeout => "timeout",
        })
    }
}

impl std::error::Error for CommandError {}

/// Gives a port data (`port_command/2`): resolves when the driver has taken it, which is at once
/// where the port is not busy. Any process may. The caller is not suspended: it can wait for
/// messages beside it.
///
/// # Errors
/// [`CommandError::Closed`] and [`CommandError::BadArg`].
///
/// # Cancel safety
/// Dropped before it resolves, the data was not taken, and the next one in the line is served. One
/// that is kept and not polled holds up those behind it.
///
/// # Panics
/// Outside of a process.
pub async fn command(port: PortId, data: impl Into<Bytes>) -> Result<(), CommandError> {
    let mut command = Command::new(port, data.into());
    poll_fn(|cx| command.poll(cx)).await
}

/// As [`command`], for so long at most.
///
/// # Errors
/// [`CommandError`], but for `Busy`. After a `Timeout` the data was not taken.
///
/// # Cancel safety
/// As [`command`].
///
/// # Panics
/// Outside of a process.
pub async fn command_timeout(
    port: PortId,
    data: impl Into<Bytes>,
    time: Duration,
) -> Result<(), CommandError> {
    let (mut command, mut alarm) = (Command::new(port, data.into()), Alarm::new(time));
    poll_fn(|cx| match command.poll(cx) {
        Poll::Pending => alarm.poll(cx).map(|()| Err(CommandError::Timeout)),
        ready => ready,
    })
    .await
}

/// As [`command`], and does not wait (`port_command/3` with `nosuspend`).
///
/// # Errors
/// [`CommandError`]; `Busy` where it would wait.
///
/// # Panics
/// Outside of a process.
pub fn try_command(port: PortId, data: impl AsRef<[u8]>) -> Result<(), CommandError> {
    current(|current| {
        let (core, from) = (current.core_of_process(), current.pcb().pid);
        let attempt = |driver: &mut dyn Driver, cx: &mut PortCx<'_>| {
            let free = cx.rare().is_none_or(|rare| rare.line.may_pass(None));
            free.then(|| driver.command(cx, data.as_ref(), from))
        };
        match locked(core, port, true, attempt) {
            None => Err(CommandError::Closed),
            Some(None) => Err(CommandError::Busy),
            Some(Some(good)) => good.then_some(()).ok_or(CommandError::BadArg),
        }
    })
}

impl PortCx<'_> {
    /// Says whether the port is busy: as long as it is, commands wait (8.9). Not busy any more, it
    /// has those who wait served one by one, first come, first served.
    pub fn set_busy(&mut self, busy: bool) {
        if busy || self.rare().is_some() {
            self.rare_mut().line.busy = busy;
        }
    }

    /// Whether the port is busy.
    pub fn is_busy(&self) -> bool {
        self.rare().is_some_and(|rare| rare.line.busy)
    }

    /// How many commands wait for the port not to be busy.
    pub fn writers_waiting(&self) -> usize {
        self.rare().map_or(0, |rare| rare.line.len())
    }
}

/// A command that is under way.
pub(super) struct Command {
    port: PortId,
    data: Bytes,
    /// In message form: whom it calls the owner.
    by: Option<Pid>,
    /// Its place in the line, and where the port is.
    waits: Option<(Arc<Core>, u64)>,
}

/// What came of one attempt.
enum Attempt {
    Done { good: bool, owner: Pid },
    Waits { ticket: u64 },
}

impl Command {
    fn new(port: PortId, data: Bytes) -> Self {
        Command {
            port,
            data,
            by: None,
            waits: None,
        }
    }

    /// Waits like any other; what is wrong with it is the owner's fault, and told to nobody else.
    pub(super) async fn in_message_form(port: PortId, by: Pid, data: Bytes) {
        let mut command = Command::new(port, data);
        command.by = Some(by);
        let _ = poll_fn(|cx| command.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CommandError>> {
        if poll_budget(cx).is_pending() {
            return Poll::Pending;
        }
        let (core, from, wakeup) = current(|current| {
            let pcb = current.pcb();
            (pcb.core.clone(), pcb.pid, Wakeup::of(pcb, cx.waker()))
        });
        let ticket = self.waits.as_ref().map(|(_, ticket)| *ticket);
        let (data, by) = (&self.data, self.by);
        // A wake-up that is not needed any more comes out, to be dropped where nothing is locked.
        let attempt = |driver: &mut dyn Driver, cx: &mut PortCx<'_>| {
            if cx.rare().is_none_or(|rare| rare.line.may_pass(ticket)) {
                let old = cx.leave_line(ticket);
                let owner = cx.owner();
                let may = by.is_none_or(|by| by == owner);
                let good = may && driver.command(cx, data, from);
                if !may && ticket.is_some() {
                    driver.command_withdrawn(cx);
                }
                return (Attempt::Done { good, owner }, old.or(Some(wakeup)));
            }
            let (ticket, old) = cx.rare_mut().line.wait(ticket, wakeup);
            (Attempt::Waits { ticket }, old)
        };
        let attempt = locked(&core, self.port, true, attempt).map(|(attempt, _unused)| attempt);
        match attempt {
            Some(Attempt::Waits { ticket }) => {
                if self.waits.is_none() {
                    let port = self.port;
                    core.event(|| Event::BusyPort { pid: from, port });
                }
                self.waits = Some((core, ticket));
                Poll::Pending
            }
            Some(Attempt::Done { good, owner }) => {
                self.waits = None;
                if !good && by.is_some() {
                    signal::punish(&core, self.port, owner);
                }
                Poll::Ready(good.then_some(()).ok_or(CommandError::BadArg))
            }
            None => {
                self.waits = None;
                Poll::Ready(Err(CommandError::Closed))
            }
        }
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        if let Some((core, ticket)) = self.waits.take() {
            drop(locked(&core, self.port, true, |driver, cx| {
                let wakeup = cx.leave_line(Some(ticket));
                driver.command_withdrawn(cx);
                wakeup
            }));
        }
    }
}

impl PortCx<'_> {
    fn leave_line(&mut self, ticket: Option<u64>) -> Option<Wakeup> {
        match ticket {
            Some(ticket) => self.rare_mut().line.leave(ticket),
            None => None,
        }
    }
}

/// Those who wait, in the order in which they came.
#[derive(Default)]
pub(super) struct Line {
    pub(super) busy: bool,
    /// Each with its ticket, and its wake-up until it is called.
    writers: VecDeque<(u64, Option<Wakeup>)>,
    /// The first one was called and has not come yet.
    called: bool,
    last_ticket: u64,
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.writers.len()
    }

    /// Step 1.
    fn may_pass(&self, ticket: Option<u64>) -> bool {
        let first = self.writers.front().map(|(first, _)| *first);
        !self.busy && (first.is_none() || first == ticket)
    }

    /// Steps 2 and 4. Gives the ticket, and the wake-up that was replaced.
    fn wait(&mut self, ticket: Option<u64>, wakeup: Wakeup) -> (u64, Option<Wakeup>) {
        let place = self.place(ticket);
        let Some(place) = place else {
            self.last_ticket += 1;
            self.writers.push_back((self.last_ticket, Some(wakeup)));
            return (self.last_ticket, None);
        };
        self.called &= place != 0;
        let (ticket, old) = &mut self.writers[place];
        (*ticket, old.replace(wakeup))
    }

    /// Step 5. Gives the wake-up that was left.
    fn leave(&mut self, ticket: u64) -> Option<Wakeup> {
        let place = self.place(Some(ticket))?;
        self.called &= place != 0;
        self.writers.remove(place).and_then(|(_, wakeup)| wakeup)
    }

    fn place(&self, ticket: Option<u64>) -> Option<usize> {
        let ticket = ticket?;
        self.writers.iter().position(|(other, _)| *other == ticket)
    }

    /// Step 3.
    pub(super) fn call_first(&mut self) -> Option<Wakeup> {
        if self.busy || self.called {
            return None;
        }
        let (_, wakeup) = self.writers.front_mut()?;
        self.called = true;
        wakeup.take()
    }

    /// The port begins to close: all are woken, to find it closed.
    pub(super) fn send_away(&mut self) -> impl Iterator<Item = Wakeup> + use<> {
        self.called = false;
        let writers = std::mem::take(&mut self.writers);
        writers.into_iter().filter_map(|(_, wakeup)| wakeup)
    }
}
