//! A client of the storm: one conversation after the other.
//!
//! Spawned by the storm, which sees it end. Invariant: a conversation that nobody broke off has
//! brought back all that was sent.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use gen_tcp::{How, Socket, inet};
use runtime::prelude::*;
use tests::sockets::{HOST, passive};
use tests::{LIMIT, Random, Stream};

use super::Kind;
use super::reader::{ALL, BREAK, Ended, Expected, Reader, Role, TALKERS};

/// Bytes of the file that is sent now and then.
pub(crate) const FILE_BYTES: usize = 40_000;

/// See the file's header.
pub(crate) struct Client {
    pub(crate) random: Random,
    pub(crate) ports: [(Kind, u16); 2],
    /// A file with the beginning of the stream.
    pub(crate) file: Arc<File>,
}

impl Client {
    /// So many conversations.
    pub(crate) async fn talks(mut self, conversations: usize) {
        trap_exit(true);
        for _ in 0..conversations {
            let (kind, port) = self.ports[self.random.below(2)];
            let options = passive(kind.options());
            let connected = gen_tcp::connect_timeout(HOST, port, options, LIMIT);
            let socket = connected.await.expect("somebody listens");
            let wants = [ALL, BREAK][self.random.below(2)];
            self.converses(socket, kind, wants).await;
            while receive_timeout::<Exit>(Duration::ZERO).await.is_some() {}
        }
    }

    async fn converses(&mut self, socket: Socket, kind: Kind, wants: u8) {
        let (boss, own) = (self_pid(), Random(self.random.below(1 << 30) as u64 + 1));
        let watch = inet::monitor(socket);
        let reader = Reader::new(socket, Role::Tell { boss, wants }, kind, own);
        let reader = spawn(async move {
            receive::<()>().await;
            reader.reads().await;
        });
        let sent = gen_tcp::send(socket, [wants].to_vec()).await;
        sent.expect("the other side waits for it");
        gen_tcp::controlling_process(socket, reader).expect("both are alive");
        send(reader, ());
        let (talkers, expected) = self.talkers(socket, kind);
        if wants == BREAK && self.random.below(2) == 0 {
            sleep(Duration::from_micros(self.random.below(3000) as u64)).await;
            // Whoever reads by now.
            if let Some(owner) = runtime::port::owner(socket.port()) {
                exit_signal(owner, Reason::Kill);
            }
        }
        for talker in talkers {
            receive_match(|down: &Down| down.monitor == talker).await;
        }
        let _ = gen_tcp::shutdown(socket, How::Write);
        if wants == ALL {
            // Of one that was broken off before it may come late.
            let own = |ended: &Ended| ended.0 == socket;
            let ended = receive_match_timeout(own, LIMIT).await;
            let came = ended.expect("the conversation comes to its end").1;
            assert_eq!(came, expected, "what came back");
        }
        let down = receive_match_timeout(|down: &Down| down.monitor == watch, LIMIT).await;
        assert!(down.is_some(), "{socket} stays open");
        while receive_timeout::<Ended>(Duration::ZERO).await.is_some() {}
    }

    /// Those who send, watched, and what they send in all.
    fn talkers(&mut self, socket: Socket, kind: Kind) -> (Vec<Ref>, Expected) {
        let mut own = Random(self.random.below(1 << 30) as u64 + 1);
        if kind == Kind::Packets {
            let counts = [(); TALKERS].map(|()| self.random.below(30) as u16);
            let talk = |n: usize| spawn_monitor(packets(socket, n as u8, counts[n], own.clone())).1;
            return ((0..TALKERS).map(talk).collect(), Expected::Packets(counts));
        }
        let length = 1 + own.below(FILE_BYTES);
        let (file, random) = (self.file.clone(), own.clone());
        let talk = async move {
            if own.below(4) == 0 {
                let _ = gen_tcp::sendfile_range(&file, socket, 0, length as u64).await;
            } else {
                bytes(socket, length, random).await;
            }
        };
        let all = Expected::Bytes(Stream { at: length });
        (vec![spawn_monitor(talk).1], all)
    }
}

/// Sends so many bytes of the stream, in pieces, until it fails.
async fn bytes(socket: Socket, length: usize, mut random: Random) {
    let mut stream = Stream::default();
    while stream.at < length {
        let piece = (1 + random.below(6000)).min(length - stream.at);
        if gen_tcp::send(socket, stream.take(piece)).await.is_err() {
            return;
        }
    }
}

/// Sends so many numbered packets, until it fails.
async fn packets(socket: Socket, talker: u8, count: u16, mut random: Random) {
    for number in 0..count {
        let [high, low] = number.to_be_bytes();
        let mut packet = vec![talker, high, low];
        packet.resize(3 + random.below(700), talker);
        if gen_tcp::send(socket, packet).await.is_err() {
            return;
        }
    }
}
