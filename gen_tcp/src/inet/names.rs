//! What the system calls ports and addresses: services, and hosts by their addresses (1.18, 1.20).
//!
//! What: the three look-ups that the standard library has not, by the resolver of the C library,
//! which asks wherever the system is set up to look, not in its files alone. Called by the face,
//! off the scheduler's threads. Invariant: TCP only; only functions that threads may call side by
//! side; a number is no name, neither asked nor answered.

use core::ffi::{CStr, c_int};
use core::mem;
use core::ptr;
use std::ffi::CString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::SockAddr;

use crate::error::Error;

/// The longest names that the system gives, with the zero behind them.
const HOST_MAX: usize = 1025;
const SERVICE_MAX: usize = 32;

/// The port of a service, by its name or an alias. Blocks.
///
/// # Errors
/// [`Error::Einval`] where there is none; `enomem` and its like.
pub(crate) fn port_of(service: &str) -> Result<u16, Error> {
    if is_number(service) {
        return Err(Error::Einval);
    }
    let service = CString::new(service).map_err(|_| Error::Einval)?;
    // SAFETY: zeros are a value of this type, and hints are made that way.
    let mut hints: libc::addrinfo = unsafe { mem::zeroed() };
    hints.ai_family = libc::AF_INET;
    hints.ai_socktype = libc::SOCK_STREAM;
    hints.ai_protocol = libc::IPPROTO_TCP;
    let mut list: *mut libc::addrinfo = ptr::null_mut();
    // SAFETY: both texts end with a zero or are null, which stands for no host; all four places
    // live as long as the call.
    let failure = unsafe { libc::getaddrinfo(ptr::null(), service.as_ptr(), &hints, &mut list) };
    if failure != 0 {
        return Err(reason(failure, Error::Einval));
    }
    // SAFETY: after success it is an entry, or null; nobody else has it.
    let first = unsafe { list.as_ref() };
    let first = first.filter(|entry| entry.ai_family == libc::AF_INET && !entry.ai_addr.is_null());
    let port = first.map(|entry| {
        // SAFETY: an entry of this family has an address of this type.
        let address = unsafe { entry.ai_addr.cast::<libc::sockaddr_in>().read_unaligned() };
        u16::from_be(address.sin_port)
    });
    // SAFETY: the list came from `getaddrinfo`, and nothing refers to it any more.
    unsafe { libc::freeaddrinfo(list) };
    port.ok_or(Error::Einval)
}

/// The name of the service at a port. Blocks.
///
/// # Errors
/// As [`port_of`].
pub(crate) fn service_at(port: u16) -> Result<String, Error> {
    let address = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
    let (_, service) = names(address, libc::NI_NUMERICHOST, Error::Einval)?;
    match is_number(&service) {
        true => Err(Error::Einval),
        false => Ok(service),
    }
}

/// The name of the host with this address. Blocks.
///
/// # Errors
/// [`Error::Nxdomain`] where nobody knows one; `enomem` and its like.
pub(crate) fn host_at(ip: IpAddr) -> Result<String, Error> {
    let flags = libc::NI_NAMEREQD | libc::NI_NUMERICSERV;
    let (host, _) = names(SocketAddr::new(ip, 0), flags, Error::Nxdomain)?;
    Ok(host)
}

/// What the system calls an address: its host and its port.
fn names(address: SocketAddr, flags: c_int, unknown: Error) -> Result<(String, String), Error> {
    let address = SockAddr::from(address);
    let mut host = [0u8; HOST_MAX];
    let mut service = [0u8; SERVICE_MAX];
    // SAFETY: the address is as long as it says; the two places have the lengths that are passed;
    // all live as long as the call.
    let failure = unsafe {
        libc::getnameinfo(
            address.as_ptr().cast(),
            address.len(),
            host.as_mut_ptr().cast(),
            HOST_MAX as _,
            service.as_mut_ptr().cast(),
            SERVICE_MAX as _,
            flags,
        )
    };
    if failure != 0 {
        return Err(reason(failure, unknown));
    }
    Ok((text(&host)?, text(&service)?))
}

/// The text before the zero.
fn text(bytes: &[u8]) -> Result<String, Error> {
    let text = CStr::from_bytes_until_nul(bytes).map_err(|_| Error::Einval)?;
    Ok(text.to_string_lossy().into_owned())
}

/// The C library takes a number, also with a sign or blanks in front, for a service of that port.
fn is_number(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || "\x0b+-".contains(c));
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The reason for a failure of the resolver, `unknown` for all that say so.
fn reason(failure: c_int, unknown: Error) -> Error {
    match failure {
        libc::EAI_MEMORY => Error::Enomem,
        libc::EAI_SYSTEM => io::Error::last_os_error().into(),
        _ => unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1.20: what every system with a table of services has.
    #[test]
    fn services_are_found_by_name_alias_and_port() {
        if let Ok(text) = std::fs::read_to_string("/etc/services")
            && text.lines().any(|line| line.starts_with("http\t"))
        {
            assert_eq!(port_of("http"), Ok(80));
            assert_eq!(port_of("domain"), Ok(53));
            assert_eq!(service_at(80).as_deref(), Ok("http"));
            assert_eq!(service_at(53).as_deref(), Ok("domain"));
        }
        for (port, name) in [(80, "http"), (53, "domain"), (25, "smtp")] {
            // With a table or without: both ways say the same.
            let there = port_of(name);
            assert_eq!(there.is_ok(), service_at(port).is_ok(), "{name}");
            assert!(
                there == Ok(port) || there == Err(Error::Einval),
                "{name}: {there:?}"
            );
        }
    }

    /// 1.20: what is no service is `einval`, and a number is none.
    #[test]
    fn what_is_no_service_is_einval() {
        let long = "x".repeat(100_000);
        for name in [
            "",
            "80",
            " 80",
            "+80",
            "-1",
            "\t\x0b80",
            "no such service",
            "a\0b",
            &long,
        ] {
            assert_eq!(port_of(name), Err(Error::Einval), "{:?}", name.get(..20));
        }
        for port in [0, 65_535] {
            assert_eq!(service_at(port), Err(Error::Einval), "{port}");
        }
    }

    /// 1.18
    #[test]
    fn this_machine_has_a_name() {
        if let Ok(text) = std::fs::read_to_string("/etc/hosts")
            && text
                .lines()
                .any(|line| line.split_ascii_whitespace().eq(["127.0.0.1", "localhost"]))
        {
            assert_eq!(
                host_at(Ipv4Addr::LOCALHOST.into()).as_deref(),
                Ok("localhost")
            );
        }
    }

    #[test]
    fn a_failure_has_a_reason() {
        for (failure, expected) in [
            (libc::EAI_NONAME, Error::Nxdomain),
            (libc::EAI_SERVICE, Error::Nxdomain),
            (libc::EAI_AGAIN, Error::Nxdomain),
            (libc::EAI_FAIL, Error::Nxdomain),
            (libc::EAI_MEMORY, Error::Enomem),
        ] {
            assert_eq!(reason(failure, Error::Nxdomain), expected);
        }
    }
}
