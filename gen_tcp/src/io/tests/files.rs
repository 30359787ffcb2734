//! Files: the verb `sendfile`, by the kernel and by reading and writing.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

use super::*;

/// A file with these bytes and no name.
fn file(bytes: &[u8]) -> File {
    let path = std::env::temp_dir().join(format!("gen_tcp_io_files_{}", std::process::id()));
    let path = path.with_extension(format!("{:?}", std::thread::current().id()));
    let options = &mut File::options();
    let options = options.read(true).write(true).create(true).truncate(true);
    let mut file = options.open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// The way of the kernel, and the way without it.
type Way = fn(&Sock, BorrowedFd<'_>, u64, usize) -> io::Result<usize>;

const WAYS: [Way; 2] = [
    |sock, file, offset, max| Real.sendfile(sock, file, offset, max),
    |sock, file, offset, max| copy_file(&Real, sock, file, offset, max),
];

#[test]
fn a_part_of_a_file_is_sent_and_its_position_stays() {
    let listener = listen([ip(LOOPBACK)]);
    let (client, server) = pair(&listener, []);
    let mut file = file(b"0123456789");
    file.seek(SeekFrom::Start(4)).unwrap();
    for send in WAYS {
        assert_eq!(send(&client, file.as_fd(), 2, 3).unwrap(), 3);
        assert_eq!(read(&server), b"234");
        assert_eq!(send(&client, file.as_fd(), 8, usize::MAX).unwrap(), 2);
        assert_eq!(read(&server), b"89");
        assert_eq!(send(&client, file.as_fd(), 10, 5).unwrap(), 0);
        assert_eq!(send(&client, file.as_fd(), 1 << 40, 5).unwrap(), 0);
    }
    assert_eq!(file.stream_position().unwrap(), 4);
}

#[test]
fn a_kernel_that_is_full_says_so() {
    let listener = listen([ip(LOOPBACK), recbuf(4096)]);
    let file = file(&vec![7; 1 << 20]);
    for send in WAYS {
        let (client, _server) = pair(&listener, [sndbuf(4096)]);
        let mut sent = 0;
        let full = loop {
            match send(&client, file.as_fd(), sent, 1 << 20) {
                Ok(n) => sent += n as u64,
                Err(error) => break error,
            }
        };
        assert!(0 < sent && sent < 1 << 20);
        assert_eq!(Error::from(full), Error::Eagain);
    }
}

#[test]
fn what_cannot_be_sent() {
    let listener = listen([ip(LOOPBACK)]);
    let (client, server) = pair(&listener, []);
    let whole = file(b"bytes");
    let written = File::create("/dev/null").unwrap();
    let folder = File::open(std::env::temp_dir()).unwrap();
    let (pipe, _end) = std::io::pipe().unwrap();
    for send in WAYS {
        for (file, expected) in [
            (written.as_fd(), Error::Ebadf),
            (folder.as_fd(), Error::Eisdir),
            (pipe.as_fd(), Error::Espipe),
        ] {
            assert_eq!(reason(send(&client, file, 0, 5)), expected);
        }
        assert_eq!(
            reason(send(&client, whole.as_fd(), u64::MAX, 5)),
            Error::Einval
        );
        assert_eq!(
            reason(send(&Sock::Sim(7), whole.as_fd(), 0, 5)),
            Error::Ebadf
        );
        assert_eq!(reason(send(&listener, whole.as_fd(), 0, 5)), Error::Epipe);
    }
    Real.shutdown(&client, Shutdown::Write).unwrap();
    for send in WAYS {
        assert_eq!(reason(send(&client, whole.as_fd(), 0, 5)), Error::Epipe);
    }
    drop(server);
}
