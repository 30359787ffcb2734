//! What stands in for the runtime's `sync` in a model: the same names, on loom.
//!
//! Included by the models, which are run by
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p runtime --release --target-dir target/loom --test 'model*'
//! ```
//! with so many preemptions in a run as each model says, or `LOOM_MAX_PREEMPTIONS` where it is set.
//!
//! Invariant: nothing here orders memory more strongly than what it stands for. A queue is a
//! counter that loom watches and items that it does not: looking whether it is empty is a plain
//! load, as in `crossbeam`, and no lock hides a fence that is missing. `SeqCst` accesses count as
//! `AcqRel` in loom; only fences are more.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic;
#[allow(unused_imports)] // no model has all of it
pub(crate) use loom::sync::atomic::{Ordering, fence};

/// A word, and what makes loom see that two loads of it may be in either order: of the accesses to
/// a word loom remembers the last one. Where a thread loads before it writes, that is its own load,
/// and loom would not try the write before the load of another thread.
macro_rules! words {
    ($($name:ident$(<$t:ident>)?: $value:ty),*) => {$(
        #[allow(dead_code)] // as above
        #[derive(Debug)]
        pub(crate) struct $name$(<$t>)? {
            word: atomic::$name$(<$t>)?,
            loads: atomic::AtomicUsize,
        }

        #[allow(dead_code)] // as above
        impl$(<$t>)? $name$(<$t>)? {
            pub(crate) fn new(value: $value) -> Self {
                $name {
                    word: atomic::$name::new(value),
                    loads: atomic::AtomicUsize::new(0),
                }
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.loads.fetch_add(0, Ordering::Relaxed);
                self.word.load(order)
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.word.store(value, order);
            }

            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                self.word.swap(value, order)
            }

            pub(crate) fn compare_exchange(
                &self,
                old: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.word.compare_exchange(old, new, success, failure)
            }

            pub(crate) fn compare_exchange_weak(
                &self,
                old: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.word.compare_exchange_weak(old, new, success, failure)
            }
        }
    )*};
}

words!(
    AtomicBool: bool,
    AtomicPtr<T>: *mut T,
    AtomicU32: u32,
    AtomicU64: u64,
    AtomicUsize: usize
);

macro_rules! numbers {
    ($($name:ident: $value:ty),*) => {$(
        #[allow(dead_code)] // as above
        impl $name {
            pub(crate) fn fetch_add(&self, more: $value, order: Ordering) -> $value {
                self.word.fetch_add(more, order)
            }

            pub(crate) fn fetch_sub(&self, less: $value, order: Ordering) -> $value {
                self.word.fetch_sub(less, order)
            }
        }
    )*};
}

numbers!(AtomicU32: u32, AtomicU64: u64, AtomicUsize: usize);

impl Default for AtomicU32 {
    fn default() -> Self {
        AtomicU32::new(0)
    }
}

/// Runs a model through its interleavings: those with at most so many preemptions, where
/// `LOOM_MAX_PREEMPTIONS` says nothing else.
pub(crate) fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let runs = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = runs.clone();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("{} interleavings", runs.load(Ordering::Relaxed));
}

/// As `parking_lot` has it: locking gives the guard.
#[derive(Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

pub(crate) struct MutexGuard<'a, T> {
    lock: &'a Mutex<T>,
    guard: Option<loom::sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard {
            lock: self,
            guard: Some(self.0.lock().expect("no model goes on after a panic")),
        }
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.guard.as_deref().expect("it is locked")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_deref_mut().expect("it is locked")
    }
}

