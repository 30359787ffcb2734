//! A port: an actor whose body is a driver (process 8). This file holds its cell and its lock.
//!
//! A port runs in the caller: an operation locks, does, unlocks, in whichever process calls. Parts:
//! `driver` what a body has to be, `cx` what it may do, `api` the face, `busy` commands and who
//! waits to give one, `watch` whom a port watches, `jobs` what it has done elsewhere, `close` the
//! end, `owner` whose it is, `source` readiness, `signal` exit signals and the message forms.
//! Invariant: the lock is never held across an await, nor while a waker, a destructor of the user's
//! or another port runs; a driver is not called after `stop` (O-3); a panic in it ends that port
//! (O-15).

mod api;
mod busy;
mod close;
mod cx;
mod driver;
pub(crate) mod info;
mod jobs;
mod owner;
mod rare;
mod signal;
pub(crate) mod source;
mod watch;

use std::ptr::NonNull;
use std::sync::Arc;

pub use api::{
    ControlError, OpenError, PortClosed, Reservation, call, close, control, extension,
    is_answering, is_simulated, look, note_input, open, port_exists, port_info, ports, reserve,
};
pub use busy::{CommandError, command, command_timeout, try_command};
pub use cx::PortCx;
pub use driver::{BadArg, Driver, Flush, Turn};
pub use info::PortInfo;
pub use owner::{HandOverError, hand_over, owner};
pub use signal::{PortReply, PortSignal, signal_port, signal_port_async};
pub use source::{Readiness, Source};
pub use watch::close_on_owner_death;

use cx::Asked;

use crate::core::{Core, Uncounted};
use crate::marks::Marks;
use crate::ordered::OrderedMap;
use crate::pid::{Pid, PortId};
use crate::pin::Pin;
use crate::process::context::try_current;
use crate::reason::Reason;
use crate::reference::Ref;
use crate::sync::{Mutex, MutexGuard};
use crate::table::Tenant;
use crate::timers::TimerKey;

/// A port's place in the table.
pub(crate) struct PortCell {
    pub(crate) id: PortId,
    pub(crate) core: Uncounted,
    pub(crate) marks: Marks,
    body: Mutex<Body>,
}

/// ```text
///   Open ──── close, exit, driver ────► Closing ──── flushed, limit ────► Closed
///     └────────────────── nothing to flush ─────────────────────────────────┘
/// ```
/// Links, monitors and the name are settled when closing starts; what follows is the flush (O-2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Open,
    Closing,
    Closed,
}

struct Body {
    phase: Phase,
    /// The process that the port is connected to. It may be dead (8.3).
    owner: Pid,
    links: OrderedMap<Pid, ()>,
    watchers: OrderedMap<Ref, Pid>,
    driver: Box<dyn Driver>,
    timer: Option<TimerKey>,
    /// Whether messages were sent to the present owner: else a hand-over has none to move.
    has_sent: bool,
    /// Who asked by message for the end, and is told of it (8.4).
    tell_closed: Option<Pid>,
    rare: Option<Box<rare::Rare>>,
}

impl Tenant for PortCell {
    fn place(&self) -> (u32, u32) {
        (self.id.slot, self.id.generation)
    }
}

/// Runs `f` on a port under its lock, with no current process, then does what it asked for.
/// `None` where the port is gone, or is closing and `f` is for open ports only.
fn locked<R>(
    core: &Arc<Core>,
    id: PortId,
    open_only: bool,
    f: impl FnOnce(&mut dyn Driver, &mut PortCx<'_>) -> R,
) -> Option<R> {
    let pin = core.pin();
    locked_pinned(core, id, open_only, &pin, f)
}

/// As `locked`, under a pin that the caller has.
fn locked_pinned<R>(
    core: &Arc<Core>,
    id: PortId,
    open_only: bool,
    pin: &Pin,
    f: impl FnOnce(&mut dyn Driver, &mut PortCx<'_>) -> R,
) -> Option<R> {
    if id.node != core.node {
        return None;
    }
    let cell = core.ports.get(id.slot, id.generation, pin)?;
    let body = cell.body.lock();
    let gone = match body.phase {
        Phase::Open => false,
        Phase::Closing => open_only,
        Phase::Closed => true,
    };
    if gone {
        return None;
    }
    callback(cell, body, pin, f)
}

/// The second half of `locked`, for who has looked at the body before: the lock is taken, and free
/// when this returns.
#[inline]
fn callback<R>(
    cell: &PortCell,
    mut body: MutexGuard<'_, Body>,
    pin: &Pin,
    f: impl FnOnce(&mut dyn Driver, &mut PortCx<'_>) -> R,
) -> Option<R> {
    let (core, id) = (&cell.core, cell.id);
    let mut asked = Asked::default();
    let result = cx::guarded(cell, &mut body, &mut asked, pin, f)
        .map_err(|panic| asked.fail(panic))
        .ok();
    let slice_end = asked.slice_end;
    close::carry_out(cell, body, asked, pin);
    if slice_end && try_current(|current| current.at_slice_end(id)) != Some(true) {
        self::slice_end(core, id);
    }
    result
}

/// The slice of a process that had asked the port for it is over.
pub(crate) fn slice_end(core: &Arc<Core>, id: PortId) {
    locked(core, id, false, |driver, cx| driver.slice_end(cx));
}

/// The reactor saw an event.
pub(crate) fn ready(core: &Arc<Core>, token: u64, readiness: Readiness, pin: &Pin) {
    let id = PortId::from_token(core.node, token);
    let tell = |driver: &mut dyn Driver, cx: &mut PortCx<'_>| driver.ready(cx, readiness);
    let turn = locked_pinned(core, id, false, pin, tell);
    match turn {
        Some(Turn::Done) => {}
        Some(Turn::Again) => core.reactor.again(token, readiness),
        None => {
            core.stale_events
                .fetch_add(1, crate::sync::Ordering::Relaxed);
        }
    }
}

/// The port's timer fired.
pub(crate) fn timeout(core: &Arc<Core>, id: PortId, fired: TimerKey) {
    locked(core, id, false, |driver, cx| {
        if cx.timer_fired(fired) {
            driver.timeout(cx);
        }
    });
}

/// Frees the cell of a port that was taken out of the table.
struct Address(NonNull<PortCell>);

impl Address {
    /// # Safety
    /// Nobody finds the cell any more, and this is called once.
    unsafe fn release(self) {
        // SAFETY: made by `Box::leak` when the port was opened.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Ends all ports, those that are flushing too: at the end of the runtime.
pub(crate) fn close_all(core: &Arc<Core>) {
    for id in info::ids(core, true) {
        core.exit_port(id, Pid::nobody(core.node), Reason::Kill, false);
        locked(core, id, false, |_, cx| cx.flushed());
    }
}
