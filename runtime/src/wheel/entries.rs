//! The entries of a timer wheel: they keep their index, and their keys never mean another entry.
//!
//! Used by the wheel alone. Entries stand in chunks of 64 with a bit for each that is vacant;
//! chunks with a vacancy form a stack: to add and to remove takes constant time, and what is warm
//! is used again.
//!
//! 1. An index is reused under the next generation. An entry at its last generation is retired:
//!    its bit stays clear, its chunk stays. So a key finds what it was made for, or nothing.
//! 2. A chunk that became vacant is given back when the next one does, and remembers which
//!    generation its entries would have had. So a removal frees one chunk at most.
//! 3. Without entries one chunk is left, and fresh ones begin above all that was forgotten. A chunk
//!    with a generation in the upper half is never given back, so that rule 1 does not run dry.
//!
//! Left out: order and deadlines; the links are the wheel's.

use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};

#[cfg(test)]
mod tests;

/// No entry, or no chunk.
pub(super) const NIL: u32 = u32::MAX;
const CHUNK: usize = 64;
const CHUNKS_MAX: usize = (NIL / CHUNK as u32) as usize;
const GENERATION_GIVEN_BACK_MAX: u32 = u32::MAX / 2;

/// Names an entry of one wheel for ever, also when it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    slot: u32,
    generation: NonZeroU32,
}

impl Key {
    pub(super) fn index(self) -> u32 {
        self.slot
    }

    /// The key as a number other than 0.
    #[cfg(test)]
    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.generation.get()) << 32 | u64::from(self.slot)
    }

    /// The key that gave these bits; `None` for bits that no key gives.
    #[cfg(test)]
    pub(crate) fn from_bits(bits: u64) -> Option<Key> {
        let generation = NonZeroU32::new((bits >> 32) as u32)?;
        Some(Key {
            slot: bits as u32,
            generation,
        })
    }
}

/// One place. All but the generation and the value is the wheel's.
pub(super) struct Entry<T> {
    pub(super) deadline_ns: u64,
    pub(super) links: Links,
    /// The generation of the value, or of the next one.
    generation: NonZeroU32,
    /// `None` while the entry is vacant.
    value: Option<T>,
}

/// Where an entry stands.
#[derive(Clone, Copy)]
pub(super) struct Links {
    pub(super) next: u32,
    pub(super) prev: u32,
    /// The slot of the wheel in whose list it is linked.
    pub(super) place: u16,
}

/// What has left its entry, and the list in which it still has to be passed over.
pub(super) struct Left<T> {
    pub(super) links: Links,
    pub(super) deadline_ns: u64,
    pub(super) value: T,
}

/// See the file's header.
pub(super) struct Entries<T> {
    chunks: Vec<Chunk<T>>,
    /// The stack of chunks with a vacancy.
    open: u32,
    /// The last chunk that became vacant, if it still is: the next to be given back.
    spare: u32,
    len: usize,
    /// The chunks that the last `forget` left.
    remembered_len: usize,
    /// The generation of entries in chunks that are not remembered.
    generation_first: NonZeroU32,
}

struct Chunk<T> {
    /// Those that were ever used since the chunk was last given back.
    entries: Vec<Entry<T>>,
    vacant: u64,
    /// The next in the stack of open chunks.
    next_open: u32,
    /// The generation of entries that are not there yet.
    generation_first: NonZeroU32,
}

