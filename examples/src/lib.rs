//! What the example programs share: the runner of scenarios, the driver of child processes, and
//! what measuring takes.

pub mod busy;
pub mod child;
pub mod memory;
pub mod scenario;
pub mod spread;

/// The programs in the project's pages: compiled and run like every other example.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/SEMANTICS.md")]
    struct Semantics;
    #[doc = include_str!("../../docs/SIMULATION.md")]
    struct Simulation;
}
