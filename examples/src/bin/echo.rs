//! The main job in one program: an echo server and its client as processes, on a real socket.
//!
//! `cargo run --release --bin echo` prints what happens and ends by itself: data in passive and in
//! active mode, a socket handed to a third process, the refusal to a stranger, a socket that dies
//! with its owner.

use std::time::Duration;

use gen_tcp::{Error, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;

/// What a waiting process is told.
struct Go;

/// How long anything in this program may take.
const LIMIT: Duration = Duration::from_secs(10);

/// A server: accepts for ever, a process for each connection.
async fn serve(listener: Socket) -> Result<(), Error> {
    loop {
        let socket = gen_tcp::accept(listener).await?;
        let worker = spawn(async move {
            receive! { Go => {} }
            echo(socket).await
        });
        // From here the socket is the worker's: linked to it, and gone with it.
        gen_tcp::controlling_process(socket, worker)?;
        println!("server {}: handed {socket} to {worker}", self_pid());
        send(worker, Go);
    }
}

/// One connection, passive: each recv asks for what is there.
async fn echo(socket: Socket) -> Result<(), Error> {
    loop {
        match gen_tcp::recv(socket, 0).await {
            Ok(data) => gen_tcp::send(socket, data).await?,
            Err(Error::Closed) => break,
            Err(error) => return Err(error),
        }
    }
    println!("worker {}: its peer has closed", self_pid());
    gen_tcp::close(socket).await
}

/// A client that asks with recv.
async fn passive_client(port: u16) -> Result<(), Error> {
    let socket = gen_tcp::connect("localhost", port, [binary(), active(false)]).await?;
    gen_tcp::send(socket, "hello, passive").await?;
    let data = gen_tcp::recv_timeout(socket, 0, LIMIT).await?;
    println!(
        "client {}: recv gave {:?}",
        self_pid(),
        String::from_utf8_lossy(&data)
    );
    gen_tcp::close(socket).await
}

/// A client whose data arrives as messages.
async fn active_client(port: u16) -> Result<(), Error> {
    let socket = gen_tcp::connect("localhost", port, [binary(), active(ONCE)]).await?;
    gen_tcp::send(socket, "hello, active").await?;
    receive! {
        Tcp::Data(s, data) if s == socket => {
            let text = String::from_utf8_lossy(&data);
            println!("client {}: got {text:?} as a message", self_pid());
        }
        after(LIMIT) => println!("client {}: nothing came", self_pid()),
    }
    gen_tcp::close(socket).await
}

/// Ownership: who may hand a socket over, and what happens to it when its owner ends.
async fn ownership(port: u16) -> runtime::Result {
    let main = self_pid();
    let owner = spawn(async move {
        let socket = gen_tcp::connect("localhost", port, [binary(), active(false)]).await?;
        send(main, socket);
        receive! { Go => {} }
        println!("owner {}: ends, and does not close {socket}", self_pid());
        Ok::<(), Error>(())
    });
    let socket = receive! { socket: Socket => socket };
    let refused = gen_tcp::controlling_process(socket, main);
    println!("stranger {main}: controlling_process({socket}, me) gives {refused:?}");
    let watch = inet::monitor(socket);
    send(owner, Go);
    receive! {
        Down { monitor, reason, .. } if monitor == watch => {
            println!("main {main}: {socket} went with its owner, reason {reason}");
        }
        after(LIMIT) => println!("main {main}: {socket} is still there"),
    }
    Ok(())
}

fn main() -> runtime::Result {
    runtime::run(async {
        let options = [binary(), active(false), ip([127, 0, 0, 1]), reuseaddr(true)];
        let listener = gen_tcp::listen(0, options)?;
        let port = inet::port(listener)?;
        println!("main {}: {listener} listens on port {port}", self_pid());

        let server = spawn(async {
            receive! { listener: Socket => serve(listener).await }
        });
        gen_tcp::controlling_process(listener, server)?;
        send(server, listener);

        passive_client(port).await?;
        active_client(port).await?;
        ownership(port).await?;

        let watch = monitor(server);
        exit_signal(server, Reason::Shutdown);
        receive! {
            Down { monitor, reason, .. } if monitor == watch => {
                println!("main {}: the server ended, reason {reason}", self_pid());
            }
        }
        println!(
            "main {}: the listener is open: {}",
            self_pid(),
            inet::is_open(listener)
        );
        Ok(())
    })
}
