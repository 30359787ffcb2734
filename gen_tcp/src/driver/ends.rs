//! What ends a connection, and what each of the five ends does (0.5, 3.3):
//!
//! 1. EOF: the peer's FIN, or a reset that is not to be shown.
//! 2. A read error, or input that the packet type refuses.
//! 3. A write error; EPIPE counts as a reset, but for one that a shutdown behind the queue caused.
//!    That of a shutdown with an empty queue counts: OTP 25 shows it as `econnreset` where resets
//!    are shown.
//! 4. A send that timed out, with `send_timeout_close`.
//! 5. The local end: close, an exit signal, the owner's death. The runtime calls `flush` and
//!    `stop`.
//!
//! Called by reading, sending and the runtime. Invariant: the order is data, `tcp_error`,
//! `tcp_closed`, then the port's own end; the owner is spared the exit signal (LNK-7); each waiting
//! call gets one answer.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use runtime::Reason;
use runtime::port::{Flush, PortCx};

use super::form::form;
use super::writer::Shut;
use super::{Role, TcpPort, Wire};
use crate::data::{Data, Tcp};
use crate::error::Error;
use crate::options::Linger;

impl TcpPort {
    /// End 1. Gives what a pending recv is told.
    pub(super) fn eof(&mut self, cx: &mut PortCx<'_>) -> Error {
        if self.writer.shut == Shut::Failed && std::mem::take(&mut self.delayed.reset) {
            // It is the reset that a write has found, and that is to be shown (EXT-2).
            return self.read_failed(cx, Error::Econnreset);
        }
        if self.keeps_last() {
            return Error::Closed;
        }
        self.reader.clear();
        // Where no sender is told now, the next one is once the descriptor is gone (1.21).
        let told = self.settings.exit_on_close
            && (self.fail_file(cx, Error::Closed) || self.writer.is_busy());
        self.delayed.send |= !told && self.writer.shut != Shut::Failed;
        if self.settings.exit_on_close {
            self.writer.answer(cx, Err(Error::Closed));
        }
        if self.is_active() {
            self.send_closed(cx);
            if self.settings.exit_on_close {
                cx.close_sparing_owner(Reason::Normal);
            } else {
                self.reader.ended = Some(Error::Closed);
            }
        } else if self.settings.exit_on_close {
            self.let_go(cx);
        } else {
            self.reader.ended = Some(Error::Closed);
        }
        Error::Closed
    }

    /// Whether there is input that outlives the end: the end counts when it has been read (EXT-1).
    fn keeps_last(&mut self) -> bool {
        self.settings.keep_input && !self.is_active() && self.reader.input.keep_last()
    }

    /// What was kept of a connection whose end has been told (EXT-1).
    #[cold]
    pub(super) fn last(&mut self) -> Option<Data> {
        let bytes = self.reader.input.take_last()?;
        self.stats.received(bytes.len());
        Some(form(&self.settings, bytes))
    }

    /// The descriptor goes; what is queued is still written in the background (part 9, row 6).
    fn let_go(&mut self, cx: &mut PortCx<'_>) {
        if self.writer.output.len() == 0 {
            return self.close_sock(cx);
        }
        self.writer.wake_closers(cx);
        if let Wire::Open(sock) = std::mem::replace(&mut self.wire, Wire::Gone) {
            self.wire = Wire::Flushing(sock);
            self.limit_flush(cx);
        }
    }

    /// Limits the time that a queue is written in the background (part 9, row 14; EXT-5).
    fn limit_flush(&self, cx: &mut PortCx<'_>) {
        if let Some(ms) = self.settings.flush_limit_ms {
            cx.set_timer(Duration::from_millis(ms.into()));
        }
    }

    /// End 2. Gives what a pending recv is told.
    pub(super) fn read_failed(&mut self, cx: &mut PortCx<'_>, error: Error) -> Error {
        if error == Error::Econnreset && !self.settings.show_econnreset {
            self.fail_file(cx, error);
            self.writer.drop_output(cx);
            self.writer.answer(cx, Err(Error::Closed));
            return self.eof(cx);
        }
        let kept = error != Error::Emsgsize && self.keeps_last();
        if !kept {
            self.reader.clear();
        }
        if self.settings.exit_on_close || self.writer.is_busy() {
            self.fail_file(cx, error);
            self.writer.drop_output(cx);
            self.writer.answer(cx, Err(Error::Closed));
        }
        // What recv says from now on, where the descriptor stays (part 9, row 28).
        let later = if error == Error::Emsgsize {
            error
        } else {
            Error::Closed
        };
        if self.is_active() {
            Self::tell(cx, Tcp::Error(Self::socket(cx), error));
            self.send_closed(cx);
            if self.settings.exit_on_close {
                cx.close_sparing_owner(Reason::Posix(error.atom()));
            } else {
                self.reader.ended = Some(later);
            }
        } else if kept {
            // The next read finds the end again.
        } else if self.settings.exit_on_close {
            self.close_sock(cx);
        } else {
            self.reader.ended = Some(later);
        }
        error
    }

