//! The option values that the driver itself obeys (2.2).
//!
//! What: [`Settings`], one for each socket, with the defaults of the contract; and which options of
//! the kernel an accepted socket copies.
//! Who calls it: the driver, in setopts, getopts and accept; the plan of a new socket.
//! Invariant: `low_watermark <= high_watermark`, for both pairs; `buffer >= 1`. A refused value
//! changes nothing.
//! Not here: `active`, which has a state of its own, and what the values make the driver do.

use std::path::Path;

use super::{Deliver, Family, Mode, Name, Opt, PacketType};
use crate::error::Error;

/// Default of `buffer`: larger than OTP's 1460, for fewer and larger reads (part 9, row 19).
const BUFFER_DEFAULT: u32 = 65536;
/// What `buffer` is at least when it follows `recbuf`: OTP's default.
const BUFFER_BY_RECBUF_LEAST: u32 = 1460;
const HIGH_WATERMARK_DEFAULT: u32 = 8192;
const LOW_WATERMARK_DEFAULT: u32 = 4096;
/// How long a port that is closed writes its queue when its peer does not read (part 9, row 14).
const FLUSH_LIMIT_DEFAULT_MS: u32 = 300_000;

/// What the last `linger` that was set asks of a close (CLO-9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Linger {
    No,
    /// It resets.
    Zero,
    /// It waits for what was sent.
    Waits,
}

/// The driver's own option values of one socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    pub(crate) packet: PacketType,
    /// 0: no limit.
    pub(crate) packet_size: u32,
    pub(crate) line_delimiter: u8,
    pub(crate) header: u32,
    pub(crate) deliver: Deliver,
    /// At least 1.
    pub(crate) buffer: u32,
    /// Whether `buffer` was ever set; if not, it follows `recbuf`.
    pub(crate) buffer_set: bool,
    /// Whether `recbuf` was ever set, or `buffer` on the listener: who sets one of them knows how
    /// much the socket is to take in, so the large default of `buffer` gives way to it.
    pub(crate) recbuf_set: bool,
    pub(crate) exit_on_close: bool,
    pub(crate) show_econnreset: bool,
    /// `None`: infinity.
    pub(crate) send_timeout_ms: Option<u32>,
    pub(crate) send_timeout_close: bool,
    pub(crate) delay_send: bool,
    pub(crate) high_watermark: u32,
    pub(crate) low_watermark: u32,
    pub(crate) high_msgq_watermark: u32,
    pub(crate) low_msgq_watermark: u32,
    /// 0: no limit.
    pub(crate) send_queue_limit: u32,
    pub(crate) read_ahead: bool,
    pub(crate) debug: bool,
    pub(crate) keep_input: bool,
    pub(crate) close_wait: bool,
    /// `None`: infinity.
    pub(crate) flush_limit_ms: Option<u32>,
    pub(crate) notify_end: bool,
    pub(crate) linger: Linger,
    /// The socket was accepted, not opened: it shows in the form of `{S,{data,Data}}` (3.1).
    pub(crate) accepted: bool,
    /// The name space that the socket was created in, to be read back.
    pub(crate) netns: Option<Box<Path>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::List,
            packet: PacketType::Raw,
            packet_size: 0,
            line_delimiter: b'\n',
            header: 0,
            deliver: Deliver::Term,
            buffer: BUFFER_DEFAULT,
            buffer_set: false,
            recbuf_set: false,
            exit_on_close: true,
            show_econnreset: false,
            send_timeout_ms: None,
            send_timeout_close: false,
            delay_send: false,
            high_watermark: HIGH_WATERMARK_DEFAULT,
            low_watermark: LOW_WATERMARK_DEFAULT,
            high_msgq_watermark: HIGH_WATERMARK_DEFAULT,
            low_msgq_watermark: LOW_WATERMARK_DEFAULT,
            send_queue_limit: 0,
            read_ahead: true,
            debug: false,
            keep_input: false,
            close_wait: true,
            flush_limit_ms: Some(FLUSH_LIMIT_DEFAULT_MS),
            notify_end: false,
            linger: Linger::No,
            accepted: false,
            netns: None,
        }
    }
}

