//! Files on a kernel that does what a test wants: takes everything, or fails in the middle.

use std::fs::File;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use parking_lot::Mutex;
use runtime::port::{Source, reserve};

use super::*;
use crate::api::call;
use crate::driver::Role;
use crate::inet::addr::{Family, SocketName};
use crate::io::real::Real;
use crate::io::{Connecting, Io, Sock};
use crate::options::{Plan, Settings};
use crate::socket::Socket;

/// What the kernel says to an attempt, by how much was sent.
type Script = fn(u64) -> io::Result<usize>;

/// The kernel, but for files: of these it takes what the script says, and drops it.
struct Scripted {
    script: Script,
    taken: Mutex<Vec<usize>>,
}

impl Io for Scripted {
    fn sendfile(&self, _: &Sock, _: BorrowedFd<'_>, offset: u64, max: usize) -> io::Result<usize> {
        let n = (self.script)(offset)?.min(max);
        self.taken.lock().push(n);
        Ok(n)
    }

    fn listen(&self, plan: &Plan) -> io::Result<Sock> {
        Real.listen(plan)
    }

    fn accept(&self, listener: &Sock) -> io::Result<Sock> {
        Real.accept(listener)
    }

    fn connect(&self, to: &SocketName, plan: &Plan) -> io::Result<(Sock, Connecting)> {
        Real.connect(to, plan)
    }

    fn adopt(&self, plan: &Plan) -> io::Result<Sock> {
        Real.adopt(plan)
    }

    fn read(&self, sock: &Sock, buffer: &mut [u8]) -> io::Result<usize> {
        Real.read(sock, buffer)
    }

    fn has_input(&self, sock: &Sock) -> bool {
        Real.has_input(sock)
    }

    fn write(&self, sock: &Sock, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        Real.write(sock, slices)
    }

    fn shutdown(&self, sock: &Sock, how: Shutdown) -> io::Result<()> {
        Real.shutdown(sock, how)
    }

    fn take_error(&self, sock: &Sock) -> io::Result<Option<io::Error>> {
        Real.take_error(sock)
    }

    fn set_option(&self, sock: &Sock, opt: &Opt) -> io::Result<()> {
        Real.set_option(sock, opt)
    }

    fn get_option(&self, sock: &Sock, name: Name) -> io::Result<Option<Opt>> {
        Real.get_option(sock, name)
    }

    fn local_addr(&self, sock: &Sock) -> io::Result<SocketName> {
        Real.local_addr(sock)
    }

    fn peer_addr(&self, sock: &Sock) -> io::Result<SocketName> {
        Real.peer_addr(sock)
    }

    fn source<'a>(&self, sock: &'a Sock) -> Source<'a> {
        Real.source(sock)
    }

    fn close(&self, sock: Sock) {
        Real.close(sock);
    }

    fn abort(&self, sock: Sock) {
        Real.abort(sock);
    }
}

/// A socket on such a kernel, and its peer.
fn connected(script: Script) -> (Socket, Arc<Scripted>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let peer = listener.accept().unwrap().0;
    let taken = Mutex::new(Vec::new());
    let io = Arc::new(Scripted { script, taken });
    let (sock, settings) = (Sock::Fd(stream.into()), Settings::default());
    let driver = TcpPort::new(io.clone(), sock, Family::Inet, settings, Role::Connected);
    let port = reserve().unwrap().open(driver).unwrap();
    (Socket::from_port(port), io, peer)
}

fn file() -> File {
    File::open("/dev/null").unwrap()
}

async fn sent(socket: Socket, bytes: u64) -> Result<u64, Error> {
    crate::sendfile_range(&file(), socket, 0, bytes).await
}

fn main(test: impl Future<Output = ()> + Send + 'static) {
    let main = async {
        test.await;
        Ok(())
    };
    runtime::run(main).unwrap();
}

/// O-17, SFL-14: however much the kernel takes, one turn sends 1 MiB.
#[test]
fn a_turn_has_an_end() {
    main(async {
        let (socket, io, _peer) = connected(|_| Ok(usize::MAX));
        let outcome = Outcome::default();
        std::future::poll_fn(|cx| {
            let part = Part {
                file: OwnedFd::from(file()),
                offset: 0,
                bytes: 5 << 20,
            };
            let wakeup = Wakeup::new(cx);
            let seen = call(socket, |port, cx| {
                let limit = port.begin_file(cx, part, &outcome, wakeup);
                (limit, io.taken.lock().clone())
            });
            assert_eq!(seen, Ok((Ok(None), vec![1 << 20])));
            std::task::Poll::Ready(())
        })
        .await;
        while outcome.get().is_none() {
            runtime::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(outcome.get(), Some(Ok(5 << 20)));
        assert_eq!(io.taken.lock()[..], [1 << 20; 5]);
        assert_eq!(sent(socket, (1 << 31) + 5).await, Ok((1 << 31) + 5));
        assert!(io.taken.lock().iter().all(|n| *n <= 1 << 20));
    });
}

/// SFL-4: an error of the file before its first byte is the caller's alone.
#[test]
fn a_file_that_fails_at_once_changes_nothing() {
    main(async {
        for errno in [libc::EIO, libc::ENOTSUP, libc::ENOMEM] {
            let script: Script = match errno {
                libc::EIO => |_| Err(io::Error::from_raw_os_error(libc::EIO)),
                libc::ENOTSUP => |_| Err(io::Error::from_raw_os_error(libc::ENOTSUP)),
                _ => |_| Err(io::Error::from_raw_os_error(libc::ENOMEM)),
            };
            let (socket, _, mut peer) = connected(script);
            assert_eq!(sent(socket, 0).await, Err(Error::from_errno(errno)));
            assert_eq!(crate::inet::states(socket), ["connected", "open"]);
            crate::send(socket, "on it goes").await.unwrap();
            let mut buffer = [0; 10];
            io::Read::read_exact(&mut peer, &mut buffer).unwrap();
            assert_eq!(&buffer, b"on it goes");
        }
    });
}

/// SFL-9: behind a part of it the connection ends: the peer must not take what follows for the
/// rest.
#[test]
fn a_file_that_fails_in_the_middle_ends_the_connection() {
    main(async {
        let (socket, _, mut peer) = connected(|offset| match offset {
            0 => Ok(1000),
            _ => Err(io::Error::from_raw_os_error(libc::EIO)),
        });
        assert_eq!(sent(socket, 0).await, Err(Error::Eio));
        assert_eq!(crate::inet::states(socket), [""; 0]);
        assert_eq!(sent(socket, 0).await, Err(Error::Enotconn));
        assert_eq!(crate::send(socket, "x").await, Err(Error::Enotconn));
        assert_eq!(io::Read::read(&mut peer, &mut [0; 10]).unwrap(), 0);
    });
}

/// SFL-9: of the errors of a connection three are `closed`, the others have their name.
#[test]
fn an_end_of_the_connection_is_told_by_its_name() {
    main(async {
        let (socket, _, _peer) = connected(|_| Err(io::Error::from_raw_os_error(libc::ECONNRESET)));
        assert_eq!(sent(socket, 0).await, Err(Error::Closed));
        let (socket, _, _peer) = connected(|_| Err(io::Error::from_raw_os_error(libc::ETIMEDOUT)));
        assert_eq!(sent(socket, 0).await, Err(Error::Etimedout));
        assert_eq!(crate::inet::states(socket), [""; 0]);
    });
}
