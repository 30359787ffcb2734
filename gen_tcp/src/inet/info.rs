//! What can be seen of sockets: one in full, and all of them in a table (1.15).
//!
//! What: `inet:info/1` and `inet:i/0`, as data that prints as a person wants to see it. Called in
//! processes. Invariant: what is told of one socket was true of it at one moment; of a socket that
//! closes meanwhile it is told that it is closed, and the table leaves it out.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;

use runtime::Pid;
use runtime::port::{port_info, ports};

use crate::api::look;
use crate::driver::Snapshot;
use crate::driver::stats::Stat;
use crate::inet::addr::{Family, SocketName, ntoa};
use crate::socket::Socket;

/// What `info` tells of a socket.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Info {
    /// Which.
    pub socket: Socket,
    /// Sorted, out of `accepting`, `busy`, `closed`, `connected`, `connecting`, `listen`, `open`;
    /// empty where the descriptor is gone.
    pub states: Vec<&'static str>,
    /// All else, but of a closed socket.
    pub details: Option<Details>,
}

/// What `info` tells of a socket that is not closed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Details {
    /// The statistics, in the order of [`Stat::ALL`] (1.14).
    pub counters: Vec<(Stat, u64)>,
    /// Octets received.
    pub input: u64,
    /// Octets sent.
    pub output: u64,
    /// Whom it is linked to, in the order of linking.
    pub links: Vec<Pid>,
    /// Octets that it holds: itself, input that nobody has taken, output that the kernel has not.
    pub memory: usize,
    /// Who watches it, one entry for each monitor.
    pub monitors: Vec<Pid>,
    /// Whose it is, dead or alive.
    pub owner: Pid,
}

/// Tells what is known of a socket (`inet:info/1`, 1.15). Of a closed one the states are `closed`,
/// and there is nothing else. One that is closed and still writes its queue in the background is as
/// it was, but for its links and monitors (1.17).
///
/// # Panics
/// Outside of a process.
#[must_use]
pub fn info(socket: Socket) -> Info {
    let Ok(seen) = look(socket, |port, cx| port.snapshot(cx)) else {
        return Info {
            socket,
            states: vec!["closed"],
            details: None,
        };
    };
    // Who was linked or watches has been told where the socket only writes its queue.
    let (links, monitors) = port_info(socket.port())
        .map(|port| (port.links, port.monitored_by))
        .unwrap_or_default();
    Info {
        socket,
        states: seen.states,
        details: Some(Details {
            input: counter(&seen.counters, Stat::RecvOct),
            output: counter(&seen.counters, Stat::SendOct),
            counters: seen.counters,
            links,
            memory: seen.memory,
            monitors,
            owner: seen.owner,
        }),
    }
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\n  states     {}",
            self.socket,
            self.states.join(", ")
        )?;
        let Some(details) = &self.details else {
            return Ok(());
        };
        write!(f, "\n  owner      {}", details.owner)?;
        write!(f, "\n  links      {:?}", details.links)?;
        write!(f, "\n  monitors   {:?}", details.monitors)?;
        write!(f, "\n  input      {}", details.input)?;
        write!(f, "\n  output     {}", details.output)?;
        write!(f, "\n  memory     {}", details.memory)?;
        let mut counters = details.counters.iter();
        counters.try_for_each(|(stat, n)| write!(f, "\n  {stat:10} {n}"))
    }
}

/// One socket in the table of all.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Which.
    pub socket: Socket,
    /// Whose it is, dead or alive.
    pub owner: Pid,
    /// Its family.
    pub family: Family,
    /// As in [`Info`].
    pub states: Vec<&'static str>,
    /// Octets received.
    pub received: u64,
    /// Octets sent.
    pub sent: u64,
    /// Octets in the output queue.
    pub queue: u64,
    /// The name of this end, where the descriptor is there.
    pub local: Option<SocketName>,
    /// The name of the other end, where there is one.
    pub foreign: Option<SocketName>,
}

/// The sockets of a runtime. Reads as a slice, prints as a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing(Vec<Entry>);

/// Lists the open sockets of this runtime (`inet:i/0`, 1.15). Print it to see a table.
///
/// # Panics
/// Outside of a process.
#[must_use]
pub fn i() -> Listing {
    let sockets = ports().into_iter().map(Socket::from_port);
    // A port of another driver answers as a closed socket does.
    let seen = sockets.filter_map(|socket| {
        let seen = look(socket, |port, cx| port.snapshot(cx)).ok()?;
        Some(Entry::new(socket, seen))
    });
    Listing(seen.collect())
}

