//! Options of a socket that is there: setopts, getopts, and what setting them makes it do (1.11,
//! 1.12).
//!
//! Called by the API. Invariant (SOP-3, SOP-4, SOP-7): a list is applied from its end to its front;
//! what a change of `active` or `packet` delivers is delivered once, after the whole list.

use runtime::Reason;
use runtime::port::PortCx;

use super::stats::Stat;
use super::{Role, TcpPort};
use crate::data::Tcp;
use crate::error::Error;
use crate::io::{reported, set_option};
use crate::options::{ActiveState, Name, Opt, next_active};

impl TcpPort {
    /// `setopts`. The list has passed the check.
    pub(crate) fn set_options(&mut self, cx: &mut PortCx<'_>, list: &[Opt]) -> Result<(), Error> {
        let result = self.apply(cx, list);
        if self.settings.notify_end {
            self.notify_end(cx);
        }
        result
    }

    fn apply(&mut self, cx: &mut PortCx<'_>, list: &[Opt]) -> Result<(), Error> {
        let mut result = Ok(());
        let (mut packet_set, mut active_set) = (false, false);
        let mode_before = std::mem::discriminant(&self.active);
        let was_active = self.is_active();
        let default_buffer = !self.settings.buffer_set && !self.settings.recbuf_set;
        for opt in list.iter().rev() {
            result = match opt {
                Opt::Active(asked) => next_active(self.active, *asked).map(|(active, passive)| {
                    active_set = true;
                    self.active = active;
                    if passive {
                        Self::tell(cx, Tcp::Passive(Self::socket(cx)));
                    }
                }),
                opt => self.set_one(opt),
            };
            packet_set |= matches!(opt, Opt::Packet(_));
            if result.is_err() {
                break;
            }
        }
        if default_buffer && self.settings.buffer_set {
            // The default is larger than OTP's (part 9, row 19), so a buffer of it holds up no
            // smaller one.
            self.reader.input.forget_idle();
        }
        let before = self.reader.decoder.kind();
        self.reader.follow(&self.settings, packet_set);
        let reparse = before != self.reader.decoder.kind();
        if self.is_active() && reparse {
            // The bytes of half a packet are parsed anew, as in releases after 25 (3.4).
            self.reader.input.expect_nothing();
        }
        let same_mode = mode_before == std::mem::discriminant(&self.active);
        if same_mode && !reparse && self.wire.open().is_some() {
            return result;
        }
        if !same_mode && self.is_active() && self.reader.ended.take().is_some() {
            // Whether it has ended still is for a read to say (SOP-11).
            self.reader.told(true);
        }
        if active_set || (packet_set && self.wire.open().is_some()) {
            // From passive to `once` or a count with the type that it has, OTP reads at once; else
            // it looks at the buffer only.
            let asked = self.active;
            let limited = matches!(asked, ActiveState::Once | ActiveState::N(_));
            let reads = !was_active && !reparse && limited;
            self.mode_changed(cx, !reads);
            if reads && self.active == asked {
                self.provide();
            }
        }
        result
    }

    fn set_one(&mut self, opt: &Opt) -> Result<(), Error> {
        if self.settings.set(opt)? {
            return Ok(());
        }
        self.touch(opt);
        match self.wire.open() {
            Some(sock) => set_option(&*self.io, sock, opt),
            // Whose refusal is reported cannot be set without a descriptor; the rest says `ok`
            // (SOP-12).
            None if reported(opt) => Err(Error::Einval),
            None => Ok(()),
        }
    }

    /// Delivers what the new mode lets through (SOP-9 to SOP-11). `quiet`: as for `deliver`.
    fn mode_changed(&mut self, cx: &mut PortCx<'_>, quiet: bool) {
        if !self.is_active() || !matches!(self.role, Role::Connected) {
            return;
        }
        if self.wire.open().is_none() {
            if std::mem::take(&mut self.delayed.reset) {
                Self::tell(cx, Tcp::Error(Self::socket(cx), Error::Econnreset));
            }
            self.send_closed(cx);
            if self.settings.exit_on_close {
                cx.close_sparing_owner(Reason::Normal);
            }
            return;
        }
        self.reader.overtake();
        // What the kernel has counts as there, whether the reactor has told of it or not (SOP-9).
        self.reader.told(false);
        self.deliver_all(cx, quiet);
        if quiet {
            self.tell_refused(cx);
        }
    }

    /// Where OTP tries a read at once, and nothing comes of it, the buffer for it stays.
    fn provide(&mut self) {
        if self.is_active() && self.is_connected() {
            self.reader.input.provide(self.settings.buffer as usize);
        }
    }

    /// The mode of a new socket: set last of all (CON-17, ACT-7).
    pub(crate) fn set_first_mode(
        &mut self,
        cx: &mut PortCx<'_>,
        active: crate::options::Active,
    ) -> Result<(), Error> {
        let (active, passive) = next_active(ActiveState::False, active)?;
        self.active = active;
        if passive {
            Self::tell(cx, Tcp::Passive(Self::socket(cx)));
        }
        self.mode_changed(cx, false);
        Ok(())
    }

    /// The mode of an accepted socket (2.5).
    pub(crate) fn inherit_mode(&mut self, cx: &mut PortCx<'_>, active: ActiveState) {
        self.active = active;
        self.mode_changed(cx, false);
        if active != ActiveState::True && self.active == active {
            self.provide();
        }
    }

    /// `getopts`. The names have passed the check.
    pub(crate) fn get_options(&self, names: &[Name]) -> Result<Vec<Opt>, Error> {
        let mut answer = Vec::with_capacity(names.len());
        for name in names {
            let value = match name {
                Name::Active => Some(Opt::Active(self.active.into())),
                name => match self.settings.get(*name) {
                    Some(opt) => Some(opt),
                    None => match self.wire.open() {
                        Some(sock) => self.io.get_option(sock, *name)?,
                        None => None,
                    },
                },
            };
            answer.extend(value);
        }
        Ok(answer)
    }

    /// `getstat` (1.14).
    pub(crate) fn get_stats(&mut self, cx: &mut PortCx<'_>, stats: &[Stat]) -> Vec<(Stat, u64)> {
        self.end_gathering(cx);
        let pending = self.writer.output.len();
        stats
            .iter()
            .map(|stat| (*stat, self.stats.get(*stat, pending)))
            .collect()
    }

    /// Lends the descriptor to a closure, under the port's lock.
    pub(crate) fn with_fd<R>(
        &self,
        f: impl FnOnce(std::os::fd::BorrowedFd<'_>) -> R,
    ) -> Result<R, Error> {
        let fd = self
            .wire
            .open()
            .and_then(crate::io::Sock::fd)
            .ok_or(Error::Ebadf)?;
        Ok(f(fd))
    }

    /// Gives the descriptor away; the port ends as by a close.
    pub(crate) fn take_fd(&mut self, cx: &mut PortCx<'_>) -> Result<std::os::fd::OwnedFd, Error> {
        if self.wire.open().is_none() {
            return Err(Error::Ebadf);
        }
        self.fail_file(cx, Error::Closed);
        let sock = self.take_sock(cx).ok_or(Error::Ebadf)?;
        cx.close(Reason::Normal);
        Ok(sock.into_fd()?)
    }
}