/// As `parking_lot` has it: waiting keeps the guard.
#[derive(Default)]
pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Condvar::default()
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let locked = guard.guard.take().expect("it is locked");
        guard.guard = Some(self.0.wait(locked).expect("no model goes on after a panic"));
    }

    /// The time is over as soon as nobody else has anything to do before.
    pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _limit: Duration) {
        let lock = guard.lock;
        guard.guard = None;
        loom::thread::yield_now();
        *guard = lock.lock();
    }

    pub(crate) fn wait_while_for<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
        _limit: Duration,
    ) {
        while condition(&mut *guard) {
            self.wait(guard);
        }
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Sleeps until it is given a token, which it takes; a token waits for it.
pub(crate) struct Parker(Unparker);

#[derive(Clone)]
pub(crate) struct Unparker(Arc<(Mutex<bool>, Condvar)>);

impl Parker {
    pub(crate) fn new() -> Self {
        Parker(Unparker(Arc::default()))
    }

    pub(crate) fn unparker(&self) -> &Unparker {
        &self.0
    }

    pub(crate) fn park(&self) {
        sleeps();
        let (lock, given) = &*self.0.0;
        let mut token = lock.lock();
        while !*token {
            given.wait(&mut token);
        }
        *token = false;
    }
}

impl Unparker {
    pub(crate) fn unpark(&self) {
        let (lock, given) = &*self.0;
        *lock.lock() = true;
        given.notify_one();
    }
}

loom::thread_local! {
    static SLEPT: Cell<bool> = Cell::new(false);
}

/// The thread goes to sleep.
pub(crate) fn sleeps() {
    SLEPT.with(|slept| slept.set(true));
}

/// Whether the thread went to sleep since this was asked.
pub(crate) fn has_slept() -> bool {
    SLEPT.with(|slept| slept.replace(false))
}

/// The items of a queue. They are touched right after the counter, with nothing that loom would
/// switch threads at in between, so the counter says which of them are there for whom.
struct Items<T> {
    len: AtomicUsize,
    items: std::sync::Mutex<VecDeque<T>>,
}

impl<T> Items<T> {
    fn new() -> Self {
        Items {
            len: AtomicUsize::new(0),
            items: std::sync::Mutex::default(),
        }
    }

    fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    fn push(&self, item: T) {
        self.len.fetch_add(1, Ordering::Release);
        self.items.lock().expect("unshared").push_back(item);
    }

    fn pop(&self) -> Option<T> {
        self.take(|_| 1).and_then(|mut items| items.pop_front())
    }

    /// Takes as many as `how_many` says of those that are there.
    fn take(&self, how_many: impl Fn(usize) -> usize) -> Option<VecDeque<T>> {
        let mut len = self.len();
        while len > 0 {
            let taken = how_many(len);
            match self
                .len
                .compare_exchange(len, len - taken, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => {
                    return Some(
                        self.items
                            .lock()
                            .expect("unshared")
                            .drain(..taken)
                            .collect(),
                    );
                }
                Err(now) => len = now,
            }
        }
        None
    }

    fn steal_batch_and_pop(&self, into: &Items<T>) -> Steal<T> {
        let Some(mut taken) = self.take(|len| len.div_ceil(2)) else {
            return Steal::Empty;
        };
        let first = taken.pop_front().expect("at least one was taken");
        for item in taken {
            into.push(item);
        }
        Steal::Success(first)
    }
}

/// What came of an attempt to take.
pub(crate) enum Steal<T> {
    Success(T),
    Empty,
    Retry,
}

/// A worker's own queue.
pub(crate) struct Queue<T>(Arc<Items<T>>);

impl<T> Queue<T> {
    pub(crate) fn new_fifo() -> Self {
        Queue(Arc::new(Items::new()))
    }

    pub(crate) fn stealer(&self) -> Stealer<T> {
        Stealer(self.0.clone())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(crate) fn push(&self, item: T) {
        self.0.push(item);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.pop()
    }
}

/// The way of others to a worker's queue.
pub(crate) struct Stealer<T>(Arc<Items<T>>);

impl<T> Stealer<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn steal_batch_and_pop(&self, into: &Queue<T>) -> Steal<T> {
        self.0.steal_batch_and_pop(&into.0)
    }
}

/// A queue that is everybody's.
pub(crate) struct Injector<T>(Items<T>);

impl<T> Default for Injector<T> {
    fn default() -> Self {
        Injector::new()
    }
}

impl<T> Injector<T> {
    pub(crate) fn new() -> Self {
        Injector(Items::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn push(&self, item: T) {
        self.0.push(item);
    }

    pub(crate) fn steal(&self) -> Steal<T> {
        self.0.pop().map_or(Steal::Empty, Steal::Success)
    }

    pub(crate) fn steal_batch_and_pop(&self, into: &Queue<T>) -> Steal<T> {
        self.0.steal_batch_and_pop(&into.0)
    }
}

/// A pointer of each thread of the model.
pub(crate) struct ThreadPointer<T: 'static>(
    pub(crate) &'static loom::thread::LocalKey<Cell<*const T>>,
);

impl<T> ThreadPointer<T> {
    pub(crate) fn get(&self) -> *const T {
        self.0.with(Cell::get)
    }

    pub(crate) fn set(&self, pointer: *const T) {
        self.0.with(|cell| cell.set(pointer));
    }

    pub(crate) fn replace(&self, pointer: *const T) -> *const T {
        self.0.with(|cell| cell.replace(pointer))
    }
}

#[allow(unused_macros)] // as above
macro_rules! thread_pointer {
    ($name:ident: $target:ty) => {
        static $name: crate::sync::ThreadPointer<$target> = {
            loom::thread_local! {
                static KEY: std::cell::Cell<*const $target> =
                    std::cell::Cell::new(std::ptr::null());
            }
            crate::sync::ThreadPointer(&KEY)
        };
    };
}

#[allow(unused_imports)] // as above
pub(crate) use thread_pointer;
