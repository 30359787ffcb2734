//! Small named actors and helpers that the tests share.
//!
//! `run` starts a test's main process in simulated worlds or on real workers; `mail` waits for what
//! has to come; `puppet` is a process that does what it is told, `busy` one that works without a
//! pause; `bell` and `gate` are drivers with nothing behind them.
//! `sockets` has what tests of sockets need, `foreign` their other ends, `stream` the bytes to
//! send; `alone` gives a test a process of the system for itself.
//! Invariant: waiting is waiting for an event, with a limit that only a hanging test reaches.

pub mod alone;
pub mod bell;
pub mod busy;
pub mod foreign;
pub mod gate;
pub mod mail;
pub mod puppet;
pub mod run;
pub mod sockets;
pub mod stream;

pub use busy::Busy;
pub use foreign::Foreign;
pub use mail::{LIMIT, down, exit_of, next, nothing, settle};
pub use puppet::Puppet;
pub use run::{everywhere, real, worlds};
pub use stream::{Random, Stream};
