//! Events of a runtime that its operator wants to hear of, and their hook (process 9.4).
//!
//! Reported by the watchdog, by ports, by mailboxes and by the blocking pools; there is no hook by
//! default, and then nothing is made. Invariant: the hook is called with no lock held and nothing
//! borrowed, in the thread that noticed; a panic of it goes nowhere.

use std::panic::Location;

use crate::core::Core;
use crate::pid::{Pid, PortId};
use crate::process::run::shielded;

/// Something that an operator may want to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A process has been in one slice for longer than `Limits::long_schedule_ms` (C-7). Told once
    /// for each such slice, while it lasts, on the watchdog's thread.
    LongSchedule {
        /// Who.
        pid: Pid,
        /// For how long by now.
        ms: u64,
        /// Where it was spawned; `None` where it has begun to end.
        spawned_at: Option<&'static Location<'static>>,
    },
    /// The mailbox of a process has grown to `Limits::long_queue_on` messages, or has shrunk to
    /// `Limits::long_queue_off` after that. Told once each way, in the process.
    LongMessageQueue {
        /// Whose.
        pid: Pid,
        /// How long.
        len: u32,
        /// Whether it has grown.
        long: bool,
    },
    /// A process waits because a port is busy (8.9).
    BusyPort {
        /// Who waits.
        pid: Pid,
        /// For which port.
        port: PortId,
    },
    /// A pool for blocking closures refused one, because its queue is full (C-8).
    BlockingPoolFull,
}

/// Who hears of events.
pub(crate) type EventHook = Box<dyn Fn(&Event) + Send + Sync>;

impl Core {
    /// Tells the hook, where there is one. Nothing may be borrowed or locked.
    pub(crate) fn event(&self, event: impl FnOnce() -> Event) {
        if let Some(hook) = &self.on_event {
            shielded(|| hook(&event()));
        }
    }
}
