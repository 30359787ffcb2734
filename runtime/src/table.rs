//! The slot table: actors by slot and generation, looked up without a lock.
//!
//! One for processes, one for ports. Invariant (P-1 to P-3, R22, R23): a lookup finds the actor
//! that the id was made for or nothing; a slot is reused under the next generation and retired at
//! the last. Memory of an actor that was taken out is freed only when no reader can hold it:
//! readers pin the runtime's epoch, and whoever removes defers the release. Who has a place and who
//! is on his way out are counted apart, in one word: the limit is for places (P-4).
//! Slots stand in chunks that never move, each as large as all before it; the table only grows.
//! Unsafe: the slots hold counted pointers, handed out as references that live as long as a pin.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::pin::Pin;
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use crate::vacancies::{OnWorker, Vacancies};

/// Few slots in a model, which pays for each.
const FIRST_CHUNK_BITS: u32 = if cfg!(loom) { 2 } else { 8 };
const CHUNKS: usize = (u32::BITS - FIRST_CHUNK_BITS) as usize;
/// The last slots are never opened: threads that open one at the same moment cannot wrap round.
const SLOTS_LEFT: u32 = 1 << 13;

/// What a table holds: something with a slot and a generation.
pub(crate) trait Tenant {
    /// The slot and generation that it was made with.
    fn place(&self) -> (u32, u32);
}

/// See the file's header.
pub(crate) struct Table<T> {
    chunks: [AtomicPtr<AtomicPtr<T>>; CHUNKS],
    free: Vacancies,
    /// The first slot that was never used. Slot 0 stays empty.
    fresh: AtomicU32,
    /// In the lower half the places that are taken, in the upper one those who have given up
    /// theirs and are not gone yet.
    count: AtomicU64,
    len_max: u32,
    owns: PhantomData<T>,
}

// SAFETY: the table hands out `&T` on any thread, and holds pointers to `T` made on any thread.
unsafe impl<T: Send + Sync> Sync for Table<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Send for Table<T> {}

/// A place that is taken but not yet filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reserved {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl<T: Tenant> Table<T> {
    pub(crate) fn new(len_max: u32, workers: usize) -> Self {
        Table {
            chunks: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            free: Vacancies::new(workers),
            fresh: AtomicU32::new(1),
            count: AtomicU64::new(0),
            len_max,
            owns: PhantomData,
        }
    }

    /// Places that are taken, and those who have given up theirs and are not gone yet.
    pub(crate) fn len(&self) -> usize {
        let count = self.count.load(Ordering::SeqCst);
        (places(count) as u64 + (count >> 32)) as usize
    }

    /// Somebody gives up his place, and is gone with that.
    pub(crate) fn vacate(&self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    /// Somebody gives up his place, and is counted as leaving until `left`. Whoever learns that he
    /// is not found any more finds the place free.
    pub(crate) fn leave(&self) {
        self.count.fetch_add(LEAVING - 1, Ordering::AcqRel);
    }

    /// Somebody who was leaving is gone. True where nobody is left at all.
    pub(crate) fn left(&self) -> bool {
        self.count.fetch_sub(LEAVING, Ordering::AcqRel) == LEAVING
    }

    /// A place, or `None` where the table is full.
    pub(crate) fn reserve(&self, on_worker: Option<OnWorker>) -> Option<Reserved> {
        // By exchange, so that one that is refused takes nothing from others meanwhile.
        let mut count = self.count.load(Ordering::Acquire);
        loop {
            if places(count) >= self.len_max {
                return None;
            }
            match self.count.compare_exchange_weak(
                count,
                count + 1,
                Ordering::SeqCst,
                Ordering::Acquire,
            ) {
                Ok(_) => break,
                Err(now) => count = now,
            }
        }
        let reserved = self.reuse(on_worker).or_else(|| self.open());
        if reserved.is_none() {
            self.vacate();
        }
        reserved
    }

    fn reuse(&self, on_worker: Option<OnWorker>) -> Option<Reserved> {
        let (slot, generation) = self.free.take(on_worker)?;
        Some(Reserved { slot, generation })
    }

    /// A slot that was never used; where there is none, one that others have given back.
    #[cold]
    fn open(&self) -> Option<Reserved> {
        let slot = self.fresh.fetch_add(1, Ordering::Relaxed);
        if slot < u32::MAX - SLOTS_LEFT {
            let (chunk, _) = split(slot);
            self.chunk(chunk);
            return Some(Reserved {
                slot,
                generation: 1,
            });
        }
        self.fresh.fetch_sub(1, Ordering::Relaxed);
        self.reuse(None)
    }

    /// The chunk, made where it is not there yet.
    fn chunk(&self, chunk: usize) -> *mut AtomicPtr<T> {
        let there = self.chunks[chunk].load(Ordering::Acquire);
        if !there.is_null() {
            return there;
        }
        let slots: Box<[AtomicPtr<T>]> = (0..chunk_len(chunk))
            .map(|_| AtomicPtr::new(ptr::null_mut()))
            .collect();
        let made = Box::into_raw(slots).cast::<AtomicPtr<T>>();
        let none = ptr::null_mut();
        match self.chunks[chunk].compare_exchange(none, made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => made,
            Err(there) => {
                // SAFETY: ours, of this length, and never published.
                drop(unsafe {
                    Box::from_raw(ptr::slice_from_raw_parts_mut(made, chunk_len(chunk)))
                });
                there
            }
        }
    }

    fn slot(&self, slot: u32) -> Option<&AtomicPtr<T>> {
        let (chunk, offset) = split(slot);
        let slots = self.chunks[chunk].load(Ordering::Acquire);
        // SAFETY: a chunk that is there has `chunk_len` slots, and `split` stays below that.
        (!slots.is_null()).then(|| unsafe { &*slots.add(offset) })
    }

    /// Fills a reserved place: from here the tenant is found.
    pub(crate) fn publish(&self, reserved: Reserved, tenant: NonNull<T>) {
        let slot = self.slot(reserved.slot).expect("reserving made the chunk");
        slot.store(tenant.as_ptr(), Ordering::Release);
    }

    /// Gives a reserved place back unused.
    pub(crate) fn abandon(&self, reserved: Reserved, on_worker: Option<OnWorker>) {
        self.release(reserved.slot, reserved.generation, on_worker);
        self.vacate();
    }

    /// The tenant with this slot and generation.
    pub(crate) fn get<'p>(&self, slot: u32, generation: u32, _pin: &'p Pin) -> Option<&'p T> {
        let tenant = self.slot(slot)?.load(Ordering::Acquire);
        if tenant.is_null() {
            return None;
        }
        // SAFETY: it was in the table after the epoch was pinned, so its release comes after the
        // pin.
        let tenant = unsafe { &*tenant };
        (tenant.place() == (slot, generation)).then_some(tenant)
    }

    /// Takes a tenant out: from here it is not found. The caller then defers the release of its
    /// memory, and gives up the place.
    pub(crate) fn remove(&self, slot: u32, generation: u32, on_worker: Option<OnWorker>) {
        let place = self.slot(slot).expect("a tenant has a slot");
        place.store(ptr::null_mut(), Ordering::Release);
        self.release(slot, generation, on_worker);
    }

    #[inline]
    fn release(&self, slot: u32, generation: u32, on_worker: Option<OnWorker>) {
        // The last generation retires the slot: an id never comes to mean somebody else.
        if let Some(next) = generation.checked_add(1) {
            self.free.give(on_worker, (slot, next));
        }
    }

    /// Everyone who lives throughout the call is seen; somebody who comes or goes meanwhile may be.
    pub(crate) fn each(&self, _pin: &Pin, mut visit: impl FnMut(&T)) {
        let end = self.fresh.load(Ordering::Acquire);
        for slot in 1..end {
            let Some(place) = self.slot(slot) else {
                continue;
            };
            let tenant = place.load(Ordering::Acquire);
            if !tenant.is_null() {
                // SAFETY: as in `get`.
                visit(unsafe { &*tenant });
            }
        }
    }
}

