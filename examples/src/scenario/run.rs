//! Running a scenario: the coordinator, which makes its processes, gives each line to one of them,
//! waits as the line says, and writes the transcript.
//!
//! Called by the program `scenario` and by the tests. The coordinator is a process itself, so that
//! a scenario runs alike in a runtime of its own and in a simulated world, where the waits are
//! virtual.
//!
//! Invariants:
//! 1. A process exists from the first line that names it, and is watched from then on. The end of
//!    one that is told once is not told again: a later call in it is never answered.
//! 2. Of a variable that is bound twice the last value counts, and a handle prints as the first
//!    variable that was bound to it.
//! 3. At the end every process and every socket with a name is killed, however the script ended.
//!
//! Left out: sockets in simulated worlds.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use runtime::{
    Down, Item, Pid, Reason, Ref, Runtime, exit_signal, make_ref, receive, send, sim, spawn_monitor,
};

use super::actor::{Do, Done, Stage, body};
use super::convert::{self, Handle, Term, from_reason};
use super::ops::{Answer, is_socket_call, local_port};
use super::print::Names;
use super::script::{self, EvalError, Scope, ScriptError, Step, parse_script};
use super::transcript::{self, Outcome};

/// How long a call may take before it is reported as stuck.
const STEP_LIMIT: Duration = Duration::from_secs(5);

/// How long the runtime of a scenario may take to end.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Worker threads of a scenario's runtime: two, so that its processes really run side by side.
const WORKERS: usize = 2;

/// The pause between two steps on sockets of the system. The reference takes longer to read its
/// next line than to notice what the last one did to the other end of a connection; so scenarios
/// are written as if that were noticed at once.
const STEP_PAUSE: Duration = Duration::from_millis(1);

/// What a scenario printed, up to its end or to the error that ended it.
#[derive(Debug)]
pub struct Transcript {
    /// The lines.
    pub text: String,
    /// Why it ended before the last step.
    pub error: Option<RunError>,
}

/// Why a scenario could not be run to its end: the script's fault, or the system's.
#[derive(Debug)]
pub enum RunError {
    /// A line is no step; nothing was run.
    Script(ScriptError),
    /// An argument of the step in this line has no value.
    Argument(usize, EvalError),
    /// This line waits for a call of a process that has started none.
    NotStarted(usize, String),
    /// This line calls a function of sockets, and the world is simulated; nothing was run.
    Sockets(usize, String),
    /// The runtime did not start.
    Runtime(io::Error),
    /// The coordinator ended, for this reason.
    Coordinator(Reason),
}

impl fmt::Display for RunError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Script(error) => error.fmt(out),
            RunError::Argument(line, error) => write!(out, "line {line}: {error}"),
            RunError::NotStarted(line, name) => write!(out, "line {line}: {name} has no call"),
            RunError::Sockets(line, function) => {
                write!(
                    out,
                    "line {line}: {function}: a simulated world has no sockets yet"
                )
            }
            RunError::Runtime(error) => write!(out, "no runtime: {error}"),
            RunError::Coordinator(reason) => write!(out, "the coordinator ended: {reason}"),
        }
    }
}

impl std::error::Error for RunError {}

/// Runs the scenario of this name and text in a runtime of its own.
pub fn run(name: &str, text: &str) -> Transcript {
    let steps = match parse_script(text) {
        Ok(steps) => steps,
        Err(error) => return nothing(name, RunError::Script(error)),
    };
    // A process that a script lets crash is no news.
    let runtime = match Runtime::builder().workers(WORKERS).on_crash(|_| {}).build() {
        Ok(runtime) => runtime,
        Err(error) => return nothing(name, RunError::Runtime(error)),
    };
    let transcript = runtime
        .block_on(conduct(name.to_string(), steps, Some(STEP_PAUSE)))
        .unwrap_or_else(|reason| nothing(name, RunError::Coordinator(reason)));
    runtime.shutdown(END_LIMIT);
    transcript
}

/// Runs the scenario of this name and text in the simulated world of a seed.
pub fn run_simulated(name: &str, text: &str, seed: u64) -> Transcript {
    let steps = match parse_script(text) {
        Ok(steps) => steps,
        Err(error) => return nothing(name, RunError::Script(error)),
    };
    for (line, step) in &steps {
        if let Step::Call { function, .. } = step
            && is_socket_call(function)
        {
            return nothing(name, RunError::Sockets(*line, function.clone()));
        }
    }
    sim::run(seed, |world| {
        let (sender, receiver) = mpsc::channel();
        let title = name.to_string();
        let coordinator = world.spawn(async move {
            // The other end waits until the world has come to rest.
            let _ = sender.send(conduct(title, steps, None).await);
        });
        world.run();
        receiver.try_recv().unwrap_or_else(|_| {
            let reason = world.exit_reason(coordinator).unwrap_or(Reason::Normal);
            nothing(name, RunError::Coordinator(reason))
        })
    })
}

/// The transcript of a scenario of which no step was made.
fn nothing(name: &str, error: RunError) -> Transcript {
    let text = transcript::header(name) + "\n";
    let error = Some(error);
    Transcript { text, error }
}

/// Makes the steps, as the current process.
async fn conduct(name: String, steps: Vec<(usize, Step)>, pause: Option<Duration>) -> Transcript {
    let mut coordinator = Coordinator::default();
    let mut text = transcript::header(&name) + "\n";
    let mut error = None;
    for (number, step) in steps {
        if let Some(pause) = pause {
            runtime::sleep(pause).await;
        }
        match coordinator.step(number, step).await {
            Ok(line) => text.extend([&line[..], "\n"]),
            Err(fault) => {
                error = Some(fault);
                break;
            }
        }
    }
    coordinator.end();
    Transcript { text, error }
}

