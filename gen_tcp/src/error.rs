//! The reasons for which a call fails, as Erlang names them.
//!
//! What: [`Error`], one flat enum: the library's own reasons, the posix ones, and the two ways in
//! which Erlang raises instead of returning (0.3). An errno is turned into its atom here and
//! nowhere else, by the table of the runtime system's `erl_errno_id`.
//! Who calls it: every layer of the crate, and the users.
//! Invariant: one reason, one atom. `Display` prints the atom and nothing more.
//! Not here: which call answers what, and texts for people.

use core::fmt;
use std::io;

/// Declares the enum, its atoms and the table from errno to variant.
macro_rules! errors {
    (
        named { $($named:ident $named_atom:literal $named_doc:literal,)* }
        everywhere { $($posix:ident $errno:ident $atom:literal $doc:literal,)* }
        split { $($other:ident $other_errno:ident $other_atom:literal $other_doc:literal,)* }
        linux { $($linux:ident $linux_errno:ident $linux_atom:literal $linux_doc:literal,)* }
    ) => {
        /// Why a call failed.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Error {
            $(#[doc = $named_doc] $named,)*
            /// Raised in Erlang as `exit(badarg)`: connect or listen was given an option that it
            /// does not know, or one with a bad value (OPT-1). The name is the option's.
            BadOption(&'static str),
            /// An errno that has no atom.
            Unknown(i32),
            $(#[doc = $doc] $posix,)*
            $(#[doc = $other_doc] $other,)*
            $(#[doc = $linux_doc] $linux,)*
        }

        impl Error {
            /// The reason for an errno, and [`Error::Unknown`] for one without an atom.
            #[must_use]
            pub fn from_errno(errno: i32) -> Self {
                match errno {
                    $(libc::$errno => Self::$posix,)*
                    // Elsewhere the two numbers are one.
                    $(#[cfg(any(
                        target_vendor = "apple",
                        target_os = "netbsd",
                        target_os = "openbsd",
                    ))]
                    libc::$other_errno => Self::$other,)*
                    $(#[cfg(any(target_os = "linux", target_os = "android"))]
                    libc::$linux_errno => Self::$linux,)*
                    other => Self::Unknown(other),
                }
            }

            /// Erlang's atom for the reason: `closed`, `econnrefused`, `badarg`.
            #[must_use]
            pub const fn atom(&self) -> &'static str {
                match self {
                    $(Self::$named => $named_atom,)*
                    Self::BadOption(_) => "badarg",
                    Self::Unknown(_) => "unknown",
                    $(Self::$posix => $atom,)*
                    $(Self::$other => $other_atom,)*
                    $(Self::$linux => $linux_atom,)*
                }
            }
        }
    };
}

