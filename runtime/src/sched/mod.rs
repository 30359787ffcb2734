//! Execution: who runs processes. `real/` has workers on threads, `sim/` (a sibling of this folder)
//! one seeded thread; both take part through `process::run::Scheduler`, and nothing above them
//! knows which.

pub(crate) mod real;
