//! Tests of the socket verbs on the kernel, over loopback.

mod files;
mod local;
mod options;

use std::io::IoSlice;
use std::os::fd::{AsRawFd as _, FromRawFd as _, IntoRawFd as _};

use rustix::event::{PollFd, PollFlags, poll};

use super::real::Real;
use super::*;
use crate::options::opt::*;
use crate::options::{Address, Family, inherited};

fn listen(options: impl IntoIterator<Item = Opt>) -> Sock {
    Real.listen(&Plan::listen(0, options).unwrap()).unwrap()
}

fn listen_error(options: impl IntoIterator<Item = Opt>) -> Error {
    Real.listen(&Plan::listen(0, options).unwrap())
        .unwrap_err()
        .into()
}

fn connect(to: &SocketName, options: impl IntoIterator<Item = Opt>) -> io::Result<Sock> {
    let plan = Plan::connect(Some(to.family()), 0, options).unwrap();
    let (sock, connecting) = Real.connect(to, &plan)?;
    if connecting == Connecting::InProgress {
        wait(&sock, PollFlags::OUT);
    }
    match Real.take_error(&sock)? {
        Some(error) => Err(error),
        None => Ok(sock),
    }
}

/// A connection: the connected end and the accepted one.
fn pair(listener: &Sock, options: impl IntoIterator<Item = Opt>) -> (Sock, Sock) {
    let client = connect(&Real.local_addr(listener).unwrap(), options).unwrap();
    wait(listener, PollFlags::IN);
    (client, Real.accept(listener).unwrap())
}

fn wait(sock: &Sock, flags: PollFlags) {
    let Source::Fd(fd) = Real.source(sock) else {
        panic!("a real socket")
    };
    assert_ne!(
        poll(&mut [PollFd::from_borrowed_fd(fd, flags)], None).unwrap(),
        0
    );
}

