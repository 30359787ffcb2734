//! Sending a file (1.22), as processes call it.
//!
//! What: `file:sendfile/2` and `/5`. Files are opened off the scheduler's threads; their bytes are
//! sent by the system, from its own memory of the file, where it can. A byte that is not in that
//! memory is read from the disk by the thread that sends, as in Erlang. Invariant: a call that is
//! dropped before it has begun has sent nothing; one that has begun sends all. Not here: what
//! happens on the socket, which is in `driver/sendfile`.

use std::fs::{File, OpenOptions};
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::task::Poll;
use std::time::Duration;

use runtime::port::PortClosed;
use runtime::{Alarm, Wakeup};

use crate::api::call;
use crate::driver::{Outcome, Part};
use crate::error::Error;
use crate::socket::Socket;

/// Beyond this there is no place in a file.
const OFFSET_MAX: u64 = i64::MAX as u64;

/// Sends a whole file (`file:sendfile/2`, SFL-1 to SFL-14). Gives the number of bytes when the
/// kernel has taken all of them. What is in the output queue goes first; what others send meanwhile
/// is queued and goes behind (SFL-7). No packet header is made (SFL-6). Any process may call (part
/// 9, row 34).
///
/// # Errors
/// - What opening says: `enoent`, `eacces`, `eisdir`; [`Error::Emfile`], [`Error::SystemLimit`].
/// - [`Error::Einval`] for a closed socket, and while another file is being sent (SFL-8, SFL-9).
/// - [`Error::Enotconn`] where the socket is not connected.
/// - [`Error::Closed`] where the connection ends or the socket is closed in the middle: the rest of
///   the file is dropped, and so is the queue (SFL-13).
/// - [`Error::Timeout`] where the kernel has taken nothing for `send_timeout` (row 34). As with a
///   send, what is left is sent all the same, unless `send_timeout_close` ends the connection.
/// - What reading the file says: `eio`, `espipe`. Where a part has been sent the connection has
///   ended.
///
/// # Cancel safety
/// Dropped before the file is open, nothing is sent. Dropped after that, the file is sent, with
/// nobody to be told; closing the socket ends it.
///
/// # Panics
/// Outside of a process.
pub async fn sendfile(path: impl AsRef<Path>, socket: Socket) -> Result<u64, Error> {
    let path: PathBuf = path.as_ref().to_owned();
    let opened = runtime::blocking(move || open(&path)).await;
    let file = opened.unwrap_or(Err(Error::SystemLimit))?;
    let whole = Part {
        file: file.into(),
        offset: 0,
        bytes: u64::MAX,
    };
    send_part(whole, socket).await
}

/// Sends a part of an open file (`file:sendfile/5`): `bytes` from `offset` on, or all up to the end
/// where `bytes` is 0. What the file has not is left out: an offset at or behind its end gives 0
/// (SFL-2). The file's own position stays (SFL-5), and the file may be closed while it is sent.
///
/// # Errors
/// As [`sendfile`]. [`Error::Einval`] for an offset or a number beyond 63 bits (SFL-3); `ebadf`
/// where the file is not open for reading (SFL-4).
///
/// # Cancel safety
/// As [`sendfile`]: dropped before it was polled, nothing is sent; after that, all of it.
///
/// # Panics
/// Outside of a process.
pub async fn sendfile_range(
    file: &File,
    socket: Socket,
    offset: u64,
    bytes: u64,
) -> Result<u64, Error> {
    if offset > OFFSET_MAX || bytes > OFFSET_MAX {
        return Err(Error::Einval);
    }
    let part = Part {
        file: OwnedFd::from(file.try_clone()?),
        offset,
        bytes: if bytes == 0 { u64::MAX } else { bytes },
    };
    send_part(part, socket).await
}

/// Opens a file without waiting for what is behind it: a pipe may have no writer.
fn open(path: &Path) -> Result<File, Error> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    // A path with a zero byte has no errno.
    let file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Error::Einval,
        _ => error.into(),
    })?;
    if file.metadata()?.is_dir() {
        return Err(Error::Eisdir);
    }
    Ok(file)
}

/// A caller that waits for its file, until it is dropped.
struct Waiting {
    socket: Socket,
    outcome: Outcome,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.outcome.get().is_none() && runtime::try_self_pid().is_some() {
            let _ = call(self.socket, |port, _| port.leave_file(&self.outcome));
        }
    }
}

async fn send_part(part: Part, socket: Socket) -> Result<u64, Error> {
    let mut part = Some(part);
    let mut limit: Option<Duration> = None;
    let mut alarm: Option<Alarm> = None;
    let waiting = Waiting {
        socket,
        outcome: Outcome::default(),
    };
    let outcome = &waiting.outcome;
    poll_fn(|cx| {
        if runtime::poll_budget(cx).is_pending() {
            return Poll::Pending;
        }
        let wakeup = Wakeup::new(cx);
        let reached = match part.take() {
            Some(part) => {
                let begun = call(socket, |port, cx| {
                    port.begin_file(cx, part, outcome, wakeup)
                });
                limit = begun.unwrap_or(Err(Error::Einval))?;
                alarm = limit.map(Alarm::new);
                Ok(())
            }
            None => call(socket, |port, _| port.wait_file(outcome, wakeup)),
        };
        loop {
            if let Some(result) = outcome.get() {
                return Poll::Ready(result);
            }
            if let Err(PortClosed) = reached {
                return Poll::Ready(Err(Error::Closed));
            }
            let (Some(limit), Some(alarm)) = (limit, &mut alarm) else {
                return Poll::Pending;
            };
            if alarm.poll(cx).is_pending() {
                return Poll::Pending;
            }
            match call(socket, |port, cx| port.file_rest(cx, outcome, limit)) {
                Ok(Some(rest)) => *alarm = Alarm::new(rest),
                // The outcome says which end it was.
                Ok(None) => {}
                Err(PortClosed) => return Poll::Ready(outcome.get().unwrap_or(Err(Error::Closed))),
            }
        }
    })
    .await
}
