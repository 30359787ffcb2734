//! First things first.
use runtime::prelude::*;
use std::time::Duration;

#[derive(Debug)]
struct Ping(Pid);
struct Pong;

#[test]
fn ping_pong() {
    runtime::run(async {
        let server = spawn_link(async {
            loop {
                receive! { Ping(from) => send(from, Pong) }
            }
        });
        for _ in 0..1000 {
            send(server, Ping(self_pid()));
            receive! {
                Pong => {}
                after(Duration::from_secs(5)) => panic!("no answer"),
            }
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn monitors_and_links() {
    runtime::run(async {
        trap_exit(true);
        let (pid, m) = spawn_monitor(async { exit("boom").await });
        receive! {
            Down { monitor, reason, .. } if monitor == m => {
                assert_eq!(reason, Reason::from("boom"));
            }
            after(Duration::from_secs(5)) => panic!("no down"),
        }
        assert!(!is_alive(pid).await);
        let p = spawn_link(async { panic!("oh no") });
        receive! {
            Exit { from, reason } if from == p => println!("{reason}"),
            after(Duration::from_secs(5)) => panic!("no exit"),
        }
        sleep(Duration::from_millis(10)).await;
        let t = start_timer(Duration::from_millis(5), self_pid(), 7u8);
        receive! {
            Timeout::<u8> { timer, message } if timer == t => assert_eq!(message, 7),
            after(Duration::from_secs(5)) => panic!("no timeout"),
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn simulated() {
    runtime::sim::check(0..20, |w| {
        let a = w.spawn(async {
            let n: u32 = receive! { n: u32 => n, after(Duration::from_secs(3600)) => 0 };
            assert_eq!(n, 0);
        });
        w.run();
        assert_eq!(w.exit_reason(a), Some(Reason::Normal));
        assert!(w.now() >= Duration::from_secs(3600));
    });
}
