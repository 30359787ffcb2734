//! The script: the steps of a scenario, and the values of the arguments in them.
//!
//! The runner parses a file into steps, and evaluates the arguments of each call just before it
//! makes the call, for they name what earlier steps made.
//!
//! Invariants:
//! 1. A step is read as the reference interpreter does, to the byte: `shown`, the text that the
//!    transcript repeats, is the line behind the mark without the comment and outer spaces.
//! 2. A file either parses as a whole or not at all; the first bad line is the error.
//! 3. Evaluating a call's arguments makes the processes that they name (`Scope::pid`) and changes
//!    nothing else. An error is the script's fault, never the result of a call.
//!
//! A comment behind a step is spaces and then `%%`, wherever they stand: in a string, too. The one
//! exception is directly behind the mark, `a? %% so`, where the mark takes the spaces: that is an
//! error, as there.
//!
//! Left out: which calls there are, what they do, and whether a process has a call to wait for.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;

use super::parse::{self, BINARY_BYTES_MAX, Call, Expr, ParseError};
use super::term::Term;

/// One line of a scenario that is not blank.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `a: call` and `a& call`.
    Call {
        /// The process that makes the call.
        process: String,
        /// Whether the runner goes on at once (`&`).
        background: bool,
        /// The variable that takes the result.
        var: Option<String>,
        /// The name of the function.
        function: String,
        /// Its arguments.
        args: Vec<Expr>,
        /// The text of the call, for the transcript.
        shown: String,
    },
    /// `a?` and `a? 200`.
    Outcome {
        /// The process whose call is waited for.
        process: String,
        /// The longest wait; after it the call goes on.
        limit_ms: Option<u64>,
    },
}

/// The line of a file that is not a step, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong, and where in the line.
    pub error: ParseError,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}, {}", self.line, self.error)
    }
}

impl std::error::Error for ScriptError {}

/// Parses the text of a file to its steps, each with the number of its line, from 1.
pub fn parse_script(text: &str) -> Result<Vec<(usize, Step)>, ScriptError> {
    let mut steps = Vec::new();
    for (index, text) in text.split('\n').enumerate() {
        let line = index + 1;
        if let Some(step) = parse_line(text).map_err(|error| ScriptError { line, error })? {
            steps.push((line, step));
        }
    }
    Ok(steps)
}

/// Parses a line; one that is empty or a comment has no step.
pub fn parse_line(line: &str) -> Result<Option<Step>, ParseError> {
    let text = line.trim_ascii();
    if text.is_empty() || text.starts_with('%') {
        return Ok(None);
    }
    let start = line.len() - line.trim_ascii_start().len();
    let is_name = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_';
    let head = text.bytes().take_while(is_name).count();
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(ParseError::new(start, "expected the name of a process"));
    }
    let process = text[..head].to_string();
    let mark = text.as_bytes().get(head).copied();
    if !matches!(mark, Some(b':' | b'&' | b'?')) {
        return Err(ParseError::new(start + head, "expected ':', '&' or '?'"));
    }
    let behind = text[head + 1..].trim_ascii_start();
    let at = start + text.len() - behind.len();
    let shown = strip_comment(behind);
    if mark == Some(b'?') {
        let limit_ms = limit_ms(shown, at)?;
        return Ok(Some(Step::Outcome { process, limit_ms }));
    }
    let Call {
        var,
        function,
        args,
    } = parse::parse_call(shown).map_err(|error| ParseError::new(at + error.at, error.what))?;
    let background = mark == Some(b'&');
    let shown = shown.to_string();
    Ok(Some(Step::Call {
        process,
        background,
        var,
        function,
        args,
        shown,
    }))
}

/// The text up to the first `%%` that has a space before it, without outer spaces.
fn strip_comment(text: &str) -> &str {
    let is_comment = |place: &usize| text[..*place].ends_with(|c: char| c.is_ascii_whitespace());
    let end = text
        .match_indices("%%")
        .map(|(place, _)| place)
        .find(is_comment);
    text[..end.unwrap_or(text.len())].trim_ascii()
}

fn limit_ms(text: &str, at: usize) -> Result<Option<u64>, ParseError> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(limit_ms) => Ok(Some(limit_ms)),
        Err(_) => Err(ParseError::new(at, "expected a number of milliseconds")),
    }
}

/// The processes that the arguments name, in the order in which the reference makes them: that of
/// the alphabet. A runner makes those it does not know before it evaluates the arguments.
pub fn named(args: &[Expr]) -> Vec<String> {
    let mut names = BTreeSet::new();
    args.iter().for_each(|arg| collect_named(arg, &mut names));
    names.into_iter().collect()
}

fn collect_named(expr: &Expr, names: &mut BTreeSet<String>) {
    match expr {
        Expr::Call(function, args) => match (function.as_str(), args.as_slice()) {
            ("pid", [Expr::Atom(name)]) => {
                names.insert(name.clone());
            }
            _ => args.iter().for_each(|arg| collect_named(arg, names)),
        },
        Expr::Tuple(elements) => elements.iter().for_each(|e| collect_named(e, names)),
        Expr::List(front, tail) => {
            front
                .iter()
                .chain(tail.as_deref())
                .for_each(|e| collect_named(e, names));
        }
        Expr::Map(pairs) => {
            for (key, value) in pairs {
                collect_named(key, names);
                collect_named(value, names);
            }
        }
        Expr::Neg(operand) => collect_named(operand, names),
        Expr::Atom(_) | Expr::Int(_) | Expr::Float(_) => {}
        Expr::Str(_) | Expr::Binary(_) | Expr::Var(_) => {}
    }
}

