//! The socket verbs on the kernel.
//!
//! What: [`Real`], the body of [`Io`] that makes system calls.
//! Who calls it: the driver, through [`Io`], in a runtime that is not simulated.
//! Invariant: every descriptor is non-blocking and closed on exec from its creation on (R40); no
//! write raises SIGPIPE (R33); a call that a signal interrupts is made again, and a connect
//! that one interrupts goes on (R34).
//! Not here: state. A socket is its descriptor.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::thread;

use runtime::port::Source;
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::io::Errno;
use rustix::io::retry_on_intr;
use rustix::net::{self, RecvFlags, SendAncillaryBuffer, SendFlags};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::{Connecting, Io, Sock, SocketName, errno, reported, sockopt};
use crate::options::{Family, Name, Opt, Plan, Protocol};

/// The kernel's limit for the slices of one call.
const SLICES_MAX: usize = 1024;

/// The most that one call sends of a file (SFL-14).
#[cfg(any(target_os = "linux", target_os = "android"))]
const SENDFILE_MAX: usize = (1 << 30) - 1;

/// The kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Real;

impl Io for Real {
    fn listen(&self, plan: &Plan) -> io::Result<Sock> {
        let sock = open(plan)?;
        let socket = socket_of(&sock)?;
        if matches!(sock, Sock::Adopted(_)) && sockopt::listens(descriptor(&sock)?) {
            return Ok(sock);
        }
        bind(&socket, plan)?;
        socket.listen(plan.backlog)?;
        Ok(sock)
    }

    fn accept(&self, listener: &Sock) -> io::Result<Sock> {
        let listener = descriptor(listener)?;
        Ok(Sock::Fd(retry_on_intr(|| accept(listener))?))
    }

    fn connect(&self, to: &SocketName, plan: &Plan) -> io::Result<(Sock, Connecting)> {
        let sock = open(plan)?;
        let socket = socket_of(&sock)?;
        bind(&socket, plan)?;
        match socket.connect(&address(to)?) {
            Ok(()) => Ok((sock, Connecting::Done)),
            Err(error) => match error.raw_os_error() {
                Some(libc::EINPROGRESS | libc::EINTR) => Ok((sock, Connecting::InProgress)),
                _ => Err(error),
            },
        }
    }

    fn adopt(&self, plan: &Plan) -> io::Result<Sock> {
        let sock = open(plan)?;
        bind(&socket_of(&sock)?, plan)?;
        Ok(sock)
    }

    fn read(&self, sock: &Sock, buffer: &mut [u8]) -> io::Result<usize> {
        let fd = descriptor(sock)?;
        let (read, _) = retry_on_intr(|| net::recv(fd, &mut *buffer, RecvFlags::empty()))?;
        Ok(read)
    }

    fn has_input(&self, sock: &Sock) -> bool {
        descriptor(sock).is_ok_and(|fd| {
            let look = || net::recv(fd, &mut [0u8; 1][..], RecvFlags::PEEK);
            !matches!(retry_on_intr(look), Err(rustix::io::Errno::AGAIN))
        })
    }

    fn write(&self, sock: &Sock, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let fd = descriptor(sock)?;
        let slices = &slices[..slices.len().min(SLICES_MAX)];
        let written = match slices {
            [slice] => retry_on_intr(|| net::send(fd, slice, SEND_FLAGS))?,
            _ => retry_on_intr(|| {
                net::sendmsg(fd, slices, &mut SendAncillaryBuffer::default(), SEND_FLAGS)
            })?,
        };
        Ok(written)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn sendfile(
        &self,
        sock: &Sock,
        file: BorrowedFd<'_>,
        offset: u64,
        max: usize,
    ) -> io::Result<usize> {
        let (fd, max) = (descriptor(sock)?, max.min(SENDFILE_MAX));
        let mut at = offset;
        let send = || rustix::fs::sendfile(fd, file, Some(&mut at), max);
        match sockopt::without_sigpipe(|| retry_on_intr(send)) {
            // Of this file it cannot; reading tells whether anything can.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                super::copy_file(self, sock, file, offset, max)
            }
            sent => Ok(sent?),
        }
    }

    fn shutdown(&self, sock: &Sock, how: Shutdown) -> io::Result<()> {
        socket_of(sock)?.shutdown(how)
    }

    fn take_error(&self, sock: &Sock) -> io::Result<Option<io::Error>> {
        socket_of(sock)?.take_error()
    }

    fn set_option(&self, sock: &Sock, opt: &Opt) -> io::Result<()> {
        sockopt::set(descriptor(sock)?, opt)
    }

    fn get_option(&self, sock: &Sock, name: Name) -> io::Result<Option<Opt>> {
        Ok(sockopt::get(descriptor(sock)?, name))
    }

    fn local_addr(&self, sock: &Sock) -> io::Result<SocketName> {
        name(&socket_of(sock)?.local_addr()?)
    }

    fn peer_addr(&self, sock: &Sock) -> io::Result<SocketName> {
        name(&socket_of(sock)?.peer_addr()?)
    }

    fn source<'a>(&self, sock: &'a Sock) -> Source<'a> {
        match sock {
            Sock::Fd(fd) => Source::Fd(fd.as_fd()),
            Sock::Adopted(fd) => Source::Fd(fd.as_fd()),
            Sock::Sim(id) => Source::Sim(*id),
        }
    }

    fn close(&self, sock: Sock) {
        drop(sock);
    }

    fn abort(&self, sock: Sock) {
        if let Sock::Fd(fd) = &sock {
            // Where the kernel refuses, closing is all that can be done.
            let _ = sockopt::set(fd.as_fd(), &Opt::Linger(true, 0));
        }
        drop(sock);
    }
}

