//! The acceptance checklist of the gen_tcp contract: one test for each of its 72 lines, by number.
//!
//! Each line was chosen because a straightforward implementation gets it wrong;
//! `docs/CHECKLIST.md` lists them with their tests and recorded scenarios, and `checklist` holds it
//! to them. A test says in a comment which rules of `docs/SEMANTICS.md` it holds the sockets to;
//! the far end is a socket of the standard library where that shows more than another one of ours.
//! Real runtimes on real sockets.

#![allow(clippy::disallowed_methods)] // threads and clocks of the foreign ends

#[path = "gen_tcp/active.rs"]
mod active;
#[path = "gen_tcp/checklist.rs"]
mod checklist;
#[path = "gen_tcp/closing.rs"]
mod closing;
#[path = "gen_tcp/connecting.rs"]
mod connecting;
#[path = "gen_tcp/either.rs"]
mod either;
#[path = "gen_tcp/exits.rs"]
mod exits;
#[path = "gen_tcp/flood.rs"]
mod flood;
#[path = "gen_tcp/gathering.rs"]
mod gathering;
#[path = "gen_tcp/keeping.rs"]
mod keeping;
#[path = "gen_tcp/ownership.rs"]
mod ownership;
#[path = "gen_tcp/packets.rs"]
mod packets;
#[path = "gen_tcp/parting.rs"]
mod parting;
#[path = "gen_tcp/receiving.rs"]
mod receiving;
#[path = "gen_tcp/resets.rs"]
mod resets;
#[path = "gen_tcp/room.rs"]
mod room;
#[path = "gen_tcp/sending.rs"]
mod sending;
#[path = "gen_tcp/states.rs"]
mod states;
#[path = "gen_tcp/timeouts.rs"]
mod timeouts;
