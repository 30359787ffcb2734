//! Abuse: exhausted tables, slow and hostile peers, owners that die at every moment.
//!
//! One file for a few rows of the list of what a reliable runtime has to survive; a test is named
//! by its row (R2, R10, …), and says what has to hold. What changes or counts things that a whole
//! process of the system shares runs in one of its own (`tests::alone`). Real runtimes on real
//! sockets.

#![allow(clippy::disallowed_methods)] // threads and clocks of the foreign ends

#[path = "abuse/r01_idle.rs"]
mod r01_idle;
#[path = "abuse/r02_emfile.rs"]
mod r02_emfile;
#[path = "abuse/r03_accept.rs"]
mod r03_accept;
#[path = "abuse/r05_slow_reader.rs"]
mod r05_slow_reader;
#[path = "abuse/r10_announced.rs"]
mod r10_announced;
#[path = "abuse/r11_framing.rs"]
mod r11_framing;
#[path = "abuse/r20_reuse.rs"]
mod r20_reuse;
#[path = "abuse/r25_owners.rs"]
mod r25_owners;
#[path = "abuse/r30_ends.rs"]
mod r30_ends;
#[path = "abuse/r38_chunks.rs"]
mod r38_chunks;
#[path = "abuse/system.rs"]
mod system;
