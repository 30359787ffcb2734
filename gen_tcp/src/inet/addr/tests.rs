//! Tests of parsing and printing addresses: the vectors of 1.19.

use super::*;

fn v4(text: &str) -> Result<IpAddr, Error> {
    Ok(text.parse::<Ipv4Addr>().unwrap().into())
}

fn v6(groups: [u16; 8]) -> Result<IpAddr, Error> {
    Ok(Ipv6Addr::from(groups).into())
}

const EINVAL: Result<IpAddr, Error> = Err(Error::Einval);

#[test]
fn the_vectors_of_the_contract() {
    for (text, address, strict) in [
        ("127.0.0.1", v4("127.0.0.1"), v4("127.0.0.1")),
        ("127.1", v4("127.0.0.1"), EINVAL),
        ("1.2.3", v4("1.2.0.3"), EINVAL),
        ("1", v4("0.0.0.1"), EINVAL),
        ("4294967295", v4("255.255.255.255"), EINVAL),
        ("4294967296", EINVAL, EINVAL),
        ("256.1.1.1", EINVAL, EINVAL),
        ("0x7f.1", v4("127.0.0.1"), EINVAL),
        ("01.02.03.04", v4("1.2.3.4"), EINVAL),
        ("08.1.1.1", EINVAL, EINVAL),
        ("1.2.3.4 ", EINVAL, EINVAL),
        ("", EINVAL, EINVAL),
        ("a", EINVAL, EINVAL),
        (
            "::1",
            v6([0, 0, 0, 0, 0, 0, 0, 1]),
            v6([0, 0, 0, 0, 0, 0, 0, 1]),
        ),
        (
            "1:2:3:4:5:6:7:8",
            v6([1, 2, 3, 4, 5, 6, 7, 8]),
            v6([1, 2, 3, 4, 5, 6, 7, 8]),
        ),
        (
            "::ffff:1.2.3.4",
            v6([0, 0, 0, 0, 0, 0xFFFF, 0x102, 0x304]),
            v6([0, 0, 0, 0, 0, 0xFFFF, 0x102, 0x304]),
        ),
        (
            "1:2:3:4:5:6:1.2.3.4",
            v6([1, 2, 3, 4, 5, 6, 0x102, 0x304]),
            v6([1, 2, 3, 4, 5, 6, 0x102, 0x304]),
        ),
        ("1::2::3", EINVAL, EINVAL),
        ("[::1]", EINVAL, EINVAL),
        ("::1%lo", EINVAL, EINVAL),
        (
            "fe80::1%lo",
            v6([0xFE80, 0, 0, 0, 0, 0, 0, 1]),
            v6([0xFE80, 0, 0, 0, 0, 0, 0, 1]),
        ),
    ] {
        assert_eq!(parse_address(text), address, "{text:?}");
        assert_eq!(parse_strict_address(text), strict, "{text:?}");
    }
}

#[test]
fn notations_of_old() {
    for (text, address) in [
        ("00000000000000000001", Some("0.0.0.1")),
        ("037777777777", Some("255.255.255.255")),
        ("040000000000", None),
        ("0xffffffff", Some("255.255.255.255")),
        ("0X0000000001", Some("0.0.0.1")),
        ("0x100000000", None),
        ("0x0", None),
        ("0", Some("0.0.0.0")),
        ("1.16777215", Some("1.255.255.255")),
        ("1.16777216", None),
        ("1.2.65535", Some("1.2.255.255")),
        ("1.2.65536", None),
        ("1.2.3.256", None),
        ("1.2.3.4.5", None),
        ("1.2.3.4.", None),
        (".1", None),
        ("1..2", None),
        ("+1.2.3.4", None),
        ("-0.0.0.0", None),
        ("1.2.3.\u{661}", None),
    ] {
        let expected = address
            .map(|address| address.parse().unwrap())
            .ok_or(Error::Einval);
        assert_eq!(parse_ipv4_address(text), expected, "{text:?}");
    }
}

#[test]
fn the_two_forms_for_ipv6() {
    let mapped = Ipv4Addr::new(127, 0, 0, 1).to_ipv6_mapped();
    assert_eq!(parse_ipv6_address("127.1"), Ok(mapped));
    assert_eq!(parse_ipv6strict_address("127.0.0.1"), Err(Error::Einval));
    assert_eq!(parse_ipv6_address("::1"), Ok(Ipv6Addr::LOCALHOST));
    assert_eq!(parse_ipv6strict_address("::1"), Ok(Ipv6Addr::LOCALHOST));
}

