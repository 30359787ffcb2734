//! Calls: asking a process and waiting for its reply (process 4.4, M-14).
//!
//! One reference is the monitor of the server, the alias for its reply, the tag of both and the
//! mark where the caller's mailbox ended. Invariant (M-15, R-6, S-1): the reply takes the way of
//! all signals, so that everything the server sent before it is in the mailbox; what waited before
//! costs nothing; after the call has ended, whichever way, nothing of it comes or stays. What it
//! leaves out: what the server does with a request that nobody waits for any more.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::alias::MonitorAlias;
use super::context::{Current, current, try_current};
use super::limit::Sent;
use super::monitors::{self, Down, MonitorOptions, Watchable};
use super::receive::{Probe, Receiver, Scanned};
use crate::clock::nanos;
use crate::message::Message;
use crate::pid::{ActorId, Pid};
use crate::reason::Reason;
use crate::reference::Ref;

#[cfg(test)]
mod tests;

/// What can be asked with [`call`], and what the answer is.
pub trait Request: Send + 'static {
    /// The answer.
    type Reply: Send + 'static;
}

/// A request as the server receives it (`{'$gen_call', From, Request}`).
pub struct Call<R: Request> {
    /// Whom to [`reply`] to.
    pub from: ReplyTo<R::Reply>,
    /// What is asked.
    pub request: R,
}

impl<R: Request + fmt::Debug> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("from", &self.from)
            .field("request", &self.request)
            .finish()
    }
}

/// Whom to reply to, once. May be kept for later, or given to another process that replies.
#[must_use = "whoever called waits for a reply"]
pub struct ReplyTo<T> {
    reference: Ref,
    /// When the caller gives up.
    deadline: u64,
    reply: PhantomData<fn(T)>,
}

impl<T> ReplyTo<T> {
    /// Who called.
    pub fn pid(&self) -> Pid {
        self.reference.maker
    }

    /// The tag of the call: the reference that the caller waits for.
    pub fn reference(&self) -> Ref {
        self.reference
    }

    /// Whether the caller is dead or its time is over, so that nobody waits for a reply. False is a
    /// hint: it may have given up for another reason, or give up at once.
    ///
    /// # Panics
    /// Outside of a process.
    pub fn is_abandoned(&self) -> bool {
        current(|current| {
            let core = current.core();
            core.clock.now() >= self.deadline || !core.exists(self.reference.maker)
        })
    }
}

impl<T> fmt::Debug for ReplyTo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplyTo({}, {})", self.reference.maker, self.reference)
    }
}

/// Why a call has no reply.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum CallError {
    /// None came in time. If one comes later it is dropped.
    Timeout,
    /// The server ended with this reason, or was not there (`noproc`).
    Down(Reason),
    /// The server's mailbox is full, and its policy is to refuse.
    Full,
    /// A process called itself, and would have waited for itself.
    CallingSelf,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Timeout => f.write_str("timeout"),
            CallError::Down(reason) => reason.fmt(f),
            CallError::Full => f.write_str("the server's mailbox is full"),
            CallError::CallingSelf => f.write_str("calling_self"),
        }
    }
}

impl std::error::Error for CallError {}

/// A reply on its way, with the tag of its call.
struct Answer<T> {
    to: Ref,
    value: T,
}

