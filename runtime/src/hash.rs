//! The hash of the runtime's maps: fixed, so that no order and no count depends on a seed.
//!
//! Used as `HashMap<K, V, FixedState>` for keys that the runtime or the program makes: ids,
//! references, names. Invariant: equal keys hash alike in every run, on every platform; words that
//! differ in any bit differ all over their hash. Each word is folded: xor, multiply to 128
//! bits by an odd constant, xor the halves.
//! Left out: defence against keys chosen to collide. Nothing a peer sends may become a key here.

use std::hash::{BuildHasher, Hasher};

#[cfg(test)]
mod tests;

/// Makes hashers that all begin alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FixedState;

impl BuildHasher for FixedState {
    type Hasher = FixedHasher;

    #[inline]
    fn build_hasher(&self) -> FixedHasher {
        FixedHasher { state: SEED }
    }
}

/// See the file's header.
#[derive(Clone, Debug)]
pub(crate) struct FixedHasher {
    state: u64,
}

impl FixedHasher {
    #[inline]
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(MULTIPLIER);
        self.state = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for FixedHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        // The length sets apart what the padding makes equal.
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        last[7] = rest.len() as u8;
        self.fold(u64::from_le_bytes(last));
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.fold(word.into());
    }

    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.fold(word.into());
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.fold(word.into());
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.fold(word);
    }

    #[inline]
    fn write_u128(&mut self, word: u128) {
        self.fold(word as u64);
        self.fold((word >> 64) as u64);
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.fold(word as u64);
    }
}

/// Digits of pi, as good as any.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
/// An odd number with its bits well spread: the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
