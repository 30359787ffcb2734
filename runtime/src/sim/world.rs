//! A world: one simulated runtime, stepped by its director.
//!
//! Each step runs one ready process for one slice, one blocking closure, or one more turn of a port
//! that asked for it; when there is nothing of that the clock jumps to the next timer. Invariant: a
//! world is used by one thread, and what happens in it is a function of its choices; at its end
//! every process is killed and nothing may be left.

use std::collections::HashMap;
use std::future::Future;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam::epoch::{Collector, LocalHandle};
use parking_lot::Mutex;

use super::choices::{Choice, Choices, Kind};
use super::seams::{SimBlocking, SimClock, SimEntropy, SimReactor, SimScheduler};
use crate::clock::nanos;
use crate::core::{Core, Seams};
use crate::crash::CrashReport;
use crate::hash::FixedState;
use crate::limits::Limits;
use crate::node::{Handle, exit_all};
use crate::pid::Pid;
use crate::pin::with_handle;
use crate::port;
use crate::process::run::{Ran, Runnable};
use crate::reason::{Outcome, Reason};

/// What a slice costs in virtual time.
const SLICE_NS: u64 = 1_000;
/// Steps without time passing after which a world is called a livelock.
const STEPS_MAX: u64 = 1_000_000;

type Crashes = Arc<Mutex<Vec<CrashReport>>>;
type Ended = Arc<Mutex<HashMap<Pid, Reason, FixedState>>>;

/// See the file's header.
pub struct World {
    core: Arc<Core>,
    sched: Arc<SimScheduler>,
    clock: Arc<SimClock>,
    reactor: Arc<SimReactor>,
    blocking: Arc<SimBlocking>,
    choices: Choices,
    handle: LocalHandle,
    crashes: Crashes,
    ended: Ended,
    steps: u64,
    steps_at_time: u64,
    hash: u64,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("steps", &self.steps)
            .field("now", &self.now())
            .finish()
    }
}

impl World {
    fn new(mut choices: Choices) -> Self {
        let bits = u64::from(choices.choose(Kind::Bits, u32::MAX));
        let (sched, clock) = (
            Arc::new(SimScheduler::new()),
            Arc::new(SimClock(AtomicU64::new(0))),
        );
        let blocking = Arc::new(SimBlocking(Mutex::default()));
        let reactor = Arc::new(SimReactor::default());
        let seams = Seams {
            sched: sched.clone(),
            clock: clock.clone(),
            entropy: Arc::new(SimEntropy(bits)),
            reactor: reactor.clone(),
            blocking: blocking.clone(),
            blocking_cpu: blocking.clone(),
            simulated: true,
        };
        let crashes = Crashes::default();
        let noted = crashes.clone();
        let on_crash = Box::new(move |report: &CrashReport| noted.lock().push(report.clone()));
        let ended = Ended::default();
        let noted = ended.clone();
        let on_exit = Box::new(move |pid: Pid, reason: &Reason| {
            noted.lock().insert(pid, reason.clone());
        });
        let collector = Collector::new();
        let handle = collector.register();
        let core = Core::new(
            Limits::default(),
            1,
            seams,
            collector,
            on_crash,
            Some(on_exit),
            None,
        );
        World {
            core,
            sched,
            clock,
            reactor,
            blocking,
            choices,
            handle,
            crashes,
            ended,
            steps: 0,
            steps_at_time: 0,
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// Spawns a process. How it ended can be asked with [`exit_reason`](World::exit_reason).
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> Pid
    where
        F: Future + Send + 'static,
        F::Output: Outcome,
    {
        self.handle().spawn(future)
    }

    /// A handle of the world's runtime, to be used by the director only.
    pub fn handle(&self) -> Handle {
        Handle::of(self.core.clone())
    }

    /// Virtual time since the world began.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.0.load(Ordering::Relaxed))
    }

    /// Steps that were made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// A number that two runs share where they made the same steps.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The decisions that were made.
    pub fn choices(&self) -> &[Choice] {
        self.choices.record()
    }

    /// A decision of the director's: a number below `n`.
    ///
    /// # Panics
    /// Where `n` is 0.
    pub fn choose(&mut self, n: u32) -> u32 {
        assert!(n > 0, "a choice among nothing");
        self.choices.choose(Kind::App, n)
    }

    /// Whether a process is still there.
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.core.exists(pid)
    }

