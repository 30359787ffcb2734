//! A runtime as a value: its builder, its handles, and its end.
//!
//! Made by `main` or by a test; several may live in one program (no statics). The end, in order:
//!
//! 1. Nothing new is spawned any more, from outside or by processes.
//! 2. Every process gets the exit signal `shutdown`, once; who traps it has half of the time.
//! 3. The rest is killed.
//! 4. Ports that are left (orphans, ports that flush) are closed without a flush.
//! 5. The workers stop and are joined; who runs past the deadline is named and its thread detached.
//! 6. Blocking closures that wait are dropped; those that run are waited for until the deadline.
//!
//! Invariant (C-10, I-14): shutdown ends within its deadline and leaves no thread but those it
//! names.

use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crossbeam::epoch::Collector;
use parking_lot::{Condvar, Mutex};

use crate::clock::{Clock, RealClock};
use crate::core::{Core, Seams};
use crate::crash::{self, CrashHook, CrashReport};
use crate::entropy::RealEntropy;
use crate::event::{Event, EventHook};
use crate::limits::{Limits, WORKERS_MAX};
use crate::message::Message;
use crate::name::Name;
use crate::pid::{ActorId, Pid};
use crate::port;
use crate::process::Pcb;
use crate::process::context::{Current, try_current};
use crate::process::signal::Signal;
use crate::reactor::RealReactor;
use crate::reason::{Outcome, Reason};
use crate::reference::Ref;
use crate::sched::real::Crew;
use crate::sched::real::pool::Pool;
use crate::spawn::{Order, Spawn, SpawnError};

/// What `main` and most processes return: an error ends the process with it as the reason.
pub type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// How long a runtime that is dropped waits for its processes.
const DROP_LIMIT: Duration = Duration::from_secs(5);
/// How long a shutdown waits at most before it looks for those that it has not told yet.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Settings of a runtime, before it is there.
#[must_use]
pub struct Builder {
    workers: usize,
    limits: Limits,
    on_crash: CrashHook,
    on_event: Option<EventHook>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Builder {
            workers, limits, ..
        } = self;
        f.debug_struct("Builder")
            .field("workers", workers)
            .field("limits", limits)
            .finish()
    }
}

impl Builder {
    fn new() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Builder {
            workers,
            limits: Limits::default(),
            on_crash: crash::print(),
            on_event: None,
        }
    }

    /// Threads that run processes: 1 to 64, as many as there are processors where nothing is said.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.clamp(1, WORKERS_MAX);
        self
    }

    /// Live processes at most (P-4).
    pub fn processes_max(mut self, processes: u32) -> Self {
        self.limits.processes_max = processes;
        self
    }

    /// Open ports at most.
    pub fn ports_max(mut self, ports: u32) -> Self {
        self.limits.ports_max = ports;
        self
    }

    /// All limits at once.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where crash reports go, in place of standard error. Called in the process that ends.
    pub fn on_crash(mut self, hook: impl Fn(&CrashReport) + Send + Sync + 'static) -> Self {
        self.on_crash = Box::new(hook);
        self
    }

    /// Where events go (a process that is long in one slice, a busy port, …). Nowhere by default.
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Box::new(hook));
        self
    }

    /// How long a slice may last before it is reported as [`Event::LongSchedule`] (C-7): 100 ms
    /// where nothing is said. Counted in whole milliseconds, at least one.
    pub fn long_schedule(mut self, time: Duration) -> Self {
        let ms = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        self.limits.long_schedule_ms = ms.max(1);
        self
    }

    /// At how many messages a mailbox is reported as long, and at how many as short again, by
    /// [`Event::LongMessageQueue`]. Nothing is reported where nothing is said.
    pub fn long_message_queue(mut self, off: u32, on: u32) -> Self {
        self.limits.long_queue_on = on.max(1);
        self.limits.long_queue_off = off.min(self.limits.long_queue_on - 1);
        self
    }

    /// Starts the runtime.
    ///
    /// # Errors
    /// Where the system gives no poller or no thread.
    pub fn build(self) -> io::Result<Runtime> {
        let reactor = Arc::new(RealReactor::new()?);
        let mut crew = Crew::new(self.workers, reactor.clone());
        let limits = &self.limits;
        let queue = limits.blocking_queue_max as usize;
        let cpu_threads = match limits.blocking_cpu_threads_max {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads as usize,
        };
        let io = Pool::new("blocking", limits.blocking_threads_max as usize, queue);
        let cpu = Pool::new("computing", cpu_threads, queue);
        let pools = [Arc::new(io), Arc::new(cpu)];
        let seams = Seams {
            sched: crew.workers.clone(),
            clock: Arc::new(RealClock::new()),
            entropy: Arc::new(RealEntropy),
            reactor,
            blocking: pools[0].clone(),
            blocking_cpu: pools[1].clone(),
            simulated: false,
        };
        let core = Core::new(
            self.limits,
            self.workers,
            seams,
            Collector::new(),
            self.on_crash,
            None,
            self.on_event,
        );
        crew.start(&core)?;
        Ok(Runtime {
            core,
            crew: Mutex::new(Some(crew)),
            pools,
        })
    }
}

