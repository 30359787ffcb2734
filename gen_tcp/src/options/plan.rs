//! What the options say about a new socket (CON-3 to CON-18, LIS-2 to LIS-10, 1.10).
//!
//! What: a [`Plan`] is a checked list of options taken apart: what `io` needs to make the socket,
//! the settings that it starts with, and `active`, which comes last of all (OPT-3).
//! Who calls it: the driver, for listen, connect and fdopen; `io` reads it.
//! Invariant: of an option given twice the last one counts (OPT-2), of families the first; raw
//! options all count. The order of application is from the last to the first, as Erlang's is:
//! it shows where options touch each other (the watermarks, a raw option and the named one).
//! Not here: resolving names, and the kernel's refusals.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::check::{Use, check};
use super::{Active, Address, Family, FdNumber, Name, Opt, Protocol, Settings};
use crate::error::Error;
use crate::inet::addr::SocketName;

/// Default length of the accept queue (LIS-6).
const BACKLOG_DEFAULT: i64 = 5;

/// A new socket, before it exists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    pub(crate) family: Family,
    pub(crate) protocol: Protocol,
    /// `None`: not bound.
    pub(crate) bind: Option<SocketName>,
    /// An adopted descriptor in place of a new one.
    pub(crate) fd: Option<FdNumber>,
    pub(crate) netns: Option<PathBuf>,
    /// As it is handed to the kernel: 0 to 65535.
    pub(crate) backlog: i32,
    /// The kernel's options, in the order of application.
    pub(crate) kernel: Vec<Opt>,
    pub(crate) settings: Settings,
    /// For `next_active`, from passive, when all else is done.
    pub(crate) active: Active,
}

impl Plan {
    /// For `listen(Port, Options)`.
    ///
    /// # Errors
    ///
    /// [`Error::BadOption`] and [`Error::BadArg`] for what Erlang raises (LIS-3, LIS-5),
    /// [`Error::Einval`] for what it returns: a local listener without a path (LIS-11), a message
    /// queue watermark of 0.
    pub(crate) fn listen(port: i64, options: impl IntoIterator<Item = Opt>) -> Result<Self, Error> {
        let draft = Draft::read(check(options, Use::Listen)?, port);
        let family = draft.family.or(draft.bind_family()).unwrap_or(Family::Inet);
        // Without a path there is nothing to listen on; the kernel would invent one.
        let nowhere = family == Family::Local && draft.fd.is_none() && draft.address.is_none();
        if nowhere {
            return Err(if draft.port == 0 {
                Error::Einval
            } else {
                Error::BadArg
            });
        }
        let bind = draft.bind(family, draft.fd.is_none())?;
        draft.finish(family, bind)
    }

    /// For `connect(Destination, Port, Options)`. The destination is given by its family:
    /// `None` for a name, and for `any` and `loopback`.
    ///
    /// # Errors
    ///
    /// [`Error::BadOption`] and [`Error::BadArg`] for what Erlang raises (CON-13, CON-14, CON-16),
    /// [`Error::Eafnosupport`] for a destination of another family than the chosen one (CON-4).
    pub(crate) fn connect(
        destination: Option<Family>,
        port: i64,
        options: impl IntoIterator<Item = Opt>,
    ) -> Result<Self, Error> {
        let draft = Draft::read(check(options, Use::Connect)?, 0);
        let family = draft
            .family
            .or(draft.bind_family())
            .or(destination)
            .unwrap_or(Family::Inet);
        let local = (family == Family::Local, destination == Some(Family::Local));
        if u16::try_from(port).is_err() || local.0 != local.1 || (local.0 && port != 0) {
            return Err(Error::BadArg);
        }
        if destination.is_some_and(|destination| destination != family) {
            return Err(Error::Eafnosupport);
        }
        let wanted = draft.fd.is_none() && draft.port != 0;
        let bind = draft.bind(family, wanted).map_err(Error::in_connect)?;
        draft.finish(family, bind).map_err(Error::in_connect)
    }

    /// For `fdopen(Fd, Options)` (1.10): as connect, with [`Opt::Fd`] in the list.
    ///
    /// # Errors
    ///
    /// As connect, and [`Error::BadArg`] without a descriptor.
    pub(crate) fn fdopen(options: impl IntoIterator<Item = Opt>) -> Result<Self, Error> {
        let draft = Draft::read(check(options, Use::Connect)?, 0);
        if draft.fd.is_none() {
            return Err(Error::BadArg);
        }
        let family = draft.family.or(draft.bind_family()).unwrap_or(Family::Inet);
        let bind = draft.bind(family, false).map_err(Error::in_connect)?;
        draft.finish(family, bind).map_err(Error::in_connect)
    }
}