impl Settings {
    /// Takes the option over. `false`: it belongs to the kernel (or is `active`, or serves
    /// creation) and has still to be set there; `recbuf` and `linger` leave a note here as well.
    ///
    /// # Errors
    ///
    /// [`Error::Einval`] for a message queue watermark under 1, which is not a matter of the check
    /// (LIS-5), and for values that the check would have refused.
    pub(crate) fn set(&mut self, opt: &Opt) -> Result<bool, Error> {
        match *opt {
            Opt::Mode(mode) => self.mode = mode,
            Opt::Packet(packet) => self.packet = packet,
            Opt::PacketSize(size) => self.packet_size = unsigned(size)?,
            Opt::LineDelimiter(byte) => {
                self.line_delimiter = u8::try_from(byte).map_err(|_| Error::Einval)?;
            }
            Opt::Header(size) => self.header = unsigned(size)?,
            Opt::Deliver(deliver) => self.deliver = deliver,
            Opt::Buffer(size) => {
                self.buffer = floor(size, 1)?;
                self.buffer_set = true;
            }
            Opt::ExitOnClose(on) => self.exit_on_close = on,
            Opt::ShowEconnreset(on) => self.show_econnreset = on,
            Opt::SendTimeout(limit) => self.send_timeout_ms = limit.map(unsigned).transpose()?,
            Opt::SendTimeoutClose(on) => self.send_timeout_close = on,
            Opt::DelaySend(on) => self.delay_send = on,
            Opt::SendQueueLimit(length) => self.send_queue_limit = unsigned(length)?,
            Opt::ReadAhead(on) => self.read_ahead = on,
            Opt::Debug(on) => self.debug = on,
            Opt::KeepInput(on) => self.keep_input = on,
            Opt::CloseWait(on) => self.close_wait = on,
            Opt::FlushLimit(limit) => self.flush_limit_ms = limit.map(unsigned).transpose()?,
            Opt::NotifyEnd(on) => self.notify_end = on,
            Opt::Exclusiveaddruse(_) => {}
            Opt::Netns(ref path) => self.netns = Some(path.as_path().into()),
            Opt::Recbuf(size) => {
                let size = floor(size, 1)?;
                if !self.buffer_set {
                    let least = if self.recbuf_set {
                        self.buffer
                    } else {
                        BUFFER_BY_RECBUF_LEAST
                    };
                    self.buffer = least.max(size);
                    self.recbuf_set = true;
                }
                return Ok(false);
            }
            Opt::Linger(on, seconds) => {
                self.linger = match (on, seconds) {
                    (false, _) => Linger::No,
                    (true, 0) => Linger::Zero,
                    (true, _) => Linger::Waits,
                };
                return Ok(false);
            }
            _ => return self.set_watermark(opt),
        }
        Ok(true)
    }

