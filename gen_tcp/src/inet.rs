//! The functions of Erlang's `inet`: options, names, statistics, monitors, hosts, services,
//! interfaces (1.11 to 1.20).
//!
//! Called by processes, like those of the crate's root. What has to be looked up is looked up off
//! the scheduler's threads; a simulated runtime looks nothing up.

pub(crate) mod addr;
pub mod info;
mod interfaces;
mod names;
pub(crate) mod resolve;
mod text;

use std::net::IpAddr;

use runtime::Ref;
use runtime::port::PortClosed;

use crate::api::{call, look};
use crate::error::Error;
use crate::options::{Name, Opt, Use, check, check_names};
use crate::socket::Socket;

pub use crate::api::close;
pub use crate::driver::stats::Stat;
pub use addr::{
    Family, SocketName, ipv4_mapped_ipv6_address, is_ip_address, is_ipv4_address, is_ipv6_address,
    ntoa, parse_address, parse_ipv4_address, parse_ipv4strict_address, parse_ipv6_address,
    parse_ipv6strict_address, parse_strict_address,
};
pub use info::{i, info};
pub use interfaces::{Ifv4, Interface, InterfaceAddr};
pub use resolve::{Host, Hostent, gethostname};
pub use text::format_error;

/// Sets options (`inet:setopts/2`). The list is applied from its end to its front, so of two
/// entries for one option the first one wins (SOP-3).
///
/// # Errors
/// [`Error::Einval`] for an option that cannot be set here or has a bad value: then nothing of the
/// list is applied; for a refusal of the system that is reported (SOP-5): then what stands behind
/// it is; and for a closed socket (SOP-8).
pub fn setopts(socket: Socket, options: impl IntoIterator<Item = Opt>) -> Result<(), Error> {
    let options = check(options, Use::Setopts)?;
    look(socket, |port, cx| port.set_options(cx, &options)).unwrap_or(Err(Error::Einval))
}

/// Reads options (`inet:getopts/2`), in the order asked; what the socket has not is left out.
///
/// # Errors
/// [`Error::Einval`] for a name that cannot be read, and for a closed socket.
pub fn getopts(socket: Socket, names: impl IntoIterator<Item = Name>) -> Result<Vec<Opt>, Error> {
    let names: Vec<Name> = names.into_iter().collect();
    check_names(&names)?;
    look(socket, |port, _| port.get_options(&names)).unwrap_or(Err(Error::Einval))
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
    look(socket, |port, _| port.local_name()).unwrap_or(Err(Error::Einval))
}

/// The name of the other end (`inet:peername/1`).
///
/// # Errors
/// [`Error::Enotconn`] where there is none, [`Error::Einval`] for a closed socket.
pub fn peername(socket: Socket) -> Result<SocketName, Error> {
    look(socket, |port, _| port.peer_name()).unwrap_or(Err(Error::Einval))
}

/// All names of this end (`inet:socknames/1`): of a TCP socket one, the true one, whatever
/// [`setsockname`] said.
///
/// # Errors
/// As [`port`].
pub fn socknames(socket: Socket) -> Result<Vec<SocketName>, Error> {
    let name = look(socket, |port, _| port.true_local_name()).unwrap_or(Err(Error::Einval));
    name.map(|name| vec![name])
}

/// All names of the other end (`inet:peernames/1`): of a TCP socket one, the true one, whatever
/// [`setpeername`] said.
///
/// # Errors
/// As [`peername`].
pub fn peernames(socket: Socket) -> Result<Vec<SocketName>, Error> {
    let name = look(socket, |port, _| port.true_peer_name()).unwrap_or(Err(Error::Einval));
    name.map(|name| vec![name])
}

/// Has [`sockname`] and [`port`] say something else (`inet:setsockname/2`, 1.13), also when the
/// descriptor is gone; `None` ends it. Any process may.
///
/// # Errors
/// [`Error::Einval`] for a closed socket.
pub fn setsockname(socket: Socket, name: impl Into<Option<SocketName>>) -> Result<(), Error> {
    let name = name.into();
    look(socket, |port, _| port.pretend().local = name).map_err(|PortClosed| Error::Einval)
}

/// Has [`peername`] say something else while there is a connection (`inet:setpeername/2`, 1.13);
/// `None` ends it. Any process may.
///
/// # Errors
/// [`Error::Einval`] for a closed socket.
pub fn setpeername(socket: Socket, name: impl Into<Option<SocketName>>) -> Result<(), Error> {
    let name = name.into();
    look(socket, |port, _| port.pretend().peer = name).map_err(|PortClosed| Error::Einval)
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
    look(socket, |port, cx| port.get_stats(cx, &stats)).map_err(|PortClosed| Error::Einval)
}

/// The states of a socket (`inet:info/1`), sorted: out of `accepting`, `busy`, `closed`,
/// `connected`, `listen`, `open`; empty where the descriptor is gone.
#[must_use]
pub fn states(socket: Socket) -> Vec<&'static str> {
    call(socket, |port, _| port.states()).unwrap_or_else(|PortClosed| vec!["closed"])
}

