//! Output: the queue, who waits for it, and shutting down (part 5).
//!
//! An empty queue is written past: the call writes, and what the kernel does not take is queued. A
//! send that leaves the queue at or over the high watermark waits until it is at the low one;
//! meanwhile the port is busy, and others wait, in order, with their data still in their hands
//! (SEN-4, SEN-5). Invariant (SEN-6, SEN-7): each send is in the stream as a whole, in the order of
//! acceptance; every sender gets one answer. The queue has no limit but what its senders have
//! (SEN-3).

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::time::Duration;

use bytes::Bytes;
use runtime::Wakeup;
use runtime::port::PortCx;
use smallvec::SmallVec;

use super::form::kind;
use super::output::SLICES_MAX;
use super::writer::{Answer, Caller, Keep, SendOp, Sent, Shut, Told};
use super::{TcpPort, Wire};
use crate::data::{IoData, Pieces};
use crate::error::Error;
use crate::options::Linger;
use crate::packet;

/// Bytes that are gathered before they are written, and the size from which a send is not held
/// back.
const GATHER_MAX: usize = 64 << 10;
/// Bytes that one call writes at most before the lock is given up.
const WRITE_MAX: usize = 1 << 20;

impl TcpPort {
    /// One attempt of a process that sends.
    pub(crate) fn send(&mut self, cx: &mut PortCx<'_>, op: &mut SendOp, caller: Caller) -> Sent {
        if let Some(result) = op.answered() {
            return Sent::Done(result);
        }
        if op.answer.is_some() {
            self.writer.wait_on(op.id, caller.wakeup);
            return self.waits();
        }
        if self.writer.has_others(op.id) && self.is_connected() {
            self.writer.suspend(op, caller.wakeup);
            return self.waits();
        }
        if op.id.is_some() {
            self.writer.leave_suspended(op.id.take());
        }
        let keep = self.keep(&caller);
        let result = self.accept_data(cx, &mut op.data, keep);
        op.accepted = true;
        match result {
            Ok(true) if self.settings.send_timeout_ms == Some(0) => {
                self.writer.wake_next(cx);
                self.timed_out(cx);
                Sent::Done(Err(Error::Timeout))
            }
            Ok(true) => {
                let answer = op.answer.insert(Answer::default()).clone();
                let told = Told::Future(Some(caller.wakeup), answer);
                op.id = Some(self.writer.wait(cx, self.settings.send_timeout_ms, told));
                self.waits()
            }
            Ok(false) => {
                self.writer.wake_next(cx);
                Sent::Done(Ok(()))
            }
            Err(error) => {
                self.writer.wake_next(cx);
                Sent::Done(Err(error))
            }
        }
    }

    /// Who has more to do answers several requests, where what he took last was one of this socket:
    /// all may leave together. Any other sender may look at the error of his first send. Behind the
    /// end there is nothing to answer.
    fn keep(&self, caller: &Caller) -> Keep {
        match caller.has_messages || !self.reader.input.is_empty() {
            false => Keep::No,
            true if caller.is_answering && !self.closed_sent => Keep::First,
            true => Keep::Later,
        }
    }

    fn waits(&self) -> Sent {
        Sent::Waits(
            self.settings
                .send_timeout_ms
                .map(|ms| Duration::from_millis(ms.into())),
        )
    }

    /// A send that leaves with others of the same slice: all in one system call, when the sender
    /// has no `more` to do, at the end of the slice or over a limit; an error then shows one send
    /// later. What is large is not held back. True where the sender has to wait.
    fn gather(
        &mut self,
        cx: &mut PortCx<'_>,
        header: &[u8],
        data: &mut IoData,
        more: bool,
    ) -> bool {
        let large = data.len() > GATHER_MAX;
        if large {
            self.write_queue(cx);
        }
        let was_empty = !self.has_output();
        let pieces = std::mem::take(&mut data.0);
        self.writer.output.gather(header, pieces);
        if more && !large && self.writer.output.len() < GATHER_MAX {
            return false;
        }
        self.writer.gathering &= more;
        self.write_queue(cx);
        !was_empty && self.writer.output.len() >= self.settings.high_watermark.max(1) as usize
    }

    /// Writes what was gathered: the slice is over, or somebody could tell the difference.
    pub(crate) fn end_gathering(&mut self, cx: &mut PortCx<'_>) {
        if std::mem::take(&mut self.writer.gathering) && !self.writer.delayed {
            self.write_queue(cx);
        }
    }

