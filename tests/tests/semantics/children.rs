//! A driver of a third party's: child processes of the system as ports (`examples/src/child.rs`),
//! held to the rules of ports (process 8).

use std::process::Command;
use std::time::Duration;

use examples::child::{self, END_OF_INPUT, ExitStatusIs, FromChild};
use runtime::port;
use runtime::prelude::*;
use tests::{down, exit_of, next, real};

fn shell(script: &str) -> PortId {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    child::open(command).expect("there is a shell")
}

/// All that a child prints until it ends, and its code.
async fn output(child: PortId) -> (Vec<u8>, Option<i32>) {
    let mut all = Vec::new();
    loop {
        match next::<FromChild>().await {
            FromChild::Data(from, data) if from == child => all.extend(data),
            FromChild::Exited(from, code) if from == child => return (all, code),
            other => panic!("came: {other:?}"),
        }
    }
}

/// 8.7: data, then the status, then the exit, in this order.
#[test]
fn the_order_at_the_end_of_a_child() {
    real(2, async {
        trap_exit(true);
        let child = shell("echo first; echo second; exit 3");
        assert_eq!(output(child).await, (b"first\nsecond\n".to_vec(), Some(3)));
        assert_eq!(exit_of(child).await, Reason::custom(ExitStatusIs(Some(3))));
        let good = shell("true");
        assert_eq!(output(good).await, (vec![], Some(0)));
        assert_eq!(exit_of(good).await, Reason::Normal);
        let killed = shell("kill -9 $$");
        assert_eq!(output(killed).await, (vec![], None));
        let missing = child::open(Command::new("there-is-no-such-program"));
        assert!(missing.is_err());
    });
}

/// O-13: a child that does not read holds up who writes, and loses nothing.
#[test]
fn a_child_that_does_not_read_makes_its_port_busy() {
    real(2, async {
        let child = shell("sleep 0.1; wc -c");
        let mut was_busy = false;
        for _ in 0..50 {
            was_busy |= port::try_command(child, "").is_err();
            port::command(child, vec![b'x'; 20_000])
                .await
                .expect("it is open");
        }
        assert!(was_busy);
        port::control(child, END_OF_INPUT, "").expect("it is open");
        let (text, code) = output(child).await;
        assert_eq!(
            (String::from_utf8_lossy(&text).trim(), code),
            ("1000000", Some(0))
        );
    });
}

/// 8.3: a port goes with its owner, and takes the child along; its job ends, so that the runtime
/// does.
#[test]
fn a_child_goes_with_its_owner() {
    real(2, async {
        let main = self_pid();
        let owner = spawn(async move {
            send(main, shell("exec sleep 1000"));
            receive::<()>().await
        });
        let child: PortId = next().await;
        let facts = port::port_info(child).expect("it is open").facts;
        let (_, os_pid) = facts
            .iter()
            .find(|(name, _)| *name == "os_pid")
            .expect("it has one");
        let watch = monitor(child);
        exit_signal(owner, "boom");
        assert_eq!(down(watch).await, Reason::from("boom"));
        let pid = os_pid.parse().ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("it is a number");
        while rustix::process::test_kill_process(pid).is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    });
}
