//! Simulation: the same processes on one thread, under a seeded scheduler and in virtual time.
//!
//! A test makes a [`World`] with [`run`], [`check`] or [`exhaust`]. The closure is the director:
//! ordinary code outside the interleaving, which spawns processes and says how long to run. All
//! decisions of the world are calls of one function, `choose(kind, n)` in `choices`, so a run is a
//! function of its seed and can be repeated, recorded and enumerated. Simulated networks come on
//! top of this, not here.

mod choices;
mod seams;
mod world;

pub use choices::{Choice, Kind};
pub use world::{World, check, exhaust, run};
