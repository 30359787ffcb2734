//! The end of a process, as one numbered sequence (process P-13):
//!
//! 1. The reason is fixed: the first one. Exit signals that come later are not acted upon.
//! 2. The future is dropped; its destructors may still send, and that comes before step 6 (D-5).
//! 3. Timers whose destination is this process are cancelled.
//! 4. A crash, which is a panic or an error of the process's own, is reported.
//! 5. The name is given back; then the place; then the pid: from here lookups fail.
//! 6. Exit signals to every active link, a `Down` to every watcher, a demonitor to everyone
//!    watched; whom it has suspended is resumed. Links before monitors, each in the order in which
//!    they were made.
//! 7. The inbox is closed; signals still in it are answered as by the dead.
//! 8. The messages are dropped, one by one. Whom their destructors linked or watched is told as in
//!    step 6. The memory is left to the epoch.
//!
//! Run by the thread that ran the process, for every way to end. What may be much (steps 3 and 6 to
//! 8) is done in portions as large as the budget of a slice: when one is used up the process goes
//! to the tail of the queue, and whoever takes it from there goes on. Invariant (I-6, P-14, P-15):
//! whoever learns of the end finds the name free, the timers gone and the user's destructors run.
//! Panics of destructors are caught; the reason stays the first one.
//! Unsafe: it is the runner, it ends the future, and it gives up the table's count of the memory.

use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;
use std::vec;

use super::budget::{PORT_COST, Portion};
use super::links::LinkState;
use super::monitors::{Monitor, Watcher};
use super::run::shielded;
use super::signal::{self, Signal};
use super::{Pcb, Rare, cell};
use crate::core::{Core, Uncounted};
use crate::crash::CrashReport;
use crate::inbox::Chain;
use crate::limits::SIGNALS_PER_TURN;
use crate::message::Message;
use crate::ordered::IntoIter;
use crate::pid::{ActorId, Pid};
use crate::reason::Reason;
use crate::reference::Ref;
use crate::trace;

/// A sequence that was put off: its reason, and what comes next.
pub(crate) struct Ending {
    reason: Reason,
    next: Next,
}

enum Next {
    /// Steps 3 to 5.
    Release { crashed: bool },
    /// What is left of step 6.
    Tell(Box<Telling>),
    /// What is left of step 7: nothing comes any more.
    Answer(Chain),
    /// Step 8.
    Messages,
    /// Step 6, for whom the last destructors have linked or watched: what is left of it.
    TellMore(Box<Telling>),
}

/// Begins the sequence, and goes on as far as a portion reaches. The calling thread runs the
/// process and acts for it. `crashed`: it ends by a panic or an error of its own. Gives the reason
/// where everything is done but the last, `over`.
#[inline]
pub(super) fn begin(pcb: &Pcb, reason: Reason, crashed: bool) -> Result<Reason, Ending> {
    trace::exit(pcb.pid, &reason);
    // What arrives from here on is kept until step 7, also where destructors look for it.
    // SAFETY: this thread runs the process, and nothing of the user's is dropped here.
    unsafe { pcb.private() }.exiting = Some(reason.clone());
    // SAFETY: as above, and the sequence runs once.
    shielded(|| unsafe { pcb.drop_future() });
    let portion = &mut Portion::new(pcb);
    if !release(pcb, &reason, crashed, portion) {
        let next = Next::Release { crashed };
        return Err(Ending { reason, next });
    }
    // SAFETY: as above.
    if unsafe { pcb.private() }.knows_somebody()
        && let Err(left) = tell(pcb, &reason, portion)
    {
        let next = Next::Tell(left);
        return Err(Ending { reason, next });
    }
    let unanswered = close(pcb);
    // SAFETY: as above.
    let private = unsafe { pcb.private() };
    if unanswered.is_empty() && private.mailbox.len() == 0 && !private.knows_somebody() {
        return Ok(reason);
    }
    let next = Next::Answer(unanswered);
    Ending { reason, next }.go_on(pcb, portion)
}

/// The next portion of a sequence that was put off. As `begin`.
#[cold]
pub(super) fn go_on(pcb: &Pcb) -> Result<Reason, Ending> {
    // SAFETY: this thread runs the process, and the borrow ends with the statement.
    let ending = unsafe { pcb.private() }.take_ending();
    let ending = ending.expect("one that is ending has begun to");
    ending.go_on(pcb, &mut Portion::new(pcb))
}

