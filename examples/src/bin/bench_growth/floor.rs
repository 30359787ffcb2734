//! The curves without the runtime: what memory, the allocator and the kernel cost alone.
//!
//! Called by `point`. Beside a curve of the runtime they tell what of its rise is whose.

use std::hint::black_box;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventFlags};
use rustix::fd::OwnedFd;

use crate::meter::{Draw, Meter, Sample};
use crate::sockets::allowed;

/// Bytes of a block, about those of a process that waits.
const BLOCK: usize = 384;
/// Of which so many cache lines are looked at, and the first is written.
const LINES: usize = 4;
const LINE: usize = 64;
/// Bytes of a request.
const SIZE: usize = 64;
/// Events that the poller gives at once.
const EVENTS: usize = 256;

/// X blocks, found through a table of pointers, in drawn order; an operation goes to the next.
pub(crate) fn memory(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let mut table: Vec<Box<[u8; BLOCK]>> = (0..x).map(|_| Box::new([0; BLOCK])).collect();
    let mut order: Vec<u64> = (0..x).collect();
    Draw::new().shuffle(&mut order);
    let after = order.iter().skip(1).chain(&order[..1]);
    for (which, next) in order.iter().zip(after) {
        table[*which as usize][..8].copy_from_slice(&next.to_ne_bytes());
    }
    let mut at = 0;
    let mut seen = 0_u64;
    for n in 0..x + ops {
        if n == x {
            meter.begin();
        }
        let block = &mut table[at];
        block[8] = block[8].wrapping_add(1);
        seen += (1..LINES)
            .map(|line| u64::from(block[line * LINE]))
            .sum::<u64>();
        let next = block[..8].try_into().expect("eight bytes");
        at = u64::from_ne_bytes(next) as usize;
    }
    black_box(seen);
    meter.stop();
    meter.sample(x, ops)
}

/// X blocks, each with the place of the next in drawn order; an operation goes there. Unlike
/// above, nothing can be fetched ahead: it is the time of one way to memory.
pub(crate) fn chase(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let mut order: Vec<u64> = (0..x).collect();
    Draw::new().shuffle(&mut order);
    let mut blocks = vec![[0_u64; BLOCK / 8]; x as usize];
    let after = order.iter().skip(1).chain(&order[..1]);
    for (which, next) in order.iter().zip(after) {
        blocks[*which as usize][0] = *next;
    }
    let mut at = 0;
    for n in 0..x + ops {
        if n == x {
            meter.begin();
        }
        at = blocks[at as usize][0];
    }
    black_box(at);
    meter.stop();
    meter.sample(x, ops)
}

/// X bytes are made, filled and dropped.
pub(crate) fn message(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    for n in 0..ops + ops / 10 {
        if n == ops / 10 {
            meter.begin();
        }
        drop(black_box(vec![1_u8; x as usize]));
    }
    meter.stop();
    meter.sample(x, ops)
}

fn connection(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let address = listener.local_addr().expect("it is bound");
    let client = TcpStream::connect(address).expect("the listener is there");
    let (server, _) = listener.accept().expect("a connection");
    for end in [&client, &server] {
        end.set_nodelay(true).expect("TCP has it");
    }
    (client, server)
}

/// X connections, each with one request of 64 bytes on its way, served by a loop over `epoll`.
pub(crate) fn connections(x: u64, ops: u64) -> Sample {
    let x = allowed(x);
    let mut meter = Meter::new();
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    let poller = epoll::create(epoll::CreateFlags::CLOEXEC).expect("a poller");
    // A client stands at an even place, its server behind it.
    let mut ends: Vec<TcpStream> = Vec::new();
    for _ in 0..x {
        let (client, server) = connection(&listener);
        for end in [client, server] {
            end.set_nonblocking(true).expect("a socket can");
            let place = epoll::EventData::new_u64(ends.len() as u64);
            let edges = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
            epoll::add(&poller, &end, place, edges).expect("room for a source");
            ends.push(end);
        }
    }
    let rounds = ops.div_ceil(x);
    serve(&poller, &mut ends, 1);
    meter.begin();
    serve(&poller, &mut ends, rounds);
    meter.stop();
    meter.sample(x, rounds * x)
}

/// Each client makes so many requests.
fn serve(poller: &OwnedFd, ends: &mut [TcpStream], rounds: u64) {
    let mut bytes = [b'x'; 65_536];
    let mut todo = vec![rounds; ends.len() / 2];
    let mut waiting = todo.len();
    for client in ends.iter_mut().step_by(2) {
        let sent = client.write(&bytes[..SIZE]);
        assert_eq!(sent.expect("room for a request"), SIZE);
    }
    let mut events = Vec::with_capacity(EVENTS);
    while waiting > 0 {
        epoll::wait(poller, spare_capacity(&mut events), None).expect("a poller");
        for event in events.drain(..) {
            let place = event.data.u64() as usize;
            let len = taken(ends[place].read(&mut bytes));
            if len == 0 {
                continue;
            }
            if place.is_multiple_of(2) {
                let left = &mut todo[place / 2];
                *left -= 1;
                if *left == 0 {
                    waiting -= 1;
                    continue;
                }
            }
            let sent = ends[place].write(&bytes[..len]);
            assert_eq!(sent.expect("room for an answer"), len);
        }
    }
}

/// One connection: X bytes there, and then back.
pub(crate) fn echo(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    let (mut client, mut server) = connection(&listener);
    for end in [&client, &server] {
        end.set_nonblocking(true).expect("a socket can");
    }
    let mut bytes = vec![b'x'; x as usize];
    for n in 0..ops + ops / 10 {
        if n == ops / 10 {
            meter.begin();
        }
        pass(&mut client, &mut server, &mut bytes);
        pass(&mut server, &mut client, &mut bytes);
    }
    meter.stop();
    meter.sample(x, ops)
}

/// Sends all the bytes from one end to the other, as the kernel takes them.
fn pass(from: &mut TcpStream, to: &mut TcpStream, bytes: &mut [u8]) {
    let (mut sent, mut got) = (0, 0);
    while got < bytes.len() {
        if sent < bytes.len() {
            sent += taken(from.write(&bytes[sent..]));
        }
        got += taken(to.read(&mut bytes[got..sent]));
    }
}

fn taken(result: std::io::Result<usize>) -> usize {
    match result {
        Ok(n) => n,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => panic!("{error}"),
    }
}
