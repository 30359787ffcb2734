//! Micro-benchmarks of a socket's way: send, recv, delivery by message, options.
//!
//! ```text
//! cargo bench -p gen_tcp --bench socket            # all
//! cargo bench -p gen_tcp --bench socket -- active  # some
//! ```
//! A sample is one process that does `N` operations on a connection over loopback, both of whose
//! ends are in the same runtime with one worker; the kernel's part is in it. `items` in divan's
//! table are operations. How the driver fares beside others: `tests/peers/compare`.

use std::future::Future;

use divan::Bencher;
use divan::counter::ItemsCount;
use gen_tcp::{Socket, Tcp, getopts, inet, opt::*, setopts};
use runtime::prelude::*;

/// Operations of one sample.
const N: usize = 1000;
/// Packets that are sent in one piece.
const BATCH: usize = 50;
/// Bytes of a request.
const SIZE: usize = 64;

fn main() {
    divan::main();
}

/// Each sample is a process that makes a connection and does `operations` on both its ends.
fn sample<F>(bencher: Bencher<'_, '_>, operations: fn(Socket, Socket) -> F)
where
    F: Future<Output = Result<(), gen_tcp::Error>> + Send + 'static,
{
    let runtime = Runtime::builder().workers(1).on_crash(|_| {}).build();
    let runtime = runtime.expect("a runtime");
    bencher.counter(ItemsCount::new(N)).bench_local(|| {
        let ended = runtime.block_on(async move {
            let (client, server) = connection().await?;
            operations(client, server).await
        });
        ended.expect("it comes to its end").expect("no error");
    });
}

async fn connection() -> Result<(Socket, Socket), gen_tcp::Error> {
    let options = [binary(), active(false), nodelay(true)];
    let listener = gen_tcp::listen(0, [&options[..], &[ip([127, 0, 0, 1])]].concat())?;
    let port = inet::port(listener)?;
    // Closing with a reset leaves no end waiting in the kernel.
    let reset = [&options[..], &[linger(true, 0)]].concat();
    let client = gen_tcp::connect([127, 0, 0, 1], port, reset).await?;
    Ok((client, gen_tcp::accept(listener).await?))
}

/// There, by send and by recv.
#[divan::bench]
fn send_and_recv(bencher: Bencher<'_, '_>) {
    sample(bencher, |client, server| async move {
        for _ in 0..N {
            gen_tcp::send(client, &[b'x'; SIZE]).await?;
            assert_eq!(gen_tcp::recv(server, SIZE).await?.len(), SIZE);
        }
        Ok(())
    });
}

/// There, and as a message to the owner.
#[divan::bench]
fn send_and_active(bencher: Bencher<'_, '_>) {
    sample(bencher, |client, server| async move {
        setopts(server, [active(true)])?;
        for _ in 0..N {
            gen_tcp::send(client, &[b'x'; SIZE]).await?;
            receive! { Tcp::Data(_, data) => assert_eq!(data.len(), SIZE) }
        }
        Ok(())
    });
}

/// As above, one message at a time: an option is set for each.
#[divan::bench]
fn send_and_active_once(bencher: Bencher<'_, '_>) {
    sample(bencher, |client, server| async move {
        for _ in 0..N {
            gen_tcp::send(client, &[b'x'; SIZE]).await?;
            setopts(server, [active(ONCE)])?;
            receive! { Tcp::Data(_, data) => assert_eq!(data.len(), SIZE) }
        }
        Ok(())
    });
}

/// Packets with a length of four in front: many are sent in one piece, each is received alone.
#[divan::bench]
fn packets_in_one_piece(bencher: Bencher<'_, '_>) {
    sample(bencher, |client, server| async move {
        let packet_ = [&(SIZE as u32).to_be_bytes()[..], &[b'x'; SIZE]].concat();
        let piece = packet_.repeat(BATCH);
        setopts(server, [packet(4)])?;
        for _ in 0..N / BATCH {
            gen_tcp::send(client, &piece).await?;
            for _ in 0..BATCH {
                assert_eq!(gen_tcp::recv(server, 0).await?.len(), SIZE);
            }
        }
        Ok(())
    });
}

/// Bytes that are put back and received again: the port's part of a recv, without the kernel.
#[divan::bench]
fn unrecv_and_recv(bencher: Bencher<'_, '_>) {
    sample(bencher, |client, _| async move {
        for _ in 0..N {
            gen_tcp::unrecv(client, &[b'x'; SIZE])?;
            assert_eq!(gen_tcp::recv(client, 0).await?.len(), SIZE);
        }
        Ok(())
    });
}

/// Options that the driver keeps are set and asked for.
#[divan::bench]
fn options(bencher: Bencher<'_, '_>) {
    sample(bencher, |client, _| async move {
        for _ in 0..N {
            setopts(client, [packet(0), buffer(4096)])?;
            assert_eq!(getopts(client, [gen_tcp::Name::Buffer])?, [buffer(4096)]);
        }
        Ok(())
    });
}
