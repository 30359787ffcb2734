//! The pin: proof that memory taken out of a table is not freed while it lasts.
//!
//! Taken by every lookup. A worker keeps its thread pinned for all that it runs, so there a pin
//! costs nothing; any other thread registers with the runtime's collector for the moment.
//! Unsafe: the thread's handle is lent through a thread-local pointer.
//! Invariant (R22): nothing that a lookup found is freed before the pin it was found under is
//! dropped.

use crossbeam::epoch::Collector;
pub(crate) use crossbeam::epoch::{Guard, LocalHandle};

use crate::sync::thread_pointer;

/// See the file's header.
pub(crate) struct Pin(Option<Guard>);

impl Pin {
    /// # Safety
    /// The calling thread holds a guard of the same collector, and keeps it longer than this pin.
    pub(crate) unsafe fn held() -> Self {
        Pin(None)
    }

    /// A pin for a thread that the collector does not know.
    fn outside(collector: &Collector) -> Self {
        Pin(Some(collector.register().pin()))
    }

    /// Runs `release` when no pin that is held now is held any more.
    ///
    /// # Safety
    /// `release` may run on any thread, and what it releases is not found by lookups any more.
    pub(crate) unsafe fn defer(&self, collector: &Collector, release: impl FnOnce()) {
        match &self.0 {
            // SAFETY: by the contract above.
            Some(guard) => unsafe { guard.defer_unchecked(release) },
            None => {
                let guard = match handle_of(collector) {
                    Some(handle) => handle.pin(),
                    None => collector.register().pin(),
                };
                // SAFETY: as above.
                unsafe { guard.defer_unchecked(release) }
            }
        }
    }
}

thread_pointer!(HANDLE: LocalHandle);

/// Runs `f` on a thread that belongs to a runtime: pins of it cost nothing here.
///
/// # Safety
/// The thread holds a guard of this handle whenever `f` may take a pin of the runtime, and drops or
/// renews it only where no such pin is held.
pub(crate) unsafe fn with_handle<R>(handle: &LocalHandle, f: impl FnOnce() -> R) -> R {
    struct Restore(*const LocalHandle);
    impl Drop for Restore {
        fn drop(&mut self) {
            HANDLE.set(self.0);
        }
    }
    let _restore = Restore(HANDLE.replace(handle));
    f()
}

/// The thread's handle, where the thread belongs to the runtime with this collector. The reference
/// is for use at once.
#[inline]
fn handle_of<'a>(collector: &Collector) -> Option<&'a LocalHandle> {
    // SAFETY: a pointer that stands here is lent by `with_handle` until it returns, and nobody
    // keeps the reference.
    let handle = unsafe { HANDLE.get().as_ref()? };
    (handle.collector() == collector).then_some(handle)
}

/// A pin of the runtime with this collector on the calling thread.
#[inline]
pub(crate) fn pin(collector: &Collector) -> Pin {
    match handle_of(collector) {
        // SAFETY: by the promise that `with_handle` was given.
        Some(_) => unsafe { Pin::held() },
        None => Pin::outside(collector),
    }
}
