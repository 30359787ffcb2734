//! What can be asked about a process (`process_info`, process 10.8), as data that prints as a
//! table.
//!
//! Answered by the process itself, between two of its polls, so the picture is of one moment.

use std::fmt;
use std::panic::Location;

use super::links::LinkState;
use super::monitors::Item;
use super::{Doing, Pcb};
use crate::name::Name;
use crate::pid::{ActorId, Pid};
use crate::priority::Priority;

/// A picture of one process.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// Who.
    pub pid: Pid,
    /// Its name, where it has one.
    pub registered_name: Option<Name>,
    /// What people call it, where somebody said so.
    pub label: Option<Name>,
    /// Whose turn it is before whose.
    pub priority: Priority,
    /// `running`, `runnable`, `waiting`, `suspended` or `exiting`, as it would be without this
    /// question.
    pub status: &'static str,
    /// Messages in the mailbox.
    pub message_queue_len: u32,
    /// Whom it is linked to, in the order of linking.
    pub links: Vec<ActorId>,
    /// What it watches, in the order of watching.
    pub monitors: Vec<Item>,
    /// Who watches it, one entry for each monitor.
    pub monitored_by: Vec<ActorId>,
    /// Whether exit signals become messages.
    pub trap_exit: bool,
    /// Who spawned it.
    pub parent: Pid,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// Bytes of its control block and future.
    pub memory: usize,
    /// Bytes of its future alone.
    pub future: usize,
}

/// The picture of a process that the calling thread runs.
pub(crate) fn of(pcb: &Pcb) -> ProcessInfo {
    // SAFETY: this thread runs the process; no user code is called.
    let private = unsafe { pcb.private() };
    let active = |(id, state): (&ActorId, &LinkState)| (*state == LinkState::Active).then_some(*id);
    let links = private.links.iter().filter_map(active).collect();
    let (message_queue_len, trap_exit) = (private.mailbox.len(), private.trap_exit);
    let label = private
        .seldom_if_any()
        .and_then(|seldom| seldom.label.clone());
    let (monitors, monitored_by) = match private.rare_if_any() {
        Some(rare) => (
            rare.monitors
                .iter()
                .map(|(_, monitor)| monitor.item.clone())
                .collect(),
            rare.watchers
                .iter()
                .map(|(_, watcher)| watcher.by)
                .collect(),
        ),
        None => Default::default(),
    };
    ProcessInfo {
        pid: pcb.pid,
        registered_name: pcb.core.registry.name_of(pcb.pid.into()),
        label,
        priority: pcb.marks.priority(),
        status: match private.doing {
            Doing::Runs => "running",
            _ if private.is_suspended() => "suspended",
            // Messages that came since it waited are not in the length that it noted then.
            Doing::Waits if message_queue_len > pcb.queue_len() || private.is_behind() => {
                "runnable"
            }
            Doing::Waits => "waiting",
            Doing::Ready => "runnable",
        },
        message_queue_len,
        links,
        monitors,
        monitored_by,
        trap_exit,
        parent: pcb.parent,
        spawned_at: pcb.spawned_at,
        memory: pcb.bytes(),
        future: pcb.future_bytes(),
    }
}

impl fmt::Display for ProcessInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.pid)?;
        if let Some(name) = &self.registered_name {
            writeln!(f, "  registered_name    {name}")?;
        }
        if let Some(label) = &self.label {
            writeln!(f, "  label              {label}")?;
        }
        if self.priority != Priority::Normal {
            writeln!(f, "  priority           {:?}", self.priority)?;
        }
        writeln!(f, "  status             {}", self.status)?;
        writeln!(f, "  message_queue_len  {}", self.message_queue_len)?;
        writeln!(f, "  links              {:?}", self.links)?;
        writeln!(f, "  monitors           {:?}", self.monitors)?;
        writeln!(f, "  monitored_by       {:?}", self.monitored_by)?;
        writeln!(f, "  trap_exit          {}", self.trap_exit)?;
        writeln!(f, "  parent             {}", self.parent)?;
        writeln!(f, "  spawned_at         {}", self.spawned_at)?;
        write!(
            f,
            "  memory             {} ({} of them its future)",
            self.memory, self.future
        )
    }
}
