//! The free slots of a table, so kept that a worker takes and gives them without a lock.
//!
//! Used by `table`. Each worker has a list that its thread alone touches; what is too much there
//! goes to the depot in batches, and where a worker has none it takes a batch. So slots that are
//! always taken on one worker and given back on another find their way round, and a worker hoards
//! two batches at most. Threads that are no workers use the depot.
//! Unsafe: a worker's list is a cell without a lock, opened with the worker's `OnWorker`.

use std::cell::UnsafeCell;
use std::marker::PhantomData;

use crossbeam::utils::CachePadded;

use crate::limits::VACANCIES_BATCH;
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// Proof that the calling thread is the worker with this number. It does not leave the thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnWorker {
    worker: usize,
    of_this_thread: PhantomData<*const ()>,
}

impl OnWorker {
    /// # Safety
    /// The calling thread is the worker with this number, and the only one of its runtime.
    pub(crate) unsafe fn new(worker: usize) -> Self {
        OnWorker {
            worker,
            of_this_thread: PhantomData,
        }
    }

    /// The number of the worker.
    pub(crate) fn worker(self) -> usize {
        self.worker
    }
}

/// A slot, and the generation that it will have.
pub(crate) type Vacancy = (u32, u32);

/// See the file's header.
pub(crate) struct Vacancies {
    own: Box<[CachePadded<UnsafeCell<Vec<Vacancy>>>]>,
    depot: Mutex<Vec<Vec<Vacancy>>>,
    /// Batches in the depot: a hint, so that an empty one is not locked.
    batches: AtomicUsize,
}

// SAFETY: a worker's list is touched by that worker's thread alone, which `OnWorker` proves.
unsafe impl Sync for Vacancies {}

impl Vacancies {
    pub(crate) fn new(workers: usize) -> Self {
        Vacancies {
            own: (0..workers).map(|_| CachePadded::default()).collect(),
            depot: Mutex::default(),
            batches: AtomicUsize::new(0),
        }
    }

    /// The list of the worker that calls.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    fn own(&self, on_worker: OnWorker) -> Option<&mut Vec<Vacancy>> {
        let own = self.own.get(on_worker.worker)?;
        // SAFETY: only the worker's thread opens it, and each borrow ends in the method that took
        // it, which calls no other.
        Some(unsafe { &mut *own.get() })
    }

    /// A free slot, where there is one at hand.
    #[inline]
    pub(crate) fn take(&self, on_worker: Option<OnWorker>) -> Option<Vacancy> {
        let Some(own) = on_worker.and_then(|on_worker| self.own(on_worker)) else {
            return self.take_from_depot();
        };
        if let Some(vacancy) = own.pop() {
            return Some(vacancy);
        }
        if self.batches.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut depot = self.depot.lock();
        *own = depot.pop()?;
        self.batches.store(depot.len(), Ordering::Relaxed);
        own.pop()
    }

    /// A slot is free.
    #[inline]
    pub(crate) fn give(&self, on_worker: Option<OnWorker>, vacancy: Vacancy) {
        let Some(own) = on_worker.and_then(|on_worker| self.own(on_worker)) else {
            return self.give_to_depot(vacancy);
        };
        own.push(vacancy);
        if own.len() >= 2 * VACANCIES_BATCH {
            let batch = own.split_off(VACANCIES_BATCH);
            let mut depot = self.depot.lock();
            depot.push(batch);
            self.batches.store(depot.len(), Ordering::Relaxed);
        }
    }

    #[cold]
    fn take_from_depot(&self) -> Option<Vacancy> {
        let mut depot = self.depot.lock();
        let batch = depot.last_mut()?;
        let vacancy = batch.pop();
        if batch.is_empty() {
            depot.pop();
            self.batches.store(depot.len(), Ordering::Relaxed);
        }
        vacancy
    }

    #[cold]
    fn give_to_depot(&self, vacancy: Vacancy) {
        let mut depot = self.depot.lock();
        match depot.last_mut() {
            Some(batch) if batch.len() < VACANCIES_BATCH => batch.push(vacancy),
            _ => depot.push(vec![vacancy]),
        }
        self.batches.store(depot.len(), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn on_worker(worker: usize) -> Option<OnWorker> {
        // SAFETY: one thread plays all workers, one at a time.
        Some(unsafe { OnWorker::new(worker) })
    }

    /// What is always taken here and given back there does not make the table grow for ever.
    #[test]
    fn slots_find_their_way_round() {
        let vacancies = Vacancies::new(2);
        for (from, to) in [
            (on_worker(0), on_worker(1)),
            (on_worker(1), None),
            (None, on_worker(0)),
        ] {
            let mut opened = 0;
            for _ in 0..100 * VACANCIES_BATCH {
                let vacancy = vacancies.take(from).unwrap_or_else(|| {
                    opened += 1;
                    (opened, 1)
                });
                vacancies.give(to, vacancy);
            }
            assert!(
                opened as usize <= 3 * VACANCIES_BATCH,
                "{opened} were opened"
            );
        }
    }

    #[test]
    fn each_slot_is_given_out_once() {
        let vacancies = Vacancies::new(1);
        let count = 5 * VACANCIES_BATCH as u32;
        for slot in 0..count {
            let on_worker = if slot % 3 == 0 { None } else { on_worker(0) };
            vacancies.give(on_worker, (slot, 1));
        }
        let taken = std::iter::from_fn(|| {
            vacancies
                .take(on_worker(0))
                .or_else(|| vacancies.take(None))
        });
        let mut slots: Vec<u32> = taken.map(|(slot, _)| slot).collect();
        slots.sort_unstable();
        assert_eq!(slots, (0..count).collect::<Vec<u32>>());
    }
}