    /// Writes or queues the data. True where the sender has to wait for the low watermark.
    pub(super) fn accept_data(
        &mut self,
        cx: &mut PortCx<'_>,
        data: &mut IoData,
        keep: Keep,
    ) -> Result<bool, Error> {
        if !self.is_connected() {
            return Err(self.not_connected_to_send());
        }
        let length = data.len();
        let header = packet::header(kind(self.settings.packet), length);
        let header = header.map_err(|_| Error::Emsgsize)?;
        if !matches!(self.writer.shut, Shut::No) {
            self.may_write(cx)?;
        }
        let total = header.len() + length;
        if self.settings.send_queue_limit != 0 {
            self.make_room(cx, total)?;
        }
        self.stats.sent(total);
        let (more, was_gathering) = (keep != Keep::No, self.writer.gathering);
        if more && !was_gathering {
            self.writer.gathering = true;
            cx.at_slice_end();
        }
        // Where the kernel is full nothing is won by it, and the marks hold.
        let gathers = was_gathering || keep == Keep::First;
        if gathers && self.writer.writable && !self.settings.delay_send {
            return Ok(self.gather(cx, &header, data, more));
        }
        if self.has_output() || self.settings.delay_send || !self.writer.writable {
            let header = (!header.is_empty()).then(|| Bytes::copy_from_slice(&header));
            let was_empty = !self.has_output();
            let pieces = std::mem::take(&mut data.0);
            self.writer.output.push(header.into_iter().chain(pieces));
            if self.settings.delay_send && was_empty {
                self.writer.delayed = true;
                cx.set_timer(Duration::ZERO);
            }
            // SEN-1: what goes into an empty queue never waits.
            let len = self.writer.output.len();
            return Ok(!was_empty && len >= self.settings.high_watermark as usize);
        }
        if total > 0 {
            self.write_past(cx, &header, &mut data.0, total)?;
        }
        Ok(false)
    }

    /// Refuses a send for which the queue has no room (part 9, row 11). What only waits for more to
    /// be sent with is written first.
    fn make_room(&mut self, cx: &mut PortCx<'_>, length: usize) -> Result<(), Error> {
        let limit = self.settings.send_queue_limit as usize;
        if self.writer.output.len() > limit.saturating_sub(length) {
            self.write_what_is_kept(cx);
        }
        if !self.is_connected() {
            return Err(self.not_connected_to_send());
        }
        match length <= limit && self.writer.output.len() <= limit - length {
            true => Ok(()),
            false => Err(Error::Enobufs),
        }
    }

    fn write_what_is_kept(&mut self, cx: &mut PortCx<'_>) {
        self.writer.gathering = false;
        self.writer.delayed = false;
        if self.writer.output.len() > 0 {
            self.write_queue(cx);
        }
    }

    /// Takes all of the data where a send would not wait, and nothing of it where it would (part 9,
    /// row 12).
    pub(crate) fn try_send(&mut self, cx: &mut PortCx<'_>, data: &mut IoData) -> Result<(), Error> {
        self.write_what_is_kept(cx);
        if self.is_connected() && self.would_wait(data.len()) {
            return Err(Error::Eagain);
        }
        self.accept_data(cx, data, Keep::No).map(|_| ())
    }

    fn would_wait(&self, length: usize) -> bool {
        // What has no header is refused by the length.
        let header = packet::header(kind(self.settings.packet), length);
        let total = header.map_or(0, |header| header.len() + length);
        let left = self.writer.output.len() + total;
        let high = self.settings.high_watermark as usize;
        self.writer.has_others(None) || (self.has_output() && left >= high)
    }

