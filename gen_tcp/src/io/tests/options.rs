//! The kernel's options: set, read back, handed down.

use super::*;

#[test]
fn what_is_set_is_read() {
    for (family, address) in [(inet(), LOOPBACK), (inet6(), LOOPBACK)] {
        let listener = listen([family, ip(address)]);
        let (client, _server) = pair(&listener, []);
        for opt in [
            nodelay(true),
            nopush(true),
            keepalive(true),
            keepidle(100),
            keepintvl(7),
            keepcnt(3),
            user_timeout(1234),
            linger(false, 0),
            linger(true, 5),
            reuseaddr(true),
            reuseport(true),
            reuseport_lb(true),
            tos(16),
            ttl(7),
            recvtos(true),
            recvttl(true),
            priority(3),
            dontroute(true),
            raw(libc::SOL_SOCKET, libc::SO_KEEPALIVE, 0i32.to_ne_bytes()),
        ] {
            assert_eq!(set(&client, &opt), Ok(()), "{opt:?}");
            assert_eq!(get(&client, opt.name()), Some(opt));
        }
        assert_eq!(get(&client, Name::Keepalive), Some(keepalive(false)));
        assert_eq!(set(&client, &recbuf(10_000)), Ok(()));
        assert_eq!(get(&client, Name::Recbuf), Some(recbuf(20_000)));
        // Silence where Erlang is silent, a report where it reports.
        assert_eq!(set(&client, &sndbuf(-1)), Ok(()));
        assert_eq!(set(&client, &ttl(256)), Err(Error::Einval));
        assert_eq!(set(&client, &keepcnt(1000)), Err(Error::Einval));
        assert_eq!(
            set(&client, &buffer(5)),
            Ok(()),
            "not the kernel's, and not reported"
        );
        assert_eq!(get(&client, Name::Buffer), None);
        assert_eq!(get(&client, Name::Exclusiveaddruse), None);
    }
}

#[test]
fn tos_and_priority_are_independent() {
    let listener = listen([ip(LOOPBACK), priority(3), tos(16)]);
    let both = |sock: &Sock| {
        (
            get(sock, Name::Tos).unwrap(),
            get(sock, Name::Priority).unwrap(),
        )
    };
    assert_eq!(both(&listener), (tos(16), priority(3)));
    let (client, _server) = pair(&listener, [tos(8), priority(5)]);
    assert_eq!(both(&client), (tos(8), priority(5)));
    set(&client, &tos(300)).unwrap();
    assert_eq!(both(&client), (tos(44), priority(5)));
    set(
        &client,
        &raw(libc::IPPROTO_IP, libc::IP_TOS, 16i32.to_ne_bytes()),
    )
    .unwrap();
    assert_eq!(both(&client), (tos(16), priority(5)));
}

#[test]
fn options_of_one_family_are_left_out_in_the_other() {
    let inet = listen([ip(LOOPBACK)]);
    let inet6 = listen([
        inet6(),
        ip(LOOPBACK),
        ipv6_v6only(true),
        tclass(4),
        recvtclass(true),
    ]);
    let local = listen([ip(Address::local(local_name("families")))]);
    for name in [Name::Tclass, Name::Recvtclass, Name::Ipv6V6only] {
        assert_eq!(get(&inet, name), None);
        assert_eq!(get(&local, name), None);
    }
    assert_eq!(get(&inet6, Name::Tclass), Some(tclass(4)));
    assert_eq!(get(&inet6, Name::Recvtclass), Some(recvtclass(true)));
    assert_eq!(get(&inet6, Name::Ipv6V6only), Some(ipv6_v6only(true)));
    assert_eq!(set(&inet6, &ipv6_v6only(false)), Err(Error::Einval));
    for opt in [tos(1), ttl(1), tclass(1), recvtos(true)] {
        assert_eq!(set(&local, &opt), Err(Error::Einval));
        assert_eq!(get(&local, opt.name()), None);
    }
    for opt in [priority(2), keepalive(true)] {
        assert_eq!(set(&local, &opt), Ok(()));
        assert_eq!(get(&local, opt.name()), Some(opt));
    }
    assert_eq!(set(&local, &nodelay(true)), Ok(()));
    assert_eq!(get(&local, Name::Nodelay), None);
}

