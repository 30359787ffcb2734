//! The accept queue: who waits for a connection, served strictly in order (ACC-2 to ACC-7).
//!
//! Connections stay in the kernel until a waiter takes one, in its own process, so a waiter that
//! dies costs none. Invariant: only the first waiter calls accept; whoever leaves the queue,
//! served, timed out or dead, wakes the next. Where descriptors have run out the first waiter is
//! told, and the next attempt waits: the listener stays readable then, and trying on would spin
//! (R2).

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use runtime::Wakeup;
use runtime::port::{self, PortCx, Reservation};

use super::{Role, TcpPort, Wire};
use crate::error::Error;
use crate::inet::addr::Family;
use crate::io::{AfterAccept, Io, Sock, after_accept_error};
use crate::options::{ActiveState, Name, Opt, Settings, inherited};

/// How long accept pauses when descriptors have run out.
const PAUSE: Duration = Duration::from_millis(100);
/// Connections lost on their way that one attempt puts up with.
const LOST_MAX: usize = 64;

/// See the file's header.
#[derive(Default)]
pub(crate) struct Listener {
    waiters: VecDeque<(u64, Option<Wakeup>)>,
    next_id: u64,
    paused: bool,
    /// The kernel's options that were set on this socket: those an accepted one has to copy.
    pub(super) touched: Vec<Name>,
}

/// A connection taken off the queue, with what it inherits (2.5).
pub(crate) struct Accepted {
    pub(crate) place: Reservation,
    pub(crate) io: Arc<dyn Io>,
    pub(crate) sock: Sock,
    pub(crate) family: Family,
    pub(crate) settings: Settings,
    pub(crate) active: ActiveState,
    pub(crate) kernel: Vec<Opt>,
}

impl Listener {
    pub(super) fn is_accepting(&self) -> bool {
        !self.waiters.is_empty()
    }

    pub(super) fn ready(&mut self, cx: &mut PortCx<'_>) {
        if !self.paused
            && let Some(wakeup) = self
                .waiters
                .front_mut()
                .and_then(|(_, wakeup)| wakeup.take())
        {
            cx.wake(wakeup);
        }
    }

    pub(super) fn resume(&mut self, cx: &mut PortCx<'_>) {
        self.paused = false;
        self.ready(cx);
    }

    pub(super) fn wake_all(&mut self, cx: &mut PortCx<'_>) {
        for (_, wakeup) in self.waiters.drain(..) {
            wakeup.into_iter().for_each(|wakeup| cx.wake(wakeup));
        }
    }

    /// A waiter leaves; its turn goes to the next.
    fn leave(&mut self, id: u64, cx: &mut PortCx<'_>) {
        self.waiters.retain(|(other, _)| *other != id);
        self.ready(cx);
    }

    /// Waits, at the place of `id` or behind all others.
    fn wait(&mut self, id: Option<u64>, wakeup: Wakeup) -> u64 {
        let known = id.and_then(|id| self.waiters.iter_mut().find(|(other, _)| *other == id));
        if let Some((id, place)) = known {
            *place = Some(wakeup);
            return *id;
        }
        self.next_id += 1;
        self.waiters.push_back((self.next_id, Some(wakeup)));
        self.next_id
    }
}