/// Watches a socket (`inet:monitor/1`): when it closes the caller gets a [`runtime::Down`].
pub fn monitor(socket: Socket) -> Ref {
    runtime::monitor(socket.port())
}

/// Ends a monitor (`inet:cancel_monitor/1`). False where it was not active; a `Down` that is in the
/// mailbox stays.
pub fn cancel_monitor(monitor: Ref) -> bool {
    runtime::demonitor(monitor)
}

/// Whether the port of the socket is open. Its descriptor may be gone (1.21).
#[must_use]
pub fn is_open(socket: Socket) -> bool {
    call(socket, |_, _| ()).is_ok()
}

/// An address of a host (`inet:getaddr/2`, 1.18): the first that [`getaddrs`] gives.
///
/// # Errors
/// As [`getaddrs`].
///
/// # Cancel safety
/// Dropped, it has no effect; a look-up that is under way ends on its thread. So it is with all
/// look-ups here.
pub async fn getaddr(host: impl Into<Host>, family: Family) -> Result<IpAddr, Error> {
    let all = getaddrs(host, family).await?;
    all.first().copied().ok_or(Error::Nxdomain)
}

/// The addresses of a host in a family, in the order of the system's resolver (`inet:getaddrs/2`,
/// 1.18). An address of the family is itself, also as text, without a look-up.
///
/// # Errors
/// [`Error::Nxdomain`]: no such name, none with an address of the family, or text that is an
/// address of the other one; [`Error::Eafnosupport`] for an address of the other family;
/// [`Error::Einval`] for what is no name, for a path and for [`Family::Local`];
/// [`Error::SystemLimit`], `emfile` and their like where the system could not be asked;
/// [`Error::Enotsup`] in a simulated runtime.
pub async fn getaddrs(host: impl Into<Host>, family: Family) -> Result<Vec<IpAddr>, Error> {
    let host = host.into();
    match resolve::at_once(&host, family) {
        Some(answer) => answer,
        None => off_thread(move || resolve::lookup(&host, family)).await,
    }
}

/// What the resolver says of a name (`inet:gethostbyname/2`, 1.18).
///
/// # Errors
/// As [`getaddrs`], but that text which is no name is [`Error::Nxdomain`] here.
pub async fn gethostbyname(name: &str, family: Family) -> Result<Hostent, Error> {
    match getaddrs(name, family).await {
        Ok(addresses) => Hostent::new(name, family, addresses),
        Err(Error::Einval) if family != Family::Local => Err(Error::Nxdomain),
        Err(error) => Err(error),
    }
}

/// What the resolver says of an address, which may be text (`inet:gethostbyaddr/1`, 1.18).
///
/// # Errors
/// [`Error::Nxdomain`]: nobody knows a name for it; [`Error::Einval`] for what is no address;
/// others as [`getaddrs`].
pub async fn gethostbyaddr(address: impl Into<Host>) -> Result<Hostent, Error> {
    let ip = match address.into() {
        Host::Ip(ip) => ip,
        Host::Name(text) => parse_address(&text)?,
        Host::Local(_) | Host::Any | Host::Loopback => return Err(Error::Einval),
    };
    let name = off_thread(move || names::host_at(ip)).await?;
    let family = if ip.is_ipv4() {
        Family::Inet
    } else {
        Family::Inet6
    };
    Hostent::new(&name, family, vec![ip])
}

/// The TCP port of a service (`inet:getservbyname/2`, 1.20), by its name or an alias, as the
/// system is set up to look: in `/etc/services`, and wherever else.
///
/// # Errors
/// [`Error::Einval`] for a name that is not known, and for a number; [`Error::SystemLimit`],
/// [`Error::Enotsup`] as [`getaddrs`].
pub async fn getservbyname(name: &str) -> Result<u16, Error> {
    let name = name.to_owned();
    off_thread(move || names::port_of(&name)).await
}

/// The name of the service at a TCP port (`inet:getservbyport/2`, 1.20), looked up as by
/// [`getservbyname`].
///
/// # Errors
/// As [`getservbyname`].
pub async fn getservbyport(port: u16) -> Result<String, Error> {
    off_thread(move || names::service_at(port)).await
}

/// The network interfaces of this machine (`inet:getifaddrs/0`, 1.20).
///
/// # Errors
/// What the system says: `emfile`, `enomem`; [`Error::SystemLimit`], [`Error::Enotsup`] as
/// [`getaddrs`].
pub async fn getifaddrs() -> Result<Vec<Interface>, Error> {
    off_thread(interfaces::lookup).await
}

/// Address, broadcast address and netmask of each IPv4 address of an interface that is up
/// (`inet:getif/0`, 1.20); without a broadcast address 0.0.0.0 stands for it.
///
/// # Errors
/// As [`getifaddrs()`].
pub async fn getif() -> Result<Vec<Ifv4>, Error> {
    Ok(interfaces::ipv4(&getifaddrs().await?))
}

/// Runs a look-up on the blocking pool.
pub(crate) async fn off_thread<T: Send + 'static>(
    lookup: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if runtime::port::is_simulated() {
        return Err(Error::Enotsup);
    }
    let answer = runtime::blocking(lookup).await;
    answer.unwrap_or(Err(Error::SystemLimit))
}
