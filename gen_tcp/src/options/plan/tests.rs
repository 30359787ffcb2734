//! What lists of options come to: families, addresses, order.

use super::super::opt::*;
use super::super::{Mode, PacketType};
use super::*;

const V6: [u16; 8] = [0, 0, 0, 0, 0, 0, 0, 1];
const V4: [u8; 4] = [127, 0, 0, 1];
const BAD_IP: Error = Error::BadOption("ip");

fn listen(port: i64, options: impl IntoIterator<Item = Opt>) -> Result<String, Error> {
    Plan::listen(port, options).map(|plan| bound(&plan))
}

fn connect(
    to: impl Into<Option<Family>>,
    options: impl IntoIterator<Item = Opt>,
) -> Result<String, Error> {
    Plan::connect(to.into(), 0, options).map(|plan| format!("{:?} {}", plan.family, bound(&plan)))
}

fn bound(plan: &Plan) -> String {
    match &plan.bind {
        None => "-".into(),
        Some(SocketName::Inet(address)) => address.to_string(),
        Some(SocketName::Local(path)) => String::from_utf8_lossy(path).into_owned(),
    }
}

#[test]
fn of_two_the_last_one_counts() {
    let list = [
        packet(1),
        packet(4),
        binary(),
        list(),
        active(ONCE),
        active(false),
        buffer(100),
        buffer(200),
        nodelay(true),
        nodelay(false),
    ];
    let plan = Plan::listen(0, list).unwrap();
    assert_eq!(plan.settings.packet, PacketType::Four);
    assert_eq!(plan.settings.mode, Mode::List);
    assert_eq!(plan.settings.buffer, 200);
    assert_eq!(plan.active, Active::False);
    assert_eq!(plan.kernel, [nodelay(false)]);
    assert_eq!(Plan::listen(0, []).unwrap().active, Active::True);
}

#[test]
fn options_are_applied_from_the_last_to_the_first() {
    let first = raw(6, 1, [0]);
    let second = raw(6, 1, [1]);
    let list = [
        first.clone(),
        nodelay(true),
        tos(1),
        second.clone(),
        nodelay(false),
    ];
    let plan = Plan::connect(None, 1, list).unwrap();
    assert_eq!(plan.kernel, [nodelay(false), second, tos(1), first]);

    let marks = |list| {
        let settings = Plan::listen(0, list).unwrap().settings;
        (settings.high_watermark, settings.low_watermark)
    };
    assert_eq!(
        marks([low_watermark(10000), high_watermark(100)]),
        (10000, 10000)
    );
    assert_eq!(
        marks([high_watermark(100), low_watermark(10000)]),
        (100, 100)
    );
}

#[test]
fn a_listener_is_always_bound() {
    assert_eq!(listen(0, []).unwrap(), "0.0.0.0:0");
    assert_eq!(listen(5, [inet6()]).unwrap(), "[::]:5");
    assert_eq!(listen(5, [ip(LOOPBACK)]).unwrap(), "127.0.0.1:5");
    assert_eq!(listen(0, [inet6(), ip(LOOPBACK)]).unwrap(), "[::1]:0");
    assert_eq!(listen(0, [ip(V6)]).unwrap(), "[::1]:0");
    assert_eq!(listen(0, [ip(V4), ip(V6), ip(ANY)]).unwrap(), "0.0.0.0:0");
    assert_eq!(listen(0, [ip(Address::local("x"))]).unwrap(), "x");
    let address: SocketAddr = "127.0.0.1:9".parse().unwrap();
    assert_eq!(listen(5, [ifaddr(address)]).unwrap(), "127.0.0.1:9");
    assert_eq!(
        listen(5, [ifaddr(address), port(7)]).unwrap(),
        "127.0.0.1:7"
    );
}

#[test]
fn a_port_in_the_list_overrides_the_argument() {
    assert_eq!(listen(5, [port(7), port(9)]).unwrap(), "0.0.0.0:9");
    assert_eq!(listen(65536, [port(0)]).unwrap(), "0.0.0.0:0");
    for number in [65536, -1, i64::MAX] {
        assert_eq!(listen(number, []), Err(Error::BadArg));
        assert_eq!(listen(0, [port(number)]), Err(Error::BadArg));
        assert_eq!(Plan::connect(None, number, []).unwrap_err(), Error::BadArg);
    }
}

