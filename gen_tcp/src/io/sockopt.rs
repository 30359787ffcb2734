//! The kernel's options (2.4), and the few calls that only raw numbers can make.
//!
//! What: where each option lives in the kernel, [`set`] and [`get`] for all of them, and
//! [`adopt`], which makes a socket of a number.
//! Who calls it: `real`.
//! Invariant: one row of [`place`] serves both directions, so that what is set is what is read.
//! The `unsafe` code of the crate is here: two calls of the C library, as neither socket2 nor
//! rustix has raw options, one descriptor made of a number, and the mask of signals around a call.
//! Not here: values (the check has seen them), and which refusals count.

use core::ffi::c_int;
use core::mem::ManuallyDrop;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use socket2::SockRef;

use super::errno;
use crate::options::{FdNumber, Name, Opt, check_names};

/// Sets an option. Other than those of the kernel are `EINVAL`.
pub(super) fn set(fd: BorrowedFd<'_>, opt: &Opt) -> io::Result<()> {
    match opt {
        Opt::Linger(on, seconds) => {
            let [on, seconds] = [c_int::from(*on), int(*seconds)?].map(c_int::to_ne_bytes);
            // `struct linger` is two integers.
            set_bytes(fd, libc::SOL_SOCKET, LINGER, &[on, seconds].concat())
        }
        Opt::BindToDevice(name) => set_device(fd, name),
        Opt::Tos(tos) => keep_priority(fd, |fd| set_int(fd, place(Name::Tos), int(*tos)?)),
        Opt::Raw {
            level,
            option,
            value,
        } => {
            if writes_elsewhere(*level, *option) {
                return Err(errno(libc::ENOPROTOOPT));
            }
            let set = |fd| set_bytes(fd, *level, *option, value);
            if Some((*level, *option)) == place(Name::Tos) {
                keep_priority(fd, set)
            } else {
                set(fd)
            }
        }
        opt => set_int(fd, place(opt.name()), value(opt)?),
    }
}

/// Reads an option; `None` where the kernel has no answer.
pub(super) fn get(fd: BorrowedFd<'_>, name: Name) -> Option<Opt> {
    match name {
        Name::Linger => {
            let mut bytes = [0; 8];
            get_bytes(fd, libc::SOL_SOCKET, LINGER, &mut bytes).ok()?;
            let [on, seconds] = bytes.as_chunks().0 else {
                return None;
            };
            let [on, seconds] = [*on, *seconds].map(c_int::from_ne_bytes);
            Some(Opt::Linger(on != 0, seconds.into()))
        }
        Name::Raw {
            level,
            option,
            size,
        } => {
            check_names(&[name]).ok()?;
            let mut value = vec![0; usize::try_from(size).ok()?];
            let length = get_bytes(fd, level, option, &mut value).ok()?;
            value.truncate(length);
            Some(Opt::Raw {
                level,
                option,
                value,
            })
        }
        Name::BindToDevice => get_device(fd),
        Name::Pktoptions => get_pktoptions(fd),
        name => answer(name, get_int(fd, place(name)?)?),
    }
}

/// The socket behind a number, switched to non-blocking. It stays its lender's: it is not closed.
///
/// Errors: `EBADF` for a number that is not open, `ENOTSOCK` for one that is no socket.
pub(super) fn adopt(number: FdNumber) -> io::Result<ManuallyDrop<OwnedFd>> {
    let raw = RawFd::try_from(number.get()).map_err(|_| errno(libc::EBADF))?;
    if raw < 0 {
        return Err(errno(libc::EBADF));
    }
    // SAFETY: the number is not negative, and whoever called `opt::fd` promised that it is a socket
    // that stays open for as long as we use it. Should it not be open now, nothing but the calls
    // below sees it; they answer EBADF, and it is not closed, as it is never dropped.
    let fd = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(raw) });
    let socket = SockRef::from(&*fd);
    socket.r#type()?;
    socket.set_nonblocking(true)?;
    Ok(fd)
}

/// Whether the socket listens already.
pub(super) fn listens(fd: BorrowedFd<'_>) -> bool {
    get_int(fd, (libc::SOL_SOCKET, libc::SO_ACCEPTCONN)).is_some_and(|listens| listens != 0)
}

