//! What two processes that only compute and yield cost an echo on the same two workers.
//!
//! `busy_echo` serves one connection, over which a thread sends 64 bytes and waits until they come
//! back, again and again. It prints how long that took while nobody computes, and while two
//! processes compute, with a yield after so many microseconds.
//!
//! A figure and no test: the client's thread has no processor for itself either.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use examples::busy::busy;
use examples::spread::Spread;
use gen_tcp::{Error, Socket, inet, opt::*};
use runtime::prelude::*;

const WORKERS: usize = 2;
const ECHOES: usize = 3000;
const SIZE: usize = 64;
/// Microseconds between two yields of a process that computes; none: nobody computes.
const COMPUTING: [Option<u64>; 5] = [None, Some(1), Some(10), Some(100), Some(500)];

async fn echo(listener: Socket) -> Result<(), Error> {
    let socket = gen_tcp::accept(listener).await?;
    loop {
        match gen_tcp::recv(socket, 0).await {
            Ok(data) => gen_tcp::send(socket, data).await?,
            Err(_) => return gen_tcp::close(socket).await,
        }
    }
}

/// The foreign end: how long each echo took.
fn client(port: u16) -> std::io::Result<Spread> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let (mut bytes, mut spread) = ([7; SIZE], Spread::default());
    for _ in 0..ECHOES {
        let start = Instant::now();
        stream.write_all(&bytes)?;
        stream.read_exact(&mut bytes)?;
        spread.add(start.elapsed());
    }
    Ok(spread)
}

/// The echoes with two processes that compute for so many microseconds, if any.
async fn measure(computing: Option<u64>) -> runtime::Result<Spread> {
    let options = [binary(), active(false), nodelay(true), ip([127, 0, 0, 1])];
    let listener = gen_tcp::listen(0, options)?;
    let port = inet::port(listener)?;
    let echo = spawn_link(echo(listener));
    let hogs: Vec<Pid> = (0..computing.map_or(0, |_| WORKERS))
        .map(|_| spawn(busy(Duration::from_micros(computing.unwrap_or(0)))))
        .collect();
    let spread = runtime::blocking(move || client(port)).await??;
    for pid in hogs.into_iter().chain([echo]) {
        unlink(pid);
        exit_signal(pid, "kill");
    }
    Ok(spread)
}

fn main() -> runtime::Result {
    for computing in COMPUTING {
        let runtime = Runtime::builder().workers(WORKERS).build()?;
        let spread = runtime.block_on(measure(computing))??;
        match computing {
            None => println!("nobody computes:            {spread}"),
            Some(time) => println!("two yield every {time:4} us:    {spread}"),
        }
    }
    Ok(())
}