/// A runtime: worker threads, processes, ports. Dropping it shuts it down.
pub struct Runtime {
    core: Arc<Core>,
    crew: Mutex<Option<Crew>>,
    pools: [Arc<Pool>; 2],
}

/// What a shutdown came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shutdown {
    /// Processes that did not stop computing before the deadline; their threads are detached (D-9).
    pub late: Vec<Pid>,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime")
            .field("node", &self.core.node)
            .finish()
    }
}

impl Runtime {
    /// A runtime with a worker for each processor and the default limits.
    ///
    /// # Errors
    /// See [`Builder::build`].
    pub fn new() -> io::Result<Self> {
        Runtime::builder().build()
    }

    /// Settings to begin with.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A handle, for code outside of processes.
    pub fn handle(&self) -> Handle {
        Handle::of(self.core.clone())
    }

    /// Runs a process and waits for its value. The calling thread sleeps meanwhile.
    ///
    /// # Errors
    /// The exit reason, where the process ended without a value: by a panic, an exit signal,
    /// `exit`.
    #[track_caller]
    pub fn block_on<F>(&self, future: F) -> std::result::Result<F::Output, Reason>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let place = Arc::new((Mutex::new(None), Condvar::new()));
        let main = Main {
            future: Box::pin(future),
            finish: Finish(place.clone(), None),
        };
        let pid = self
            .handle()
            .try_spawn(main)
            .map_err(|_| Reason::SystemLimit)?;
        let _ = pid;
        let mut value = place.0.lock();
        place.1.wait_while(&mut value, |value| value.is_none());
        value.take().unwrap_or(Err(Reason::Killed))
    }

    /// Ends the runtime, in the order that stands in the file's header. Called again it does
    /// nothing.
    pub fn shutdown(&self, limit: Duration) -> Shutdown {
        let Some(mut crew) = self.crew.lock().take() else {
            return Shutdown::default();
        };
        let clock = RealClock::new();
        let left = || limit.saturating_sub(Duration::from_nanos(clock.now()));
        self.core.close();
        if !order_to_stop(&self.core, &|| left().saturating_sub(limit / 2)) {
            while self.core.live() > 0 && !left().is_zero() {
                exit_all(&self.core, &Reason::Kill, |_| true);
                self.core
                    .wait_until_quiet(left().min(Duration::from_millis(20)));
            }
        }
        port::close_all(&self.core);
        let late = crew.stop(left(), &self.core);
        for pool in &self.pools {
            pool.stop(left());
        }
        Shutdown { late }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.shutdown(DROP_LIMIT);
    }
}

/// The process of `block_on`. A panic leaves it whole until the exit sequence drops it, so that the
/// reason is known by then.
struct Main<F: Future> {
    future: Pin<Box<F>>,
    finish: Finish<F::Output>,
}

impl<F: Future> Unpin for Main<F> {}

impl<F: Future> Future for Main<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Poll::Ready(value) = self.future.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        self.finish.1 = Some(value);
        Poll::Ready(())
    }
}

/// Where `block_on` waits for the end of its process.
type Place<T> = Arc<(Mutex<Option<std::result::Result<T, Reason>>>, Condvar)>;

/// Tells `block_on` that its process is over, whichever way it ends.
struct Finish<T>(Place<T>, Option<T>);

impl<T> Drop for Finish<T> {
    fn drop(&mut self) {
        let reason = || try_current(Current::ending).flatten();
        let end = self
            .1
            .take()
            .ok_or_else(|| reason().unwrap_or(Reason::Killed));
        *self.0.0.lock() = Some(end);
        self.0.1.notify_all();
    }
}

