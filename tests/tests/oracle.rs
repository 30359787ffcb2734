//! Every recorded scenario on this project's runtime: the transcript has to be the recorded one,
//! byte for byte. `oracle/README.md` describes the language and how the transcripts were recorded.
//!
//! `NAME.ours` stands in for `NAME.out` where the project has decided to differ. Scenarios that do
//! not pass yet are listed in `oracle/not_yet.txt`, a line each: `name: reason`. The test fails
//! when one that is not listed fails, and when one that is listed passes.
//!
//! Scenarios run several at once, each in a runtime of its own; most of their time they wait.
//! `SCENARIOS=text` in the environment takes those with the text in their name; `SCENARIO_RUNS=n`
//! runs each n times, and it passes when it does so each time. Those without sockets run in
//! simulated worlds, too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use examples::scenario;

/// Scenarios that run at the same time: few, so that their own times hold on a busy machine.
const SIDE_BY_SIDE: usize = 6;

/// The longest time in which no scenario may end. The longest of them take some ten seconds.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// The simulated worlds in which the scenarios without sockets are run.
const SEEDS: std::ops::Range<u64> = 0..20;

/// Differing lines that are shown of a scenario.
const DIFFERENCES_SHOWN_MAX: usize = 8;

/// What a run differs in, as text for people; `None` where it does not.
type Difference = Option<String>;

#[test]
fn scenarios_print_what_erlang_prints() {
    let wanted = std::env::var("SCENARIOS").unwrap_or_default();
    let runs = std::env::var("SCENARIO_RUNS").map_or(1, |n| n.parse().expect("a number of runs"));
    let names: Vec<String> = names()
        .into_iter()
        .filter(|name| name.contains(&wanted))
        .collect();
    assert!(!names.is_empty(), "no scenario has {wanted:?} in its name");
    let not_yet = not_yet();
    let count = names.len();
    let differences = run_all(names, runs);

    let mut report = String::new();
    for (name, difference) in &differences {
        match (difference, not_yet.get(name)) {
            (Some(difference), None) => {
                let _ = write!(report, "\n{name} {difference}");
            }
            (None, Some(reason)) => {
                let _ = writeln!(report, "\n{name} passes: take it off the list ({reason})");
            }
            _ => {}
        }
    }
    let passed = differences
        .values()
        .filter(|difference| difference.is_none())
        .count();
    println!("{passed} of {count} scenarios pass");
    assert!(
        report.is_empty(),
        "{passed} of {count} scenarios pass\n{report}"
    );
}

/// Whatever the order in which a simulated world runs its processes.
#[test]
fn scenarios_without_sockets_print_the_same_in_simulated_worlds() {
    let mut report = String::new();
    let mut count = 0;
    for name in names() {
        for seed in SEEDS {
            let (script, recorded) = files_of(&name);
            let run = scenario::run_simulated(&name, &script, seed);
            if let Some(scenario::RunError::Sockets(..)) = run.error {
                break;
            }
            count += 1;
            if let Some(difference) = judge(&recorded, run) {
                let _ = write!(report, "\n{name} in the world of seed {seed} {difference}");
            }
        }
    }
    assert!(count > 0, "no scenario does without sockets");
    assert!(report.is_empty(), "{report}");
}

#[test]
fn what_is_not_passed_yet_exists() {
    let names: BTreeSet<String> = names().into_iter().collect();
    let gone: Vec<String> = not_yet()
        .into_keys()
        .filter(|name| !names.contains(name))
        .collect();
    assert!(gone.is_empty(), "on the list, but no scenarios: {gone:?}");
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("oracle")
}

fn names() -> Vec<String> {
    let files = fs::read_dir(folder().join("scenarios")).expect("the scenarios are there");
    let mut names: Vec<String> = files
        .filter_map(|file| {
            let name = file.expect("a readable folder").file_name();
            Some(name.to_str()?.strip_suffix(".scn")?.to_string())
        })
        .collect();
    names.sort();
    names
}

/// The listed scenarios with their reasons.
fn not_yet() -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join("not_yet.txt")).expect("the list is there");
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) = line.split_once(": ").expect("lines are `name: reason`");
            (name.to_string(), reason.to_string())
        })
        .collect()
}

enum News {
    Begun(String),
    Ended(String, Difference),
}

/// Runs every scenario so many times, and gives what the first run that differed differed in.
fn run_all(names: Vec<String>, runs: usize) -> BTreeMap<String, Difference> {
    let jobs = (0..runs).flat_map(|_| names.iter().cloned()).collect();
    let jobs: Arc<Mutex<VecDeque<String>>> = Arc::new(Mutex::new(jobs));
    let (sender, news) = mpsc::channel();
    for _ in 0..SIDE_BY_SIDE {
        let (jobs, sender) = (jobs.clone(), sender.clone());
        start(move || {
            let next = || {
                jobs.lock()
                    .expect("no run panics under the lock")
                    .pop_front()
            };
            while let Some(name) = next() {
                // The test may have given up.
                let _ = sender.send(News::Begun(name.clone()));
                let difference = run_one(&name);
                let _ = sender.send(News::Ended(name, difference));
            }
        });
    }
    drop(sender);

    let mut differences: BTreeMap<String, Difference> = BTreeMap::new();
    let mut running: Vec<String> = Vec::new();
    loop {
        match news.recv_timeout(SILENCE_MAX) {
            Ok(News::Begun(name)) => running.push(name),
            Ok(News::Ended(name, difference)) => {
                let at = running.iter().position(|other| *other == name);
                running.remove(at.expect("a run begins before it ends"));
                let first = differences.entry(name).or_default();
                *first = first.take().or(difference);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("these do not end: {running:?}"),
        }
    }
    assert!(running.is_empty(), "these panicked: {running:?}");
    differences
}

fn start(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(work);
}

fn run_one(name: &str) -> Difference {
    let (script, recorded) = files_of(name);
    judge(&recorded, scenario::run(name, &script))
}

/// A scenario, and the transcript that it should print.
fn files_of(name: &str) -> (String, String) {
    let file = |ending: &str| folder().join("scenarios").join(format!("{name}.{ending}"));
    let script = fs::read_to_string(file("scn")).expect("the scenario is there");
    let recorded = fs::read_to_string(file("ours"))
        .or_else(|_| fs::read_to_string(file("out")))
        .expect("a transcript is beside the scenario");
    (script, recorded)
}

fn judge(recorded: &str, run: scenario::Transcript) -> Difference {
    if let Some(error) = run.error {
        let difference = difference(recorded, &run.text);
        return Some(format!("{difference}  ended early: {error}\n"));
    }
    (run.text != recorded).then(|| difference(recorded, &run.text))
}

/// The lines that differ. Each step has one line, so they are compared place by place.
fn difference(recorded: &str, ours: &str) -> String {
    let (recorded, ours): (Vec<&str>, Vec<&str>) =
        (recorded.lines().collect(), ours.lines().collect());
    let line = |lines: &[&str], at: usize| lines.get(at).copied().unwrap_or("(none)").to_string();
    let count = recorded.len().max(ours.len());
    let places: Vec<usize> = (0..count)
        .filter(|at| recorded.get(*at) != ours.get(*at))
        .collect();
    let mut text = format!("differs in {} of {count} lines\n", places.len());
    for at in places.iter().take(DIFFERENCES_SHOWN_MAX) {
        let (recorded, ours) = (line(&recorded, *at), line(&ours, *at));
        let _ = writeln!(
            text,
            "  line {}\n    recorded  {recorded}\n    ours      {ours}",
            at + 1
        );
    }
    text
}