#[test]
fn a_listener_of_another_family_than_its_address_is_raised() {
    assert_eq!(listen(0, [inet6(), ip(V4)]), Err(BAD_IP));
    assert_eq!(listen(0, [inet(), ip(V6)]), Err(BAD_IP));
    assert_eq!(listen(0, [inet(), ip(Address::local("x"))]), Err(BAD_IP));
    assert_eq!(listen(0, [local(), ip(V4)]), Err(BAD_IP));
    // The first family counts, whatever its word.
    assert_eq!(
        listen(0, [tcp_module(Family::Inet6), inet(), ip(V6)]).unwrap(),
        "[::1]:0"
    );
}

#[test]
fn a_local_listener_needs_a_path_and_no_port() {
    assert_eq!(listen(0, [local()]), Err(Error::Einval));
    assert_eq!(listen(0, [local(), ip(ANY)]), Err(Error::Einval));
    assert_eq!(listen(7, [ip(Address::local("x"))]), Err(Error::BadArg));
    assert_eq!(
        listen(0, [ip(Address::local("x")), port(7)]),
        Err(Error::BadArg)
    );
    assert_eq!(listen(7, [local()]), Err(Error::BadArg));
}

#[test]
fn the_family_of_a_connection() {
    use Family::{Inet, Inet6, Local};
    assert_eq!(connect(None, []).unwrap(), "Inet -");
    assert_eq!(connect(Inet6, []).unwrap(), "Inet6 -");
    assert_eq!(connect(Local, []).unwrap(), "Local -");
    assert_eq!(connect(Inet6, [inet6(), inet()]).unwrap(), "Inet6 -");
    assert_eq!(connect(None, [ip(V6)]).unwrap(), "Inet6 [::1]:0");
    assert_eq!(connect(Inet6, [ip(V4), ip(V6)]).unwrap(), "Inet6 [::1]:0");
    assert_eq!(connect(Inet6, [ip(ANY)]).unwrap(), "Inet6 [::]:0");
    for (to, list) in [
        (Inet, vec![inet6()]),
        (Inet6, vec![inet()]),
        (Inet6, vec![inet(), inet6()]),
        (Inet, vec![ip(V6)]),
        (Inet6, vec![ip(V4)]),
        (Inet6, vec![inet(), ip(V6)]),
    ] {
        assert_eq!(connect(to, list), Err(Error::Eafnosupport));
    }
    assert_eq!(connect(Inet6, [inet6(), ip(V4)]), Err(BAD_IP));
    assert_eq!(connect(Inet, [inet(), ip(V6)]), Err(BAD_IP));
}

#[test]
fn a_local_connection_keeps_to_itself() {
    use Family::{Inet, Local};
    let path = || ip(Address::local("x"));
    assert_eq!(connect(Local, [path()]).unwrap(), "Local x");
    assert_eq!(connect(Local, [local(), path()]).unwrap(), "Local x");
    assert_eq!(connect(Local, [ip(V4)]), Err(Error::BadArg));
    assert_eq!(connect(Local, [inet()]), Err(Error::BadArg));
    assert_eq!(connect(Inet, [local()]), Err(Error::BadArg));
    assert_eq!(connect(None, [local()]), Err(Error::BadArg));
    assert_eq!(connect(Local, [local(), ip(ANY)]), Err(Error::BadArg));
    assert_eq!(connect(Local, [local(), ip(V4)]), Err(BAD_IP));
    assert_eq!(
        Plan::connect(Some(Local), 7, []).unwrap_err(),
        Error::BadArg
    );
}

#[test]
fn a_source_port_alone_binds() {
    assert_eq!(connect(None, [port(0)]).unwrap(), "Inet -");
    assert_eq!(connect(None, [port(7)]).unwrap(), "Inet 0.0.0.0:7");
    assert_eq!(connect(Family::Inet6, [port(7)]).unwrap(), "Inet6 [::]:7");
    assert_eq!(
        connect(None, [ip(LOOPBACK), port(7)]).unwrap(),
        "Inet 127.0.0.1:7"
    );
}

