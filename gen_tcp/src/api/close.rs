//! Closing, and what it waits for (1.8).
//!
//! Called by processes, any of them. Invariant: when it has returned, the caller's mailbox keeps no
//! `tcp_closed` and no exit signal of the socket; dropped while it waits, it leaves the socket
//! open. What it leaves out: the background flush, which is the driver's.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use runtime::port;
use runtime::{Alarm, Wakeup};

use super::{How, call, recv, shutdown, within};
use crate::data::Tcp;
use crate::error::Error;
use crate::options::{Active, Opt, PacketType};
use crate::socket::Socket;

/// Close waits for the queue at most so long (CLO-8), and looks so often whether it moves at all.
const CLOSE_LIMIT: Duration = Duration::from_secs(180);
const CLOSE_LOOK: Duration = Duration::from_secs(5);

/// Closes the socket (`gen_tcp:close/1`, 1.8); any process may. Waits for queued output, as
/// `linger` says or while it moves, or with [`close_wait(false)`](crate::opt::close_wait) not at
/// all; what is left then is written in the background. The caller's mailbox keeps no `tcp_closed`
/// and no exit signal of the socket. Closing again is `Ok`.
///
/// # Errors
/// None; the `Result` is there for `?`.
///
/// # Cancel safety
/// Dropped while it waits, the socket stays open.
pub async fn close(socket: Socket) -> Result<(), Error> {
    wait_drained(socket).await;
    end(socket).await;
    Ok(())
}

/// Closes without a reset, though there may be input that nobody reads (EXT-9): shuts down writing,
/// takes what comes and drops it until the peer ends too, at most so long, and closes. So the peer
/// gets all that was sent before: a system answers input that comes to a closed socket, or is left
/// in one, with a reset, and at the peer a reset takes along what was not read yet. Any process
/// may. The packet type and the mode of the socket are lost by it.
///
/// When the time is over it closes without waiting for queued output; what is left is written in
/// the background, as by [`close`]. Where another process waits in recv nothing is dropped, and it
/// closes at once.
///
/// # Errors
/// None, as [`close`].
///
/// # Cancel safety
/// Dropped while it waits, the socket stays open, passive and shut down for writing.
pub async fn lingering_close(socket: Socket, time: Duration) -> Result<(), Error> {
    let passive = [Opt::Active(Active::False), Opt::Packet(PacketType::Raw)];
    let limit = &mut Some(Alarm::new(time));
    if crate::inet::setopts(socket, passive).is_ok() && shutdown(socket, How::Write).is_ok() {
        // Late or not, it closes.
        let _ = within(limit, async { while recv(socket, 0).await.is_ok() {} }).await;
    }
    end(socket).await;
    Ok(())
}

/// Closes as it is.
async fn end(socket: Socket) {
    runtime::unlink(socket);
    let _ = port::close(socket.port());
    let closed = |message: &Tcp| *message == Tcp::Closed(socket);
    runtime::receive_match_timeout(closed, Duration::ZERO).await;
    runtime::unlink_flush(socket);
}

/// CLO-7 to CLO-9: until the queue is empty, or the time is over, or nothing has moved at all.
async fn wait_drained(socket: Socket) {
    let mut wait = None;
    poll_fn(|cx| {
        let wakeup = Wakeup::new(cx);
        match call(socket, |port, cx| port.wait_drained(cx, wakeup)) {
            Ok(Some(length)) => wait
                .get_or_insert_with(|| Wait::new(socket, length))
                .poll(cx, length),
            _ => Poll::Ready(()),
        }
    })
    .await;
}

/// A close that waits; few do.
struct Wait {
    /// The time that `linger` says; where it says none, a queue that stands still ends it too.
    linger: Option<Duration>,
    limit: Alarm,
    look: Alarm,
    /// How long the queue was at first.
    first: usize,
}

impl Wait {
    fn new(socket: Socket, length: usize) -> Self {
        let set = crate::inet::getopts(socket, [crate::Name::Linger]);
        let linger = match set.as_deref() {
            Ok([Opt::Linger(true, seconds)]) => {
                Some(Duration::from_secs((*seconds).try_into().unwrap_or(0)))
            }
            _ => None,
        };
        Wait {
            linger,
            limit: Alarm::new(linger.unwrap_or(CLOSE_LIMIT)),
            look: Alarm::new(CLOSE_LOOK),
            first: length,
        }
    }

    /// Ready where it has waited long enough for a queue that is so long now.
    fn poll(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<()> {
        if self.limit.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        while self.look.poll(cx).is_ready() {
            if self.linger.is_none() && (length == self.first || length == 0) {
                return Poll::Ready(());
            }
            self.look = Alarm::new(CLOSE_LOOK);
        }
        Poll::Pending
    }
}
