//! Identities: `Pid` of a process, `PortId` of a port, `ActorId` of either.
//!
//! Everybody uses them. Invariant (P-1, P-2): one value never denotes two different actors, because
//! it carries the runtime's node number and the generation of its slot; an id whose actor has ended
//! is dead for ever. What an id does not do: it keeps nothing alive.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $open:literal, $close:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            pub(crate) node: u32,
            pub(crate) slot: u32,
            pub(crate) generation: u32,
        }

        impl $name {
            pub(crate) const fn new(node: u32, slot: u32, generation: u32) -> Self {
                $name { node, slot, generation }
            }

            /// The number of the runtime that the actor belongs to.
            pub const fn node(self) -> u32 {
                self.node
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($open, "{}.{}", $close), self.slot, self.generation)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id! {
    /// The identity of a process (process 1.1): `Copy`, comparable, sendable anywhere. Holding one
    /// does not keep the process alive. The order is for maps only and promises nothing.
    Pid, "<0.", ">"
}

id! {
    /// The identity of a port (process 8.1), of a type of its own.
    PortId, "#Port<0.", ">"
}

impl Pid {
    /// The sender of signals that no process sent: the runtime itself.
    pub(crate) const fn nobody(node: u32) -> Self {
        Pid::new(node, 0, 0)
    }
}

impl PortId {
    /// The key under which a port's sources are registered: slot and generation.
    pub(crate) const fn token(self) -> u64 {
        ((self.slot as u64) << 32) | self.generation as u64
    }

    pub(crate) const fn from_token(node: u32, token: u64) -> Self {
        PortId::new(node, (token >> 32) as u32, token as u32)
    }
}

/// A process or a port: whoever can be linked to and can send exit signals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorId {
    /// A process.
    Process(Pid),
    /// A port.
    Port(PortId),
}

impl ActorId {
    /// The pid, where the actor is a process.
    pub const fn pid(self) -> Option<Pid> {
        match self {
            ActorId::Process(pid) => Some(pid),
            ActorId::Port(_) => None,
        }
    }

    /// The port, where the actor is one.
    pub const fn port(self) -> Option<PortId> {
        match self {
            ActorId::Port(port) => Some(port),
            ActorId::Process(_) => None,
        }
    }
}

impl From<Pid> for ActorId {
    fn from(pid: Pid) -> Self {
        ActorId::Process(pid)
    }
}

impl From<PortId> for ActorId {
    fn from(port: PortId) -> Self {
        ActorId::Port(port)
    }
}

impl PartialEq<Pid> for ActorId {
    fn eq(&self, other: &Pid) -> bool {
        self.pid() == Some(*other)
    }
}

impl PartialEq<PortId> for ActorId {
    fn eq(&self, other: &PortId) -> bool {
        self.port() == Some(*other)
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActorId::Process(pid) => pid.fmt(f),
            ActorId::Port(port) => port.fmt(f),
        }
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
