//! The socket verbs on the kernel.
//!
//! What: [`Real`], the body of [`Io`] that makes system calls.
//! Who calls it: the driver, through [`Io`], in a runtime that is not simulated.
//! Invariant: every descriptor is non-blocking and closed on exec from its creation on (R40); no
//! write raises SIGPIPE (R33); a call that a signal interrupts is made again, and a connect
//! that one interrupts goes on (R34).
//! Not here: state. A socket is its descriptor.

use core::mem::ManuallyDrop;
use std::fs::File;
use std::io;
use std::net::{Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::thread;

use runtime::port::Source;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    self, AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny, SocketAddrUnix,
    SocketType,
};

use super::{Connecting, Io, Sock, SocketName, errno, reported, sockopt};
use crate::options::{Family, Name, Opt, Plan, Protocol};

/// The kernel's limit for the slices of one call.
const SLICES_MAX: usize = 1024;
/// The longest path in a Unix-domain address, with its final 0; abstract names fill it up.
const PATH_MAX: usize = 108;

/// The kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Real;

impl Io for Real {
    fn listen(&self, plan: &Plan) -> io::Result<Sock> {
        let sock = open(plan)?;
        let fd = descriptor(&sock)?;
        let adopted = matches!(sock, Sock::Adopted(_));
        if adopted && net::sockopt::socket_acceptconn(fd)? {
            return Ok(sock);
        }
        if let Some(name) = &plan.bind {
            bind(fd, name)?;
        }
        net::listen(fd, plan.backlog)?;
        Ok(sock)
    }

    fn accept(&self, listener: &Sock) -> io::Result<Sock> {
        let listener = descriptor(listener)?;
        Ok(Sock::Fd(retry_on_intr(|| accept(listener))?))
    }

    fn connect(&self, to: &SocketName, plan: &Plan) -> io::Result<(Sock, Connecting)> {
        let sock = open(plan)?;
        let fd = descriptor(&sock)?;
        if let Some(name) = &plan.bind {
            bind(fd, name)?;
        }
        let answer = match to {
            SocketName::Inet(to) => net::connect(fd, to),
            SocketName::Local(path) => net::connect(fd, &unix(path)?),
        };
        match answer {
            Ok(()) => Ok((sock, Connecting::Done)),
            Err(Errno::INPROGRESS | Errno::INTR) => Ok((sock, Connecting::InProgress)),
            Err(error) => Err(error.into()),
        }
    }

    fn adopt(&self, plan: &Plan) -> io::Result<Sock> {
        let sock = open(plan)?;
        if let Some(name) = &plan.bind {
            bind(descriptor(&sock)?, name)?;
        }
        Ok(sock)
    }

