//! What one operation costs, against how many of something there are.
//!
//! `bench_growth CURVE X [OPS]` measures one point of a curve and prints a line of JSON: processor
//! time of the whole program for each operation, page faults for each, and where it has a meaning
//! the resident bytes for each of the X. `tests/measure/growth` draws the curves, and
//! `tests/measure/gate` counts instructions with the same program.
//!
//! - One worker, so that nothing is hidden by a second processor.
//! - Everything up to the X is made before the clock runs, and used once.
//! - Where the order matters it is drawn, always in the same way: no help from a prefetcher that
//!   guesses the next in memory.
//! - Curves that begin with `floor-` do the like without the runtime: what memory, the allocator
//!   and the kernel cost alone.
//! - With twice the OPS everything but the operations is the same, so the difference of two runs is
//!   what OPS operations cost.

mod actors;
mod floor;
mod memory;
mod meter;
mod sockets;

use std::num::NonZero;
use std::process::ExitCode;

use runtime::prelude::*;

use meter::Sample;

/// Live processes at most.
const PROCESSES_MAX: u32 = 5_000_000;

const USAGE: &str = "bench_growth CURVE X [OPS]
  processes:   ring spawn senders
  messages:    message moved selective scan
  links:       links exit
  timers:      timers
  sockets:     connections echo packets decode
  without the runtime: floor-memory floor-chase floor-message floor-connections floor-echo";

/// One point of a curve; `None` where there is no such curve.
async fn point(curve: &str, x: u64, ops: Option<u64>) -> Option<Sample> {
    Some(match curve {
        "ring" => actors::ring(x, ops.unwrap_or(1_000_000)).await,
        "spawn" => actors::spawns(x, ops.unwrap_or(300_000)).await,
        "senders" => actors::senders(x, ops.unwrap_or(2_000_000)).await,
        "links" => actors::links(x, ops.unwrap_or(300_000)).await,
        "exit" => actors::exits(x, ops.unwrap_or(200_000)).await,
        "timers" => memory::timers(x, ops.unwrap_or(500_000)).await,
        "message" => memory::message(x, ops.unwrap_or(by_size(x)), true).await,
        "moved" => memory::message(x, ops.unwrap_or(300_000), false).await,
        "selective" => memory::selective(x, ops.unwrap_or(300_000)).await,
        "scan" => memory::scan(x, ops.unwrap_or(5_000_000)).await,
        "connections" => sockets::connections(x, ops.unwrap_or(40_000)).await,
        "echo" => sockets::echo(x, ops.unwrap_or(by_size(x).min(20_000))).await,
        "packets" => sockets::packets(x, ops.unwrap_or((20_000 * x).min(400_000))).await,
        "decode" => sockets::decode(x, ops.unwrap_or(3_000_000)),
        "floor-memory" => floor::memory(x, ops.unwrap_or(1_000_000)),
        "floor-chase" => floor::chase(x, ops.unwrap_or(1_000_000)),
        "floor-message" => floor::message(x, ops.unwrap_or(by_size(x))),
        "floor-connections" => floor::connections(x, ops.unwrap_or(40_000)),
        "floor-echo" => floor::echo(x, ops.unwrap_or(by_size(x).min(20_000))),
        _ => return None,
    })
}

/// Operations on X bytes each: at most 300,000, at most 512 MiB in all.
fn by_size(x: u64) -> u64 {
    ((512 << 20) / x).clamp(200, 300_000)
}

fn main() -> runtime::Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(curve), Some(x), true) = (args.first(), args.get(1), args.len() <= 3) else {
        eprintln!("{USAGE}");
        return Ok(ExitCode::from(2));
    };
    let (curve, x) = (curve.clone(), x.parse::<NonZero<u64>>()?.get());
    let ops = args.get(2).map(|ops| ops.parse::<NonZero<u64>>());
    let ops = ops.transpose()?.map(NonZero::get);
    let builder = Runtime::builder().workers(1).processes_max(PROCESSES_MAX);
    let runtime = builder.on_crash(|_| {}).build()?;
    let name = curve.clone();
    let sample = runtime.block_on(async move { point(&name, x, ops).await })?;
    let Some(sample) = sample else {
        eprintln!("bench_growth: no curve is called {curve}\n{USAGE}");
        return Ok(ExitCode::from(2));
    };
    println!("{}", sample.json(&curve));
    // What is left would only be taken down one by one.
    std::process::exit(0)
}