    /// Setting one of a pair beyond the other takes the other along.
    fn set_watermark(&mut self, opt: &Opt) -> Result<bool, Error> {
        match *opt {
            Opt::HighWatermark(length) => {
                self.high_watermark = floor(length, 0)?;
                self.low_watermark = self.low_watermark.min(self.high_watermark);
            }
            Opt::LowWatermark(length) => {
                self.low_watermark = floor(length, 0)?;
                self.high_watermark = self.high_watermark.max(self.low_watermark);
            }
            Opt::HighMsgqWatermark(length) => {
                self.high_msgq_watermark = positive(length)?;
                self.low_msgq_watermark = self.low_msgq_watermark.min(self.high_msgq_watermark);
            }
            Opt::LowMsgqWatermark(length) => {
                self.low_msgq_watermark = positive(length)?;
                self.high_msgq_watermark = self.high_msgq_watermark.max(self.low_msgq_watermark);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The value under a name (1.12). `None`: it is not kept here, or it is left out of the answer,
    /// as `netns` when it was never set.
    pub(crate) fn get(&self, name: Name) -> Option<Opt> {
        Some(match name {
            Name::Mode => Opt::Mode(self.mode),
            Name::Packet => Opt::Packet(self.packet),
            Name::PacketSize => Opt::PacketSize(self.packet_size.into()),
            Name::LineDelimiter => Opt::LineDelimiter(self.line_delimiter.into()),
            Name::Header => Opt::Header(self.header.into()),
            Name::Deliver => Opt::Deliver(self.deliver),
            Name::Buffer => Opt::Buffer(self.buffer.into()),
            Name::ExitOnClose => Opt::ExitOnClose(self.exit_on_close),
            Name::ShowEconnreset => Opt::ShowEconnreset(self.show_econnreset),
            Name::SendTimeout => Opt::SendTimeout(self.send_timeout_ms.map(i64::from)),
            Name::SendTimeoutClose => Opt::SendTimeoutClose(self.send_timeout_close),
            Name::DelaySend => Opt::DelaySend(self.delay_send),
            Name::HighWatermark => Opt::HighWatermark(self.high_watermark.into()),
            Name::LowWatermark => Opt::LowWatermark(self.low_watermark.into()),
            Name::HighMsgqWatermark => Opt::HighMsgqWatermark(self.high_msgq_watermark.into()),
            Name::LowMsgqWatermark => Opt::LowMsgqWatermark(self.low_msgq_watermark.into()),
            Name::SendQueueLimit => Opt::SendQueueLimit(self.send_queue_limit.into()),
            Name::ReadAhead => Opt::ReadAhead(self.read_ahead),
            Name::Debug => Opt::Debug(self.debug),
            Name::KeepInput => Opt::KeepInput(self.keep_input),
            Name::CloseWait => Opt::CloseWait(self.close_wait),
            Name::FlushLimit => Opt::FlushLimit(self.flush_limit_ms.map(i64::from)),
            Name::NotifyEnd => Opt::NotifyEnd(self.notify_end),
            Name::Netns => Opt::Netns(self.netns.as_deref()?.to_path_buf()),
            _ => return None,
        })
    }

    /// What an accepted socket takes from the listening one (2.5): all but `debug` and `netns`;
    /// `line_delimiter` too (part 9, row 26). That `buffer` was set counts for the listener only;
    /// the size that was chosen there is what `recbuf` may raise.
    pub(crate) fn inherit(&self) -> Self {
        Self {
            debug: false,
            accepted: true,
            netns: None,
            buffer_set: false,
            recbuf_set: self.recbuf_set || self.buffer_set,
            ..self.clone()
        }
    }
}

/// The kernel's options that accept copies from the listening socket, by reading and setting
/// (2.5); what the kernel does not know there is left out. `active` comes after them. A raw option
/// may be any of them.
///
/// On Linux the kernel hands down all of them but `priority` by itself, with the values that they
/// had when the connection arrived (not so on local sockets). So where nothing but the plan has
/// set options of the listener, copying the priority is enough.
pub(crate) const fn inherited(family: Family) -> &'static [Name] {
    match family {
        Family::Inet => &[
            Name::Nodelay,
            Name::Keepalive,
            Name::Priority,
            Name::Linger,
            Name::Keepidle,
            Name::Keepintvl,
            Name::Keepcnt,
            Name::UserTimeout,
            Name::Tos,
            Name::Ttl,
            Name::Recvtos,
            Name::Recvttl,
        ],
        Family::Inet6 => &[
            Name::Nodelay,
            Name::Keepalive,
            Name::Priority,
            Name::Linger,
            Name::Keepidle,
            Name::Keepintvl,
            Name::Keepcnt,
            Name::UserTimeout,
            Name::Tclass,
            Name::Recvtclass,
        ],
        Family::Local => &[Name::Keepalive, Name::Priority, Name::Linger],
    }
}

/// A number of 32 bits without a sign.
fn unsigned(value: i64) -> Result<u32, Error> {
    u32::try_from(value).map_err(|_| Error::Einval)
}

/// A number of 32 bits with a sign; what is below the floor counts as the floor.
fn floor(value: i64, floor: i32) -> Result<u32, Error> {
    let value = i32::try_from(value).map_err(|_| Error::Einval)?;
    Ok(value.max(floor).unsigned_abs())
}

/// A number of 32 bits with a sign, at least 1.
fn positive(value: i64) -> Result<u32, Error> {
    let value = i32::try_from(value).map_err(|_| Error::Einval)?;
    if value < 1 {
        Err(Error::Einval)
    } else {
        Ok(value.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::super::opt::*;
    use super::*;

    /// As setopts: backwards.
    fn set(settings: &mut Settings, list: &[Opt]) {
        for opt in list.iter().rev() {
            assert_eq!(settings.set(opt), Ok(true), "{opt:?}");
        }
    }

    #[test]
    fn the_watermarks_take_each_other_along() {
        let mut settings = Settings::default();
        for (list, high, low) in [
            (
                &[high_watermark(20000), low_watermark(10000)][..],
                20000,
                10000,
            ),
            (&[high_watermark(5000)], 5000, 5000),
            (&[low_watermark(9000)], 9000, 9000),
            (&[low_watermark(0)], 9000, 0),
            (&[high_watermark(0)], 0, 0),
            (&[low_watermark(300), high_watermark(200)], 300, 300),
            (&[high_watermark(-1)], 0, 0),
        ] {
            set(&mut settings, list);
            assert_eq!(
                (settings.high_watermark, settings.low_watermark),
                (high, low),
                "{list:?}"
            );
        }
    }

    #[test]
    fn the_message_queue_watermarks_do_too_and_are_at_least_one() {
        let mut settings = Settings::default();
        assert_eq!(settings.set(&high_msgq_watermark(0)), Err(Error::Einval));
        assert_eq!(
            settings.set(&low_msgq_watermark(i64::from(i32::MAX) + 1)),
            Err(Error::Einval)
        );
        assert_eq!(settings, Settings::default());
        set(
            &mut settings,
            &[low_msgq_watermark(300), high_msgq_watermark(200)],
        );
        assert_eq!(
            settings.get(Name::HighMsgqWatermark),
            Some(high_msgq_watermark(300))
        );
        assert_eq!(
            settings.get(Name::LowMsgqWatermark),
            Some(low_msgq_watermark(300))
        );
    }

    #[test]
    fn a_buffer_that_was_never_set_follows_recbuf() {
        let mut settings = Settings::default();
        assert_eq!(settings.set(&recbuf(1000)), Ok(false));
        assert_eq!(settings.buffer, 1460);
        assert_eq!(settings.set(&recbuf(100_000)), Ok(false));
        assert_eq!(settings.buffer, 100_000);
        assert_eq!(settings.set(&recbuf(10)), Ok(false));
        assert_eq!(settings.buffer, 100_000);
        set(&mut settings, &[buffer(0)]);
        assert_eq!(settings.set(&recbuf(100_000)), Ok(false));
        assert_eq!(settings.get(Name::Buffer), Some(buffer(1)));
        // An accepted socket's follows again, from there.
        set(&mut settings, &[buffer(2000)]);
        let mut accepted = settings.inherit();
        for (size, buffer) in [(1000, 2000), (30_000, 30_000), (10_000, 30_000)] {
            assert_eq!(accepted.set(&recbuf(size)), Ok(false));
            assert_eq!(accepted.buffer, buffer, "{size}");
        }
    }

    #[test]
    fn what_is_set_can_be_read() {
        let mut settings = Settings::default();
        let list = [
            binary(),
            packet(PacketType::Line),
            packet_size(u32::MAX),
            line_delimiter(0),
            header(4),
            deliver(Deliver::Port),
            buffer(777),
            exit_on_close(false),
            show_econnreset(true),
            send_timeout(900),
            send_timeout_close(true),
            delay_send(true),
            high_watermark(3000),
            low_watermark(1000),
            send_queue_limit(50_000),
            read_ahead(false),
            keep_input(true),
            close_wait(false),
            flush_limit(1500),
            notify_end(true),
            debug(true),
            netns("/proc/self/ns/net"),
        ];
        set(&mut settings, &list);
        for opt in &list {
            assert_eq!(settings.get(opt.name()).as_ref(), Some(opt));
        }
        let inherited = settings.inherit();
        for opt in &list[..list.len() - 2] {
            assert_eq!(inherited.get(opt.name()).as_ref(), Some(opt));
        }
        assert_eq!(inherited.get(Name::Debug), Some(debug(false)));
        assert_eq!(inherited.get(Name::Netns), None);
    }

    #[test]
    fn the_kernel_keeps_its_own() {
        let mut settings = Settings::default();
        for opt in [nodelay(true), active(1), port(1), raw(0, 0, [])] {
            assert_eq!(settings.set(&opt), Ok(false));
            assert_eq!(settings.get(opt.name()), None);
        }
        assert_eq!(settings.set(&linger(true, 0)), Ok(false));
        assert_eq!(settings.inherit().linger, Linger::Zero);
        assert_eq!(settings.set(&linger(true, 3)), Ok(false));
        assert_eq!(settings.linger, Linger::Waits);
        assert_eq!(settings.set(&linger(false, 3)), Ok(false));
        assert_eq!(settings.linger, Linger::No);
    }

    #[test]
    fn a_number_out_of_range_changes_nothing() {
        let mut settings = Settings::default();
        for opt in [
            packet_size(-1),
            packet_size(1i64 << 32),
            line_delimiter(256),
            header(-1),
            buffer(1i64 << 31),
            send_timeout(-1),
            high_watermark(1i64 << 31),
            send_queue_limit(-1),
        ] {
            assert_eq!(settings.set(&opt), Err(Error::Einval), "{opt:?}");
        }
        assert_eq!(settings, Settings::default());
    }
}
