//! Small named actors and helpers that the tests share.
//!
//! `run` starts a test's main process in simulated worlds or on real workers; `mail` waits for what has
//! to come; `puppet` is a process that does what it is told; `bell` is a driver with nothing behind it.
//! Invariant: waiting is waiting for an event, with a limit that only a hanging test reaches.

pub mod bell;
pub mod mail;
pub mod puppet;
pub mod run;

pub use mail::{LIMIT, down, exit_of, next, nothing, settle};
pub use puppet::Puppet;
pub use run::{everywhere, real, worlds};