    fn read(&self, sock: &Sock, buffer: &mut [u8]) -> io::Result<usize> {
        let fd = descriptor(sock)?;
        let (read, _) = retry_on_intr(|| net::recv(fd, &mut *buffer, RecvFlags::empty()))?;
        Ok(read)
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

    fn shutdown(&self, sock: &Sock, how: Shutdown) -> io::Result<()> {
        let how = match how {
            Shutdown::Read => net::Shutdown::Read,
            Shutdown::Write => net::Shutdown::Write,
            Shutdown::Both => net::Shutdown::Both,
        };
        Ok(net::shutdown(descriptor(sock)?, how)?)
    }

    fn take_error(&self, sock: &Sock) -> io::Result<Option<io::Error>> {
        let waiting = net::sockopt::socket_error(descriptor(sock)?)?;
        Ok(waiting.err().map(Into::into))
    }

    fn set_option(&self, sock: &Sock, opt: &Opt) -> io::Result<()> {
        sockopt::set(descriptor(sock)?, opt)
    }

    fn get_option(&self, sock: &Sock, name: Name) -> io::Result<Option<Opt>> {
        Ok(sockopt::get(descriptor(sock)?, name))
    }

    fn local_addr(&self, sock: &Sock) -> io::Result<SocketName> {
        name(&net::getsockname(descriptor(sock)?)?)
    }

    fn peer_addr(&self, sock: &Sock) -> io::Result<SocketName> {
        let peer = net::getpeername(descriptor(sock)?)?;
        // Some systems have no name for a peer that is gone.
        name(&peer.ok_or(Errno::NOTCONN)?)
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

fn family(plan: &Plan) -> AddressFamily {
    match plan.family {
        Family::Inet => AddressFamily::INET,
        Family::Inet6 => AddressFamily::INET6,
        Family::Local => AddressFamily::UNIX,
    }
}

fn protocol(plan: &Plan) -> io::Result<Option<net::Protocol>> {
    match (plan.family, plan.protocol) {
        (Family::Local, _) => Ok(None),
        (_, Protocol::Tcp) => Ok(Some(net::ipproto::TCP)),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        (_, Protocol::Mptcp) => Ok(Some(net::ipproto::MPTCP)),
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        (_, Protocol::Mptcp) => Err(errno(libc::EPROTONOSUPPORT)),
    }
}

#[cfg(not(target_vendor = "apple"))]
const FLAGS: net::SocketFlags = net::SocketFlags::NONBLOCK.union(net::SocketFlags::CLOEXEC);
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: SendFlags = SendFlags::empty();

#[cfg(not(target_vendor = "apple"))]
fn socket(plan: &Plan) -> io::Result<OwnedFd> {
    Ok(net::socket_with(family(plan), SocketType::STREAM, FLAGS, protocol(plan)?)?)
}

#[cfg(not(target_vendor = "apple"))]
fn accept(listener: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    net::accept_with(listener, FLAGS)
}

#[cfg(target_vendor = "apple")]
fn socket(plan: &Plan) -> io::Result<OwnedFd> {
    let fd = net::socket(family(plan), SocketType::STREAM, protocol(plan)?)?;
    prepare(&fd)?;
    Ok(fd)
}

#[cfg(target_vendor = "apple")]
fn accept(listener: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    let fd = net::accept(listener)?;
    prepare(&fd)?;
    Ok(fd)
}

/// What cannot be asked for at creation there.
#[cfg(target_vendor = "apple")]
fn prepare(fd: &OwnedFd) -> rustix::io::Result<()> {
    rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(fd, true)?;
    net::sockopt::set_socket_nosigpipe(fd, true)
}

/// A socket in another network name space. A thread of its own goes there and ends there, so that
/// no worker can be left behind in the wrong one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn socket_in(space: &Path, plan: &Plan) -> io::Result<OwnedFd> {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

    let space = File::open(space)?;
    thread::scope(|scope| {
        let make = || {
            move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network))?;
            socket(plan)
        };
        let worker = thread::Builder::new().name("netns".into()).spawn_scoped(scope, make)?;
        worker.join().unwrap_or_else(|_| Err(errno(libc::EINVAL)))
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn socket_in(_: &Path, _: &Plan) -> io::Result<OwnedFd> {
    Err(errno(libc::EINVAL))
}

fn bind(fd: BorrowedFd<'_>, name: &SocketName) -> io::Result<()> {
    match name {
        SocketName::Inet(address) => net::bind(fd, address)?,
        SocketName::Local(path) => net::bind(fd, &unix(path)?)?,
    }
    Ok(())
}

/// The address of a path; it ends at a 0 byte, unless that is the first one (CON-14).
fn unix(path: &[u8]) -> io::Result<SocketAddrUnix> {
    let too_long = |_| errno(libc::EINVAL);
    match path {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        [] => Ok(SocketAddrUnix::new_unnamed()),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        [0, name @ ..] => SocketAddrUnix::new_abstract_name(name).map_err(too_long),
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        [] | [0, ..] => Err(errno(libc::EINVAL)),
        path if path.len() >= PATH_MAX => Err(errno(libc::EINVAL)),
        path => {
            let end = path.iter().position(|&byte| byte == 0).unwrap_or(path.len());
            SocketAddrUnix::new(&path[..end]).map_err(too_long)
        }
    }
}

fn name(address: &SocketAddrAny) -> io::Result<SocketName> {
    match address.address_family() {
        AddressFamily::INET => {
            Ok(SocketName::Inet(SocketAddr::V4(SocketAddrV4::try_from(address.clone())?)))
        }
        AddressFamily::INET6 => {
            Ok(SocketName::Inet(SocketAddr::V6(SocketAddrV6::try_from(address.clone())?)))
        }
        AddressFamily::UNIX => {
            let address = SocketAddrUnix::try_from(address.clone())?;
            Ok(SocketName::Local(path(&address)))
        }
        _ => Err(errno(libc::EAFNOSUPPORT)),
    }
}

/// The path as Erlang has it: abstract names with their 0 in front, nothing for no name.
fn path(address: &SocketAddrUnix) -> Vec<u8> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = address.abstract_name() {
        return [&[0], name].concat();
    }
    address.path_bytes().unwrap_or_default().to_vec()
}
