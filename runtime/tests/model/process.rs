//! What stands in for processes in a model of the scheduler: the inbox's word as it is, a private
//! part that loom watches, and a program of a few steps.
//!
//! Included by `model_workers`. Invariant: a process is made ready by whoever sets QUEUED, and then
//! stands in one place; a slice is the only one, and none comes after the end.

use std::sync::atomic::AtomicUsize as Count;
use std::sync::{Arc, Weak};

use loom::cell::UnsafeCell;

use crate::core::Core;
use crate::inbox::{Inbox, Noticed, Rest};
use crate::marks::Marks;
use crate::pid::Pid;
use crate::priority::Priority;
use crate::real::{self, Workers};
use crate::sync::{AtomicUsize, Ordering, Queue};
use run::{Runnable, Scheduler};

/// What a process does in a slice.
pub(crate) type Program = fn(&World, &Pcb) -> After;

/// What it says at the end of a slice.
pub(crate) enum After {
    Wait,
    Yield,
    End,
}

pub(crate) struct Pcb {
    pub(crate) pid: Pid,
    pub(crate) marks: Marks,
    inbox: Inbox,
    program: Program,
    private: UnsafeCell<Private>,
    /// What those that wake it have written before.
    notices: AtomicUsize,
    /// Queues that it stands in. Not seen by loom, so it orders nothing.
    places: Count,
    world: Weak<World>,
}

#[derive(Default)]
struct Private {
    runs: u32,
    notices: usize,
    has_ended: bool,
}

// SAFETY: the private part is touched by the one that runs the process, or when all have been
// joined; loom watches that.
unsafe impl Sync for Pcb {}
// SAFETY: as above.
unsafe impl Send for Pcb {}

impl Pcb {
    /// Which slice this is, counted from 1.
    pub(crate) fn runs(&self) -> u32 {
        // SAFETY: called by the program, which the runner runs.
        self.private.with(|private| unsafe { &*private }.runs)
    }

    /// How many had woken it when the slice began.
    pub(crate) fn notices(&self) -> usize {
        // SAFETY: as above.
        self.private.with(|private| unsafe { &*private }.notices)
    }

    pub(crate) fn world(&self) -> Arc<World> {
        self.world.upgrade().expect("it is there while threads run")
    }

    /// A slice begins.
    fn begin(&self) {
        assert_eq!(self.places.fetch_sub(1, Ordering::Relaxed), 1);
        drop(self.inbox.begin(usize::MAX));
        self.private.with_mut(|private| {
            // SAFETY: this thread runs the process.
            let private = unsafe { &mut *private };
            assert!(!private.has_ended, "a slice after the end");
            private.runs += 1;
            private.notices = self.notices.load(Ordering::Relaxed);
        });
    }

    fn end(&self) {
        drop(self.inbox.close(usize::MAX));
        self.private.with_mut(|private| {
            // SAFETY: this thread runs the process.
            unsafe { &mut *private }.has_ended = true;
        });
    }
}

/// Everything of one model.
pub(crate) struct World {
    pub(crate) workers: Workers,
    pub(crate) core: Arc<Core>,
    processes: Vec<Pcb>,
    left: AtomicUsize,
}

impl World {
    /// Processes that wait, and the queues of the workers.
    pub(crate) fn new(workers: usize, programs: &[Program]) -> (Arc<Self>, Vec<Queue<Runnable>>) {
        let (workers, queues) = real::make(workers);
        let world = Arc::new_cyclic(|world| World {
            workers,
            core: Arc::default(),
            processes: programs
                .iter()
                .zip(1..)
                .map(|(program, slot)| waiting(Pid::new(1, slot, 1), *program, world.clone()))
                .collect(),
            left: AtomicUsize::new(programs.len()),
        });
        (world, queues)
    }

    /// A waker of the process is used.
    pub(crate) fn wake(&self, which: usize) {
        let process = &self.processes[which];
        process.notices.fetch_add(1, Ordering::Relaxed);
        if process.inbox.notice() == Noticed::Queue {
            self.workers.ready(Runnable::of(process));
        }
    }

    pub(crate) fn set_priority(&self, which: usize, priority: Priority) {
        self.processes[which].marks.set_priority(priority);
    }

    fn ended(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            real::stop(&self.workers);
        }
    }

    /// All processes have ended, and nothing is left in a queue.
    pub(crate) fn assert_over(&self) {
        for process in &self.processes {
            // SAFETY: all threads have been joined.
            let has_ended = process
                .private
                .with(|private| unsafe { &*private }.has_ended);
            assert!(has_ended);
            assert_eq!(process.places.load(Ordering::Relaxed), 0);
        }
        real::assert_empty(&self.workers);
    }
}

fn waiting(pid: Pid, program: Program, world: Weak<World>) -> Pcb {
    let inbox = Inbox::queued();
    drop(inbox.begin(usize::MAX));
    assert_eq!(inbox.rest(false), Rest::Waits);
    Pcb {
        pid,
        marks: Marks::new(),
        inbox,
        program,
        private: UnsafeCell::default(),
        notices: AtomicUsize::new(0),
        places: Count::new(0),
        world,
    }
}

pub(crate) mod run {
    use std::ptr::NonNull;

    use super::{After, Pcb};
    use crate::inbox::Rest;
    use crate::statistics::SchedulerLoad;
    use crate::sync::Ordering;
    use crate::vacancies::OnWorker;

    pub(crate) trait Scheduler {
        fn ready(&self, process: Runnable);
        fn timer_set(&self, deadline: u64);
        fn on_worker(&self) -> Option<OnWorker>;
        fn load(&self) -> SchedulerLoad;
    }

    pub(crate) struct Runnable(NonNull<Pcb>);

    // SAFETY: a process may be run by any thread, one at a time, which the model checks.
    unsafe impl Send for Runnable {}

    pub(crate) enum Ran {
        Over,
        Again(Runnable),
    }

    impl Runnable {
        /// The process is about to stand in a queue.
        pub(crate) fn of(pcb: &Pcb) -> Self {
            assert_eq!(pcb.places.fetch_add(1, Ordering::Relaxed), 0);
            Runnable(NonNull::from(pcb))
        }

        pub(crate) fn into_raw(self) -> NonNull<Pcb> {
            self.0
        }

        /// # Safety
        /// `raw` came out of `into_raw`.
        pub(crate) unsafe fn from_raw(raw: NonNull<Pcb>) -> Self {
            Runnable(raw)
        }

        pub(crate) fn pcb(&self) -> &Pcb {
            // SAFETY: the model keeps its processes to its end.
            unsafe { self.0.as_ref() }
        }

        /// # Safety
        /// None; the real one wants the thread to be pinned.
        pub(crate) unsafe fn run(self) -> Ran {
            let pcb = self.pcb();
            let world = pcb.world();
            pcb.begin();
            match (pcb.program)(&world, pcb) {
                After::End => {
                    pcb.end();
                    world.ended();
                    Ran::Over
                }
                after => match pcb.inbox.rest(matches!(after, After::Yield)) {
                    Rest::Waits => Ran::Over,
                    Rest::Again => Ran::Again(Runnable::of(self.pcb())),
                },
            }
        }
    }
}
