//! What a driver gets beyond its callbacks: another turn, questions about itself, values that it
//! keeps with the runtime (process 8.11, O-15, O-17, I-10).

use std::sync::Arc;
use std::time::Duration;

use runtime::port::{self, Driver, PortCx, Readiness, Turn};
use runtime::prelude::*;
use runtime::sim;
use tests::bell;
use tests::run::on;
use tests::{down, everywhere, next, real, worlds};

/// A driver that has so many turns to do and tells its owner of each.
struct Worker {
    left: u32,
    /// It asks in its context, not by what `ready` gives.
    by_asking: bool,
}

/// A turn was done; so many are left.
#[derive(PartialEq, Debug)]
struct Done(u32);

impl Worker {
    fn turn(&mut self, cx: &mut PortCx<'_>) -> Turn {
        self.left -= 1;
        cx.send_owner(Done(self.left));
        match (self.left, self.by_asking) {
            (0, _) => Turn::Done,
            (_, false) => Turn::Again,
            (_, true) => {
                cx.again();
                Turn::Done
            }
        }
    }
}

impl Driver for Worker {
    fn name(&self) -> &'static str {
        "worker"
    }

    fn ready(&mut self, cx: &mut PortCx<'_>, _: Readiness) -> Turn {
        self.turn(cx)
    }

    fn stop(&mut self, _: &mut PortCx<'_>) {}
}

fn begin(port: PortId) {
    port::call(port, |_: &mut Worker, cx| cx.again()).expect("it is open");
}

/// O-17: a driver that is not done gets its further turns, in whichever way it asks: in simulated
/// worlds, too.
#[test]
fn o_17_a_driver_that_is_not_done_has_another_turn() {
    everywhere(|| async {
        for by_asking in [false, true] {
            let left = 5;
            let worker = port::open(Worker { left, by_asking }).expect("it starts");
            begin(worker);
            for left in (0..5).rev() {
                assert_eq!(next::<Done>().await, Done(left));
            }
        }
    });
}

/// O-17: so does one that has no source of the system, on a worker that is never idle.
#[test]
fn o_17_a_busy_worker_gives_turns_to_a_port_without_sources() {
    real(1, async {
        spawn_link(async {
            loop {
                yield_now().await;
            }
        });
        let (left, by_asking) = (5, true);
        let worker = port::open(Worker { left, by_asking }).expect("it starts");
        begin(worker);
        for left in (0..5).rev() {
            assert_eq!(next::<Done>().await, Done(left));
        }
    });
}

/// O-17: others have their turn between two of a port, and a port that has ended has none.
#[test]
fn o_17_others_have_their_turns_in_between() {
    let (mut first, mut last) = (false, false);
    sim::check(0..60, |world| {
        let (tell, told) = std::sync::mpsc::channel();
        world.spawn(async move {
            let (left, by_asking) = (1_000_000, false);
            let worker = port::open(Worker { left, by_asking }).expect("it starts");
            begin(worker);
            let (_, watch) = spawn_monitor(async { yield_now().await });
            down(watch).await;
            port::close(worker).expect("it is open");
            let turns = tests::puppet::drain::<Done>().await.len();
            sleep(Duration::from_secs(1)).await;
            assert_eq!(receive_timeout::<Done>(Duration::ZERO).await, None);
            tell.send(turns).unwrap();
        });
        world.run();
        let turns = told.recv().expect("it came to its end");
        (first, last) = (first || turns == 0, last || turns > 2);
    });
    assert!(first && last, "the order is a matter of the seed");
}

/// A world comes to its end although a port that nobody is linked to never has enough.
#[test]
fn a_world_ends_that_has_a_port_without_end() {
    let turns = sim::run(3, |world| {
        world.spawn(async {
            let (left, by_asking) = (u32::MAX, true);
            let worker = port::open(Worker { left, by_asking }).expect("it starts");
            unlink(worker);
            begin(worker);
        });
        (0..50).filter(|_| world.step()).count()
    });
    assert_eq!(turns, 50);
}

/// A driver that breaks when it is asked about itself.
struct Shy;

impl Driver for Shy {
    fn name(&self) -> &'static str {
        "shy"
    }

    fn ready(&mut self, _: &mut PortCx<'_>, _: Readiness) -> Turn {
        Turn::Done
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        assert!(runtime::try_self_pid().is_none(), "nobody is current");
        panic!("asked")
    }

    fn stop(&mut self, _: &mut PortCx<'_>) {}
}

/// O-15: a panic over a question ends the port, not who asks.
#[test]
fn o_15_a_panic_over_port_info() {
    everywhere(|| async {
        trap_exit(true);
        let shy = port::open(Shy).expect("it starts");
        let watch = monitor(shy);
        assert!(port::port_info(shy).is_none());
        assert_eq!(down(watch).await, Reason::Panic("asked".into()));
        assert!(!port::port_exists(shy));
    });
    // From outside, in a table of all ports.
    let runtime = Runtime::builder().workers(1).on_crash(|_| {}).build();
    let runtime = runtime.expect("a runtime");
    let handle = runtime.handle();
    on(runtime, async move {
        trap_exit(true);
        let (shy, (bell, _)) = (port::open(Shy).expect("it starts"), bell::open());
        let table = handle.port_table().to_string();
        assert!(table.contains("bell") && !table.contains("shy"), "{table}");
        assert!(!port::port_exists(shy) && port::port_exists(bell));
    });
}

/// I-10: what a driver keeps with the runtime is made under no lock, so that making it may need
/// another such value.
#[test]
fn i_10_an_extension_is_made_under_no_lock() {
    struct Outer(Arc<Inner>);
    struct Inner(u32);
    worlds(3, || async {
        let inner = || port::extension(|| Inner(7));
        let outer = port::extension(|| Outer(inner()));
        assert_eq!(outer.0.0, 7);
        assert!(Arc::ptr_eq(&outer.0, &inner()), "it is made once");
        let failed = std::panic::catch_unwind(|| port::extension::<u8>(|| panic!("made")));
        assert!(failed.is_err());
        assert_eq!(*port::extension(|| 3u8), 3, "who panics leaves nothing");
        sleep(Duration::ZERO).await;
    });
}
