//! The pin: proof that memory taken out of a table is not freed while it lasts.
//!
//! Taken by every lookup. A worker keeps its thread pinned for the slices it runs, so there a pin costs
//! nothing; any other thread registers with the runtime's collector for the moment.
//! Invariant (R22): nothing that a lookup found is freed before the pin it was found under is dropped.

use crossbeam::epoch::{Collector, Guard, LocalHandle};

/// See the file's header.
pub(crate) struct Pin(Option<Guard>);

impl Pin {
    /// # Safety
    /// The calling thread holds a guard of the same collector, and keeps it longer than this pin.
    pub(crate) unsafe fn held() -> Self {
        Pin(None)
    }

    /// A pin for a thread that the collector does not know.
    pub(crate) fn outside(collector: &Collector) -> Self {
        Pin(Some(collector.register().pin()))
    }

    pub(crate) fn of(handle: &LocalHandle) -> Self {
        Pin(Some(handle.pin()))
    }

    /// Runs `release` when no pin that is held now is held any more.
    ///
    /// # Safety
    /// `release` may run on any thread, and what it releases is not found by lookups any more.
    pub(crate) unsafe fn defer(&self, collector: &Collector, release: impl FnOnce()) {
        match &self.0 {
            // SAFETY: by the contract above.
            Some(guard) => unsafe { guard.defer_unchecked(release) },
            // SAFETY: as above.
            None => unsafe { collector.register().pin().defer_unchecked(release) },
        }
    }
}
