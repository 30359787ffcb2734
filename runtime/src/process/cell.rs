//! The control block and its future in one allocation, and the waker that points at it.
//!
//! Made by `spawn`, polled by `run`, emptied by `exit`. Invariant: the future is pinned in its cell
//! from birth to `drop_future` and is polled only by the runner; the memory lives as long as the
//! table or a waker counts it. What it leaves out: catching panics (in `run` and `exit`).
//! Unsafe: type erasure by a vtable, a counted pointer, a hand-written waker.

use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use super::limit::LimitCell;
use super::{Pcb, Private};
use crate::core::Uncounted;
use crate::heap;
use crate::inbox::Inbox;
use crate::marks::Marks;
use crate::pid::Pid;
use crate::reason::{Outcome, Reason};
use crate::sync::{AtomicU32, Ordering};
use crate::timers::TimerSet;

#[repr(C)]
struct Cell<F> {
    pcb: Pcb,
    future: UnsafeCell<ManuallyDrop<F>>,
}

pub(crate) struct FutureVTable {
    /// SAFETY: to call it, the pointer has to be the head of a live `Cell<F>` of this vtable's
    /// type, the caller its runner, and the future not yet dropped.
    poll: unsafe fn(NonNull<Pcb>, &mut Context<'_>) -> Poll<Reason>,
    /// SAFETY: as for `poll`; afterwards the future is gone, so neither may be called again.
    drop_future: unsafe fn(NonNull<Pcb>),
    layout: Layout,
    pub(super) future_bytes: usize,
}

trait Erased: Sized {
    const VTABLE: FutureVTable;
}

impl<F> Erased for F
where
    F: Future,
    F::Output: Outcome,
{
    const VTABLE: FutureVTable = FutureVTable {
        poll: poll::<F>,
        drop_future: drop_future::<F>,
        layout: Layout::new::<Cell<F>>(),
        future_bytes: size_of::<F>(),
    };
}

/// # Safety
/// `pcb` begins a `Cell<F>` whose future is alive, and the caller runs the process.
unsafe fn poll<F>(pcb: NonNull<Pcb>, cx: &mut Context<'_>) -> Poll<Reason>
where
    F: Future,
    F::Output: Outcome,
{
    // SAFETY: the runner alone touches the future, and the cell never moves.
    let future =
        unsafe { Pin::new_unchecked(&mut **(*pcb.cast::<Cell<F>>().as_ptr()).future.get()) };
    future.poll(cx).map(Outcome::into_reason)
}

/// # Safety
/// As `poll`; the future is dead afterwards.
unsafe fn drop_future<F>(pcb: NonNull<Pcb>) {
    // SAFETY: by the contract the future is alive, and this is its end.
    unsafe { ManuallyDrop::drop(&mut *(*pcb.cast::<Cell<F>>().as_ptr()).future.get()) }
}

/// What a new process is made of.
pub(crate) struct Birth {
    pub(crate) core: Uncounted,
    pub(crate) pid: Pid,
    pub(crate) parent: Pid,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) trap_exit: bool,
}

/// Allocates a process. The table counts it; it is not yet published nor queued.
pub(crate) fn create<F>(birth: Birth, future: F) -> NonNull<Pcb>
where
    F: Future + Send + 'static,
    F::Output: Outcome,
{
    let cell = heap::take(Layout::new::<Cell<F>>()).cast::<Cell<F>>();
    let pcb = Pcb {
        refs: AtomicU32::new(1),
        inbox: Inbox::queued(),
        limit: LimitCell::none(),
        pid: birth.pid,
        queue_len: AtomicU32::new(0),
        vtable: &<F as Erased>::VTABLE,
        core: birth.core,
        timers: TimerSet::new(),
        marks: Marks::new(),
        spawned_at: birth.spawned_at,
        parent: birth.parent,
        private: UnsafeCell::new(Private::new(birth.trap_exit)),
    };
    let future = UnsafeCell::new(ManuallyDrop::new(future));
    // SAFETY: the memory is ours and of this layout; each part is written in its place.
    unsafe {
        (&raw mut (*cell.as_ptr()).pcb).write(pcb);
        (&raw mut (*cell.as_ptr()).future).write(future);
    }
    cell.cast()
}

impl Pcb {
    /// Polls the future.
    ///
    /// # Safety
    /// The caller runs the process, and the future has neither finished nor been dropped.
    pub(super) unsafe fn poll(&self, cx: &mut Context<'_>) -> Poll<Reason> {
        // SAFETY: the vtable is the one of this cell's future.
        unsafe { (self.vtable.poll)(NonNull::from(self), cx) }
    }

