//! The pin: proof that memory taken out of a table is not freed while it lasts.
//!
//! Taken by every lookup. A worker keeps its thread pinned for the slices it runs, so there a pin
//! costs nothing; any other thread registers with the runtime's collector for the moment.
//! Unsafe: the thread's handle is lent through a thread-local pointer.
//! Invariant (R22): nothing that a lookup found is freed before the pin it was found under is
//! dropped.

use std::cell::Cell;
use std::ptr;

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

thread_local! {
    static HANDLE: Cell<*const LocalHandle> = const { Cell::new(ptr::null()) };
}

/// Runs `f` on a thread that belongs to a runtime: pins of it are cheap here.
pub(crate) fn with_handle<R>(handle: &LocalHandle, f: impl FnOnce() -> R) -> R {
    struct Restore(*const LocalHandle);
    impl Drop for Restore {
        fn drop(&mut self) {
            HANDLE.set(self.0);
        }
    }
    let _restore = Restore(HANDLE.replace(handle));
    f()
}

/// A pin by way of the thread's handle, where the thread belongs to the runtime with this
/// collector.
pub(crate) fn pin_of_worker(collector: &Collector) -> Option<Pin> {
    let handle = HANDLE.get();
    if handle.is_null() {
        return None;
    }
    // SAFETY: a pointer that stands here is lent by `with_handle` until it returns.
    let handle = unsafe { &*handle };
    (handle.collector() == collector).then(|| Pin::of(handle))
}
