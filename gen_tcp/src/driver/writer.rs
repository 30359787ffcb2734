//! The output side of a connection, and who waits for it: data without the kernel (5.1).
//!
//! Kept by the driver; `send` fills and empties it. The bytes themselves are in `output`. Invariant
//! (SEN-4, SEN-5): one sender at a time waits for the low watermark, with its data queued; the
//! others stand back in order, with their data still in their own hands, and each gets one answer.

use std::collections::VecDeque;
use std::net::Shutdown;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use runtime::port::PortCx;
use runtime::{Pid, Wakeup};
use smallvec::SmallVec;

use super::output::Output;
use crate::data::{IoData, Tcp};
use crate::error::Error;
use crate::socket::Socket;

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
    /// A write has failed, and reading goes on (EXT-2).
    Failed,
}

impl Shut {
    /// Whether another shutdown changes nothing of it.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Shut::Late | Shut::Vain | Shut::Failed)
    }
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
    waiting: Option<Waiting>,
    /// Sends that have not been looked at: number, and how to have them look again.
    pub(super) suspended: VecDeque<(u64, Option<Wakeup>)>,
    /// Those that wait for an empty queue: close.
    pub(super) closers: SmallVec<[Wakeup; 1]>,
}

struct Waiting {
    id: u64,
    /// By the runtime's clock.
    until: Option<Duration>,
    told: Told,
}

/// How a send that waits is told what came of it.
pub(super) enum Told {
    /// Its future is woken, and finds the answer.
    Future(Option<Wakeup>, Answer),
    /// A command in message form: its sender gets a message.
    Message(Pid),
    /// The sender is gone.
    Nobody,
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

    /// What it was told, where it waited and need not any more.
    pub(super) fn answered(&self) -> Option<Result<(), Error>> {
        self.answer.as_ref()?.get().copied()
    }

    /// It has its answer, and no place in a queue any more.
    pub(crate) fn is_over(&mut self) {
        self.id = None;
    }

