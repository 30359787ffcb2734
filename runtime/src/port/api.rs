//! Opening a port and calling its driver: the face of ports for drivers and for people.
//!
//! Called in processes. Invariant (O-1): a port is opened, owned by and linked to the caller in one
//! step, or it does not exist.

use std::any::Any;
use std::fmt;
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

use parking_lot::Mutex;

use super::cx::split;
use super::{Body, Driver, Phase, PortCell, PortCx, PortInfo, info, locked};
use crate::ordered::OrderedMap;
use crate::pid::PortId;
use crate::process::context::{Current, current};
use crate::process::links::LinkState;
use crate::registry::Named;

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

/// Opens a port (`erlang:open_port/2`, process.md 8.1): the caller owns it and is linked to it.
///
/// # Errors
/// [`OpenError`] where the table is full or the driver did not start; then there is no port.
///
/// # Panics
/// Outside of a process.
pub fn open(driver: impl Driver) -> Result<PortId, OpenError> {
    current(|current| {
        let (core, owner) = (current.core(), current.pcb());
        let hint = core.sched.hint();
        let reserved = core.ports.reserve(hint).ok_or(OpenError::SystemLimit)?;
        let id = PortId::new(core.node, reserved.slot, reserved.generation);
        let mut links = OrderedMap::new();
        links.insert(owner.pid, ());
        let mut body = Body {
            phase: Phase::Open,
            owner: owner.pid,
            links,
            watchers: OrderedMap::new(),
            driver: Box::new(driver),
            timer: None,
            has_sent: false,
        };
        // The driver's timer and source may fire as soon as it has started, so the cell is published
        // first, locked.
        let driver = std::mem::replace(&mut body.driver, Box::new(Starting));
        let cell = PortCell {
            id,
            core: core.clone(),
            named: Named::new(),
            body: Mutex::new(body),
        };
        let cell = NonNull::from(Box::leak(Box::new(cell)));
        // SAFETY: leaked a moment ago; freed through the epoch, which this thread pins until the end.
        let cell_ref: &PortCell = unsafe { cell.as_ref() };
        let pin = core.pin();
        let mut body = cell_ref.body.lock();
        body.driver = driver;
        core.ports.publish(reserved, cell);
        // SAFETY: this thread runs the owner, and no user code is called while it is borrowed.
        unsafe { owner.private() }
            .links
            .insert(id.into(), LinkState::Active);
        let (driver, mut cx) = split(cell_ref, &mut body, &pin);
        let started = Current::runtime(core).enter(|| driver.start(&mut cx));
        let mut asked = cx.finish();
        if let Err(error) = started {
            body.links = OrderedMap::new();
            // SAFETY: as above.
            unsafe { owner.private() }.links.remove(&id.into());
            asked.fail(crate::reason::Reason::Normal);
            super::close::carry_out(cell_ref, body, asked, &pin);
            return Err(OpenError::Io(error));
        }
        super::close::carry_out(cell_ref, body, asked, &pin);
        Ok(id)
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

/// Runs `f` on the driver of an open port, under the port's lock, in the caller (O-10). `f` must not block;
/// it sees no current process.
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
    current(|current| {
        let _ = current.charge();
        let run = |driver: &mut dyn Driver, cx: &mut PortCx<'_>| {
            let driver: &mut dyn Any = driver;
            Some(f(driver.downcast_mut::<D>()?, cx))
        };
        locked(current.core(), port, true, run)
            .flatten()
            .ok_or(PortClosed)
    })
}

/// What is known of a port; `None` where it is closed (`erlang:port_info/1`).
///
/// # Panics
/// Outside of a process.
pub fn port_info(port: PortId) -> Option<PortInfo> {
    current(|current| info::of(current.core(), port))
}

/// The open ports (`erlang:ports/0`).
///
/// # Panics
/// Outside of a process.
pub fn ports() -> Vec<PortId> {
    current(|current| info::all(current.core()))
}

/// Whether the runtime of the current process is a simulated one. For drivers, which choose their doors
/// to the outside world by it.
///
/// # Panics
/// Outside of a process.
pub fn is_simulated() -> bool {
    current(|current| current.core().simulated)
}

/// The value of this type that a driver keeps with the runtime, made at first use.
///
/// # Panics
/// Outside of a process and of the runtime's other contexts.
pub fn extension<T: Any + Send + Sync>(make: impl FnOnce() -> T) -> Arc<T> {
    current(|current| current.core().extension(make))
}