errors! {
    named {
        Closed "closed" "The connection or the socket is closed.",
        Timeout "timeout" "The time that the caller gave ran out.",
        SystemLimit "system_limit" "No port is left in the table.",
        Nxdomain "nxdomain" "No such host.",
        BadArg "badarg" "Raised in Erlang: an argument that no call can do anything with.",
    }
    everywhere {
        E2big E2BIG "e2big" "Argument list too long.",
        Eacces EACCES "eacces" "Permission denied: a privileged port, a protected path.",
        Eaddrinuse EADDRINUSE "eaddrinuse" "The address is in use.",
        Eaddrnotavail EADDRNOTAVAIL "eaddrnotavail" "The address is not one of this machine's.",
        Eafnosupport EAFNOSUPPORT "eafnosupport" "The address belongs to another family.",
        Eagain EAGAIN "eagain" "Not now.",
        Ealready EALREADY "ealready" "A call of this kind is pending already (RCV-2).",
        Ebadf EBADF "ebadf" "The descriptor is not open.",
        Ebusy EBUSY "ebusy" "Busy.",
        Echild ECHILD "echild" "No child processes.",
        Econnaborted ECONNABORTED "econnaborted" "The connection was given up.",
        Econnrefused ECONNREFUSED "econnrefused" "Nobody listens there.",
        Econnreset ECONNRESET "econnreset" "The peer reset the connection.",
        Edeadlk EDEADLK "edeadlk" "A deadlock was avoided.",
        Edestaddrreq EDESTADDRREQ "edestaddrreq" "A destination is needed.",
        Edom EDOM "edom" "Outside the domain of the function.",
        Edquot EDQUOT "edquot" "The quota is used up.",
        Eexist EEXIST "eexist" "It exists already.",
        Efault EFAULT "efault" "Bad memory address.",
        Efbig EFBIG "efbig" "File too large.",
        Ehostdown EHOSTDOWN "ehostdown" "The host is down.",
        Ehostunreach EHOSTUNREACH "ehostunreach" "No way to the host.",
        Eidrm EIDRM "eidrm" "The identifier was removed.",
        Eilseq EILSEQ "eilseq" "Illegal byte sequence.",
        Einprogress EINPROGRESS "einprogress" "It has begun and goes on.",
        Eintr EINTR "eintr" "Interrupted by a signal.",
        Einval EINVAL "einval" "Not valid here: an argument, an option, a state.",
        Eio EIO "eio" "Input or output error.",
        Eisconn EISCONN "eisconn" "Connected already.",
        Eisdir EISDIR "eisdir" "It is a directory.",
        Eloop ELOOP "eloop" "Too many symbolic links.",
        Emfile EMFILE "emfile" "The process has no descriptor left.",
        Emlink EMLINK "emlink" "Too many links.",
        Emsgsize EMSGSIZE "emsgsize" "A packet that is malformed or too long (RCV-13).",
        Enametoolong ENAMETOOLONG "enametoolong" "The name is too long.",
        Enetdown ENETDOWN "enetdown" "The network is down.",
        Enetreset ENETRESET "enetreset" "The network dropped the connection.",
        Enetunreach ENETUNREACH "enetunreach" "No way to the network.",
        Enfile ENFILE "enfile" "The system has no descriptor left.",
        Enobufs ENOBUFS "enobufs" "No buffer space.",
        Enodev ENODEV "enodev" "No such device.",
        Enoent ENOENT "enoent" "No such file.",
        Enoexec ENOEXEC "enoexec" "Not an executable.",
        Enolck ENOLCK "enolck" "No locks available.",
        Enomem ENOMEM "enomem" "No memory, or more asked for than is allowed (RCV-6).",
        Enomsg ENOMSG "enomsg" "No message of that type.",
        Enoprotoopt ENOPROTOOPT "enoprotoopt" "The protocol has no such option.",
        Enospc ENOSPC "enospc" "No space left.",
        Enosys ENOSYS "enosys" "Not implemented.",
        Enotblk ENOTBLK "enotblk" "A block device is needed.",
        Enotconn ENOTCONN "enotconn" "The socket is not connected.",
        Enotdir ENOTDIR "enotdir" "Not a directory.",
        Enotempty ENOTEMPTY "enotempty" "The directory is not empty.",
        Enotsock ENOTSOCK "enotsock" "Not a socket.",
        Enotsup ENOTSUP "enotsup" "Not supported.",
        Enotty ENOTTY "enotty" "Not a terminal.",
        Enxio ENXIO "enxio" "No such device or address.",
        Eoverflow EOVERFLOW "eoverflow" "The value is too large for its type.",
        Eperm EPERM "eperm" "Not allowed. The caller is not the owner, or lacks a privilege.",
        Epfnosupport EPFNOSUPPORT "epfnosupport" "The protocol family is not supported.",
        Epipe EPIPE "epipe" "The other end does not read any more.",
        Eproto EPROTO "eproto" "Protocol error.",
        Eprotonosupport EPROTONOSUPPORT "eprotonosupport" "The protocol is not supported.",
        Eprototype EPROTOTYPE "eprototype" "The protocol does not fit the socket.",
        Erange ERANGE "erange" "The result is too large.",
        Eremote EREMOTE "eremote" "Too many levels of remote paths.",
        Erofs EROFS "erofs" "The file system is read-only.",
        Eshutdown ESHUTDOWN "eshutdown" "The end was shut down.",
        Esocktnosupport ESOCKTNOSUPPORT "esocktnosupport" "The socket type is not supported.",
        Espipe ESPIPE "espipe" "Illegal seek.",
        Esrch ESRCH "esrch" "No such process.",
        Estale ESTALE "estale" "The file handle is stale.",
        Etimedout ETIMEDOUT "etimedout" "The network gave up waiting.",
        Etoomanyrefs ETOOMANYREFS "etoomanyrefs" "Too many references.",
        Etxtbsy ETXTBSY "etxtbsy" "The program file is busy.",
        Eusers EUSERS "eusers" "Too many users.",
        Exdev EXDEV "exdev" "Another device.",
    }
    split {
        Eopnotsupp EOPNOTSUPP "eopnotsupp" "Not supported on this socket.",
    }
    linux {
        Eadv EADV "eadv" "Advertise error.",
        Ebade EBADE "ebade" "Bad exchange descriptor.",
        Ebadfd EBADFD "ebadfd" "The descriptor is in a bad state.",
        Ebadmsg EBADMSG "ebadmsg" "Not a data message.",
        Ebadr EBADR "ebadr" "Bad request descriptor.",
        Ebadrqc EBADRQC "ebadrqc" "Bad request code.",
        Ebadslt EBADSLT "ebadslt" "Bad slot.",
        Ebfont EBFONT "ebfont" "Bad font file.",
        Echrng ECHRNG "echrng" "Channel number out of range.",
        Ecomm ECOMM "ecomm" "Communication error.",
        Edotdot EDOTDOT "edotdot" "Cross mount point.",
        Eisnam EISNAM "eisnam" "A named file.",
        El2hlt EL2HLT "el2hlt" "Level 2 halted.",
        El2nsync EL2NSYNC "el2nsync" "Level 2 not synchronised.",
        El3hlt EL3HLT "el3hlt" "Level 3 halted.",
        El3rst EL3RST "el3rst" "Level 3 reset.",
        Elibacc ELIBACC "elibacc" "A shared library is out of reach.",
        Elibbad ELIBBAD "elibbad" "A shared library is corrupt.",
        Elibexec ELIBEXEC "elibexec" "A shared library cannot be executed.",
        Elibmax ELIBMAX "elibmax" "Too many shared libraries.",
        Elibscn ELIBSCN "elibscn" "A corrupt section in an executable.",
        Elnrng ELNRNG "elnrng" "Link number out of range.",
        Emultihop EMULTIHOP "emultihop" "Multihop attempted.",
        Enavail ENAVAIL "enavail" "Not available.",
        Enoano ENOANO "enoano" "No anode.",
        Enocsi ENOCSI "enocsi" "No CSI structure.",
        Enodata ENODATA "enodata" "No data.",
        Enolink ENOLINK "enolink" "The link has been severed.",
        Enonet ENONET "enonet" "Not on the network.",
        Enopkg ENOPKG "enopkg" "The package is not installed.",
        Enosr ENOSR "enosr" "No stream resources.",
        Enostr ENOSTR "enostr" "Not a stream.",
        Enotnam ENOTNAM "enotnam" "Not a named file.",
        Enotuniq ENOTUNIQ "enotuniq" "The name is not unique on the network.",
        Eremchg EREMCHG "eremchg" "The remote address changed.",
        Eremoteio EREMOTEIO "eremoteio" "Remote input or output error.",
        Esrmnt ESRMNT "esrmnt" "Srmount error.",
        Etime ETIME "etime" "The timer expired.",
        Euclean EUCLEAN "euclean" "The structure needs cleaning.",
        Eunatch EUNATCH "eunatch" "The protocol driver is not attached.",
        Exfull EXFULL "exfull" "The exchange is full.",
    }
}

