//! Sockets for tests, and how tests wait for what happens to them.
//!
//! All of it is called by a process. Invariant: what has to come is waited for until [`LIMIT`];
//! that nothing comes is asked of [`MOMENT`], long against what a message takes.

use std::fmt::Debug;
use std::future::Future;
use std::net::Ipv4Addr;
use std::time::Duration;

use gen_tcp::inet::{self, Stat};
use gen_tcp::{Active, Error, Name, Opt, Socket, Tcp, opt::*};
use runtime::prelude::*;

use crate::mail::LIMIT;

/// How long a test waits to see that nothing comes.
pub const MOMENT: Duration = Duration::from_millis(100);

/// The address that all tests use.
pub const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A kernel buffer so small that a queue is there soon.
pub const SMALL: usize = 4096;

/// Binaries, passive; then the test's own options, of which the last counts.
pub fn passive(options: impl IntoIterator<Item = Opt>) -> Vec<Opt> {
    [binary(), active(false)]
        .into_iter()
        .chain(options)
        .collect()
}

/// A listener on the loopback address, with its port.
///
/// # Panics
/// Where it cannot be opened.
pub fn listen(options: impl IntoIterator<Item = Opt>) -> (Socket, u16) {
    let options = passive([ip(HOST), reuseaddr(true)].into_iter().chain(options));
    let listener = gen_tcp::listen(0, options).expect("a listener opens");
    (listener, inet::port(listener).expect("it has a port"))
}

/// A connection to a port of this machine.
///
/// # Panics
/// Where it is refused.
pub async fn connect(port: u16, options: impl IntoIterator<Item = Opt>) -> Socket {
    let connected = gen_tcp::connect_timeout(HOST, port, passive(options), LIMIT);
    connected.await.expect("somebody listens")
}

/// Two ends of one connection: who connected, who accepted. The caller owns both.
///
/// # Panics
/// Where they do not come about.
pub async fn pair(
    client: impl IntoIterator<Item = Opt>,
    server: impl IntoIterator<Item = Opt>,
) -> (Socket, Socket) {
    let (listener, port) = listen(server);
    let client = connect(port, client).await;
    let server = gen_tcp::accept_timeout(listener, LIMIT).await;
    let closed = gen_tcp::close(listener).await;
    (
        client,
        server
            .and_then(|s| closed.map(|()| s))
            .expect("it was connected"),
    )
}

/// The next message of a socket to the caller, of whatever shape.
///
/// # Panics
/// Where none comes.
#[track_caller]
pub fn message(socket: Socket) -> impl Future<Output = Tcp> {
    let place = std::panic::Location::caller();
    async move {
        let own = |message: &Tcp| message.socket() == socket;
        match receive_match_timeout(own, LIMIT).await {
            Some(message) => message,
            None => panic!("no message of {socket} came at {place}"),
        }
    }
}

/// The bytes of the next message of a socket, which has to be a data message.
///
/// # Panics
/// Where it is none.
#[track_caller]
pub fn data(socket: Socket) -> impl Future<Output = Vec<u8>> {
    let (place, next) = (std::panic::Location::caller(), message(socket));
    async move {
        match next.await {
            Tcp::Data(_, data) => data.to_vec(),
            other => panic!("at {place} came {other:?}"),
        }
    }
}

/// The bytes of the data messages of a socket, until so many have come.
///
/// # Panics
/// Where something else comes, or more.
#[track_caller]
pub fn bytes_of(socket: Socket, length: usize) -> impl Future<Output = Vec<u8>> {
    let place = std::panic::Location::caller();
    async move {
        let mut all = Vec::new();
        while all.len() < length {
            match message(socket).await {
                Tcp::Data(_, data) => all.extend_from_slice(&data),
                other => panic!("at {place}, behind {} bytes, came {other:?}", all.len()),
            }
        }
        assert_eq!(all.len(), length, "more came at {place}");
        all
    }
}

/// Checks that no message of this type is there or comes in a moment.
///
/// # Panics
/// Where one does.
#[track_caller]
pub fn quiet<T: Debug + 'static>() -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        if let Some(message) = receive_timeout::<T>(MOMENT).await {
            panic!("at {place} came {message:?}");
        }
    }
}