    /// End 3. Gives what the sender is told. `direct`: somebody's call found the error.
    pub(super) fn write_failed(
        &mut self,
        cx: &mut PortCx<'_>,
        error: &io::Error,
        direct: bool,
    ) -> Error {
        let error = Error::from_errno(error.raw_os_error().unwrap_or_default());
        let reset = match error {
            Error::Econnreset => true,
            Error::Epipe => matches!(self.writer.shut, Shut::No | Shut::Done),
            _ => false,
        };
        let shown = reset && self.settings.show_econnreset;
        let told = if shown {
            Error::Econnreset
        } else {
            Error::Closed
        };
        let answered = self.fail_file(cx, error) || direct || self.writer.is_busy();
        self.writer.drop_output(cx);
        self.writer.answer(cx, Err(told));
        if self.settings.keep_input {
            self.delayed.send |= !answered;
            self.delayed.reset |= shown;
            self.read_on(cx);
        } else if self.is_active() {
            if shown {
                Self::tell(cx, Tcp::Error(Self::socket(cx), Error::Econnreset));
            }
            self.send_closed(cx);
            if self.settings.exit_on_close {
                cx.close_sparing_owner(Reason::Normal);
            } else {
                self.close_sock(cx);
            }
        } else {
            self.reader.clear();
            self.close_sock(cx);
            self.delayed.recv = true;
            self.delayed.send |= !answered;
            self.delayed.reset |= shown;
            if self.reader.is_waiting() {
                self.delayed.recv = false;
                self.reader.answer(cx, Error::Closed);
            }
        }
        told
    }

    /// Nothing can be written any more; what came in is left alone, and reading goes on to its own
    /// end (EXT-2).
    fn read_on(&mut self, cx: &mut PortCx<'_>) {
        self.writer.shut = Shut::Failed;
        if let Wire::Open(sock) = &self.wire {
            // So it is for the peer, where the connection is there still.
            let _ = self.io.shutdown(sock, Shutdown::Write);
        }
        self.reader.told(true);
        if self.is_active() {
            self.deliver_all(cx, false);
        } else {
            self.reader.wake(cx);
        }
    }

    /// Whether data may be written behind a shutdown of writing: what it was refuses it, or the
    /// system does.
    #[cold]
    pub(super) fn may_write(&mut self, cx: &mut PortCx<'_>) -> Result<(), Error> {
        match self.writer.shut {
            Shut::Failed => Err(self.not_connected_to_send()),
            // The send alone fails (EXT-3).
            Shut::Pending(_) | Shut::Late | Shut::Done | Shut::Vain if self.settings.keep_input => {
                Err(Error::Closed)
            }
            Shut::Pending(_) | Shut::Late => {
                // SHU-5: it ruins the rest. Behind a shutdown by the call the system says so
                // (SHU-4).
                let error = io::Error::from_raw_os_error(libc::EPIPE);
                Err(self.write_failed(cx, &error, true))
            }
            Shut::No | Shut::Done | Shut::Vain => Ok(()),
        }
    }

    /// Tells the owner of a passive socket, once, that the peer has ended (EXT-8).
    pub(super) fn notify_end(&mut self, cx: &mut PortCx<'_>) {
        let due = !self.is_active() && self.is_connected() && self.reader.end_seen;
        if due && !self.closed_sent && !std::mem::replace(&mut self.end_told, true) {
            Self::tell(cx, Tcp::Ended(Self::socket(cx)));
        }
    }

    /// End 4: nothing of what is queued may be taken for the whole, so the peer gets a reset, and
    /// who waits or listens is told (part 9, row 9).
    pub(super) fn send_timed_out_close(&mut self, cx: &mut PortCx<'_>) {
        self.fail_file(cx, Error::Closed);
        self.writer.drop_output(cx);
        self.reader.clear();
        self.abort_sock(cx);
        self.reader.answer(cx, Error::Closed);
        if self.is_active() {
            Self::tell(cx, Tcp::Error(Self::socket(cx), Error::Timeout));
            self.send_closed(cx);
            if self.settings.exit_on_close {
                cx.close_sparing_owner(Reason::Normal);
            }
        }
        self.writer.wake_all(cx);
    }

    /// End 5, first half: links and monitors have been told, the queue may still be written.
    pub(super) fn begin_flush(&mut self, cx: &mut PortCx<'_>, kill: bool) -> Flush {
        self.reader.wake(cx);
        // A file that is cut takes the queue with it (SFL-13).
        let cut = self.file.is_some();
        self.fail_file(cx, Error::Closed);
        self.end_gathering(cx);
        let aborts = self.settings.linger == Linger::Zero;
        if kill || cut || aborts || self.wire.any().is_none() {
            if aborts && matches!(self.role, Role::Connected) {
                self.abort_sock(cx);
            }
            self.writer.drop_output(cx);
            self.writer.send_away(cx);
            return Flush::Done;
        }
        if self.writer.output.len() == 0 {
            return Flush::Done;
        }
        self.writer.send_away(cx);
        self.writer.delayed = false;
        self.write_queue(cx);
        if self.writer.output.len() == 0 {
            return Flush::Done;
        }
        self.limit_flush(cx);
        Flush::Later
    }

    /// The port's timer fired: a delayed send is due, or the time is over of a background flush, or
    /// of a wait that no future limits.
    pub(super) fn time_is_up(&mut self, cx: &mut PortCx<'_>) {
        if std::mem::take(&mut self.writer.delayed) {
            self.write_queue(cx);
        } else if cx.is_closing() || matches!(self.wire, Wire::Flushing(_)) {
            self.writer.drop_output(cx);
            self.abort_sock(cx);
            cx.flushed();
        } else {
            self.time_out_unattended(cx);
        }
    }

    /// The output queue is empty: whoever waited for that goes on.
    pub(super) fn drained(&mut self, cx: &mut PortCx<'_>) {
        self.writer.wake_next(cx);
        if let (Shut::Pending(how), Wire::Open(sock)) = (self.writer.shut, &self.wire) {
            let _ = self.io.shutdown(sock, how);
            self.writer.shut = Shut::Late;
        }
        if let Wire::Flushing(_) = self.wire {
            self.close_sock(cx);
        }
        cx.flushed();
    }

    /// A write failed while nobody could be told any more.
    pub(super) fn flush_failed(&mut self, cx: &mut PortCx<'_>) {
        self.writer.drop_output(cx);
        self.close_sock(cx);
        cx.flushed();
    }
}

#[cfg(test)]
mod tests;
