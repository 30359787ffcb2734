//! What a destination does that is dead or never was: process 2.4, row by row (S-9).
//!
//! The rows that a typed interface cannot express (a message to an integer, an alias) have no test.

use std::time::Duration;

use runtime::port::{self, PortSignal};
use runtime::prelude::*;
use runtime::{NoProc, RegisterError, read_timer};
use tests::puppet::drain;
use tests::{bell, down, everywhere, exit_of, next, nothing, worlds};

/// A process that has ended.
async fn corpse() -> Pid {
    let (pid, watch) = spawn_monitor(async {});
    down(watch).await;
    pid
}

/// A port that has been closed.
async fn wreck() -> PortId {
    let (port, _) = bell::open();
    unlink(port);
    let watch = monitor(port);
    exit_signal(port, "normal");
    down(watch).await;
    port
}

/// S-9: a message to a pid, to a name, to a port.
#[test]
fn messages() {
    everywhere(|| async {
        send(corpse().await, "dropped");
        assert_eq!(send("nobody", "refused"), Err(NoProc));
        let name = Name::from("nobody");
        assert_eq!(send(&name, "refused"), Err(NoProc));
        // No message form does anything, not even to who names itself as the owner.
        trap_exit(true);
        let me = self_pid();
        let forms = [
            PortSignal::Command(me, vec![1]),
            PortSignal::Connect(me, me),
            PortSignal::Close(me),
            PortSignal::Bad,
        ];
        for form in forms {
            port::signal_port(wreck().await, form);
        }
        assert!(!runtime::has_messages());
    });
}

/// S-9: the value of a message to the dead is dropped at once, by the sender.
#[test]
fn a_message_to_the_dead_is_dropped_by_the_sender() {
    worlds(5, || async {
        let token = std::sync::Arc::new(());
        send(corpse().await, token.clone());
        assert_eq!(std::sync::Arc::strong_count(&token), 1);
    });
}

/// S-9: `exit/2`, `unlink`, `demonitor` of what was a monitor.
#[test]
fn signals_that_need_no_answer() {
    worlds(5, || async {
        let (pid, port) = (corpse().await, wreck().await);
        for reason in ["normal", "kill", "boom"] {
            exit_signal(pid, reason);
            exit_signal(port, reason);
        }
        unlink(pid);
        unlink(port);
        assert_eq!(unlink_flush(pid), None);
        assert_eq!(unlink_flush(port), None);
        let watch = monitor(pid);
        demonitor_flush(watch);
        nothing::<Exit>().await;
        assert!(drain::<Down>().await.is_empty());
    });
}

/// S-9, D-2: `link`, both rows, to a process and to a port.
#[test]
fn links() {
    everywhere(|| async {
        let (pid, port) = (corpse().await, wreck().await);
        assert_eq!(link(pid), Err(NoProc));
        assert_eq!(link(port), Err(NoProc));
        assert!(runtime::links().is_empty());
        trap_exit(true);
        assert_eq!(link(pid), Ok(()));
        assert_eq!(exit_of(pid).await, Reason::NoProc);
        assert_eq!(link(port), Ok(()));
        assert_eq!(exit_of(port).await, Reason::NoProc);
        assert!(runtime::links().is_empty());
    });
}

/// S-9, M-3: `monitor`, of a process, a port and a name.
#[test]
fn monitors() {
    everywhere(|| async {
        let (pid, port) = (corpse().await, wreck().await);
        let watches = [
            (monitor(pid), Item::Process(pid)),
            (monitor(port), Item::Port(port)),
            (monitor("nobody"), Item::Name("nobody".into())),
        ];
        for (watch, expected) in watches {
            let Down {
                monitor,
                item,
                reason,
            } = next().await;
            assert_eq!((monitor, item, reason), (watch, expected, Reason::NoProc));
        }
        // Demonitored at once, it tells nothing.
        demonitor_flush(monitor(pid));
        assert!(drain::<Down>().await.is_empty());
    });
}

