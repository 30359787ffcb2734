//! The scratch buffer of a thread: where reads go, so that no buffer sits on an idle socket.
//!
//! Taken by every read, under a port's lock. Invariant (REC-9): a small read is copied out, and the
//! buffer stays; a read that fills at least three quarters is handed out whole, without a copy, and
//! its memory comes back when the receiver has dropped it before a later read. A thread has one
//! buffer, and remembers a few that it has handed out.

use std::cell::RefCell;
use std::io;

use bytes::{Bytes, BytesMut};

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::new()) };
}

struct Scratch {
    own: Option<BytesMut>,
    /// The wholes of buffers of which a part was handed out, the last one last.
    lent: Vec<Bytes>,
}

/// Buffers that a thread remembers: more than one turn of a socket hands out.
const LENT_MAX: usize = 4;

impl Scratch {
    const fn new() -> Self {
        Scratch {
            own: None,
            lent: Vec::new(),
        }
    }

    fn take(&mut self, len: usize) -> BytesMut {
        match self.own.take().or_else(|| self.come_back()) {
            Some(buffer) if buffer.len() >= len => buffer,
            _ => BytesMut::zeroed(len.max(KEPT)),
        }
    }

    /// A buffer that nobody else holds any more; the one that was used last is still in the cache.
    fn come_back(&mut self) -> Option<BytesMut> {
        let at = self.lent.iter().rposition(Bytes::is_unique)?;
        self.lent.remove(at).try_into_mut().ok()
    }

    fn lend(&mut self, whole: Bytes) {
        if self.lent.len() == LENT_MAX {
            self.lent.remove(0);
        }
        self.lent.push(whole);
    }
}

/// The size below which no buffer is made, so that sockets with different buffers share one.
const KEPT: usize = 65536;

/// Reads at most `len` bytes with `read`, and gives them to `keep` where they lie: a slice to copy
/// from, and a way to have them without a copy where that pays.
pub(super) fn read<R>(
    len: usize,
    read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    keep: impl FnOnce(Filled<'_>) -> R,
) -> io::Result<(usize, R)> {
    let mut buffer = SCRATCH.with_borrow_mut(|scratch| scratch.take(len));
    let result = read(&mut buffer[..len]);
    let n = match result {
        Ok(n) => n.min(len),
        Err(error) => {
            SCRATCH.with_borrow_mut(|scratch| scratch.own = Some(buffer));
            return Err(error);
        }
    };
    let mut place = Some(buffer);
    let kept = keep(Filled {
        buffer: &mut place,
        len: n,
    });
    if let Some(buffer) = place {
        SCRATCH.with_borrow_mut(|scratch| scratch.own = Some(buffer));
    }
    Ok((n, kept))
}

/// Bytes in the scratch buffer.
pub(super) struct Filled<'a> {
    buffer: &'a mut Option<BytesMut>,
    len: usize,
}

impl Filled<'_> {
    pub(super) fn as_slice(&self) -> &[u8] {
        self.buffer
            .as_ref()
            .map_or(&[], |buffer| &buffer[..self.len])
    }

    /// The bytes as a value of their own.
    pub(super) fn into_bytes(self) -> Bytes {
        let worth = self
            .buffer
            .as_ref()
            .is_some_and(|buffer| self.len >= buffer.len() / 4 * 3);
        if !worth {
            return Bytes::copy_from_slice(self.as_slice());
        }
        let whole = self.buffer.take().map(BytesMut::freeze).unwrap_or_default();
        let part = whole.slice(..self.len);
        SCRATCH.with_borrow_mut(|scratch| scratch.lend(whole));
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(len: usize, n: usize) -> Bytes {
        let write = |buffer: &mut [u8]| {
            buffer[..n].fill(7);
            Ok(n)
        };
        read(len, write, |filled: Filled<'_>| filled.into_bytes())
            .expect("the closure does not fail")
            .1
    }

    #[test]
    fn a_full_read_comes_without_a_copy_and_its_memory_comes_back() {
        let first = fill(KEPT, KEPT);
        let place = first.as_ptr();
        drop(first);
        let second = fill(KEPT, KEPT);
        assert_eq!(second.as_ptr(), place);
        // The second is still held, so the third has memory of its own, and the second stays as it
        // is.
        let third = fill(KEPT, KEPT - 1);
        assert_ne!(third.as_ptr(), place);
        assert!(second.iter().all(|byte| *byte == 7));
        // Both come back.
        let places = [place, third.as_ptr()];
        drop((second, third));
        let again = [fill(KEPT, KEPT), fill(KEPT, KEPT)].map(|bytes| bytes.as_ptr());
        assert!(again.iter().any(|place| places.contains(place)));
    }

    #[test]
    fn a_thread_remembers_a_bounded_number() {
        let held: Vec<Bytes> = (0..3 * LENT_MAX).map(|_| fill(KEPT, KEPT)).collect();
        let count = SCRATCH.with_borrow(|scratch| scratch.lent.len());
        assert_eq!(count, LENT_MAX);
        drop(held);
    }

    #[test]
    fn a_small_read_is_copied() {
        let small = fill(KEPT, 10);
        assert_eq!(&small[..], [7; 10]);
        assert_eq!(fill(KEPT, 0).len(), 0);
    }

    #[test]
    fn an_error_leaves_the_buffer() {
        let refuse = |_: &mut [u8]| Err(io::ErrorKind::WouldBlock.into());
        let error = read(10, refuse, |filled: Filled<'_>| filled.as_slice().len());
        assert_eq!(
            error.map_err(|error| error.kind()),
            Err(io::ErrorKind::WouldBlock)
        );
        assert_eq!(fill(10, 3).len(), 3);
    }
}
