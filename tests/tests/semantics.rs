//! What actors may rely on: the numbered rules of the contract of processes and ports, end to end.
//!
//! One module for each subject; each test names the rule it holds the runtime to. Most of them run in
//! simulated worlds of many seeds, some on real workers too, where threads matter.

#[path = "semantics/callbacks.rs"]
mod callbacks;
#[path = "semantics/combinators.rs"]
mod combinators;
#[path = "semantics/dead.rs"]
mod dead;
#[path = "semantics/ending.rs"]
mod ending;
#[path = "semantics/exit_signals.rs"]
mod exit_signals;
#[path = "semantics/links.rs"]
mod links;
#[path = "semantics/monitors.rs"]
mod monitors;
#[path = "semantics/names.rs"]
mod names;
#[path = "semantics/order.rs"]
mod order;
#[path = "semantics/ports.rs"]
mod ports;
#[path = "semantics/receive.rs"]
mod receive;
#[path = "semantics/spawning.rs"]
mod spawning;
#[path = "semantics/timers.rs"]
mod timers;
#[path = "semantics/owners.rs"]
mod owners;