impl Ending {
    fn go_on(self, pcb: &Pcb, portion: &mut Portion) -> Result<Reason, Self> {
        let Ending { reason, mut next } = self;
        loop {
            next = match next {
                Next::Release { crashed } => {
                    if !release(pcb, &reason, crashed, portion) {
                        let next = Next::Release { crashed };
                        return Err(Ending { reason, next });
                    }
                    match tell(pcb, &reason, portion) {
                        Ok(()) => Next::Answer(close(pcb)),
                        Err(left) => Next::Tell(left),
                    }
                }
                Next::Tell(left) => match (*left).go_on(pcb, &reason, portion) {
                    Ok(()) => Next::Answer(close(pcb)),
                    Err(left) => Next::Tell(left),
                },
                Next::Answer(mut chain) if !chain.is_turned() => {
                    chain.turn(SIGNALS_PER_TURN);
                    return Err(Ending {
                        reason,
                        next: Next::Answer(chain),
                    });
                }
                Next::Answer(mut chain) => match answer(pcb, &mut chain, portion) {
                    true => Next::Messages,
                    false => Next::Answer(chain),
                },
                Next::Messages => match drop_messages(pcb, portion) {
                    // SAFETY: this thread runs the process, and the borrow ends at once.
                    true if !unsafe { pcb.private() }.knows_somebody() => return Ok(reason),
                    true => match tell(pcb, &reason, portion) {
                        Ok(()) => Next::Messages,
                        Err(left) => Next::TellMore(left),
                    },
                    false => Next::Messages,
                },
                Next::TellMore(left) => match (*left).go_on(pcb, &reason, portion) {
                    Ok(()) => Next::Messages,
                    Err(left) => Next::TellMore(left),
                },
            };
            if !portion.is_left() {
                return Err(Ending { reason, next });
            }
        }
    }
}

/// The process goes to the tail of the queue and ends on from there.
#[cold]
pub(super) fn put_off(pcb: &Pcb, ending: Ending) {
    // SAFETY: this thread runs the process, and the borrow ends with the statement.
    unsafe { pcb.private() }.put_ending(ending);
}

/// Steps 3 to 5. False where the portion is used up within step 3.
#[inline(always)]
fn release(pcb: &Pcb, reason: &Reason, crashed: bool, portion: &mut Portion) -> bool {
    let core = &pcb.core;
    // What had been sent before it began to end is no signal to the dead yet, and none is lost.
    // SAFETY: this thread runs the process, and the borrow ends with the expression.
    if unsafe { pcb.private() }.is_behind() && !signal::catch_up(pcb, SIGNALS_PER_TURN) {
        return false;
    }
    let belongings = pcb.marks.end();
    // SAFETY: this thread runs the process, and nothing of the user's is called.
    let timed = belongings.timers || unsafe { pcb.private() }.own_timers.is_some();
    if timed && !core.timers.cancel_to(pcb, portion) {
        return false;
    }
    if crashed {
        report(pcb, reason);
    }
    if let Some(hook) = &core.on_exit {
        shielded(|| hook(pcb.pid, reason));
    }
    if belongings.name {
        core.registry.forget(pcb.pid.into());
    }
    // The place first: whoever does not find the process any more finds room for another (P-4).
    core.processes.leave();
    core.processes
        .remove(pcb.pid.slot, pcb.pid.generation, core.sched.on_worker());
    true
}

/// Nothing comes any more. What has come is to be answered.
#[inline(always)]
fn close(pcb: &Pcb) -> Chain {
    let unanswered = pcb.inbox.close(SIGNALS_PER_TURN);
    if let Some(limit) = pcb.limit.get() {
        limit.close();
    }
    unanswered
}

/// The last of the sequence: the memory is given up.
#[inline]
pub(super) fn over(pcb: &Pcb, reason: Reason) {
    // SAFETY: this thread runs the process, so it holds the runtime; the copy outlives the block.
    let core = unsafe { Uncounted::new(&pcb.core) };
    let core: &Arc<Core> = &core;
    // SAFETY: as above; what is taken out is dropped after the borrow.
    let fixed = unsafe { pcb.private() }.exiting.take();
    shielded(|| drop((fixed, reason)));
    let memory = Address(NonNull::from(pcb));
    // SAFETY: the table's count is given up exactly here, once; the pid is not found any more, and
    // releasing memory may happen on any thread.
    unsafe { core.pin().defer(&core.collector, move || memory.release()) };
    core.process_ended();
}

/// The address of a block whose table count is to be given up.
struct Address(NonNull<Pcb>);

impl Address {
    /// # Safety
    /// Called once, by whoever gives up the table's count.
    unsafe fn release(self) {
        // SAFETY: by the contract above.
        unsafe { cell::release(self.0) }
    }
}

/// Step 4.
fn report(pcb: &Pcb, reason: &Reason) {
    // SAFETY: this thread runs the process, and nothing of the user's is called.
    let seldom = unsafe { pcb.private() }.seldom_if_any();
    let report = CrashReport {
        pid: pcb.pid,
        name: pcb.core.registry.name_of(pcb.pid.into()),
        label: seldom.and_then(|seldom| seldom.label.clone()),
        reason: reason.clone(),
        spawned_at: pcb.spawned_at,
    };
    shielded(|| (pcb.core.on_crash)(&report));
}

/// What is left of step 6.
enum Telling {
    Links(IntoIter<ActorId, LinkState>, Option<Box<Rare>>),
    Watches(Watches),
}

