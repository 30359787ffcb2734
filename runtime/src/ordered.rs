//! A map that keeps the order of creation: links, monitors, whatever an exit must visit in order.
//!
//! Held by the hundred thousand in processes that mostly have few entries or none: empty it is
//! four words. Up to `SCANNED_MAX` entries it is a list that is scanned; beyond, an index stands
//! beside it.
//!
//! 1. Without an index the list has no gaps. With one, a removed entry leaves a gap, so that
//!    nothing behind it moves; the index says where each live entry stands.
//! 2. Gaps never outnumber the live entries for longer than one call: the list is then
//!    closed up, which each removal has paid for. Gaps at the front are skipped, not walked again.
//! 3. No drop of a value, and no call of a predicate, finds list and index in disagreement.
//!
//! Left out: sorting, and hash seeds; the same calls give the same order in every run.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::vec;

use crate::hash::FixedState;

#[cfg(test)]
mod tests;

/// Entries up to which a scan is at least as fast as the index.
const SCANNED_MAX: usize = 16;
/// Entries down to which an index is kept: well below the point where it is made.
const INDEXED_MIN: usize = SCANNED_MAX / 2;

/// See the file's header.
pub(crate) struct OrderedMap<K, V> {
    entries: Vec<Option<(K, V)>>,
    index: Option<Box<Index<K>>>,
}

/// Where the entries of a long list stand.
struct Index<K> {
    positions: HashMap<K, u32, FixedState>,
    /// Everything before this position is a gap.
    first: usize,
}

impl<K: Copy + Eq + Hash, V> OrderedMap<K, V> {
    pub(crate) const fn new() -> Self {
        OrderedMap {
            entries: Vec::new(),
            index: None,
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.index
            .as_ref()
            .map_or(self.entries.len(), |index| index.positions.len())
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.position(key).is_some()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let position = self.position(key)?;
        self.entries[position].as_ref().map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let position = self.position(key)?;
        self.entries[position].as_mut().map(|(_, value)| value)
    }

    /// Adds an entry at the end; or, where the key has one, gives that one the value, leaves it in
    /// its place and returns its former value.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(former) = self.get_mut(&key) {
            return Some(std::mem::replace(former, value));
        }
        if self.entries.capacity() == 0 {
            self.entries.reserve_exact(1); // most maps that have an entry have one
        }
        let position = position_u32(self.entries.len());
        self.entries.push(Some((key, value)));
        match &mut self.index {
            Some(index) => drop(index.positions.insert(key, position)),
            None if self.entries.len() > SCANNED_MAX => self.close_up(),
            None => {}
        }
        None
    }

    /// Takes an entry out. The others keep their order.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let position = self.position(key)?;
        self.remove_at(position)
    }

    /// The entries in the order of creation.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let first = self.index.as_ref().map_or(0, |index| index.first);
        self.entries[first..]
            .iter()
            .flatten()
            .map(|(key, value)| (key, value))
    }

    #[cfg(test)]
    /// Keeps the entries for which `keep` says so, asked in the order of creation.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        if self.index.is_none() {
            let keep = |entry: &mut Option<(K, V)>| {
                entry.as_mut().is_some_and(|(key, value)| keep(key, value))
            };
            return self.entries.retain_mut(keep);
        }
        for position in 0..self.entries.len() {
            let Some((key, value)) = &mut self.entries[position] else {
                continue;
            };
            if !keep(key, value) {
                let key = *key;
                let index = self
                    .index
                    .as_mut()
                    .expect("looked above; only close_up ends it");
                index.positions.remove(&key);
                self.entries[position] = None;
            }
        }
        self.close_up();
    }

    #[cfg(test)]
    /// Empties the map, memory and all, and returns what it had in the order of creation.
    pub(crate) fn drain(&mut self) -> IntoIter<K, V> {
        std::mem::take(self).into_iter()
    }

    fn position(&self, key: &K) -> Option<usize> {
        match &self.index {
            Some(index) => index.positions.get(key).map(|&position| position as usize),
            None => self
                .entries
                .iter()
                .flatten()
                .position(|(other, _)| other == key),
        }
    }

    fn remove_at(&mut self, position: usize) -> Option<V> {
        let Some(index) = &mut self.index else {
            return self.entries.remove(position).map(|(_, value)| value);
        };
        let (key, value) = self.entries[position].take()?;
        index.positions.remove(&key);
        let live_len = index.positions.len();
        while self.entries.pop_if(|last| last.is_none()).is_some() {}
        while self
            .entries
            .get(index.first)
            .is_some_and(|entry| entry.is_none())
        {
            index.first += 1;
        }
        let gaps_len = self.entries.len() - live_len;
        if gaps_len > live_len || live_len < INDEXED_MIN {
            self.close_up();
        }
        Some(value)
    }

    /// Closes the gaps, gives unused memory back, and makes the index anew or drops it.
    #[cold]
    fn close_up(&mut self) {
        self.entries.retain(|entry| entry.is_some());
        let len = self.entries.len();
        if self.entries.capacity() > 4 * len {
            self.entries.shrink_to(2 * len);
        }
        if len < INDEXED_MIN || (self.index.is_none() && len <= SCANNED_MAX) {
            self.index = None;
            return;
        }
        let index = self.index.get_or_insert_with(|| {
            Box::new(Index {
                positions: HashMap::with_hasher(FixedState),
                first: 0,
            })
        });
        index.first = 0;
        index.positions.shrink_to(2 * len);
        let keys = self.entries.iter().flatten().map(|(key, _)| *key);
        index.positions.extend(keys.zip(0..));
        debug_assert_eq!(index.positions.len(), len);
    }
}

fn position_u32(position: usize) -> u32 {
    u32::try_from(position).expect("an ordered map holds fewer than 2^32 entries")
}

impl<K, V> OrderedMap<K, V> {
    /// Without an index the list has no gaps, and an index is kept for so many live entries only.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K, V> Default for OrderedMap<K, V> {
    fn default() -> Self {
        OrderedMap {
            entries: Vec::new(),
            index: None,
        }
    }
}

/// The entries of a map that was consumed.
pub(crate) struct IntoIter<K, V>(vec::IntoIter<Option<(K, V)>>);

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<(K, V)> {
        self.0.find_map(|entry| entry)
    }
}

impl<K, V> IntoIterator for OrderedMap<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter(self.entries.into_iter())
    }
}

impl<K: Copy + Eq + Hash + fmt::Debug, V: fmt::Debug> fmt::Debug for OrderedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
