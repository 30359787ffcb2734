//! The functions of gen_tcp, as processes call them (part 1).
//!
//! Each checks its arguments, then works on the socket's port under its lock; those that wait are
//! futures that ask again when they are woken. Invariant: a call that is dropped leaves nothing
//! behind: no place in a queue, no timer, no half-made socket. What it leaves out: everything that
//! knows what a connection is, which is in `driver`.

mod close;
mod recv;
mod send;

use std::future::{Future, poll_fn};
use std::net::Shutdown;
use std::pin::pin;
use std::task::{Context, Poll};

use runtime::port::{self, HandOverError, PortClosed, PortCx};
use runtime::{Alarm, Pid};

use crate::data::IoData;
use crate::driver::TcpPort;
use crate::error::Error;
use crate::socket::Socket;

pub use close::{close, lingering_close};
pub use recv::{RecvFuture, RecvTimeoutFuture, recv, recv_timeout};
pub use send::{SendFuture, send, try_send};

/// Which direction to shut down.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum How {
    /// No more reading.
    Read,
    /// No more writing: the peer reads what was sent, then the end.
    Write,
    /// Both.
    ReadWrite,
}

pub(crate) fn call<R>(
    socket: Socket,
    f: impl FnOnce(&mut TcpPort, &mut PortCx<'_>) -> R,
) -> Result<R, PortClosed> {
    port::call(socket.port(), f)
}

/// As [`call`], where the socket is closed and writes its queue in the background, too (1.17).
pub(crate) fn look<R>(
    socket: Socket,
    f: impl FnOnce(&mut TcpPort, &mut PortCx<'_>) -> R,
) -> Result<R, PortClosed> {
    port::look(socket.port(), f)
}

/// A place in a queue of the socket, given up when dropped.
pub(crate) struct Place<T> {
    pub(crate) socket: Socket,
    pub(crate) op: T,
    pub(crate) id: fn(&T) -> Option<u64>,
    pub(crate) cancel: fn(&mut TcpPort, &mut PortCx<'_>, u64),
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        if let Some(id) = (self.id)(&self.op) {
            give_up(self.socket, id, self.cancel);
        }
    }
}

/// Gives up the place with this number in a queue of the socket.
#[cold]
fn give_up(socket: Socket, id: u64, cancel: fn(&mut TcpPort, &mut PortCx<'_>, u64)) {
    if runtime::try_self_pid().is_some() {
        let _ = call(socket, |port, cx| cancel(port, cx, id));
    }
}

/// Polls an alarm that may not be there.
pub(crate) fn is_late(alarm: &mut Option<Alarm>, cx: &mut Context<'_>) -> bool {
    alarm
        .as_mut()
        .is_some_and(|alarm| alarm.poll(cx).is_ready())
}

/// Waits for a future, but not past the alarm.
pub(crate) async fn within<F: Future>(
    alarm: &mut Option<Alarm>,
    future: F,
) -> Result<F::Output, Error> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Ok(value)),
        Poll::Pending if is_late(alarm, cx) => Poll::Ready(Err(Error::Timeout)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Puts bytes back in front of the input (`gen_tcp:unrecv/2`, 1.6); of several calls the last is
/// read first.
///
/// # Errors
/// [`Error::Enotconn`], [`Error::Closed`].
pub fn unrecv(socket: Socket, data: impl Into<IoData>) -> Result<(), Error> {
    let data = data.into();
    call(socket, |port, cx| port.unrecv(cx, &data.0)).unwrap_or(Err(Error::Closed))
}

/// Gives the socket to another process, together with its messages that wait in the caller's
/// mailbox, in one step (`gen_tcp:controlling_process/2`, 4.2): at no moment is it without an
/// owner.
///
/// # Errors
/// [`Error::Eperm`] where the caller is not the owner, [`Error::Closed`], and [`Error::BadArg`]
/// where the new owner is dead; nothing has changed then.
pub fn controlling_process(socket: Socket, to: Pid) -> Result<(), Error> {
    port::hand_over(socket.port(), to).map_err(|error| match error {
        HandOverError::Closed => Error::Closed,
        HandOverError::NotOwner => Error::Eperm,
        HandOverError::NoProc => Error::BadArg,
    })
}

/// Shuts down one or both directions (`gen_tcp:shutdown/2`, 1.9). With output in the queue it
/// returns at once, and the shutdown follows the last byte.
///
/// # Errors
/// [`Error::Enotconn`], [`Error::Closed`].
pub fn shutdown(socket: Socket, how: How) -> Result<(), Error> {
    let how = match how {
        How::Read => Shutdown::Read,
        How::Write => Shutdown::Write,
        How::ReadWrite => Shutdown::Both,
    };
    call(socket, |port, cx| port.shutdown(cx, how)).unwrap_or(Err(Error::Closed))
}

/// Lends the descriptor to a closure, under the port's lock; it must not block.
///
/// # Errors
/// [`Error::Closed`], or [`Error::Ebadf`] where the descriptor is gone or simulated.
pub fn with_fd<R>(
    socket: Socket,
    f: impl FnOnce(std::os::fd::BorrowedFd<'_>) -> R,
) -> Result<R, Error> {
    call(socket, |port, _| port.with_fd(f)).unwrap_or(Err(Error::Closed))
}

/// Takes the descriptor out of the socket, which ends as by a close.
///
/// # Errors
/// As [`with_fd`].
pub fn take_fd(socket: Socket) -> Result<std::os::fd::OwnedFd, Error> {
    runtime::unlink(socket);
    call(socket, TcpPort::take_fd).unwrap_or(Err(Error::Closed))
}