    /// What it is told where the port is closed: what it was answered before; one that was never
    /// looked at is a command to a port that does not exist (process 8.4).
    pub(crate) fn closed(&self) -> Result<(), Error> {
        match self.answered() {
            Some(result) => result,
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
        self.line
            .as_ref()
            .is_some_and(|line| line.waiting.is_some())
    }

    /// Until when a send waits that has no future.
    pub(super) fn unattended_until(&self) -> Option<Duration> {
        let waiting = self.line.as_ref()?.waiting.as_ref()?;
        waiting
            .until
            .filter(|_| !matches!(waiting.told, Told::Future(..)))
    }

    /// The sender with this number is gone; whether its send is the one that waits.
    pub(super) fn orphan(&mut self, id: u64) -> bool {
        let waiting = self.line().and_then(|line| line.waiting.as_mut());
        let own = waiting.filter(|waiting| waiting.id == id);
        own.map(|waiting| waiting.told = Told::Nobody).is_some()
    }

    /// Whether sends stand back.
    pub(super) fn has_suspended(&self) -> bool {
        let line = self.line.as_ref();
        line.is_some_and(|line| !line.suspended.is_empty())
    }

    /// Whether a send with this number has to stand back: one waits, or others were there first.
    pub(super) fn has_others(&self, id: Option<u64>) -> bool {
        self.line.as_ref().is_some_and(|line| {
            let first = line.suspended.front().map(|(id, _)| *id);
            line.waiting.is_some() || first.is_some_and(|first| Some(first) != id)
        })
    }

    /// A send whose data is queued waits for the low watermark, and the port is busy with it. Gives
    /// its number.
    pub(super) fn wait(&mut self, cx: &mut PortCx<'_>, limit_ms: Option<u32>, told: Told) -> u64 {
        let id = self.new_id();
        let until = limit_ms.map(|ms| cx.now() + Duration::from_millis(ms.into()));
        self.line_mut().waiting = Some(Waiting { id, until, told });
        cx.set_busy(true);
        id
    }

    /// The waiting send waits on.
    pub(super) fn wait_on(&mut self, id: Option<u64>, wakeup: Wakeup) {
        let waiting = self.line().and_then(|line| line.waiting.as_mut());
        if let Some(Waiting {
            id: own,
            told: Told::Future(place, _),
            ..
        }) = waiting
            && Some(*own) == id
        {
            *place = Some(wakeup);
        }
    }

    /// Whether the send with this number waits; it does no longer, and is told nothing.
    pub(super) fn wait_no_longer(&mut self, cx: &mut PortCx<'_>, id: Option<u64>) -> bool {
        let waiting = self
            .line()
            .and_then(|line| line.waiting.take_if(|w| Some(w.id) == id));
        if waiting.is_some() {
            self.free(cx);
        }
        waiting.is_some()
    }

    /// The waiting sender is told this, and the first of the others looks again.
    pub(super) fn answer(&mut self, cx: &mut PortCx<'_>, result: Result<(), Error>) {
        match self.line().and_then(|line| line.waiting.take()) {
            Some(Waiting {
                told: Told::Future(wakeup, answer),
                ..
            }) => {
                let _ = answer.set(result);
                wakeup.into_iter().for_each(|wakeup| cx.wake(wakeup));
            }
            Some(Waiting {
                told: Told::Message(sender),
                ..
            }) => reply(cx, sender, result),
            Some(Waiting {
                told: Told::Nobody, ..
            }) => {}
            None => return,
        }
        self.free(cx);
    }

    /// The port closes: a sender that waits is told so. To a command in message form nothing comes
    /// back any more (process 8.4).
    pub(super) fn send_away(&mut self, cx: &mut PortCx<'_>) {
        if let Some(line) = self.line() {
            line.waiting.take_if(|w| matches!(w.told, Told::Message(_)));
        }
        self.answer(cx, Err(Error::Closed));
        self.wake_all(cx);
    }

    /// Nobody waits for the low watermark any more: who stands back looks again.
    fn free(&mut self, cx: &mut PortCx<'_>) {
        cx.set_busy(false);
        self.wake_next(cx);
    }

    /// What is queued is dropped.
    pub(super) fn drop_output(&mut self, cx: &mut PortCx<'_>) {
        self.output.clear();
        self.wake_next(cx);
    }

    /// The first of those that stand back looks again; where there is none, nor a command, and no
    /// output, those that wait for that do.
    pub(super) fn wake_next(&mut self, cx: &mut PortCx<'_>) {
        // Asked after each send, and most sockets never had anybody to wake.
        let Some(line) = self.line.as_deref_mut() else {
            return;
        };
        if line.waiting.is_some() {
            return;
        }
        match line.suspended.front_mut() {
            Some((_, wakeup)) => wakeup.take().into_iter().for_each(|wakeup| cx.wake(wakeup)),
            None if self.output.len() == 0 && cx.writers_waiting() == 0 => self.wake_closers(cx),
            None => {}
        }
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
            .and_then(|waiting| match &mut waiting.told {
                Told::Future(wakeup, _) => wakeup.take(),
                Told::Message(_) | Told::Nobody => None,
            });
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
    pub(super) fn suspend(&mut self, op: &mut SendOp, wakeup: Wakeup) {
        match op.id {
            Some(id) => {
                let mut places = self.line_mut().suspended.iter_mut();
                if let Some(place) = places.find(|(other, _)| *other == id) {
                    place.1 = Some(wakeup);
                }
            }
            None => {
                let id = self.new_id();
                op.id = Some(id);
                self.line_mut().suspended.push_back((id, Some(wakeup)));
            }
        }
    }

    /// A suspended send gives up its place.
    pub(super) fn leave_suspended(&mut self, id: Option<u64>) {
        if let (Some(id), Some(line)) = (id, self.line()) {
            line.suspended.retain(|(other, _)| *other != id);
        }
    }
}

/// The answer to a command in message form: `{inet_reply,S,Status}`.
pub(super) fn reply(cx: &mut PortCx<'_>, sender: Pid, result: Result<(), Error>) {
    let socket = Socket::from_port(cx.id());
    cx.send(sender, Tcp::Reply(socket, result));
}
