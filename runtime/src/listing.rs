//! Listings of all processes and all ports, one line each, for people and for programs (process
//! 10.9).
//!
//! Made from what anybody may read, without asking the processes: their mailboxes are not copied
//! and they are not woken. Invariant: everyone who lives throughout the call is in it; each line is
//! of one moment as far as its process or port last wrote it down.

use std::cmp::Reverse;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::core::Core;
use crate::name::Name;
use crate::pid::Pid;
use crate::port::PortInfo;
use crate::port::info;
use crate::sync::Ordering;

/// By what the processes of a listing are sorted, the largest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SortBy {
    /// The length of the mailbox.
    MessageQueue,
    /// The bytes of the control block and the future.
    Memory,
}

/// One process in a listing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessLine {
    /// Who.
    pub pid: Pid,
    /// Its name, where it has one.
    pub registered_name: Option<Name>,
    /// `running`, `runnable`, `waiting` or `exiting`.
    pub status: &'static str,
    /// Messages in its mailbox when it last looked; what was sent since is not counted.
    pub message_queue_len: u32,
    /// Bytes of its control block and future.
    pub memory: usize,
    /// Who spawned it.
    pub parent: Pid,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
}

/// The processes of a runtime. Prints as a table.
#[derive(Clone, Debug)]
pub struct ProcessTable(pub Vec<ProcessLine>);

/// The open ports of a runtime. Prints as a table.
#[derive(Clone, Debug)]
pub struct PortTable(pub Vec<PortInfo>);

/// All processes, in the order of the table.
pub(crate) fn processes(core: &Core) -> ProcessTable {
    let (mut lines, pin) = (Vec::new(), core.pin());
    core.processes.each(&pin, |pcb| {
        lines.push(ProcessLine {
            pid: pcb.pid,
            registered_name: None,
            status: pcb.inbox.name(),
            message_queue_len: pcb.queue_len.load(Ordering::Relaxed),
            memory: pcb.bytes(),
            parent: pcb.parent,
            spawned_at: pcb.spawned_at,
        });
    });
    drop(pin);
    for line in &mut lines {
        line.registered_name = core.registry.name_of(line.pid.into());
    }
    ProcessTable(lines)
}

/// The first so many processes by this order.
pub(crate) fn top(core: &Core, sort_by: SortBy, n: usize) -> ProcessTable {
    let mut table = processes(core);
    let key = |line: &ProcessLine| match sort_by {
        SortBy::MessageQueue => line.message_queue_len as usize,
        SortBy::Memory => line.memory,
    };
    table.0.sort_by_key(|line| (Reverse(key(line)), line.pid));
    table.0.truncate(n);
    table
}

/// All open ports, in the order of the table.
pub(crate) fn ports(core: &Arc<Core>) -> PortTable {
    let ids = info::ids(core, false);
    PortTable(
        ids.into_iter()
            .filter_map(|id| info::of(core, id))
            .collect(),
    )
}

impl fmt::Display for ProcessTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid          status     queue   memory  name or place")?;
        for line in &self.0 {
            let (pid, status, queue) = (line.pid.to_string(), line.status, line.message_queue_len);
            write!(f, "\n{pid:12} {status:10} {queue:5} {:8}  ", line.memory)?;
            match &line.registered_name {
                Some(name) => write!(f, "{name}")?,
                None => write!(f, "{}", line.spawned_at)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for PortTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port         driver     owner        links  facts")?;
        for port in &self.0 {
            let (id, name) = (port.id.to_string(), port.name);
            let (owner, links) = (port.connected.to_string(), port.links.len());
            write!(f, "\n{id:12} {name:10} {owner:12} {links:5} ")?;
            if port.busy {
                write!(f, " busy={}", port.writers_waiting)?;
            }
            for (name, value) in &port.facts {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}
