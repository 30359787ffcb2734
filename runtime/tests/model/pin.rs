//! What stands in for the epoch in a model: memory is released as soon as it may be.
//!
//! Included by the models that look actors up. A pin is a number; what is deferred waits for those
//! that were held at that moment, and is released by the one that goes last. Loom sees of it what
//! `crossbeam`'s epoch promises and no more: a fence when a pin is taken and when something is
//! deferred, so that a pin that is not waited for does not find what is released.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use loom::sync::atomic::{AtomicUsize, Ordering, fence};

#[derive(Clone, Default)]
pub(crate) struct Collector {
    state: Arc<Mutex<State>>,
    /// Where it is there, giving a pin up happens before what waited for it.
    order: Option<Arc<AtomicUsize>>,
}

#[derive(Default)]
struct State {
    next: u64,
    held: BTreeSet<u64>,
    deferred: Vec<(BTreeSet<u64>, Release)>,
    released: usize,
}

/// May be called on any thread, as who deferred it promised.
struct Release(Box<dyn FnOnce()>);

// SAFETY: see above.
unsafe impl Send for Release {}

/// See the file's header. One that is held already counts nothing.
pub(crate) struct Pin(Option<Counted>);

struct Counted {
    collector: Collector,
    number: u64,
}

impl Collector {
    /// For a model in which loom watches the memory that is released.
    pub(crate) fn watched() -> Self {
        Collector {
            order: Some(Arc::new(AtomicUsize::new(0))),
            ..Collector::default()
        }
    }

    /// How often something was released.
    pub(crate) fn released(&self) -> usize {
        self.state.lock().expect("no panic under it").released
    }
}

impl Pin {
    pub(crate) fn outside(collector: &Collector) -> Self {
        let mut state = collector.state.lock().expect("no panic under it");
        let number = state.next;
        state.next += 1;
        state.held.insert(number);
        fence(Ordering::SeqCst);
        Pin(Some(Counted {
            collector: collector.clone(),
            number,
        }))
    }

    /// # Safety
    /// As in the runtime: who acts for a process holds a pin meanwhile (`Pcb::acts`).
    pub(crate) unsafe fn held() -> Self {
        Pin(None)
    }

    /// # Safety
    /// As in the runtime: `release` may run on any thread, and nobody finds any more what it
    /// releases.
    pub(crate) unsafe fn defer<F: FnOnce()>(&self, collector: &Collector, release: F) {
        let release: Box<dyn FnOnce() + '_> = Box::new(release);
        // SAFETY: what is released outlives all pins by the contract.
        let release: Box<dyn FnOnce()> = unsafe { std::mem::transmute(release) };
        fence(Ordering::SeqCst);
        let mut state = collector.state.lock().expect("no panic under it");
        let held = state.held.clone();
        state.deferred.push((held, Release(release)));
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(order) = &self.collector.order {
            order.fetch_add(1, Ordering::AcqRel);
        }
        let mut state = self.collector.state.lock().expect("no panic under it");
        state.held.remove(&self.number);
        for (waits_for, _) in &mut state.deferred {
            waits_for.remove(&self.number);
        }
        let deferred = std::mem::take(&mut state.deferred);
        let (due, later): (Vec<_>, Vec<_>) =
            deferred.into_iter().partition(|(held, _)| held.is_empty());
        state.deferred = later;
        state.released += due.len();
        drop(state);
        for (_, release) in due {
            (release.0)();
        }
    }
}