    /// Processes that have not ended.
    pub fn process_count(&self) -> usize {
        self.core.live()
    }

    /// The crashes that were reported so far.
    pub fn crashes(&self) -> Vec<CrashReport> {
        self.crashes.lock().clone()
    }

    /// Runs one process for one slice, one blocking closure, or one turn of a port. False where
    /// nothing is ready.
    ///
    /// # Panics
    /// Where something outside of the world woke one of its processes.
    pub fn step(&mut self) -> bool {
        assert!(
            !self.sched.disturbed.load(Ordering::SeqCst),
            "a process of a simulated world was woken from another thread"
        );
        let ready = self.sched.ready.lock().len();
        let jobs = self.blocking.0.lock().len();
        let turns = self.reactor.again.lock().len();
        let all = u32::try_from(ready + jobs + turns).ok();
        let Some(n) = all.filter(|n| *n > 0) else {
            return false;
        };
        let chosen = self.choices.choose(Kind::Next, n) as usize;
        self.steps += 1;
        self.mix(chosen as u64);
        if chosen < ready {
            let process = self.sched.ready.lock().remove(chosen);
            self.slice(process.expect("it was counted"));
        } else if chosen < ready + jobs {
            let job = self.blocking.0.lock().remove(chosen - ready);
            job.expect("it was counted")();
        } else {
            let turn = self.reactor.again.lock().remove(chosen - ready - jobs);
            let (token, readiness) = turn.expect("it was counted");
            self.pinned(|| port::ready(&self.core, token, readiness, &self.core.pin()));
        }
        self.clock.0.fetch_add(SLICE_NS, Ordering::Relaxed);
        self.fire_due();
        true
    }

    fn slice(&mut self, process: Runnable) {
        let pid = process.pcb().pid;
        self.mix(u64::from(pid.slot) << 32 | u64::from(pid.generation));
        // SAFETY: the thread is pinned meanwhile.
        let ran = self.pinned(|| unsafe { process.run() });
        if let Ran::Again(process) = ran {
            self.sched.ready.lock().push_back(process);
        }
    }

    /// Runs `f` on this thread as one of the world's, pinned.
    fn pinned<R>(&self, f: impl FnOnce() -> R) -> R {
        let guard = self.handle.pin();
        // SAFETY: the guard is of this handle and outlives the call.
        let result = unsafe { with_handle(&self.handle, f) };
        drop(guard);
        result
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ word)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(29);
    }

    fn fire_due(&self) {
        let now = self.clock.0.load(Ordering::Relaxed);
        self.pinned(|| while self.core.timers.expire(&self.core, now) {});
    }

    /// Moves the clock to the next timer and fires what is due. False where there is no timer, or
    /// it is beyond `until`.
    fn jump(&mut self, until: u64) -> bool {
        let Some(deadline) = self.core.timers.next_deadline() else {
            return false;
        };
        if deadline > until {
            return false;
        }
        self.steps_at_time = self.steps;
        self.clock.0.fetch_max(deadline, Ordering::Relaxed);
        self.fire_due();
        true
    }

    /// Runs until nothing is ready and no timer is left.
    ///
    /// # Panics
    /// Where a million steps were made without the time going on by a timer.
    pub fn run(&mut self) {
        self.run_while(u64::MAX, |_| true);
    }

    /// Runs for this much virtual time.
    ///
    /// # Panics
    /// As [`run`](World::run).
    pub fn run_for(&mut self, time: Duration) {
        let until = self.clock.now_plus(time);
        self.run_while(until, |_| true);
        self.clock.0.fetch_max(until, Ordering::Relaxed);
    }

    /// Runs until the condition holds.
    ///
    /// # Panics
    /// Where it does not hold after this much virtual time; the text lists the processes.
    pub fn run_until(&mut self, condition: impl Fn(&World) -> bool, limit: Duration) {
        let until = self.clock.now_plus(limit);
        self.run_while(until, |world| !condition(world));
        assert!(
            condition(self),
            "the condition does not hold after {limit:?}\n{}",
            self.ps()
        );
    }

    fn run_while(&mut self, until: u64, go_on: impl Fn(&World) -> bool) {
        self.steps_at_time = self.steps;
        while go_on(self) && self.clock.0.load(Ordering::Relaxed) <= until {
            if !self.step() && !self.jump(until) {
                break;
            }
            let steps = self.steps - self.steps_at_time;
            assert!(
                steps < STEPS_MAX,
                "{steps} steps without a timer: a livelock\n{}",
                self.ps()
            );
        }
    }

    /// How a process of this world ended; `None` while it lives.
    pub fn exit_reason(&self, pid: Pid) -> Option<Reason> {
        self.ended.lock().get(&pid).cloned()
    }

    /// A table of the processes, for people.
    pub fn ps(&self) -> String {
        use std::fmt::Write;
        let mut text = String::from("pid          status     queue  spawned at\n");
        self.core.processes.each(&self.core.pin(), |pcb| {
            let (pid, status) = (pcb.pid.to_string(), pcb.inbox.name());
            let queue = pcb.queue_len.load(Ordering::Relaxed);
            let _ = writeln!(text, "{pid:12} {status:10} {queue:5}  {}", pcb.spawned_at);
        });
        text
    }

    /// Kills everyone, closes the ports that nobody was linked to, and checks that nothing is left.
    fn end(&mut self) {
        self.core.close();
        for _ in 0..100 {
            exit_all(&self.core, &Reason::Kill, |_| true);
            // A port that always asks for another turn would never let it become quiet.
            while self.core.live() > 0 && self.step() {}
            if self.core.live() == 0 {
                self.pinned(|| port::close_all(&self.core));
                while self.step() {}
                return;
            }
        }
        panic!("processes outlive the world\n{}", self.ps());
    }
}

