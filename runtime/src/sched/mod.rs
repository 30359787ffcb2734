//! Execution: who runs processes. `real/` has workers on threads, `sim/` (a sibling of this folder) one
//! seeded thread; both take part through `process::run::Scheduler`.
//!
//! This file holds the one thing that both have: the thread's handle of a runtime's epoch.
//! Unsafe: the handle is lent through a thread-local pointer.

pub(crate) mod real;

use std::cell::Cell;
use std::ptr;

use crossbeam::epoch::{Collector, LocalHandle};

use crate::pin::Pin;

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

/// A pin by way of the thread's handle, where the thread belongs to the runtime with this collector.
pub(crate) fn pin_of_worker(collector: &Collector) -> Option<Pin> {
    let handle = HANDLE.get();
    if handle.is_null() {
        return None;
    }
    // SAFETY: a pointer that stands here is lent by `with_handle` until it returns.
    let handle = unsafe { &*handle };
    (handle.collector() == collector).then(|| Pin::of(handle))
}
