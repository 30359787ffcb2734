//! What the example programs share: the runner of scenarios.

pub mod scenario;
