//! The socket value: a handle that is an identifier, like a pid (0.5).

use std::fmt;

use runtime::{ActorId, PortId};

/// A socket: the port that it is. `Copy`; losing the last one closes nothing, and a handle of a
/// socket that has ended never comes to mean another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket(PortId);

impl Socket {
    /// The port, for links, monitors, names and exit signals.
    #[must_use]
    pub const fn port(self) -> PortId {
        self.0
    }

    /// The socket that a port is. Calls on a port that is none answer as a closed socket does.
    #[must_use]
    pub const fn from_port(port: PortId) -> Self {
        Socket(port)
    }
}

impl From<Socket> for ActorId {
    fn from(socket: Socket) -> Self {
        socket.0.into()
    }
}

impl From<Socket> for PortId {
    fn from(socket: Socket) -> Self {
        socket.0
    }
}

impl PartialEq<Socket> for ActorId {
    fn eq(&self, other: &Socket) -> bool {
        self.port() == Some(other.0)
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