/// An exit signal `shutdown` to every process, and time to end. True where all have ended. Whoever
/// was spawning when the runtime closed may not have been found at first, so it looks again.
fn order_to_stop(core: &Arc<Core>, left: &dyn Fn() -> Duration) -> bool {
    let mut pause = Duration::from_millis(1);
    loop {
        let left = left();
        exit_all(core, &Reason::Shutdown, |pcb| pcb.marks.order_to_stop());
        if core.wait_until_quiet(left.min(pause)) {
            return true;
        }
        if left.is_zero() {
            return false;
        }
        pause = (pause * 2).min(LOOK_AGAIN);
    }
}

/// An exit signal to every process for which `wanted` holds, from the runtime itself.
pub(crate) fn exit_all(core: &Arc<Core>, reason: &Reason, wanted: impl Fn(&Pcb) -> bool) {
    let from = ActorId::Process(Pid::nobody(core.node));
    let (mut pids, pin) = (Vec::new(), core.pin());
    core.processes.each(&pin, |pcb| {
        if wanted(pcb) {
            pids.push(pcb.pid);
        }
    });
    drop(pin);
    for pid in pids {
        core.signal(
            pid,
            Signal::Exit {
                from,
                reason: reason.clone(),
                linked: false,
            },
        );
    }
}

/// A runtime, for code outside of processes: `Clone + Send`. It keeps the runtime's memory, not its
/// life: after a shutdown everything is dead.
#[derive(Clone)]
pub struct Handle {
    pub(crate) core: Arc<Core>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("node", &self.core.node)
            .finish()
    }
}

impl Handle {
    pub(crate) fn of(core: Arc<Core>) -> Self {
        Handle { core }
    }

    /// Spawns a process. At the limit, and after a shutdown, the pid is a dead one.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Pid
    where
        F: Future + Send + 'static,
        F::Output: Outcome,
    {
        self.try_spawn(future)
            .unwrap_or(Pid::nobody(self.core.node))
    }

    /// Spawns a process.
    ///
    /// # Errors
    /// [`SpawnError::SystemLimit`] at the limit, and after a shutdown.
    #[track_caller]
    pub fn try_spawn<F>(&self, future: F) -> std::result::Result<Pid, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Outcome,
    {
        let reference = Ref {
            maker: Pid::nobody(self.core.node),
            serial: 0,
            mark: 0,
        };
        let (spawn, spawned_at) = (Spawn::new(), Location::caller());
        let order = Order {
            spawn: &spawn,
            parent: None,
            reference,
            spawned_at,
        };
        order.carry_out(&self.core, future)
    }

    /// Sends a message; what is sent to the dead is dropped.
    pub fn send<T: Send + 'static>(&self, to: Pid, message: T) {
        let pin = self.core.pin();
        let sent = self.core.send_user(to, Message::new(message), false, &pin);
        drop(pin);
        sent.settle();
    }

    /// Sends an exit signal, from the runtime itself.
    pub fn exit_signal(&self, to: impl Into<ActorId>, reason: impl Into<Reason>) {
        let nobody = Pid::nobody(self.core.node);
        match to.into() {
            ActorId::Process(to) => {
                let (from, reason) = (nobody.into(), reason.into());
                self.core.signal(
                    to,
                    Signal::Exit {
                        from,
                        reason,
                        linked: false,
                    },
                );
            }
            ActorId::Port(to) => self.core.exit_port(to, nobody, reason.into(), false),
        }
    }

    /// Who has a name.
    pub fn whereis(&self, name: impl Into<Name>) -> Option<ActorId> {
        self.core.registry.whereis(&name.into())
    }

    /// Processes that have not ended.
    pub fn process_count(&self) -> usize {
        self.core.live()
    }

    /// Ports that are open or flushing.
    pub fn port_count(&self) -> usize {
        self.core.ports.len()
    }
}

/// Makes a runtime, runs `main` as its first process, and shuts the runtime down.
///
/// # Errors
/// What `main` returns, or its exit reason as a [`Reason`], or what kept the runtime from starting.
#[track_caller]
pub fn run<T, F>(main: F) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let runtime = Runtime::new()?;
    runtime
        .block_on(main)
        .unwrap_or_else(|reason| Err(reason.into()))
}