fn descriptor(sock: &Sock) -> io::Result<BorrowedFd<'_>> {
    sock.fd().ok_or_else(|| errno(libc::EBADF))
}

fn socket_of(sock: &Sock) -> io::Result<SockRef<'_>> {
    match sock {
        Sock::Fd(fd) => Ok(SockRef::from(fd)),
        Sock::Adopted(fd) => Ok(SockRef::from(&**fd)),
        Sock::Sim(_) => Err(errno(libc::EBADF)),
    }
}

/// A socket as the plan says, with its options, not yet bound.
fn open(plan: &Plan) -> io::Result<Sock> {
    let sock = match (plan.fd, &plan.netns) {
        (Some(number), _) => Sock::Adopted(sockopt::adopt(number)?),
        (None, Some(path)) => Sock::Fd(socket_in(path, plan)?),
        (None, None) => Sock::Fd(socket(plan)?),
    };
    let fd = descriptor(&sock)?;
    for opt in &plan.kernel {
        if sockopt::set(fd, opt).is_err() && reported(opt) {
            return Err(errno(libc::EINVAL));
        }
    }
    Ok(sock)
}

/// A new socket; socket2 sees to it that it is closed on exec.
fn socket(plan: &Plan) -> io::Result<OwnedFd> {
    let domain = match plan.family {
        Family::Inet => Domain::IPV4,
        Family::Inet6 => Domain::IPV6,
        Family::Local => Domain::UNIX,
    };
    let protocol = match (plan.family, plan.protocol) {
        (Family::Local, _) => None,
        (_, Protocol::Tcp) => Some(socket2::Protocol::TCP),
        #[cfg(target_os = "linux")]
        (_, Protocol::Mptcp) => Some(socket2::Protocol::MPTCP),
        #[cfg(not(target_os = "linux"))]
        (_, Protocol::Mptcp) => return Err(errno(libc::EPROTONOSUPPORT)),
    };
    #[cfg(not(target_vendor = "apple"))]
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), protocol)?;
    #[cfg(target_vendor = "apple")]
    let socket = Socket::new(domain, Type::STREAM, protocol)?;
    #[cfg(target_vendor = "apple")]
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// On Apple's systems socket2 has set the socket to raise no signal.
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: SendFlags = SendFlags::empty();
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;

#[cfg(not(target_vendor = "apple"))]
fn accept(listener: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    net::accept_with(
        listener,
        net::SocketFlags::NONBLOCK | net::SocketFlags::CLOEXEC,
    )
}

#[cfg(target_vendor = "apple")]
fn accept(listener: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    let fd = net::accept(listener)?;
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&fd, true)?;
    net::sockopt::set_socket_nosigpipe(&fd, true)?;
    Ok(fd)
}

/// A socket in another network name space. A thread of its own goes there and ends there, so that
/// no worker can be left behind in the wrong one.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[expect(
    clippy::disallowed_methods,
    reason = "a worker must not change its name space, not even for a moment"
)]
fn socket_in(space: &Path, plan: &Plan) -> io::Result<OwnedFd> {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

    let space = File::open(space)?;
    thread::scope(|scope| {
        let make = || {
            move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network))?;
            socket(plan)
        };
        let worker = thread::Builder::new()
            .name("netns".into())
            .spawn_scoped(scope, make)?;
        worker.join().unwrap_or_else(|_| Err(errno(libc::EINVAL)))
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn socket_in(_: &Path, _: &Plan) -> io::Result<OwnedFd> {
    Err(errno(libc::EINVAL))
}

fn bind(socket: &SockRef<'_>, plan: &Plan) -> io::Result<()> {
    match &plan.bind {
        Some(name) => socket.bind(&address(name)?),
        None => Ok(()),
    }
}

/// The system's form of a name. A path ends at a 0 byte, unless that is the first one; one that is
/// too long is refused before it is cut (CON-14).
fn address(name: &SocketName) -> io::Result<SockAddr> {
    let path = match name {
        SocketName::Inet(address) => return Ok((*address).into()),
        SocketName::Local(path) => path,
    };
    // socket2 has no errno for it.
    let unix = |path| SockAddr::unix(OsStr::from_bytes(path)).map_err(|_| errno(libc::EINVAL));
    let whole = unix(path)?;
    match path.iter().position(|&byte| byte == 0) {
        None | Some(0) => Ok(whole),
        Some(end) => unix(&path[..end]),
    }
}

/// The name in the system's form; an abstract one with its 0 in front, nothing for no name.
fn name(address: &SockAddr) -> io::Result<SocketName> {
    if let Some(address) = address.as_socket() {
        return Ok(SocketName::Inet(address));
    }
    if !address.is_unix() {
        return Err(errno(libc::EAFNOSUPPORT));
    }
    Ok(SocketName::Local(
        match (address.as_abstract_namespace(), address.as_pathname()) {
            (Some(name), _) => [&[0], name].concat(),
            (None, Some(path)) => path.as_os_str().as_bytes().to_vec(),
            (None, None) => Vec::new(),
        },
    ))
}
