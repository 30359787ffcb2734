//! A stream of bytes in which a lost, doubled or displaced piece is seen.
//!
//! Made by the sender, checked by the receiver. Invariant: two streams are the same.

use std::sync::OnceLock;

/// A prime, so that pieces of no usual size repeat with it.
const PERIOD: usize = 65_521;

/// A place in the stream. See the file's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stream {
    /// Bytes before it.
    pub at: usize,
}

/// Twice the period, so that each piece of it is in one piece here.
fn table() -> &'static [u8] {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let once: Vec<u8> = (0..PERIOD).map(|_| random.below(256) as u8).collect();
        [&once[..], &once[..]].concat()
    })
}

impl Stream {
    /// The next so many bytes.
    #[must_use]
    pub fn take(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let piece = (length - bytes.len()).min(PERIOD);
            let start = (self.at + bytes.len()) % PERIOD;
            bytes.extend_from_slice(&table()[start..start + piece]);
        }
        self.at += length;
        bytes
    }

    /// Checks that these are the next bytes.
    ///
    /// # Panics
    /// Where they are not.
    #[track_caller]
    pub fn check(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PERIOD) {
            let start = self.at % PERIOD;
            let expected = &table()[start..start + piece.len()];
            assert!(piece == expected, "a wrong byte behind {} bytes", self.at);
            self.at += piece.len();
        }
    }
}

/// Numbers that look random and are the same for the same seed (xorshift).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below the bound.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }
}
