//! Memory that is used again: each thread keeps the blocks of dead messages and processes for the
//! next ones.
//!
//! Asked by `message` and by the cells of processes, which come and go by the million in few sizes.
//! Classes are 16 bytes apart, as those of the system's allocator are; a thread keeps so many
//! blocks of a class at most, gives back what is beyond, and all of them when it ends.
//! Invariant: a block is kept by one thread or used by one owner; its size is that of its layout's
//! class. Left out: what does not fit a class, or has to be aligned to more than 8, is the
//! system's. Unsafe: free blocks are linked through their first word.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};

use crate::limits::BLOCKS_KEPT_MAX;

const ALIGN: usize = 8;
const CLASSES: usize = 64;

struct Free {
    next: *mut Free,
}

#[derive(Clone, Copy)]
struct Class {
    first: *mut Free,
    len: u32,
}

struct Kept(UnsafeCell<[Class; CLASSES]>);

const NONE: Class = Class {
    first: ptr::null_mut(),
    len: 0,
};

thread_local! {
    static KEPT: Kept = const { Kept(UnsafeCell::new([NONE; CLASSES])) };
}

/// The class of a layout, where it has one.
#[inline]
const fn class_of(layout: Layout) -> Option<usize> {
    // A sanitizer has to see each block come and go.
    if cfg!(sanitizer) {
        return None;
    }
    let class = (layout.size() + 7) / 16;
    if layout.align() <= ALIGN && class < CLASSES && class > 0 {
        Some(class)
    } else {
        None
    }
}

/// What the blocks of a class are to the system: the most that fits into as many of its own steps.
#[inline]
const fn block(class: usize) -> Layout {
    match Layout::from_size_align(class * 16 + 8, ALIGN) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    }
}

/// Memory for this layout, which is not of size 0.
#[inline]
pub(crate) fn take(layout: Layout) -> NonNull<u8> {
    let Some(class) = class_of(layout) else {
        return fresh(layout);
    };
    let kept = KEPT.try_with(|kept| {
        // SAFETY: only this thread has it, and the borrow ends with the closure, which calls
        // nothing.
        let Class { first, len } = &mut unsafe { &mut *kept.0.get() }[class];
        let block = NonNull::new(*first)?;
        // SAFETY: a block in the list is free memory of this class, whose first word is its link.
        *first = unsafe { block.as_ref() }.next;
        *len -= 1;
        Some(block.cast())
    });
    match kept {
        Ok(Some(block)) => block,
        _ => fresh(block(class)),
    }
}

#[inline(never)]
fn fresh(layout: Layout) -> NonNull<u8> {
    // SAFETY: no layout that is asked for has size 0.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives memory back.
///
/// # Safety
/// It came out of `take` with this layout, and nobody uses it any more.
#[inline]
pub(crate) unsafe fn give(memory: NonNull<u8>, layout: Layout) {
    let Some(class) = class_of(layout) else {
        // SAFETY: by the contract above.
        return unsafe { dealloc(memory.as_ptr(), layout) };
    };
    let kept = KEPT.try_with(|kept| {
        // SAFETY: as in `take`.
        let Class { first, len } = &mut unsafe { &mut *kept.0.get() }[class];
        if *len >= BLOCKS_KEPT_MAX {
            return false;
        }
        let block = memory.cast::<Free>();
        // SAFETY: the block is ours, and large and aligned enough for a link.
        unsafe { block.write(Free { next: *first }) };
        *first = block.as_ptr();
        *len += 1;
        true
    });
    if kept != Ok(true) {
        // SAFETY: it was allocated with the layout of its class.
        unsafe { return_block(memory, class) }
    }
}

/// # Safety
/// The memory is a block of this class, and nobody uses it any more.
#[inline(never)]
unsafe fn return_block(memory: NonNull<u8>, class: usize) {
    // SAFETY: by the contract above.
    unsafe { dealloc(memory.as_ptr(), block(class)) }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for (class, Class { first, .. }) in self.0.get_mut().iter_mut().enumerate() {
            while let Some(block) = NonNull::new(*first) {
                // SAFETY: a block in the list is free memory of this class.
                unsafe {
                    *first = block.as_ref().next;
                    return_block(block.cast(), class);
                }
            }
        }
    }
}

#[cfg(all(test, not(loom), not(sanitizer)))]
mod tests {
    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).expect("a small layout")
    }

    #[test]
    fn what_fits_a_class_is_used_again() {
        for size in [9, 24, 25, 40, 41, 1000] {
            let class = class_of(layout(size)).expect("small");
            assert!((size..size + 16).contains(&block(class).size()), "{size}");
            let memory = take(layout(size));
            // SAFETY: taken with this layout a moment ago.
            unsafe { give(memory, layout(size)) };
            assert_eq!(take(layout(block(class).size())), memory, "{size}");
            // SAFETY: as above, of the same class.
            unsafe { give(memory, layout(size)) };
        }
    }

    #[test]
    fn what_fits_none_is_the_systems() {
        for layout in [
            layout(8),
            layout(16 * 64),
            Layout::from_size_align(64, 64).expect("a small layout"),
        ] {
            let memory = take(layout);
            assert!(memory.addr().get().is_multiple_of(layout.align()));
            // SAFETY: taken with this layout a moment ago.
            unsafe { give(memory, layout) };
        }
    }

    #[test]
    fn a_thread_keeps_a_bounded_number() {
        let taken: Vec<_> = (0..2 * BLOCKS_KEPT_MAX).map(|_| take(layout(72))).collect();
        for memory in taken {
            // SAFETY: taken with this layout above.
            unsafe { give(memory, layout(72)) };
        }
        let class = class_of(layout(72)).expect("small");
        // SAFETY: nobody else has it.
        let kept = KEPT.with(|kept| unsafe { &*kept.0.get() }[class].len);
        assert_eq!(kept, BLOCKS_KEPT_MAX);
    }
}
