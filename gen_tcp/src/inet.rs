//! The functions of Erlang's `inet` that sockets need: options, names, statistics, monitors (1.11 to 1.20).
//!
//! Called by processes, like those of the crate's root.

pub(crate) mod addr;
pub(crate) mod resolve;

use runtime::Ref;
use runtime::port::PortClosed;

use crate::api::call;
use crate::error::Error;
use crate::options::{Name, Opt, Use, check, check_names};
use crate::socket::Socket;

pub use crate::driver::stats::Stat;
pub use addr::{
    Family, SocketName, ipv4_mapped_ipv6_address, is_ip_address, is_ipv4_address, is_ipv6_address,
    ntoa, parse_address, parse_ipv4_address, parse_ipv4strict_address, parse_ipv6_address,
    parse_ipv6strict_address, parse_strict_address,
};
pub use resolve::{Host, gethostname};

/// Sets options (`inet:setopts/2`). The list is applied from its end to its front, so of two entries for
/// one option the first one wins (SOP-3).
///
/// # Errors
/// [`Error::Einval`] for an option that cannot be set here or has a bad value: then nothing of the list is
/// applied; for a refusal of the system that is reported (SOP-5): then what stands behind it is; and for a
/// closed socket (SOP-8).
pub fn setopts(socket: Socket, options: impl IntoIterator<Item = Opt>) -> Result<(), Error> {
    let options = check(options, Use::Setopts)?;
    call(socket, |port, cx| port.set_options(cx, &options)).unwrap_or(Err(Error::Einval))
}

/// Reads options (`inet:getopts/2`), in the order asked; what the socket has not is left out.
///
/// # Errors
/// [`Error::Einval`] for a name that cannot be read, and for a closed socket.
pub fn getopts(socket: Socket, names: impl IntoIterator<Item = Name>) -> Result<Vec<Opt>, Error> {
    let names: Vec<Name> = names.into_iter().collect();
    check_names(&names)?;
    call(socket, |port, _| port.get_options(&names)).unwrap_or(Err(Error::Einval))
}

/// The number of this end's port (`inet:port/1`); 0 for a local socket.
///
/// # Errors
/// [`Error::Ebadf`] where the descriptor is gone, [`Error::Einval`] for a closed socket.
pub fn port(socket: Socket) -> Result<u16, Error> {
    Ok(match sockname(socket)? {
        SocketName::Inet(address) => address.port(),
        SocketName::Local(_) => 0,
    })
}

/// The name of this end (`inet:sockname/1`).
///
/// # Errors
/// As [`port`].
pub fn sockname(socket: Socket) -> Result<SocketName, Error> {
    call(socket, |port, _| port.local_name()).unwrap_or(Err(Error::Einval))
}

/// The name of the other end (`inet:peername/1`).
///
/// # Errors
/// [`Error::Enotconn`] where there is none, [`Error::Einval`] for a closed socket.
pub fn peername(socket: Socket) -> Result<SocketName, Error> {
    call(socket, |port, _| port.peer_name()).unwrap_or(Err(Error::Einval))
}

/// Statistics (`inet:getstat/2`), in the order asked.
///
/// # Errors
/// [`Error::Einval`] for a closed socket.
pub fn getstat(
    socket: Socket,
    stats: impl IntoIterator<Item = Stat>,
) -> Result<Vec<(Stat, u64)>, Error> {
    let stats: Vec<Stat> = stats.into_iter().collect();
    call(socket, |port, cx| port.get_stats(cx, &stats)).map_err(|PortClosed| Error::Einval)
}

/// The states of a socket (`inet:info/1`), sorted: out of `accepting`, `busy`, `closed`, `connected`,
/// `listen`, `open`; empty where the descriptor is gone.
#[must_use]
pub fn states(socket: Socket) -> Vec<&'static str> {
    call(socket, |port, _| port.states()).unwrap_or_else(|PortClosed| vec!["closed"])
}

/// Watches a socket (`inet:monitor/1`): when it closes the caller gets a [`runtime::Down`].
pub fn monitor(socket: Socket) -> Ref {
    runtime::monitor(socket.port())
}

/// Ends a monitor (`inet:cancel_monitor/1`). False where it was not active; a `Down` that is in the mailbox
/// stays.
pub fn cancel_monitor(monitor: Ref) -> bool {
    runtime::demonitor(monitor)
}

/// Whether the port of the socket is open. Its descriptor may be gone (1.21).
#[must_use]
pub fn is_open(socket: Socket) -> bool {
    runtime::port::owner(socket.port()).is_some()
}
