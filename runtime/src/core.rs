//! What the actors of one runtime share: the tables, the names, the timers, and the seams.
//!
//! Held by the runtime's value, its handles, its workers and every process. Also the router: the one
//! place where a pid or port id is looked up and where `noproc` is decided (process.md 2.4).
//! Invariant: everything hangs off this value and nothing is global; an id of another runtime's node
//! is a dead id. What it leaves out: how processes are run, which is behind `Scheduler`.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use crossbeam::epoch::Collector;
use parking_lot::{Condvar, Mutex};

use crate::blocking::Blocking;
use crate::clock::Clock;
use crate::crash::CrashHook;
use crate::entropy::Entropy;
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
use crate::sync::{AtomicU64, AtomicUsize, Ordering};
use crate::table::Table;
use crate::timers::Timers;

/// The doors to the outside world: real or simulated, and nothing above knows which.
pub(crate) struct Seams {
    pub(crate) sched: Arc<dyn Scheduler>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) reactor: Arc<dyn Reactor>,
    pub(crate) blocking: Arc<dyn Blocking>,
    pub(crate) simulated: bool,
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
    pub(crate) simulated: bool,
    pub(crate) on_crash: CrashHook,
    pub(crate) collector: Collector,
    /// Readiness events for ports that were gone (O-16).
    pub(crate) stale_events: AtomicU64,
    live: AtomicUsize,
    /// Blocks of the dead that wait in the collector. Each holds this value, so that they must go first.
    garbage: AtomicUsize,
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
    ) -> Arc<Self> {
        Arc::new(Core {
            // Never 0, so that an id made of zeros belongs to no runtime.
            node: (seams.entropy.random() as u32) | 1,
            limits,
            processes: Table::new(limits.processes_max),
            ports: Table::new(limits.ports_max),
            registry: Registry::new(),
            timers: Timers::new(workers),
            sched: seams.sched,
            clock: seams.clock,
            reactor: seams.reactor,
            blocking: seams.blocking,
            simulated: seams.simulated,
            on_crash,
            collector,
            stale_events: AtomicU64::new(0),
            live: AtomicUsize::new(0),
            garbage: AtomicUsize::new(0),
            quiet: (Mutex::new(()), Condvar::new()),
            extensions: Mutex::new(HashMap::default()),
        })
    }

    /// A pin of this runtime on the calling thread.
    pub(crate) fn pin(&self) -> Pin {
        crate::sched::pin_of_worker(&self.collector)
            .unwrap_or_else(|| Pin::outside(&self.collector))
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

    /// A block was handed to the collector.
    pub(crate) fn garbage_made(&self) {
        self.garbage.fetch_add(1, Ordering::Relaxed);
    }

    /// The collector frees a block.
    pub(crate) fn garbage_freed(&self) {
        self.garbage.fetch_sub(1, Ordering::Release);
    }

    /// Frees the blocks of the dead. Called when the workers are gone, so that nobody holds a pin for
    /// longer than a moment: where somebody does, what he may see stays.
    pub(crate) fn reclaim(&self) {
        let handle = self.collector.register();
        // A round frees several bags of blocks; the first ones only let the epoch go on.
        let rounds_max = self.garbage.load(Ordering::Acquire) + 100;
        for _ in 0..rounds_max {
            if self.garbage.load(Ordering::Acquire) == 0 {
                return;
            }
            handle.pin().flush();
        }
    }

    pub(crate) fn process_started(&self) {
        self.live.fetch_add(1, Ordering::Relaxed);
    }

    /// The last thing that the exit sequence does.
    pub(crate) fn process_ended(&self) {
        if self.live.fetch_sub(1, Ordering::AcqRel) == 1 {
            drop(self.quiet.0.lock());
            self.quiet.1.notify_all();
        }
    }

    /// Processes that have not ended their exit sequence.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Acquire)
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
    pub(crate) fn extension<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut extensions = self.extensions.lock();
        let slot = extensions
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(make()))
            .clone();
        slot.downcast().expect("the slot of a type holds that type")
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}