#[test]
fn zones_of_link_local_addresses() {
    for (text, groups) in [
        ("fe80::1%03", Some([0xFE80, 3, 0, 0, 0, 0, 0, 1])),
        ("fe80::%05", Some([0xFE80, 5, 0, 0, 0, 0, 0, 0])),
        ("ff02::1%09", Some([0xFF02, 9, 0, 0, 0, 0, 0, 1])),
        ("fe80::1%", Some([0xFE80, 0, 0, 0, 0, 0, 0, 1])),
        ("fe80::1%000065535", Some([0xFE80, 65535, 0, 0, 0, 0, 0, 1])),
        ("fe80::1%065536", None),
        ("fe80::1%0x", None),
        ("fe80:1::2%03", None),
        ("ff02::1.2.3.4%0", None),
        ("fe81::1%lo", None),
    ] {
        let expected = groups.map(Ipv6Addr::from).ok_or(Error::Einval);
        assert_eq!(parse_ipv6strict_address(text), expected, "{text:?}");
    }
    let SocketName::Inet(SocketAddr::V6(name)) =
        SocketName::inet(parse_address("fe80::1%03").unwrap(), 9)
    else {
        panic!("an IPv6 name");
    };
    assert_eq!((name.scope_id(), name.port()), (3, 9));
    assert_eq!(name.ip().segments(), [0xFE80, 0, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn addresses_as_text() {
    for (groups, text) in [
        ([0, 0, 0, 0, 0, 0, 0, 0], "::"),
        ([0, 0, 0, 0, 0, 0, 0, 1], "::1"),
        ([0, 0, 0, 0, 0, 0, 0, 5], "::0.0.0.5"),
        ([0, 0, 0, 0, 0, 0, 1, 0], "::0.1.0.0"),
        ([0, 0, 0, 0, 0, 0xFFFF, 0, 1], "::ffff:0.0.0.1"),
        ([0, 0, 0, 0, 1, 0xFFFF, 0x102, 0x304], "::1:ffff:102:304"),
        ([0xFE80, 3, 0, 0, 0, 0, 0, 1], "fe80::1%03"),
        ([1, 0, 0, 2, 0, 0, 0, 3], "1:0:0:2::3"),
        ([1, 0, 0, 2, 3, 0, 0, 4], "1::2:3:0:0:4"),
        ([1, 0, 2, 3, 4, 5, 6, 7], "1:0:2:3:4:5:6:7"),
        ([0, 1, 0, 1, 0, 1, 0, 1], "0:1:0:1:0:1:0:1"),
        ([1, 2, 3, 4, 5, 6, 0, 0], "1:2:3:4:5:6::"),
        ([0, 0, 1, 2, 3, 4, 5, 0xABCD], "::1:2:3:4:5:abcd"),
    ] {
        let ip: IpAddr = Ipv6Addr::from(groups).into();
        assert_eq!(ntoa(ip), text);
        assert_eq!(parse_strict_address(text), Ok(ip));
    }
    assert_eq!(ntoa([1, 2, 3, 4].into()), "1.2.3.4");
}

#[test]
fn what_is_printed_is_read() {
    let mut state = 1u64;
    for _ in 0..2000 {
        let groups: [u16; 8] = core::array::from_fn(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // Zeros, small and large groups, and the two first groups that have zones.
            match state >> 61 {
                0..4 => 0,
                4 => 0xFE80,
                5 => 0xFF02,
                _ => (state >> 40) as u16,
            }
        });
        let ip: IpAddr = Ipv6Addr::from(groups).into();
        assert_eq!(parse_strict_address(&ntoa(ip)), Ok(ip), "{}", ntoa(ip));
    }
}

#[test]
fn mapping_goes_both_ways() {
    let mapped = ipv4_mapped_ipv6_address([1, 2, 3, 4].into());
    assert_eq!(Ok(mapped), v6([0, 0, 0, 0, 0, 0xFFFF, 0x102, 0x304]));
    assert_eq!(Ok(ipv4_mapped_ipv6_address(mapped)), v4("1.2.3.4"));
    let other = Ipv6Addr::from([9, 9, 9, 9, 9, 9, 0x506, 0x708]);
    assert_eq!(Ok(ipv4_mapped_ipv6_address(other.into())), v4("5.6.7.8"));
}

#[test]
fn numbers_that_are_an_address() {
    assert!(is_ipv4_address(&[127, 0, 0, 1]) && is_ip_address(&[127, 0, 0, 1]));
    assert!(is_ipv6_address(&[0, 0, 0, 0, 0, 0, 0, 65535]));
    for numbers in [&[300, 0, 0, 1][..], &[127, 0, 0], &[-1, 0, 0, 1], &[]] {
        assert!(!is_ip_address(numbers));
    }
    assert!(!is_ipv6_address(&[0, 0, 0, 0, 0, 0, 0, 70000]));
}