fn read(sock: &Sock) -> Vec<u8> {
    wait(sock, PollFlags::IN);
    let mut buffer = [0; 100];
    let length = Real.read(sock, &mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn get(sock: &Sock, name: Name) -> Option<Opt> {
    Real.get_option(sock, name).unwrap()
}

fn set(sock: &Sock, opt: &Opt) -> Result<(), Error> {
    set_option(&Real, sock, opt)
}

/// An abstract name that no other run of the tests uses.
fn local_name(name: &str) -> Vec<u8> {
    format!("\0gen_tcp io tests {} {name}", std::process::id()).into_bytes()
}

fn reason<T: core::fmt::Debug>(answer: io::Result<T>) -> Error {
    answer.unwrap_err().into()
}

#[test]
fn data_goes_both_ways_and_ends() {
    for options in [vec![ip(LOOPBACK)], vec![inet6(), ip(LOOPBACK)]] {
        let listener = listen(options);
        assert_eq!(reason(Real.accept(&listener)), Error::Eagain);
        let (client, server) = pair(&listener, []);
        assert_eq!(
            Real.peer_addr(&client).unwrap(),
            Real.local_addr(&listener).unwrap()
        );
        assert_eq!(
            Real.peer_addr(&server).unwrap(),
            Real.local_addr(&client).unwrap()
        );
        assert_eq!(reason(Real.peer_addr(&listener)), Error::Enotconn);
        assert_eq!(reason(Real.read(&server, &mut [0; 8])), Error::Eagain);

        let slices = [
            IoSlice::new(b"some"),
            IoSlice::new(b""),
            IoSlice::new(b" data"),
        ];
        assert_eq!(Real.write(&client, &slices).unwrap(), 9);
        assert_eq!(read(&server), b"some data");
        assert_eq!(Real.write(&server, &[IoSlice::new(b"answer")]).unwrap(), 6);
        assert_eq!(read(&client), b"answer");

        Real.shutdown(&client, Shutdown::Write).unwrap();
        assert_eq!(read(&server), b"");
        assert_eq!(
            reason(Real.write(&client, &[IoSlice::new(b"x")])),
            Error::Epipe
        );
        Real.close(server);
        assert_eq!(read(&client), b"");
    }
}

#[test]
fn nothing_blocks_and_nothing_leaks_into_children() {
    let listener = listen([ip(LOOPBACK)]);
    let (client, server) = pair(&listener, []);
    for sock in [&listener, &client, &server] {
        let flags = rustix::io::fcntl_getfd(sock.fd().unwrap()).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
    let block = vec![7; 1 << 20];
    let mut written = 0;
    let refused = loop {
        match Real.write(&client, &[IoSlice::new(&block)]) {
            Ok(length) => written += length,
            Err(error) => break error,
        }
    };
    assert_eq!(Error::from(refused), Error::Eagain);
    let mut buffer = vec![0; 1 << 16];
    while written > 0 {
        wait(&server, PollFlags::IN);
        written -= Real.read(&server, &mut buffer).unwrap();
    }
}

#[test]
fn slices_over_the_limit_wait_for_the_next_call() {
    let listener = listen([ip(LOOPBACK)]);
    let (client, _server) = pair(&listener, []);
    let slices = vec![IoSlice::new(b"x"); 1500];
    assert_eq!(Real.write(&client, &slices).unwrap(), 1024);
    assert_eq!(Real.write(&client, &[]).unwrap(), 0);
}

#[test]
fn an_abort_resets_and_a_close_does_not() {
    let listener = listen([ip(LOOPBACK)]);
    let (client, server) = pair(&listener, []);
    Real.abort(server);
    wait(&client, PollFlags::IN);
    assert_eq!(reason(Real.read(&client, &mut [0; 8])), Error::Econnreset);
    assert_eq!(
        reason(Real.shutdown(&client, Shutdown::Write)),
        Error::Enotconn
    );
}

#[test]
fn refusals_of_the_kernel() {
    let listener = listen([ip(LOOPBACK)]);
    let name = Real.local_addr(&listener).unwrap();
    let SocketName::Inet(address) = name else {
        panic!("an address")
    };
    let number = address.port();
    assert_eq!(
        listen_error([ip(LOOPBACK), port(number)]),
        Error::Eaddrinuse
    );
    assert_eq!(listen_error([ip([198, 51, 100, 77])]), Error::Eaddrnotavail);
    assert_eq!(listen_error([ttl(0)]), Error::Einval);
    assert_eq!(listen_error([tclass(1)]), Error::Einval);
    assert_eq!(listen_error([inet6(), tclass(999)]), Error::Einval);
    assert_eq!(listen_error([ipv6_v6only(true)]), Error::Einval);
    assert_eq!(listen_error([bind_to_device("nosuch")]), Error::Einval);
    assert_eq!(listen_error([netns("/none")]), Error::Enoent);
    Real.close(listener);
    assert_eq!(
        reason(connect(&SocketName::Inet(address), [])),
        Error::Econnrefused
    );
    // Swallowed, as long as Erlang swallows it.
    listen([ip(Address::local(local_name("nodelay"))), nodelay(true)]);
}

fn listen_local(name: &str) -> Sock {
    listen([ip(Address::local(local_name(name)))])
}

#[test]
fn an_adopted_descriptor_stays_its_lenders() {
    let lent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // SAFETY: the listener outlives the socket.
    let options = || [unsafe { fd(lent.as_raw_fd()) }];
    let listener = listen(options());
    assert_eq!(
        Real.local_addr(&listener).unwrap(),
        SocketName::Inet(lent.local_addr().unwrap())
    );
    let (client, server) = pair(&listener, []);
    Real.close(listener);
    Real.abort(Real.adopt(&Plan::fdopen(options()).unwrap()).unwrap());
    drop(listen(options()));
    assert!(lent.local_addr().is_ok());

    let raw_client = client.into_fd().unwrap().into_raw_fd();
    // SAFETY: the descriptor is closed below, after the socket.
    let plan = Plan::fdopen([unsafe { fd(raw_client) }]).unwrap();
    let adopted = Real.adopt(&plan).unwrap();
    Real.write(&adopted, &[IoSlice::new(b"lent")]).unwrap();
    assert_eq!(read(&server), b"lent");
    let copy = adopted.into_fd().unwrap();
    assert_ne!(copy.as_raw_fd(), raw_client);
    drop(copy);
    // SAFETY: it came from `into_raw_fd` above and nobody has closed it.
    drop(unsafe { OwnedFd::from_raw_fd(raw_client) });
    assert_eq!(read(&server), b"");
}

#[test]
fn numbers_that_are_no_socket() {
    let file = std::fs::File::open("/dev/null").unwrap();
    for (number, expected) in [
        (i64::from(i32::MAX), Error::Ebadf),
        (i64::MAX, Error::Ebadf),
        (file.as_raw_fd().into(), Error::Enotsock),
    ] {
        // SAFETY: the call refuses these numbers.
        assert_eq!(listen_error([unsafe { fd(number) }]), expected);
    }
}

#[test]
fn a_name_space_is_entered_by_path() {
    let own = "/proc/self/ns/net";
    match Real.listen(&Plan::listen(0, [ip(LOOPBACK), netns(own)]).unwrap()) {
        Ok(listener) => drop(pair(&listener, [])),
        // Entering any of them takes a privilege.
        Err(error) => assert_eq!(Error::from(error), Error::Eperm),
    }
    assert_eq!(listen_error([netns("/dev/null")]), Error::Einval);
}

/// R2, R3: each error that the manual names, and those of a listener that is none.
#[test]
fn errors_of_accept() {
    let again = [
        libc::ECONNABORTED,
        libc::EPROTO,
        libc::ENETDOWN,
        libc::ENETUNREACH,
        libc::ENOPROTOOPT,
        libc::EHOSTDOWN,
        libc::EHOSTUNREACH,
        libc::EOPNOTSUPP,
        libc::ETIMEDOUT,
        libc::EINTR,
        libc::EPERM,
    ];
    let pause = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
    let fail = [libc::EBADF, libc::EINVAL, libc::ENOTSOCK, libc::EFAULT];
    let rows = [
        (AfterAccept::Wait, &[libc::EAGAIN, libc::EWOULDBLOCK][..]),
        (AfterAccept::Again, &again),
        (AfterAccept::Pause, &pause),
        (AfterAccept::Fail, &fail),
    ];
    for (expected, errors) in rows {
        for errno in errors {
            let error = super::errno(*errno);
            assert_eq!(after_accept_error(&error), expected, "{error}");
        }
    }
    assert_eq!(
        after_accept_error(&io::Error::other("x")),
        AfterAccept::Fail
    );
}

#[test]
fn a_simulated_socket_is_none_of_the_kernels() {
    let sock = Sock::Sim(7);
    assert_eq!(reason(Real.read(&sock, &mut [0])), Error::Ebadf);
    assert_eq!(reason(Real.accept(&sock)), Error::Ebadf);
    assert!(matches!(Real.source(&sock), Source::Sim(7)));
    assert_eq!(reason(sock.into_fd()), Error::Enotsup);
}
