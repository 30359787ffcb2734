//! What stands in for the core of a runtime in a model of its ports: the table as it is, a few
//! processes, and seams that do nothing.
//!
//! Included by `model_port`.

use std::any::Any;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::blocking::Blocking;
use crate::event::EventHook;
use crate::message::Message;
use crate::name::Name;
use crate::pid::{ActorId, Pid};
use crate::pin::{Collector, Pin};
use crate::port::PortCell;
use crate::port::source::{Reactor, Readiness, Source};
use crate::process::Pcb;
use crate::process::signal::Signal;
use crate::sync::AtomicU64;
use crate::table::Table;
use crate::timers::Timers;
use crate::vacancies::OnWorker;

pub(crate) struct Uncounted(ManuallyDrop<Arc<Core>>);

impl Uncounted {
    /// # Safety
    /// Somebody else counts the runtime whenever this is looked at.
    pub(crate) unsafe fn new(core: &Arc<Core>) -> Self {
        // SAFETY: a copy that is never dropped changes no count.
        Uncounted(ManuallyDrop::new(unsafe { std::ptr::read(core) }))
    }
}

impl Deref for Uncounted {
    type Target = Arc<Core>;

    fn deref(&self) -> &Arc<Core> {
        &self.0
    }
}

pub(crate) struct Core {
    pub(crate) node: u32,
    pub(crate) ports: Table<PortCell>,
    pub(crate) registry: Registry,
    pub(crate) timers: Timers,
    pub(crate) sched: Sched,
    pub(crate) clock: Clock,
    pub(crate) reactor: Arc<dyn Reactor>,
    pub(crate) blocking: Arc<dyn Blocking>,
    pub(crate) simulated: bool,
    pub(crate) on_event: Option<EventHook>,
    pub(crate) collector: Collector,
    pub(crate) stale_events: AtomicU64,
    processes: OnceLock<Vec<Pcb>>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Core")
    }
}

impl Core {
    /// With so many processes.
    pub(crate) fn new(processes: u32) -> Arc<Self> {
        let core = Arc::new(Core {
            node: 1,
            ports: Table::new(8, 0),
            registry: Registry,
            timers: Timers::default(),
            sched: Sched,
            clock: Clock,
            reactor: Arc::new(Deaf),
            blocking: Arc::new(NoPool),
            simulated: true,
            on_event: None,
            collector: Collector::default(),
            stale_events: AtomicU64::new(0),
            processes: OnceLock::new(),
        });
        let all = (1..=processes).map(|slot| Pcb::new(&core, slot)).collect();
        assert!(core.processes.set(all).is_ok());
        core
    }

    pub(crate) fn process(&self, which: usize) -> &Pcb {
        &self.processes.get().expect("set when it was made")[which]
    }

    pub(crate) fn pin(&self) -> Pin {
        Pin::outside(&self.collector)
    }

    pub(crate) fn signal(&self, to: Pid, signal: Signal) -> bool {
        self.send_message(to, Message::signal(signal)).is_ok()
    }

    pub(crate) fn send_message(&self, to: Pid, message: Message) -> Result<(), Message> {
        self.process(to.slot as usize - 1).push(message)
    }

    pub(crate) fn send_pinned(&self, to: Pid, message: Message, _: &Pin) -> Result<(), Message> {
        self.send_message(to, message)
    }

    pub(crate) fn extension<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        Arc::new(make())
    }
}

pub(crate) struct Registry;

impl Registry {
    pub(crate) fn forget(&self, _: ActorId) {}

    pub(crate) fn name_of(&self, _: ActorId) -> Option<Name> {
        None
    }
}

pub(crate) struct Sched;

impl Sched {
    pub(crate) fn on_worker(&self) -> Option<OnWorker> {
        None
    }

    pub(crate) fn timer_set(&self, _: u64) {}
}

pub(crate) struct Clock;

impl Clock {
    pub(crate) fn now(&self) -> u64 {
        0
    }
}

/// Watches nothing: the model makes the events.
pub(crate) struct Deaf;

impl Reactor for Deaf {
    fn add(&self, _: Source<'_>, _: u64) -> std::io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: Source<'_>) {}

    fn again(&self, _: u64, _: Readiness) {}
}

struct NoPool;

impl Blocking for NoPool {
    fn run(&self, job: crate::blocking::Job) -> Result<(), crate::blocking::Job> {
        Err(job)
    }
}