/// Level and number of the options that are one integer.
const fn place(name: Name) -> Option<(c_int, c_int)> {
    Some(match name {
        Name::Recbuf => (libc::SOL_SOCKET, libc::SO_RCVBUF),
        Name::Sndbuf => (libc::SOL_SOCKET, libc::SO_SNDBUF),
        Name::Keepalive => (libc::SOL_SOCKET, libc::SO_KEEPALIVE),
        Name::Reuseaddr => (libc::SOL_SOCKET, libc::SO_REUSEADDR),
        Name::Reuseport => (libc::SOL_SOCKET, libc::SO_REUSEPORT),
        Name::Dontroute => (libc::SOL_SOCKET, libc::SO_DONTROUTE),
        Name::Nodelay => (libc::IPPROTO_TCP, libc::TCP_NODELAY),
        Name::Keepintvl => (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL),
        Name::Keepcnt => (libc::IPPROTO_TCP, libc::TCP_KEEPCNT),
        Name::Tos => (libc::IPPROTO_IP, libc::IP_TOS),
        Name::Ttl => (libc::IPPROTO_IP, libc::IP_TTL),
        Name::Recvttl => (libc::IPPROTO_IP, libc::IP_RECVTTL),
        Name::Tclass => (libc::IPPROTO_IPV6, libc::IPV6_TCLASS),
        Name::Recvtclass => (libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS),
        Name::Ipv6V6only => (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY),
        name => return place_here(name),
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const fn place_here(name: Name) -> Option<(c_int, c_int)> {
    Some(match name {
        Name::Priority => (libc::SOL_SOCKET, libc::SO_PRIORITY),
        // On Linux SO_REUSEPORT balances.
        Name::ReuseportLb => (libc::SOL_SOCKET, libc::SO_REUSEPORT),
        Name::Nopush => (libc::IPPROTO_TCP, libc::TCP_CORK),
        Name::Keepidle => (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE),
        Name::UserTimeout => (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT),
        Name::Recvtos => (libc::IPPROTO_IP, libc::IP_RECVTOS),
        _ => return None,
    })
}

#[cfg(target_vendor = "apple")]
const fn place_here(name: Name) -> Option<(c_int, c_int)> {
    Some(match name {
        Name::Nopush => (libc::IPPROTO_TCP, libc::TCP_NOPUSH),
        Name::Keepidle => (libc::IPPROTO_TCP, libc::TCP_KEEPALIVE),
        Name::Recvtos => (libc::IPPROTO_IP, libc::IP_RECVTOS),
        _ => return None,
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
const fn place_here(name: Name) -> Option<(c_int, c_int)> {
    Some(match name {
        Name::Keepidle => (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE),
        _ => return None,
    })
}

/// Seconds on every system; on Apple's, `SO_LINGER` counts in ticks.
#[cfg(not(target_vendor = "apple"))]
const LINGER: c_int = libc::SO_LINGER;
#[cfg(target_vendor = "apple")]
const LINGER: c_int = libc::SO_LINGER_SEC;

/// The integer that the kernel is given.
fn value(opt: &Opt) -> io::Result<c_int> {
    match *opt {
        Opt::Nodelay(on)
        | Opt::Nopush(on)
        | Opt::Keepalive(on)
        | Opt::Reuseaddr(on)
        | Opt::Reuseport(on)
        | Opt::ReuseportLb(on)
        | Opt::Recvtos(on)
        | Opt::Recvttl(on)
        | Opt::Recvtclass(on)
        | Opt::Ipv6V6only(on)
        | Opt::Dontroute(on) => Ok(on.into()),
        Opt::Recbuf(value)
        | Opt::Sndbuf(value)
        | Opt::Keepidle(value)
        | Opt::Keepintvl(value)
        | Opt::Keepcnt(value)
        | Opt::UserTimeout(value)
        | Opt::Tos(value)
        | Opt::Tclass(value)
        | Opt::Ttl(value)
        | Opt::Priority(value) => int(value),
        _ => Err(errno(libc::EINVAL)),
    }
}

/// The option that the kernel's integer means.
fn answer(name: Name, value: c_int) -> Option<Opt> {
    let on = value != 0;
    let number = i64::from(value);
    Some(match name {
        Name::Nodelay => Opt::Nodelay(on),
        Name::Nopush => Opt::Nopush(on),
        Name::Keepalive => Opt::Keepalive(on),
        Name::Reuseaddr => Opt::Reuseaddr(on),
        Name::Reuseport => Opt::Reuseport(on),
        Name::ReuseportLb => Opt::ReuseportLb(on),
        Name::Recvtos => Opt::Recvtos(on),
        Name::Recvttl => Opt::Recvttl(on),
        Name::Recvtclass => Opt::Recvtclass(on),
        Name::Ipv6V6only => Opt::Ipv6V6only(on),
        Name::Dontroute => Opt::Dontroute(on),
        Name::Recbuf => Opt::Recbuf(number),
        Name::Sndbuf => Opt::Sndbuf(number),
        Name::Keepidle => Opt::Keepidle(number),
        Name::Keepintvl => Opt::Keepintvl(number),
        Name::Keepcnt => Opt::Keepcnt(number),
        Name::UserTimeout => Opt::UserTimeout(number),
        Name::Tos => Opt::Tos(number),
        Name::Tclass => Opt::Tclass(number),
        Name::Ttl => Opt::Ttl(number),
        Name::Priority => Opt::Priority(number),
        _ => return None,
    })
}

fn int(value: i64) -> io::Result<c_int> {
    c_int::try_from(value).map_err(|_| errno(libc::EINVAL))
}

fn set_int(fd: BorrowedFd<'_>, place: Option<(c_int, c_int)>, value: c_int) -> io::Result<()> {
    let (level, option) = place.ok_or_else(|| errno(libc::ENOPROTOOPT))?;
    set_bytes(fd, level, option, &value.to_ne_bytes())
}

fn get_int(fd: BorrowedFd<'_>, (level, option): (c_int, c_int)) -> Option<c_int> {
    let mut bytes = [0; size_of::<c_int>()];
    get_bytes(fd, level, option, &mut bytes).ok()?;
    Some(c_int::from_ne_bytes(bytes))
}

/// Setting `tos` makes Linux choose a priority; users expect two separate options (2.4). A
/// priority that may not be given back for want of a privilege is let go, as in Erlang.
fn keep_priority<'a>(
    fd: BorrowedFd<'a>,
    set_tos: impl FnOnce(BorrowedFd<'a>) -> io::Result<()>,
) -> io::Result<()> {
    let priority = get(fd, Name::Priority);
    set_tos(fd)?;
    match priority.map(|priority| set(fd, &priority)) {
        Some(Err(error)) if error.raw_os_error() != Some(libc::EPERM) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn set_device(fd: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    // The kernel cuts longer names, and would bind to another device.
    if name.len() >= libc::IFNAMSIZ {
        return Err(errno(libc::EINVAL));
    }
    set_bytes(
        fd,
        libc::SOL_SOCKET,
        libc::SO_BINDTODEVICE,
        &[name, &[0]].concat(),
    )
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn get_device(fd: BorrowedFd<'_>) -> Option<Opt> {
    let mut name = vec![0; libc::IFNAMSIZ];
    let length = get_bytes(fd, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, &mut name).ok()?;
    let end = name[..length]
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(length);
    name.truncate(end);
    Some(Opt::BindToDevice(name))
}

/// The control messages that came with the last segment, on Linux.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn get_pktoptions(fd: BorrowedFd<'_>) -> Option<Opt> {
    /// `IPV6_2292PKTOPTIONS`.
    const PKTOPTIONS_V6: c_int = 6;
    let mut bytes = [0; 1024];
    let length = get_bytes(fd, libc::IPPROTO_IPV6, PKTOPTIONS_V6, &mut bytes)
        .or_else(|_| get_bytes(fd, libc::IPPROTO_IP, libc::IP_PKTOPTIONS, &mut bytes))
        .ok()?;
    Some(Opt::Pktoptions(control_messages(&bytes[..length])))
}

/// Reads `struct cmsghdr`s: a length that counts the header, level, type, and the value; each one
/// begins at a multiple of the length's size. Unknown ones are skipped, a torn one ends the list.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn control_messages(mut bytes: &[u8]) -> Vec<Opt> {
    const WORD: usize = size_of::<usize>();
    let mut options = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from_ne_bytes(*length);
        let Some(message) = length
            .checked_sub(WORD)
            .and_then(|length| rest.get(..length))
        else {
            break;
        };
        let Some((level, message)) = message.split_first_chunk() else {
            break;
        };
        let Some((kind, value)) = message.split_first_chunk() else {
            break;
        };
        let value = match *value {
            [a, b, c, d, ..] => c_int::from_ne_bytes([a, b, c, d]).into(),
            [byte, ..] => byte.into(),
            [] => break,
        };
        match (c_int::from_ne_bytes(*level), c_int::from_ne_bytes(*kind)) {
            (libc::IPPROTO_IP, libc::IP_TOS) => options.push(Opt::Tos(value)),
            (libc::IPPROTO_IP, libc::IP_TTL) => options.push(Opt::Ttl(value)),
            (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => options.push(Opt::Tclass(value)),
            _ => {}
        }
        bytes = bytes
            .get(length.next_multiple_of(WORD)..)
            .unwrap_or_default();
    }
    options
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set_device(_: BorrowedFd<'_>, _: &[u8]) -> io::Result<()> {
    Err(errno(libc::ENOPROTOOPT))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn get_device(_: BorrowedFd<'_>) -> Option<Opt> {
    None
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn get_pktoptions(_: BorrowedFd<'_>) -> Option<Opt> {
    None
}

/// The options of netfilter whose value holds an address that the kernel writes to: no options of
/// a socket, and no business of safe code.
const fn writes_elsewhere(level: c_int, option: c_int) -> bool {
    matches!(
        (level, option),
        (libc::IPPROTO_IP, 64 | 96 | 128) | (libc::IPPROTO_IPV6, 64)
    )
}

/// The option that counts the length in filter blocks of 8 bytes and so overruns a buffer of
/// bytes: `SO_GET_FILTER`, on Linux.
const fn overruns(level: c_int, option: c_int) -> bool {
    cfg!(any(target_os = "linux", target_os = "android"))
        && level == libc::SOL_SOCKET
        && option == 26
}

fn set_bytes(fd: BorrowedFd<'_>, level: c_int, option: c_int, value: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(value.len()).map_err(|_| errno(libc::EINVAL))?;
    // SAFETY: the descriptor is open while it is borrowed; pointer and length are those of the
    // slice, which the kernel only reads. Options that make it write through an address inside
    // the value have been refused.
    let result =
        unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, value.as_ptr().cast(), length) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Fills the front of the buffer and says how much of it.
fn get_bytes(
    fd: BorrowedFd<'_>,
    level: c_int,
    option: c_int,
    buffer: &mut [u8],
) -> io::Result<usize> {
    if overruns(level, option) {
        return Err(errno(libc::ENOPROTOOPT));
    }
    let mut length = libc::socklen_t::try_from(buffer.len()).map_err(|_| errno(libc::EINVAL))?;
    // SAFETY: the descriptor is open while it is borrowed; pointer and length are those of the
    // slice, of which the kernel writes at most that much; the one option for which the length
    // means something else has been refused.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            level,
            option,
            buffer.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok(buffer.len().min(length as usize))
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Makes a call that may raise SIGPIPE and cannot be told not to, and takes the signal away (R33).
/// Where the thread holds the signal back by itself it is left there.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn without_sigpipe<R>(
    call: impl FnOnce() -> rustix::io::Result<R>,
) -> rustix::io::Result<R> {
    // SAFETY: a set of signals is plain data, for which zeros are a value; the pointers are those
    // of two locals.
    let (pipe, before) = unsafe {
        let (mut pipe, mut before) = (core::mem::zeroed(), core::mem::zeroed());
        libc::sigemptyset(&raw mut pipe);
        libc::sigaddset(&raw mut pipe, libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut before);
        (pipe, before)
    };
    let result = call();
    // SAFETY: as above. It waits for no time, and for a signal of this thread alone: one that was
    // not held back before can have been raised by nothing but the call.
    unsafe {
        let held_before = libc::sigismember(&raw const before, libc::SIGPIPE) == 1;
        if matches!(result, Err(rustix::io::Errno::PIPE)) && !held_before {
            let now = core::mem::zeroed();
            libc::sigtimedwait(&raw const pipe, core::ptr::null_mut(), &raw const now);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, core::ptr::null_mut());
    }
    result
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    /// A header and its value, padded.
    fn message(level: c_int, kind: c_int, value: &[u8]) -> Vec<u8> {
        let length = size_of::<usize>() + 2 * size_of::<c_int>() + value.len();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(length.next_multiple_of(size_of::<usize>()), 0xEE);
        bytes
    }

    #[test]
    fn control_messages_are_read_in_their_order() {
        let bytes = [
            message(libc::IPPROTO_IP, libc::IP_TTL, &64i32.to_ne_bytes()),
            message(libc::IPPROTO_IP, libc::IP_TOS, &[16]),
            message(libc::SOL_SOCKET, 1, &[1, 2, 3]),
            message(libc::IPPROTO_IPV6, libc::IPV6_TCLASS, &4i32.to_ne_bytes()),
        ]
        .concat();
        let all = [Opt::Ttl(64), Opt::Tos(16), Opt::Tclass(4)];
        assert_eq!(control_messages(&bytes), all);
        for end in 0..bytes.len() {
            assert!(
                all.starts_with(&control_messages(&bytes[..end])),
                "torn at {end}"
            );
        }
    }

    #[test]
    fn lengths_that_lie_end_the_list() {
        for length in [0, 1, 8, 15, usize::MAX, usize::MAX - 7] {
            let mut bytes = message(libc::IPPROTO_IP, libc::IP_TOS, &[16]);
            bytes[..size_of::<usize>()].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(control_messages(&bytes), []);
        }
    }
}
