//! The foreign end of a connection: a socket of the standard library, which knows nothing of ours.
//!
//! Called by a process. Short writes are made by the caller; whatever may wait is done on a thread
//! of the blocking pool. Invariant: nothing waits for longer than [`LIMIT`].

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use gen_tcp::{Opt, Socket};
use rustix::net::sockopt;

use crate::mail::LIMIT;
use crate::sockets::{self, HOST, SMALL};

/// See the file's header. Cloning it gives another handle of the same end.
#[derive(Clone, Debug)]
pub struct Foreign(pub Arc<TcpStream>);

impl Foreign {
    /// Takes a stream over.
    ///
    /// # Panics
    /// Where the system refuses an option.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        let limits = stream.set_read_timeout(Some(LIMIT));
        let limits = limits.and_then(|()| stream.set_write_timeout(Some(LIMIT)));
        let limits = limits.and_then(|()| stream.set_nodelay(true));
        limits.expect("a stream has these options");
        Foreign(Arc::new(stream))
    }

    /// Connects to a port of this machine.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn connect(port: u16) -> Self {
        Foreign::new(TcpStream::connect((HOST, port)).expect("somebody listens"))
    }

    /// Writes a few bytes, which the kernel takes at once.
    ///
    /// # Panics
    /// Where it does not.
    pub fn write(&self, bytes: impl AsRef<[u8]>) {
        let wrote = (&*self.0).write_all(bytes.as_ref());
        wrote.expect("the connection is there");
    }

    /// Writes any amount.
    pub async fn write_all(&self, bytes: Vec<u8>) -> io::Result<()> {
        self.does(move |mut stream| stream.write_all(&bytes)).await
    }

    /// Reads so many bytes.
    pub async fn read(&self, length: usize) -> io::Result<Vec<u8>> {
        self.does(move |mut stream| {
            let mut bytes = vec![0; length];
            stream.read_exact(&mut bytes).map(|()| bytes)
        })
        .await
    }

    /// Reads to the end; gives what came before it, and the error that was the end, if it was one.
    pub async fn read_to_end(&self) -> (Vec<u8>, io::Result<()>) {
        self.does(|mut stream| {
            let mut bytes = Vec::new();
            let end = stream.read_to_end(&mut bytes);
            (bytes, end.map(|_| ()))
        })
        .await
    }

    /// Has the blocking pool do something with the stream.
    ///
    /// # Panics
    /// Where it panics.
    pub async fn does<R, F>(&self, job: F) -> R
    where
        R: Send + 'static,
        F: FnOnce(&TcpStream) -> R + Send + 'static,
    {
        let stream = self.0.clone();
        let done = runtime::blocking(move || job(&stream)).await;
        done.expect("the closure does not panic")
    }

    /// Half-closes: no more will be written.
    ///
    /// # Panics
    /// Where the connection is gone.
    pub fn finish(&self) {
        let done = self.0.shutdown(Shutdown::Write);
        done.expect("the connection is there");
    }

    /// Resets the connection. There must be no other handle.
    ///
    /// # Panics
    /// Where there is one.
    pub fn reset(self) {
        let stream = Arc::into_inner(self.0).expect("the only handle");
        let zero = sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
        zero.expect("a stream has this option");
    }
}

/// A socket of ours that has connected to a foreign listener, and the foreign end.
///
/// # Panics
/// Where the connection does not come about.
pub async fn connected(options: impl IntoIterator<Item = Opt>) -> (Socket, Foreign) {
    through(
        &TcpListener::bind((HOST, 0)).expect("a port is free"),
        options,
    )
    .await
}

/// As [`connected`], with small kernel buffers on the way from us to the foreign end.
///
/// # Panics
/// As [`connected`].
pub async fn narrow(options: impl IntoIterator<Item = Opt>) -> (Socket, Foreign) {
    let listener = TcpListener::bind((HOST, 0)).expect("a port is free");
    let small = sockopt::set_socket_recv_buffer_size(&listener, SMALL);
    small.expect("a listener has this option");
    let options = [gen_tcp::opt::sndbuf(SMALL)].into_iter().chain(options);
    through(&listener, options).await
}

/// As [`connected`], by way of a listener of the test's own.
///
/// # Panics
/// As [`connected`].
pub async fn through(
    listener: &TcpListener,
    options: impl IntoIterator<Item = Opt>,
) -> (Socket, Foreign) {
    let port = listener.local_addr().expect("it has a port").port();
    let socket = sockets::connect(port, options).await;
    let (stream, _) = listener.accept().expect("the connection is there");
    (socket, Foreign::new(stream))
}
