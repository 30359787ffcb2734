//! What can be asked of a runtime as a whole: statistics, and listings of its processes and ports.
//!
//! On a [`Handle`] from anywhere, as free functions in a process. Invariant: asking disturbs
//! nobody; a listing locks each port for a moment, so it may not be made in a driver's callback.

use std::fmt;

use crate::listing::{self, PortTable, ProcessTable, SortBy};
use crate::node::{Handle, Runtime};
use crate::process::context::current;
use crate::statistics::{self, Statistics};

impl Handle {
    /// What the runtime has and has done (process 9.4). Prints as a table.
    pub fn statistics(&self) -> Statistics {
        statistics::of(&self.core)
    }

    /// All processes, a line each. Prints as a table.
    pub fn process_table(&self) -> ProcessTable {
        listing::processes(&self.core)
    }

    /// The first so many processes, the largest first (B-16). Prints as a table.
    pub fn top(&self, sort_by: SortBy, n: usize) -> ProcessTable {
        listing::top(&self.core, sort_by, n)
    }

    /// All open ports, a line each. Prints as a table.
    pub fn port_table(&self) -> PortTable {
        listing::ports(&self.core)
    }
}

/// What the runtime of the current process has and has done (process 9.4). Prints as a table.
///
/// # Panics
/// Outside of a process.
pub fn statistics() -> Statistics {
    current(|current| statistics::of(current.core()))
}

/// The first so many processes, the largest first (B-16). Prints as a table.
///
/// # Panics
/// Outside of a process.
pub fn top(sort_by: SortBy, n: usize) -> ProcessTable {
    current(|current| listing::top(current.core(), sort_by, n))
}

/// All processes and all open ports, a line each.
impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\n{}", self.process_table(), self.port_table())
    }
}

/// All processes and all open ports, a line each.
impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle().fmt(f)
    }
}
