//! A file on its way (1.22): sent between what was queued before it and what is queued after it.
//!
//! Begun by the API, driven by writing. A socket has one at a time (SFL-8); it may outlive the
//! interest of its caller, as data of a send does (SEN-8, STM-2).
//!
//! ```text
//!               1 begin
//!                  │
//!        queue before it? ── no ──────────┐        ┌── 3 the kernel is full, or a turn is over
//!                  │ yes                  ▼        ▼      │
//!               Behind ── 2 written ──► Going ────────────┘
//!                  │                      ├──────── 4 last byte, end of file ──► over, Ok(bytes)
//!                  └──────────────────────┴──────── 5 the connection ends ─────► over, Err(reason)
//! ```
//! 1 `begin_file` · 2 `queue_moved` · 3 `write_file`, from `write_queue` · 4 `end_file` ·
//! 5 `fail_file`, wherever the queue is dropped too (SFL-13)
//!
//! Invariant (SFL-7): nothing of the queue gets between the bytes of the file. The outcome is
//! written once, into a place that its caller holds: it is there even when the port is gone.
//! Not here: opening files, waiting, time limits.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use runtime::Wakeup;
use runtime::port::PortCx;

use super::writer::Shut;
use super::{TcpPort, Wire};
use crate::error::Error;
use crate::io::set_option;
use crate::options::{Name, Opt};

/// Where the caller finds what has become of its file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome(Arc<Mutex<Option<Result<u64, Error>>>>);

impl Outcome {
    /// The bytes that were sent, or why not all of them; `None` as long as it goes on.
    pub(crate) fn get(&self) -> Option<Result<u64, Error>> {
        *self.0.lock()
    }

    fn set(&self, result: Result<u64, Error>) {
        self.0.lock().get_or_insert(result);
    }

    fn is(&self, other: &Outcome) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A part of a file to be sent.
pub(crate) struct Part {
    pub(crate) file: OwnedFd,
    pub(crate) offset: u64,
    /// How many bytes; what is beyond the end of the file does not count.
    pub(crate) bytes: u64,
}

/// A file on its way.
pub(super) struct Transfer {
    part: Part,
    sent: u64,
    /// Bytes of the queue that go first.
    ahead: usize,
    /// When bytes moved last.
    moved_at: Duration,
    /// `nopush` was set for it, and is taken back.
    corked: bool,
    outcome: Outcome,
    /// Its caller, if that still waits.
    waiting: Option<Wakeup>,
}

impl TcpPort {
    /// Begins to send a file. What becomes of it is told by the outcome; the time that it may stand
    /// still is the answer.
    pub(crate) fn begin_file(
        &mut self,
        cx: &mut PortCx<'_>,
        part: Part,
        outcome: &Outcome,
        wakeup: Wakeup,
    ) -> Result<Option<Duration>, Error> {
        if std::mem::take(&mut self.writer.delayed) {
            cx.cancel_timer();
        }
        self.end_gathering(cx);
        if !self.is_connected() {
            return Err(Error::Enotconn);
        }
        if self.file.is_some() {
            return Err(Error::Einval);
        }
        if !matches!(self.writer.shut, Shut::No) {
            self.may_write(cx)?;
        }
        self.writer.output.seal();
        self.file = Some(Box::new(Transfer {
            part,
            sent: 0,
            ahead: self.writer.output.len(),
            moved_at: cx.now(),
            corked: self.cork(),
            outcome: outcome.clone(),
            waiting: Some(wakeup),
        }));
        let limit_ms = self.settings.send_timeout_ms;
        self.write_queue(cx);
        Ok(limit_ms.map(|ms| Duration::from_millis(ms.into())))
    }

    /// The caller of a file waits on, where it is not over.
    pub(crate) fn wait_file(&mut self, outcome: &Outcome, wakeup: Wakeup) {
        if let Some(transfer) = self.transfer_of(outcome) {
            transfer.waiting = Some(wakeup);
        }
    }

    /// The caller of a file waits no longer. What is begun goes on.
    pub(crate) fn leave_file(&mut self, outcome: &Outcome) {
        if let Some(transfer) = self.transfer_of(outcome) {
            transfer.waiting = None;
        }
    }

    /// For how long a file may still stand still. `None`: it is over, or its time is; then it goes
    /// on without its caller, as the data of a send does (STM-2, STM-7; part 9, row 34).
    pub(crate) fn file_rest(
        &mut self,
        cx: &mut PortCx<'_>,
        outcome: &Outcome,
        limit: Duration,
    ) -> Option<Duration> {
        let transfer = self.transfer_of(outcome)?;
        let still = cx.now().saturating_sub(transfer.moved_at);
        if let Some(rest) = limit.checked_sub(still).filter(|rest| !rest.is_zero()) {
            return Some(rest);
        }
        transfer.waiting = None;
        outcome.set(Err(Error::Timeout));
        self.timed_out(cx);
        None
    }

