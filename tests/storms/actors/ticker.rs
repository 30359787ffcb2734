//! A port of the storm: a driver that sends to its owner by a timer, takes commands and is busy now
//! and then.
//!
//! Opened by processes of the storm. Invariant: what it keeps is touched in callbacks alone, so a
//! callback that ran beside another one would be seen.

use std::time::Duration;

use runtime::port::{Driver, Flush, PortCx, Readiness, Turn};
use runtime::prelude::*;
use tests::Random;

use crate::common::Load;

/// What a ticker sends to its owner.
#[derive(Debug)]
pub(crate) struct Tick {
    pub(crate) from: PortId,
    pub(crate) load: Load,
}

/// See the file's header.
pub(crate) struct Ticker {
    random: Random,
    /// Goes with the driver.
    load: Load,
    ticks: u32,
}

impl Ticker {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let load = Load::new(&mut random);
        Ticker {
            random,
            load,
            ticks: 0,
        }
    }

    fn arm(&mut self, cx: &mut PortCx<'_>) {
        let time = Duration::from_micros(20 + self.random.below(400) as u64);
        cx.set_timer(time);
    }

    /// Sends a tick to its owner.
    pub(crate) fn tick(&mut self, cx: &mut PortCx<'_>) {
        self.load.touch();
        let load = Load::new(&mut self.random);
        let from = cx.id();
        cx.send_owner(Tick { from, load });
    }
}

impl Driver for Ticker {
    fn name(&self) -> &'static str {
        "ticker"
    }

    fn start(&mut self, cx: &mut PortCx<'_>) -> std::io::Result<()> {
        if self.random.below(16) == 0 {
            return Err(std::io::ErrorKind::AddrInUse.into());
        }
        self.arm(cx);
        Ok(())
    }

    fn ready(&mut self, _: &mut PortCx<'_>, _: Readiness) -> Turn {
        Turn::Done
    }

    fn timeout(&mut self, cx: &mut PortCx<'_>) {
        self.ticks += 1;
        if cx.is_closing() {
            cx.flushed();
        } else if self.ticks > 40 {
            cx.close("worn out".into());
        } else {
            cx.set_busy(self.ticks.is_multiple_of(3));
            self.tick(cx);
            self.arm(cx);
        }
    }

    fn command(&mut self, cx: &mut PortCx<'_>, data: &[u8], _: Pid) -> bool {
        self.load.touch();
        assert_eq!(data, b"load", "what was commanded");
        cx.set_busy(self.random.below(3) == 0);
        true
    }

    fn process_down(&mut self, cx: &mut PortCx<'_>, _: Ref, _: Pid, _: &Reason) {
        self.tick(cx);
    }

    fn flush(&mut self, cx: &mut PortCx<'_>, kill: bool) -> Flush {
        if kill || self.random.below(2) == 0 {
            return Flush::Done;
        }
        cx.set_timer(Duration::from_micros(100));
        Flush::Later
    }

    fn stop(&mut self, _: &mut PortCx<'_>) {
        self.load.touch();
    }
}
