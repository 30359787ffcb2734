//! Random bits: the trait, the system's body, and a small generator for everyone who needs many.
//!
//! Asked for node numbers and by the simulator's choices. Invariant: no other file draws
//! randomness, so a simulated runtime is a function of its seed. Not for secrets.

/// Where random bits come from.
pub(crate) trait Entropy: Send + Sync {
    /// 64 random bits.
    fn random(&self) -> u64;
}

/// The system's randomness, by way of the standard library's hash keys.
#[derive(Debug)]
pub(crate) struct RealEntropy;

impl Entropy for RealEntropy {
    #[allow(clippy::disallowed_types)] // the one place that asks the system for randomness
    fn random(&self) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
    }
}

/// SplitMix64: a generator of one word, good enough to choose with.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(u64);

impl SplitMix {
    pub(crate) fn new(seed: u64) -> Self {
        SplitMix(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`, which must not be 0.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u32
    }
}