    /// Writes data, `total` bytes, straight to the kernel, past an empty queue. Where there is
    /// a rest, it is taken and queued.
    fn write_past(
        &mut self,
        cx: &mut PortCx<'_>,
        header: &[u8],
        pieces: &mut Pieces,
        total: usize,
    ) -> Result<(), Error> {
        let Wire::Open(sock) = &self.wire else {
            return Ok(());
        };
        let wrote = match (header, &pieces[..]) {
            ([], [piece]) => self.io.write(sock, &[IoSlice::new(piece)]),
            (header, [piece]) => {
                let slices = [IoSlice::new(header), IoSlice::new(piece)];
                self.io.write(sock, &slices)
            }
            (header, pieces) => {
                let front = (!header.is_empty()).then(|| IoSlice::new(header));
                let pieces = pieces.iter().take(SLICES_MAX);
                let slices = front
                    .into_iter()
                    .chain(pieces.map(|piece| IoSlice::new(piece)));
                let slices: SmallVec<[IoSlice<'_>; 8]> = slices.collect();
                self.io.write(sock, &slices)
            }
        };
        let wrote = match wrote {
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(self.write_failed(cx, &error, true)),
        };
        if wrote == total {
            return Ok(());
        }
        let front = (!header.is_empty()).then(|| Bytes::copy_from_slice(header));
        let pieces = std::mem::take(pieces);
        self.writer.output.push(front.into_iter().chain(pieces));
        self.writer.output.written(wrote);
        self.write_queue(cx);
        Ok(())
    }

    /// Writes from the queue what the kernel takes, a bounded amount; then whoever waits for room
    /// goes on.
    pub(super) fn write_queue(&mut self, cx: &mut PortCx<'_>) {
        let mut budget = WRITE_MAX;
        while self.has_output() && self.writer.writable {
            let Some(sock) = self.wire.any() else {
                return self.writer.drop_output(cx);
            };
            if budget == 0 {
                cx.again();
                break;
            }
            let ahead = self.queue_ahead();
            if ahead == 0 {
                match self.write_file(cx, budget) {
                    Some(n) => budget -= n,
                    None => return,
                }
                continue;
            }
            let slices = self.writer.output.slices(ahead);
            let offered: usize = slices.iter().map(|slice| slice.len()).sum();
            let wrote = self.io.write(sock, &slices);
            drop(slices);
            match wrote {
                Ok(n) => {
                    self.writer.output.written(n);
                    self.queue_moved(cx, n);
                    budget = budget.saturating_sub(n);
                    // A part of it taken means that the kernel is full: the next edge tells.
                    self.writer.writable = n == offered;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writer.writable = false;
                }
                Err(error) => {
                    if self.is_connected() && !cx.is_closing() {
                        self.write_failed(cx, &error, false);
                    } else {
                        self.flush_failed(cx);
                    }
                    return;
                }
            }
        }
        self.writer.output.seal();
        let len = self.writer.output.len();
        if self.writer.is_busy() && len <= self.settings.low_watermark as usize {
            self.writer.answer(cx, Ok(()));
        }
        if !self.has_output() {
            self.drained(cx);
        }
    }

    /// The reactor says that the kernel takes more.
    pub(super) fn writable(&mut self, cx: &mut PortCx<'_>) {
        self.writer.writable = true;
        if self.has_output() && !self.writer.delayed {
            self.write_queue(cx);
        }
    }

    /// Gives up waiting: the time is over. The data of a send that was accepted stays queued, that
    /// of one that was suspended is queued now (STM-1, STM-2).
    pub(crate) fn time_out_send(
        &mut self,
        cx: &mut PortCx<'_>,
        op: &mut SendOp,
    ) -> Result<(), Error> {
        if let Some(result) = op.answered() {
            return result;
        }
        let id = op.id.take();
        if !self.writer.wait_no_longer(cx, id) {
            self.writer.leave_suspended(id);
            op.accepted = true;
            let over_the_mark = self.accept_data(cx, &mut op.data, Keep::No);
            self.writer.wake_next(cx);
            if !over_the_mark? {
                return Ok(());
            }
        }
        self.timed_out(cx);
        Err(Error::Timeout)
    }

    pub(super) fn timed_out(&mut self, cx: &mut PortCx<'_>) {
        if self.settings.send_timeout_close && self.is_connected() {
            self.send_timed_out_close(cx);
        }
    }

    /// The sender is gone. What was accepted of it is sent all the same (SEN-8).
    pub(crate) fn cancel_send(&mut self, cx: &mut PortCx<'_>, id: u64) {
        if self.writer.orphan(id) {
            // The port stays busy with it, as long as it would have waited.
            return self.set_wait_limit(cx);
        }
        self.writer.leave_suspended(Some(id));
        self.writer.wake_next(cx);
    }

    /// `shutdown` (1.9).
    pub(crate) fn shutdown(&mut self, cx: &mut PortCx<'_>, how: Shutdown) -> Result<(), Error> {
        self.end_gathering(cx);
        let (true, Wire::Open(sock)) = (self.is_connected(), &self.wire) else {
            return Err(Error::Enotconn);
        };
        if how != Shutdown::Read && self.has_output() {
            self.writer.shut = Shut::Pending(how);
            return Ok(());
        }
        let done = self.io.shutdown(sock, how);
        if how != Shutdown::Read && !self.writer.shut.is_final() {
            self.writer.shut = if done.is_ok() { Shut::Done } else { Shut::Vain };
        }
        // The end of the reading side is an event of its own, behind what the peer does (SHU-6).
        Ok(done?)
    }

    /// Whether close has to wait for the queue, and how long it is; where it has to, the caller is
    /// woken when the queue is empty (CLO-7 to CLO-9, EXT-4).
    pub(crate) fn wait_drained(&mut self, cx: &mut PortCx<'_>, wakeup: Wakeup) -> Option<usize> {
        self.end_gathering(cx);
        let len = self.writer.output.len();
        // Who stands back was there before the close.
        let stand_back = self.writer.has_suspended() || cx.writers_waiting() > 0;
        let no_more = match &self.wire {
            Wire::Open(_) => len == 0 && !stand_back,
            Wire::Flushing(_) => true,
            Wire::Gone => !stand_back,
        };
        let at_once = match self.settings.linger {
            Linger::No => !self.settings.close_wait,
            Linger::Zero => true,
            Linger::Waits => false,
        };
        if no_more || at_once {
            return None;
        }
        let closers = &mut self.writer.line_mut().closers;
        if !closers.iter().any(|closer| closer.will_wake(&wakeup)) {
            closers.push(wakeup);
        }
        Some(len)
    }

    /// What `info` says of the state (1.15), sorted.
    pub(crate) fn states(&self) -> Vec<&'static str> {
        let open = self.wire.open().is_some();
        let mut states = Vec::new();
        match &self.role {
            _ if !open => return states,
            super::Role::Listening(listener) => {
                if listener.is_accepting() {
                    states.push("accepting");
                }
                states.push("listen");
            }
            super::Role::Connected => {
                if self.writer.is_busy() {
                    states.push("busy");
                }
                states.push("connected");
            }
            super::Role::Connecting(_) => states.push("connecting"),
        }
        states.push("open");
        states
    }
}
