//! What few ports have: writers that wait, processes that the driver watches, jobs elsewhere.
//!
//! Made at first use, so that an idle connection pays a pointer for it. Invariant: it is looked at
//! under the port's lock alone.

use super::busy::Line;
use crate::ordered::OrderedMap;
use crate::pid::{Pid, PortId};
use crate::reference::Ref;

/// See the file's header.
#[derive(Default)]
pub(super) struct Rare {
    /// Whether the port is busy, and who waits for it to be free.
    pub(super) line: Line,
    /// Whom the driver watches.
    pub(super) monitors: OrderedMap<Ref, Pid>,
    /// The monitor of the owner, where the port closes with it (O-4).
    pub(super) owner_watch: Option<Ref>,
    /// The number of the last job (`PortCx::spawn_blocking`).
    pub(super) job: u64,
    /// The serial of the last reference.
    serial: u64,
}

/// Set in the serials of ports, so that they are not those of a process in the same place.
const OF_A_PORT: u64 = 1 << 63;

impl Rare {
    /// A fresh reference of this port.
    pub(super) fn make_ref(&mut self, id: PortId) -> Ref {
        self.serial += 1;
        Ref {
            maker: Pid::new(id.node, id.slot, id.generation),
            serial: OF_A_PORT | self.serial,
            mark: 0,
        }
    }
}
