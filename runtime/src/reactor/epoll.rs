//! The reactor on Linux: epoll, driven directly.
//!
//! `polling` opens the poller; the epoll descriptor behind it is used as it is, because that way
//! RDHUP is told (data and FIN in one edge are told apart from data alone) and a wait is one system
//! call. Sources are added and removed from any thread. Invariant (O-16): a source is registered
//! once, for everything, by edges; its token comes back as it was given. Notifying is a write to an
//! eventfd that is never read: each write is an edge.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use polling::Poller;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};

use crate::limits::EVENTS_MAX;
use crate::port::source::{Event, Reactor, Readiness, Source};

/// The token of the eventfd; a port's slot is never 2^32-1.
const NOTIFY: u64 = u64::MAX;

/// See the file's header.
pub(crate) struct RealReactor {
    poller: Poller,
    wake: OwnedFd,
    watching: AtomicUsize,
    /// Events that a driver did not finish: told once more.
    again: Mutex<Vec<Event>>,
}

impl RealReactor {
    pub(crate) fn new() -> io::Result<Self> {
        let poller = Poller::new()?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(poller.as_fd(), &wake, EventData::new_u64(NOTIFY), flags)?;
        let (watching, again) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        Ok(RealReactor {
            poller,
            wake,
            watching,
            again,
        })
    }

    /// Whether there is anything to poll for: a source, or an event that is told once more.
    pub(crate) fn is_watching(&self) -> bool {
        self.watching.load(Ordering::Relaxed) > 0 || !self.again.lock().is_empty()
    }

    /// Ends the wait that is going on, or the next one.
    pub(crate) fn notify(&self) {
        // The counter would have to reach 2^64 for this to fail; that it is set is all that
        // matters.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    /// Waits for events, at most this many nanoseconds; for ever where there is no timeout. Only
    /// the worker that has the seat calls it.
    pub(crate) fn wait(&self, events: &mut Vec<Event>, timeout: Option<u64>) {
        events.append(&mut self.again.lock());
        let timeout = if events.is_empty() { timeout } else { Some(0) };
        let timeout = timeout.map(|ns| Timespec {
            tv_sec: (ns / 1_000_000_000) as i64,
            tv_nsec: (ns % 1_000_000_000) as i64,
        });
        let mut buffer = [const { MaybeUninit::uninit() }; EVENTS_MAX];
        // EINTR is a wake-up like any other: the caller looks and comes again.
        let Ok((seen, _)) = epoll::wait(self.poller.as_fd(), &mut buffer, timeout.as_ref()) else {
            return;
        };
        for event in seen {
            let (token, flags) = (event.data.u64(), event.flags);
            if token == NOTIFY {
                continue;
            }
            let has = |flag| flags.intersects(flag);
            events.push((
                token,
                Readiness {
                    readable: has(EventFlags::IN | EventFlags::PRI),
                    writable: has(EventFlags::OUT),
                    hangup: has(EventFlags::RDHUP | EventFlags::HUP),
                    error: has(EventFlags::ERR),
                },
            ));
        }
    }
}

impl Reactor for RealReactor {
    fn add(&self, source: Source<'_>, token: u64) -> io::Result<()> {
        let Source::Fd(fd) = source else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(self.poller.as_fd(), fd, EventData::new_u64(token), flags)?;
        self.watching.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn remove(&self, source: Source<'_>) {
        if let Source::Fd(fd) = source
            && epoll::delete(self.poller.as_fd(), fd).is_ok()
        {
            self.watching.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn again(&self, token: u64, readiness: Readiness) {
        self.again.lock().push((token, readiness));
    }
}
