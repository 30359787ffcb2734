//! Opening a port and calling its driver: the face of ports for drivers and for people.
//!
//! Called in processes. Invariant (O-1): a port is opened, owned by and linked to the caller in one
//! step, or it does not exist.

use std::any::Any;
use std::fmt;
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

use bytes::Bytes;

use super::cx::{Asked, guarded};
use super::{BadArg, Body, Driver, Phase, PortCell, PortCx, PortInfo, info, locked, locked_pinned};
use crate::core::{Core, Uncounted};
use crate::marks::Marks;
use crate::ordered::OrderedMap;
use crate::pid::PortId;
use crate::process::Pcb;
use crate::process::context::current;
use crate::process::links::LinkState;
use crate::reason::Reason;
use crate::sync::Mutex;
use crate::table::Reserved;

/// Why a port could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The table of ports is full.
    SystemLimit,
    /// The driver's `start` failed.
    Io(io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::SystemLimit => f.write_str("system_limit"),
            OpenError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

/// The port is closed, or is no port of this driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortClosed;

impl fmt::Display for PortClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed")
    }
}

impl std::error::Error for PortClosed {}

/// Why a control request was not carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlError {
    /// The port is closed.
    Closed,
    /// The driver knows no such request, or takes none (`badarg`).
    BadArg,
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ControlError::Closed => "closed",
            ControlError::BadArg => "badarg",
        })
    }
}

impl std::error::Error for ControlError {}

/// A place in the table of ports, taken before what is to be a port is made. Dropped, it is free
/// again.
#[derive(Debug)]
pub struct Reservation {
    core: Arc<Core>,
    place: Option<Reserved>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.core.ports.abandon(place, self.core.sched.on_worker());
        }
    }
}

/// Takes a place in the table of ports.
///
/// # Errors
/// [`OpenError::SystemLimit`] where the table is full.
///
/// # Panics
/// Outside of a process.
pub fn reserve() -> Result<Reservation, OpenError> {
    current(|current| {
        let core = current.core();
        let place = core
            .ports
            .reserve(core.sched.on_worker())
            .ok_or(OpenError::SystemLimit)?;
        Ok(Reservation {
            core: core.clone(),
            place: Some(place),
        })
    })
}

/// Opens a port (`erlang:open_port/2`, process 8.1): the caller owns it and is linked to it.
///
/// # Errors
/// [`OpenError`] where the table is full or the driver did not start; then there is no port.
///
/// # Panics
/// Outside of a process.
pub fn open(driver: impl Driver) -> Result<PortId, OpenError> {
    reserve()?.open(driver)
}

impl Reservation {
    /// Opens a port in the place that was taken. See [`open`].
    ///
    /// # Errors
    /// [`OpenError::Io`] where the driver did not start; then there is no port.
    ///
    /// # Panics
    /// Outside of a process.
    pub fn open(mut self, driver: impl Driver) -> Result<PortId, OpenError> {
        let place = self.place.take().expect("a reservation is used once");
        current(|current| start(current.core(), current.pcb(), place, Box::new(driver)))
    }
}

/// Publishes the cell locked, because the driver's timer and sources may fire as soon as it
/// started.
fn start(
    core: &Arc<Core>,
    owner: &Pcb,
    place: Reserved,
    driver: Box<dyn Driver>,
) -> Result<PortId, OpenError> {
    let id = PortId::new(core.node, place.slot, place.generation);
    let mut links = OrderedMap::new();
    links.insert(owner.pid, ());
    let body = Body {
        phase: Phase::Open,
        owner: owner.pid,
        links,
        watchers: OrderedMap::new(),
        driver: Box::new(Starting),
        timer: None,
        has_sent: false,
        tell_closed: None,
        rare: None,
    };
    // SAFETY: whoever looks a port up holds the runtime.
    let uncounted = unsafe { Uncounted::new(core) };
    let cell = PortCell {
        id,
        core: uncounted,
        marks: Marks::new(),
        body: Mutex::new(body),
    };
    let cell = NonNull::from(Box::leak(Box::new(cell)));
    let pin = core.pin();
    // SAFETY: leaked a moment ago; freed through the epoch, which this thread pins until the end.
    let cell_ref: &PortCell = unsafe { cell.as_ref() };
    let mut body = cell_ref.body.lock();
    body.driver = driver;
    core.ports.publish(place, cell);
    // SAFETY: this thread runs the owner, and no user code is called while it is borrowed.
    unsafe { owner.private() }
        .links
        .insert(id.into(), LinkState::Active);
    let mut asked = Asked::default();
    let started = guarded(cell_ref, &mut body, &mut asked, &pin, |driver, cx| {
        driver.start(cx)
    });
    let failure = match started {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error),
        Err(panic) => Some(io::Error::other(panic.to_string())),
    };
    if failure.is_some() {
        body.links = OrderedMap::new();
        // SAFETY: as above.
        unsafe { owner.private() }.links.remove(&id.into());
        asked.fail(Reason::Normal);
    }
    super::close::carry_out(cell_ref, body, asked, &pin);
    failure.map_or(Ok(id), |error| Err(OpenError::Io(error)))
}

