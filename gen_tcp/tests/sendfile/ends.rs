//! What ends a file before its last byte (SFL-9, SFL-13), and what does not.

use gen_tcp::inet;
use gen_tcp::{Error, How, opt::*};
use gen_tcp::{sendfile, sendfile_range};
use runtime::prelude::*;

use crate::common::{Temp, eventually, listen, main, pair, pattern, read};
use crate::{LARGE, narrow, standing_still};

/// SFL-9: without a connection.
#[test]
fn without_a_connection_it_is_enotconn_and_on_a_closed_port_einval() {
    main(async {
        let temp = Temp::with(b"bytes");
        let (listener, _) = listen([]);
        assert_eq!(sendfile(&temp.0, listener).await, Err(Error::Enotconn));
        let (client, server) = pair([]).await;
        gen_tcp::close(server).await.unwrap();
        assert_eq!(read(client, 1).await.1, Some(Error::Closed));
        assert_eq!(sendfile(&temp.0, client).await, Err(Error::Enotconn));
        // The one call that is told of the end is a send (1.21).
        assert_eq!(gen_tcp::send(client, "x").await, Err(Error::Closed));
        gen_tcp::close(client).await.unwrap();
        assert_eq!(sendfile(&temp.0, client).await, Err(Error::Einval));
    });
}

/// SFL-9: a peer that is gone is `closed`, then it is as after an error of send. R33: no signal.
#[test]
fn a_peer_that_is_gone_is_closed() {
    main(async {
        let temp = Temp::with(b"bytes");
        for shown in [false, true] {
            let (client, server) = pair([show_econnreset(shown)]).await;
            inet::setopts(server, [linger(true, 0)]).unwrap();
            gen_tcp::close(server).await.unwrap();
            let gone = |fd: std::os::fd::BorrowedFd<'_>| {
                let mut fds = [rustix::event::PollFd::new(
                    &fd,
                    rustix::event::PollFlags::IN,
                )];
                rustix::event::poll(&mut fds, Some(&Default::default())).unwrap() == 1
            };
            eventually(|| gen_tcp::with_fd(client, gone).unwrap()).await;
            assert_eq!(sendfile(&temp.0, client).await, Err(Error::Closed));
            assert_eq!(sendfile(&temp.0, client).await, Err(Error::Enotconn));
            assert_eq!(gen_tcp::send(client, "x").await, Err(Error::Enotconn));
        }
        let (client, _server) = pair([]).await;
        gen_tcp::shutdown(client, How::Write).unwrap();
        assert_eq!(sendfile(&temp.0, client).await, Err(Error::Closed));
        assert_eq!(gen_tcp::send(client, "x").await, Err(Error::Enotconn));
    });
}

/// SFL-9 in the middle: the peer closes without having read.
#[test]
fn a_peer_that_closes_in_the_middle_is_closed() {
    main(async {
        for mode in [false, true] {
            let temp = Temp::with(&pattern(LARGE));
            let (client, server) = narrow([]).await;
            inet::setopts(client, [active(mode)]).unwrap();
            let given = standing_still(&temp, client).await;
            gen_tcp::close(server).await.unwrap();
            assert_eq!(given.get().await, Err(Error::Closed));
        }
    });
}

/// SFL-9 and part 9, row 6: a half-close by the peer ends the file with `exit_on_close`, where
/// somebody reads it; without, the connection can still be written.
#[test]
fn a_half_close_by_the_peer() {
    main(async {
        for stays in [false, true] {
            let temp = Temp::with(&pattern(LARGE));
            let (client, server) = narrow([exit_on_close(!stays)]).await;
            let given = standing_still(&temp, client).await;
            gen_tcp::shutdown(server, How::Write).unwrap();
            assert_eq!(read(client, 1).await.1, Some(Error::Closed));
            let (came, end) = read(server, LARGE).await;
            if stays {
                assert!((came.len(), end) == (LARGE, None));
                assert_eq!(given.get().await, Ok(LARGE as u64));
            } else {
                assert!(came.len() < LARGE && pattern(LARGE).starts_with(&came));
                assert_eq!(end, Some(Error::Closed));
                assert_eq!(given.get().await, Err(Error::Closed));
            }
        }
    });
}

/// SFL-13: closing in the middle drops the rest of the file and the queue; who waits gets `closed`.
#[test]
fn closing_in_the_middle_drops_the_rest() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        for by_signal in [false, true] {
            let (client, server) = narrow([]).await;
            let given = standing_still(&temp, client).await;
            if by_signal {
                unlink(client);
                gen_tcp::send(client, "behind").await.unwrap();
                exit_signal(client, Reason::Normal);
            } else {
                gen_tcp::close(client).await.unwrap();
            }
            assert_eq!(given.get().await, Err(Error::Closed));
            assert_eq!(inet::info(client).states, ["closed"]);
            let (came, end) = read(server, LARGE).await;
            assert!(came.len() < LARGE && pattern(LARGE).starts_with(&came));
            assert_eq!(end, Some(Error::Closed));
        }
    });
}

/// SFL-13: so does the end of the owner.
#[test]
fn the_end_of_the_owner_drops_the_rest() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        let (client, server) = narrow([]).await;
        let owner = spawn(async { receive::<()>().await });
        gen_tcp::controlling_process(client, owner).unwrap();
        let given = standing_still(&temp, client).await;
        exit_signal(owner, Reason::Kill);
        assert_eq!(given.get().await, Err(Error::Closed));
        assert!(read(server, LARGE).await.0.len() < LARGE);
    });
}

/// SEN-8: a caller that is gone leaves the stream whole.
#[test]
fn a_caller_that_is_gone_has_sent_it_all() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        let (client, server) = narrow([]).await;
        let given = standing_still(&temp, client).await;
        exit_signal(given.pid(), Reason::Kill);
        gen_tcp::send(client, "behind").await.unwrap();
        let (came, _) = read(server, LARGE + 6).await;
        assert!(came == [&pattern(LARGE)[..], b"behind"].concat());
        assert_eq!(sendfile_range(&temp.open(), client, 0, 3).await, Ok(3));
    });
}

/// SHU-3: a shutdown follows the last byte of the file.
#[test]
fn a_shutdown_waits_for_the_file() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        let (client, server) = narrow([]).await;
        let given = standing_still(&temp, client).await;
        gen_tcp::shutdown(client, How::Write).unwrap();
        let (came, end) = read(server, LARGE + 1).await;
        assert!(came == pattern(LARGE));
        assert_eq!(
            (given.get().await, end),
            (Ok(LARGE as u64), Some(Error::Closed))
        );
    });
}

/// Taking the descriptor away in the middle is an end, too; it goes without the cork.
#[test]
fn a_descriptor_that_is_taken_ends_the_file() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        let (client, server) = narrow([]).await;
        let given = standing_still(&temp, client).await;
        let fd = gen_tcp::take_fd(client).unwrap();
        assert_eq!(given.get().await, Err(Error::Closed));
        assert!(!rustix::net::sockopt::tcp_cork(&fd).unwrap());
        drop(fd);
        assert!(read(server, LARGE).await.0.len() < LARGE);
    });
}
