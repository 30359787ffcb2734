//! How sockets come to be: listen, connect, accept, fdopen (1.1 to 1.3, 1.10).
//!
//! Called by processes, by way of the crate's root. Invariant: a place in the table of ports is
//! taken before there is a descriptor, and a call that fails or is dropped leaves no socket;
//! `active` is set last of all, when the socket has its owner (CON-17). What it leaves out: what a
//! socket does then.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use runtime::port::{self, OpenError, PortClosed, PortCx};
use runtime::{Alarm, Wakeup};

use crate::api::{Place, call, is_late, within};
use crate::defaults;
use crate::driver::{Accepted, Role, TcpPort};
use crate::error::Error;
use crate::inet::addr::SocketName;
use crate::inet::off_thread;
use crate::inet::resolve::{self, Host};
use crate::io::real::Real;
use crate::io::{Connecting, Io};
use crate::options::{Opt, Plan};
use crate::socket::Socket;

/// The verbs that sockets of this runtime use, chosen at first use.
struct Net(Arc<dyn Io>);

fn net() -> Result<Arc<dyn Io>, Error> {
    if port::is_simulated() {
        // The simulated network is not there yet, and a real one has no place in a simulated world.
        return Err(Error::Enotsup);
    }
    Ok(port::extension(|| Net(Arc::new(Real))).0.clone())
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::SystemLimit => Error::SystemLimit,
            OpenError::Io(error) => error.into(),
        }
    }
}

/// Opens a socket that listens on a port of this host (`gen_tcp:listen/2`, 1.2). The caller owns
/// it. Port 0 lets the system choose; [`inet::port`](crate::inet::port) tells which.
///
/// # Errors
/// [`Error::BadOption`] for an option that listen does not take; what the system refuses:
/// `eaddrinuse`, `eaddrnotavail`, `eacces`, `emfile`, `einval`; [`Error::SystemLimit`] where the
/// table of ports is full.
///
/// # Panics
/// Outside of a process. So do all functions of this crate.
pub fn listen(port: u16, options: impl IntoIterator<Item = Opt>) -> Result<Socket, Error> {
    let options = defaults::for_listen(options.into_iter().collect());
    let plan = Plan::listen(port.into(), options)?;
    let io = net()?;
    let place = port::reserve()?;
    let sock = io.listen(&plan)?;
    let mut driver = TcpPort::new(
        io,
        sock,
        plan.family,
        plan.settings.clone(),
        Role::listening(),
    );
    driver.touch_planned(&plan.kernel);
    let socket = Socket::from_port(place.open(driver)?);
    finish(socket, |port, cx| port.set_first_mode(cx, plan.active))
}

/// Last step of a new socket; where it fails there is none.
fn finish(
    socket: Socket,
    last: impl FnOnce(&mut TcpPort, &mut PortCx<'_>) -> Result<(), Error>,
) -> Result<Socket, Error> {
    match call(socket, last) {
        Ok(Ok(())) | Err(PortClosed) => Ok(socket),
        Ok(Err(error)) => {
            discard(socket);
            Err(error)
        }
    }
}

/// Closes a socket that nobody has seen.
fn discard(socket: Socket) {
    runtime::unlink(socket);
    let _ = port::close(socket.port());
}

/// Connects to a host (`gen_tcp:connect/3`, 1.1). A name is looked up off the scheduler's threads;
/// its addresses are tried in order. The caller owns the socket. Waits as long as the system does.
///
/// # Errors
/// [`Error::BadOption`] and [`Error::BadArg`] for what Erlang raises; `nxdomain`; what the system
/// says: `econnrefused`, `etimedout`, `ehostunreach`, `eaddrnotavail`, …
///
/// # Cancel safety
/// Dropped, it leaves no socket.
pub async fn connect(
    to: impl Into<Host>,
    port: u16,
    options: impl IntoIterator<Item = Opt>,
) -> Result<Socket, Error> {
    connect_within(to.into(), port, options.into_iter().collect(), None).await
}

/// As [`connect`], with a limit to all of it: look-up and attempts (CON-6).
///
/// # Errors
/// As [`connect`], and [`Error::Timeout`].
pub async fn connect_timeout(
    to: impl Into<Host>,
    port: u16,
    options: impl IntoIterator<Item = Opt>,
    time: Duration,
) -> Result<Socket, Error> {
    let options = options.into_iter().collect();
    connect_within(to.into(), port, options, Some(Alarm::new(time))).await
}

async fn connect_within(
    to: Host,
    port: u16,
    options: Vec<Opt>,
    mut alarm: Option<Alarm>,
) -> Result<Socket, Error> {
    let options = defaults::for_connect(options);
    let plan = Plan::connect(to.family(), port.into(), options)?;
    if let Host::Local(path) = to {
        return attempt(SocketName::Local(path), &plan, &mut alarm).await;
    }
    let found = match resolve::at_once(&to, plan.family) {
        Some(answer) => resolve::in_connect(&to, answer),
        None => {
            let (host, family) = (to.clone(), plan.family);
            let lookup = off_thread(move || resolve::lookup(&host, family));
            let answer = within(&mut alarm, lookup).await?;
            resolve::in_connect(&to, answer)
        }
    };
    let mut last = Error::Nxdomain;
    for ip in found? {
        match attempt(SocketName::inet(ip, port), &plan, &mut alarm).await {
            Err(error @ (Error::BadArg | Error::Einval | Error::Timeout)) => return Err(error),
            Err(error) => last = error,
            Ok(socket) => return Ok(socket),
        }
    }
    Err(last)
}

/// A new socket until it is connected: dropped, it goes.
struct Attempt(Option<Socket>);

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(socket) = self.0
            && runtime::try_self_pid().is_some()
        {
            discard(socket);
        }
    }
}

