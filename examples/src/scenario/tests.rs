//! Tests of the language, and what they share.
//!
//! What the forms mean was taken from the reference interpreter, and the recorded scenarios are the
//! largest test: each must parse, and each result in their transcripts must print back as it is.
//! The forms one by one are in `language`, terms and what is printed in `output`.

mod language;
mod output;

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::parse::parse_term;
use super::print::{Names, show};
use super::script::{Scope, Step, evaluate, parse_line, parse_script};
use super::term::Term as GenericTerm;
use super::transcript::{self, Class, Outcome};

/// A handle is the name by which it prints.
type Term = GenericTerm<String>;

/// Knows every variable as a handle of that name, and gives its sockets ports from 60000 on.
#[derive(Default)]
struct Everything {
    sockets: Vec<String>,
}

impl Everything {
    /// Of these sockets `port(..)` may be asked: those of which the text does.
    fn of(text: &str) -> Self {
        let ports = text
            .split("port(")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'));
        Everything {
            sockets: ports.map(|(name, _)| name.to_string()).collect(),
        }
    }
}

impl Scope<String> for Everything {
    fn var(&self, name: &str) -> Option<Term> {
        (name != "Unbound").then(|| Term::Handle(name.to_string()))
    }

    fn pid(&mut self, name: &str) -> Term {
        Term::Handle(format!("pid({name})"))
    }

    fn port(&self, socket: &Term) -> Option<u16> {
        let index = self
            .sockets
            .iter()
            .position(|name| Some(name) == socket.as_handle())?;
        u16::try_from(60_000 + index).ok()
    }
}

impl Names<String> for Everything {
    fn handle(&self, handle: &String) -> String {
        handle.clone()
    }

    fn port_name(&self, port: u16) -> Option<&str> {
        let index = usize::from(port).checked_sub(60_000)?;
        self.sockets.get(index).map(String::as_str)
    }
}

fn value(text: &str) -> Term {
    let expr = parse_term(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    evaluate(&expr, &mut Everything::of(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn printed(text: &str) -> String {
    show(&value(text), &Everything::of(text))
}

fn bytes(data: &'static [u8]) -> Term {
    Term::Binary(Bytes::from_static(data))
}

fn string(text: &'static str) -> Term {
    Term::string(text)
}

/// The recorded scenarios, each with its transcript.
fn recorded() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/oracle/scenarios");
    let mut scenarios = Vec::new();
    for entry in fs::read_dir(&root).expect("the scenarios are beside this package") {
        let path = entry.expect("a folder that opens can be read").path();
        if path.extension().is_some_and(|extension| extension == "scn") {
            let script = fs::read_to_string(&path).expect("scenarios are text");
            let out = fs::read_to_string(path.with_extension("out"));
            scenarios.push((path, script, out.expect("each scenario has a transcript")));
        }
    }
    assert!(scenarios.len() >= 200, "{} scenarios", scenarios.len());
    scenarios
}

// ---------------------------------------------------------------- the recorded scenarios

/// Each step gives one line, and the line begins with the text of the step.
#[test]
fn recorded_steps_are_the_lines_of_the_transcripts() {
    for (path, script, out) in recorded() {
        let steps = parse_script(&script).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let lines: Vec<&str> = out.lines().collect();
        let name = path
            .file_stem()
            .expect("it has an extension")
            .to_string_lossy();
        assert_eq!(lines[0], transcript::header(&name));
        assert_eq!(lines.len(), steps.len() + 1, "{}", path.display());
        let mut started = Vec::new();
        for ((number, step), line) in steps.into_iter().zip(&lines[1..]) {
            let place = format!("{}:{number}: {line}", path.display());
            match step {
                Step::Call {
                    process,
                    background: true,
                    shown,
                    ..
                } => {
                    assert_eq!(*line, transcript::started(&process, &shown), "{place}");
                    started.push((process, shown));
                }
                Step::Call { process, shown, .. } => {
                    assert!(
                        line.starts_with(&format!("{process}: {shown} -> ")),
                        "{place}"
                    );
                }
                Step::Outcome { process, .. } => {
                    let call = started.iter().rev().find(|(name, _)| *name == process);
                    let (_, shown) = call.unwrap_or_else(|| panic!("{place}"));
                    assert!(
                        line.starts_with(&format!("{process}? {shown} -> ")),
                        "{place}"
                    );
                }
            }
        }
    }
}

/// Of the results that are not cut short, each comes back as it was recorded.
#[test]
fn recorded_results_print_back() {
    let mut count = 0;
    for (path, _, out) in recorded() {
        let mut names = Everything::of(&out);
        for line in out.lines().filter(|line| line.contains(" -> ")) {
            let result = line.split(" -> ").last().unwrap_or(line);
            let is_short = ["STUCK", "pending", "Ref?", "Port?", "Pid?", " bytes crc32="];
            if is_short.iter().any(|word| result.contains(word)) {
                continue;
            }
            let outcome = recorded_outcome(result, &mut names);
            let again = transcript::called("a", "x", &outcome, &names);
            assert_eq!(
                again,
                format!("a: x -> {result}"),
                "{}: {line}",
                path.display()
            );
            count += 1;
        }
    }
    assert!(count > 3000, "{count} results");
}

fn recorded_outcome(text: &str, names: &mut Everything) -> Outcome<String> {
    let mut term = |text: &str| {
        let expr = parse_term(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        evaluate(&expr, names).unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    if let Some(reason) = text.strip_prefix("raised error ") {
        Outcome::Raised(Class::Error, term(reason))
    } else if let Some(reason) = text.strip_prefix("raised exit ") {
        Outcome::Raised(Class::Exit, term(reason))
    } else if let Some(reason) = text.strip_prefix("DIED ") {
        Outcome::Died(term(reason))
    } else {
        Outcome::Returned(term(text))
    }
}

/// A line that ends anywhere is a step or an error.
#[test]
fn no_line_panics_wherever_it_is_cut() {
    for (_, script, _) in recorded() {
        for line in script.lines().filter(|line| line.is_ascii()) {
            for end in 0..line.len() {
                drop(parse_line(&line[..end]));
                drop(parse_term(&line[end..]));
            }
        }
    }
}