/// What is left of it behind the links.
struct Watches {
    watchers: IntoIter<Ref, Watcher>,
    monitors: IntoIter<Ref, Monitor>,
    suspended: IntoIter<Pid, u64>,
    unanswered: vec::IntoIter<Message>,
    waiting: Vec<(u64, Waker)>,
}

impl Telling {
    fn go_on(self, pcb: &Pcb, reason: &Reason, portion: &mut Portion) -> Result<(), Box<Telling>> {
        match self {
            Telling::Links(links, rare) => tell_links(pcb, reason, links, rare, portion),
            Telling::Watches(watches) => tell_watches(pcb, reason, watches, portion),
        }
    }
}

/// Step 6. What is left where the portion is used up; so for its kin.
fn tell(pcb: &Pcb, reason: &Reason, portion: &mut Portion) -> Result<(), Box<Telling>> {
    // SAFETY: this thread runs the process; what is taken out is used after the borrow.
    let private = unsafe { pcb.private() };
    let links = std::mem::take(&mut private.links).into_iter();
    let rare = private.take_rare();
    tell_links(pcb, reason, links, rare, portion)
}

fn tell_links(
    pcb: &Pcb,
    reason: &Reason,
    mut links: IntoIter<ActorId, LinkState>,
    rare: Option<Box<Rare>>,
    portion: &mut Portion,
) -> Result<(), Box<Telling>> {
    let from: ActorId = pcb.pid.into();
    loop {
        if !portion.is_left() {
            return Err(Box::new(Telling::Links(links, rare)));
        }
        let Some((to, state)) = links.next() else {
            break;
        };
        // 3.3: a link whose unlink is under way is told nothing.
        if state != LinkState::Active {
            continue;
        }
        let reason = reason.clone();
        match to {
            ActorId::Process(to) => {
                portion.take(1);
                pcb.core.signal(
                    to,
                    Signal::Exit {
                        from,
                        reason,
                        linked: true,
                    },
                );
            }
            ActorId::Port(to) => {
                portion.take(PORT_COST);
                shielded(|| pcb.core.exit_port(to, pcb.pid, reason, true));
            }
        }
    }
    let Some(rare) = rare else { return Ok(()) };
    let Rare {
        monitors,
        watchers,
        waiting,
        unanswered,
        mut seldom,
    } = *rare;
    let suspended = seldom.as_mut().map(|seldom| seldom.take_suspended());
    // In there may be somebody who waits, under a waker that is a combinator's.
    shielded(|| drop(seldom));
    let watches = Watches {
        watchers: watchers.into_iter(),
        monitors: monitors.into_iter(),
        suspended: suspended.unwrap_or_default().into_iter(),
        unanswered: unanswered.into_iter(),
        waiting,
    };
    tell_watches(pcb, reason, watches, portion)
}

fn tell_watches(
    pcb: &Pcb,
    reason: &Reason,
    mut left: Watches,
    portion: &mut Portion,
) -> Result<(), Box<Telling>> {
    while portion.take(1) {
        let Some((reference, watcher)) = left.watchers.next() else {
            break;
        };
        shielded(|| pcb.core.tell_down(watcher.by, reference, reason.clone()));
    }
    while portion.take(1) {
        let Some((reference, monitor)) = left.monitors.next() else {
            break;
        };
        match monitor.target {
            Some(ActorId::Process(pid)) => {
                pcb.core.signal(pid, Signal::Demonitor { reference });
            }
            Some(ActorId::Port(port)) => pcb.core.demonitor_port(port, reference),
            None => {}
        }
        // The tag is the user's value.
        shielded(|| drop(monitor));
    }
    while portion.take(1) {
        let Some((pid, count)) = left.suspended.next() else {
            break;
        };
        pcb.core.signal(pid, Signal::Resume { count });
    }
    if !answer(pcb, &mut left.unanswered, portion) {
        return Err(Box::new(Telling::Watches(left)));
    }
    // Wakers are the user's code where a combinator made them.
    shielded(|| drop(left.waiting));
    Ok(())
}

/// Step 7. False where the portion is used up.
fn answer(pcb: &Pcb, from: &mut impl Iterator<Item = Message>, portion: &mut Portion) -> bool {
    while portion.is_left() {
        let Some(message) = from.next() else {
            return true;
        };
        portion.take(1);
        if !message.node().is_signal() || message.node().alias().is_some() {
            shielded(|| drop(message));
        } else if let Ok(signal) = message.downcast::<Signal>() {
            shielded(|| signal::bounce(pcb, signal));
        }
    }
    false
}

/// Step 8. Destructors of messages are user code: each may panic, or send. False where the portion
/// is used up.
fn drop_messages(pcb: &Pcb, portion: &mut Portion) -> bool {
    while portion.is_left() {
        // SAFETY: this thread runs the process, and the borrow ends before the message is dropped.
        let mailbox = &mut unsafe { pcb.private() }.mailbox;
        let Some(seat) = mailbox.at(0) else {
            pcb.note_queue_len(0);
            return true;
        };
        portion.take(1);
        let message = mailbox.remove(seat);
        shielded(|| drop(message));
    }
    false
}
