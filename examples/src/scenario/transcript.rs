//! The transcript: its lines, and what a call's outcome leaves behind.
//!
//! The runner prints one of these for each step. They are the words of the reference interpreter:
//! two transcripts of the same scenario are the same, byte for byte.
//!
//! Order: where a call binds a variable, the runner binds it first and makes the line then, so
//! that a socket prints as its own name from its first line on: `a: L = listen(..) -> {ok,L}`.
//!
//! Left out: the end of the line, and how long to wait.

use std::fmt;

use super::print::{self, Names};
use super::term::Term;

/// How a call ended, or did not.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<H> {
    /// It returned.
    Returned(Term<H>),
    /// It raised an exception, and the process lives on.
    Raised(Class, Term<H>),
    /// The process died in it, for this reason.
    Died(Term<H>),
    /// It has not ended in the time of a step, and nobody will wait for it again.
    Stuck,
    /// It has not ended in the time that the script gave it, and goes on.
    Pending,
}

/// The class of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The call could not be made with these arguments.
    Error,
    /// The call asked for the end of the process.
    Exit,
}

impl fmt::Display for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Class::Error => "error",
            Class::Exit => "exit",
        })
    }
}

impl<H> Outcome<H> {
    /// What a variable of this call is bound to: `V` of `{ok,V}`, nothing where it is an error or
    /// no result at all, else the result.
    pub fn bound(&self) -> Option<&Term<H>> {
        let Outcome::Returned(result) = self else {
            return None;
        };
        match result.as_tuple() {
            Some([tag, value]) if tag.is_atom("ok") => Some(value),
            Some([tag, _]) if tag.is_atom("error") => None,
            _ => Some(result),
        }
    }

    /// The text behind the arrow.
    fn show(&self, names: &impl Names<H>) -> String {
        match self {
            Outcome::Returned(result) => print::show(result, names),
            Outcome::Raised(class, reason) => {
                format!(
                    "raised {class} {}",
                    print::show(without_stack(reason), names)
                )
            }
            Outcome::Died(reason) => format!("DIED {}", print::show(reason, names)),
            Outcome::Stuck => "STUCK".to_string(),
            Outcome::Pending => "pending".to_string(),
        }
    }
}

/// The first line of a scenario: `== NAME`.
pub fn header(name: &str) -> String {
    format!("== {name}")
}

/// The line of a call that the runner waited for at once: `a: call -> RESULT`.
pub fn called<H>(
    process: &str,
    shown: &str,
    outcome: &Outcome<H>,
    names: &impl Names<H>,
) -> String {
    format!("{process}: {shown} -> {}", outcome.show(names))
}

/// The line of a call that goes on by itself: `a& call`.
pub fn started(process: &str, shown: &str) -> String {
    format!("{process}& {shown}")
}

/// The line of a started call that the runner waited for: `a? call -> RESULT`.
pub fn waited<H>(
    process: &str,
    shown: &str,
    outcome: &Outcome<H>,
    names: &impl Names<H>,
) -> String {
    format!("{process}? {shown} -> {}", outcome.show(names))
}

/// The reason without the stack trace that it may come with: `R` of `{R,[{M,F,A,Where}|_]}`.
fn without_stack<H>(reason: &Term<H>) -> &Term<H> {
    let Some([inner, Term::List(stack) | Term::Improper(stack, _)]) = reason.as_tuple() else {
        return reason;
    };
    match stack.first().and_then(Term::as_tuple) {
        Some([_, _, _, _]) => inner,
        _ => reason,
    }
}