/// See the file's header.
#[derive(Default)]
struct Coordinator {
    stage: Arc<Stage>,
    processes: BTreeMap<String, Pid>,
    /// In the order in which they were bound.
    variables: Vec<(String, Term)>,
    /// The local ports of the sockets that have a name.
    ports: BTreeMap<u16, String>,
    /// The calls that were started in the background, by the name of the process.
    started: BTreeMap<String, Started>,
}

/// A call that has been given to a process.
#[derive(Clone)]
struct Started {
    tag: Ref,
    var: Option<String>,
    shown: String,
}

impl Coordinator {
    async fn step(&mut self, number: usize, step: Step) -> Result<String, RunError> {
        match step {
            Step::Call {
                process,
                background,
                var,
                function,
                args,
                shown,
            } => {
                let pid = self.process(&process);
                // In the order in which the reference makes them.
                for name in script::named(&args) {
                    self.process(&name);
                }
                let args = script::evaluate_all(&args, self)
                    .map_err(|error| RunError::Argument(number, error))?;
                let (from, tag) = (runtime::self_pid(), make_ref());
                send(
                    pid,
                    Do {
                        from,
                        tag,
                        function,
                        args,
                    },
                );
                let call = Started { tag, var, shown };
                if background {
                    let line = transcript::started(&process, &call.shown);
                    self.started.insert(process, call);
                    return Ok(line);
                }
                let outcome = self.wait(pid, &call, STEP_LIMIT, Outcome::Stuck).await;
                Ok(transcript::called(&process, &call.shown, &outcome, self))
            }
            Step::Outcome { process, limit_ms } => {
                let missing = || RunError::NotStarted(number, process.clone());
                let call = self.started.get(&process).cloned().ok_or_else(missing)?;
                let pid = self.process(&process);
                let outcome = match limit_ms {
                    Some(ms) => {
                        let limit = Duration::from_millis(ms);
                        self.wait(pid, &call, limit, Outcome::Pending).await
                    }
                    None => {
                        self.started.remove(&process);
                        self.wait(pid, &call, STEP_LIMIT, Outcome::Stuck).await
                    }
                };
                Ok(transcript::waited(&process, &call.shown, &outcome, self))
            }
        }
    }

    /// The process of a name, which begins to exist if it has not yet.
    fn process(&mut self, name: &str) -> Pid {
        if let Some(pid) = self.processes.get(name) {
            return *pid;
        }
        let (pid, _) = spawn_monitor(body(self.stage.clone()));
        self.stage.note(pid);
        self.processes.insert(name.to_string(), pid);
        pid
    }

    /// Waits for the end of a call, and binds its variable.
    async fn wait(
        &mut self,
        pid: Pid,
        call: &Started,
        limit: Duration,
        late: Outcome<Handle>,
    ) -> Outcome<Handle> {
        let tag = call.tag;
        let outcome = receive! {
            done: Done if done.tag == tag => self.outcome(done.answer),
            down: Down if down.item == Item::Process(pid) => {
                Outcome::Died(from_reason(&down.reason))
            },
            after(limit) => late,
        };
        if let (Some(name), Some(value)) = (&call.var, outcome.bound()) {
            self.bind(name, value.clone());
        }
        outcome
    }

    fn outcome(&mut self, answer: Answer) -> Outcome<Handle> {
        match answer {
            Answer::Returned(result) => Outcome::Returned(result),
            Answer::Raised(class, reason) => Outcome::Raised(class, reason),
            Answer::Born { name, pid, result } => {
                // A process that a call made takes its place under its name.
                runtime::monitor(pid);
                self.processes.insert(name, pid);
                Outcome::Returned(result)
            }
        }
    }

    fn bind(&mut self, name: &str, value: Term) {
        if let Some(port) = local_port(&value) {
            self.ports.entry(port).or_insert_with(|| name.to_string());
        }
        self.variables.push((name.to_string(), value));
    }

    fn end(self) {
        for pid in self.processes.into_values() {
            exit_signal(pid, Reason::Kill);
        }
        for (_, value) in self.variables {
            if let Term::Handle(Handle::Port(port)) = value {
                exit_signal(port, Reason::Kill);
            }
        }
    }
}

impl Scope<Handle> for Coordinator {
    fn var(&self, name: &str) -> Option<Term> {
        let bound = self.variables.iter().rev().find(|(bound, _)| bound == name);
        bound.map(|(_, value)| value.clone())
    }

    fn pid(&mut self, name: &str) -> Term {
        convert::pid(self.process(name))
    }

    fn port(&self, socket: &Term) -> Option<u16> {
        local_port(socket)
    }
}

impl Names<Handle> for Coordinator {
    fn handle(&self, handle: &Handle) -> String {
        let is_it = |value: &Term| value.as_handle() == Some(handle);
        if let Some((name, _)) = self.variables.iter().find(|(_, value)| is_it(value)) {
            return name.clone();
        }
        match handle {
            Handle::Pid(pid) => match self.processes.iter().find(|(_, known)| *known == pid) {
                Some((name, _)) => format!("pid({name})"),
                None => "Pid?".to_string(),
            },
            Handle::Port(_) => "Port?".to_string(),
            Handle::Ref(_) | Handle::Timer(_) => "Ref?".to_string(),
        }
    }

    fn port_name(&self, port: u16) -> Option<&str> {
        self.ports.get(&port).map(String::as_str)
    }
}
