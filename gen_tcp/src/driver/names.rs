//! The names of both ends (1.13): what the system says, and what somebody wants to be said.
//!
//! Called by `inet`. Invariant: a pretended name is said by `sockname` and `peername` and used for
//! nothing; an accepted socket has none. Most sockets have none, so it costs them a pointer.

use super::{Role, TcpPort};
use crate::error::Error;
use crate::inet::addr::SocketName;

/// Names that somebody has set.
#[derive(Default)]
pub(crate) struct Pretended {
    pub(crate) local: Option<SocketName>,
    pub(crate) peer: Option<SocketName>,
}

impl TcpPort {
    /// `sockname`, and the number for `port`.
    pub(crate) fn local_name(&self) -> Result<SocketName, Error> {
        let pretended = self
            .pretended
            .as_ref()
            .and_then(|names| names.local.clone());
        pretended.map_or_else(|| self.true_local_name(), Ok)
    }

    pub(crate) fn true_local_name(&self) -> Result<SocketName, Error> {
        let sock = self.wire.open().ok_or(Error::Ebadf)?;
        Ok(self.io.local_addr(sock)?)
    }

    /// `peername`: pretended or not, there has to be a connection.
    pub(crate) fn peer_name(&self) -> Result<SocketName, Error> {
        match self.pretended.as_ref().and_then(|names| names.peer.clone()) {
            Some(name) if self.is_connected() => Ok(name),
            _ => self.true_peer_name(),
        }
    }

    pub(crate) fn true_peer_name(&self) -> Result<SocketName, Error> {
        match (&self.role, self.wire.open()) {
            (Role::Connected, Some(sock)) => Ok(self.io.peer_addr(sock)?),
            _ => Err(Error::Enotconn),
        }
    }

    /// The names that are to be said, to be changed.
    pub(crate) fn pretend(&mut self) -> &mut Pretended {
        self.pretended.get_or_insert_default()
    }
}
