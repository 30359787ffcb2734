//! `sendfile` (1.22), each rule on real sockets and files.
//!
//! A socket whose peer does not read is made by small buffers in the kernel: then a file of
//! a megabyte stands still in the middle.

mod common;
#[path = "sendfile/ends.rs"]
mod ends;

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use common::{HOST, LIMIT, Temp, elsewhere, eventually, main, pair, pattern, read};
use gen_tcp::inet::{self, Stat};
use gen_tcp::{Address, Error, Name, Opt, Socket, opt::*};
use gen_tcp::{sendfile, sendfile_range};

/// More than the kernel takes of a connection with small buffers.
const LARGE: usize = 1 << 20;

/// How long something may go on of which a test shows that it does.
const MOMENT: Duration = Duration::from_millis(150);

/// Both ends of a connection that stands still soon.
async fn narrow(options: impl IntoIterator<Item = Opt>) -> (Socket, Socket) {
    let small = [sndbuf(4096), recbuf(4096)];
    pair(small.into_iter().chain(options)).await
}

fn nopush_of(socket: Socket) -> bool {
    matches!(
        inet::getopts(socket, [Name::Nopush]).as_deref(),
        Ok([Opt::Nopush(true)])
    )
}

/// Begins to send a file in another process, and waits until it has begun and stands still.
async fn standing_still(file: &Temp, socket: Socket) -> common::Given<Result<u64, Error>> {
    let path = file.0.clone();
    let given = elsewhere(async move { sendfile(path, socket).await });
    eventually(|| nopush_of(socket)).await;
    assert!(given.goes_on(MOMENT).await);
    given
}

/// SFL-2, SFL-5: a part, the whole, more than there is, nothing; the file's position stays.
#[test]
fn a_part_of_a_file_is_sent() {
    main(async {
        let bytes = pattern(100_000);
        let temp = Temp::with(&bytes);
        let mut file = temp.open();
        file.seek(SeekFrom::Start(7)).unwrap();
        let (client, server) = pair([]).await;
        for (offset, asked, sent) in [
            (0, 0, 100_000),
            (10, 20, 20),
            (99_990, 0, 10),
            (99_990, 500, 10),
            (0, 100_000, 100_000),
            (100_000, 0, 0),
            (1 << 40, 5, 0),
        ] {
            let answer = sendfile_range(&file, client, offset as u64, asked).await;
            assert_eq!(answer, Ok(sent as u64), "{offset} {asked}");
            let (came, end) = read(server, sent).await;
            let begin = offset.min(bytes.len());
            assert!(
                came == bytes[begin..begin + sent] && end.is_none(),
                "{offset} {asked}"
            );
        }
        assert_eq!(file.stream_position().unwrap(), 7);
        assert_eq!(sendfile(&temp.0, client).await, Ok(100_000));
        assert!(read(server, 100_000).await.0 == bytes);
        assert_eq!(sendfile(&Temp::with(b"").0, client).await, Ok(0));
    });
}

/// SFL-1 as of part 9, row 34: others than the owner may call.
#[test]
fn any_process_may_call() {
    main(async {
        let temp = Temp::with(&pattern(5000));
        let (client, server) = pair([]).await;
        let path = temp.0.clone();
        let given = elsewhere(async move { sendfile(path, client).await });
        assert_eq!(given.get().await, Ok(5000));
        assert!(read(server, 5000).await.0 == pattern(5000));
    });
}

/// SFL-3: numbers beyond what a file can have are refused, and nothing is sent.
#[test]
fn numbers_beyond_63_bits_are_einval() {
    main(async {
        let temp = Temp::with(b"bytes");
        let file = temp.open();
        let (client, _server) = pair([]).await;
        for (offset, bytes) in [(1 << 63, 0), (0, 1 << 63), (u64::MAX, u64::MAX)] {
            let answer = sendfile_range(&file, client, offset, bytes).await;
            assert_eq!(answer, Err(Error::Einval));
        }
        let last = sendfile_range(&file, client, i64::MAX as u64, 5).await;
        assert!(matches!(last, Ok(0) | Err(Error::Einval)), "{last:?}");
        assert_eq!(
            sendfile_range(&file, client, 0, i64::MAX as u64).await,
            Ok(5)
        );
    });
}

