//! Curves over connections, over the size of what is sent, and over packets in one segment.
//!
//! Called by `point`, in the main process. Both ends of every connection are in this program and on
//! its one worker, each with a process of its own: an operation is what both ends do for it, and
//! the kernel between them.

use std::hint::black_box;

use bytes::Bytes;
use gen_tcp::packet::{Decoder, Kind, Step};
use gen_tcp::{Socket, inet, opt::*};
use runtime::prelude::*;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::meter::{Meter, Sample};

/// Bytes of a request, and of a packet without its header.
const SIZE: usize = 64;
/// Descriptors that are not those of connections.
const DESCRIPTORS_BESIDE: u64 = 32;
/// A client that is closed leaves nothing in the kernel.
const RESET: (bool, i64) = (true, 0);

/// The sender has done what it was told.
struct Done;
/// So many requests are to be made.
struct Go(u64);

/// So many connections as the limit of descriptors allows, at most X: each has two here.
pub(crate) fn allowed(x: u64) -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("the soft limit may rise to the hard one");
    let room = limit.current.unwrap_or(u64::MAX) - DESCRIPTORS_BESIDE;
    x.min(room / 2)
}

fn listener() -> (Socket, u16) {
    let options = [
        binary(),
        active(false),
        nodelay(true),
        backlog(4096),
        ip([127, 0, 0, 1]),
    ];
    let listener = gen_tcp::listen(0, options).expect("a listener");
    (listener, inet::port(listener).expect("it is bound"))
}

async fn connect(port: u16) -> Socket {
    let options = [
        binary(),
        active(false),
        nodelay(true),
        linger(RESET.0, RESET.1),
    ];
    let connected = gen_tcp::connect([127, 0, 0, 1], port, options).await;
    connected.expect("the listener is there")
}

/// A connection: the client's end, and a process with the server's.
async fn connection<F>(listener: Socket, port: u16, serve: impl FnOnce(Socket) -> F) -> Socket
where
    F: Future<Output = ()> + Send + 'static,
{
    let client = connect(port).await;
    let socket = gen_tcp::accept(listener).await.expect("a connection");
    let server = spawn(serve(socket));
    gen_tcp::controlling_process(socket, server).expect("it lives");
    client
}

/// X connections, each with one request of 64 bytes on its way; an operation is a request and its
/// answer. Its memory is that of both ends, of their two processes and two ports.
pub(crate) async fn connections(x: u64, ops: u64) -> Sample {
    let x = allowed(x);
    let mut meter = Meter::new();
    let me = self_pid();
    let (listener, port) = listener();
    let mut clients = vec![me; x as usize];
    for client in &mut clients {
        let socket = connection(listener, port, echo_all).await;
        *client = spawn(async move { requests(socket, me).await });
        gen_tcp::controlling_process(socket, *client).expect("it lives");
    }
    let each = ops.div_ceil(x);
    for requests in [1, each] {
        if requests == each {
            meter.weigh(x);
            meter.begin();
        }
        for client in &clients {
            send(*client, Go(requests));
        }
        for _ in &clients {
            receive! { Done => {} }
        }
    }
    meter.stop();
    meter.sample(x, x * each)
}

async fn echo_all(socket: Socket) {
    while let Ok(data) = gen_tcp::recv(socket, 0).await {
        gen_tcp::send(socket, data)
            .await
            .expect("the client is there");
    }
}

async fn requests(socket: Socket, main: Pid) {
    let request = Bytes::from_static(&[b'x'; SIZE]);
    loop {
        let requests = receive! { Go(requests) => requests };
        for _ in 0..requests {
            let sent = gen_tcp::send(socket, &request).await;
            sent.expect("the server is there");
            let answer = gen_tcp::recv(socket, SIZE).await;
            assert_eq!(answer.expect("the server is there").len(), SIZE);
        }
        send(main, Done);
    }
}

/// One connection; an operation sends X bytes, and when they are there, sends them back.
pub(crate) async fn echo(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let (listener, port) = listener();
    let len = x as usize;
    let serve = move |socket| async move {
        while let Ok(data) = gen_tcp::recv(socket, len).await {
            gen_tcp::send(socket, data)
                .await
                .expect("the client is there");
        }
    };
    let socket = connection(listener, port, serve).await;
    let request = Bytes::from(vec![b'x'; len]);
    for n in 0..ops + ops / 10 {
        if n == ops / 10 {
            meter.begin();
        }
        let sent = gen_tcp::send(socket, &request).await;
        sent.expect("the server is there");
        let answer = gen_tcp::recv(socket, len).await;
        assert_eq!(answer.expect("the server is there").len(), len);
    }
    meter.stop();
    meter.sample(x, ops)
}

/// One connection; X packets of 64 bytes behind a length of four are sent in one piece, and
/// received one by one; an operation is a packet.
pub(crate) async fn packets(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let (listener, port) = listener();
    let serve = move |socket| async move {
        let _ = gen_tcp::setopts(socket, [packet(4)]);
        let mut received = 0;
        while let Ok(data) = gen_tcp::recv(socket, 0).await {
            assert_eq!(data.len(), SIZE);
            received += 1;
            if received == x {
                received = 0;
                gen_tcp::send(socket, &[0])
                    .await
                    .expect("the client is there");
            }
        }
    };
    let socket = connection(listener, port, serve).await;
    let all = Bytes::from(framed().repeat(x as usize));
    let rounds = ops.div_ceil(x);
    for round in 0..rounds + rounds / 10 {
        if round == rounds / 10 {
            meter.begin();
        }
        let sent = gen_tcp::send(socket, &all).await;
        sent.expect("the server is there");
        // The answer is one byte behind a length of four.
        let answer = gen_tcp::recv(socket, 5).await;
        assert_eq!(answer.expect("the server is there").len(), 5);
    }
    meter.stop();
    meter.sample(x, rounds * x)
}

/// X packets as above in one buffer, without a socket; an operation decodes a packet.
pub(crate) fn decode(x: u64, ops: u64) -> Sample {
    let mut meter = Meter::new();
    let all = framed().repeat(x as usize);
    let mut decoder = Decoder::new(Kind::Four);
    let rounds = ops.div_ceil(x);
    meter.begin();
    for _ in 0..rounds {
        let mut rest = black_box(&all[..]);
        while let Ok(Step::Packet(packet)) = decoder.decode(rest) {
            rest = &rest[black_box(packet).consumed..];
        }
        assert!(rest.is_empty());
    }
    meter.stop();
    meter.sample(x, rounds * x)
}

/// A packet with its length in front.
fn framed() -> Vec<u8> {
    [&(SIZE as u32).to_be_bytes()[..], &[b'x'; SIZE]].concat()
}
