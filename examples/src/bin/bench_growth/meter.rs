//! The meter of `bench_growth`: processor time, page faults and memory of the program.
//!
//! Used by every curve. Processor time of all threads, not time of day: a busy machine disturbs it
//! least. Linux only, as the numbers of faults and of resident bytes come from `/proc`.

use std::time::Duration;

use cpu_time::ProcessTime;
use examples::memory::resident_bytes;

/// Bytes for each of the X are told from so many on: below, what a page rounds up hides them.
const BYTES_FROM: u64 = 1000;

/// One point of a curve.
pub(crate) struct Sample {
    x: u64,
    ops: u64,
    ns_per_op: f64,
    faults_per_op: f64,
    bytes_each: Option<f64>,
}

impl Sample {
    /// The line to print.
    pub(crate) fn json(&self, curve: &str) -> String {
        let Sample { x, ops, .. } = self;
        let bytes = self.bytes_each.map(|bytes| format!("{bytes:.1}"));
        format!(
            "{{\"curve\":\"{curve}\",\"x\":{x},\"ops\":{ops},\"ns_per_op\":{:.2},\
             \"faults_per_op\":{:.6},\"bytes_each\":{}}}",
            self.ns_per_op,
            self.faults_per_op,
            bytes.as_deref().unwrap_or("null")
        )
    }
}

/// Runs while the operations do; begun and stopped as often as needed. Faults are counted from the
/// first beginning to the end.
pub(crate) struct Meter {
    cpu: Duration,
    began: Option<ProcessTime>,
    /// As the meter began for the first time.
    faults: Option<u64>,
    resident: u64,
    bytes_each: Option<f64>,
}

impl Meter {
    /// Stopped. Memory is counted from here.
    pub(crate) fn new() -> Self {
        Meter {
            cpu: Duration::ZERO,
            began: None,
            faults: None,
            resident: resident_bytes(),
            bytes_each: None,
        }
    }

    pub(crate) fn begin(&mut self) {
        self.faults.get_or_insert_with(faults);
        self.began = Some(ProcessTime::now());
    }

    pub(crate) fn stop(&mut self) {
        self.cpu += self.began.take().expect("begun before").elapsed();
    }

    /// The X are there: what memory each of them takes. The first time counts.
    pub(crate) fn weigh(&mut self, x: u64) {
        if self.bytes_each.is_none() && x >= BYTES_FROM {
            let bytes = resident_bytes().saturating_sub(self.resident);
            self.bytes_each = Some(bytes as f64 / x as f64);
        }
    }

    pub(crate) fn sample(self, x: u64, ops: u64) -> Sample {
        assert!(self.began.is_none(), "stopped before");
        let faults = faults() - self.faults.expect("begun before");
        Sample {
            x,
            ops,
            ns_per_op: self.cpu.as_secs_f64() * 1e9 / ops as f64,
            faults_per_op: faults as f64 / ops as f64,
            bytes_each: self.bytes_each,
        }
    }
}

/// Page faults so far that needed no disk.
fn faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has it");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    let field = fields.split_whitespace().nth(7);
    field
        .and_then(|field| field.parse().ok())
        .expect("the tenth field is a number")
}

/// Numbers in no order, the same in every run (xorshift).
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new() -> Self {
        Draw(0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Puts the elements into a drawn order.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}
