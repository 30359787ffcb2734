//! Which call takes which option, and which values an option has (2.1).
//!
//! What: [`check`] for a list of options, [`check_names`] for the names of getopts. The tables
//! 2.2 and 2.4 are here as two matches.
//! Who calls it: the plan of a new socket; the driver in setopts and getopts.
//! Invariant: a list that passes can be applied without a panic and without a cut number; one
//! that does not is refused as a whole, before anything has happened.
//! Not here: rules that need more than one option (the plan), values that only the kernel or the
//! driver refuses.

use core::ops::RangeInclusive;

use super::{Active, Backend, Name, Opt};
use crate::error::Error;

/// The largest answer that getopts gives for a raw option (1.12).
const RAW_SIZE_MAX: i64 = 64 * 1024;

/// Integers are 32 bits (OPT-6).
const INT: RangeInclusive<i64> = i32::MIN as i64..=i32::MAX as i64;
/// The ones without a sign.
const UINT: RangeInclusive<i64> = 0..=u32::MAX as i64;

/// What a list of options is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    /// `connect` and `fdopen`.
    Connect,
    /// `listen`.
    Listen,
    /// `setopts`.
    Setopts,
}

/// Checks a list and gives it back in its order (OPT-1, CON-16, LIS-5, SOP-2). In setopts the
/// caller applies it from the last to the first (SOP-3); for connect and listen the plan does.
///
/// # Errors
///
/// For the first option that the call does not take or whose value is none:
/// [`Error::BadOption`] in connect and listen, [`Error::Einval`] in setopts.
pub(crate) fn check(options: impl IntoIterator<Item = Opt>, usage: Use) -> Result<Vec<Opt>, Error> {
    let options: Vec<Opt> = options.into_iter().collect();
    for (index, opt) in options.iter().enumerate() {
        let misplaced = index > 0 && matches!(opt, Opt::InetBackend(_));
        if misplaced || !takes(usage, opt.name()) || !valid(opt) {
            return Err(match usage {
                Use::Connect | Use::Listen => Error::BadOption(opt.name().atom()),
                Use::Setopts => Error::Einval,
            });
        }
    }
    Ok(options)
}

/// Checks the names of getopts (1.12).
///
/// # Errors
///
/// [`Error::Einval`] for a name that cannot be read, and for a raw option with a negative size
/// or one over 64 KiB.
pub(crate) fn check_names(names: &[Name]) -> Result<(), Error> {
    if names.iter().copied().all(readable) {
        Ok(())
    } else {
        Err(Error::Einval)
    }
}

/// The columns C, L and S of the tables.
const fn takes(usage: Use, name: Name) -> bool {
    match name {
        Name::Pktoptions | Name::Unknown(_) => false,
        Name::Backlog => matches!(usage, Use::Listen),
        Name::Nopush | Name::Dontroute => matches!(usage, Use::Setopts),
        Name::Ipv6V6only => matches!(usage, Use::Listen | Use::Setopts),
        Name::Ip
        | Name::Port
        | Name::Fd
        | Name::Family
        | Name::Protocol
        | Name::TcpModule
        | Name::InetBackend => matches!(usage, Use::Connect | Use::Listen),
        _ => true,
    }
}

/// The column G of the tables. `line_delimiter` is readable here (part 9, row 26).
const fn readable(name: Name) -> bool {
    match name {
        Name::Raw { size, .. } => 0 <= size && size <= RAW_SIZE_MAX,
        Name::Backlog
        | Name::Ip
        | Name::Port
        | Name::Fd
        | Name::Family
        | Name::Protocol
        | Name::TcpModule
        | Name::InetBackend
        | Name::Unknown(_) => false,
        _ => true,
    }
}

