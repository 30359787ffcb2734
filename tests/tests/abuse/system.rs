//! What the tests need of the system beneath the runtime: an allocator that counts, and the signal
//! of a broken pipe as it is by default.
//!
//! Unsafe: both.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static TOTAL: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        TOTAL.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that are allocated now.
pub(crate) fn live_bytes() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Bytes that have been allocated since the start, those given back included.
pub(crate) fn allocated_bytes() -> usize {
    TOTAL.load(Ordering::Relaxed)
}

/// Bytes of memory that the process has, as the system counts them.
pub(crate) fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes = kilobytes.expect("a line of that form");
    kilobytes.parse::<usize>().expect("a number") * 1024
}

/// Time that all threads of this process have computed.
pub(crate) fn computed() -> std::time::Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("no clock is negative");
    let nanoseconds = u32::try_from(time.tv_nsec).expect("below a second");
    std::time::Duration::new(seconds, nanoseconds)
}

/// A write to a broken pipe kills the process from here on, unless the writer sees to it.
pub(crate) fn let_broken_pipes_kill() {
    // SAFETY: the default action runs no code of this process.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// Has the system's allocator give back what it keeps of memory that nobody has.
#[allow(dead_code)] // asked by one of the programs that have this file
pub(crate) fn trim() {
    // SAFETY: it may be called at any time, and touches nothing that is allocated.
    unsafe { libc::malloc_trim(0) };
}
