//! A storm of connections over loopback on two to four workers: they come about, carry data in all
//! modes, change hands, are asked about by strangers, and end in all the ways.
//!
//! There are two listeners, one raw and one of packets; clients hold conversations one after the
//! other, several at once. Invariant: what comes over a connection is a beginning of what was sent,
//! all of it where nobody broke it off; after each round no process, port, timer or descriptor is
//! left.

mod client;
mod reader;
mod server;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gen_tcp::{Opt, Socket, inet, opt::*};
use runtime::port;
use runtime::prelude::*;
use tests::alone::descriptors;
use tests::sockets::{SMALL, listen};
use tests::{Random, Stream};

use crate::common::{self, until_empty};
use client::Client;

const CLIENTS: u64 = 8;
const CONVERSATIONS: usize = 8;
const ACCEPTORS: u64 = 3;

/// The two kinds of connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A stream that is echoed.
    Raw,
    /// Packets of several senders.
    Packets,
}

impl Kind {
    fn options(self) -> Vec<Opt> {
        let small = [sndbuf(SMALL), recbuf(SMALL), high_watermark(SMALL)];
        let kind = match self {
            Kind::Raw => packet(0),
            Kind::Packets => packet(2),
        };
        // The server answers what it has read, also where nothing more will come.
        let rest = [kind, exit_on_close(false)];
        small.into_iter().chain(rest).collect()
    }
}

/// A file with the beginning of the stream, which has no name any more.
fn file() -> std::io::Result<File> {
    let path = std::env::temp_dir().join(format!("storm-{}", std::process::id()));
    std::fs::write(&path, Stream::default().take(client::FILE_BYTES))?;
    let file = File::open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// What stands at the descriptors, in order, but for pipes: a sanitizer has some to who names its
/// addresses.
fn behind_descriptors() -> Vec<PathBuf> {
    let target = |fd: u64| std::fs::read_link(format!("/proc/self/fd/{fd}")).ok();
    let mut all: Vec<PathBuf> = descriptors().into_iter().filter_map(target).collect();
    all.retain(|target| !target.to_string_lossy().starts_with("pipe:"));
    all.sort();
    all
}

/// So many rounds, each with these workers and this seed.
pub(crate) fn rounds(rounds: u64, of: impl Fn(u64) -> (usize, u64)) {
    // It makes the table of the stream, too, before there is another thread.
    let file = Arc::new(file().expect("there is a folder for what is temporary"));
    let before = behind_descriptors();
    for (workers, seed) in (0..rounds).map(of) {
        let runtime = common::runtime(workers);
        let ended = runtime.block_on(storm(seed, file.clone()));
        assert_eq!(ended, Ok(()), "seed {seed}");
        // Two ends that are closed and write what they had to say, to nobody who reads, go on with
        // that for minutes: a shutdown ends them.
        let late = runtime.shutdown(Duration::from_secs(60)).late;
        assert!(late.is_empty(), "still running: {late:?}");
        until_empty(&runtime, "a round of sockets");
        drop(runtime);
        assert_eq!(behind_descriptors(), before, "descriptors that are left");
    }
}

/// Listens, lets the clients come and see each other through, and closes.
async fn storm(seed: u64, file: Arc<File>) {
    trap_exit(true);
    let doors = [Kind::Raw, Kind::Packets].map(|kind| {
        let (listener, number) = listen(kind.options().into_iter().chain([backlog(256)]));
        for n in 0..ACCEPTORS {
            spawn(server::accepts(listener, kind, seed * 100 + n));
        }
        (kind, listener, number)
    });
    let ports = doors.map(|(kind, _, number)| (kind, number));
    let clients: Vec<(Pid, Ref)> = (0..CLIENTS)
        .map(|n| {
            let (random, file) = (Random(seed * 1000 + n + 1), file.clone());
            let client = Client {
                random,
                ports,
                file,
            };
            spawn_monitor(client.talks(CONVERSATIONS))
        })
        .collect();
    let nosy = spawn(looks_round(seed));
    for (_, watch) in clients {
        let down = receive_match(|down: &Down| down.monitor == watch).await;
        assert_eq!(down.reason, Reason::Normal, "a client");
    }
    exit_signal(nosy, Reason::Kill);
    for (_, listener, _) in doors {
        gen_tcp::close(listener).await.expect("close does not fail");
    }
    // Handlers see the ends of their connections by themselves; the rest was made to hang.
    while !port::ports().is_empty() || processes().len() > 1 {
        for pid in processes().into_iter().filter(|pid| *pid != self_pid()) {
            exit_signal(pid, Reason::Kill);
        }
        for id in port::ports() {
            exit_signal(id, Reason::Kill);
        }
        yield_now().await;
    }
}

/// Asks about all sockets, is linked to some for a moment, and watches some.
async fn looks_round(seed: u64) {
    trap_exit(true);
    let mut random = Random(seed | 1);
    loop {
        let ports = port::ports();
        if let Some(id) = ports.get(random.below(ports.len() + 1)) {
            let socket = Socket::from_port(*id);
            match random.below(8) {
                0 => drop(inet::getstat(socket, [])),
                1 => drop(inet::peername(socket)),
                2 => drop(inet::states(socket)),
                3 => drop(port::port_info(*id)),
                4 => drop(gen_tcp::getopts(socket, [gen_tcp::Name::Active])),
                5 => {
                    let watch = inet::monitor(socket);
                    yield_now().await;
                    demonitor_flush(watch);
                }
                6 => {
                    if link(socket).is_ok() {
                        yield_now().await;
                        unlink_flush(socket);
                    }
                }
                _ => drop(gen_tcp::controlling_process(socket, self_pid())),
            }
        }
        receive_timeout::<Exit>(Duration::from_micros(50)).await;
    }
}
