//! Unix-domain sockets: paths, abstract names, the unnamed.

use super::*;

#[test]
fn abstract_names() {
    let listener = listen_local("abstract");
    let name = SocketName::Local(local_name("abstract"));
    assert_eq!(Real.local_addr(&listener).unwrap(), name);
    assert_eq!(
        listen_error([ip(Address::local(local_name("abstract"))), reuseaddr(true)]),
        Error::Eaddrinuse
    );
    let (client, server) = pair(&listener, []);
    let unnamed = SocketName::Local(Vec::new());
    assert_eq!(Real.local_addr(&client).unwrap(), unnamed);
    assert_eq!(Real.peer_addr(&client).unwrap(), name);
    assert_eq!(Real.peer_addr(&server).unwrap(), unnamed);
    assert_eq!(Real.local_addr(&server).unwrap(), name);
    let (_client, server) = pair(&listener, [ip(Address::local(local_name("client")))]);
    assert_eq!(
        Real.peer_addr(&server).unwrap(),
        SocketName::Local(local_name("client"))
    );
    Real.close(listener);
    assert_eq!(reason(connect(&name, [])), Error::Econnrefused);
    assert_eq!(reason(connect(&unnamed, [])), Error::Einval);
}

#[test]
fn paths_have_a_limit_and_end_at_a_zero() {
    let folder = std::env::temp_dir().join(format!("gen_tcp_io_tests_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let folder_bytes = std::os::unix::ffi::OsStrExt::as_bytes(folder.as_os_str()).to_vec();
    let path = |length: usize| {
        let mut path = [&folder_bytes[..], b"/"].concat();
        path.resize(length, b'a');
        path
    };
    let listener = listen([ip(Address::Local(path(107)))]);
    assert_eq!(
        Real.local_addr(&listener).unwrap(),
        SocketName::Local(path(107))
    );
    assert_eq!(
        listen_error([ip(Address::Local(path(107)))]),
        Error::Eaddrinuse
    );
    for too_long in [path(108), path(300), [&[0][..], &path(108)[..]].concat()] {
        assert_eq!(
            listen_error([ip(Address::Local(too_long.clone()))]),
            Error::Einval
        );
        assert_eq!(
            reason(connect(&SocketName::Local(too_long), [])),
            Error::Einval
        );
    }
    let zero = [&folder_bytes[..], b"/z\0rest"].concat();
    let cut = zero[..zero.len() - 5].to_vec();
    let listener = listen([ip(Address::Local(zero))]);
    assert_eq!(Real.local_addr(&listener).unwrap(), SocketName::Local(cut));
    let nobody = SocketName::Local([&folder_bytes[..], b"/nobody"].concat());
    assert_eq!(reason(connect(&nobody, [])), Error::Enoent);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_full_local_queue_is_eagain_and_nothing_is_under_way() {
    let listener = listen([ip(Address::local(local_name("full"))), backlog(0)]);
    let name = Real.local_addr(&listener).unwrap();
    let mut clients = Vec::new();
    let refused = loop {
        match connect(&name, []) {
            Ok(client) => clients.push(client),
            Err(error) => break Error::from(error),
        }
    };
    assert_eq!((clients.len(), refused), (1, Error::Eagain));
}