/// Closes a port with the reason `normal` (`erlang:port_close/1`): any process may. Those that are
/// linked are told; what is queued is flushed in the background.
///
/// # Errors
/// [`PortClosed`] where it is closed already.
///
/// # Panics
/// Outside of a process.
pub fn close(port: PortId) -> Result<(), PortClosed> {
    current(|current| {
        let end = |_: &mut dyn Driver, cx: &mut PortCx<'_>| cx.close(Reason::Normal);
        locked(current.core_of_process(), port, true, end).ok_or(PortClosed)
    })
}

/// Stands in while a port is made.
struct Starting;

impl Driver for Starting {
    fn name(&self) -> &'static str {
        "starting"
    }

    fn ready(&mut self, _: &mut PortCx<'_>, _: super::Readiness) -> super::Turn {
        super::Turn::Done
    }

    fn stop(&mut self, _: &mut PortCx<'_>) {}
}

/// Runs `f` on the driver of an open port, under the port's lock, in the caller (O-10). `f` must
/// not block; it sees no current process.
///
/// # Errors
/// [`PortClosed`] where the port is closed or closing, or its driver is not a `D`.
///
/// # Panics
/// Outside of a process.
pub fn call<D: Driver, R>(
    port: PortId,
    f: impl FnOnce(&mut D, &mut PortCx<'_>) -> R,
) -> Result<R, PortClosed> {
    run(port, true, f)
}

/// As [`call`], on a port that is flushing too: for questions, which such a port still answers.
///
/// # Errors
/// [`PortClosed`] where the port is closed, or its driver is not a `D`.
///
/// # Panics
/// Outside of a process.
pub fn look<D: Driver, R>(
    port: PortId,
    f: impl FnOnce(&mut D, &mut PortCx<'_>) -> R,
) -> Result<R, PortClosed> {
    run(port, false, f)
}

fn run<D: Driver, R>(
    port: PortId,
    open_only: bool,
    f: impl FnOnce(&mut D, &mut PortCx<'_>) -> R,
) -> Result<R, PortClosed> {
    // Written where it is wanted, and not handed up through every closure.
    let mut result = None;
    let run = |driver: &mut dyn Driver, cx: &mut PortCx<'_>| {
        let driver: &mut dyn Any = driver;
        if let Some(driver) = driver.downcast_mut::<D>() {
            result = Some(f(driver, cx));
        }
    };
    current(|current| {
        let (core, pin) = (current.core_of_process(), current.pin());
        locked_pinned(core, port, open_only, &pin, run)
    });
    result.ok_or(PortClosed)
}

/// Asks a driver for something by number and bytes, and gives its answer (`port_control/3`): for
/// callers that do not know the driver's type. Any process may. It does not wait, busy or not.
///
/// # Errors
/// [`ControlError`].
///
/// # Panics
/// Outside of a process.
pub fn control(port: PortId, op: u32, data: impl AsRef<[u8]>) -> Result<Bytes, ControlError> {
    current(|current| {
        let run = |driver: &mut dyn Driver, cx: &mut PortCx<'_>| {
            let answer = driver.control(cx, op, data.as_ref());
            answer.map_err(|BadArg| ControlError::BadArg)
        };
        locked(current.core_of_process(), port, true, run).unwrap_or(Err(ControlError::Closed))
    })
}

/// What is known of a port; `None` where it is closed (`erlang:port_info/1`).
///
/// # Panics
/// Outside of a process.
pub fn port_info(port: PortId) -> Option<PortInfo> {
    current(|current| info::of(current.core_of_process(), port))
}

/// Whether a port is there: open, or closing with output that its driver has yet to flush (8.2).
/// For all but its driver one that is closing is closed; it is there in that it holds what the
/// driver holds.
///
/// # Panics
/// Outside of a process.
pub fn port_exists(port: PortId) -> bool {
    current(|current| info::exists(current.core_of_process(), port))
}

/// The open ports (`erlang:ports/0`).
///
/// # Panics
/// Outside of a process.
pub fn ports() -> Vec<PortId> {
    current(|current| info::all(current.core_of_process()))
}

/// Whether the runtime of the current process is a simulated one. For drivers, which choose their
/// doors to the outside world by it.
///
/// # Panics
/// Outside of a process.
pub fn is_simulated() -> bool {
    current(|current| current.core().simulated)
}

/// The current process took input of this port out of its driver, not as a message: told by the
/// functions of a driver that give input, for [`is_answering`].
///
/// # Panics
/// Outside of a process.
pub fn note_input(port: PortId) {
    current(|current| current.note_input(port.token()));
}

/// Whether what the current process took last in this slice, as a message or by a function of the
/// driver, was of this port: then what it does to the port now is likely an answer to it. For
/// drivers that may do one thing with several answers.
///
/// # Panics
/// Outside of a process.
pub fn is_answering(port: PortId) -> bool {
    current(|current| current.is_answering(port.token()))
}

/// The value of this type that a driver keeps with the runtime, made at first use.
///
/// # Panics
/// Outside of a process and of the runtime's other contexts.
pub fn extension<T: Any + Send + Sync>(make: impl FnOnce() -> T) -> Arc<T> {
    current(|current| current.core().extension(make))
}