/// SFL-4: what cannot be read is refused; better than in OTP, the connection stays as it was.
#[test]
fn a_file_that_cannot_be_read_leaves_the_connection_alone() {
    main(async {
        let (client, server) = pair([]).await;
        let missing = Temp::new();
        assert_eq!(sendfile(&missing.0, client).await, Err(Error::Enoent));
        assert_eq!(
            sendfile(std::env::temp_dir(), client).await,
            Err(Error::Eisdir)
        );
        assert_eq!(sendfile("a\0b", client).await, Err(Error::Einval));
        let temp = Temp::new();
        let written = File::create(&temp.0).unwrap();
        assert_eq!(
            sendfile_range(&written, client, 0, 0).await,
            Err(Error::Ebadf)
        );
        let pipe = Temp::new();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe.0, kind, mode, 0).unwrap();
        assert_eq!(sendfile(&pipe.0, client).await, Err(Error::Espipe));
        assert!(!nopush_of(client));
        gen_tcp::send(client, "still here").await.unwrap();
        assert_eq!(read(server, 10).await, (b"still here".to_vec(), None));
    });
}

/// SFL-6: no packet header, in any packet mode.
#[test]
fn no_packet_header_is_made() {
    main(async {
        let temp = Temp::with(b"raw bytes");
        for header in [1, 2, 4] {
            let (client, server) = pair([]).await;
            inet::setopts(client, [packet(header)]).unwrap();
            assert_eq!(sendfile(&temp.0, client).await, Ok(9));
            assert_eq!(read(server, 9).await.0, b"raw bytes");
        }
    });
}

/// SFL-7: what was queued goes first, what is sent meanwhile goes behind and is `ok` at once.
#[test]
fn the_file_stands_between_what_was_sent_before_and_meanwhile() {
    main(async {
        let (before, bytes, after) = (pattern(LARGE), pattern(LARGE + 1), pattern(3000));
        let temp = Temp::with(&bytes);
        let (client, server) = narrow([high_watermark(i32::MAX)]).await;
        // SEN-1: into an empty queue.
        gen_tcp::send(client, before.clone()).await.unwrap();
        let given = standing_still(&temp, client).await;
        gen_tcp::send(client, &after[..1000]).await.unwrap();
        gen_tcp::send(client, &after[1000..]).await.unwrap();
        let (came, end) = read(server, 2 * LARGE + 1 + after.len()).await;
        assert_eq!((came.len(), end), (2 * LARGE + 1 + after.len(), None));
        assert!(came == [before, bytes, after].concat());
        assert_eq!(given.get().await, Ok(LARGE as u64 + 1));
    });
}

/// SFL-7: a send that brings the queue to the high watermark waits for the file to be through.
#[test]
fn a_send_behind_a_file_waits_at_the_high_watermark() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        let (client, server) = narrow([]).await;
        let given = standing_still(&temp, client).await;
        let sender = elsewhere(async move { gen_tcp::send(client, pattern(9000)).await });
        assert!(sender.goes_on(MOMENT).await);
        assert_eq!(inet::states(client), ["busy", "connected", "open"]);
        let (came, _) = read(server, LARGE + 9000).await;
        assert!(came == [pattern(LARGE), pattern(9000)].concat());
        assert_eq!(
            (given.get().await, sender.get().await),
            (Ok(LARGE as u64), Ok(()))
        );
    });
}

/// SFL-7 with `delay_send` and with a packet header in the queue.
#[test]
fn delayed_sends_go_first_too() {
    main(async {
        let temp = Temp::with(b"-file-");
        let (client, server) = pair([delay_send(true)]).await;
        inet::setopts(client, [packet(1)]).unwrap();
        for _ in 0..20 {
            gen_tcp::send(client, "a").await.unwrap();
            assert_eq!(sendfile(&temp.0, client).await, Ok(6));
            gen_tcp::send(client, "b").await.unwrap();
            assert_eq!(read(server, 10).await.0, b"\x01a-file-\x01b");
        }
    });
}