    fn transfer_of(&mut self, outcome: &Outcome) -> Option<&mut Transfer> {
        let transfer = self.file.as_deref_mut();
        transfer.filter(|transfer| transfer.outcome.is(outcome))
    }

    /// Whether there is anything to write.
    pub(super) fn has_output(&self) -> bool {
        self.writer.output.len() > 0 || self.file.is_some()
    }

    /// How much of the queue may be written now.
    pub(super) fn queue_ahead(&self) -> usize {
        self.file.as_ref().map_or(usize::MAX, |file| file.ahead)
    }

    /// So much of the queue was written.
    pub(super) fn queue_moved(&mut self, cx: &PortCx<'_>, bytes: usize) {
        if let Some(transfer) = &mut self.file {
            transfer.ahead -= bytes;
            transfer.moved_at = cx.now();
        }
    }

    /// Writes once from the file, at most so much, and gives what was written. `None` where the
    /// connection has ended over it.
    pub(super) fn write_file(&mut self, cx: &mut PortCx<'_>, max: usize) -> Option<usize> {
        let (Some(transfer), Wire::Open(sock)) = (self.file.as_deref_mut(), &self.wire) else {
            self.fail_file(cx, Error::Closed);
            return Some(0);
        };
        let Part {
            file,
            offset,
            bytes,
        } = &mut transfer.part;
        let max = usize::try_from(*bytes).map_or(max, |left| left.min(max));
        let error = match self.io.sendfile(sock, file.as_fd(), *offset, max) {
            Ok(n) => {
                *offset += n as u64;
                *bytes -= n as u64;
                transfer.sent += n as u64;
                transfer.moved_at = cx.now();
                if n == 0 || *bytes == 0 {
                    let sent = transfer.sent;
                    self.end_file(cx, Ok(sent));
                }
                return Some(n);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                self.writer.writable = false;
                return Some(0);
            }
            Err(error) => error,
        };
        let nothing_sent = transfer.sent == 0;
        match error.raw_os_error().map(Error::from_errno) {
            // The stream is as it was.
            Some(reason) if nothing_sent && !is_of_connection(reason) => {
                self.end_file(cx, Err(reason));
                Some(0)
            }
            // The peer must not take what comes next for the rest of the file.
            _ => {
                self.write_failed(cx, &error, false);
                None
            }
        }
    }

    /// The queue is dropped: with it the rest of the file, and what stands behind it. True where
    /// somebody is told of it.
    pub(super) fn fail_file(&mut self, cx: &mut PortCx<'_>, error: Error) -> bool {
        let Some(transfer) = &self.file else {
            return false;
        };
        let ahead = transfer.ahead;
        let told = self.end_file(cx, Err(told_as(error)));
        self.writer.output.truncate(ahead);
        told
    }

    fn end_file(&mut self, cx: &mut PortCx<'_>, result: Result<u64, Error>) -> bool {
        let Some(transfer) = self.file.take() else {
            return false;
        };
        if let (true, Some(sock)) = (transfer.corked, self.wire.any()) {
            // One that is refused belongs to a connection that is over.
            let _ = set_option(&*self.io, sock, &Opt::Nopush(false));
        }
        if transfer.sent > 0 {
            self.stats
                .sent(usize::try_from(transfer.sent).unwrap_or(usize::MAX));
        }
        transfer.outcome.set(result);
        let told = transfer.waiting.is_some();
        transfer
            .waiting
            .into_iter()
            .for_each(|wakeup| cx.wake(wakeup));
        told
    }

    /// Has the kernel hold back segments that are not full, unless the user had it do so (SFL-10).
    fn cork(&self) -> bool {
        let Wire::Open(sock) = &self.wire else {
            return false;
        };
        let nopush = self.io.get_option(sock, Name::Nopush);
        matches!(nopush, Ok(Some(Opt::Nopush(false))))
            && self.io.set_option(sock, &Opt::Nopush(true)).is_ok()
    }
}

/// What the caller is told (SFL-9).
fn told_as(error: Error) -> Error {
    match error {
        Error::Econnreset | Error::Epipe | Error::Enotconn => Error::Closed,
        error => error,
    }
}

/// Whether an error is one of the connection. All others are the file's: where one of the
/// connection is taken for such, the next write finds it again.
fn is_of_connection(error: Error) -> bool {
    matches!(
        error,
        Error::Econnreset
            | Error::Epipe
            | Error::Enotconn
            | Error::Econnaborted
            | Error::Eshutdown
            | Error::Etimedout
            | Error::Ehostdown
            | Error::Ehostunreach
            | Error::Enetdown
            | Error::Enetreset
            | Error::Enetunreach
    )
}

#[cfg(test)]
mod tests;
