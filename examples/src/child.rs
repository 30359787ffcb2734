//! A child process of the system as a port: a driver that has nothing to do with sockets.
//!
//! It uses of the runtime what any third party's driver can: a command goes to the child's standard
//! input, and the port is busy while the pipe has no room; what the child prints comes to the owner
//! as [`FromChild::Data`]; a job on the blocking pool waits for its end. When the child has ended
//! and all that it printed was sent, the owner gets [`FromChild::Exited`] and the port closes: with
//! `normal`, or with [`ExitStatusIs`] where it failed. The port takes the child along when it
//! closes first.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runtime::port::{self, BadArg, Driver, Flush, OpenError, PortCx, Readiness, Source, Turn};
use runtime::prelude::*;
use rustix::process::{WaitId, WaitIdOptions, waitid};

/// What a child sends to the owner of its port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FromChild {
    /// What it printed.
    Data(PortId, Vec<u8>),
    /// It has ended, with this status: its code, or `None` where a signal ended it. The last
    /// message.
    Exited(PortId, Option<i32>),
}

/// The reason with which the port of a child closes that failed: its code, as in
/// [`FromChild::Exited`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExitStatusIs(pub Option<i32>);

/// The request that closes the child's standard input, once what is queued has been written.
pub const END_OF_INPUT: u32 = 1;

/// The port is busy from so many bytes in the queue on, until it is empty.
const HIGH_BYTES: usize = 64 * 1024;
/// What one turn reads at most.
const TURN_BYTES: usize = 64 * 1024;
/// How long a port that closes writes what is queued.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// Starts a program as a port: the caller owns it and is linked to it.
///
/// # Errors
/// What starting it says, such as `NotFound`.
pub fn open(mut command: Command) -> Result<PortId, OpenError> {
    // A place first, so that nothing is started that cannot be looked after.
    let place = port::reserve()?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(OpenError::Io)?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let driver = ChildDriver {
        child: Arc::new(Mutex::new(child)),
        stdin,
        stdout,
        queue: VecDeque::new(),
        is_last: false,
        status: None,
    };
    place.open(driver)
}

struct ChildDriver {
    /// Shared with the job that waits for its end.
    child: Arc<Mutex<Child>>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    /// What is to be written.
    queue: VecDeque<u8>,
    /// Nothing is written after what is queued.
    is_last: bool,
    status: Option<ExitStatus>,
}

/// Waits until the child has ended, and only then takes its status, so that nobody who kills it by
/// number can hit another process.
fn wait(child: &Mutex<Child>) -> io::Result<ExitStatus> {
    let pid = rustix::process::Pid::from_child(&lock(child));
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(error) = waitid(WaitId::Pid(pid), options) {
        if error != rustix::io::Errno::INTR {
            return Err(error.into());
        }
    }
    lock(child).wait()
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Driver for ChildDriver {
    fn name(&self) -> &'static str {
        "child"
    }

    fn start(&mut self, cx: &mut PortCx<'_>) -> io::Result<()> {
        if let (Some(stdin), Some(stdout)) = (&self.stdin, &self.stdout) {
            for pipe in [stdin.as_fd(), stdout.as_fd()] {
                rustix::io::ioctl_fionbio(pipe, true)?;
                cx.register(Source::Fd(pipe))?;
            }
        }
        let child = self.child.clone();
        let job = cx.spawn_blocking(move || wait(&child));
        job.map(drop).map_err(io::Error::other)
    }

    fn ready(&mut self, cx: &mut PortCx<'_>, readiness: Readiness) -> Turn {
        if readiness.writable || readiness.error || readiness.hangup {
            self.write(cx);
        }
        self.read(cx)
    }

    fn command(&mut self, cx: &mut PortCx<'_>, data: &[u8], _: Pid) -> bool {
        self.queue.extend(data);
        self.write(cx);
        true
    }

    fn control(&mut self, cx: &mut PortCx<'_>, op: u32, _: &[u8]) -> Result<bytes::Bytes, BadArg> {
        if op != END_OF_INPUT {
            return Err(BadArg);
        }
        self.is_last = true;
        self.write(cx);
        Ok(bytes::Bytes::new())
    }

    fn blocking_done(&mut self, cx: &mut PortCx<'_>, _: u64, result: Result<Message, Reason>) {
        match result.map(Message::downcast::<io::Result<ExitStatus>>) {
            Ok(Ok(Ok(status))) => self.status = Some(status),
            _ => cx.close(Reason::from("the child was lost")),
        }
        self.end(cx);
    }

    fn timeout(&mut self, cx: &mut PortCx<'_>) {
        cx.flushed();
    }

    fn flush(&mut self, cx: &mut PortCx<'_>, kill: bool) -> Flush {
        self.is_last = true;
        self.write(cx);
        if kill || self.stdin.is_none() {
            return Flush::Done;
        }
        cx.set_timer(FLUSH_LIMIT);
        Flush::Later
    }

    fn stop(&mut self, cx: &mut PortCx<'_>) {
        self.close_stdin(cx);
        self.close_stdout(cx);
        if self.status.is_none() {
            // The job goes on until the child is gone, and takes its status.
            let _ = lock(&self.child).kill();
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let os_pid = lock(&self.child).id().to_string();
        vec![("os_pid", os_pid), ("queue", self.queue.len().to_string())]
    }
}

impl ChildDriver {
    /// Writes as much as the pipe takes.
    fn write(&mut self, cx: &mut PortCx<'_>) {
        while let Some(stdin) = &mut self.stdin {
            if self.queue.is_empty() {
                break;
            }
            match stdin.write(self.queue.as_slices().0) {
                Ok(written) => drop(self.queue.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The child reads no more. How it ends is told in its time.
                Err(_) => self.close_stdin(cx),
            }
        }
        if self.stdin.is_none() {
            self.queue.clear();
        }
        if self.queue.is_empty() {
            cx.set_busy(false);
            if self.is_last {
                self.close_stdin(cx);
                cx.flushed();
            }
        } else if self.queue.len() >= HIGH_BYTES {
            cx.set_busy(true);
        }
    }

    /// Reads as much as there is, and as is fair.
    fn read(&mut self, cx: &mut PortCx<'_>) -> Turn {
        let (mut buffer, mut left) = ([0; 4096], TURN_BYTES);
        while let Some(stdout) = &mut self.stdout {
            if left == 0 {
                return Turn::Again;
            }
            match stdout.read(&mut buffer) {
                Ok(0) => self.close_stdout(cx),
                Ok(len) => {
                    left = left.saturating_sub(len);
                    cx.send_owner(FromChild::Data(cx.id(), buffer[..len].to_vec()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Turn::Done,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.close_stdout(cx),
            }
        }
        self.end(cx);
        Turn::Done
    }

    /// The port ends when the child has, and all that it printed was sent.
    fn end(&mut self, cx: &mut PortCx<'_>) {
        let (Some(status), None) = (self.status, &self.stdout) else {
            return;
        };
        if cx.is_closing() {
            return;
        }
        cx.send_owner(FromChild::Exited(cx.id(), status.code()));
        cx.close(match status.success() {
            true => Reason::Normal,
            false => Reason::custom(ExitStatusIs(status.code())),
        });
    }

    fn close_stdin(&mut self, cx: &PortCx<'_>) {
        if let Some(stdin) = self.stdin.take() {
            cx.deregister(Source::Fd(stdin.as_fd()));
        }
    }

    fn close_stdout(&mut self, cx: &PortCx<'_>) {
        if let Some(stdout) = self.stdout.take() {
            cx.deregister(Source::Fd(stdout.as_fd()));
        }
    }
}
