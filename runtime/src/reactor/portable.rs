//! The reactor on systems other than Linux: the `polling` crate, by edges.
//!
//! A hang-up is told where the system tells it; a driver that was not told finds it by reading.
//! Invariant (O-16): a source is registered once, for everything; its token comes back as it was
//! given; it is removed before it is closed.
//! Unsafe: `polling` asks for that promise when a source is added.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use polling::{Event as PollEvent, Events, PollMode, Poller};

use crate::port::source::{Event, Reactor, Readiness, Source};

/// See the file's header.
pub(crate) struct RealReactor {
    poller: Poller,
    buffer: Mutex<Events>,
    watching: AtomicUsize,
    /// Events that a driver did not finish: told once more.
    again: Mutex<Vec<Event>>,
}

impl RealReactor {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(RealReactor {
            poller: Poller::new()?,
            buffer: Mutex::new(Events::new()),
            watching: AtomicUsize::new(0),
            again: Mutex::new(Vec::new()),
        })
    }

    /// Whether there is anything to poll for: a source, or an event that is told once more.
    pub(crate) fn is_watching(&self) -> bool {
        self.watching.load(Ordering::Relaxed) > 0 || !self.again.lock().is_empty()
    }

    /// Ends the wait that is going on, or the next one.
    pub(crate) fn notify(&self) {
        // It fails only where the poller is gone, and then nobody waits.
        let _ = self.poller.notify();
    }

    /// Waits for events, at most this many nanoseconds; for ever where there is no timeout. Only
    /// the worker that has the seat calls it.
    pub(crate) fn wait(&self, events: &mut Vec<Event>, timeout: Option<u64>) {
        events.append(&mut self.again.lock());
        let timeout = if events.is_empty() { timeout } else { Some(0) };
        let mut buffer = self.buffer.lock();
        buffer.clear();
        if self
            .poller
            .wait(&mut buffer, timeout.map(Duration::from_nanos))
            .is_err()
        {
            return;
        }
        events.extend(buffer.iter().map(|event| {
            let readiness = Readiness {
                readable: event.readable,
                writable: event.writable,
                hangup: event.is_interrupt(),
                error: event.is_err().unwrap_or(false),
            };
            (event.key as u64, readiness)
        }));
    }
}

impl Reactor for RealReactor {
    fn add(&self, source: Source<'_>, token: u64) -> io::Result<()> {
        let Source::Fd(fd) = source else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let key = usize::try_from(token).map_err(|_| io::ErrorKind::Unsupported)?;
        // SAFETY: a driver removes its source before it closes the descriptor (R20).
        unsafe {
            self.poller
                .add_with_mode(&fd, PollEvent::all(key), PollMode::Edge)?
        };
        self.watching.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn remove(&self, source: Source<'_>) {
        if let Source::Fd(fd) = source
            && self.poller.delete(fd).is_ok()
        {
            self.watching.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn again(&self, token: u64, readiness: Readiness) {
        self.again.lock().push((token, readiness));
    }
}
