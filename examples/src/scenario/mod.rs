//! Scenarios: short scripts of processes that call `gen_tcp` and the process primitives, run on
//! this project's runtime. The language and the transcripts recorded from Erlang are in
//! `tests/oracle`.
//!
//! The pure part knows no runtime: `scan`, `parse` and `script` make steps of a text, `term` holds
//! values, `print` and `transcript` write lines. Above it, `convert` turns what the runtime gives
//! into terms and back, `ops` makes the calls, `actor` is a process of a scenario, and `run` the
//! coordinator.
//!
//! Called by the program `scenario` and by the tests. Invariant: the transcript is that of the
//! reference interpreter, byte for byte, but for the decisions that a second transcript records.

mod actor;
mod convert;
mod ops;
pub mod parse;
pub mod print;
mod run;
mod scan;
pub mod script;
pub mod term;
#[cfg(test)]
mod tests;
pub mod transcript;

pub use run::{RunError, Transcript, run, run_simulated};