#[test]
fn an_einval_from_below_is_raised_in_connect_only() {
    let mark = || [low_msgq_watermark(0)];
    assert_eq!(Plan::listen(0, mark()).unwrap_err(), Error::Einval);
    assert_eq!(Plan::connect(None, 1, mark()).unwrap_err(), Error::BadArg);
    assert_eq!(
        Plan::connect(None, 1, [backlog(1)]).unwrap_err(),
        Error::BadOption("backlog")
    );
}

#[test]
fn a_backlog_is_passed_on_in_sixteen_bits() {
    for (asked, passed) in [(0, 0), (-1, 65535), (1_000_000, 16960), (i64::MIN, 0)] {
        assert_eq!(Plan::listen(0, [backlog(asked)]).unwrap().backlog, passed);
    }
    assert_eq!(Plan::listen(0, []).unwrap().backlog, 5);
}

#[test]
fn a_descriptor_is_bound_only_where_an_address_is_given() {
    // SAFETY: the option is only looked at.
    let fd = |number: i64| unsafe { fd(number) };
    let plan = Plan::listen(0, [fd(3)]).unwrap();
    assert_eq!((plan.bind, plan.fd.map(FdNumber::get)), (None, Some(3)));
    assert_eq!(listen(0, [fd(3), ip(LOOPBACK)]).unwrap(), "127.0.0.1:0");
    assert_eq!(listen(0, [fd(-1), ip(LOOPBACK)]).unwrap(), "127.0.0.1:0");
    assert_eq!(listen(5, [fd(3)]), Err(Error::BadArg));
    assert_eq!(listen(0, [fd(3), local()]).unwrap(), "-");
    assert_eq!(
        Plan::connect(None, 5, [fd(3), port(5)]).unwrap_err(),
        Error::BadArg
    );
    assert_eq!(Plan::fdopen([]).unwrap_err(), Error::BadArg);
    assert_eq!(Plan::fdopen([fd(-1)]).unwrap_err(), Error::BadArg);
    let plan = Plan::fdopen([fd(3), local(), binary()]).unwrap();
    assert_eq!((plan.family, plan.bind), (Family::Local, None));

    let plan = Plan::listen(0, [fd(3), netns("/a")]).unwrap();
    assert_eq!((plan.fd, plan.netns), (None, Some("/a".into())));
    assert_eq!(plan.settings.get(Name::Netns), Some(netns("/a")));
    let plan = Plan::listen(0, [netns("/a"), fd(3)]).unwrap();
    assert_eq!((plan.fd.map(FdNumber::get), plan.netns), (Some(3), None));
}

/// Every option that has a number, with the numbers at the ends of all ranges, past the check too.
#[test]
fn no_number_panics() {
    let words: [fn(i64) -> Opt; 24] = [
        packet,
        active,
        packet_size,
        line_delimiter,
        header,
        buffer,
        send_timeout,
        high_watermark,
        low_watermark,
        high_msgq_watermark,
        low_msgq_watermark,
        recbuf,
        sndbuf,
        keepidle,
        keepintvl,
        keepcnt,
        user_timeout,
        |seconds| linger(true, seconds),
        tos,
        tclass,
        ttl,
        priority,
        backlog,
        port,
    ];
    let ends = [
        i64::MIN,
        i32::MIN.into(),
        -32769,
        -1,
        0,
        1,
        255,
        32768,
        65536,
    ];
    let more = [
        i32::MAX.into(),
        u32::MAX.into(),
        i64::from(u32::MAX) + 1,
        i64::MAX,
    ];
    for word in words {
        for number in ends.into_iter().chain(more) {
            let opt = word(number);
            let _ = Settings::default().set(&opt);
            let _ = Plan::listen(number, [opt.clone()]);
            let _ = Plan::connect(Some(Family::Inet6), number, [opt]);
        }
    }
}
