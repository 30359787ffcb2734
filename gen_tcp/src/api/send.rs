//! `send`, as a future: what a process holds of a send until it has its answer.
//!
//! Written out and not an `async fn`, because every connection's process keeps room for one.
//! Invariant (SEN-8): dropped while it waits, it gives up its place in the socket's queue.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use runtime::port::{self, PortClosed};
use runtime::{Alarm, Wakeup};

use super::call;
use crate::data::IoData;
use crate::driver::{Caller, SendOp, Sent, TcpPort};
use crate::error::Error;
use crate::socket::Socket;

/// Sends (`gen_tcp:send/2`, 1.4 and part 5). `Ok`: handed to the system or queued, not: arrived.
/// Waits where the queue is at its high watermark, at most `send_timeout`.
///
/// # Errors
/// [`Error::Closed`], [`Error::Enotconn`], `econnreset`; [`Error::Timeout`]: the data is queued all
/// the same (STM-2); [`Error::Emsgsize`] where the packet type's length cannot say it;
/// [`Error::Enobufs`] where the queue would hold more than `send_queue_limit` (part 9, row 11). But
/// for `timeout`, nothing of the data is queued after an error.
///
/// # Cancel safety
/// Nothing happens before the first poll. Dropped while it waits: data that was accepted is sent,
/// other data is not (SEN-8).
///
/// # Panics
/// Where it is polled outside of a process.
pub fn send(socket: Socket, data: impl Into<IoData>) -> SendFuture {
    SendFuture {
        socket,
        op: SendOp::new(data.into()),
        alarm: None,
    }
}

/// Sends where it need not wait: all of the data or nothing (part 9, row 12). `Ok` as of [`send`]:
/// where the queue is empty any amount is taken, else what leaves it under the high watermark.
/// `send_timeout` plays no part.
///
/// # Errors
/// [`Error::Eagain`] where [`send`] would wait; else as [`send`], but for [`Error::Timeout`].
/// After an error none of the data is queued.
///
/// # Panics
/// Outside of a process.
pub fn try_send(socket: Socket, data: impl Into<IoData>) -> Result<(), Error> {
    let mut data = data.into();
    call(socket, |port, cx| port.try_send(cx, &mut data)).unwrap_or(Err(Error::Closed))
}

/// The future of [`send`].
#[must_use = "nothing is sent before it is polled"]
pub struct SendFuture {
    socket: Socket,
    op: SendOp,
    /// `send_timeout`, once it waits.
    alarm: Option<Box<Alarm>>,
}

impl Future for SendFuture {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if runtime::poll_budget(cx).is_pending() {
            return Poll::Pending;
        }
        let (socket, wakeup) = (self.socket, Wakeup::new(cx));
        let caller = Caller {
            wakeup,
            has_messages: runtime::has_messages(),
            is_answering: port::is_answering(socket.port()),
        };
        let op = &mut self.op;
        let result = match call(socket, |port, cx| port.send(cx, op, caller)) {
            Err(PortClosed) => self.op.closed(),
            Ok(Sent::Done(result)) => result,
            Ok(Sent::Waits(limit)) => {
                if self.alarm.is_none() {
                    self.alarm = limit.map(|limit| Box::new(Alarm::new(limit)));
                }
                let alarm = self.alarm.as_mut();
                if alarm.is_none_or(|alarm| alarm.poll(cx).is_pending()) {
                    return Poll::Pending;
                }
                let op = &mut self.op;
                let result = call(socket, |port, cx| port.time_out_send(cx, op));
                result.unwrap_or_else(|PortClosed| self.op.closed())
            }
        };
        self.op.is_over();
        Poll::Ready(result)
    }
}

impl Drop for SendFuture {
    #[inline]
    fn drop(&mut self) {
        if let Some(id) = self.op.id() {
            super::give_up(self.socket, id, TcpPort::cancel_send);
        }
    }
}

impl fmt::Debug for SendFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