    /// Drops the future in its place.
    ///
    /// # Safety
    /// The caller runs the process, and this has not been called before.
    pub(super) unsafe fn drop_future(&self) {
        // SAFETY: as above.
        unsafe { (self.vtable.drop_future)(NonNull::from(self)) }
    }

    /// Bytes of the control block and the future together.
    pub(crate) fn bytes(&self) -> usize {
        self.vtable.layout.size()
    }

    pub(crate) fn future_bytes(&self) -> usize {
        self.vtable.future_bytes
    }
}

/// One counted reference less; the last one frees the memory. The future is gone by then.
///
/// # Safety
/// The caller gives up a reference that it counted.
pub(crate) unsafe fn release(pcb: NonNull<Pcb>) {
    // SAFETY: counted, so alive; the last one to leave sees everybody's writes by the fence.
    unsafe {
        // Whoever holds the only count is alone: nobody can count again.
        let refs = &pcb.as_ref().refs;
        if refs.load(Ordering::Acquire) != 1 {
            if refs.fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            see_all(refs);
        }
        let layout = pcb.as_ref().vtable.layout;
        std::ptr::drop_in_place(pcb.as_ptr());
        heap::give(pcb.cast(), layout);
    }
}

/// Whoever counted down before has happened before: by a fence, or, where ThreadSanitizer looks,
/// which knows no fences, by a load.
#[inline]
fn see_all(refs: &AtomicU32) {
    if cfg!(sanitizer) {
        refs.load(Ordering::Acquire);
    } else {
        std::sync::atomic::fence(Ordering::Acquire);
    }
}

static WAKER: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// The waker that a poll of this process gets; it counts nothing and must not outlive the poll.
///
/// # Safety
/// The caller keeps the process alive longer than the waker.
pub(super) unsafe fn borrowed_waker(pcb: &Pcb) -> ManuallyDrop<Waker> {
    let raw = RawWaker::new(std::ptr::from_ref(pcb).cast(), &WAKER);
    // SAFETY: the vtable's functions fit the pointer; the waker is never dropped, so nothing is
    // counted down that was not counted up.
    ManuallyDrop::new(unsafe { Waker::from_raw(raw) })
}

/// Whether this is the process's own waker, not one that a combinator made.
pub(crate) fn is_own_waker(pcb: &Pcb, waker: &Waker) -> bool {
    std::ptr::eq(waker.data(), std::ptr::from_ref(pcb).cast())
        && std::ptr::eq(waker.vtable(), &WAKER)
}

/// # Safety
/// `data` is of a waker of this vtable, which is alive.
unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned keeps the process alive; the new one keeps the runtime too.
    unsafe {
        let pcb = &*data.cast::<Pcb>();
        pcb.refs.fetch_add(1, Ordering::Relaxed);
        std::mem::forget(Arc::clone(&pcb.core));
    }
    RawWaker::new(data, &WAKER)
}

/// # Safety
/// As `clone`; the waker is used up.
unsafe fn wake(data: *const ()) {
    // SAFETY: the waker counted the process, and is used up by this.
    unsafe {
        wake_by_ref(data);
        drop_waker(data);
    }
}

/// # Safety
/// As `clone`.
unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker keeps the process alive.
    unsafe { (*data.cast::<Pcb>()).wake() }
}

/// # Safety
/// As `clone`; the waker is used up.
unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the waker counted the process and the runtime, which is given up last.
    unsafe {
        let pcb = NonNull::new_unchecked(data.cast_mut().cast::<Pcb>());
        let core = Arc::from_raw(Arc::as_ptr(&pcb.as_ref().core));
        release(pcb);
        drop(core);
    }
}
