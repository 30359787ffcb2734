//! The switch between the real synchronisation types and a model checker's.
//!
//! Used by every file that shares memory between threads. Invariant: the files that have a model
//! take their atomics, locks, queues and parkers from here and nowhere else, so that a model
//! (`runtime/tests/model*.rs`) runs the same code on stand-ins (`runtime/tests/model/sync.rs`).

pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

pub(crate) use crossbeam::deque::{Injector, Steal, Stealer, Worker as Queue};
pub(crate) use crossbeam::sync::{Parker, Unparker};
pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};

/// A pointer of each thread's own, null at first.
macro_rules! thread_pointer {
    ($name:ident: $target:ty) => {
        std::thread_local! {
            static $name: std::cell::Cell<*const $target> =
                const { std::cell::Cell::new(std::ptr::null()) };
        }
    };
}

pub(crate) use thread_pointer;