/// SFL-8: one at a time.
#[test]
fn a_second_file_at_the_same_time_is_einval() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        let (client, server) = narrow([]).await;
        let given = standing_still(&temp, client).await;
        assert_eq!(sendfile(&temp.0, client).await, Err(Error::Einval));
        assert!(read(server, LARGE).await.0 == pattern(LARGE));
        assert_eq!(given.get().await, Ok(LARGE as u64));
        let next = elsewhere(async move { sendfile(&temp.0, client).await });
        read(server, LARGE).await;
        assert_eq!(next.get().await, Ok(LARGE as u64));
    });
}

/// SFL-10: the socket is corked around it, unless the user had it so.
#[test]
fn nopush_is_set_for_it_and_taken_back() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        for own in [false, true] {
            let (client, server) = narrow([]).await;
            inet::setopts(client, [nopush(own)]).unwrap();
            let given = standing_still(&temp, client).await;
            assert!(nopush_of(client));
            read(server, LARGE).await;
            assert_eq!(given.get().await, Ok(LARGE as u64));
            assert_eq!(nopush_of(client), own);
        }
    });
}

/// SFL-11 as of part 9, row 34: `send_timeout` counts while the file stands still. As with a send,
/// the rest is sent all the same (STM-2), and what is sent later is behind it (STM-5).
#[test]
fn a_peer_that_does_not_read_is_a_timeout() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        let (client, server) = narrow([send_timeout(300)]).await;
        let given = standing_still(&temp, client).await;
        assert_eq!(given.get().await, Err(Error::Timeout));
        assert_eq!(sendfile(&temp.0, client).await, Err(Error::Einval));
        gen_tcp::send(client, "behind").await.unwrap();
        let (came, _) = read(server, LARGE + 6).await;
        assert!(came == [&pattern(LARGE)[..], b"behind"].concat());
        common::eventually(|| !nopush_of(client)).await;
    });
}

/// Row 34: what counts is standing still. A file that moves slowly has no limit.
#[test]
fn a_file_that_moves_does_not_time_out() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        let (client, server) = narrow([send_timeout(2000)]).await;
        let path = temp.0.clone();
        let given = elsewhere(async move { sendfile(path, client).await });
        let mut came = Vec::new();
        for _ in 0..8 {
            let rest = came.len() + LARGE / 16;
            while came.len() < rest {
                let data = gen_tcp::recv_timeout(server, 0, LIMIT).await.unwrap();
                came.extend_from_slice(&data);
            }
            assert!(given.goes_on(Duration::from_millis(350)).await);
        }
        let rest = LARGE - came.len();
        came.extend(read(server, rest).await.0);
        assert!(came == pattern(LARGE));
        assert_eq!(given.get().await, Ok(LARGE as u64));
    });
}

/// STM-4: with a time of zero it never waits.
#[test]
fn with_no_time_at_all_it_does_not_wait() {
    main(async {
        let (temp, short) = (Temp::with(&pattern(LARGE)), Temp::with(b"short"));
        let (client, server) = narrow([send_timeout(0)]).await;
        assert_eq!(sendfile(&short.0, client).await, Ok(5));
        assert_eq!(sendfile(&temp.0, client).await, Err(Error::Timeout));
        assert!(read(server, LARGE + 5).await.0 == [&b"short"[..], &pattern(LARGE)].concat());
    });
}

/// STM-7 as of row 9: with `send_timeout_close` the connection ends, and the peer is not left to
/// take a part for the whole.
#[test]
fn a_timeout_may_close() {
    main(async {
        let temp = Temp::with(&pattern(LARGE));
        let options = [
            send_timeout(100),
            send_timeout_close(true),
            show_econnreset(true),
        ];
        let (client, server) = narrow(options).await;
        assert_eq!(sendfile(&temp.0, client).await, Err(Error::Timeout));
        assert_eq!(sendfile(&temp.0, client).await, Err(Error::Enotconn));
        let (came, end) = read(server, LARGE).await;
        assert!(came.len() < LARGE);
        assert_eq!(end, Some(Error::Econnreset));
    });
}

