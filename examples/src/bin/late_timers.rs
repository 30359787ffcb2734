//! How late timers are while other processes compute and yield (R55).
//!
//! `late_timers` starts a runtime with two workers, has two processes compute without an end, with
//! a yield after so many microseconds, and lets a third sleep for 1 to 20 ms again and again. It
//! prints how late the sleeps ended, for several lengths of computing, and without any.
//!
//! A figure and no test: what else the machine does counts as lateness.

use std::time::{Duration, Instant};

use examples::busy::busy;
use examples::spread::Spread;
use runtime::prelude::*;

const WORKERS: usize = 2;
const SLEEPS: u32 = 500;
/// Microseconds between two yields of a process that computes; none: nobody computes.
const COMPUTING: [Option<u64>; 6] = [None, Some(1), Some(10), Some(100), Some(500), Some(2000)];

async fn lateness() -> Spread {
    let mut late = Spread::default();
    for n in 0..SLEEPS {
        let time = Duration::from_micros(1000 + u64::from(n * 7919 % 19_000));
        let start = Instant::now();
        sleep(time).await;
        late.add(start.elapsed().saturating_sub(time));
    }
    late
}

fn main() -> runtime::Result {
    for computing in COMPUTING {
        let runtime = Runtime::builder().workers(WORKERS).build()?;
        let late = runtime.block_on(async move {
            for _ in 0..computing.map_or(0, |_| WORKERS) {
                spawn_link(busy(Duration::from_micros(computing.unwrap_or(0))));
            }
            let late = lateness().await;
            for pid in links() {
                exit_signal(pid, "kill");
            }
            late
        });
        match computing {
            None => println!("nobody computes:               {}", late?),
            Some(time) => println!("two yield every {time:7} us:    {}", late?),
        }
    }
    Ok(())
}