impl Entry {
    fn new(socket: Socket, seen: Snapshot) -> Self {
        Entry {
            socket,
            owner: seen.owner,
            family: seen.family,
            states: seen.states,
            received: counter(&seen.counters, Stat::RecvOct),
            sent: counter(&seen.counters, Stat::SendOct),
            queue: counter(&seen.counters, Stat::SendPend),
            local: seen.local,
            foreign: seen.peer,
        }
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        let kind = match self.family {
            Family::Inet => "tcp",
            Family::Inet6 => "tcp6",
            Family::Local => "local",
        };
        let states = self.states.iter().filter(|state| **state != "open");
        let state = match states.copied().collect::<Vec<&str>>().join("+") {
            // The descriptor is gone, the port is not.
            none if none.is_empty() => "gone".into(),
            states => states,
        };
        let foreign = match self.states.contains(&"listen") {
            true => "*:*".into(),
            false => place(self.foreign.as_ref()),
        };
        [
            self.socket.to_string(),
            kind.into(),
            state,
            self.owner.to_string(),
            self.received.to_string(),
            self.sent.to_string(),
            self.queue.to_string(),
            place(self.local.as_ref()),
            foreign,
        ]
    }
}

impl Deref for Listing {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.0
    }
}

impl IntoIterator for Listing {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The head of the table, and whether the column is of numbers.
const COLUMNS: [(&str, bool); 9] = [
    ("Port", false),
    ("Type", false),
    ("State", false),
    ("Owner", false),
    ("Recv", true),
    ("Sent", true),
    ("Queue", true),
    ("Local", false),
    ("Foreign", false),
];

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = COLUMNS.map(|(title, _)| title.to_owned());
        let lines: Vec<_> = std::iter::once(head)
            .chain(self.iter().map(Entry::cells))
            .collect();
        let mut widths = [0; COLUMNS.len()];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        for (n, line) in lines.iter().enumerate() {
            let mut text = String::new();
            for ((cell, width), (_, number)) in line.iter().zip(widths).zip(COLUMNS) {
                text += &match number {
                    true => format!("{cell:>width$}  "),
                    false => format!("{cell:width$}  "),
                };
            }
            let end = if n == 0 { "" } else { "\n" };
            write!(f, "{end}{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// An address as one writes it; all addresses are `*`, an abstract name begins with `@`.
fn place(name: Option<&SocketName>) -> String {
    match name {
        None => "-".into(),
        Some(SocketName::Inet(address)) if address.ip().is_unspecified() => {
            format!("*:{}", address.port())
        }
        Some(SocketName::Inet(SocketAddr::V4(address))) => address.to_string(),
        Some(SocketName::Inet(address)) => format!("[{}]:{}", ntoa(address.ip()), address.port()),
        Some(SocketName::Local(path)) => match &path[..] {
            [] => "-".into(),
            [0, name @ ..] => format!("@{}", name.escape_ascii()),
            path => String::from_utf8_lossy(path).escape_debug().to_string(),
        },
    }
}

fn counter(counters: &[(Stat, u64)], stat: Stat) -> u64 {
    let found = counters.iter().find(|(other, _)| *other == stat);
    found.map_or(0, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1.15
    #[test]
    fn a_place_reads_as_one_writes_it() {
        let inet = |text: &str| SocketName::Inet(text.parse().unwrap());
        for (name, text) in [
            (None, "-"),
            (Some(inet("127.0.0.1:80")), "127.0.0.1:80"),
            (Some(inet("0.0.0.0:80")), "*:80"),
            (Some(inet("[::]:80")), "*:80"),
            (Some(inet("[::1]:80")), "[::1]:80"),
            (Some(SocketName::Local(Vec::new())), "-"),
            (Some(SocketName::Local(b"/run/x y".to_vec())), "/run/x y"),
            (Some(SocketName::Local(b"\0na\0me".to_vec())), "@na\\x00me"),
            (Some(SocketName::Local(b"a\nb".to_vec())), "a\\nb"),
        ] {
            assert_eq!(place(name.as_ref()), text);
        }
    }

    /// 1.15
    #[test]
    fn no_socket_is_a_table_with_a_head() {
        let text = Listing(Vec::new()).to_string();
        assert_eq!(
            text,
            "Port  Type  State  Owner  Recv  Sent  Queue  Local  Foreign"
        );
    }
}
