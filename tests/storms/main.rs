//! Two storms, for a sanitizer to look at: processes that do everything to each other, and
//! connections that come about and end in all the ways.
//!
//! `storm actors|sockets [ROUNDS] [SEED]`. Run by `tests/sanitize` under ThreadSanitizer and
//! AddressSanitizer, and by `tests/tests/storms.rs` as it is. Each round is a runtime of its own
//! with two to four workers. Invariant: it ends by itself, and with an error where anything is left
//! behind, has come broken, or failed that was not meant to.

mod actors;
mod common;
mod sockets;

const ROUNDS: u64 = 6;

fn main() {
    let mut words = std::env::args().skip(1);
    let what = words.next().unwrap_or_default();
    let mut numbers = words.map(|word| word.parse().expect("ROUNDS and SEED are numbers"));
    let rounds: u64 = numbers.next().unwrap_or(ROUNDS);
    let seed: u64 = numbers.next().unwrap_or(1);
    match &*what {
        "actors" => (0..rounds).for_each(|n| actors::round(workers(n), seed + n)),
        "sockets" => sockets::rounds(rounds, |n| (workers(n), seed + n)),
        _ => panic!("storm actors|sockets [ROUNDS] [SEED]"),
    }
    println!("a storm of {what}, {rounds} rounds from seed {seed}: nothing is left");
}

fn workers(round: u64) -> usize {
    2 + (round % 3) as usize
}
