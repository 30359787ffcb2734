//! What is left of a queue whose peer does not read: how long it is kept (part 9, row 14; R28).
//! In a simulated world, whose minutes cost nothing, on a network that takes nothing.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use runtime::port::{self, Source};
use runtime::{Reason, exit_signal, sim, sleep};

use super::*;
use crate::inet::addr::{Family, SocketName};
use crate::io::{Connecting, Io, Sock};
use crate::options::{Name, Opt, Plan, Settings, opt};
use crate::socket::Socket;

/// A connection to a peer that does not read.
#[derive(Default)]
struct Wall {
    /// The peer has shut down its side.
    ended: AtomicBool,
    closed: AtomicU32,
    reset: AtomicU32,
}

fn errno<T>(errno: i32) -> io::Result<T> {
    Err(io::Error::from_raw_os_error(errno))
}

impl Io for Wall {
    fn listen(&self, _: &Plan) -> io::Result<Sock> {
        errno(libc::ENOTSUP)
    }

    fn accept(&self, _: &Sock) -> io::Result<Sock> {
        errno(libc::ENOTSUP)
    }

    fn connect(&self, _: &SocketName, _: &Plan) -> io::Result<(Sock, Connecting)> {
        errno(libc::ENOTSUP)
    }

    fn adopt(&self, _: &Plan) -> io::Result<Sock> {
        errno(libc::ENOTSUP)
    }

    fn read(&self, _: &Sock, _: &mut [u8]) -> io::Result<usize> {
        match self.ended.load(Ordering::Relaxed) {
            true => Ok(0),
            false => errno(libc::EAGAIN),
        }
    }