impl SimClock {
    fn now_plus(&self, time: Duration) -> u64 {
        self.0.load(Ordering::Relaxed).saturating_add(nanos(time))
    }
}

/// Makes the world of this seed, lets the director run it, and ends it.
///
/// # Panics
/// Where the director panics: the seed is printed. Where processes outlive the world.
pub fn run<R>(seed: u64, director: impl FnOnce(&mut World) -> R) -> R {
    let mut world = World::new(Choices::seeded(seed));
    match catch_unwind(AssertUnwindSafe(|| director(&mut world))) {
        Ok(result) => {
            world.end();
            result
        }
        Err(panic) => {
            eprintln!(
                "sim: seed={seed:#x} step={} t={:?} hash={:016x}",
                world.steps,
                world.now(),
                world.hash
            );
            world.end();
            resume_unwind(panic)
        }
    }
}

/// Runs the director in the world of each seed. `SIM_SEED` in the environment runs that one alone.
///
/// # Panics
/// As [`run`].
pub fn check(seeds: Range<u64>, mut director: impl FnMut(&mut World)) {
    let one = std::env::var("SIM_SEED").ok().and_then(|text| {
        let hex = text
            .strip_prefix("0x")
            .map(|hex| u64::from_str_radix(hex, 16));
        hex.unwrap_or_else(|| text.parse()).ok()
    });
    match one {
        Some(seed) => run(seed, &mut director),
        None => seeds.for_each(|seed| run(seed, &mut director)),
    }
}

/// Runs the director in every world there is: all values of all decisions, depth first. Gives the
/// number of worlds.
///
/// # Panics
/// As [`run`]; and where there are more than `limit` worlds.
pub fn exhaust(limit: u64, mut director: impl FnMut(&mut World)) -> u64 {
    let mut worlds = 0;
    let mut path = Some(vec![1]);
    while let Some(next) = path {
        assert!(worlds < limit, "more than {limit} worlds");
        worlds += 1;
        let mut world = World::new(Choices::path(next));
        let directed = catch_unwind(AssertUnwindSafe(|| director(&mut world)));
        let record = world.choices().to_vec();
        world.end();
        if let Err(panic) = directed {
            eprintln!("sim: world {worlds}, choices {record:?}");
            resume_unwind(panic);
        }
        // The first decision is the node number, which is one and the same in every world.
        path = Choices::next_path(&record[1..]).map(|rest| [vec![1], rest].concat());
    }
    worlds
}
