//! Texts for reasons, as a person reads them (1.20).
//!
//! Called by users. Invariant: the words are those of Erlang/OTP 25, spelling included, so that who
//! searches for a text of a log finds it. Not here: the atoms, which an [`Error`] prints by itself.

use crate::error::Error;

/// A text for a reason (`inet:format_error/1`, 1.20). `closed`, `timeout`, `badarg` and errnos
/// without an atom are no reasons of the system's: they give Erlang's «unknown POSIX error», and
/// printing the [`Error`] itself says more.
#[must_use]
pub fn format_error(error: Error) -> &'static str {
    let known = TEXTS.iter().find(|(other, _)| *other == error);
    known.map_or("unknown POSIX error", |(_, text)| text)
}

const TEXTS: [(Error, &str); 120] = [
    (Error::Nxdomain, "non-existing domain"),
    (
        Error::SystemLimit,
        "a system limit was hit, probably not enough ports",
    ),
    (Error::E2big, "argument list too long"),
    (Error::Eacces, "permission denied"),
    (Error::Eaddrinuse, "address already in use"),
    (Error::Eaddrnotavail, "can't assign requested address"),
    (
        Error::Eafnosupport,
        "address family not supported by protocol family",
    ),
    (Error::Eagain, "resource temporarily unavailable"),
    (Error::Ealready, "operation already in progress"),
    (Error::Ebadf, "bad file number"),
    (Error::Ebusy, "file busy"),
    (Error::Echild, "no children"),
    (Error::Econnaborted, "software caused connection abort"),
    (Error::Econnrefused, "connection refused"),
    (Error::Econnreset, "connection reset by peer"),
    (Error::Edeadlk, "resource deadlock avoided"),
    (Error::Edestaddrreq, "destination address required"),
    (Error::Edom, "math argument out of range"),
    (Error::Edquot, "disk quota exceeded"),
    (Error::Eexist, "file already exists"),
    (Error::Efault, "bad address in system call argument"),
    (Error::Efbig, "file too large"),
    (Error::Ehostdown, "host is down"),
    (Error::Ehostunreach, "host is unreachable"),
    (Error::Eidrm, "identifier removed"),
    (Error::Einprogress, "operation now in progress"),
    (Error::Eintr, "interrupted system call"),
    (Error::Einval, "invalid argument"),
    (Error::Eio, "I/O error"),
    (Error::Eisconn, "socket is already connected"),
    (Error::Eisdir, "illegal operation on a directory"),
    (Error::Eloop, "too many levels of symbolic links"),
    (Error::Emfile, "too many open files"),
    (Error::Emlink, "too many links"),
    (Error::Emsgsize, "message too long"),
    (Error::Enametoolong, "file name too long"),
    (Error::Enetdown, "network is down"),
    (Error::Enetreset, "network dropped connection on reset"),
    (Error::Enetunreach, "network is unreachable"),
    (Error::Enfile, "file table overflow"),
    (Error::Enobufs, "no buffer space available"),
    (Error::Enodev, "no such device"),
    (Error::Enoent, "no such file or directory"),
    (Error::Enoexec, "exec format error"),
    (Error::Enolck, "no locks available"),
    (Error::Enomem, "not enough memory"),
    (Error::Enomsg, "no message of desired type"),
    (Error::Enoprotoopt, "bad proocol option"),
    (Error::Enospc, "no space left on device"),
    (Error::Enosys, "function not implemented"),
    (Error::Enotblk, "block device required"),
    (Error::Enotconn, "socket is not connected"),
    (Error::Enotdir, "not a directory"),
    (Error::Enotempty, "directory not empty"),
    (Error::Enotsock, "socket operation on non-socket"),
    (Error::Enotsup, "operation not supported"),
    (Error::Enotty, "inappropriate device for ioctl"),
    (Error::Enxio, "no such device or address"),
    (Error::Eoverflow, "offset too large for file system"),
    (Error::Eperm, "not owner"),
    (Error::Epfnosupport, "protocol family not supported"),
    (Error::Epipe, "broken pipe"),
    (Error::Eproto, "protocol error"),
    (Error::Eprotonosupport, "protocol not supported"),
    (Error::Eprototype, "protocol wrong type for socket"),
    (Error::Erange, "math result unrepresentable"),
    (Error::Eremote, "pathname hit remote file system"),
    (Error::Erofs, "read-only file system"),
    (Error::Eshutdown, "can't send after socket shutdown"),
    (Error::Esocktnosupport, "socket type not supported"),
    (Error::Espipe, "invalid seek"),
    (Error::Esrch, "no such process"),
    (Error::Estale, "stale remote file handle"),
    (Error::Etimedout, "connection timed out"),
    (Error::Etoomanyrefs, "too many references: can't splice"),
    (Error::Etxtbsy, "text file or pseudo-device busy"),
    (Error::Eusers, "too many users"),
    (Error::Exdev, "cross-domain link"),
    (Error::Eopnotsupp, "operation not supported on socket"),
    (Error::Eadv, "advertise error"),
    (Error::Ebade, "bad exchange descriptor"),
    (Error::Ebadfd, "file descriptor in bad state"),
    (Error::Ebadmsg, "not a data message"),
    (Error::Ebadr, "bad request descriptor"),
    (Error::Ebadrqc, "bad request code"),
    (Error::Ebadslt, "invalid slot"),
    (Error::Ebfont, "bad font file format"),
    (Error::Echrng, "channel number out of range"),
    (Error::Ecomm, "communication error on send"),
    (Error::Edotdot, "cross mount point"),
    (Error::Eisnam, "is a name file"),
    (Error::El2hlt, "level 2 halted"),
    (Error::El2nsync, "level 2 not synchronized"),
    (Error::El3hlt, "level 3 halted"),
    (Error::El3rst, "level 3 reset"),
    (Error::Elibacc, "cannot access a needed shared library"),
    (Error::Elibbad, "accessing a corrupted shared library"),
    (Error::Elibexec, "cannot exec a shared library directly"),
    (
        Error::Elibmax,
        "attempting to link in more shared libraries than system limit",
    ),
    (Error::Elibscn, ".lib section in a.out corrupted"),
    (Error::Elnrng, "link number out of range"),
    (Error::Emultihop, "multihop attempted"),
    (Error::Enavail, "not available"),
    (Error::Enoano, "anode table overflow"),
    (Error::Enocsi, "no CSI structure available"),
    (Error::Enodata, "no data available"),
    (Error::Enolink, "link has be severed"),
    (Error::Enonet, "machine is not on the network"),
    (Error::Enopkg, "package not installed"),
    (
        Error::Enosr,
        "out of stream resources or not a stream device",
    ),
    (Error::Enostr, "not a stream"),
    (Error::Enotnam, "not a name file"),
    (Error::Enotuniq, "name not unique on network"),
    (Error::Eremchg, "remote address changed"),
    (Error::Eremoteio, "remote i/o error"),
    (Error::Esrmnt, "srmount error"),
    (Error::Etime, "timer expired"),
    (Error::Euclean, "structure needs cleaning"),
    (Error::Eunatch, "protocol driver not attached"),
    (Error::Exfull, "message tables full"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// 1.20
    #[test]
    fn a_reason_of_the_system_has_a_text_and_others_have_none() {
        for (error, text) in [
            (Error::Econnrefused, "connection refused"),
            (Error::Enoent, "no such file or directory"),
            (Error::Eperm, "not owner"),
            (Error::Nxdomain, "non-existing domain"),
            (Error::Closed, "unknown POSIX error"),
            (Error::Timeout, "unknown POSIX error"),
            (Error::BadOption("packet"), "unknown POSIX error"),
            (Error::Unknown(12345), "unknown POSIX error"),
        ] {
            assert_eq!(format_error(error), text, "{error}");
        }
    }
}
