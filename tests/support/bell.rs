//! A bell: a driver with nothing behind it. It sends what it is told to its owner, fails where it
//! is told to, and keeps a log of what is done to it.
//!
//! The log is shared with the test, so it can be read when the port is gone.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use runtime::Reason;
use runtime::port::{self, Driver, Flush, PortClosed, PortCx, Readiness, Source, Turn};
use runtime::prelude::*;

/// What a bell sends to its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rung(pub PortId, pub u32);

/// What was done to a bell, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Deed {
    /// `start`
    Started,
    /// `ready`
    Ready,
    /// `timeout`
    TimedOut,
    /// `command`, with its data.
    Command(Vec<u8>),
    /// `flush`; true for a kill.
    Flush(bool),
    /// `stop`
    Stopped,
    /// The driver was dropped.
    Dropped,
}

/// How a bell behaves.
#[derive(Clone, Copy, Default, Debug)]
pub struct Ways {
    /// `start` fails.
    pub fails: bool,
    /// `start` panics.
    pub panics: bool,
    /// `flush` needs time, whatever it is told.
    pub slow: bool,
    /// `stop` panics.
    pub stop_panics: bool,
}

/// The log of a bell.
#[derive(Clone, Default, Debug)]
pub struct Log(Arc<Mutex<Vec<Deed>>>);

impl Log {
    /// What was done so far.
    pub fn deeds(&self) -> Vec<Deed> {
        self.lock().clone()
    }

    /// Whether this was done.
    pub fn has(&self, deed: &Deed) -> bool {
        self.lock().contains(deed)
    }

    fn add(&self, deed: Deed) {
        self.lock().push(deed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Deed>> {
        self.0.lock().expect("nobody panics with the log in hand")
    }
}

/// See the file's header.
#[derive(Debug)]
pub struct Bell {
    ways: Ways,
    log: Log,
    /// Rings at each timeout.
    pub on_timeout: Option<u32>,
    /// A source that is watched until the end.
    pub source: Option<std::net::UdpSocket>,
}

impl Bell {
    /// A bell that does as it is told.
    pub fn new() -> (Self, Log) {
        Bell::with(Ways::default())
    }

    /// A bell with ways of its own.
    pub fn with(ways: Ways) -> (Self, Log) {
        let log = Log::default();
        let bell = Bell {
            ways,
            log: log.clone(),
            on_timeout: None,
            source: None,
        };
        (bell, log)
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.log.add(Deed::Dropped);
    }
}

impl Driver for Bell {
    fn name(&self) -> &'static str {
        "bell"
    }

    fn start(&mut self, cx: &mut PortCx<'_>) -> io::Result<()> {
        use std::os::fd::AsFd;
        self.log.add(Deed::Started);
        if let Some(source) = &self.source {
            cx.register(Source::Fd(source.as_fd()))?;
        }
        cx.set_timer(Duration::from_secs(3600));
        assert!(!self.ways.panics, "a bell that panics at its start");
        if self.ways.fails {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        cx.cancel_timer();
        Ok(())
    }

    fn ready(&mut self, cx: &mut PortCx<'_>, _: Readiness) -> Turn {
        self.log.add(Deed::Ready);
        cx.send_owner(Rung(cx.id(), u32::MAX));
        Turn::Done
    }

    fn timeout(&mut self, cx: &mut PortCx<'_>) {
        self.log.add(Deed::TimedOut);
        if let Some(n) = self.on_timeout {
            cx.send_owner(Rung(cx.id(), n));
        }
        if cx.is_closing() {
            cx.flushed();
        }
    }

    fn command(&mut self, _: &mut PortCx<'_>, data: &[u8], _: Pid) -> bool {
        self.log.add(Deed::Command(data.to_vec()));
        data != b"bad"
    }

    fn flush(&mut self, cx: &mut PortCx<'_>, kill: bool) -> Flush {
        self.log.add(Deed::Flush(kill));
        if self.ways.slow {
            cx.set_timer(Duration::from_millis(20));
            return Flush::Later;
        }
        Flush::Done
    }

    fn stop(&mut self, cx: &mut PortCx<'_>) {
        use std::os::fd::AsFd;
        self.log.add(Deed::Stopped);
        if let Some(source) = &self.source {
            cx.deregister(Source::Fd(source.as_fd()));
        }
        assert!(!self.ways.stop_panics, "a bell that panics at its end");
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        vec![("deeds", self.log.deeds().len().to_string())]
    }
}

/// Opens a bell; the caller owns it.
///
/// # Panics
/// Where it cannot be opened.
pub fn open() -> (PortId, Log) {
    let (bell, log) = Bell::new();
    (port::open(bell).expect("a bell starts"), log)
}

/// Opens a bell with ways of its own.
///
/// # Panics
/// Where it cannot be opened.
pub fn open_with(ways: Ways) -> (PortId, Log) {
    let (bell, log) = Bell::with(ways);
    (port::open(bell).expect("a bell starts"), log)
}

/// Has a bell send this to its owner.
///
/// # Errors
/// Where it is closed.
pub fn ring(bell: PortId, n: u32) -> Result<(), PortClosed> {
    on(bell, move |_, cx| cx.send_owner(Rung(cx.id(), n)))
}

/// Has a bell end with this reason, as a driver that failed does.
///
/// # Errors
/// Where it is closed.
pub fn fail(bell: PortId, reason: impl Into<Reason>) -> Result<(), PortClosed> {
    let reason = reason.into();
    on(bell, move |_, cx| cx.close(reason))
}

/// Runs something in a bell.
///
/// # Errors
/// Where it is closed.
pub fn on<R>(
    bell: PortId,
    f: impl FnOnce(&mut Bell, &mut PortCx<'_>) -> R,
) -> Result<R, PortClosed> {
    port::call(bell, f)
}
