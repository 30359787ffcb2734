//! Suspending a process: it runs nothing of its own until it is resumed (process 1.2, 2.3).
//!
//! Called by user code inside a process, for tests, debugging and upkeep. Invariant: suspensions
//! are counted, each process's apart; one that is suspended takes in what is sent to it, answers
//! for itself and can be ended, and is not polled; the times of its receives stand still meanwhile
//! (6.3); whoever suspended others and ends resumes them (P-13 step 6). What it leaves out: work
//! that the process has given to others, such as timers of its own, ports and blocking closures.
//! Unsafe: it touches the private part.

use std::fmt;

use super::context::{current, try_current};
use super::run::shielded;
use super::signal::Signal;
use super::{Pcb, held};
use crate::ordered::OrderedMap;
use crate::pid::Pid;
use crate::reply::{ReplyTo, reply};

/// What a process has of suspensions, where it ever had any.
#[derive(Default)]
pub(crate) struct Suspensions {
    /// How often it is suspended.
    count: u64,
    /// Since when, where it is.
    since: u64,
    /// For how long it was before, in all.
    before: u64,
    /// Who waits until it runs no more.
    askers: Vec<ReplyTo<bool>>,
    /// Whom it has suspended, and how often.
    pub(super) others: OrderedMap<Pid, u64>,
}

/// Why a process was not suspended, or not resumed (`badarg`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SuspendError {
    /// It is dead.
    NoProc,
    /// A process cannot suspend itself.
    Myself,
    /// The caller has not suspended it.
    NotSuspended,
}

impl fmt::Display for SuspendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SuspendError::NoProc => "noproc",
            SuspendError::Myself => "a process cannot suspend itself",
            SuspendError::NotSuspended => "the caller has not suspended this process",
        })
    }
}

impl std::error::Error for SuspendError {}

/// Suspends a process (`erlang:suspend_process/1`): when this returns it is in no poll, and it is
/// polled no more until everybody who suspended it has called [`resume_process`] as often as this,
/// or has ended. Signals to it act, exit signals too; messages fill its mailbox; the times of its
/// receives stand still. For tests and debugging: two processes that suspend each other wait for a
/// third one.
///
/// ```
/// use runtime::prelude::*;
/// use runtime::{resume_process, suspend_process};
///
/// runtime::run(async {
///     let me = self_pid();
///     let echo = spawn(async move { send(me, receive::<u32>().await) });
///     suspend_process(echo).await?;
///     send(echo, 7u32);
///     assert_eq!(process_info(echo).await.unwrap().status, "suspended");
///     resume_process(echo)?;
///     assert_eq!(receive::<u32>().await, 7);
///     Ok(())
/// })
/// .unwrap();
/// ```
///
/// # Errors
/// [`SuspendError::NoProc`] where it is dead or ends meanwhile, [`SuspendError::Myself`].
///
/// # Cancel safety
/// Dropped before it is over, it takes the suspension back.
///
/// # Panics
/// Outside of a process.
pub async fn suspend_process(pid: Pid) -> Result<(), SuspendError> {
    let (to, asked) = reply();
    let unless_over = current(|current| {
        current.charge(1);
        let (core, me) = (current.core(), current.pcb());
        if pid == me.pid {
            return Err(SuspendError::Myself);
        }
        if !core.signal(pid, Signal::Suspend { reply: to }) {
            return Err(SuspendError::NoProc);
        }
        // SAFETY: this thread runs the process, and nothing of the user's is called.
        let others = &mut unsafe { me.private() }.suspensions().others;
        let before = others.get(&pid).copied().unwrap_or(0);
        others.insert(pid, before + 1);
        Ok(TakeBack { by: me.pid, pid })
    })?;
    if asked.await == Some(true) {
        std::mem::forget(unless_over);
        return Ok(());
    }
    Err(SuspendError::NoProc)
}

/// A suspension that nobody waits for any more. Forgotten where it stays.
struct TakeBack {
    by: Pid,
    pid: Pid,
}

impl Drop for TakeBack {
    fn drop(&mut self) {
        try_current(|current| match current.process_if_any() {
            Some(me) if me.pid == self.by => drop(resume(me, self.pid)),
            _ => {}
        });
    }
}

/// Takes back one suspension by the caller (`erlang:resume_process/1`). The process runs again when
/// nobody else's is left.
///
/// # Errors
/// [`SuspendError::NotSuspended`] where the caller has none of it, [`SuspendError::NoProc`] where
/// it is dead.
///
/// # Panics
/// Outside of a process.
pub fn resume_process(pid: Pid) -> Result<(), SuspendError> {
    current(|current| {
        current.charge(1);
        resume(current.pcb(), pid)
    })
}

fn resume(me: &Pcb, pid: Pid) -> Result<(), SuspendError> {
    // SAFETY: this thread runs the process, and nothing of the user's is called.
    let Some(suspensions) = unsafe { me.private() }.suspensions_if_any() else {
        return Err(SuspendError::NotSuspended);
    };
    match suspensions.others.get_mut(&pid) {
        None => return Err(SuspendError::NotSuspended),
        Some(1) => drop(suspensions.others.remove(&pid)),
        Some(count) => *count -= 1,
    }
    let count = 1;
    match me.core.signal(pid, Signal::Resume { count }) {
        true => Ok(()),
        false => Err(SuspendError::NoProc),
    }
}

/// The process is suspended once more. Who asked hears of it before the next poll would be.
pub(super) fn suspended(pcb: &Pcb, asker: ReplyTo<bool>) {
    let now = pcb.core.clock.now();
    // SAFETY: (all of this file's below) this thread runs the process, and the borrow ends before
    // anything of the user's is called.
    let private = unsafe { pcb.private() };
    private.held |= held::SUSPENDED | held::WAS_SUSPENDED;
    let suspensions = private.suspensions();
    if suspensions.count == 0 {
        suspensions.since = now;
    }
    suspensions.count += 1;
    suspensions.askers.push(asker);
    // It may be in the middle of a poll: there has to be an end of it where it is noticed.
    pcb.wake();
}

/// So many suspensions are taken back.
pub(super) fn resumed(pcb: &Pcb, count: u64) {
    let now = pcb.core.clock.now();
    // SAFETY: as above.
    let private = unsafe { pcb.private() };
    let suspensions = private.suspensions();
    suspensions.count = suspensions.count.saturating_sub(count);
    if suspensions.count == 0 {
        suspensions.before += now.saturating_sub(suspensions.since);
        private.held &= !held::SUSPENDED;
        tell_askers(pcb);
    }
}

/// The process is suspended and in no poll.
#[cold]
pub(super) fn tell_askers(pcb: &Pcb) {
    // SAFETY: as above.
    let suspensions = unsafe { pcb.private() }.suspensions();
    for asker in std::mem::take(&mut suspensions.askers) {
        // The waker may be a combinator's.
        shielded(|| asker.send(true));
    }
}

/// The time as the receives of the process count it: without the times that it was suspended.
#[inline]
pub(super) fn own_time(pcb: &Pcb) -> u64 {
    pcb.core.clock.now() - stood_still(pcb)
}

/// For how long it was suspended, in all.
#[inline]
pub(super) fn stood_still(pcb: &Pcb) -> u64 {
    // SAFETY: as above.
    match unsafe { pcb.private() }.held & held::WAS_SUSPENDED {
        0 => 0,
        _ => time_suspended(pcb),
    }
}

#[cold]
fn time_suspended(pcb: &Pcb) -> u64 {
    // SAFETY: as above.
    unsafe { pcb.private() }.suspensions().before
}
