//! The server that `tests/peers/compare` measures: echo, echo with 4-byte packets, or a sink.
//!
//! `bench_tcp --port P --mode echo|echo4|sink --style passive|active|once|n --threads T` prints
//! `ready PORT` and serves until it is killed: one process for each connection, accepts without
//! end.

use gen_tcp::{Error, Socket, Tcp, inet, opt::*, setopts};
use runtime::prelude::*;

/// How a connection's process takes its data.
#[derive(Clone, Copy)]
enum Style {
    Passive,
    Active,
    Once,
    N,
}

struct Settings {
    port: u16,
    mode: String,
    style: Style,
    threads: usize,
}

fn settings() -> Result<Settings, String> {
    let mut settings = Settings {
        port: 0,
        mode: "echo".into(),
        style: Style::Passive,
        threads: 1,
    };
    let mut args = std::env::args().skip(1);
    while let (Some(name), Some(value)) = (args.next(), args.next()) {
        match (name.as_str(), value.as_str()) {
            ("--port", port) => settings.port = port.parse().map_err(|_| "--port: a number")?,
            ("--threads", n) => settings.threads = n.parse().map_err(|_| "--threads: a number")?,
            ("--mode", mode) => settings.mode = mode.into(),
            ("--style", "passive") => settings.style = Style::Passive,
            ("--style", "active") => settings.style = Style::Active,
            ("--style", "once") => settings.style = Style::Once,
            ("--style", "n") => settings.style = Style::N,
            other => return Err(format!("what is {other:?}?")),
        }
    }
    Ok(settings)
}

async fn passive(socket: Socket, sink: bool) -> Result<(), Error> {
    loop {
        match gen_tcp::recv(socket, 0).await {
            Ok(_) if sink => {}
            Ok(data) => gen_tcp::send(socket, data).await?,
            Err(_) => return gen_tcp::close(socket).await,
        }
    }
}

async fn by_messages(socket: Socket, style: Style, sink: bool) -> Result<(), Error> {
    let again = || match style {
        Style::Once => setopts(socket, [active(ONCE)]),
        Style::N => setopts(socket, [active(100)]),
        Style::Active | Style::Passive => Ok(()),
    };
    if matches!(style, Style::Active) {
        setopts(socket, [active(true)])?;
    } else {
        again()?;
    }
    loop {
        receive! {
            message: Tcp => match message {
                Tcp::Data(_, data) => {
                    if !sink {
                        gen_tcp::send(socket, data).await?;
                    }
                    if matches!(style, Style::Once) {
                        again()?;
                    }
                }
                Tcp::Passive(_) => again()?,
                _ => return Ok(()),
            }
        }
    }
}

fn main() -> runtime::Result {
    let settings = settings()?;
    let runtime = Runtime::builder().workers(settings.threads).build()?;
    let served = runtime.block_on(async move {
        let framing = if settings.mode == "echo4" {
            packet(4)
        } else {
            packet(0)
        };
        let options = [
            binary(),
            active(false),
            framing,
            reuseaddr(true),
            nodelay(true),
            backlog(4096),
            ip([127, 0, 0, 1]),
        ];
        let listener = gen_tcp::listen(settings.port, options)?;
        println!("ready {}", inet::port(listener)?);
        let (style, sink) = (settings.style, settings.mode == "sink");
        loop {
            let socket = gen_tcp::accept(listener).await?;
            let server = spawn(async move {
                receive! {
                    socket: Socket => match style {
                        Style::Passive => passive(socket, sink).await,
                        style => by_messages(socket, style, sink).await,
                    }
                }
            });
            if gen_tcp::controlling_process(socket, server).is_ok() {
                send(server, socket);
            }
        }
    });
    served?
}
