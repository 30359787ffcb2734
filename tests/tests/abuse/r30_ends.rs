//! R30: a reset behind data. R32: an end in one direction. R33: broken pipes.

use gen_tcp::{Error, How, Opt, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::alone::{child, is_child};
use tests::foreign::{connected, narrow};
use tests::sockets::{
    bytes_of, eventually, fill, message, pair, quiet, recv, recv_all, until_reset, until_unread,
};
use tests::{Stream, next, real};

use crate::system::let_broken_pipes_kill;

#[test]
fn r30_data_comes_before_the_reset_behind_it_and_the_error_once() {
    real(2, async {
        let length = 50_000;
        for bits in 0..8u8 {
            let (shown, exit, is_active) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
            let options = [show_econnreset(shown), exit_on_close(exit), buffer(1000)];
            let (socket, foreign) = connected(options).await;
            foreign.write(Stream::default().take(length));
            until_unread(socket, length).await;
            foreign.reset();
            until_reset(socket).await;
            if is_active {
                inet::setopts(socket, [active(true)]).expect("it is open");
                Stream::default().check(&bytes_of(socket, length).await);
                if shown {
                    let error = Tcp::Error(socket, Error::Econnreset);
                    assert_eq!(message(socket).await, error);
                }
                assert_eq!(message(socket).await, Tcp::Closed(socket));
                assert_eq!(inet::is_open(socket), !exit);
            } else {
                let (got, end) = recv_all(socket).await;
                Stream::default().check(&got);
                assert_eq!(got.len(), length);
                assert_eq!(
                    end,
                    if shown {
                        Error::Econnreset
                    } else {
                        Error::Closed
                    }
                );
                let later = if exit { Error::Enotconn } else { Error::Closed };
                assert_eq!(recv(socket, 0).await, Err(later));
            }
            gen_tcp::close(socket).await.expect("close does not fail");
        }
        quiet::<Tcp>().await;
    });
}

#[test]
fn r32_the_end_of_one_direction_leaves_the_other() {
    real(2, async {
        for mode in [active(false), active(true)] {
            let (client, server) = pair([], [exit_on_close(false), mode.clone()]).await;
            gen_tcp::send(client, "question")
                .await
                .expect("it is connected");
            gen_tcp::shutdown(client, How::Write).expect("it is connected");
            if mode == active(true) {
                assert_eq!(bytes_of(server, 8).await, b"question");
                assert_eq!(message(server).await, Tcp::Closed(server));
            } else {
                let question = (b"question".to_vec(), Error::Closed);
                assert_eq!(recv_all(server).await, question);
            }
            let me = self_pid();
            spawn(async move { send(me, recv_all(client).await) });
            let mut stream = Stream::default();
            for length in [1, 100, 70_000, 3, 500_000] {
                let sent = gen_tcp::send(server, stream.take(length)).await;
                sent.expect("this direction is open");
            }
            gen_tcp::shutdown(server, How::Write).expect("it is connected");
            let (got, end) = next::<(Vec<u8>, Error)>().await;
            assert_eq!((got.len(), end), (stream.at, Error::Closed));
            Stream::default().check(&got);
            quiet::<Tcp>().await;
        }
    });
}

const PIPES: &str = "r30_ends::r33_no_write_raises_sigpipe";

// The parent's own start has the signal ignored; a child of it, and a program that embeds the
// runtime, need not.
#[test]
fn r33_no_write_raises_sigpipe() {
    if is_child("writes of ours") {
        let_broken_pipes_kill();
        return real(2, break_all_pipes());
    }
    if is_child("a write without care") {
        let_broken_pipes_kill();
        let (reader, mut writer) = std::io::pipe().expect("the system has pipes");
        drop(reader);
        use std::io::Write;
        let _ = writer.write(b"x");
        return;
    }
    let ours = child(PIPES, "writes of ours");
    let text = String::from_utf8_lossy(&ours.stdout);
    assert!(
        ours.status.success() && text.contains("1 passed"),
        "{}: {text}",
        ours.status
    );
    // That the signal would have killed it.
    use std::os::unix::process::ExitStatusExt;
    let careless = child(PIPES, "a write without care");
    assert_eq!(careless.status.signal(), Some(libc::SIGPIPE));
}

/// Every way in which bytes of ours can meet a connection that is broken.
async fn break_all_pipes() {
    for mode in [active(false), active(true)] {
        for length in [1, 300_000] {
            // A send that meets it, of one piece and of several.
            let options = [mode.clone(), exit_on_close(false)];
            let (socket, foreign) = connected(options).await;
            foreign.reset();
            until_reset(socket).await;
            for _ in 0..3 {
                let pieces: Vec<bytes::Bytes> = vec![vec![1; length].into(); 3];
                let _ = gen_tcp::send(socket, vec![1; length]).await;
                let _ = gen_tcp::send(socket, pieces).await;
            }
        }
        // A queue that is written when the peer goes, by the event loop and by close.
        let (socket, foreign) = narrow([mode.clone()]).await;
        fill(socket, &mut Stream::default()).await;
        drop(foreign);
        let _ = gen_tcp::send(socket, vec![0; 10_000]).await;
        gen_tcp::close(socket).await.expect("close does not fail");
        // Behind one's own shutdown, and with delay_send.
        let (socket, _foreign) = connected([mode.clone()]).await;
        gen_tcp::shutdown(socket, How::ReadWrite).expect("it is connected");
        let _ = gen_tcp::send(socket, "x").await;
        let (socket, foreign) = connected([mode.clone(), delay_send(true)]).await;
        foreign.reset();
        for _ in 0..3 {
            let _ = gen_tcp::send(socket, "x").await;
            yield_now().await;
        }
        // And by an owner that is gone.
        let (socket, foreign) = narrow([mode.clone()]).await;
        fill(socket, &mut Stream::default()).await;
        runtime::port::close(socket.port()).expect("it is open");
        drop(foreign);
        let gone = || !runtime::port::port_exists(socket.port());
        eventually(gone).await;
        break_pipes_of_files(mode.clone()).await;
    }
}

/// A file whose peer has gone before it, and one whose peer goes in the middle.
async fn break_pipes_of_files(mode: Opt) {
    // A file that is there, and long: this program.
    let file = std::env::current_exe().expect("this program has a path");
    let (socket, foreign) = connected([mode.clone(), exit_on_close(false)]).await;
    foreign.reset();
    until_reset(socket).await;
    assert!(gen_tcp::sendfile(&file, socket).await.is_err());
    let (socket, foreign) = narrow([mode]).await;
    let me = self_pid();
    spawn(async move { send(me, gen_tcp::sendfile(file, socket).await) });
    foreign.read(1000).await.expect("the file comes");
    drop(foreign);
    let sent: Result<u64, Error> = next().await;
    assert!(sent.is_err(), "{sent:?}");
}
