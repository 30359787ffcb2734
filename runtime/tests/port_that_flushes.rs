//! A port whose driver needs time for its output is closed for everybody, and yet there.

use std::time::Duration;

use runtime::port::{self, Driver, Flush, PortCx, Readiness, Turn};
use runtime::prelude::*;

/// Needs some time to flush, unless it is killed.
struct SlowDriver;

const FLUSH: Duration = Duration::from_millis(50);

impl Driver for SlowDriver {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn ready(&mut self, _: &mut PortCx<'_>, _: Readiness) -> Turn {
        Turn::Done
    }

    fn timeout(&mut self, cx: &mut PortCx<'_>) {
        cx.flushed();
    }

    fn flush(&mut self, cx: &mut PortCx<'_>, kill: bool) -> Flush {
        if kill {
            return Flush::Done;
        }
        cx.set_timer(FLUSH);
        Flush::Later
    }

    fn stop(&mut self, _: &mut PortCx<'_>) {}
}

#[test]
fn a_port_that_flushes_is_closed_and_exists() {
    runtime::sim::check(0..4, |world| {
        let test = world.spawn(async {
            trap_exit(true);
            let slow = port::open(SlowDriver).expect("a port is free");
            assert!(port::port_exists(slow));
            exit_signal(slow, "enough");
            assert!(port::port_info(slow).is_none() && port::port_exists(slow));
            sleep(FLUSH * 2).await;
            assert!(!port::port_exists(slow));

            let killed = port::open(SlowDriver).expect("a port is free");
            exit_signal(killed, Reason::Kill);
            assert!(!port::port_exists(killed) && !port::port_exists(slow));
        });
        world.run();
        assert_eq!(world.exit_reason(test), Some(Reason::Normal));
    });
}