/// S-9: questions.
#[test]
fn questions() {
    everywhere(|| async {
        let (pid, port) = (corpse().await, wreck().await);
        assert!(!is_alive(pid).await);
        assert!(!runtime::pid_exists(pid));
        assert!(process_info(pid).await.is_none());
        assert!(!processes().contains(&pid));
        assert!(port::port_info(port).is_none());
        assert!(!port::ports().contains(&port));
        assert_eq!(port::owner(port), None);
        assert_eq!(whereis("nobody"), None);
    });
}

/// S-9, N-1: a name for the dead.
#[test]
fn names() {
    everywhere(|| async {
        let (pid, port) = (corpse().await, wreck().await);
        assert_eq!(register("late", pid), Err(RegisterError::NoProc));
        assert_eq!(register("late", port), Err(RegisterError::NoProc));
        assert!(!unregister("late"));
        assert_eq!(whereis("late"), None);
    });
}

/// S-9: a timer whose destination is dead is inactive from the start.
#[test]
fn timers() {
    everywhere(|| async {
        let timer = send_after(Duration::from_secs(1000), corpse().await, "never");
        assert_eq!(read_timer(timer), None);
        assert_eq!(cancel_timer(timer), None);
    });
}

/// S-9: calls of a closed port, and handing one over to the dead, who leaves all as it was.
#[test]
fn calls_of_ports() {
    everywhere(|| async {
        let gone = wreck().await;
        assert!(bell::ring(gone, 1).is_err());
        let closed = port::CommandError::Closed;
        assert_eq!(port::command(gone, "data").await, Err(closed));
        assert_eq!(port::try_command(gone, "data"), Err(closed));
        assert_eq!(
            port::control(gone, 0, "data"),
            Err(port::ControlError::Closed)
        );
        assert_eq!(port::close(gone), Err(port::PortClosed));
        let (port, _) = bell::open();
        assert_eq!(
            port::hand_over(gone, self_pid()),
            Err(port::HandOverError::Closed)
        );
        let dead = corpse().await;
        assert_eq!(
            port::hand_over(port, dead),
            Err(port::HandOverError::NoProc)
        );
        assert_eq!(port::owner(port), Some(self_pid()));
        let info = port::port_info(port).expect("it is open");
        assert_eq!(info.links, [self_pid()]);
        bell::ring(port, 7).unwrap();
        assert_eq!(next::<bell::Rung>().await, bell::Rung(port, 7));
    });
}

/// P-1, P-2: a pid of the dead never means the next tenant of its slot.
#[test]
fn p_2_a_stale_pid_hits_nobody() {
    everywhere(|| async {
        let dead = corpse().await;
        let mut others = Vec::new();
        for _ in 0..50 {
            let (pid, watch) = spawn_monitor(async { receive::<()>().await });
            assert_ne!(pid, dead);
            exit_signal(dead, "kill");
            send(dead, ());
            others.push((pid, watch));
        }
        for (pid, watch) in others {
            assert!(is_alive(pid).await);
            send(pid, ());
            assert_eq!(down(watch).await, Reason::Normal);
        }
    });
}

/// P-2: a pid of another runtime is a dead one.
#[test]
fn a_pid_of_another_runtime_is_dead() {
    let other = Runtime::builder().workers(1).build().expect("a runtime");
    let stranger = other.handle().spawn(std::future::pending::<()>());
    tests::real(1, async move {
        send(stranger, "dropped");
        exit_signal(stranger, "kill");
        assert!(!is_alive(stranger).await);
        assert_eq!(link(stranger), Err(NoProc));
        assert_eq!(down(monitor(stranger)).await, Reason::NoProc);
        assert_eq!(register("stranger", stranger), Err(RegisterError::NoProc));
    });
    assert_eq!(other.handle().process_count(), 1);
}
