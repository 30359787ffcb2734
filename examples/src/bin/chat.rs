//! A chat server in which every connection is a process, and so is the room.
//!
//! `cargo run --release --bin chat [PORT]` serves until it is killed: speak to it with `nc
//! localhost 4567`.
//! `chat --demo` plays two guests on a real socket, prints what they see, and ends.

use std::collections::BTreeMap;
use std::time::Duration;

use gen_tcp::{Data, Error, PacketType, Socket, Tcp, inet, opt::*, setopts};
use runtime::prelude::*;

/// To the room: somebody is there.
struct Enter(Pid, String);
/// To the room: somebody says something.
struct Say(Pid, String);
/// To a guest: a line for its screen.
struct Line(String);

/// The room: knows its guests, and watches them, so that whoever crashes has left like everyone
/// else.
async fn room() {
    let mut guests: BTreeMap<Pid, String> = BTreeMap::new();
    loop {
        let (text, but) = receive! {
            Enter(pid, name) => {
                monitor(pid);
                let text = format!("{name} has come");
                guests.insert(pid, name);
                (text, pid)
            }
            Say(pid, text) => (format!("{}: {text}", guests[&pid]), pid),
            Down { item: Item::Process(pid), .. } => {
                let Some(name) = guests.remove(&pid) else { continue };
                (format!("{name} has gone"), pid)
            }
        };
        for guest in guests.keys().filter(|guest| **guest != but) {
            send(*guest, Line(text.clone()));
        }
    }
}

/// One connection: the first line is the name, every further one is said in the room.
async fn guest(socket: Socket, room: Pid) -> Result<(), Error> {
    let line = |data: Data| String::from_utf8_lossy(&data).trim_end().to_owned();
    gen_tcp::send(socket, "Your name?\n").await?;
    let name = line(gen_tcp::recv(socket, 0).await?);
    send(room, Enter(self_pid(), name));
    setopts(socket, [active(ONCE)])?;
    loop {
        receive! {
            Tcp::Data(_, data) => {
                send(room, Say(self_pid(), line(data)));
                setopts(socket, [active(ONCE)])?;
            }
            Line(text) => gen_tcp::send(socket, text + "\n").await?,
            Tcp::Closed(_) => return Ok(()),
            Tcp::Error(_, error) => return Err(error),
        }
    }
}

async fn serve(listener: Socket) -> runtime::Result {
    let room = spawn_link(room());
    loop {
        let socket = gen_tcp::accept(listener).await?;
        let pid = spawn(async move {
            receive! { socket: Socket => guest(socket, room).await }
        });
        if gen_tcp::controlling_process(socket, pid).is_ok() {
            send(pid, socket);
        }
    }
}

/// Somebody at a terminal: says its lines, and prints what it sees until nothing comes for a while.
async fn terminal(
    port: u16,
    name: &'static str,
    lines: &'static [&'static str],
) -> runtime::Result {
    let options = [binary(), packet(PacketType::Line), active(true)];
    let socket = gen_tcp::connect("localhost", port, options).await?;
    gen_tcp::send(socket, format!("{name}\n")).await?;
    sleep(Duration::from_millis(100)).await;
    for line in lines {
        gen_tcp::send(socket, format!("{line}\n")).await?;
    }
    loop {
        receive! {
            Tcp::Data(_, data) => print!("{name:>5} sees  {}", String::from_utf8_lossy(&data)),
            after(Duration::from_millis(500)) => break,
        }
    }
    Ok(gen_tcp::close(socket).await?)
}

fn main() -> runtime::Result {
    let argument = std::env::args().nth(1);
    let demo = argument.as_deref() == Some("--demo");
    let number = argument
        .filter(|_| !demo)
        .map_or(Ok(4567), |text| text.parse())?;
    runtime::run(async move {
        let framing = [
            binary(),
            packet(PacketType::Line),
            active(false),
            reuseaddr(true),
        ];
        let listener = gen_tcp::listen(if demo { 0 } else { number }, framing)?;
        let port = inet::port(listener)?;
        println!("the room is open on port {port}");
        if !demo {
            return serve(listener).await;
        }
        let server = spawn(async {
            receive! { listener: Socket => serve(listener).await }
        });
        gen_tcp::controlling_process(listener, server)?;
        send(server, listener);
        let (_, watch) = spawn_monitor(terminal(port, "ann", &["hello?", "bye"]));
        terminal(port, "bob", &["I am here"]).await?;
        receive! { Down { monitor, .. } if monitor == watch => Ok(()) }
    })
}
