//! Commands in message form: `{Owner,{command,Data}}` (process 8.4, 8.9).
//!
//! Called by the runtime, in whichever process sends one. Nobody waits for it here: while the port
//! is busy the runtime holds the sender back, and what came of a command is a message to its
//! sender, at once or when the queue has come down to the low watermark. Invariant: one message for
//! each command, but for those that the end of the port overtakes. Not here: `send`, whose future
//! waits.

use runtime::Pid;
use runtime::port::PortCx;

use super::TcpPort;
use super::writer::{Keep, Told, reply};
use crate::data::IoData;
use crate::error::Error;

impl TcpPort {
    pub(super) fn take_command(&mut self, cx: &mut PortCx<'_>, data: &[u8], from: Pid) {
        let over_the_mark = self.accept_data(cx, &mut IoData::from(data), Keep::No);
        let limit = self.settings.send_timeout_ms;
        let result = match over_the_mark {
            Ok(true) if limit == Some(0) => {
                self.timed_out(cx);
                Err(Error::Timeout)
            }
            // One that came in while another waits was sent by somebody who cannot be held back.
            Ok(true) if !self.writer.is_busy() => {
                self.writer.wait(cx, limit, Told::Message(from));
                return self.set_wait_limit(cx);
            }
            result => result.map(|_| ()),
        };
        reply(cx, from, result);
        // A close that waits goes on behind the last one.
        self.writer.wake_next(cx);
    }

    /// Limits a wait that no future limits. The port has one timer, so what `delay_send` has kept
    /// does not wait for its own.
    pub(super) fn set_wait_limit(&mut self, cx: &mut PortCx<'_>) {
        if self.writer.unattended_until().is_some() && std::mem::take(&mut self.writer.delayed) {
            self.write_queue(cx);
        }
        if let Some(until) = self.writer.unattended_until() {
            cx.set_timer(until.saturating_sub(cx.now()));
        }
    }

    /// The port's timer fired, and nothing else had set it.
    pub(super) fn time_out_unattended(&mut self, cx: &mut PortCx<'_>) {
        match self.writer.unattended_until() {
            // Another waits by now.
            Some(until) if until > cx.now() => cx.set_timer(until.saturating_sub(cx.now())),
            Some(_) => {
                self.writer.answer(cx, Err(Error::Timeout));
                self.timed_out(cx);
            }
            None => {}
        }
    }
}