impl<T> Drop for Table<T> {
    fn drop(&mut self) {
        for (chunk, slots) in self.chunks.iter().enumerate() {
            // Nobody else is left.
            let slots = slots.load(Ordering::Relaxed);
            if !slots.is_null() {
                // SAFETY: made by `chunk` with this length.
                drop(unsafe {
                    Box::from_raw(ptr::slice_from_raw_parts_mut(slots, chunk_len(chunk)))
                });
            }
        }
    }
}

/// One who has given up the place and is not gone yet.
const LEAVING: u64 = 1 << 32;

/// The places in a count.
fn places(count: u64) -> u32 {
    count as u32
}

fn chunk_len(chunk: usize) -> usize {
    1 << (FIRST_CHUNK_BITS as usize + chunk.saturating_sub(1))
}

/// Which chunk a slot is in, and where.
fn split(slot: u32) -> (usize, usize) {
    let high = slot >> FIRST_CHUNK_BITS;
    if high == 0 {
        return (0, slot as usize);
    }
    let chunk = high.ilog2() + 1;
    (
        chunk as usize,
        (slot - (1 << (FIRST_CHUNK_BITS + chunk - 1))) as usize,
    )
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    struct Nobody;

    impl Tenant for Nobody {
        fn place(&self) -> (u32, u32) {
            (0, 0)
        }
    }

    /// P-1, R23: an id does not come again, though its slot was given out as often as it can be.
    #[test]
    fn a_slot_at_its_last_generation_is_retired() {
        let table = Table::<Nobody>::new(10, 1);
        let reserve = || table.reserve(None).expect("there is room");
        let first = reserve();
        table.abandon(first, None);
        let again = reserve();
        assert_eq!(again.slot, first.slot);
        assert_eq!(again.generation, first.generation + 1);
        for last in [u32::MAX - 1, u32::MAX] {
            let place = Reserved {
                generation: last,
                ..first
            };
            table.abandon(place, None);
            let next = reserve();
            let stays = next.slot == first.slot && next.generation == u32::MAX;
            assert_eq!(stays, last < u32::MAX, "{next:?}");
        }
        assert_eq!(table.len(), 1, "the retired slot takes no place");
    }
}
