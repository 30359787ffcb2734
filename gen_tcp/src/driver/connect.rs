//! The way to a connection: a socket that waits to be told whether its connect succeeded (CON-6,
//! CON-15).
//!
//! Driven by the future of `connect`. Invariant: the error is fetched once; a wake-up that is
//! spurious decides nothing.

use std::task::Poll;

use runtime::Wakeup;
use runtime::port::PortCx;

use super::{Role, TcpPort};
use crate::error::Error;

/// Who waits for the connection.
#[derive(Default)]
pub(crate) struct Connector {
    waiting: Option<Wakeup>,
}

impl Connector {
    pub(super) fn ready(&mut self, cx: &mut PortCx<'_>) {
        if let Some(wakeup) = self.waiting.take() {
            cx.wake(wakeup);
        }
    }
}

impl TcpPort {
    /// Whether the connection is there by now.
    pub(crate) fn poll_connected(&mut self, wakeup: Wakeup) -> Poll<Result<(), Error>> {
        let (Role::Connecting(connector), Some(sock)) = (&mut self.role, self.wire.open()) else {
            return Poll::Ready(Ok(()));
        };
        match self.io.take_error(sock) {
            Ok(Some(error)) | Err(error) => return Poll::Ready(Err(error.into())),
            Ok(None) => {}
        }
        if self.io.peer_addr(sock).is_ok() {
            self.role = Role::Connected;
            return Poll::Ready(Ok(()));
        }
        connector.waiting = Some(wakeup);
        Poll::Pending
    }
}
