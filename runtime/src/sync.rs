//! The switch between the real synchronisation types and a model checker's.
//!
//! Used by every file that shares memory between threads. Invariant: these files take their atomics
//! from here and nowhere else, so that the same code runs under `--cfg loom`.

pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
