//! The socket verbs: the only way from the driver to the network.
//!
//! What: [`Io`], syscall-shaped and non-blocking, with one body on the kernel (`real`) and one in
//! the simulator; [`Sock`], an open socket of either; and which refusals of options count.
//! Who calls it: the driver, under the lock of the port; nobody else makes a socket call.
//! Invariant: errors are raw errnos from both bodies, so that the driver cannot tell which it has.
//! No verb waits, and none is interrupted: `EINTR` is dealt with inside.
//! Not here: readiness (the runtime's reactor watches [`Io::source`]), retries, messages, names.

pub(crate) mod real;
mod sockopt;

use core::mem::ManuallyDrop;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use runtime::port::Source;
use rustix::io::{Errno, retry_on_intr};

use crate::error::Error;
pub(crate) use crate::inet::addr::SocketName;
use crate::options::{Name, Opt, Plan};

/// Bytes of a file that one call copies where the kernel cannot send them by itself.
const COPY_MAX: usize = 64 << 10;

/// An open socket. Dropping it closes it, except for an adopted one.
#[derive(Debug)]
pub(crate) enum Sock {
    /// A descriptor of our own.
    Fd(OwnedFd),
    /// A descriptor of somebody else's, lent by `{fd,_}`: never closed here (1.10).
    Adopted(ManuallyDrop<OwnedFd>),
    /// A socket of the simulated network.
    #[cfg_attr(
        not(test),
        allow(
            dead_code,
            reason = "nothing makes one as long as there is no simulated network"
        )
    )]
    Sim(u64),
}

impl Sock {
    /// The descriptor, to be lent to the user.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Fd(fd) => Some(fd.as_fd()),
            Self::Adopted(fd) => Some(fd.as_fd()),
            Self::Sim(_) => None,
        }
    }

    /// The descriptor, to be given away. Of an adopted one it is a copy, as the original stays
    /// its lender's.
    ///
    /// # Errors
    ///
    /// `ENOTSUP` for a simulated socket, `EMFILE` where a copy is not possible.
    pub(crate) fn into_fd(self) -> io::Result<OwnedFd> {
        match self {
            Self::Fd(fd) => Ok(fd),
            Self::Adopted(fd) => fd.try_clone(),
            Self::Sim(_) => Err(errno(libc::ENOTSUP)),
        }
    }
}

/// How far a connect has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Connecting {
    /// Connected.
    Done,
    /// Under way: the socket becomes writable when it is decided.
    InProgress,
}

/// The verbs. In all of them `EAGAIN` means: nothing now; wait for the readiness of the source and
/// call again. A [`Sock`] of the other body is `EBADF`.
pub(crate) trait Io: Send + Sync {
    /// Makes a socket as the plan says (or adopts its descriptor), sets the kernel's options in
    /// the order of the plan, binds and listens. A descriptor that listens already is left so.
    ///
    /// Errors: `EINVAL` for an option whose refusal is reported ([`reported`]); else what the
    /// kernel says: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`, `EMFILE`, `ENFILE`; `EBADF` and
    /// `ENOTSOCK` for an adopted number; `ENOENT`, `EPERM` for a name space; `EINVAL` for a path
    /// that is too long. Nothing stays open then.
    fn listen(&self, plan: &Plan) -> io::Result<Sock>;

    /// Takes one connection off the accept queue. It is non-blocking and closed on exec from the
    /// start, and has of the listener's options what the kernel hands down.
    ///
    /// Errors: `EAGAIN` when the queue is empty. For all others see [`after_accept_error`]: in
    /// many cases the connection is gone and the next call may succeed.
    fn accept(&self, listener: &Sock) -> io::Result<Sock>;

    /// Makes a socket as `listen` does, binds it where the plan says so, and begins to connect.
    /// After [`Connecting::InProgress`] the source becomes writable once; then
    /// [`Io::take_error`] tells the failure. That alone is not yet success: a wake-up may be
    /// spurious, and [`Io::peer_addr`] says `ENOTCONN` as long as the connection is under way.
    ///
    /// Errors: as `listen`, and those of the connection where they are known at once. `EAGAIN`
    /// here comes from a Unix-domain listener with a full queue; nothing is under way then.
    fn connect(&self, to: &SocketName, plan: &Plan) -> io::Result<(Sock, Connecting)>;

    /// Makes a socket of the plan's descriptor, as it is, and sets the options (`fdopen`).
    ///
    /// Errors: as `listen`.
    fn adopt(&self, plan: &Plan) -> io::Result<Sock>;

    /// Reads what is there, at most the buffer. 0 is the end of the stream (and the answer to an
    /// empty buffer, which is never passed).
    ///
    /// Errors: `EAGAIN`; `ECONNRESET`, `ETIMEDOUT` and their like end the connection; `ENOTCONN`.
    fn read(&self, sock: &Sock, buffer: &mut [u8]) -> io::Result<usize>;

    /// Whether a read would give something now: bytes, the end, or an error. Takes nothing.
    fn has_input(&self, sock: &Sock) -> bool;

