//! The output side of a connection, and who waits for it: data without the kernel (5.1).
//!
//! Kept by the driver; `send` fills and empties it. The bytes themselves are in `output`. Invariant
//! (SEN-4, SEN-5): one sender at a time waits for the low watermark, with its data queued; the
//! others stand back in order, with their data still in their own hands, and each gets one answer.

use std::collections::VecDeque;
use std::net::Shutdown;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use runtime::Wakeup;
use runtime::port::PortCx;
use smallvec::SmallVec;

use super::output::Output;
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
    /// When the queue had become empty.
    Late,
    /// By the call, in vain: an EPIPE is then taken for this end's doing.
    Vain,
}

/// The output side of a connection.
pub(super) struct Writer {
    pub(super) output: Output,
    /// The kernel may take more.
    pub(super) writable: bool,
    pub(super) shut: Shut,
    /// A timer is set that writes what `delay_send` has kept.
    pub(super) delayed: bool,
    /// A send of this slice has been written while its sender had more to do: those after it are
    /// gathered until the sender has not, or the slice ends.
    pub(super) gathering: bool,
    next_id: u64,
    /// Few connections ever have one.
    line: Option<Box<Line>>,
}

/// Who waits for output to leave.
#[derive(Default)]
pub(super) struct Line {
    /// The send whose data is queued and that waits for the low watermark.
    pub(super) waiting: Option<Waiting>,
    /// Sends that have not been looked at: number, and how to have them look again.
    pub(super) suspended: VecDeque<(u64, Option<Wakeup>)>,
    /// Those that wait for an empty queue: close.
    pub(super) closers: SmallVec<[Wakeup; 1]>,
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
            output: Output::default(),
            writable: true,
            shut: Shut::No,
            delayed: false,
            gathering: false,
            next_id: 0,
            line: None,
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

/// A process that sends, as far as its send has to know it.
pub(crate) struct Caller {
    pub(crate) wakeup: Wakeup,
    /// Messages wait for it.
    pub(crate) has_messages: bool,
    /// What it took last in this slice was input of this socket.
    pub(crate) is_answering: bool,
}

/// Whether a send may be kept, to leave with others (`gather`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keep {
    /// Its sender has nothing more to do.
    No,
    /// Behind another one of this slice.
    Later,
    /// As the first of this slice, too.
    First,
}

/// What an attempt to send came to.
pub(crate) enum Sent {
    /// It is over.
    Done(Result<(), Error>),
    /// It waits; at most so long, from its beginning.
    Waits(Option<Duration>),
}

impl Writer {
    /// Who waits, where anybody ever did.
    pub(super) fn line(&mut self) -> Option<&mut Line> {
        self.line.as_deref_mut()
    }

    pub(super) fn line_mut(&mut self) -> &mut Line {
        self.line.get_or_insert_default()
    }

    /// A sender waits for the low watermark.
    pub(super) fn is_busy(&self) -> bool {
        let waiting = self.line.as_ref().and_then(|line| line.waiting.as_ref());
        waiting.is_some_and(|waiting| waiting.result.get().is_none())
    }

    /// Whether a send with this number has to stand back: one waits, or others were there first.
    pub(super) fn has_others(&self, id: Option<u64>) -> bool {
        self.line.as_ref().is_some_and(|line| {
            let first = line.suspended.front().map(|(id, _)| *id);
            line.waiting.is_some() || first.is_some_and(|first| Some(first) != id)
        })
    }

    /// The waiting sender is told this, and the first of the others looks again.
    pub(super) fn answer(&mut self, cx: &mut PortCx<'_>, result: Result<(), Error>) {
        if let Some(line) = &mut self.line
            && let Some(waiting) = &mut line.waiting
        {
            let _ = waiting.result.set(result);
            let wakeup = waiting.wakeup.take();
            wakeup.into_iter().for_each(|wakeup| cx.wake(wakeup));
        }
        self.wake_next(cx);
    }

    pub(super) fn wake_next(&mut self, cx: &mut PortCx<'_>) {
        if self.is_busy() {
            return;
        }
        let first = self.line().and_then(|line| line.suspended.front_mut());
        let wakeup = first.and_then(|(_, wakeup)| wakeup.take());
        wakeup.into_iter().for_each(|wakeup| cx.wake(wakeup));
    }

    pub(super) fn wake_closers(&mut self, cx: &mut PortCx<'_>) {
        if let Some(line) = self.line() {
            line.closers.drain(..).for_each(|wakeup| cx.wake(wakeup));
        }
    }

    /// Everybody looks again.
    pub(super) fn wake_all(&mut self, cx: &mut PortCx<'_>) {
        let Some(line) = self.line() else { return };
        let waiting = line
            .waiting
            .as_mut()
            .and_then(|waiting| waiting.wakeup.take());
        let suspended = line
            .suspended
            .iter_mut()
            .filter_map(|(_, wakeup)| wakeup.take());
        let all = waiting.into_iter().chain(suspended);
        all.for_each(|wakeup| cx.wake(wakeup));
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
                let mut places = self.line_mut().suspended.iter_mut();
                if let Some(place) = places.find(|(other, _)| *other == id) {
                    place.1 = wakeup;
                }
            }
            None => {
                let id = self.new_id();
                op.id = Some(id);
                self.line_mut().suspended.push_back((id, wakeup));
            }
        }
    }

    /// A suspended send gives up its place.
    pub(super) fn leave_suspended(&mut self, id: Option<u64>) {
        if let (Some(id), Some(line)) = (id, self.line()) {
            line.suspended.retain(|(other, _)| *other != id);
        }
    }

    /// The send with this number, where it is the one that waits for the low watermark, waits no
    /// longer.
    pub(super) fn take_waiting(&mut self, id: Option<u64>) -> Option<Waiting> {
        let waiting = &mut self.line()?.waiting;
        waiting.take_if(|waiting| Some(waiting.id) == id)
    }
}
