//! What actors may rely on: the numbered rules of the contract of processes and ports, end to end.
//!
//! One module for each subject; each test names the rule it holds the runtime to. Most of them run
//! in simulated worlds of many seeds, some on real workers too, where threads matter.

#[path = "semantics/aliases.rs"]
mod aliases;
#[path = "semantics/asking.rs"]
mod asking;
#[path = "semantics/budgets.rs"]
mod budgets;
#[path = "semantics/callbacks.rs"]
mod callbacks;
#[path = "semantics/calls.rs"]
mod calls;
#[path = "semantics/cases_of_ports.rs"]
mod cases_of_ports;
#[path = "semantics/cases_of_processes.rs"]
mod cases_of_processes;
#[path = "semantics/children.rs"]
mod children;
#[path = "semantics/combinators.rs"]
mod combinators;
#[path = "semantics/dead.rs"]
mod dead;
#[path = "semantics/drivers.rs"]
mod drivers;
#[path = "semantics/ending.rs"]
mod ending;
#[path = "semantics/exit_signals.rs"]
mod exit_signals;
#[path = "semantics/link_cells.rs"]
mod link_cells;
#[path = "semantics/links.rs"]
mod links;
#[path = "semantics/listed_cases.rs"]
mod listed_cases;
#[path = "semantics/mailbox_limits.rs"]
mod mailbox_limits;
#[path = "semantics/monitors.rs"]
mod monitors;
#[path = "semantics/names.rs"]
mod names;
#[path = "semantics/order.rs"]
mod order;
#[path = "semantics/owners.rs"]
mod owners;
#[path = "semantics/portions.rs"]
mod portions;
#[path = "semantics/ports.rs"]
mod ports;
#[path = "semantics/priorities.rs"]
mod priorities;
#[path = "semantics/receive.rs"]
mod receive;
#[path = "semantics/runtimes.rs"]
mod runtimes;
#[path = "semantics/spawning.rs"]
mod spawning;
#[path = "semantics/stage.rs"]
mod stage;
#[path = "semantics/suspending.rs"]
mod suspending;
#[path = "semantics/timers.rs"]
mod timers;
#[path = "semantics/turns.rs"]
mod turns;
#[path = "semantics/watching.rs"]
mod watching;
#[path = "semantics/worlds_of_ends.rs"]
mod worlds_of_ends;
#[path = "semantics/worlds_of_links.rs"]
mod worlds_of_links;