/// Asks a process and waits for its reply (`gen_server:call/3`). The server receives a [`Call`] and
/// answers with [`reply`]. `Duration::MAX` waits for ever.
///
/// ```
/// use runtime::prelude::*;
/// use std::time::Duration;
///
/// struct Add(u64, u64);
///
/// impl Request for Add {
///     type Reply = u64;
/// }
///
/// runtime::run(async {
///     let server = spawn_link(async {
///         loop {
///             receive! {
///                 Call::<Add> { from, request: Add(a, b) } => reply(from, a + b),
///             }
///         }
///     });
///     let sum = call(server, Add(3, 4), Duration::from_secs(5)).await?;
///     assert_eq!(sum, 7);
///     Ok(())
/// })
/// .unwrap();
/// ```
///
/// # Errors
/// [`CallError`]. The request may have been carried out all the same.
///
/// # Cancel safety
/// Dropped while it waits, it leaves nothing: a reply that comes later is dropped, as after a
/// timeout. The request has been sent.
///
/// # Panics
/// Outside of a process.
pub async fn call<R: Request>(
    to: impl Watchable,
    request: R,
    timeout: Duration,
) -> Result<R::Reply, CallError> {
    let mut asked = Asked::<R::Reply>::ask(to, request, timeout)?;
    let reference = asked.reference;
    let mut receiver = Receiver::new().since(reference).after(timeout);
    loop {
        let scanned = receiver.scan(|probe| {
            #[cfg(test)]
            tests::LOOKED.set(tests::LOOKED.get() + 1);
            match () {
                () if probe.test(&mut |answer: &Answer<R::Reply>| answer.to == reference) => {
                    Some(0)
                }
                () if is_down(probe, reference) => Some(1),
                () => None,
            }
        });
        match scanned {
            Scanned::Hit(0, taken) => {
                asked.is_over = true;
                return Ok(taken.open::<Answer<R::Reply>>().value);
            }
            Scanned::Hit(_, taken) => {
                asked.is_over = true;
                return Err(CallError::Down(taken.open::<Down>().reason));
            }
            Scanned::Timeout => return Err(CallError::Timeout),
            Scanned::Wait => receiver.wait().await,
        }
    }
}

fn is_down(probe: &mut Probe, reference: Ref) -> bool {
    probe.test(&mut |down: &Down| down.monitor == reference)
}

/// Replies to a [`call`]. Where the caller does not wait any more the reply is dropped. Any process
/// may reply.
///
/// # Panics
/// Outside of a process.
pub fn reply<T: Send + 'static>(from: ReplyTo<T>, value: T) {
    let to = from.reference;
    let refused = current(|current| {
        current.charge(1);
        let pin = current.pin();
        current.core().send_through(to, Answer { to, value }, &pin)
    });
    // The user's value is dropped where nothing is borrowed.
    drop(refused);
}

/// A call that was made: dropped before it is over, it takes everything back but the request.
struct Asked<T: Send + 'static> {
    reference: Ref,
    is_over: bool,
    reply: PhantomData<fn() -> T>,
}

impl<T: Send + 'static> Asked<T> {
    fn ask<R: Request<Reply = T>>(
        to: impl Watchable,
        request: R,
        timeout: Duration,
    ) -> Result<Self, CallError> {
        let (asked, sent) = current(|current| {
            current.charge(1);
            let pcb = current.pcb();
            let core = &pcb.core;
            let (item, target) = to.resolve(&|name| core.registry.whereis(name));
            let Some(ActorId::Process(server)) = target else {
                return Err(CallError::Down(Reason::NoProc));
            };
            if server == pcb.pid {
                return Err(CallError::CallingSelf);
            }
            // The reply ends the monitor, and the `Down` ends the alias.
            let options = MonitorOptions::new().alias(MonitorAlias::ReplyDemonitor);
            let reference = monitors::watch(pcb, item, target, options);
            let asked = Asked {
                reference,
                is_over: false,
                reply: PhantomData,
            };
            let from = ReplyTo {
                reference,
                deadline: core.clock.now().saturating_add(nanos(timeout)),
                reply: PhantomData,
            };
            let (message, pin) = (Message::new(Call { from, request }), current.pin());
            Ok((asked, core.send_user(server, message, false, &pin)))
        })?;
        match sent {
            // A dead server has been told of by the monitor.
            Sent::Full(_) => Err(CallError::Full),
            sent => {
                sent.settle();
                Ok(asked)
            }
        }
    }
}

impl<T: Send + 'static> Drop for Asked<T> {
    fn drop(&mut self) {
        let reference = self.reference;
        if self.is_over || try_current(Current::pid).flatten() != Some(reference.maker) {
            return;
        }
        let late = current(|current| {
            let pcb = current.pcb();
            // What was sent and not received yet finds neither alias nor monitor.
            if monitors::end(pcb, reference) {
                return None;
            }
            monitors::flush(pcb, reference);
            // SAFETY: this thread runs the process; the answer is dropped after the borrow.
            let mailbox = unsafe { &mut pcb.private().mailbox };
            mailbox.take_first(reference.mark, |answer: &Answer<T>| answer.to == reference)
        });
        drop(late);
    }
}
