//! The timer wheel: values with a deadline, handed out in order of it.
//!
//! Used under a lock by the timers of a runtime, and by the simulated clock. Data alone: time comes
//! in as nanoseconds since the runtime's start, expired values go out; no clock, lock or callback.
//!
//! A tick is a millisecond; deadlines are rounded up to one. Eight levels of 64 slots, each level
//! 64 times as coarse as the one below, span all that 64 bits of nanoseconds can say. The level of
//! an entry is the highest group of six bits in which its tick differs from the wheel's: whatever
//! stands lower is due earlier, and entries of one tick always stand together. When the wheel's
//! tick enters a slot above level 0, its entries cascade, in their order, to the levels below.
//!
//! 1. Nothing fires before its deadline. Order is by tick, within a tick by insertion. A deadline
//!    that the wheel has passed counts as the wheel's own tick.
//! 2. A key finds the entry that it was made for or nothing (T-4), and memory follows the number of
//!    entries down again (T-6): see `wheel/entries.rs`.
//! 3. A call of `expire` does bounded work (T-5): `limit` values and `CASCADE_MAX` moves. While a
//!    cascade is interrupted, what would go below it joins its tail, so that rule 1 holds.
//! 4. `insert` and `cancel` take constant time.
//!
//! Left out: whose a timer is and what firing means; see `timers.rs`.

mod entries;
#[cfg(test)]
mod tests;

use std::mem;

use entries::{Entries, Entry, Left, Links, NIL};

pub(crate) use entries::Key;

const TICK_NS: u64 = 1_000_000;
/// The last tick. Deadlines in the fraction of a tick after it count as it.
const TICK_LAST: u64 = u64::MAX / TICK_NS;

const SLOT_BITS: usize = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const LEVELS: usize = 8;
const _: () = assert!(
    TICK_LAST >> (SLOT_BITS * LEVELS) == 0,
    "the levels span all ticks"
);

/// Entries that one call of `expire` may move to lower levels. Few under test, so that it happens.
const CASCADE_MAX: usize = if cfg!(test) { 8 } else { 1024 };
/// No cascade is interrupted: slots of level 0 never cascade.
const NO_CASCADE: usize = 0;

/// See the file's header.
pub(crate) struct Wheel<T> {
    /// All that was due before this tick has been handed out.
    tick: u64,
    entries: Entries<T>,
    /// The slots of all levels, one level after the other; as many levels as were ever needed.
    slots: Vec<Slot>,
    /// A bit for each slot that has entries.
    occupied: [u64; LEVELS],
    /// The slot whose cascade was interrupted, or `NO_CASCADE`.
    cascade: usize,
}

/// The entries of one slot: a list in the order of insertion.
#[derive(Clone)]
struct Slot {
    head: u32,
    tail: u32,
    /// No entry is due before this tick. Exact until an entry is cancelled.
    earliest: u64,
}

const EMPTY: Slot = Slot {
    head: NIL,
    tail: NIL,
    earliest: u64::MAX,
};

impl<T> Wheel<T> {
    pub(crate) const fn new() -> Self {
        Wheel {
            tick: 0,
            entries: Entries::new(),
            slots: Vec::new(),
            occupied: [0; LEVELS],
            cascade: NO_CASCADE,
        }
    }

    /// How many entries wait.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    /// Adds a value that is due at `deadline_ns`; if that has passed, at the next `expire`.
    #[cfg(test)]
    pub(crate) fn insert(&mut self, deadline_ns: u64, value: T) -> Key {
        self.insert_with(deadline_ns, |_| value).0
    }

    /// As `insert`, for a value that holds its own key. Also tells when it fires at the earliest,
    /// in nanoseconds. Nothing is added if `make` panics.
    pub(crate) fn insert_with(
        &mut self,
        deadline_ns: u64,
        make: impl FnOnce(Key) -> T,
    ) -> (Key, u64) {
        let key = self.entries.add(deadline_ns, make);
        let tick = self.settle(key.index(), deadline_ns);
        (key, tick * TICK_NS)
    }

