//! The functions of `inet` about hosts, services, interfaces, and what is seen of sockets; the
//! default options of a runtime.

mod common;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use common::{HOST, LIMIT, elsewhere, eventually, listen, main, pair};
use gen_tcp::inet::{self, Hostent, SocketName, Stat};
use gen_tcp::{Active, Address, Error, Family, Host, Name, Opt, PacketType, Socket, opt::*};
use runtime::prelude::*;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// 1.18: the table of hosts.
#[test]
fn getaddr_knows_addresses_names_and_what_is_none() {
    main(async {
        for (host, inet, inet6) in [
            (Host::from(HOST), Ok(V4), Err(Error::Eafnosupport)),
            (Host::from(V6), Err(Error::Eafnosupport), Ok(V6)),
            (Host::from("127.1"), Ok(V4), Err(Error::Nxdomain)),
            (Host::from("::1"), Err(Error::Nxdomain), Ok(V6)),
            (Host::from("."), Err(Error::Nxdomain), Err(Error::Nxdomain)),
            (Host::from(""), Err(Error::Einval), Err(Error::Einval)),
            (Host::from("a b"), Err(Error::Einval), Err(Error::Einval)),
            (Host::local("x"), Err(Error::Einval), Err(Error::Einval)),
            (Host::Loopback, Ok(V4), Ok(V6)),
        ] {
            let what = format!("{host:?}");
            assert_eq!(
                inet::getaddr(host.clone(), Family::Inet).await,
                inet,
                "{what}"
            );
            assert_eq!(
                inet::getaddr(host.clone(), Family::Inet6).await,
                inet6,
                "{what}"
            );
            let none = inet::getaddr(host, Family::Local).await;
            assert_eq!(none, Err(Error::Einval), "{what}");
        }
        let all = inet::getaddrs("localhost", Family::Inet).await.unwrap();
        assert!(all.contains(&V4), "{all:?}");
        // The machine may not know itself; then it is the loopback address.
        let own = inet::gethostname();
        assert!(own.is_empty() || inet::getaddr(own, Family::Inet).await.is_ok());
    });
}

/// 1.18: a name that is an address is itself; what is no name does not exist.
#[test]
fn gethostbyname_gives_a_hostent() {
    main(async {
        let found = inet::gethostbyname("127.1", Family::Inet).await.unwrap();
        let Hostent {
            name,
            aliases,
            addrtype,
            length,
            addr_list,
            ..
        } = found;
        assert_eq!((&name[..], addrtype, length), ("127.1", Family::Inet, 4));
        assert_eq!((aliases.len(), &addr_list[..]), (0, &[V4][..]));
        let found = inet::gethostbyname("::1", Family::Inet6).await.unwrap();
        assert_eq!((found.length, &found.addr_list[..]), (16, &[V6][..]));
        for name in ["", "a b", ".", "::1"] {
            let answer = inet::gethostbyname(name, Family::Inet).await;
            assert_eq!(answer, Err(Error::Nxdomain), "{name:?}");
        }
        let answer = inet::gethostbyname("localhost", Family::Local).await;
        assert_eq!(answer, Err(Error::Einval));
    });
}

/// 1.20
#[test]
fn services_are_found_both_ways_where_the_system_has_a_table() {
    if !std::path::Path::new("/etc/services").exists() {
        return;
    }
    main(async {
        assert_eq!(inet::getservbyname("http").await, Ok(80));
        assert_eq!(inet::getservbyport(80).await.as_deref(), Ok("http"));
        for name in ["", "nosuch", "80", "HTTP"] {
            assert_eq!(
                inet::getservbyname(name).await,
                Err(Error::Einval),
                "{name}"
            );
        }
        assert_eq!(inet::getservbyport(0).await, Err(Error::Einval));
    });
}

/// 1.20
#[test]
fn interfaces_are_listed() {
    main(async {
        let all = inet::getifaddrs().await.unwrap();
        let found = all.iter().find(|each| each.flags.contains(&"loopback"));
        let loopback = found.expect("a loopback interface");
        assert!(loopback.addrs.iter().any(|each| each.addr == V4), "{all:?}");
        let of_v4 = inet::getif().await.unwrap();
        assert!(of_v4.iter().any(|(addr, _, _)| *addr == V4), "{of_v4:?}");
    });
}

/// A simulated runtime does not look outside.
#[test]
fn a_simulated_runtime_looks_nothing_up() {
    runtime::sim::run(1, |world| {
        world.spawn(async {
            let addr = inet::getaddr("localhost", Family::Inet).await;
            assert_eq!(addr, Err(Error::Enotsup));
            assert_eq!(inet::getaddr("127.0.0.1", Family::Inet).await, Ok(V4));
            assert_eq!(inet::getifaddrs().await, Err(Error::Enotsup));
            assert_eq!(inet::getservbyname("http").await, Err(Error::Enotsup));
        });
        world.run();
        assert_eq!(world.crashes().len(), 0);
    });
}

