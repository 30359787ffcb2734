//! Crash reports: one for each process that panics or returns an error.
//!
//! Made by the exit sequence, given to the runtime's hook, which prints by default. Ends that
//! others brought about, by exit signals and kills, make none: their victims did nothing wrong
//! (1.4).

use std::fmt;
use std::panic::Location;

use crate::name::Name;
use crate::pid::Pid;
use crate::reason::Reason;

/// What is known of a process that crashed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CrashReport {
    /// Who.
    pub pid: Pid,
    /// Under which name it was registered.
    pub name: Option<Name>,
    /// What people call it, where somebody said so.
    pub label: Option<Name>,
    /// Why.
    pub reason: Reason,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
}

impl fmt::Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        if let Some(name) = &self.name {
            write!(f, " ({name})")?;
        }
        if let Some(label) = &self.label {
            write!(f, " [{label}]")?;
        }
        write!(
            f,
            ", spawned at {}, ended: {}",
            self.spawned_at, self.reason
        )
    }
}

/// Told of the end of every process: what a simulated world keeps its books by.
pub(crate) type ExitHook = Box<dyn Fn(Pid, &Reason) + Send + Sync>;

/// Where crash reports go.
pub(crate) type CrashHook = Box<dyn Fn(&CrashReport) + Send + Sync>;

/// The hook that a runtime has where none was given: a line on standard error.
pub(crate) fn print() -> CrashHook {
    Box::new(|report| eprintln!("{report}"))
}
