//! `recv`, as a future: what a process holds of a recv until it has its answer.
//!
//! Written out and not an `async fn`, because every connection's process keeps one. Invariant
//! (REC-4): dropped, it has taken nothing, and the socket expects it no more.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use runtime::port::{self, PortClosed, PortCx};
use runtime::{Alarm, Wakeup};

use super::call;
use crate::data::Data;
use crate::driver::{Ask, TcpPort};
use crate::error::Error;
use crate::socket::Socket;

/// Receives on a passive socket (`gen_tcp:recv/2`, 1.5 and 6.1). Length 0: what is there, or one
/// packet; in raw mode a length: exactly so many bytes. Any process may, one at a time.
///
/// # Errors
/// [`Error::Closed`] at the end; [`Error::Einval`] on an active socket and for a length in a packet
/// mode; [`Error::Ealready`] while another recv waits; [`Error::Enomem`] beyond 64 MiB;
/// [`Error::Emsgsize`] for input that the packet type refuses; [`Error::Enotconn`]; `econnreset`
/// and its like.
///
/// # Cancel safety
/// Nothing happens before the first poll. Dropped, it has taken nothing; what came stays for the
/// next.
///
/// # Panics
/// Where it is polled outside of a process.
pub fn recv(socket: Socket, length: usize) -> RecvFuture {
    RecvFuture {
        socket,
        at_once: false,
        length,
        id: None,
    }
}

/// As [`recv`], with a limit to all of it (REC-6), counted from the first poll. What came until
/// then stays for the next.
///
/// # Errors
/// As [`recv`], and [`Error::Timeout`].
///
/// # Cancel safety
/// As [`recv`].
///
/// # Panics
/// As [`recv`].
pub fn recv_timeout(socket: Socket, length: usize, time: Duration) -> RecvTimeoutFuture {
    let mut recv = recv(socket, length);
    recv.at_once = time.is_zero();
    let limit = Limit::For(time);
    RecvTimeoutFuture { recv, limit }
}

/// The future of [`recv`].
#[must_use = "nothing is received before it is polled"]
#[derive(Debug)]
pub struct RecvFuture {
    socket: Socket,
    /// Its time limit is 0.
    at_once: bool,
    length: usize,
    /// Its number, once it waits.
    id: Option<u64>,
}

impl Future for RecvFuture {
    type Output = Result<Data, Error>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Data, Error>> {
        self.attempt(cx)
    }
}

impl RecvFuture {
    fn attempt(&mut self, cx: &mut Context<'_>) -> Poll<Result<Data, Error>> {
        if runtime::poll_budget(cx).is_pending() {
            return Poll::Pending;
        }
        let wakeup = Wakeup::new(cx);
        let ask = Ask {
            length: self.length,
            at_once: self.at_once,
        };
        let id = &mut self.id;
        let polled = match call(self.socket, |port, cx| port.recv(cx, id, ask, wakeup)) {
            Ok(polled) => polled,
            Err(PortClosed) => Poll::Ready(Err(Error::Closed)),
        };
        if let Poll::Ready(result) = &polled {
            self.id = None;
            if result.is_ok() {
                port::note_input(self.socket.port());
            }
        }
        polled
    }
}

impl Drop for RecvFuture {
    #[inline]
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let cancel = |port: &mut TcpPort, _: &mut PortCx<'_>, id| port.cancel_recv(id);
            super::give_up(self.socket, id, cancel);
        }
    }
}

/// The future of [`recv_timeout`].
#[must_use = "nothing is received before it is polled"]
#[derive(Debug)]
pub struct RecvTimeoutFuture {
    recv: RecvFuture,
    limit: Limit,
}

#[derive(Debug)]
enum Limit {
    /// It was not polled yet.
    For(Duration),
    Until(Alarm),
}

impl Future for RecvTimeoutFuture {
    type Output = Result<Data, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Data, Error>> {
        let RecvTimeoutFuture { recv, limit } = &mut *self;
        if let Limit::For(time) = *limit {
            *limit = Limit::Until(Alarm::new(time));
        }
        let polled = recv.attempt(cx);
        // Without a number it has not been looked at: its slice was used up before.
        let (Limit::Until(alarm), Some(id), Poll::Pending) = (limit, recv.id, &polled) else {
            return polled;
        };
        if alarm.poll(cx).is_pending() {
            return polled;
        }
        match call(recv.socket, |port, _| port.may_time_out(id)) {
            Ok(false) => Poll::Pending,
            Ok(true) | Err(PortClosed) => Poll::Ready(Err(Error::Timeout)),
        }
    }
}