/// 1.13
#[test]
fn peernames_and_socknames_are_lists_of_one() {
    main(async {
        let (client, server) = pair([]).await;
        let names = inet::peernames(client).unwrap();
        assert_eq!(names, [inet::sockname(server).unwrap()]);
        assert_eq!(inet::socknames(client), inet::peernames(server));
        let (listener, _) = listen([]);
        assert_eq!(inet::peernames(listener), Err(Error::Enotconn));
        gen_tcp::close(client).await.unwrap();
        assert_eq!(inet::peernames(client), Err(Error::Einval));
        assert_eq!(inet::socknames(client), Err(Error::Einval));
    });
}

/// 1.14: all names are there, in Erlang's order and words.
#[test]
fn getstat_can_be_asked_for_all() {
    main(async {
        let (client, server) = pair([]).await;
        gen_tcp::send(client, "four").await.unwrap();
        assert_eq!(&gen_tcp::recv(server, 4).await.unwrap()[..], b"four");
        let stats = inet::getstat(client, Stat::ALL).unwrap();
        let words: Vec<&str> = stats.iter().map(|(stat, _)| stat.atom()).collect();
        assert_eq!(words[..2], ["recv_oct", "recv_cnt"]);
        assert_eq!(
            words[5..],
            ["send_oct", "send_cnt", "send_max", "send_avg", "send_pend"]
        );
        assert_eq!(stats[5], (Stat::SendOct, 4));
        assert_eq!(
            inet::getstat(server, [Stat::RecvOct]),
            Ok(vec![(Stat::RecvOct, 4)])
        );
    });
}

/// 1.15
#[test]
fn info_tells_all_that_is_known_of_a_socket() {
    main(async {
        let (client, server) = pair([]).await;
        gen_tcp::send(client, vec![7; 1000]).await.unwrap();
        gen_tcp::recv(server, 1000).await.unwrap();
        let watch = inet::monitor(server);
        let info = inet::info(server);
        assert_eq!(
            (info.socket, &info.states[..]),
            (server, &["connected", "open"][..])
        );
        let details = info.details.clone().expect("it is open");
        assert_eq!((details.input, details.output), (1000, 0));
        assert_eq!(details.owner, self_pid());
        assert_eq!(details.links, [self_pid()]);
        assert_eq!(details.monitors, [self_pid()]);
        assert!(details.memory > 0);
        assert_eq!(details.counters.len(), Stat::ALL.len());
        let text = info.to_string();
        for line in [
            "states     connected, open",
            "recv_oct   1000",
            "monitors   [<0.",
        ] {
            assert!(text.contains(line), "{line:?} in\n{text}");
        }
        inet::cancel_monitor(watch);

        gen_tcp::close(server).await.unwrap();
        let closed = inet::info(server);
        assert_eq!(
            (&closed.states[..], &closed.details),
            (&["closed"][..], &None)
        );
        assert_eq!(closed.to_string(), format!("{server}\n  states     closed"));
    });
}

/// 1.15: a listener, one that has lost its descriptor, and a queue.
#[test]
fn info_follows_the_states() {
    main(async {
        let (listener, _) = listen([]);
        assert_eq!(inet::info(listener).states, ["listen", "open"]);
        let acceptor = elsewhere(async move { gen_tcp::accept(listener).await.map(drop) });
        eventually(|| inet::info(listener).states == ["accepting", "listen", "open"]).await;
        gen_tcp::close(listener).await.unwrap();
        assert_eq!(acceptor.get().await, Err(Error::Closed));

        let (client, server) = pair([sndbuf(4096), recbuf(4096)]).await;
        gen_tcp::send(client, vec![0; 1 << 20]).await.unwrap();
        let queued = inet::info(client).details.expect("it is open");
        assert!(queued.memory > 100_000, "{queued:?}");
        assert_eq!(queued.output, 1 << 20, "a send counts when it is accepted");
        // 1.17: closed, it is open for this question until its queue is written.
        runtime::port::close(client.port()).unwrap();
        let flushing = inet::info(client);
        assert_eq!(flushing.states, ["connected", "open"]);
        assert_eq!(flushing.details.expect("it is there").links, []);
        assert_eq!(common::read(server, 1 << 20).await.0.len(), 1 << 20);
        eventually(|| inet::info(client).states == ["closed"]).await;
    });
}

