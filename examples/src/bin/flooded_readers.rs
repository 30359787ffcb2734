//! Whether one fast peer starves 999 slow ones.
//!
//! `flooded_readers` serves 1,000 connections, a process each, with recv and with messages. 999
//! peers send a byte each in turn and wait until it comes back; the last, where it is there, sends
//! without a pause, and nothing back. It prints how long the slow ones waited, with and without the
//! fast one, on one worker and on two.
//!
//! A figure and no test: the peers are threads of this program and need processors, too.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use examples::spread::Spread;
use gen_tcp::{Error, Socket, Tcp, inet, opt::*};
use runtime::prelude::*;

const SLOW: usize = 999;
const ROUNDS: usize = 5;
/// So long at least the fast peer sends before the others are measured.
const HEAD_START: Duration = Duration::from_millis(100);
/// What the fast peer sends begins with this; what the slow ones send does not.
const FLOOD: u8 = 0xff;

/// Sends back what comes, unless it is a flood.
async fn serve(socket: Socket, by_messages: bool, taken: Arc<AtomicU64>) -> Result<(), Error> {
    loop {
        let data = if by_messages {
            gen_tcp::setopts(socket, [active(ONCE)])?;
            receive! {
                Tcp::Data(_, data) => data,
                other: Tcp => break drop(other),
            }
        } else {
            match gen_tcp::recv(socket, 0).await {
                Ok(data) => data,
                Err(_) => break,
            }
        };
        if data[0] == FLOOD {
            taken.fetch_add(data.len() as u64, Ordering::Relaxed);
        } else {
            gen_tcp::send(socket, data).await?;
        }
    }
    gen_tcp::close(socket).await
}

/// Sends without a pause until it is over.
fn fast(port: u16, over: &AtomicBool) -> io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let piece = vec![FLOOD; 64 * 1024];
    while !over.load(Ordering::Relaxed) {
        stream.write_all(&piece)?;
    }
    Ok(())
}

/// All slow peers, one after the other.
fn slow(peers: &mut [TcpStream]) -> io::Result<Spread> {
    let mut spread = Spread::default();
    for _ in 0..ROUNDS {
        for peer in &mut *peers {
            let start = Instant::now();
            peer.write_all(&[7])?;
            peer.read_exact(&mut [0])?;
            spread.add(start.elapsed());
        }
    }
    Ok(spread)
}

/// The foreign ends: how long the slow ones waited without and with the flood, and what of the
/// flood came meanwhile, in bytes a second.
fn clients(port: u16, taken: &AtomicU64) -> io::Result<(Spread, Spread, f64)> {
    let connect = |_| {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let mut peers = (0..SLOW).map(connect).collect::<io::Result<Vec<_>>>()?;
    slow(&mut peers)?;
    let quiet = slow(&mut peers)?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let fast = scope.spawn(|| fast(port, &over));
        std::thread::sleep(HEAD_START);
        let (start, before) = (Instant::now(), taken.load(Ordering::Relaxed));
        let flooded = slow(&mut peers);
        let bytes = taken.load(Ordering::Relaxed) - before;
        let rate = bytes as f64 / start.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        fast.join().expect("it does not panic")?;
        Ok((quiet, flooded?, rate))
    })
}

async fn measure(by_messages: bool) -> runtime::Result<(Spread, Spread, f64)> {
    let options = [binary(), active(false), nodelay(true), backlog(1024)];
    let listener = gen_tcp::listen(0, options.into_iter().chain([ip([127, 0, 0, 1])]))?;
    let port = inet::port(listener)?;
    let taken = Arc::new(AtomicU64::new(0));
    let counted = taken.clone();
    let acceptor = spawn_link(async move {
        while let Ok(socket) = gen_tcp::accept(listener).await {
            let counted = counted.clone();
            let server = spawn(async move {
                let socket: Socket = receive().await;
                serve(socket, by_messages, counted).await
            });
            if gen_tcp::controlling_process(socket, server).is_ok() {
                send(server, socket);
            }
        }
    });
    let spreads = runtime::blocking(move || clients(port, &taken)).await??;
    unlink(acceptor);
    exit_signal(acceptor, "kill");
    Ok(spreads)
}

fn main() -> runtime::Result {
    for workers in [1, 2] {
        for (by_messages, name) in [(false, "recv"), (true, "active once")] {
            let runtime = Runtime::builder().workers(workers).build()?;
            let (quiet, flooded, rate) = runtime.block_on(measure(by_messages))??;
            println!("{workers} workers, {name}");
            println!("  without a flood: {quiet}");
            println!("  beside {:4.0} MB/s: {flooded}", rate / 1e6);
        }
    }
    Ok(())
}
