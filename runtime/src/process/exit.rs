//! The end of a process, as one numbered sequence (process P-13):
//!
//! 1. The reason is fixed: the first one. Exit signals that come later are not acted upon.
//! 2. The future is dropped; its destructors may still send, and that comes before step 6 (D-5).
//! 3. Timers whose destination is this process are cancelled.
//! 4. A crash, which is a panic or an error of the process's own, is reported.
//! 5. The name is given back; then the place; then the pid: from here lookups fail.
//! 6. Exit signals to every active link, a `Down` to every watcher, a demonitor to everyone
//!    watched: links before monitors, each in the order in which they were made.
//! 7. The inbox is closed; signals still in it are answered as by the dead.
//! 8. The messages are dropped, one by one. Whom their destructors linked or watched is told as in
//!    step 6. The memory is left to the epoch.
//!
//! Run by the thread that ran the process, for every way to end. Invariant (I-6, P-14, P-15):
//! whoever learns of the end finds the name free, the timers gone and the user's destructors run.
//! Panics of destructors are caught; the reason stays the first one.
//! Unsafe: it is the runner, it ends the future, and it gives up the table's count of the memory.

use std::ptr::NonNull;
use std::sync::Arc;

use super::links::LinkState;
use super::run::shielded;
use super::signal::{self, Signal};
use super::{Pcb, Rare, cell};
use crate::core::{Core, Uncounted};
use crate::crash::CrashReport;
use crate::message::Message;
use crate::pid::ActorId;
use crate::reason::Reason;
use crate::trace;

/// Runs the sequence. The calling thread runs the process and acts for it.
pub(super) fn run(pcb: &Pcb, reason: Reason, crashed: bool) {
    // SAFETY: this thread runs the process, so it holds the runtime; the copy outlives the block.
    let core = unsafe { Uncounted::new(&pcb.core) };
    let core: &Arc<Core> = &core;
    trace::exit(pcb.pid, &reason);
    // What arrives from here on is kept until step 7, also where destructors look for it.
    // SAFETY: this thread runs the process, and nothing of the user's is dropped here.
    unsafe { pcb.private() }.exiting = Some(reason.clone());
    // SAFETY: as above, and the sequence runs once.
    shielded(|| unsafe { pcb.drop_future() });
    let belongings = pcb.marks.end();
    // SAFETY: as above, and nothing of the user's is called.
    if belongings.timers || unsafe { pcb.private() }.own_timers.is_some() {
        core.timers.cancel_all_to(pcb);
    }
    if crashed {
        report(pcb, &reason);
    }
    if let Some(hook) = &core.on_exit {
        shielded(|| hook(pcb.pid, &reason));
    }
    if belongings.name {
        core.registry.forget(pcb.pid.into());
    }
    // The place first: whoever does not find the process any more finds room for another (P-4).
    core.processes.leave();
    core.processes
        .remove(pcb.pid.slot, pcb.pid.generation, core.sched.on_worker());
    tell(pcb, &reason);
    answer(pcb, pcb.inbox.close());
    if let Some(limit) = pcb.limit.get() {
        limit.close();
    }
    drop_messages(pcb);
    tell(pcb, &reason);
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

/// Step 6.
#[inline]
fn tell(pcb: &Pcb, reason: &Reason) {
    // SAFETY: this thread runs the process, and the borrow ends with the expression.
    if unsafe { pcb.private() }.knows_somebody() {
        tell_all(pcb, reason);
    }
}

fn tell_all(pcb: &Pcb, reason: &Reason) {
    // SAFETY: this thread runs the process; what is taken out is used after the borrow.
    let links = std::mem::take(&mut unsafe { pcb.private() }.links);
    // SAFETY: as above.
    let rare = unsafe { pcb.private() }.take_rare();
    let from: ActorId = pcb.pid.into();
    for (to, state) in links {
        // 3.3: a link whose unlink is under way is told nothing.
        if state != LinkState::Active {
            continue;
        }
        let reason = reason.clone();
        match to {
            ActorId::Process(to) => {
                pcb.core.signal(
                    to,
                    Signal::Exit {
                        from,
                        reason,
                        linked: true,
                    },
                );
            }
            ActorId::Port(to) => shielded(|| pcb.core.exit_port(to, pcb.pid, reason, true)),
        }
    }
    let Some(rare) = rare else { return };
    let Rare {
        monitors,
        watchers,
        waiting,
        unanswered,
        seldom: _,
    } = *rare;
    for (reference, watcher) in watchers {
        shielded(|| pcb.core.tell_down(watcher.by, reference, reason.clone()));
    }
    for (reference, monitor) in monitors {
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
    answer(pcb, unanswered.into_iter());
    // Wakers are the user's code where a combinator made them.
    shielded(|| drop(waiting));
}

/// Step 7.
fn answer(pcb: &Pcb, waiting: impl Iterator<Item = Message>) {
    for message in waiting {
        if !message.node().is_signal() || message.node().alias().is_some() {
            shielded(|| drop(message));
        } else if let Ok(signal) = message.downcast::<Signal>() {
            shielded(|| signal::bounce(pcb, signal));
        }
    }
}

/// Step 8. Destructors of messages are user code: each may panic, or send.
fn drop_messages(pcb: &Pcb) {
    loop {
        // SAFETY: this thread runs the process, and the borrow ends before the message is dropped.
        let mailbox = &mut unsafe { pcb.private() }.mailbox;
        let Some(on_worker) = mailbox.at(0) else {
            break;
        };
        let message = mailbox.remove(on_worker);
        shielded(|| drop(message));
    }
    pcb.note_queue_len(0);
}