/// Checks that there is no message of any kind now.
///
/// # Panics
/// Where there is one.
#[track_caller]
pub fn assert_mailbox_empty() -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let info = process_info(self_pid()).await;
        let length = info.map(|info| info.message_queue_len);
        assert_eq!(length, Some(0), "messages are left at {place}");
    }
}

/// A recv that does not wait for longer than a test may.
pub async fn recv(socket: Socket, length: usize) -> Result<Vec<u8>, Error> {
    let data = gen_tcp::recv_timeout(socket, length, LIMIT).await?;
    Ok(data.to_vec())
}

/// What recv gives until it fails, and how it does.
pub async fn recv_all(socket: Socket) -> (Vec<u8>, Error) {
    let mut all = Vec::new();
    loop {
        match gen_tcp::recv_timeout(socket, 0, LIMIT).await {
            Ok(data) => all.extend_from_slice(&data),
            Err(error) => return (all, error),
        }
    }
}

/// Waits for what tells nobody that it has come about.
///
/// # Panics
/// Where it does not.
#[track_caller]
pub fn eventually(condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let (place, mut condition) = (std::panic::Location::caller(), condition);
    async move {
        // Each look waits at least a millisecond: ten seconds and more.
        for _ in 0..10_000 {
            if condition() {
                return;
            }
            sleep(Duration::from_millis(1)).await;
        }
        panic!("it did not come about: {place}");
    }
}

/// Returns when a process has come to wait for something.
pub async fn until_it_waits(pid: Pid) {
    // It answers before a poll: the first time perhaps before its very first one.
    process_info(pid).await;
    process_info(pid).await;
}

/// The length of a socket's output queue; 0 where it is closed.
#[must_use]
pub fn queued(socket: Socket) -> u64 {
    inet::getstat(socket, [Stat::SendPend]).map_or(0, |stats| stats[0].1)
}

/// The delivery mode of a socket.
///
/// # Panics
/// Where it is closed.
#[must_use]
pub fn mode(socket: Socket) -> Active {
    match inet::getopts(socket, [Name::Active]).as_deref() {
        Ok([Opt::Active(mode)]) => *mode,
        other => panic!("{socket} has the mode {other:?}"),
    }
}

/// Bytes that the kernel has for a socket and that nobody has read.
///
/// # Panics
/// Where its descriptor is gone.
#[must_use]
pub fn unread(socket: Socket) -> u64 {
    let unread = gen_tcp::with_fd(socket, |fd| rustix::io::ioctl_fionread(fd));
    unread.expect("it is open").expect("a socket tells")
}

/// Waits until the kernel has so many unread bytes for a socket.
pub async fn until_unread(socket: Socket, length: usize) {
    eventually(|| unread(socket) >= length as u64).await;
}

/// Waits until the kernel knows of a socket that its peer has reset it.
pub async fn until_reset(socket: Socket) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let is_reset = |fd: std::os::fd::BorrowedFd<'_>| {
        let mut fds = [PollFd::new(&fd, PollFlags::empty())];
        let none = Timespec::default();
        // The error is gone when somebody has read it; that both directions are over stays.
        poll(&mut fds, Some(&none)).is_ok() && fds[0].revents().intersects(PollFlags::HUP)
    };
    eventually(|| gen_tcp::with_fd(socket, is_reset).unwrap_or(true)).await;
}

/// Sends until the output queue has something that the kernel does not take; gives how much was
/// sent.
///
/// # Panics
/// Where a send fails.
pub async fn fill(socket: Socket, stream: &mut crate::Stream) -> usize {
    let piece = 256 * 1024;
    let mut sent = 0;
    // Into an empty queue a send never waits (SEN-1).
    while queued(socket) == 0 {
        gen_tcp::send(socket, stream.take(piece))
            .await
            .expect("it is connected");
        sent += piece;
        yield_now().await;
    }
    sent
}

/// The atom of a result, `ok` for success.
#[must_use]
pub fn word<T>(result: &Result<T, Error>) -> &'static str {
    result.as_ref().map_or_else(Error::atom, |_| "ok")
}