/// A file counts as one send, when it is over; OTP does not count it.
#[test]
fn a_file_is_one_send_of_the_statistics() {
    main(async {
        let temp = Temp::with(&pattern(5000));
        let (client, server) = pair([]).await;
        gen_tcp::send(client, "12345").await.unwrap();
        assert_eq!(sendfile(&temp.0, client).await, Ok(5000));
        read(server, 5005).await;
        let stats = inet::getstat(client, [Stat::SendOct, Stat::SendCnt, Stat::SendMax]).unwrap();
        assert_eq!(
            stats.into_iter().map(|(_, n)| n).collect::<Vec<_>>(),
            [5005, 2, 5000]
        );
        assert_eq!(sendfile_range(&temp.open(), client, 9999, 0).await, Ok(0));
        assert_eq!(
            inet::getstat(client, [Stat::SendCnt]),
            Ok(vec![(Stat::SendCnt, 2)])
        );
    });
}

/// All socket families (erlang/otp#3203), and a file that the system makes as it is read.
#[test]
fn local_sockets_and_files_without_a_size() {
    main(async {
        let name = format!("\0gen_tcp sendfile test {}", std::process::id());
        let options = [binary(), active(false), ip(Address::local(name.clone()))];
        let listener = gen_tcp::listen(0, options).unwrap();
        let to = gen_tcp::Host::local(name);
        let client = gen_tcp::connect(to, 0, [binary(), active(false)])
            .await
            .unwrap();
        let server = gen_tcp::accept(listener).await.unwrap();
        let temp = Temp::with(&pattern(LARGE));
        let given = elsewhere(async move { (sendfile(&temp.0, client).await, temp) });
        assert!(read(server, LARGE).await.0 == pattern(LARGE));
        assert_eq!(given.get().await.0, Ok(LARGE as u64));
        if let Ok(version) = fs::read("/proc/version") {
            let sent = sendfile("/proc/version", client).await;
            assert_eq!(sent, Ok(version.len() as u64));
            assert_eq!(read(server, version.len()).await.0, version);
        }
    });
}

/// A file without blocks, open for reading.
fn sparse(size: u64) -> (Temp, File) {
    let temp = Temp::new();
    let mut options = OpenOptions::new();
    let file = options
        .create_new(true)
        .read(true)
        .write(true)
        .open(&temp.0);
    let file = file.unwrap();
    file.set_len(size).unwrap();
    (temp, file)
}

/// SFL-2 beyond 32 bits: the offset, and how much there is from there on.
#[test]
fn offsets_have_64_bits() {
    main(async {
        let (_temp, file) = sparse((5 << 32) + 70_000);
        std::os::unix::fs::FileExt::write_all_at(&file, b"far", 5 << 32).unwrap();
        let (client, server) = pair([]).await;
        let given = elsewhere(async move { sendfile_range(&file, client, 5 << 32, 0).await });
        let (came, _) = read(server, 70_000).await;
        assert!(came.starts_with(b"far\0") && came.len() == 70_000);
        assert_eq!(given.get().await, Ok(70_000));
    });
}

/// SFL-14, SEN-10: more than 2 GiB.
#[test]
#[ignore = "moves 2 GiB through the loopback interface, which takes more than 10 s on two cores"]
fn more_than_two_gigabytes() {
    const SIZE: u64 = (1 << 31) + (1 << 20) + 1;
    main(async {
        let (_temp, file) = sparse(SIZE);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = gen_tcp::connect(HOST, port, [active(false)]).await.unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let reader = elsewhere(async move {
            let count = move || count(&mut stream);
            runtime::blocking(count).await.unwrap()
        });
        assert_eq!(sendfile_range(&file, client, 0, 0).await, Ok(SIZE));
        gen_tcp::close(client).await.unwrap();
        assert_eq!(reader.get().await, SIZE);
    });
}

fn count(stream: &mut TcpStream) -> u64 {
    let (mut buffer, mut all) = (vec![0; 1 << 20], 0);
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return all,
            n => all += n as u64,
        }
    }
}
