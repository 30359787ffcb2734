//! The bytes on their way out of a connection: pieces as they were sent, and behind them small
//! ones that were gathered into one.
//!
//! Kept by the writer. Invariant (SEN-6): bytes leave in the order in which they came in; `len` is
//! what has not left. A connection without output holds no memory for it: the buffer that gathers
//! is the thread's and goes back to it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};
use smallvec::SmallVec;

/// Pieces that one system call is given.
pub(super) const SLICES_MAX: usize = 64;
/// The longest send that is copied to others rather than kept as a piece of its own: about what it
/// costs to allocate for a piece.
const COPIED_MAX: usize = 1024;
/// What a thread keeps of a buffer that gathers.
const SPARE_MAX: usize = 128 << 10;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// See the file's header.
#[derive(Default)]
pub(super) struct Output {
    pieces: VecDeque<Bytes>,
    /// Behind the pieces.
    gathered: Vec<u8>,
    len: usize,
}

impl Output {
    /// Bytes that have not left.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Takes pieces in as they are.
    pub(super) fn push(&mut self, data: impl IntoIterator<Item = Bytes>) {
        self.seal();
        for piece in data {
            self.len += piece.len();
            if !piece.is_empty() {
                self.pieces.push_back(piece);
            }
        }
    }

    /// Takes a send in behind others: what is small is copied to them.
    pub(super) fn gather(&mut self, header: &[u8], pieces: impl IntoIterator<Item = Bytes>) {
        self.copy(header);
        for piece in pieces {
            if piece.len() <= COPIED_MAX {
                self.copy(&piece);
            } else {
                self.push([piece]);
            }
        }
    }

    fn copy(&mut self, bytes: &[u8]) {
        if self.gathered.capacity() == 0 && !bytes.is_empty() {
            self.gathered = SPARE.take();
        }
        self.gathered.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    /// What was gathered is a piece: what comes now is none of it, and it may stay for long.
    pub(super) fn seal(&mut self) {
        if !self.gathered.is_empty() {
            let gathered = std::mem::take(&mut self.gathered);
            if gathered.len() >= gathered.capacity() / 2 {
                self.pieces.push_back(Bytes::from(gathered));
            } else {
                self.pieces.push_back(Bytes::copy_from_slice(&gathered));
                give_back(gathered);
            }
        }
    }

    /// The first of the bytes, at most `ahead` of them where pieces end there.
    pub(super) fn slices(&self, mut ahead: usize) -> SmallVec<[IoSlice<'_>; SLICES_MAX]> {
        let pieces = self.pieces.iter().map(|piece| &piece[..]);
        let gathered = (!self.gathered.is_empty()).then_some(&self.gathered[..]);
        let fits = |piece: &&[u8]| {
            let fits = ahead > 0;
            ahead = ahead.saturating_sub(piece.len());
            fits
        };
        let slices = pieces.chain(gathered).take(SLICES_MAX).take_while(fits);
        slices.map(IoSlice::new).collect()
    }

    /// Takes `n` bytes off the front.
    pub(super) fn written(&mut self, mut n: usize) {
        if n == self.len {
            return self.clear();
        }
        self.len -= n;
        self.seal();
        while let Some(front) = self.pieces.front_mut() {
            if n < front.len() {
                front.advance(n);
                return;
            }
            n -= front.len();
            self.pieces.pop_front();
        }
    }

    /// Keeps so many bytes, which end with a piece.
    pub(super) fn truncate(&mut self, len: usize) {
        self.seal();
        while self.len > len
            && let Some(piece) = self.pieces.pop_back()
        {
            self.len -= piece.len();
        }
    }

    pub(super) fn clear(&mut self) {
        give_back(std::mem::take(&mut self.gathered));
        if self.pieces.capacity() > 0 {
            self.pieces = VecDeque::new();
        }
        self.len = 0;
    }
}

/// The buffer is the thread's again.
fn give_back(mut gathered: Vec<u8>) {
    if (1..=SPARE_MAX).contains(&gathered.capacity()) {
        gathered.clear();
        SPARE.set(gathered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(output: &Output) -> Vec<u8> {
        output
            .slices(usize::MAX)
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect()
    }

    fn piece(byte: u8, len: usize) -> Bytes {
        Bytes::from(vec![byte; len])
    }

    #[test]
    fn small_sends_become_one_piece_and_keep_their_place() {
        let mut output = Output::default();
        output.gather(b"h", [piece(1, 2)]);
        output.gather(b"h", [piece(2, 2)]);
        assert_eq!(output.slices(usize::MAX).len(), 1);
        output.gather(b"h", [piece(3, COPIED_MAX + 1), piece(4, 1)]);
        output.push([Bytes::new(), piece(5, 1)]);
        assert_eq!(output.slices(usize::MAX).len(), 4);
        let expected = [
            b"h\x01\x01h\x02\x02h",
            &[3; COPIED_MAX + 1][..],
            b"\x04\x05",
        ]
        .concat();
        assert_eq!(all(&output), expected);
        assert_eq!(output.len(), expected.len());
    }

    #[test]
    fn what_has_left_is_gone_wherever_it_was_cut() {
        for cut in 0..=12 {
            let mut output = Output::default();
            output.push([piece(1, 3), piece(2, 3)]);
            output.gather(b"34", [piece(5, 4)]);
            let before = all(&output);
            output.written(cut);
            assert_eq!(all(&output), before[cut..], "{cut}");
            assert_eq!(output.len(), 12 - cut);
        }
    }

    #[test]
    fn a_sealed_piece_is_a_boundary() {
        let mut output = Output::default();
        output.gather(b"", [piece(1, 3)]);
        output.seal();
        output.gather(b"", [piece(2, 3)]);
        assert_eq!(output.slices(3).len(), 1);
        output.truncate(3);
        assert_eq!(all(&output), [1; 3]);
    }

    #[test]
    fn without_output_nothing_is_held() {
        let mut output = Output::default();
        output.push([piece(1, 3)]);
        output.gather(b"", [piece(2, 3)]);
        output.written(6);
        assert_eq!(
            (output.pieces.capacity(), output.gathered.capacity()),
            (0, 0)
        );
    }
}