    /// Writes from the front of the slices as much as the kernel takes, which may end inside one.
    /// Slices beyond the system's limit for one call wait for the next. Raises no signal.
    ///
    /// Errors: `EAGAIN` when nothing could be taken; `EPIPE`, `ECONNRESET` and their like.
    fn write(&self, sock: &Sock, slices: &[io::IoSlice<'_>]) -> io::Result<usize>;

    /// Writes from a file, beginning at the offset, at most so many bytes; the kernel may take a
    /// part. 0 is the end of the file. The file's own position stays (SFL-5). Raises no signal.
    /// A body without a better way reads and writes.
    ///
    /// Errors: as `write`, and those of the file: `EBADF` where it is not open for reading,
    /// `EISDIR`, `ESPIPE`, `EIO`, `EINVAL` for an offset beyond 63 bits.
    fn sendfile(
        &self,
        sock: &Sock,
        file: BorrowedFd<'_>,
        offset: u64,
        max: usize,
    ) -> io::Result<usize> {
        copy_file(self, sock, file, offset, max)
    }

    /// Ends one direction or both.
    ///
    /// Errors: `ENOTCONN`, also after a reset (SHU-9).
    fn shutdown(&self, sock: &Sock, how: Shutdown) -> io::Result<()>;

    /// The error that waits on the socket, if any; asking removes it.
    fn take_error(&self, sock: &Sock) -> io::Result<Option<io::Error>>;

    /// Sets one option of table 2.4. Options of the driver are not accepted here.
    ///
    /// Errors: the kernel's, for every option; [`set_option`] says which of them count.
    fn set_option(&self, sock: &Sock, opt: &Opt) -> io::Result<()>;

    /// Reads one option of table 2.4. `None`: it is left out of the answer, because this kind of
    /// socket has it not, or the kernel refuses (1.12).
    ///
    /// Errors: `EBADF` only.
    fn get_option(&self, sock: &Sock, name: Name) -> io::Result<Option<Opt>>;

    /// The name of this end; of a local socket without one, the empty path.
    fn local_addr(&self, sock: &Sock) -> io::Result<SocketName>;

    /// The name of the other end.
    ///
    /// Errors: `ENOTCONN` when there is none.
    fn peer_addr(&self, sock: &Sock) -> io::Result<SocketName>;

    /// What the reactor watches for this socket.
    fn source<'a>(&self, sock: &'a Sock) -> Source<'a>;

    /// Closes. What the kernel has been given is still sent, then FIN; unread input makes it a
    /// reset (CLO-6). An adopted descriptor stays open.
    fn close(&self, sock: Sock);

    /// Closes with a reset; what has not been sent is lost. An adopted descriptor stays as it is.
    fn abort(&self, sock: Sock);
}

/// [`Io::sendfile`] by reading and writing. What the socket does not take is read again next time.
fn copy_file<I: Io + ?Sized>(
    io: &I,
    sock: &Sock,
    file: BorrowedFd<'_>,
    offset: u64,
    max: usize,
) -> io::Result<usize> {
    let mut buffer = vec![0; max.min(COPY_MAX)];
    let read = retry_on_intr(|| rustix::io::pread(file, &mut buffer[..], offset));
    match read {
        Ok(0) => Ok(0),
        Ok(length) => io.write(sock, &[io::IoSlice::new(&buffer[..length])]),
        // Only the socket may say that there is nothing now, or the wait would have no end.
        Err(Errno::AGAIN) => Err(errno(libc::EINVAL)),
        Err(error) => Err(error.into()),
    }
}

/// Whether the kernel's refusal of the option is an error of the call (SOP-5). It is for those
/// that Erlang reports, and for the four that are younger than its habit of silence: a keep-alive
/// that is not set would be noticed only when it is needed. `netns` fails on its own.
pub(crate) const fn reported(opt: &Opt) -> bool {
    matches!(
        opt,
        Opt::Priority(_)
            | Opt::Tos(_)
            | Opt::Tclass(_)
            | Opt::Ttl(_)
            | Opt::Recvtos(_)
            | Opt::Recvtclass(_)
            | Opt::Recvttl(_)
            | Opt::Ipv6V6only(_)
            | Opt::BindToDevice(_)
            | Opt::Keepidle(_)
            | Opt::Keepintvl(_)
            | Opt::Keepcnt(_)
            | Opt::UserTimeout(_)
    )
}

/// Sets one option of the kernel and swallows the refusals that do not count (SOP-5).
///
/// # Errors
///
/// [`Error::Einval`], whatever the kernel's reason is: so Erlang has it.
pub(crate) fn set_option(io: &dyn Io, sock: &Sock, opt: &Opt) -> Result<(), Error> {
    match io.set_option(sock, opt) {
        Err(_) if reported(opt) => Err(Error::Einval),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What is to be done after [`Io::accept`] has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum AfterAccept {
    /// The queue is empty: wait for readiness.
    Wait,
    /// One connection was lost on its way: call again at once.
    Again,
    /// Descriptors or memory have run out. The connection stays in the queue and the listener
    /// stays readable, so waiting for readiness would spin: call again after a pause, or when a
    /// descriptor has been closed.
    Pause,
    /// The listener itself is unusable.
    Fail,
}

/// Sorts the errors of accept. The manual demands that network errors of the new connection be
/// treated like `EAGAIN`; taking one for a failure of the listener stops a server for good.
pub(crate) fn after_accept_error(error: &io::Error) -> AfterAccept {
    let Some(errno) = error.raw_os_error() else {
        return AfterAccept::Fail;
    };
    if errno == libc::EAGAIN || errno == libc::EWOULDBLOCK {
        return AfterAccept::Wait;
    }
    match errno {
        libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM => AfterAccept::Pause,
        // Given up by the peer, or by the network on the way; EPERM is a firewall's.
        libc::ECONNABORTED
        | libc::EINTR
        | libc::EPERM
        | libc::EPROTO
        | libc::ENOPROTOOPT
        | libc::EOPNOTSUPP
        | libc::ENETDOWN
        | libc::ENETUNREACH
        | libc::EHOSTDOWN
        | libc::EHOSTUNREACH
        | libc::ETIMEDOUT => AfterAccept::Again,
        #[cfg(any(target_os = "linux", target_os = "android"))]
        libc::ENONET => AfterAccept::Again,
        _ => AfterAccept::Fail,
    }
}

/// A raw error.
fn errno(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

#[cfg(test)]
mod tests;
