//! The output queue of a connection, and who waits for it: data without the kernel (5.1).
//!
//! Kept by the driver; `send` fills and empties it. Invariant (SEN-4, SEN-5): one sender at a time
//! waits for the low watermark, with its data queued; the others stand back in order, with their
//! data still in their own hands, and each gets one answer.

use std::collections::VecDeque;
use std::net::Shutdown;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Buf, Bytes};
use runtime::Wakeup;
use runtime::port::PortCx;
use smallvec::SmallVec;

use crate::data::IoData;
use crate::error::Error;

/// Whether the write side was shut down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shut {
    No,
    /// When the queue is empty.
    Pending(Shutdown),
    /// By the call.
    Done,
    /// When the queue had become empty, or in vain: an EPIPE is then taken for this end's doing.
    Late,
}

/// The output side of a connection.
pub(super) struct Writer {
    pub(super) queue: VecDeque<Bytes>,
    pub(super) bytes: usize,
    /// The kernel may take more.
    pub(super) writable: bool,
    /// The send whose data is queued and that waits for the low watermark.
    pub(super) waiting: Option<Waiting>,
    /// Sends that have not been looked at: number, and how to have them look again.
    pub(super) suspended: VecDeque<(u64, Option<Wakeup>)>,
    /// Those that wait for an empty queue: close.
    pub(super) closers: SmallVec<[Wakeup; 1]>,
    pub(super) next_id: u64,
    pub(super) shut: Shut,
    /// A timer is set that writes what `delay_send` has kept.
    pub(super) delayed: bool,
    /// A send of this slice has been written while its sender had more to do: those after it are
    /// gathered until the sender has not, or the slice ends.
    pub(super) gathering: bool,
}

pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) wakeup: Option<Wakeup>,
    pub(super) result: Answer,
}

/// What a sender that waits is told. It holds it too, for where the port ends with the answer.
pub(super) type Answer = Arc<OnceLock<Result<(), Error>>>;

impl Default for Writer {
    fn default() -> Self {
        Writer {
            queue: VecDeque::new(),
            bytes: 0,
            writable: true,
            waiting: None,
            suspended: VecDeque::new(),
            closers: SmallVec::new(),
            next_id: 0,
            shut: Shut::No,
            delayed: false,
            gathering: false,
        }
    }
}

/// A send on its way: in the hands of its future.
pub(crate) struct SendOp {
    pub(super) data: IoData,
    /// Its number, once it waits.
    pub(super) id: Option<u64>,
    /// Its data was written or queued.
    pub(super) accepted: bool,
    /// What it is told, once it waits for the low watermark.
    pub(super) answer: Option<Answer>,
}

impl SendOp {
    pub(crate) fn new(data: IoData) -> Self {
        SendOp {
            data,
            id: None,
            accepted: false,
            answer: None,
        }
    }

    pub(crate) fn id(&self) -> Option<u64> {
        self.id
    }

    /// It has its answer, and no place in a queue any more.
    pub(crate) fn is_over(&mut self) {
        self.id = None;
    }

    /// What it is told where the port is closed: what it was answered before; one that was never
    /// looked at is a command to a port that does not exist (process 8.4).
    pub(crate) fn closed(&self) -> Result<(), Error> {
        match self.answer.as_ref().and_then(|answer| answer.get()) {
            Some(result) => *result,
            None if self.id.is_some() && !self.accepted => Err(Error::Einval),
            None => Err(Error::Closed),
        }
    }
}

/// What an attempt to send came to.
pub(crate) enum Sent {
    /// It is over.
    Done(Result<(), Error>),
    /// It waits; at most so long, from its beginning.
    Waits(Option<Duration>),
}

impl Writer {
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// A sender waits for the low watermark.
    pub(super) fn is_busy(&self) -> bool {
        self.waiting
            .as_ref()
            .is_some_and(|waiting| waiting.result.get().is_none())
    }

    pub(super) fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.bytes = 0;
    }

    /// Keeps so many bytes, which end with a piece.
    pub(super) fn truncate(&mut self, bytes: usize) {
        while self.bytes > bytes
            && let Some(piece) = self.queue.pop_back()
        {
            self.bytes -= piece.len();
        }
    }

    pub(super) fn push(&mut self, data: impl IntoIterator<Item = Bytes>) {
        for piece in data {
            self.bytes += piece.len();
            if !piece.is_empty() {
                self.queue.push_back(piece);
            }
        }
    }

    /// Takes `n` bytes off the front.
    pub(super) fn written(&mut self, mut n: usize) {
        self.bytes -= n;
        while let Some(front) = self.queue.front_mut() {
            if n < front.len() {
                front.advance(n);
                return;
            }
            n -= front.len();
            self.queue.pop_front();
        }
        // An idle connection keeps no buffer.
        self.queue = VecDeque::new();
    }

    /// Answers the waiting sender, and has the first of the others look again.
    pub(super) fn fail(&mut self, cx: &mut PortCx<'_>, error: Error) {
        self.answer(cx, Err(error));
    }

    pub(super) fn answer(&mut self, cx: &mut PortCx<'_>, result: Result<(), Error>) {
        if let Some(waiting) = &mut self.waiting {
            let _ = waiting.result.set(result);
            waiting
                .wakeup
                .take()
                .into_iter()
                .for_each(|wakeup| cx.wake(wakeup));
        }
        self.wake_next(cx);
    }

    pub(super) fn wake_next(&mut self, cx: &mut PortCx<'_>) {
        if !self.is_busy()
            && let Some(wakeup) = self
                .suspended
                .front_mut()
                .and_then(|(_, wakeup)| wakeup.take())
        {
            cx.wake(wakeup);
        }
    }

    pub(super) fn wake_closers(&mut self, cx: &mut PortCx<'_>) {
        self.closers.drain(..).for_each(|wakeup| cx.wake(wakeup));
    }

    /// Everybody looks again.
    pub(super) fn wake_all(&mut self, cx: &mut PortCx<'_>) {
        let waiting = self
            .waiting
            .as_mut()
            .and_then(|waiting| waiting.wakeup.take());
        let suspended = self
            .suspended
            .iter_mut()
            .filter_map(|(_, wakeup)| wakeup.take());
        waiting
            .into_iter()
            .chain(suspended)
            .for_each(|wakeup| cx.wake(wakeup));
        self.wake_closers(cx);
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The send stands back until those before it are done.
    pub(super) fn suspend(&mut self, op: &mut SendOp, wakeup: Option<Wakeup>) {
        match op.id {
            Some(id) => {
                if let Some(place) = self.suspended.iter_mut().find(|(other, _)| *other == id) {
                    place.1 = wakeup;
                }
            }
            None => {
                let id = self.new_id();
                op.id = Some(id);
                self.suspended.push_back((id, wakeup));
            }
        }
    }
}
