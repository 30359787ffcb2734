//! Names of services and their ports (1.20), from the system's table.
//!
//! What: the search in the text of `/etc/services`, and the two look-ups that read it. Called by
//! the face, off the scheduler's threads. Invariant: TCP only, the first line that fits counts,
//! names are told apart by case, and no text panics. Not here: other sources that a system may be
//! set up for.

use crate::error::Error;

/// The system's table.
const TABLE: &str = "/etc/services";

/// The port of a service, by its name or an alias. Blocks.
pub(crate) fn lookup_name(name: &str) -> Result<u16, Error> {
    port_of(&table()?, name).ok_or(Error::Einval)
}

/// The name of the service at a port. Blocks.
pub(crate) fn lookup_port(port: u16) -> Result<String, Error> {
    let text = table()?;
    name_of(&text, port).map(str::to_owned).ok_or(Error::Einval)
}

/// Without a table there are no services.
fn table() -> Result<String, Error> {
    let bytes = std::fs::read(TABLE).map_err(|_| Error::Einval)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn port_of(text: &str, name: &str) -> Option<u16> {
    let named = |service: &Service<'_>| service.names().any(|other| other == name);
    services(text).find(named).map(|service| service.port)
}

fn name_of(text: &str, port: u16) -> Option<&str> {
    let found = services(text).find(|service| service.port == port)?;
    Some(found.name)
}

/// One line of the table that is about TCP.
struct Service<'a> {
    name: &'a str,
    port: u16,
    aliases: &'a str,
}

impl<'a> Service<'a> {
    fn names(&self) -> impl Iterator<Item = &'a str> {
        std::iter::once(self.name).chain(self.aliases.split_ascii_whitespace())
    }
}

/// `name port/protocol alias …  # comment`
fn services(text: &str) -> impl Iterator<Item = Service<'_>> {
    text.lines().filter_map(|line| {
        let line = line.split('#').next().unwrap_or_default().trim_start();
        let (name, rest) = line.split_once(|c: char| c.is_ascii_whitespace())?;
        let rest = rest.trim_start();
        let end = rest.find(|c: char| c.is_ascii_whitespace());
        let (place, aliases) = rest.split_at(end.unwrap_or(rest.len()));
        let port = place.strip_suffix("/tcp")?.parse().ok()?;
        Some(Service {
            name,
            port,
            aliases,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# comment\n\
        echo\t\t7/udp\n\
        ftp 21/tcp\n\
        domain 53/tcp # nameserver\n\
        http\t80/tcp\t\twww www-http\t# WorldWideWeb\n\
        https 443/tcp#secure\n\
        second 80/tcp\n\
        bad x/tcp\nlarge 65536/tcp\nlone\n\
        \x20 indented 99/tcp alias\r\n";

    /// 1.20
    #[test]
    fn a_service_is_found_by_name_and_alias() {
        for (name, port) in [
            ("ftp", Some(21)),
            ("http", Some(80)),
            ("www-http", Some(80)),
            ("https", Some(443)),
            ("indented", Some(99)),
            ("alias", Some(99)),
            ("second", Some(80)),
            ("echo", None),
            ("HTTP", None),
            ("nameserver", None),
            ("80", None),
            ("bad", None),
            ("large", None),
            ("lone", None),
            ("", None),
        ] {
            assert_eq!(port_of(TEXT, name), port, "{name}");
        }
    }

    /// 1.20
    #[test]
    fn a_port_has_the_name_of_its_first_line() {
        for (port, name) in [
            (80, Some("http")),
            (53, Some("domain")),
            (99, Some("indented")),
            (7, None),
            (0, None),
            (65535, None),
        ] {
            assert_eq!(name_of(TEXT, port), name, "{port}");
        }
    }
}
