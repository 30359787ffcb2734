//! The end of a port, as one numbered sequence (process 8.2, 8.7):
//!
//! 1. The phase becomes Closing: for everyone but the driver's flush the port is closed.
//! 2. The name is given back.
//! 3. Exit signals to every link, in the order of linking; a `Down` to every watcher.
//! 4. The driver is asked to flush, or told that it may not. Where it needs time it goes on being
//!    called for readiness and its timer until it is done.
//! 5. The driver is stopped: it gives back its sources and wakes those who wait.
//! 6. The phase becomes Closed, the timer is cancelled, who closed it by message is told, the id
//!    leaves the table.
//! 7. With the lock free: waiting futures are woken, the driver is dropped, memory goes to the
//!    epoch.
//!
//! Run by whoever made the callback that asked for it. Invariant (O-2, O-3): each step happens
//! once; the driver is not called after step 5. A driver that panics in its last calls is dropped
//! all the same. Unsafe: it gives up the table's hold of the cell's memory.

use std::ptr::NonNull;

use super::cx::{Asked, End, More, guarded};
use super::{Address, Body, Driver, Flush, Phase, PortCell, PortCx, PortReply, watch};
use crate::event::Event;
use crate::message::Message;
use crate::pin::Pin;
use crate::process::run::shielded;
use crate::process::signal::Signal;
use crate::sync::MutexGuard;
use crate::timers::Timers;

/// A driver without a body: what a closed port is left with.
struct Gone;

impl Driver for Gone {
    fn name(&self) -> &'static str {
        "closed"
    }

    fn ready(&mut self, _: &mut PortCx<'_>, _: super::Readiness) -> super::Turn {
        super::Turn::Done
    }

    fn stop(&mut self, _: &mut PortCx<'_>) {}
}

/// Does what a callback asked for, and frees the lock.
#[inline]
pub(super) fn carry_out(cell: &PortCell, body: MutexGuard<'_, Body>, asked: Asked, pin: &Pin) {
    if asked.more.is_some() {
        return carry_out_all(cell, body, asked, pin);
    }
    drop(body);
    if let Some(wakeup) = asked.wakeup {
        wakeup.wake_shielded(&cell.core, pin);
    }
}

#[inline(never)]
fn carry_out_all(cell: &PortCell, mut body: MutexGuard<'_, Body>, mut asked: Asked, pin: &Pin) {
    let end = asked.more().end.take();
    if let (Some(end), Phase::Open) = (&end, body.phase) {
        begin(cell, &mut body, &mut asked, end, pin);
    }
    let driver = (body.phase == Phase::Closing && asked.more().flushed)
        .then(|| finish(cell, &mut body, &mut asked, pin));
    drop(body);
    // From here on it may be the user's code that runs.
    let Asked { wakeup, more, .. } = asked;
    let more = more.map_or_else(More::default, |more| *more);
    for wakeup in wakeup.into_iter().chain(more.wakeups) {
        wakeup.wake_shielded(&cell.core, pin);
    }
    for message in more.refused {
        shielded(|| drop(message));
    }
    if !more.jobs.is_empty() {
        shielded(|| drop(more.jobs));
        cell.core.event(|| Event::BlockingPoolFull);
    }
    // An end that was asked for while one was under way is none.
    if end.is_some() || more.end.is_some() {
        shielded(|| drop((end, more.end)));
    }
    if let Some(driver) = driver {
        shielded(|| drop(driver));
        cell.core.ports.vacate();
        let memory = Address(NonNull::from(cell));
        // SAFETY: the id has left the table, this happens once, and memory is freed on any thread.
        unsafe { pin.defer(&cell.core.collector, move || memory.release()) };
    }
}

/// Steps 1 to 4.
fn begin(cell: &PortCell, body: &mut Body, asked: &mut Asked, end: &End, pin: &Pin) {
    body.phase = Phase::Closing;
    if cell.marks.end().name {
        cell.core.registry.forget(cell.id.into());
    }
    let from = cell.id.into();
    let (owner, reason) = (body.owner, &end.reason);
    for (to, ()) in std::mem::take(&mut body.links) {
        let signal = match to == owner && end.spare_owner {
            true => Signal::Unlinked { from },
            false => Signal::Exit {
                from,
                reason: reason.clone(),
                linked: true,
            },
        };
        cell.core.signal(to, signal);
    }
    for (reference, watcher) in std::mem::take(&mut body.watchers) {
        cell.core.signal(
            watcher,
            Signal::Down {
                reference,
                reason: reason.clone(),
            },
        );
    }
    if let Some(rare) = body.rare.as_deref_mut() {
        rare.line.send_away().for_each(|wakeup| asked.wake(wakeup));
        watch::end_all(&cell.core, owner, rare);
    }
    asked.more().flushed = false;
    let flush = guarded(cell, body, asked, pin, |driver, cx| {
        driver.flush(cx, end.kill)
    });
    // A kill waits for nothing (O-2), and neither does a driver that panicked.
    asked.more().flushed |= end.kill || flush != Ok(Flush::Later);
}

/// Steps 5 and 6. The driver is given back, to be dropped without the lock.
fn finish(cell: &PortCell, body: &mut Body, asked: &mut Asked, pin: &Pin) -> Box<dyn Driver> {
    // A driver that panicked here is over all the same.
    let _ = guarded(cell, body, asked, pin, |driver, cx| driver.stop(cx));
    body.phase = Phase::Closed;
    let owner = body.owner;
    if let Some(rare) = body.rare.as_deref_mut() {
        watch::end_all(&cell.core, owner, rare);
    }
    if let Some(timer) = body.timer.take() {
        Timers::drop_wakeup(&cell.core, timer);
    }
    if let Some(to) = body.tell_closed.take() {
        let reply = Message::new(PortReply::Closed(cell.id));
        if let Err(reply) = cell.core.send_message(to, reply) {
            asked.refuse(reply);
        }
    }
    cell.core.ports.remove(
        cell.id.slot,
        cell.id.generation,
        cell.core.sched.on_worker(),
    );
    std::mem::replace(&mut body.driver, Box::new(Gone))
}