/// A list of options taken apart, before the family is known.
struct Draft {
    family: Option<Family>,
    protocol: Protocol,
    address: Option<Address>,
    port: i64,
    fd: Option<FdNumber>,
    netns: Option<PathBuf>,
    backlog: i64,
    active: Active,
    /// What is to be set, in the order of the list.
    rest: Vec<Opt>,
}

impl Draft {
    fn read(options: Vec<Opt>, port: i64) -> Self {
        let mut draft = Self {
            family: None,
            protocol: Protocol::Tcp,
            address: None,
            port,
            fd: None,
            netns: None,
            backlog: BACKLOG_DEFAULT,
            active: Active::True,
            rest: Vec::new(),
        };
        for opt in options {
            match opt {
                Opt::Family(family) | Opt::TcpModule(family) => {
                    draft.family.get_or_insert(family);
                }
                Opt::Protocol(protocol) => draft.protocol = protocol,
                Opt::Ip(address) => {
                    if let Address::Socket(address) = &address {
                        draft.port = address.port().into();
                    }
                    draft.address = Some(address);
                }
                Opt::Port(port) => draft.port = port,
                // A name space and a descriptor exclude each other: the later one counts.
                Opt::Fd(fd) => {
                    draft.fd = (fd.get() >= 0).then_some(fd);
                    draft.netns = None;
                }
                Opt::Netns(path) => {
                    draft.netns = Some(path);
                    draft.fd = None;
                }
                Opt::Backlog(backlog) => draft.backlog = backlog,
                Opt::Active(active) => draft.active = active,
                Opt::InetBackend(_) => {}
                opt => draft.rest.push(opt),
            }
        }
        draft
    }

    fn bind_family(&self) -> Option<Family> {
        self.address.as_ref().and_then(Address::family)
    }

    /// Where to bind. `wanted`: on all addresses of the family, if the options name none.
    fn bind(&self, family: Family, wanted: bool) -> Result<Option<SocketName>, Error> {
        let port = u16::try_from(self.port).map_err(|_| Error::BadArg)?;
        let address = match &self.address {
            Some(address) => address,
            None if wanted => &Address::Any,
            None if port == 0 => return Ok(None),
            // An adopted descriptor is not bound to a port alone.
            None => return Err(Error::BadArg),
        };
        let (any, loopback) = match family {
            Family::Inet => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into()),
            Family::Inet6 => (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::LOCALHOST.into()),
            Family::Local if port != 0 => return Err(Error::BadArg),
            Family::Local => {
                return match address {
                    Address::Local(path) => Ok(Some(SocketName::Local(path.clone()))),
                    Address::Any | Address::Loopback => Err(Error::Einval),
                    _ => Err(Error::BadOption("ip")),
                };
            }
        };
        if address.family().is_some_and(|other| other != family) {
            return Err(Error::BadOption("ip"));
        }
        Ok(Some(match address {
            Address::Any => SocketName::inet(any, port),
            Address::Loopback => SocketName::inet(loopback, port),
            Address::V4(ip) => SocketName::inet((*ip).into(), port),
            Address::V6(ip) => SocketName::inet((*ip).into(), port),
            Address::Socket(address) => {
                let mut address: SocketAddr = *address;
                address.set_port(port);
                SocketName::Inet(address)
            }
            Address::Local(_) => return Err(Error::BadOption("ip")),
        }))
    }

    /// Sorts what is to be set into the driver's settings and the kernel's options.
    fn finish(self, family: Family, bind: Option<SocketName>) -> Result<Plan, Error> {
        let mut settings = Settings::default();
        let mut kernel = Vec::new();
        let mut seen: Vec<Name> = Vec::new();
        for opt in self.rest.into_iter().rev() {
            if !matches!(opt, Opt::Raw { .. }) {
                let name = opt.name();
                if seen.contains(&name) {
                    continue;
                }
                seen.push(name);
            }
            if !settings.set(&opt)? {
                kernel.push(opt);
            }
        }
        settings.netns = self.netns.as_deref().map(Into::into);
        Ok(Plan {
            family,
            protocol: self.protocol,
            bind,
            fd: self.fd,
            netns: self.netns,
            backlog: (self.backlog & 0xFFFF) as i32,
            kernel,
            settings,
            active: self.active,
        })
    }
}

#[cfg(test)]
mod tests;
