//! An alarm: the time limit of a waiting future.
//!
//! Used by operations on ports that have a timeout. Invariant (T-1): it is never early; dropped, it
//! leaves no timer behind.

use std::task::{Context, Poll};
use std::time::Duration;

use super::context::{current, try_current};
use super::wakeup::Wakeup;
use crate::clock::nanos;
use crate::timers::{TimerKey, Timers};

/// A time limit, counted from when it was made. Polled by the future that has the limit.
#[derive(Debug)]
pub struct Alarm {
    deadline: u64,
    timer: Option<TimerKey>,
}

impl Alarm {
    /// A limit so much from now.
    ///
    /// # Panics
    /// Outside of a process.
    pub fn new(time: Duration) -> Self {
        let now = current(|current| current.core().clock.now());
        Alarm {
            deadline: now.saturating_add(nanos(time)),
            timer: None,
        }
    }

    /// Ready when the time is over; else the future is polled again by then.
    ///
    /// # Panics
    /// Outside of a process.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        current(|current| {
            let core = current.core();
            if core.clock.now() >= self.deadline {
                return Poll::Ready(());
            }
            if let Some(old) = self.timer.take() {
                Timers::drop_wakeup(core, old);
            }
            let wakeup = Wakeup::of(current.pcb(), cx.waker());
            self.timer = Some(core.timers.wake_at(core, self.deadline, wakeup));
            Poll::Pending
        })
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            try_current(|current| Timers::drop_wakeup(current.core(), timer));
        }
    }
}