impl TcpPort {
    /// One attempt of a process that accepts. `op` is its number in the queue, once it has one.
    pub(crate) fn accept(
        &mut self,
        cx: &mut PortCx<'_>,
        op: &mut Option<u64>,
        wakeup: Wakeup,
    ) -> Poll<Result<Accepted, Error>> {
        let (Role::Listening(listener), Some(sock)) = (&mut self.role, self.wire.open()) else {
            return Poll::Ready(Err(Error::Einval));
        };
        let first = listener.waiters.front().map(|(id, _)| *id);
        if listener.paused || first.is_some_and(|first| Some(first) != *op) {
            *op = Some(listener.wait(*op, wakeup));
            return Poll::Pending;
        }
        // Without a place for it the connection stays in the kernel's queue (part 9, row 31).
        let Ok(place) = port::reserve() else {
            if let Some(id) = op.take() {
                listener.leave(id, cx);
            }
            return Poll::Ready(Err(Error::SystemLimit));
        };
        for _ in 0..LOST_MAX {
            let error = match self.io.accept(sock) {
                Ok(sock) => {
                    if let Some(id) = op.take() {
                        listener.leave(id, cx);
                    }
                    return Poll::Ready(Ok(self.hand_down(place, sock)));
                }
                Err(error) => error,
            };
            match after_accept_error(&error) {
                AfterAccept::Again => {}
                AfterAccept::Wait => {
                    *op = Some(listener.wait(*op, wakeup));
                    return Poll::Pending;
                }
                AfterAccept::Pause => {
                    listener.paused = true;
                    cx.set_timer(PAUSE);
                    return Poll::Ready(Err(Self::failed(listener, cx, op, error)));
                }
                AfterAccept::Fail => {
                    return Poll::Ready(Err(Self::failed(listener, cx, op, error)));
                }
            }
        }
        // Where it broke off over lost connections there is no edge to come: the timer looks again.
        cx.set_timer(PAUSE);
        *op = Some(listener.wait(*op, wakeup));
        Poll::Pending
    }

    fn failed(
        listener: &mut Listener,
        cx: &mut PortCx<'_>,
        op: &mut Option<u64>,
        error: io::Error,
    ) -> Error {
        if let Some(id) = op.take() {
            listener.leave(id, cx);
        }
        error.into()
    }

    /// Gives up waiting: timed out, or the process is gone.
    pub(crate) fn cancel_accept(&mut self, cx: &mut PortCx<'_>, id: u64) {
        if let Role::Listening(listener) = &mut self.role {
            listener.leave(id, cx);
        }
    }

    /// What a new connection takes from this socket as it is now (ACC-10).
    fn hand_down(&self, place: Reservation, sock: Sock) -> Accepted {
        let mut kernel = Vec::new();
        if let (Role::Listening(listener), Some(own)) = (&self.role, self.wire.open()) {
            let is_raw = |name: &Name| matches!(name, Name::Raw { .. });
            let all = listener.touched.iter().any(is_raw);
            let touched = |name: &&Name| all || listener.touched.contains(name);
            for name in inherited(self.family).iter().filter(touched) {
                kernel.extend(self.io.get_option(own, *name).ok().flatten());
            }
        }
        Accepted {
            place,
            io: self.io.clone(),
            sock,
            family: self.family,
            settings: self.settings.inherit(),
            active: self.active,
            kernel,
        }
    }

    /// Notes the kernel options that this listener was made with. What the kernel hands down by
    /// itself (see `inherited`) is not copied once more: no connection arrived before they were
    /// set, unless the descriptor was somebody's before. Setting `tos` sets the priority as well.
    pub(crate) fn touch_planned(&mut self, options: &[Opt]) {
        let is_new = matches!(self.wire, Wire::Open(Sock::Fd(_)));
        let by_kernel = cfg!(target_os = "linux") && is_new && self.family != Family::Local;
        let by_us = |opt: &Opt| matches!(opt.name(), Name::Priority | Name::Tos | Name::Raw { .. });
        let copied = options.iter().filter(|opt| !by_kernel || by_us(opt));
        copied.for_each(|opt| self.touch(opt));
    }

    /// Notes that a kernel option of this listener was set, so that accepted sockets copy it.
    pub(crate) fn touch(&mut self, opt: &Opt) {
        if let Role::Listening(listener) = &mut self.role {
            let name = match opt.name() {
                // One of them says it all.
                Name::Raw { .. } => Name::Raw {
                    level: 0,
                    option: 0,
                    size: 0,
                },
                name => name,
            };
            if !listener.touched.contains(&name) {
                listener.touched.push(name);
            }
        }
    }
}
