use std::io::IoSlice;
use std::os::fd::{AsRawFd as _, FromRawFd as _, IntoRawFd as _};

use rustix::event::{PollFd, PollFlags, poll};

use super::real::Real;
use super::*;
use crate::options::opt::*;
use crate::options::{Address, Family, inherited};

const ABSTRACT: &[u8] = b"\0gen_tcp io tests ";

fn listen(options: impl IntoIterator<Item = Opt>) -> Sock {
    Real.listen(&Plan::listen(0, options).unwrap()).unwrap()
}

fn listen_error(options: impl IntoIterator<Item = Opt>) -> Error {
    Real.listen(&Plan::listen(0, options).unwrap()).unwrap_err().into()
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
    let Source::Fd(fd) = Real.source(sock) else { panic!("a real socket") };
    assert_ne!(poll(&mut [PollFd::from_borrowed_fd(fd, flags)], None).unwrap(), 0);
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

fn local_name(name: &str) -> Vec<u8> {
    [ABSTRACT, name.as_bytes()].concat()
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
        assert_eq!(Real.peer_addr(&client).unwrap(), Real.local_addr(&listener).unwrap());
        assert_eq!(Real.peer_addr(&server).unwrap(), Real.local_addr(&client).unwrap());
        assert_eq!(reason(Real.peer_addr(&listener)), Error::Enotconn);
        assert_eq!(reason(Real.read(&server, &mut [0; 8])), Error::Eagain);

        let slices = [IoSlice::new(b"some"), IoSlice::new(b""), IoSlice::new(b" data")];
        assert_eq!(Real.write(&client, &slices).unwrap(), 9);
        assert_eq!(read(&server), b"some data");
        assert_eq!(Real.write(&server, &[IoSlice::new(b"answer")]).unwrap(), 6);
        assert_eq!(read(&client), b"answer");

        Real.shutdown(&client, Shutdown::Write).unwrap();
        assert_eq!(read(&server), b"");
        assert_eq!(reason(Real.write(&client, &[IoSlice::new(b"x")])), Error::Epipe);
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
    assert_eq!(reason(Real.shutdown(&client, Shutdown::Write)), Error::Enotconn);
}

#[test]
fn refusals_of_the_kernel() {
    let listener = listen([ip(LOOPBACK)]);
    let name = Real.local_addr(&listener).unwrap();
    let SocketName::Inet(address) = name else { panic!("an address") };
    let number = address.port();
    assert_eq!(listen_error([ip(LOOPBACK), port(number)]), Error::Eaddrinuse);
    assert_eq!(listen_error([ip([198, 51, 100, 77])]), Error::Eaddrnotavail);
    assert_eq!(listen_error([ttl(0)]), Error::Einval);
    assert_eq!(listen_error([tclass(1)]), Error::Einval);
    assert_eq!(listen_error([inet6(), tclass(999)]), Error::Einval);
    assert_eq!(listen_error([ipv6_v6only(true)]), Error::Einval);
    assert_eq!(listen_error([bind_to_device("nosuch")]), Error::Einval);
    assert_eq!(listen_error([netns("/none")]), Error::Enoent);
    Real.close(listener);
    assert_eq!(reason(connect(&SocketName::Inet(address), [])), Error::Econnrefused);
    // Swallowed, as long as Erlang swallows it.
    listen([ip(Address::local(local_name("nodelay"))), nodelay(true)]);
}

#[test]
fn what_is_set_is_read() {
    for (family, address) in [(inet(), LOOPBACK), (inet6(), LOOPBACK)] {
        let listener = listen([family, ip(address)]);
        let (client, _server) = pair(&listener, []);
        for opt in [
            nodelay(true),
            nopush(true),
            keepalive(true),
            keepidle(100),
            keepintvl(7),
            keepcnt(3),
            user_timeout(1234),
            linger(true, 5),
            linger(false, 0),
            reuseaddr(true),
            reuseport(true),
            reuseport_lb(true),
            tos(16),
            ttl(7),
            recvtos(true),
            recvttl(true),
            priority(3),
            dontroute(true),
            raw(libc::SOL_SOCKET, libc::SO_KEEPALIVE, 0i32.to_ne_bytes()),
        ] {
            assert_eq!(set(&client, &opt), Ok(()), "{opt:?}");
            assert_eq!(get(&client, opt.name()), Some(opt));
        }
        assert_eq!(get(&client, Name::Keepalive), Some(keepalive(false)));
        assert_eq!(set(&client, &recbuf(10_000)), Ok(()));
        assert_eq!(get(&client, Name::Recbuf), Some(recbuf(20_000)));
        // Silence where Erlang is silent, a report where it reports.
        assert_eq!(set(&client, &sndbuf(-1)), Ok(()));
        assert_eq!(set(&client, &ttl(256)), Err(Error::Einval));
        assert_eq!(set(&client, &keepcnt(1000)), Err(Error::Einval));
        assert_eq!(set(&client, &buffer(5)), Ok(()), "not the kernel's, and not reported");
        assert_eq!(get(&client, Name::Buffer), None);
        assert_eq!(get(&client, Name::Exclusiveaddruse), None);
    }
}

#[test]
fn tos_and_priority_are_independent() {
    let listener = listen([ip(LOOPBACK), priority(3), tos(16)]);
    let both = |sock: &Sock| (get(sock, Name::Tos).unwrap(), get(sock, Name::Priority).unwrap());
    assert_eq!(both(&listener), (tos(16), priority(3)));
    let (client, _server) = pair(&listener, [tos(8), priority(5)]);
    assert_eq!(both(&client), (tos(8), priority(5)));
    set(&client, &tos(300)).unwrap();
    assert_eq!(both(&client), (tos(44), priority(5)));
    set(&client, &raw(libc::IPPROTO_IP, libc::IP_TOS, 16i32.to_ne_bytes())).unwrap();
    assert_eq!(both(&client), (tos(16), priority(5)));
}

#[test]
fn options_of_one_family_are_left_out_in_the_other() {
    let inet = listen([ip(LOOPBACK)]);
    let inet6 = listen([inet6(), ip(LOOPBACK), ipv6_v6only(true), tclass(5), recvtclass(true)]);
    let local = listen([ip(Address::local(local_name("families")))]);
    for name in [Name::Tclass, Name::Recvtclass, Name::Ipv6V6only] {
        assert_eq!(get(&inet, name), None);
        assert_eq!(get(&local, name), None);
    }
    assert_eq!(get(&inet6, Name::Tclass), Some(tclass(5)));
    assert_eq!(get(&inet6, Name::Recvtclass), Some(recvtclass(true)));
    assert_eq!(get(&inet6, Name::Ipv6V6only), Some(ipv6_v6only(true)));
    assert_eq!(set(&inet6, &ipv6_v6only(false)), Err(Error::Einval));
    for opt in [tos(1), ttl(1), tclass(1), recvtos(true)] {
        assert_eq!(set(&local, &opt), Err(Error::Einval));
        assert_eq!(get(&local, opt.name()), None);
    }
    for opt in [priority(2), keepalive(true)] {
        assert_eq!(set(&local, &opt), Ok(()));
        assert_eq!(get(&local, opt.name()), Some(opt));
    }
    assert_eq!(set(&local, &nodelay(true)), Ok(()));
    assert_eq!(get(&local, Name::Nodelay), None);
}

#[test]
fn raw_options_go_straight_to_the_kernel() {
    let listener = listen([ip(LOOPBACK)]);
    let ask = |level, option, size| get(&listener, Name::Raw { level, option, size });
    assert_eq!(ask(6, 1, 4), Some(raw(6, 1, [0; 4])));
    assert_eq!(ask(6, 1, 0), Some(raw(6, 1, [])));
    assert_eq!(ask(6, 1, 65536), Some(raw(6, 1, [0; 4])));
    assert_eq!(ask(255, 255, 4), None);
    assert_eq!(ask(6, 1, -1), None);
    assert_eq!(set(&listener, &raw(255, 255, [1])), Ok(()));
    assert_eq!(set(&listener, &raw(6, 1, [])), Ok(()));
    // What would reach beyond its own bytes.
    assert_eq!(ask(libc::SOL_SOCKET, 26, 64), None);
    let refused = Real.set_option(&listener, &raw(libc::IPPROTO_IP, 64, [0; 96]));
    assert_eq!(reason(refused), Error::Enoprotoopt);
}

#[test]
fn a_device_is_a_name_of_fifteen_bytes() {
    let listener = listen([ip(LOOPBACK)]);
    assert_eq!(get(&listener, Name::BindToDevice), Some(bind_to_device("")));
    assert_eq!(set(&listener, &bind_to_device("")), Ok(()));
    for name in ["nosuch", "123456789012345", "1234567890123456", "lo\0x4567890123456"] {
        assert_eq!(set(&listener, &bind_to_device(name)), Err(Error::Einval));
    }
    assert_eq!(get(&listener, Name::BindToDevice), Some(bind_to_device("")));
}

#[test]
fn received_control_values_are_read() {
    let listener = listen([ip(LOOPBACK), recvtos(true), recvttl(true)]);
    let (client, server) = pair(&listener, [tos(16)]);
    Real.write(&client, &[IoSlice::new(b"x")]).unwrap();
    read(&server);
    let Some(Opt::Pktoptions(values)) = get(&server, Name::Pktoptions) else {
        panic!("the option is known");
    };
    assert!(values.contains(&tos(16)), "{values:?}");
    assert!(values.iter().any(|value| matches!(value, Opt::Ttl(_))), "{values:?}");
    let local = listen_local("control");
    assert_eq!(get(&local, Name::Pktoptions), None);
}

fn listen_local(name: &str) -> Sock {
    listen([ip(Address::local(local_name(name)))])
}

#[test]
fn abstract_names() {
    let listener = listen_local("abstract");
    let name = SocketName::Local(local_name("abstract"));
    assert_eq!(Real.local_addr(&listener).unwrap(), name);
    assert_eq!(
        listen_error([ip(Address::local(local_name("abstract"))), reuseaddr(true)]),
        Error::Eaddrinuse
    );
    let (client, server) = pair(&listener, []);
    let unnamed = SocketName::Local(Vec::new());
    assert_eq!(Real.local_addr(&client).unwrap(), unnamed);
    assert_eq!(Real.peer_addr(&client).unwrap(), name);
    assert_eq!(Real.peer_addr(&server).unwrap(), unnamed);
    assert_eq!(Real.local_addr(&server).unwrap(), name);
    let (_client, server) = pair(&listener, [ip(Address::local(local_name("client")))]);
    assert_eq!(Real.peer_addr(&server).unwrap(), SocketName::Local(local_name("client")));
    Real.close(listener);
    assert_eq!(reason(connect(&name, [])), Error::Econnrefused);
    assert_eq!(reason(connect(&unnamed, [])), Error::Einval);
}

#[test]
fn paths_have_a_limit_and_end_at_a_zero() {
    let folder = std::env::temp_dir().join(format!("gen_tcp_io_tests_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let folder_bytes = std::os::unix::ffi::OsStrExt::as_bytes(folder.as_os_str()).to_vec();
    let path = |length: usize| {
        let mut path = [&folder_bytes[..], b"/"].concat();
        path.resize(length, b'a');
        path
    };
    let listener = listen([ip(Address::Local(path(107)))]);
    assert_eq!(Real.local_addr(&listener).unwrap(), SocketName::Local(path(107)));
    assert_eq!(listen_error([ip(Address::Local(path(107)))]), Error::Eaddrinuse);
    for too_long in [path(108), path(300), [&[0][..], &path(108)[..]].concat()] {
        assert_eq!(listen_error([ip(Address::Local(too_long.clone()))]), Error::Einval);
        assert_eq!(reason(connect(&SocketName::Local(too_long), [])), Error::Einval);
    }
    let zero = [&folder_bytes[..], b"/z\0rest"].concat();
    let cut = zero[..zero.len() - 5].to_vec();
    let listener = listen([ip(Address::Local(zero))]);
    assert_eq!(Real.local_addr(&listener).unwrap(), SocketName::Local(cut));
    let nobody = SocketName::Local([&folder_bytes[..], b"/nobody"].concat());
    assert_eq!(reason(connect(&nobody, [])), Error::Enoent);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_full_local_queue_is_eagain_and_nothing_is_under_way() {
    let listener = listen([ip(Address::local(local_name("full"))), backlog(0)]);
    let name = Real.local_addr(&listener).unwrap();
    let mut clients = Vec::new();
    let refused = loop {
        match connect(&name, []) {
            Ok(client) => clients.push(client),
            Err(error) => break Error::from(error),
        }
    };
    assert_eq!((clients.len(), refused), (1, Error::Eagain));
}

#[test]
fn an_adopted_descriptor_stays_its_lenders() {
    let lent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // SAFETY: the listener outlives the socket.
    let options = || [unsafe { fd(lent.as_raw_fd()) }];
    let listener = listen(options());
    assert_eq!(Real.local_addr(&listener).unwrap(), SocketName::Inet(lent.local_addr().unwrap()));
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

/// The fact on which a driver may rely that has no option of the listener to copy.
#[test]
#[cfg(target_os = "linux")]
fn the_kernel_hands_down_what_was_set_before_the_connection_came() {
    let options = [nodelay(true), keepalive(true), priority(3), linger(true, 7), keepidle(99)];
    let more = [keepintvl(9), keepcnt(2), user_timeout(77)];
    let common: Vec<Opt> = options.into_iter().chain(more).collect();
    let inet4 = [tos(16), ttl(9), recvtos(true), recvttl(true), ip(LOOPBACK)];
    let inet6 = [inet6(), tclass(16), recvtclass(true), ip(LOOPBACK)];
    for (family, own) in [(Family::Inet, &inet4[..]), (Family::Inet6, &inet6[..])] {
        let listener = listen(common.iter().chain(own).cloned());
        let (_client, server) = pair(&listener, []);
        for &name in inherited(family) {
            assert_eq!(get(&server, name), get(&listener, name), "{name:?}");
        }
    }
}

#[test]
fn errors_of_accept() {
    for (errno, expected) in [
        (libc::EAGAIN, AfterAccept::Wait),
        (libc::ECONNABORTED, AfterAccept::Again),
        (libc::EPERM, AfterAccept::Again),
        (libc::EMFILE, AfterAccept::Pause),
        (libc::ENOMEM, AfterAccept::Pause),
        (libc::EBADF, AfterAccept::Fail),
        (libc::EINVAL, AfterAccept::Fail),
    ] {
        assert_eq!(after_accept_error(&super::errno(errno)), expected);
    }
    assert_eq!(after_accept_error(&io::Error::other("x")), AfterAccept::Fail);
}

#[test]
fn a_simulated_socket_is_none_of_the_kernels() {
    let sock = Sock::Sim(7);
    assert_eq!(reason(Real.read(&sock, &mut [0])), Error::Ebadf);
    assert_eq!(reason(Real.accept(&sock)), Error::Ebadf);
    assert!(matches!(Real.source(&sock), Source::Sim(7)));
    assert_eq!(reason(sock.into_fd()), Error::Enotsup);
}