/// 1.15: the table has every socket of this runtime and of no other, and reads well.
#[test]
fn i_lists_the_sockets_of_its_runtime() {
    main(async {
        let (other, _) = runtime::blocking(|| {
            let other = runtime::Runtime::new().unwrap();
            let found = other.block_on(async { (listen([]).0, inet::i().len()) });
            drop(other);
            found.unwrap()
        })
        .await
        .unwrap();
        assert_eq!(inet::i().len(), 0);
        let (listener, port) = listen([]);
        let (client, server) = pair([]).await;
        gen_tcp::send(client, "12345").await.unwrap();
        gen_tcp::recv_timeout(server, 5, LIMIT).await.unwrap();
        let any = gen_tcp::listen(0, [ip(ANY), active(false)]).unwrap();
        let path = Address::local(format!("\0gen_tcp inet test {}", std::process::id()));
        let local = gen_tcp::listen(0, [ip(path), active(false)]).unwrap();

        let listing = inet::i();
        let sockets: Vec<Socket> = listing.iter().map(|each| each.socket).collect();
        assert_eq!(sockets.len(), 5);
        for socket in [listener, client, server, any, local] {
            assert!(sockets.contains(&socket));
        }
        assert!(!sockets.contains(&other));
        let of = |socket| listing.iter().find(|each| each.socket == socket).unwrap();
        assert_eq!((of(client).sent, of(server).received), (5, 5));
        assert_eq!(of(client).foreign, inet::sockname(server).ok());
        assert_eq!(
            (of(listener).family, of(listener).owner),
            (Family::Inet, self_pid())
        );
        assert_eq!(of(local).family, Family::Local);
        assert!(matches!(of(listener).local, Some(SocketName::Inet(name)) if name.port() == port));

        let text = listing.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        let column = |title: &str| lines[0].find(title).expect("the column is there");
        let line = |socket: Socket| {
            let begin = format!("{socket} ");
            let mut lines = lines.iter();
            *lines
                .find(|line| line.starts_with(&begin))
                .expect("its line")
        };
        assert!(line(listener)[column("Local")..].starts_with(&format!("127.0.0.1:{port}")));
        assert!(line(listener).ends_with("*:*") && line(any).contains("*:"));
        assert!(line(client)[column("State")..].starts_with("connected "));
        assert!(line(local)[column("Local")..].starts_with("@gen_tcp inet test"));
    });
}

async fn option(socket: Socket, name: Name) -> Opt {
    inet::getopts(socket, [name]).unwrap().remove(0)
}

/// CON-19: default options come before those of the caller, who wins; `active` is ignored.
#[test]
fn default_connect_options_stand_before_the_callers() {
    main(async {
        let (listener, port) = listen([]);
        let defaults = [nodelay(true), packet(4), active(false), binary()];
        gen_tcp::set_default_connect_options(defaults).unwrap();
        let kept = gen_tcp::default_connect_options();
        assert_eq!(kept, [nodelay(true), packet(4), binary()]);
        let first = gen_tcp::connect(HOST, port, []).await.unwrap();
        assert_eq!(option(first, Name::Nodelay).await, nodelay(true));
        assert_eq!(option(first, Name::Packet).await, packet(4));
        assert_eq!(option(first, Name::Active).await, Opt::Active(Active::True));
        let second = gen_tcp::connect(HOST, port, [packet(PacketType::Line), active(false)]);
        let second = second.await.unwrap();
        assert_eq!(option(second, Name::Packet).await, packet(PacketType::Line));
        assert_eq!(option(second, Name::Nodelay).await, nodelay(true));
        // Listeners have defaults of their own.
        assert_eq!(option(listener, Name::Packet).await, packet(0));
        assert_eq!(gen_tcp::default_listen_options(), []);

        let refused = gen_tcp::set_default_connect_options([packet(2), backlog(1)]);
        assert_eq!(refused, Err(Error::BadOption("backlog")));
        assert_eq!(
            gen_tcp::default_connect_options(),
            kept,
            "nothing has changed"
        );
        gen_tcp::set_default_connect_options([]).unwrap();
        let third = gen_tcp::connect(HOST, port, []).await.unwrap();
        assert_eq!(option(third, Name::Packet).await, packet(0));
    });
}

/// LIS-12: a listener has them, and accepted sockets inherit them through it.
#[test]
fn default_listen_options_reach_accepted_sockets() {
    main(async {
        gen_tcp::set_default_listen_options([nodelay(true), packet(2), backlog(9)]).unwrap();
        let (client, server) = pair([]).await;
        assert_eq!(option(server, Name::Packet).await, packet(2));
        assert_eq!(option(server, Name::Nodelay).await, nodelay(true));
        assert_eq!(option(client, Name::Packet).await, packet(0));
        let (_, server) = pair([packet(1)]).await;
        assert_eq!(option(server, Name::Packet).await, packet(1));
    });
}

/// CON-19: nothing is global; each runtime has its own.
#[test]
fn default_options_belong_to_their_runtime() {
    main(async {
        gen_tcp::set_default_listen_options([packet(4)]).unwrap();
        gen_tcp::set_default_connect_options([packet(4)]).unwrap();
        let other = runtime::blocking(|| {
            let other = runtime::Runtime::new().unwrap();
            let lists = async {
                (
                    gen_tcp::default_listen_options(),
                    gen_tcp::default_connect_options(),
                )
            };
            other.block_on(lists).unwrap()
        });
        assert_eq!(other.await.unwrap(), (Vec::new(), Vec::new()));
        assert_eq!(gen_tcp::default_listen_options(), [packet(4)]);
    });
}

/// 1.20
#[test]
fn reasons_have_texts() {
    assert_eq!(
        inet::format_error(Error::Econnrefused),
        "connection refused"
    );
    assert_eq!(inet::format_error(Error::Closed), "unknown POSIX error");
}