impl<T> Entries<T> {
    pub(super) const fn new() -> Self {
        Entries {
            chunks: Vec::new(),
            open: NIL,
            spare: NIL,
            len: 0,
            remembered_len: 1,
            generation_first: NonZeroU32::MIN,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The entry that a key names, unless it is gone.
    pub(super) fn find(&self, key: Key) -> Option<&Entry<T>> {
        let chunk = self.chunks.get(key.slot as usize / CHUNK)?;
        let entry = chunk.entries.get(key.slot as usize % CHUNK)?;
        (entry.generation == key.generation && entry.value.is_some()).then_some(entry)
    }

    /// Fills the entry of lowest index in the chunk on top of the stack.
    pub(super) fn add(&mut self, deadline_ns: u64, make: impl FnOnce(Key) -> T) -> Key {
        if self.open == NIL {
            self.add_chunk();
        }
        let open = self.open;
        let chunk = &mut self.chunks[open as usize];
        let bit = chunk.vacant.trailing_zeros();
        if bit as usize == chunk.entries.len() {
            chunk.add_entry(open);
        }
        let entry = &mut chunk.entries[bit as usize];
        debug_assert!(entry.value.is_none());
        let slot = open * CHUNK as u32 + bit;
        let generation = entry.generation;
        let key = Key { slot, generation };
        entry.value = Some(make(key));
        entry.deadline_ns = deadline_ns;
        chunk.vacant &= chunk.vacant - 1;
        if chunk.vacant == 0 {
            self.open = chunk.next_open;
        }
        if self.spare == open {
            self.spare = NIL;
        }
        self.len += 1;
        key
    }

    /// As `take`, for an entry that a list led to.
    pub(super) fn remove(&mut self, slot: u32) -> Left<T> {
        let generation = self[slot].generation;
        self.take(Key { slot, generation })
            .expect("what is in a list has a value")
    }

    /// Takes the value of the entry that a key names, unless it is gone.
    pub(super) fn take(&mut self, key: Key) -> Option<Left<T>> {
        let (number, index) = (key.slot / CHUNK as u32, key.slot as usize % CHUNK);
        let chunk = self.chunks.get_mut(number as usize)?;
        let entry = chunk.entries.get_mut(index)?;
        if entry.generation != key.generation {
            return None;
        }
        let left = Left {
            links: entry.links,
            deadline_ns: entry.deadline_ns,
            value: entry.value.take()?,
        };
        entry.generation = entry.generation.saturating_add(1);
        self.len -= 1;
        if entry.generation < NonZeroU32::MAX {
            if chunk.vacant == 0 {
                chunk.next_open = self.open;
                self.open = number;
            }
            chunk.vacant |= 1 << index;
            if chunk.vacant == u64::MAX {
                self.give_back(number);
            }
        }
        Some(left)
    }

    #[cold]
    fn add_chunk(&mut self) {
        assert!(
            self.chunks.len() < CHUNKS_MAX,
            "a wheel holds fewer than 2^32 - 64 entries"
        );
        self.open = self.chunks.len() as u32;
        self.chunks.push(Chunk {
            entries: Vec::new(),
            vacant: u64::MAX,
            next_open: NIL,
            generation_first: self.generation_first,
        });
    }

    /// A chunk became vacant: it is the spare one now, and the former spare one is given back.
    fn give_back(&mut self, number: u32) {
        let former = std::mem::replace(&mut self.spare, number);
        debug_assert_ne!(former, number, "a spare chunk has nothing to remove");
        if let Some(chunk) = self.chunks.get_mut(former as usize) {
            chunk.give_back();
        }
        if self.len == 0 && self.chunks.len() > self.remembered_len {
            self.forget();
        }
    }

    /// Forgets the chunks behind the last that cannot be given back, but for the first.
    #[cold]
    fn forget(&mut self) {
        if self.spare != 0 {
            self.chunks[self.spare as usize].give_back();
            self.spare = NIL;
        }
        let last = self
            .chunks
            .iter()
            .rposition(|chunk| !chunk.entries.is_empty());
        self.remembered_len = last.unwrap_or(0) + 1;
        for chunk in self.chunks.drain(self.remembered_len..) {
            self.generation_first = self.generation_first.max(chunk.generation_first);
        }
        self.chunks.shrink_to_fit();
        self.open = NIL;
        for number in (0..self.remembered_len).rev() {
            let chunk = &mut self.chunks[number];
            if chunk.vacant != 0 {
                chunk.next_open = self.open;
                self.open = number as u32;
            }
        }
    }
}

impl<T> Chunk<T> {
    #[cold]
    fn add_entry(&mut self, number: u32) {
        if number > 0 && self.entries.is_empty() {
            self.entries.reserve_exact(CHUNK);
        }
        self.entries.push(Entry {
            deadline_ns: 0,
            links: Links {
                next: NIL,
                prev: NIL,
                place: 0,
            },
            generation: self.generation_first,
            value: None,
        });
    }

    fn give_back(&mut self) {
        let last = self.entries.iter().map(|entry| entry.generation).max();
        let last = last.unwrap_or(self.generation_first);
        if last.get() <= GENERATION_GIVEN_BACK_MAX {
            self.generation_first = last;
            self.entries = Vec::new();
        }
    }
}

impl<T> Index<u32> for Entries<T> {
    type Output = Entry<T>;

    fn index(&self, index: u32) -> &Entry<T> {
        &self.chunks[index as usize / CHUNK].entries[index as usize % CHUNK]
    }
}

impl<T> IndexMut<u32> for Entries<T> {
    fn index_mut(&mut self, index: u32) -> &mut Entry<T> {
        &mut self.chunks[index as usize / CHUNK].entries[index as usize % CHUNK]
    }
}