    /// Takes an entry out and returns its deadline and value; `None` if it has left before.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<(u64, T)> {
        let left = self.entries.take(key)?;
        Some(self.unlinked(left))
    }

    /// The deadline of an entry, as it was given; `None` if it has left.
    pub(crate) fn deadline(&self, key: Key) -> Option<u64> {
        Some(self.entries.find(key)?.deadline_ns)
    }

    /// Hands out what is due at `now_ns`, at most `limit` values, behind those in `out`. True when
    /// there is more to do, be it only moving entries about: call again, after other work.
    pub(crate) fn expire(&mut self, now_ns: u64, limit: usize, out: &mut Vec<T>) -> bool {
        let now = now_ns / TICK_NS;
        let mut values_left = limit;
        let mut moves_left = CASCADE_MAX;
        loop {
            while self.cascade != NO_CASCADE {
                if moves_left == 0 {
                    return true;
                }
                moves_left -= 1;
                self.cascade_one();
            }
            let Some((place, start)) = self.first() else {
                break;
            };
            if start > now {
                break;
            }
            debug_assert!(self.tick <= start);
            self.tick = start;
            if place >= SLOTS {
                self.cascade = place;
                continue;
            }
            while self.slots[place].head != NIL {
                if values_left == 0 {
                    return true;
                }
                values_left -= 1;
                let left = self.entries.remove(self.slots[place].head);
                out.push(self.unlinked(left).1);
            }
        }
        self.tick = self.tick.max(now);
        false
    }

    /// When `expire` should be called next, in nanoseconds: never after an entry can fire, and
    /// before that only if one that was due earlier was cancelled, at most once for each level.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let (place, _) = self.first()?;
        let mut earliest = self.slots[place].earliest;
        if self.cascade != NO_CASCADE {
            earliest = earliest.min(self.slots[self.cascade].earliest);
        }
        Some(earliest * TICK_NS)
    }

    /// The lowest and first slot that has entries, and the tick that it begins with.
    fn first(&self) -> Option<(usize, u64)> {
        let level = self.occupied.iter().position(|&slots| slots != 0)?;
        let slot = self.occupied[level].trailing_zeros() as usize;
        let shift = level * SLOT_BITS;
        let above = self.tick >> (shift + SLOT_BITS) << SLOT_BITS;
        Some((level * SLOTS + slot, (above | slot as u64) << shift))
    }

    /// Puts an entry into the slot that its deadline and the wheel's tick give. Gives its tick.
    fn settle(&mut self, index: u32, deadline_ns: u64) -> u64 {
        let tick = deadline_ns.div_ceil(TICK_NS).clamp(self.tick, TICK_LAST);
        let differs = (tick ^ self.tick) | 1;
        let level = differs.ilog2() as usize / SLOT_BITS;
        let slot = (tick >> (level * SLOT_BITS)) as usize % SLOTS;
        self.append(level * SLOTS + slot, index, tick);
        tick
    }

    fn append(&mut self, mut place: usize, index: u32, tick: u64) {
        if place < self.cascade / SLOTS * SLOTS {
            place = self.cascade;
        }
        if place >= self.slots.len() {
            self.grow(place);
        }
        let slot = &mut self.slots[place];
        slot.earliest = slot.earliest.min(tick);
        let prev = mem::replace(&mut slot.tail, index);
        if prev == NIL {
            slot.head = index;
            self.occupied[place / SLOTS] |= 1 << (place % SLOTS);
        } else {
            self.entries[prev].links.next = index;
        }
        self.entries[index].links = Links {
            next: NIL,
            prev,
            place: place as u16,
        };
    }

    /// Closes the gap in its list that an entry leaves.
    fn unlink(&mut self, Links { next, prev, place }: Links) {
        let place = usize::from(place);
        let slot = &mut self.slots[place];
        match prev {
            NIL => slot.head = next,
            _ => self.entries[prev].links.next = next,
        }
        match next {
            NIL => slot.tail = prev,
            _ => self.entries[next].links.prev = prev,
        }
        if slot.head == NIL {
            *slot = EMPTY;
            self.occupied[place / SLOTS] &= !(1 << (place % SLOTS));
        }
    }

    /// Moves the first entry of the cascading slot down; ends the cascade when there is none.
    fn cascade_one(&mut self) {
        let place = self.cascade;
        let index = self.slots[place].head;
        self.cascade = NO_CASCADE;
        if index == NIL {
            return;
        }
        let Entry {
            links, deadline_ns, ..
        } = self.entries[index];
        self.unlink(links);
        self.settle(index, deadline_ns);
        debug_assert!(usize::from(self.entries[index].links.place) < place);
        self.cascade = place;
    }

    fn unlinked(&mut self, left: Left<T>) -> (u64, T) {
        self.unlink(left.links);
        (left.deadline_ns, left.value)
    }

    /// Makes room for the slots of higher levels.
    #[cold]
    fn grow(&mut self, place: usize) {
        let slots_len = (place / SLOTS + 1) * SLOTS;
        self.slots.reserve_exact(slots_len - self.slots.len());
        self.slots.resize(slots_len, EMPTY);
    }
}
