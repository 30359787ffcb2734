//! A driver that counts what it is told, and a port with it, for the model of ports.
//!
//! Included by `model_port`. The counts are not seen by loom, so they order nothing; what the
//! driver touches in each callback is.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Count;
use std::task::Waker;

use loom::cell::UnsafeCell;
use loom::thread;

use crate::core::Core;
use crate::message::Message;
use crate::pid::{Pid, PortId};
use crate::port::{self, Driver, Flush, PortClosed, PortCx, Readiness, Turn};
use crate::process::signal::Signal;
use crate::process::wakeup::Wakeup;
use crate::reason::Reason;
use crate::sync::Ordering;

/// What a driver was told. Not seen by loom, so it orders nothing.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) readies: Count,
    pub(crate) timeouts: Count,
    pub(crate) flushes: Count,
    pub(crate) stops: Count,
    pub(crate) drops: Count,
    pub(crate) late: Count,
}

fn one_more(count: &Count) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// A driver that keeps events for who asks, and notes who waits for one.
pub(crate) struct Probe {
    told: Arc<Told>,
    /// Touched by each callback.
    touched: UnsafeCell<u32>,
    events: u32,
    waits: Option<Wakeup>,
    does: Does,
}

/// What it does beside.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Does {
    Nothing,
    /// Sends its owner the number of each event.
    Sends,
    /// Closes the port at the first event.
    Closes,
    /// Needs an event after the port began to close.
    Flushes,
    /// Sets its timer at the start.
    Times,
    /// Is busy until an event.
    Busy,
}

impl Probe {
    pub(crate) fn new(told: &Arc<Told>, does: Does) -> Self {
        Probe {
            told: told.clone(),
            touched: UnsafeCell::new(0),
            events: 0,
            waits: None,
            does,
        }
    }

    fn touch(&mut self) {
        // SAFETY: loom looks that nobody else does it.
        self.touched.with_mut(|touched| unsafe { *touched += 1 });
        if self.told.stops.load(Ordering::Relaxed) > 0 {
            one_more(&self.told.late);
        }
    }

    /// An event, where there is one; else it is noted who waits.
    fn take(&mut self, wakeup: Wakeup) -> bool {
        self.touch();
        if self.events > 0 {
            self.events -= 1;
            return true;
        }
        self.waits = Some(wakeup);
        false
    }
}

impl Driver for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn start(&mut self, cx: &mut PortCx<'_>) -> std::io::Result<()> {
        match self.does {
            Does::Times => cx.set_timer(std::time::Duration::ZERO),
            Does::Busy => cx.set_busy(true),
            _ => {}
        }
        Ok(())
    }

    fn ready(&mut self, cx: &mut PortCx<'_>, _: Readiness) -> Turn {
        self.touch();
        one_more(&self.told.readies);
        self.events += 1;
        if let Some(wakeup) = self.waits.take() {
            cx.wake(wakeup);
        }
        match self.does {
            Does::Sends => cx.send_owner(self.events),
            Does::Closes => cx.close(Reason::Normal),
            Does::Flushes => {
                cx.flushed();
                if cx.is_closing() {
                    cx.close(Reason::Normal);
                }
            }
            Does::Busy => cx.set_busy(false),
            Does::Nothing | Does::Times => {}
        }
        Turn::Done
    }

    fn timeout(&mut self, _: &mut PortCx<'_>) {
        self.touch();
        one_more(&self.told.timeouts);
    }

    fn command(&mut self, cx: &mut PortCx<'_>, _: &[u8], _: Pid) -> bool {
        self.touch();
        cx.set_busy(false);
        true
    }

    fn flush(&mut self, _: &mut PortCx<'_>, kill: bool) -> Flush {
        self.touch();
        one_more(&self.told.flushes);
        match kill || self.does != Does::Flushes {
            true => Flush::Done,
            false => Flush::Later,
        }
    }

    fn stop(&mut self, cx: &mut PortCx<'_>) {
        self.touch();
        one_more(&self.told.stops);
        if let Some(wakeup) = self.waits.take() {
            cx.wake(wakeup);
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        one_more(&self.told.drops);
    }
}

/// One port, open, owned by process 0.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) core: Arc<Core>,
    pub(crate) told: Arc<Told>,
    pub(crate) port: PortId,
}

impl World {
    pub(crate) fn new(processes: u32, does: Does) -> Self {
        let core = Core::new(processes);
        let told = Arc::new(Told::default());
        let probe = Probe::new(&told, does);
        let port = core.process(0).acts(|| port::open(probe).expect("room"));
        World { core, told, port }
    }

    /// Starts a thread of the model.
    pub(crate) fn spawn<T: 'static>(
        &self,
        f: impl FnOnce(&World) -> T + 'static,
    ) -> thread::JoinHandle<T> {
        let world = self.clone();
        thread::spawn(move || f(&world))
    }

    /// The reactor has an event for the port.
    pub(crate) fn event(&self) {
        let readiness = Readiness::default();
        port::ready(&self.core, self.port.token(), readiness, &self.core.pin());
    }

    /// The owner takes an event, and waits where there is none. False where the port closed.
    pub(crate) fn take(&self, which: usize) -> bool {
        let process = self.core.process(which);
        loop {
            let wakeup = Wakeup::of(process, Waker::noop());
            let take = |probe: &mut Probe, _: &mut PortCx<'_>| probe.take(wakeup);
            match process.acts(|| port::call(self.port, take)) {
                Ok(true) => return true,
                Ok(false) => process.sleeper.sleep(),
                Err(PortClosed) => return false,
            }
        }
    }

    pub(crate) fn close(&self, which: usize) -> bool {
        let close = || port::close(self.port).is_ok();
        self.core.process(which).acts(close)
    }

    pub(crate) fn kill(&self, by: usize) {
        let from = self.core.process(by).pid;
        self.core.exit_port(self.port, from, Reason::Kill, false);
    }

    /// The port came to its end, once.
    pub(crate) fn assert_over(&self) {
        let told = |count: &Count| count.load(Ordering::Relaxed);
        assert_eq!(told(&self.told.flushes), 1, "times told to flush");
        assert_eq!(told(&self.told.stops), 1, "times stopped");
        assert_eq!(told(&self.told.drops), 1, "times dropped");
        assert_eq!(told(&self.told.late), 0, "callbacks after the end");
        assert_eq!(self.core.ports.len(), 0);
        assert_eq!(self.core.collector.released(), 1, "times released");
        assert_eq!(self.ends_of(0), 1, "exit signals of the port to its owner");
    }

    /// Events were told to the driver or dropped.
    pub(crate) fn assert_events(&self, count: usize) {
        let told = self.told.readies.load(Ordering::Relaxed);
        let stale = self.core.stale_events.load(Ordering::Relaxed) as usize;
        assert_eq!(told + stale, count);
    }

    /// Exit signals of the port's end that came to a process.
    pub(crate) fn ends_of(&self, which: usize) -> usize {
        let received = self.core.process(which).received();
        let is_end = |message: &&Message| {
            matches!(
                message.downcast_ref::<Signal>(),
                Some(Signal::Exit { linked: true, .. })
            )
        };
        received.iter().filter(is_end).count()
    }
}
