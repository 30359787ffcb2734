//! Child processes of the system as ports: what they print, how they end, and what binds them to
//! us.
//!
//! `cargo run --bin child`. It needs `sh`, `cat` and `sleep`, and ends by itself.

use std::process::Command;
use std::time::Duration;

use examples::child::{self, END_OF_INPUT, FromChild};
use runtime::port;
use runtime::prelude::*;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Prints what comes from a child until its port has closed, and how it closed.
async fn watch(child: PortId) {
    loop {
        receive! {
            FromChild::Data(from, data) if from == child =>
                println!("  it says {:?}", String::from_utf8_lossy(&data)),
            FromChild::Exited(from, code) if from == child =>
                println!("  it ended, with code {code:?}"),
            Exit { from, reason } if from == child => {
                println!("  its port closed: {reason}");
                return;
            }
        }
    }
}

fn main() -> runtime::Result {
    runtime::run(async {
        trap_exit(true);

        println!("cat says what it is told, until its input ends:");
        let cat = child::open(Command::new("cat"))?;
        port::command(cat, "hello").await?;
        receive! {
            FromChild::Data(from, data) if from == cat =>
                println!("  it says {:?}", String::from_utf8_lossy(&data)),
        }
        port::control(cat, END_OF_INPUT, "")?;
        watch(cat).await;

        println!("one that fails:");
        watch(child::open(shell("echo oh dear; exit 3"))?).await;

        println!("one that does not exist:");
        if let Err(error) = child::open(Command::new("no-such-program")) {
            println!("  {error}");
        }

        println!("one that does not read for a while holds up who writes, and nobody else:");
        let slow = child::open(shell("sleep 0.2; wc -c"))?;
        let mut waited = 0;
        for _ in 0..64 {
            let data = vec![b'.'; 16 * 1024];
            if let Err(port::CommandError::Busy) = port::try_command(slow, &data) {
                waited += 1;
                port::command(slow, data).await?;
            }
        }
        println!(
            "  {} of 64 commands had to wait",
            if waited > 0 { "some" } else { "none" }
        );
        port::control(slow, END_OF_INPUT, "")?;
        watch(slow).await;

        println!("a child goes with the owner of its port:");
        let me = self_pid();
        let owner = spawn(async move {
            let sleeper = child::open(Command::new("yes"));
            send(me, sleeper.map_err(|error| error.to_string()));
            receive::<()>().await
        });
        let sleeper = receive::<Result<PortId, String>>().await?;
        let down = monitor(sleeper);
        exit_signal(owner, "enough");
        receive! {
            Down { monitor, reason, .. } if monitor == down =>
                println!("  its port closed: {reason}"),
            after(Duration::from_secs(5)) => println!("  it lives on"),
        }
        Ok(())
    })
}