#[test]
fn raw_options_go_straight_to_the_kernel() {
    let listener = listen([ip(LOOPBACK)]);
    let ask = |level, option, size| {
        get(
            &listener,
            Name::Raw {
                level,
                option,
                size,
            },
        )
    };
    assert_eq!(ask(6, 1, 4), Some(raw(6, 1, [0; 4])));
    assert_eq!(ask(6, 1, 0), Some(raw(6, 1, [])));
    assert_eq!(ask(6, 1, 65536), Some(raw(6, 1, [0; 4])));
    assert_eq!(ask(255, 255, 4), None);
    assert_eq!(ask(6, 1, -1), None);
    assert_eq!(ask(6, 1, i64::MAX), None);
    assert_eq!(set(&listener, &raw(255, 255, [1])), Ok(()));
    assert_eq!(set(&listener, &raw(6, 1, [])), Ok(()));
    // What would reach beyond its own bytes.
    assert_eq!(ask(libc::SOL_SOCKET, 26, 64), None);
    let refused = Real.set_option(&listener, &raw(libc::IPPROTO_IP, 64, [0; 96]));
    assert_eq!(reason(refused), Error::Enoprotoopt);
}

#[test]
fn a_device_is_a_name_of_fifteen_bytes() {
    let listener = listen([ip(LOOPBACK)]);
    assert_eq!(get(&listener, Name::BindToDevice), Some(bind_to_device("")));
    assert_eq!(set(&listener, &bind_to_device("")), Ok(()));
    for name in [
        "nosuch",
        "123456789012345",
        "1234567890123456",
        "lo\0x4567890123456",
    ] {
        assert_eq!(set(&listener, &bind_to_device(name)), Err(Error::Einval));
    }
    assert_eq!(get(&listener, Name::BindToDevice), Some(bind_to_device("")));
}

#[test]
fn received_control_values_are_read() {
    let listener = listen([ip(LOOPBACK), recvtos(true), recvttl(true)]);
    let (client, server) = pair(&listener, [tos(16)]);
    Real.write(&client, &[IoSlice::new(b"x")]).unwrap();
    read(&server);
    let Some(Opt::Pktoptions(values)) = get(&server, Name::Pktoptions) else {
        panic!("the option is known");
    };
    assert!(values.contains(&tos(16)), "{values:?}");
    assert!(
        values.iter().any(|value| matches!(value, Opt::Ttl(_))),
        "{values:?}"
    );
    let local = listen_local("control");
    assert_eq!(get(&local, Name::Pktoptions), None);
}

/// All but the priority; `inherited` says so, and a driver may rely on it.
#[test]
#[cfg(target_os = "linux")]
fn the_kernel_hands_down_what_was_set_before_the_connection_came() {
    let options = [
        nodelay(true),
        keepalive(true),
        priority(3),
        linger(true, 7),
        keepidle(99),
    ];
    let more = [keepintvl(9), keepcnt(2), user_timeout(77)];
    let common: Vec<Opt> = options.into_iter().chain(more).collect();
    let inet4 = [tos(16), ttl(9), recvtos(true), recvttl(true), ip(LOOPBACK)];
    let inet6 = [inet6(), tclass(16), recvtclass(true), ip(LOOPBACK)];
    for (family, own) in [(Family::Inet, &inet4[..]), (Family::Inet6, &inet6[..])] {
        let listener = listen(common.iter().chain(own).cloned());
        let (_client, server) = pair(&listener, []);
        for &name in inherited(family) {
            if name != Name::Priority {
                assert_eq!(get(&server, name), get(&listener, name), "{name:?}");
            }
        }
    }
}
