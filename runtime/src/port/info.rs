//! What can be asked about a port (`port_info`, process 8.10), as data that prints as a table.

use std::fmt;
use std::sync::Arc;

use super::{Phase, callback};
use crate::core::Core;
use crate::name::Name;
use crate::pid::{Pid, PortId};

/// A picture of one open port.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PortInfo {
    /// Which.
    pub id: PortId,
    /// The driver's name.
    pub name: &'static str,
    /// The owner, dead or alive.
    pub connected: Pid,
    /// Whom it is linked to, in the order of linking.
    pub links: Vec<Pid>,
    /// Who watches it, one entry for each monitor.
    pub monitored_by: Vec<Pid>,
    /// Whom the driver watches, in the order of watching.
    pub monitors: Vec<Pid>,
    /// Whether commands wait for it.
    pub busy: bool,
    /// How many commands wait.
    pub writers_waiting: usize,
    /// Its name, where it has one.
    pub registered_name: Option<Name>,
    /// What the driver says of itself.
    pub facts: Vec<(&'static str, String)>,
}

/// The picture of an open port. A driver that panics over it ends its port (O-15).
pub(crate) fn of(core: &Arc<Core>, id: PortId) -> Option<PortInfo> {
    if id.node != core.node {
        return None;
    }
    let pin = core.pin();
    let cell = core.ports.get(id.slot, id.generation, &pin)?;
    let body = cell.body.lock();
    if body.phase != Phase::Open {
        return None;
    }
    let rare = body.rare.as_deref();
    let mut info = PortInfo {
        id,
        name: "",
        connected: body.owner,
        links: body.links.iter().map(|(pid, ())| *pid).collect(),
        monitored_by: body.watchers.iter().map(|(_, pid)| *pid).collect(),
        monitors: rare.map_or(Vec::new(), |rare| {
            rare.monitors.iter().map(|(_, pid)| *pid).collect()
        }),
        busy: rare.is_some_and(|rare| rare.line.busy),
        writers_waiting: rare.map_or(0, |rare| rare.line.len()),
        registered_name: core.registry.name_of(id.into()),
        facts: Vec::new(),
    };
    callback(cell, body, &pin, |driver, _| {
        (info.name, info.facts) = (driver.name(), driver.facts());
        info
    })
}

pub(super) fn exists(core: &Core, id: PortId) -> bool {
    let pin = core.pin();
    let cell = core.ports.get(id.slot, id.generation, &pin);
    id.node == core.node && cell.is_some_and(|cell| cell.body.lock().phase != Phase::Closed)
}

/// The ports that are not closed; those that are flushing included where `flushing`.
pub(crate) fn ids(core: &Core, flushing: bool) -> Vec<PortId> {
    let mut ids = Vec::new();
    let pin = core.pin();
    core.ports.each(&pin, |cell| {
        let phase = cell.body.lock().phase;
        if phase == Phase::Open || (flushing && phase == Phase::Closing) {
            ids.push(cell.id);
        }
    });
    ids
}

pub(super) fn all(core: &Core) -> Vec<PortId> {
    ids(core, false)
}

impl fmt::Display for PortInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.id, self.name)?;
        writeln!(f, "  connected          {}", self.connected)?;
        writeln!(f, "  links              {:?}", self.links)?;
        writeln!(f, "  monitored_by       {:?}", self.monitored_by)?;
        writeln!(f, "  monitors           {:?}", self.monitors)?;
        let (busy, waiting) = (self.busy, self.writers_waiting);
        write!(f, "  busy               {busy} ({waiting} wait)")?;
        for (name, value) in &self.facts {
            write!(f, "\n  {name:18} {value}")?;
        }
        Ok(())
    }
}