/// Connects to one address.
pub(crate) async fn attempt(
    to: SocketName,
    plan: &Plan,
    alarm: &mut Option<Alarm>,
) -> Result<Socket, Error> {
    let io = net()?;
    let place = port::reserve()?;
    let begun = io
        .connect(&to, plan)
        .map_err(|error| Error::from(error).in_connect());
    let (sock, connecting) = begun?;
    let role = match connecting {
        Connecting::Done => Role::Connected,
        Connecting::InProgress => Role::connecting(),
    };
    let driver = TcpPort::new(io, sock, plan.family, plan.settings.clone(), role);
    let socket = Socket::from_port(place.open(driver)?);
    let mut guard = Attempt(Some(socket));
    let decided = poll_fn(|cx| {
        let wakeup = Wakeup::new(cx);
        call(socket, |port, _| port.poll_connected(wakeup))
            .unwrap_or(Poll::Ready(Err(Error::Closed)))
    });
    within(alarm, decided).await??;
    guard.0 = None;
    finish(socket, |port, cx| port.set_first_mode(cx, plan.active)).map_err(Error::in_connect)
}

/// Takes a connection off a listening socket (`gen_tcp:accept/1`, 1.3); waits for one. Any process
/// may, several at once; they are served in the order in which they began to wait. The caller owns
/// the new socket, which has the options of the listening one.
///
/// # Errors
/// [`Error::Closed`] where the listener is closed, [`Error::Einval`] where the socket does not
/// listen;
/// `emfile`, `enfile`, [`Error::SystemLimit`]: the connection stays in the queue.
///
/// # Cancel safety
/// Dropped, it has taken no connection; its turn goes to the next.
pub async fn accept(listener: Socket) -> Result<Socket, Error> {
    accept_within(listener, None).await
}

/// As [`accept`], with a limit.
///
/// # Errors
/// As [`accept`], and [`Error::Timeout`].
pub async fn accept_timeout(listener: Socket, time: Duration) -> Result<Socket, Error> {
    accept_within(listener, Some(Alarm::new(time))).await
}

async fn accept_within(listener: Socket, mut alarm: Option<Alarm>) -> Result<Socket, Error> {
    let mut place: Place<Option<u64>> = Place {
        socket: listener,
        op: None,
        id: |op| *op,
        cancel: TcpPort::cancel_accept,
    };
    let accepted = poll_fn(|cx| {
        if runtime::poll_budget(cx).is_pending() {
            return Poll::Pending;
        }
        let (wakeup, op) = (Wakeup::new(cx), &mut place.op);
        let polled = match call(listener, |port, cx| port.accept(cx, op, wakeup)) {
            Ok(polled) => polled,
            Err(PortClosed) => {
                *op = None;
                Poll::Ready(Err(Error::Closed))
            }
        };
        match polled {
            Poll::Pending if is_late(&mut alarm, cx) => Poll::Ready(Err(Error::Timeout)),
            polled => polled,
        }
    })
    .await?;
    take_over(accepted)
}

/// Makes a connection a socket of the caller's, with what it inherits (ACC-10).
fn take_over(accepted: Accepted) -> Result<Socket, Error> {
    let Accepted {
        place,
        io,
        sock,
        family,
        settings,
        active,
        kernel,
    } = accepted;
    for opt in &kernel {
        if let Err(error) = crate::io::set_option(&*io, &sock, opt) {
            io.close(sock);
            return Err(error);
        }
    }
    let socket =
        Socket::from_port(place.open(TcpPort::new(io, sock, family, settings, Role::Connected))?);
    finish(socket, |port, cx| {
        port.inherit_mode(cx, active);
        Ok(())
    })
}

/// Makes a socket of a descriptor that somebody else opened and connected (`gen_tcp:fdopen/2`,
/// 1.10). The descriptor is among the options, by [`opt::fd`](crate::opt::fd); closing the socket
/// leaves it open.
///
/// # Errors
/// As [`connect`]; `ebadf` where the number is not open.
pub fn fdopen(options: impl IntoIterator<Item = Opt>) -> Result<Socket, Error> {
    let plan = Plan::fdopen(options)?;
    let io = net()?;
    let place = port::reserve()?;
    let sock = io
        .adopt(&plan)
        .map_err(|error| Error::from(error).in_connect())?;
    let driver = TcpPort::new(
        io,
        sock,
        plan.family,
        plan.settings.clone(),
        Role::Connected,
    );
    let socket = Socket::from_port(place.open(driver)?);
    finish(socket, |port, cx| port.set_first_mode(cx, plan.active))
}