/// What the arguments of a call may refer to.
pub trait Scope<H> {
    /// The value that the variable was bound to last.
    fn var(&self, name: &str) -> Option<Term<H>>;

    /// The pid of a process, which begins to exist if it has not yet.
    fn pid(&mut self, name: &str) -> Term<H>;

    /// The local port of a socket.
    fn port(&self, socket: &Term<H>) -> Option<u16>;
}

/// Why an argument has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// `bytes` or `dup` were told to make more than `BINARY_BYTES_MAX` bytes.
    BinaryTooLong,
    /// `bytes` or `dup` got something else than data, or a number from 0.
    BadArgument(&'static str),
    /// A key of a map is not an integer, an atom or a binary.
    BadKey,
    /// `port` of what is not a socket with a local port.
    NoPort,
    /// The negative of what is not a number.
    NotANumber,
    /// The variable has no value.
    Unbound(String),
    /// A call that is not a value, with the number of its arguments.
    UnknownCall(String, usize),
}

impl fmt::Display for EvalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EvalError::BinaryTooLong => write!(out, "over {BINARY_BYTES_MAX} bytes"),
            EvalError::BadArgument(function) => write!(out, "a bad argument of {function}"),
            EvalError::BadKey => write!(out, "a key of a map is an integer, an atom or a binary"),
            EvalError::NoPort => write!(out, "port of what has none"),
            EvalError::NotANumber => write!(out, "the negative of what is not a number"),
            EvalError::Unbound(name) => write!(out, "{name} has no value"),
            EvalError::UnknownCall(function, arity) => write!(out, "no value {function}/{arity}"),
        }
    }
}

impl std::error::Error for EvalError {}

/// The value of a term of the script.
pub fn evaluate<H>(expr: &Expr, scope: &mut impl Scope<H>) -> Result<Term<H>, EvalError> {
    Ok(match expr {
        Expr::Atom(name) => Term::atom(name.as_str()),
        Expr::Int(value) => Term::Int(*value),
        Expr::Float(value) => Term::Float(*value),
        Expr::Str(bytes) => Term::Str(bytes.clone()),
        Expr::Binary(bytes) => Term::Binary(bytes.clone()),
        Expr::Tuple(elements) => Term::Tuple(evaluate_all(elements, scope)?),
        Expr::List(front, None) => Term::List(evaluate_all(front, scope)?),
        Expr::List(front, Some(tail)) => {
            let front = evaluate_all(front, scope)?;
            Term::cons(front, evaluate(tail, scope)?)
        }
        Expr::Map(pairs) => {
            let mut values = Vec::with_capacity(pairs.len());
            for (key, value) in pairs {
                values.push((evaluate(key, scope)?, evaluate(value, scope)?));
            }
            Term::map(values).ok_or(EvalError::BadKey)?
        }
        Expr::Var(name) => scope
            .var(name)
            .ok_or_else(|| EvalError::Unbound(name.clone()))?,
        Expr::Neg(operand) => match evaluate(operand, scope)? {
            Term::Int(value) => Term::Int(value.checked_neg().ok_or(EvalError::NotANumber)?),
            Term::Float(value) => Term::Float(-value),
            _ => return Err(EvalError::NotANumber),
        },
        Expr::Call(function, args) => evaluate_call(function, args, scope)?,
    })
}

/// The values of the terms, from left to right.
pub fn evaluate_all<H>(
    exprs: &[Expr],
    scope: &mut impl Scope<H>,
) -> Result<Vec<Term<H>>, EvalError> {
    exprs.iter().map(|expr| evaluate(expr, scope)).collect()
}

fn evaluate_call<H>(
    function: &str,
    args: &[Expr],
    scope: &mut impl Scope<H>,
) -> Result<Term<H>, EvalError> {
    match (function, args) {
        ("pid", [Expr::Atom(name)]) => Ok(scope.pid(name)),
        ("port", [socket]) => {
            let socket = evaluate(socket, scope)?;
            let port = scope.port(&socket).ok_or(EvalError::NoPort)?;
            Ok(Term::Int(i128::from(port)))
        }
        ("bytes", [len]) => {
            let len = count(&evaluate(len, scope)?).ok_or(EvalError::BadArgument("bytes"))?;
            if len > BINARY_BYTES_MAX {
                return Err(EvalError::BinaryTooLong);
            }
            Ok(Term::Binary(pattern(len)))
        }
        ("dup", [data, times]) => {
            let data = evaluate(data, scope)?
                .iodata()
                .ok_or(EvalError::BadArgument("dup"))?;
            let times = count(&evaluate(times, scope)?).ok_or(EvalError::BadArgument("dup"))?;
            match data.len().checked_mul(times) {
                Some(len) if len <= BINARY_BYTES_MAX => {
                    Ok(Term::Binary(Bytes::from(data.repeat(times))))
                }
                _ => Err(EvalError::BinaryTooLong),
            }
        }
        _ => Err(EvalError::UnknownCall(function.to_string(), args.len())),
    }
}

fn count<H>(term: &Term<H>) -> Option<usize> {
    let value = term.as_int().filter(|value| *value >= 0)?;
    Some(usize::try_from(value).unwrap_or(usize::MAX))
}

/// Bytes of which no two at a small distance are the same: byte I is
/// `(I * 7 + I div 256) rem 256`.
fn pattern(len: usize) -> Bytes {
    (0..len)
        .map(|index| (index.wrapping_mul(7).wrapping_add(index / 256) % 256) as u8)
        .collect()
}
