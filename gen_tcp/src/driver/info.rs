//! A picture of one socket, for `inet::info` and `inet::i` (1.15).
//!
//! Taken under the port's lock, so that its parts belong together. Not here: links and monitors,
//! which are the runtime's to tell, and how it is printed.

use runtime::Pid;
use runtime::port::PortCx;

use super::TcpPort;
use super::stats::Stat;
use crate::inet::addr::{Family, SocketName};

/// See the file's header.
pub(crate) struct Snapshot {
    pub(crate) owner: Pid,
    pub(crate) family: Family,
    pub(crate) states: Vec<&'static str>,
    /// In the order of [`Stat::ALL`].
    pub(crate) counters: Vec<(Stat, u64)>,
    /// Bytes that the socket holds: itself, its input, its queue.
    pub(crate) memory: usize,
    pub(crate) local: Option<SocketName>,
    pub(crate) peer: Option<SocketName>,
}

impl TcpPort {
    pub(crate) fn snapshot(&mut self, cx: &mut PortCx<'_>) -> Snapshot {
        Snapshot {
            counters: self.get_stats(cx, &Stat::ALL),
            owner: cx.owner(),
            family: self.family,
            states: self.states(),
            memory: size_of::<TcpPort>() + self.reader.input.capacity() + self.writer.output.len(),
            local: self.local_name().ok(),
            peer: self.peer_name().ok(),
        }
    }
}
