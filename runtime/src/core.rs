//! What the actors of one runtime share: the tables, the names, the timers, and the seams.
//!
//! Held by the runtime's value, its handles, its workers and every process. Also the router: the
//! one place where a pid or port id is looked up and where `noproc` is decided (process 2.4).
//! Invariant: everything hangs off this value and nothing is global; an id of another runtime's
//! node is a dead id. What it leaves out: how processes are run, which is behind `Scheduler`.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crossbeam::epoch::Collector;
use parking_lot::{Condvar, Mutex};

use crate::blocking::Blocking;
use crate::clock::Clock;
use crate::crash::{CrashHook, ExitHook};
use crate::entropy::Entropy;
use crate::event::EventHook;
use crate::hash::FixedState;
use crate::limits::Limits;
use crate::message::Message;
use crate::pid::Pid;
use crate::pin::Pin;
use crate::port::PortCell;
use crate::port::source::Reactor;
use crate::process::Pcb;
use crate::process::run::Scheduler;
use crate::process::signal::Signal;
use crate::registry::Registry;
use crate::sync::{AtomicU64, Ordering};
use crate::table::{Reserved, Table};
use crate::timers::Timers;
use crate::trace;
use crate::vacancies::OnWorker;

/// The doors to the outside world: real or simulated, and nothing above knows which.
pub(crate) struct Seams {
    pub(crate) sched: Arc<dyn Scheduler>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) reactor: Arc<dyn Reactor>,
    pub(crate) blocking: Arc<dyn Blocking>,
    /// The pool for closures that compute.
    pub(crate) blocking_cpu: Arc<dyn Blocking>,
    pub(crate) simulated: bool,
}

/// The runtime, as its actors hold it: without counting, because there is one of these in each of
/// them.
///
/// Whoever runs an actor holds the runtime, and so does every waker of a process; a dead actor does
/// not look at it.
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

/// See the file's header.
pub(crate) struct Core {
    pub(crate) node: u32,
    pub(crate) limits: Limits,
    pub(crate) processes: Table<Pcb>,
    pub(crate) ports: Table<PortCell>,
    pub(crate) registry: Registry,
    pub(crate) timers: Timers,
    pub(crate) sched: Arc<dyn Scheduler>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reactor: Arc<dyn Reactor>,
    pub(crate) blocking: Arc<dyn Blocking>,
    pub(crate) blocking_cpu: Arc<dyn Blocking>,
    pub(crate) simulated: bool,
    pub(crate) on_crash: CrashHook,
    pub(crate) on_exit: Option<ExitHook>,
    pub(crate) on_event: Option<EventHook>,
    pub(crate) collector: Collector,
    /// Readiness events for ports that were gone (O-16).
    pub(crate) stale_events: AtomicU64,
    /// The runtime is ending: nothing is spawned any more.
    closing: AtomicBool,
    quiet: (Mutex<()>, Condvar),
    extensions: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>, FixedState>>,
}

impl Core {
    pub(crate) fn new(
        limits: Limits,
        workers: usize,
        seams: Seams,
        collector: Collector,
        on_crash: CrashHook,
        on_exit: Option<ExitHook>,
        on_event: Option<EventHook>,
    ) -> Arc<Self> {
        Arc::new(Core {
            // Never 0, so that an id made of zeros belongs to no runtime.
            node: (seams.entropy.random() as u32) | 1,
            limits,
            processes: Table::new(limits.processes_max, workers),
            ports: Table::new(limits.ports_max, workers),
            registry: Registry::new(),
            timers: Timers::new(workers),
            sched: seams.sched,
            clock: seams.clock,
            reactor: seams.reactor,
            blocking: seams.blocking,
            blocking_cpu: seams.blocking_cpu,
            simulated: seams.simulated,
            on_crash,
            on_exit,
            on_event,
            collector,
            stale_events: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            quiet: (Mutex::new(()), Condvar::new()),
            extensions: Mutex::new(HashMap::default()),
        })
    }

    /// A pin of this runtime on the calling thread.
    pub(crate) fn pin(&self) -> Pin {
        crate::pin::pin(&self.collector)
    }

    /// Runs `f` with a process, where it is there.
    pub(crate) fn with_process<R>(&self, pid: Pid, f: impl FnOnce(&Pcb) -> R) -> Option<R> {
        if pid.node != self.node {
            return None;
        }
        let pin = self.pin();
        self.processes.get(pid.slot, pid.generation, &pin).map(f)
    }

    /// Sends a signal. False where the process is dead.
    pub(crate) fn signal(&self, to: Pid, signal: Signal) -> bool {
        self.with_process(to, |pcb| pcb.push(Message::signal(signal)).is_ok()) == Some(true)
    }

    /// Sends a message. The dead give it back.
    pub(crate) fn send_message(&self, to: Pid, message: Message) -> Result<(), Message> {
        let pin = self.pin();
        self.send_pinned(to, message, &pin)
    }

    pub(crate) fn send_pinned(&self, to: Pid, message: Message, pin: &Pin) -> Result<(), Message> {
        trace::send(to, || message.type_name());
        if to.node != self.node {
            return Err(message);
        }
        match self.processes.get(to.slot, to.generation, pin) {
            Some(pcb) => pcb.push(message),
            None => Err(message),
        }
    }

    /// Whether a process is in the table. A hint: it may end at once.
    pub(crate) fn exists(&self, pid: Pid) -> bool {
        self.with_process(pid, |_| ()).is_some()
    }

    /// The last thing that the exit sequence does.
    pub(crate) fn process_ended(&self) {
        if self.processes.left() {
            self.tell_quiet();
        }
    }

    /// Nothing is spawned from here on. Who had begun to spawn is counted by `live` already.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Asked behind the reservation of a place: where it is false, `close` has that place counted.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// A place for a process. `None` where there is none, or the runtime is ending.
    pub(crate) fn reserve(&self, on_worker: Option<OnWorker>) -> Option<Reserved> {
        let reserved = self.processes.reserve(on_worker)?;
        if !self.is_closing() {
            return Some(reserved);
        }
        self.processes.abandon(reserved, on_worker);
        self.tell_quiet();
        None
    }

    #[cold]
    fn tell_quiet(&self) {
        drop(self.quiet.0.lock());
        self.quiet.1.notify_all();
    }

    /// Processes that have not ended their exit sequence.
    pub(crate) fn live(&self) -> usize {
        self.processes.len()
    }

    /// Waits until no process is left. False where `limit` came first.
    pub(crate) fn wait_until_quiet(&self, limit: std::time::Duration) -> bool {
        let mut guard = self.quiet.0.lock();
        let gone = |core: &Core| core.live() == 0;
        if gone(self) {
            return true;
        }
        self.quiet
            .1
            .wait_while_for(&mut guard, |()| !gone(self), limit);
        gone(self)
    }

    /// The value of this type that a driver keeps with the runtime, made by `make` at first use.
    /// `make` is the driver's code and runs under no lock: where two make one at once, the second
    /// is dropped.
    pub(crate) fn extension<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let key = TypeId::of::<T>();
        let there = self.extensions.lock().get(&key).cloned();
        let value = there.unwrap_or_else(|| {
            let made: Arc<dyn Any + Send + Sync> = Arc::new(make());
            let mut extensions = self.extensions.lock();
            extensions
                .entry(key)
                .or_insert_with(|| made.clone())
                .clone()
        });
        value
            .downcast()
            .expect("the slot of a type holds that type")
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}