impl Error {
    /// What connect answers in place of this: an `einval` from further down is raised there
    /// (0.3, class 2). Listen and setopts return it as it is.
    pub(crate) fn in_connect(self) -> Self {
        match self {
            Self::Einval => Self::BadArg,
            other => other,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.atom())
    }
}

impl core::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match (error.raw_os_error(), error.kind()) {
            (Some(errno), _) => Self::from_errno(errno),
            (None, io::ErrorKind::UnexpectedEof) => Self::Closed,
            (None, io::ErrorKind::TimedOut) => Self::Timeout,
            (None, io::ErrorKind::WouldBlock) => Self::Eagain,
            (None, io::ErrorKind::OutOfMemory) => Self::Enomem,
            (None, io::ErrorKind::Unsupported) => Self::Enotsup,
            (None, _) => Self::Einval,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_becomes_its_atom() {
        for (errno, atom) in [
            (libc::ECONNREFUSED, "econnrefused"),
            (libc::EWOULDBLOCK, "eagain"),
            (libc::EADDRINUSE, "eaddrinuse"),
            (libc::EINVAL, "einval"),
            (libc::EMFILE, "emfile"),
            (libc::EPERM, "eperm"),
            (libc::ETIMEDOUT, "etimedout"),
            (-1, "unknown"),
            (i32::MAX, "unknown"),
        ] {
            assert_eq!(Error::from_errno(errno).to_string(), atom);
            assert_eq!(
                Error::from(io::Error::from_raw_os_error(errno)).atom(),
                atom
            );
        }
        #[cfg(target_os = "linux")]
        assert_eq!(Error::from_errno(libc::EOPNOTSUPP), Error::Enotsup);
    }

    #[test]
    fn what_erlang_raises_prints_as_badarg() {
        assert_eq!(Error::BadArg.to_string(), "badarg");
        assert_eq!(Error::BadOption("packet").to_string(), "badarg");
        assert_eq!(Error::Einval.in_connect(), Error::BadArg);
        assert_eq!(Error::Enoent.in_connect(), Error::Enoent);
    }

    #[test]
    fn an_error_without_an_errno_keeps_its_sense() {
        assert_eq!(
            Error::from(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Error::Closed
        );
        assert_eq!(
            Error::from(io::Error::from(io::ErrorKind::WouldBlock)),
            Error::Eagain
        );
        assert_eq!(Error::from(io::Error::other("x")), Error::Einval);
    }
}