/// The column of values. What has no arm has no value that could be wrong, or none that could be
/// judged alone: `port` is judged by the plan, where the last one counts.
fn valid(opt: &Opt) -> bool {
    match *opt {
        Opt::Active(Active::N(count)) => i16::try_from(count).is_ok(),
        Opt::LineDelimiter(byte) => u8::try_from(byte).is_ok(),
        Opt::PacketSize(value)
        | Opt::Header(value)
        | Opt::SendTimeout(Some(value))
        | Opt::FlushLimit(Some(value))
        | Opt::SendQueueLimit(value) => UINT.contains(&value),
        Opt::Buffer(value)
        | Opt::HighWatermark(value)
        | Opt::LowWatermark(value)
        | Opt::HighMsgqWatermark(value)
        | Opt::LowMsgqWatermark(value)
        | Opt::Recbuf(value)
        | Opt::Sndbuf(value)
        | Opt::Tos(value)
        | Opt::Tclass(value)
        | Opt::Ttl(value)
        | Opt::Priority(value) => INT.contains(&value),
        Opt::Keepidle(value) | Opt::Keepintvl(value) | Opt::Keepcnt(value) => {
            value >= 1 && INT.contains(&value)
        }
        Opt::UserTimeout(value) | Opt::Linger(_, value) => value >= 0 && INT.contains(&value),
        Opt::InetBackend(backend) => backend == Backend::Inet,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::opt::*;
    use super::super::{Backend, Protocol};
    use super::*;

    const ALL: [Use; 3] = [Use::Connect, Use::Listen, Use::Setopts];

    fn refused(opt: Opt, usage: Use) -> bool {
        let expected = match usage {
            Use::Setopts => Error::Einval,
            _ => Error::BadOption(opt.name().atom()),
        };
        // Nothing of the list counts, wherever the bad one stands.
        let answer = check([packet(2), opt.clone()], usage);
        assert_eq!(answer.is_err(), check([opt, packet(2)], usage).is_err());
        match answer {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error, expected);
                true
            }
        }
    }

    #[test]
    fn a_bad_value_is_refused_everywhere() {
        let bad = [
            packet(9),
            packet(3),
            packet(7),
            active(32768),
            active(-32769),
            active(4_294_967_297u64),
            header(-1),
            header(u64::MAX),
            packet_size(-1),
            packet_size(1u64 << 32),
            line_delimiter(256),
            line_delimiter(-1),
            buffer(1u64 << 31),
            send_timeout(-5),
            flush_limit(-1),
            flush_limit(1u64 << 32),
            linger(true, -1),
            keepidle(0),
            keepcnt(-1),
            user_timeout(-1),
            high_watermark(1i64 << 31),
            send_queue_limit(-1),
            send_queue_limit(1u64 << 32),
            recbuf(i64::MIN),
            priority(1i64 << 31),
            Opt::Unknown("nosuch"),
            Opt::Pktoptions(Vec::new()),
        ];
        for opt in bad {
            for usage in ALL {
                assert!(refused(opt.clone(), usage), "{opt:?} {usage:?}");
            }
        }
    }

    #[test]
    fn each_call_takes_its_own() {
        // SAFETY: the option is only looked at.
        let fd = unsafe { fd(0) };
        let table = [
            (backlog(4), [false, true, false]),
            (nopush(true), [false, false, true]),
            (dontroute(true), [false, false, true]),
            (ipv6_v6only(true), [false, true, true]),
            (netns("/none"), [true; 3]),
            (ip([127, 0, 0, 1]), [true, true, false]),
            (port(4), [true, true, false]),
            (fd, [true, true, false]),
            (inet(), [true, true, false]),
            (inet6(), [true, true, false]),
            (protocol(Protocol::Mptcp), [true, true, false]),
            (line_delimiter(0), [true; 3]),
            (high_watermark(-1), [true; 3]),
            (high_msgq_watermark(0), [true; 3]),
            (buffer(-1), [true; 3]),
            (recbuf(-1), [true; 3]),
            (ttl(0), [true; 3]),
            (tos(300), [true; 3]),
            (packet_size(u32::MAX), [true; 3]),
            (active(-32768), [true; 3]),
            (raw(255, 255, [1]), [true; 3]),
            (bind_to_device("nosuch"), [true; 3]),
            (exclusiveaddruse(true), [true; 3]),
            (keep_input(true), [true; 3]),
            (close_wait(false), [true; 3]),
            (flush_limit(0), [true; 3]),
            (notify_end(true), [true; 3]),
        ];
        for (opt, taken) in table {
            for (usage, taken) in ALL.into_iter().zip(taken) {
                assert_eq!(!refused(opt.clone(), usage), taken, "{opt:?} {usage:?}");
            }
        }
    }

    #[test]
    fn the_backend_comes_first() {
        let backend = inet_backend(Backend::Inet);
        assert!(check([backend.clone(), binary()], Use::Listen).is_ok());
        assert!(check([binary(), backend.clone()], Use::Listen).is_err());
        assert!(check([backend], Use::Setopts).is_err());
        assert!(check([inet_backend(Backend::Socket)], Use::Connect).is_err());
    }

    #[test]
    fn names_that_cannot_be_read_are_einval() {
        let raw = |size| Name::Raw {
            level: 6,
            option: 1,
            size,
        };
        assert_eq!(check_names(&[]), Ok(()));
        assert_eq!(
            check_names(&[Name::Packet, raw(65536), raw(0), Name::LineDelimiter]),
            Ok(())
        );
        for name in [
            Name::Backlog,
            Name::Ip,
            Name::Port,
            Name::Fd,
            Name::Family,
            Name::Unknown("list"),
            raw(-1),
            raw(65537),
        ] {
            assert_eq!(
                check_names(&[Name::Active, name]),
                Err(Error::Einval),
                "{name:?}"
            );
        }
    }
}