    fn has_input(&self, _: &Sock) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn write(&self, _: &Sock, _: &[io::IoSlice<'_>]) -> io::Result<usize> {
        errno(libc::EAGAIN)
    }

    fn shutdown(&self, _: &Sock, _: Shutdown) -> io::Result<()> {
        Ok(())
    }

    fn take_error(&self, _: &Sock) -> io::Result<Option<io::Error>> {
        Ok(None)
    }

    fn set_option(&self, _: &Sock, _: &Opt) -> io::Result<()> {
        Ok(())
    }

    fn get_option(&self, _: &Sock, _: Name) -> io::Result<Option<Opt>> {
        Ok(None)
    }

    fn local_addr(&self, _: &Sock) -> io::Result<SocketName> {
        errno(libc::ENOTSUP)
    }

    fn peer_addr(&self, _: &Sock) -> io::Result<SocketName> {
        errno(libc::ENOTCONN)
    }

    fn source<'a>(&self, _: &'a Sock) -> Source<'a> {
        Source::Sim(0)
    }

    fn close(&self, _: Sock) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    fn abort(&self, _: Sock) {
        self.reset.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wall {
    fn ends(&self) -> (u32, u32) {
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        (count(&self.closed), count(&self.reset))
    }
}

/// Runs a process that has a connection with something in its queue, in some worlds.
fn with_a_queue<F>(test: impl Fn(Socket, Arc<Wall>) -> F + Clone + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    sim::check(0..5, |world| {
        let test = test.clone();
        let pid = world.spawn(async move {
            let wall = Arc::new(Wall::default());
            let (io, settings) = (wall.clone(), Settings::default());
            let driver = TcpPort::new(io, Sock::Sim(0), Family::Inet, settings, Role::Connected);
            let place = port::reserve().expect("there is room");
            let socket = Socket::from_port(place.open(driver).expect("it starts"));
            let sent = crate::send(socket, "what nobody reads").await;
            assert_eq!(sent, Ok(()), "it goes into an empty queue (SEN-1)");
            test(socket, wall).await;
        });
        world.run();
        assert_eq!(
            world.exit_reason(pid),
            Some(Reason::Normal),
            "{:?}",
            world.crashes()
        );
    });
}

/// Just before the limit, which is 300 s by default, and just behind it.
const BEFORE: Duration = Duration::from_secs(299);
const BEHIND: Duration = Duration::from_secs(2);

// CLO-10, LNK-1: whichever way it was closed.
#[test]
fn row_14_what_a_closed_socket_has_queued_is_dropped_at_the_limit_with_a_reset() {
    with_a_queue(|socket, wall| async move {
        runtime::unlink(socket);
        exit_signal(socket, Reason::Normal);
        sleep(BEFORE).await;
        assert!(!crate::inet::is_open(socket));
        assert_eq!(wall.ends(), (0, 0));
        assert!(port::port_exists(socket.port()), "it is still written");
        sleep(BEHIND).await;
        assert_eq!(wall.ends(), (0, 1), "it was reset");
        assert!(!port::port_exists(socket.port()));
    });
}

// CLO-8, CLO-10: close gives up where the queue does not move, and the time counts from there.
#[test]
fn row_14_the_limit_counts_from_the_end_of_the_wait_of_a_close() {
    with_a_queue(|socket, wall| async move {
        assert_eq!(crate::close(socket).await, Ok(()));
        assert_eq!(wall.ends(), (0, 0));
        sleep(BEFORE).await;
        assert_eq!(wall.ends(), (0, 0));
        sleep(BEHIND).await;
        assert_eq!(wall.ends(), (0, 1));
        assert!(!port::port_exists(socket.port()));
    });
}

// 0.5, row 6: behind the peer's end the port stays, and with it the limit.
#[test]
fn row_14_the_limit_holds_behind_the_end_of_the_peer() {
    with_a_queue(|socket, wall| async move {
        wall.ended.store(true, Ordering::Relaxed);
        let got = crate::recv(socket, 0).await;
        assert_eq!(got, Err(Error::Closed));
        sleep(BEFORE).await;
        assert_eq!(wall.ends(), (0, 0));
        sleep(BEHIND).await;
        assert_eq!(wall.ends(), (0, 1));
        assert!(crate::inet::is_open(socket));
        assert_eq!(crate::send(socket, "x").await, Err(Error::Closed));
        assert_eq!(crate::close(socket).await, Ok(()));
    });
}

// Row 13, EXT-4, EXT-5: close does not wait, and the limit is the socket's own.
#[test]
fn row_13_close_returns_at_once_and_the_limit_is_an_option() {
    with_a_queue(|socket, wall| async move {
        let options = [opt::close_wait(false), opt::flush_limit(10_000)];
        crate::setopts(socket, options).expect("it is connected");
        runtime::spawn(async move { crate::close(socket).await });
        sleep(Duration::from_secs(1)).await;
        assert!(!crate::inet::is_open(socket), "close has waited");
        assert_eq!(wall.ends(), (0, 0));
        sleep(Duration::from_secs(8)).await;
        assert_eq!(wall.ends(), (0, 0));
        sleep(BEHIND).await;
        assert_eq!(wall.ends(), (0, 1));
        assert!(!port::port_exists(socket.port()));
    });
}

// EXT-5: without a limit it is written for ever.
#[test]
fn row_13_without_a_limit_the_queue_is_kept() {
    with_a_queue(|socket, wall| async move {
        crate::setopts(socket, [opt::flush_limit(opt::INFINITY)]).expect("it is connected");
        runtime::unlink(socket);
        exit_signal(socket, Reason::Normal);
        sleep(100 * BEFORE).await;
        assert_eq!(wall.ends(), (0, 0));
        assert!(port::port_exists(socket.port()));
    });
}

// 5.5, O-2: a kill waits for nothing.
#[test]
fn row_14_a_kill_drops_the_queue_at_once() {
    with_a_queue(|socket, wall| async move {
        runtime::unlink(socket);
        exit_signal(socket, Reason::Kill);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(wall.ends(), (1, 0));
        assert!(!port::port_exists(socket.port()));
    });
}
