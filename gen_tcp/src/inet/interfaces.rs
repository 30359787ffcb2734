//! The network interfaces of this machine (1.20).
//!
//! What: [`Interface`], and the look-up behind `getifaddrs`. Called by the face, off the
//! scheduler's threads: the kernel is asked over a socket. Invariant: an interface is listed once,
//! with all its addresses, in the system's order. Not here: changing any of it.

use std::net::{IpAddr, Ipv4Addr};

use getifaddrs::{Address, InterfaceFlags};

use crate::error::Error;

/// A network interface.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Interface {
    /// Its name: `lo`, `eth0`.
    pub name: String,
    /// Out of `up`, `broadcast`, `loopback`, `pointtopoint`, `running`, `multicast`, in this order.
    pub flags: Vec<&'static str>,
    /// Its addresses.
    pub addrs: Vec<InterfaceAddr>,
    /// Its hardware address, where it has one that is not all zeros.
    pub hwaddr: Option<[u8; 6]>,
}

/// One address of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct InterfaceAddr {
    /// The address.
    pub addr: IpAddr,
    /// Its network.
    pub netmask: Option<IpAddr>,
    /// The address for all in that network, on an interface that can do so.
    pub broadaddr: Option<IpAddr>,
    /// The other end, on an interface that leads to one.
    pub dstaddr: Option<IpAddr>,
}

/// Address, broadcast address and netmask of an IPv4 address (`inet:getif/0`).
pub type Ifv4 = (Ipv4Addr, Ipv4Addr, Ipv4Addr);

/// All interfaces. Blocks.
pub(crate) fn lookup() -> Result<Vec<Interface>, Error> {
    let mut all: Vec<Interface> = Vec::new();
    for found in getifaddrs::getifaddrs()? {
        let at = all.iter().position(|known| known.name == found.name);
        let at = at.unwrap_or_else(|| {
            all.push(Interface {
                name: found.name,
                flags: words(found.flags),
                addrs: Vec::new(),
                hwaddr: None,
            });
            all.len() - 1
        });
        match found.address {
            Address::Mac(bytes) => all[at].hwaddr = Some(bytes),
            address => all[at].addrs.extend(described(&address, found.flags)),
        }
    }
    Ok(all)
}

/// What `getif` makes of the list: the IPv4 addresses of interfaces that are up.
pub(crate) fn ipv4(all: &[Interface]) -> Vec<Ifv4> {
    let v4 = |ip: Option<IpAddr>| match ip {
        Some(IpAddr::V4(ip)) => Some(ip),
        _ => None,
    };
    let up = all.iter().filter(|each| each.flags.contains(&"up"));
    up.flat_map(|each| &each.addrs)
        .filter_map(|each| {
            let broadaddr = v4(each.broadaddr).unwrap_or(Ipv4Addr::UNSPECIFIED);
            Some((v4(Some(each.addr))?, broadaddr, v4(each.netmask)?))
        })
        .collect()
}

fn words(flags: InterfaceFlags) -> Vec<&'static str> {
    let words = [
        (InterfaceFlags::UP, "up"),
        (InterfaceFlags::BROADCAST, "broadcast"),
        (InterfaceFlags::LOOPBACK, "loopback"),
        (InterfaceFlags::POINTTOPOINT, "pointtopoint"),
        (InterfaceFlags::RUNNING, "running"),
        (InterfaceFlags::MULTICAST, "multicast"),
    ];
    let set = words.into_iter().filter(|(flag, _)| flags.contains(*flag));
    set.map(|(_, word)| word).collect()
}

fn described(address: &Address, flags: InterfaceFlags) -> Option<InterfaceAddr> {
    // The system says both in one field.
    let other = |flag| {
        address
            .associated_address()
            .filter(|_| flags.contains(flag))
    };
    Some(InterfaceAddr {
        addr: address.ip_addr()?,
        netmask: address.netmask(),
        broadaddr: other(InterfaceFlags::BROADCAST),
        dstaddr: other(InterfaceFlags::POINTTOPOINT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1.20
    #[test]
    fn the_loopback_interface_is_listed_once() {
        let all = lookup().unwrap();
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let here = |each: &&Interface| each.addrs.iter().any(|each| each.addr == loopback);
        let found: Vec<&Interface> = all.iter().filter(here).collect();
        let [found] = found[..] else {
            panic!("{all:?}");
        };
        assert!(found.flags.contains(&"loopback") && found.flags.contains(&"up"));
        let names = all.iter().map(|each| &each.name);
        assert_eq!(
            names.collect::<std::collections::BTreeSet<_>>().len(),
            all.len()
        );
        let mask = Ipv4Addr::new(255, 0, 0, 0);
        assert!(ipv4(&all).contains(&(Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED, mask)));
    }

    /// 1.20
    #[test]
    fn the_one_field_is_read_by_the_flags() {
        let address = Address::V4(getifaddrs::NetworkAddress {
            address: Ipv4Addr::new(10, 0, 0, 1),
            netmask: Some(Ipv4Addr::new(255, 255, 255, 0)),
            associated_address: Some(Ipv4Addr::new(10, 0, 0, 255)),
        });
        let other = Some(IpAddr::from([10, 0, 0, 255]));
        for (flags, broadaddr, dstaddr) in [
            (InterfaceFlags::BROADCAST, other, None),
            (InterfaceFlags::POINTTOPOINT, None, other),
            (InterfaceFlags::LOOPBACK, None, None),
        ] {
            let found = described(&address, flags).unwrap();
            assert_eq!((found.broadaddr, found.dstaddr), (broadaddr, dstaddr));
        }
        assert_eq!(described(&Address::Mac([1; 6]), InterfaceFlags::UP), None);
        assert_eq!(
            words(InterfaceFlags::MULTICAST | InterfaceFlags::UP),
            ["up", "multicast"]
        );
    }
}
