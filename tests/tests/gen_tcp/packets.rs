//! Lines 58 to 63 and 65: packet types on real connections.

use gen_tcp::packet::{Field, HttpPacket, Method, Uri};
use gen_tcp::{Data, Error, PacketType, Socket, SslTls, Tcp, inet, opt::*};
use runtime::prelude::*;
use tests::foreign::connected;
use tests::sockets::{eventually, message, quiet, recv, unread, until_unread};
use tests::{Foreign, LIMIT, next, real};

/// A type, what comes in, what is delivered.
type Case = (PacketType, &'static [u8], &'static [&'static [u8]]);

/// One packet or more of each type that delivers bytes, as the contract's tables have them.
const BYTES: [Case; 20] = [
    (PacketType::One, b"\x03abc\x00\x01d", &[b"abc", b"", b"d"]),
    (PacketType::Two, b"\0\0\0\x02ab\0\x01c", &[b"", b"ab", b"c"]),
    (PacketType::Four, b"\0\0\0\0\0\0\0\x03abc", &[b"", b"abc"]),
    (
        PacketType::Asn1,
        b"\x30\x02\x01\x02\x30\0",
        &[b"\x30\x02\x01\x02", b"\x30\0"],
    ),
    (
        PacketType::Asn1,
        b"\x30\x81\x01\x05",
        &[b"\x30\x81\x01\x05"],
    ),
    (
        PacketType::Asn1,
        b"\x1f\x83\x27\x01\x05",
        &[b"\x1f\x83\x27\x01\x05"],
    ),
    // Indefinite length: taken as length 0.
    (
        PacketType::Asn1,
        b"\x30\x80\x01\x01\x05",
        &[b"\x30\x80", b"\x01\x01\x05"],
    ),
    (
        PacketType::Sunrm,
        b"\x80\0\0\x02\x01\x02",
        &[b"\x80\0\0\x02\x01\x02"],
    ),
    (
        PacketType::Sunrm,
        b"\0\0\0\x02\x01\x02",
        &[b"\0\0\0\x02\x01\x02"],
    ),
    (
        PacketType::Cdr,
        b"GIOP\x01\0\0\0\0\0\0\x01\x09",
        &[b"GIOP\x01\0\0\0\0\0\0\x01\x09"],
    ),
    (
        PacketType::Cdr,
        b"GIOP\x01\0\x01\0\x01\0\0\0\x09",
        &[b"GIOP\x01\0\x01\0\x01\0\0\0\x09"],
    ),
    // Padding is consumed and not delivered.
    (
        PacketType::Fcgi,
        b"\x01\x01\0\x01\0\x02\x01\0\x09\x09\0\x01\x01\0\x01\0\x01\0\0\x08",
        &[
            b"\x01\x01\0\x01\0\x02\x01\0\x09\x09",
            b"\x01\x01\0\x01\0\x01\0\0\x08",
        ],
    ),
    (PacketType::Fcgi, b"\x01\x05\0\x01\0\0\xff\0", &[]),
    (
        PacketType::Tpkt,
        b"\x03\0\0\x06\x01\x02",
        &[b"\x03\0\0\x06\x01\x02"],
    ),
    (
        PacketType::Tpkt,
        b"\x03\0\0\x04\x03\0\0\x04",
        &[b"\x03\0\0\x04", b"\x03\0\0\x04"],
    ),
    (
        PacketType::Line,
        b"a\r\n\nbc\n",
        &[b"a\r\n", b"\n", b"bc\n"],
    ),
    (PacketType::Line, b"no end", &[]),
    (
        PacketType::SslTls,
        b"\x16\x03\x01\0\x02\x01\x02",
        &[b"\x01\x02"],
    ),
    (PacketType::SslTls, b"\x17\x03\x03\0\0", &[b""]),
    (
        PacketType::SslTls,
        b"\x80\x05\x01\x03\x01\0\0",
        &[b"\x01\0\0\x04\x03\x01\0\0"],
    ),
];

/// Inputs that are refused as soon as the header is there.
const REFUSED: [(PacketType, &[u8]); 11] = [
    (PacketType::Four, b"\x7f\xff\xff\xff"),
    (PacketType::Four, b"\x80\0\0\0"),
    (PacketType::Four, b"\xff\xff\xff\xff"),
    (PacketType::Asn1, b"\x30\x85\x01\x01\x01\x01\x01"),
    (PacketType::Asn1, b"\x30\x84\xff\x01\x01\x01"),
    (PacketType::Cdr, b"XIOP\x01\0\0\0\0\0\0\x01"),
    (PacketType::Fcgi, b"\x02\x01\0\x01\0\x02\x01\0"),
    (PacketType::Tpkt, b"\x03\0\0\x03"),
    (PacketType::Tpkt, b"\x02\0\0\x06"),
    (PacketType::SslTls, b"\x80\x01\x01\x03\x01"),
    (PacketType::Sunrm, b"\x7f\xff\xff\xff"),
];

/// Writes byte by byte, each when the one before has been read.
async fn write_singly(foreign: &Foreign, socket: Socket, bytes: &[u8]) {
    for byte in bytes {
        foreign.write([*byte]);
        eventually(|| gen_tcp::with_fd(socket, |_| ()).is_err() || unread(socket) == 0).await;
    }
}

/// The bytes of a message that has data of whatever shape.
fn body_of(message: &Tcp) -> Vec<u8> {
    match message {
        Tcp::Data(_, data) => data.to_vec(),
        Tcp::SslTls(_, record) => record.data.to_vec(),
        other => panic!("came {other:?}"),
    }
}

// 6.3
#[test]
fn t58_every_packet_type_byte_by_byte() {
    real(2, async {
        for (kind, input, packets) in BYTES {
            let (socket, foreign) = connected([packet(kind), active(true)]).await;
            write_singly(&foreign, socket, input).await;
            for expected in packets {
                assert_eq!(body_of(&message(socket).await), *expected, "{kind:?}");
            }
            // And with a recv that waits, and all at once.
            inet::setopts(socket, [active(false)]).expect("it is connected");
            for singly in [true, false] {
                let (socket, foreign) = connected([packet(kind)]).await;
                let me = self_pid();
                let count = packets.len();
                spawn(async move {
                    for _ in 0..count {
                        send(me, recv(socket, 0).await);
                    }
                    let more = gen_tcp::recv_timeout(socket, 0, LIMIT).await;
                    send(me, more.map(|data| data.to_vec()));
                });
                if singly {
                    write_singly(&foreign, socket, input).await;
                } else {
                    foreign.write(input);
                }
                for expected in packets {
                    let got: Result<Vec<u8>, Error> = next().await;
                    assert_eq!(got.as_deref(), Ok(*expected), "{kind:?}");
                }
                foreign.finish();
                let end: Result<Vec<u8>, Error> = next().await;
                assert_eq!(end, Err(Error::Closed), "{kind:?}");
            }
        }
        quiet::<Tcp>().await;
    });
}

// 6.7, 2.2: behind a packet the rest of the stream is in the system still.
#[test]
fn t58_without_read_ahead_nothing_behind_a_packet_is_read() {
    real(2, async {
        for (kind, input, packets) in BYTES {
            if packets.is_empty() || kind == PacketType::Line {
                continue;
            }
            for mode in [false, true] {
                let (socket, foreign) = connected([packet(kind), read_ahead(false)]).await;
                foreign.write(input);
                foreign.write(b"tail");
                until_unread(socket, input.len() + 4).await;
                if mode {
                    let count = i64::try_from(packets.len()).expect("they are few");
                    inet::setopts(socket, [active(count)]).expect("it is connected");
                }
                for expected in packets {
                    let got = match mode {
                        true => body_of(&message(socket).await),
                        false => recv(socket, 0).await.expect("it is there"),
                    };
                    assert_eq!(got, *expected, "{kind:?}");
                }
                assert_eq!(unread(socket), 4, "{kind:?} active {mode}");
                if mode {
                    assert_eq!(message(socket).await, Tcp::Passive(socket));
                }
                inet::setopts(socket, [packet(0)]).expect("it is connected");
                assert_eq!(recv(socket, 4).await, Ok(b"tail".to_vec()));
            }
        }
        // With it the buffer takes what comes.
        let (socket, foreign) = connected([packet(1)]).await;
        foreign.write(b"\x01atail");
        until_unread(socket, 6).await;
        assert_eq!(recv(socket, 0).await, Ok(b"a".to_vec()));
        assert_eq!(unread(socket), 0);
    });
}

// 6.3
#[test]
fn t58_a_bad_header_is_refused_before_any_body() {
    real(2, async {
        for (kind, input) in REFUSED {
            // The last byte decides; the ones before it do not.
            let (beginning, last) = input.split_at(input.len() - 1);
            let (socket, foreign) = connected([packet(kind)]).await;
            foreign.write(beginning);
            let time = std::time::Duration::from_millis(10);
            let early = gen_tcp::recv_timeout(socket, 0, time).await;
            assert_eq!(early, Err(Error::Timeout), "{kind:?} {input:?}");
            foreign.write(last);
            assert_eq!(
                recv(socket, 0).await,
                Err(Error::Emsgsize),
                "{kind:?} {input:?}"
            );
            assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
            let (socket, foreign) = connected([packet(kind), active(true)]).await;
            foreign.write(input);
            assert_eq!(
                message(socket).await,
                Tcp::Error(socket, Error::Emsgsize),
                "{kind:?}"
            );
            assert_eq!(message(socket).await, Tcp::Closed(socket));
        }
    });
}

// 6.3, RCV-13
#[test]
fn t59_a_packet_4_header_with_the_top_bit_is_emsgsize() {
    real(2, async {
        for header in [0x8000_0000u32, 0xffff_ffff, 0x7fff_ffff] {
            let (socket, foreign) = connected([packet(4)]).await;
            foreign.write(header.to_be_bytes());
            assert_eq!(recv(socket, 0).await, Err(Error::Emsgsize));
            assert_eq!(inet::states(socket), [""; 0]);
            assert_eq!(recv(socket, 0).await, Err(Error::Enotconn));
            assert_eq!(foreign.read_to_end().await.0, b"", "the peer is told");
        }
        // Behind a good packet of the same read it is told at once, too (section 9 row 20).
        let (socket, foreign) = connected([packet(4), active(true)]).await;
        foreign.write(b"\0\0\0\x01a\x80\0\0\0");
        assert_eq!(body_of(&message(socket).await), b"a");
        assert_eq!(message(socket).await, Tcp::Error(socket, Error::Emsgsize));
        assert_eq!(message(socket).await, Tcp::Closed(socket));
        // A length that is allowed is waited for.
        let (socket, foreign) = connected([packet(4)]).await;
        foreign.write(b"\x07\xff\xff\xffx");
        until_unread(socket, 5).await;
        let time = std::time::Duration::from_millis(20);
        let got = gen_tcp::recv_timeout(socket, 0, time).await;
        assert_eq!(got, Err(Error::Timeout));
    });
}

/// What a passive socket with these options gives for this input, until the end.
async fn all(options: &[gen_tcp::Opt], input: &[u8]) -> (Vec<Data>, Error) {
    let (socket, foreign) = connected(options.to_vec()).await;
    foreign.write(input);
    until_unread(socket, input.len()).await;
    foreign.finish();
    let mut packets = Vec::new();
    loop {
        match gen_tcp::recv_timeout(socket, 0, LIMIT).await {
            Ok(data) => packets.push(data),
            Err(error) => return (packets, error),
        }
    }
}

/// As [`all`], for packets that are bytes.
async fn all_bytes(options: &[gen_tcp::Opt], input: &[u8]) -> (Vec<Vec<u8>>, Error) {
    let (packets, end) = all(options, input).await;
    (packets.iter().map(|data| data.to_vec()).collect(), end)
}

// 6.3
#[test]
fn t60_fcgi_padding_is_consumed_and_not_delivered() {
    real(2, async {
        let mut input = Vec::new();
        let mut expected = Vec::new();
        for padding in [0u8, 1, 7, 255] {
            let record = [&b"\x01\x06\0\x01\0\x03"[..], &[padding, 0], b"abc"].concat();
            input.extend_from_slice(&record);
            input.extend(std::iter::repeat_n(0xaa, padding.into()));
            expected.push(record);
        }
        let options = [packet(PacketType::Fcgi)];
        assert_eq!(all_bytes(&options, &input).await, (expected, Error::Closed));
        // Padding counts for packet_size.
        let limited = [packet(PacketType::Fcgi), packet_size(10)];
        let (got, end) = all_bytes(&limited, &input).await;
        assert_eq!((got.len(), end), (3, Error::Emsgsize));
    });
}

// 6.3
#[test]
fn t61_asn1_indefinite_lengths_and_long_tags() {
    real(2, async {
        let long_tag = [&b"\x3f\x81\x82\x83\x84\x05\x82\x01\x00"[..], &[7; 256]].concat();
        let long_length = [&b"\x30\x83\x01\x00\x00"[..], &[9; 65_536]].concat();
        let input = [&b"\x30\x80"[..], &long_tag, b"\x04\x01x", &long_length].concat();
        let expected = vec![
            b"\x30\x80".to_vec(),
            long_tag,
            b"\x04\x01x".to_vec(),
            long_length,
        ];
        let (socket, foreign) = connected([packet(PacketType::Asn1)]).await;
        let writer = foreign.clone();
        spawn_link(async move {
            writer.write_all(input).await.expect("it is read");
            writer.finish();
        });
        for packet in expected {
            assert_eq!(recv(socket, 0).await, Ok(packet));
        }
        assert_eq!(recv(socket, 0).await, Err(Error::Closed));
    });
}

// LIN-2, LIN-3, LIN-4, LIN-5, LIN-6, section 9 row 18
#[test]
fn t62_long_lines_come_in_pieces_or_are_refused() {
    real(2, async {
        let line = packet(PacketType::Line);
        let lines = |lines: &[&str]| lines.iter().map(|l| l.as_bytes().to_vec()).collect();
        let small = [line.clone(), buffer(5)];
        let pieces: Vec<Vec<u8>> = lines(&["01234", "56789", "ab\n", "\n", "1234\n"]);
        let got = all_bytes(&small, b"0123456789ab\n\n1234\nlost").await;
        assert_eq!(got, (pieces, Error::Closed));
        // Longer than packet_size: refused, with or without its end in sight.
        let limited = [line.clone(), packet_size(5), buffer(100)];
        let got = all_bytes(&limited, b"1234\n12345\n").await;
        assert_eq!(got, (lines(&["1234\n"]), Error::Emsgsize));
        let got = all_bytes(&limited, b"123456").await;
        assert_eq!(got, (lines(&[]), Error::Emsgsize));
        // packet_size above the buffer: no cut.
        let wide = [line.clone(), packet_size(1000), buffer(5)];
        let got = all_bytes(&wide, b"0123456789ab\n").await;
        assert_eq!(got, (lines(&["0123456789ab\n"]), Error::Closed));
        // Another delimiter.
        let other = [line, line_delimiter(0)];
        let got = all_bytes(&other, b"a\nb\0\0c\0").await;
        assert_eq!(got, (lines(&["a\nb\0", "\0", "c\0"]), Error::Closed));
    });
}

/// Http packets as short words.
fn http_word(data: &Data) -> String {
    let Data::Http(http) = data else {
        panic!("came {data:?}")
    };
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    match &http.packet {
        HttpPacket::Request {
            method,
            uri,
            version,
        } => {
            let method = match method {
                Method::Known(name) => (*name).to_string(),
                Method::Other(name) => text(name),
            };
            let path = match uri {
                Uri::AbsPath(path) => text(path),
                other => format!("{other:?}"),
            };
            format!("{method} {path} {}.{}", version.0, version.1)
        }
        HttpPacket::Response { status, phrase, .. } => format!("{status} {}", text(phrase)),
        HttpPacket::Header {
            index,
            field,
            value,
            ..
        } => {
            let name = match field {
                Field::Known(name) => (*name).to_string(),
                Field::Other(name) => text(name),
            };
            format!("{index} {name}={}", text(value))
        }
        HttpPacket::EndOfHeaders => "eoh".to_string(),
        HttpPacket::Error(line) => format!("error {}", text(line)),
    }
}

/// What a passive or active socket gives for this input that comes byte by byte, as short words.
async fn http_words(kind: PacketType, mode: bool, input: &[u8], count: usize) -> Vec<String> {
    let (socket, foreign) = connected([packet(kind), active(mode)]).await;
    let me = self_pid();
    if !mode {
        spawn(async move {
            while let Ok(data) = gen_tcp::recv_timeout(socket, 0, LIMIT).await {
                send(me, data);
            }
        });
    }
    write_singly(&foreign, socket, input).await;
    let mut words = Vec::new();
    while words.len() < count {
        words.push(http_word(&match mode {
            true => match message(socket).await {
                Tcp::Http(_, http) => Data::Http(http),
                other => panic!("came {other:?}"),
            },
            false => next::<Data>().await,
        }));
    }
    // And nothing more before the end.
    drop(foreign);
    if mode {
        assert_eq!(message(socket).await, Tcp::Closed(socket));
    }
    words
}

// 6.3, HTP-1, HTP-2, HTP-4
#[test]
fn t58_http_byte_by_byte() {
    real(2, async {
        let request = b"GET /a HTTP/1.1\r\nHost: x\r\n y\r\nbad\r\n\r\nPUT /b HTTP/1.0\n\n";
        let headers = b"Host: x\r\n y\r\nbad\r\n\r\nAge:3\n\n";
        let packets = [r"14 Host=x\r\n y", r"error bad\r\n", "eoh"];
        let requests = [&["GET /a 1.1"], &packets[..], &["PUT /b 1.0", "eoh"]].concat();
        let headers_only = [&packets[..], &["25 Age=3", "eoh"]].concat();
        for mode in [false, true] {
            for (kind, input, expected) in [
                (PacketType::Http, &request[..], &requests),
                (PacketType::HttpBin, &request[..], &requests),
                (PacketType::Httph, &headers[..], &headers_only),
                (PacketType::HttphBin, &headers[..], &headers_only),
            ] {
                let words = http_words(kind, mode, input, expected.len()).await;
                assert_eq!(words, *expected, "{kind:?} active {mode}");
            }
        }
    });
}

// HTP-1, HTP-3, HTP-4, HTP-7, HTP-8
#[test]
fn t63_http_lines_turn_into_packets() {
    real(2, async {
        let input = "GET /a HTTP/1.1\r\nHost: x\r\nX-foo-BAR: 1\r\n 2\r\nbad line\r\nAge:3\n\r\n\
            \r\nPUT /b HTTP/1.0\nhost:y\n\n\
            HTTP/1.1 200 OK\r\n\r\nnonsense\r\nHEAD / HTTP/1.1\r\n";
        let expected = [
            "GET /a 1.1",
            "14 Host=x",
            r"0 X-Foo-Bar=1\r\n 2",
            r"error bad line\r\n",
            "25 Age=3",
            "eoh",
            r"error \r\n",
            "PUT /b 1.0",
            "14 Host=y",
            "eoh",
            "200 OK",
            "eoh",
            r"error nonsense\r\n",
            "HEAD / 1.1",
        ];
        for kind in [PacketType::Http, PacketType::HttpBin] {
            let (packets, end) = all(&[packet(kind)], input.as_bytes()).await;
            let words: Vec<String> = packets.iter().map(http_word).collect();
            assert_eq!(
                (&words[..], end),
                (&expected.map(String::from)[..], Error::Closed)
            );
        }
        // Headers only, without going back to start lines.
        let (packets, _) = all(&[packet(PacketType::Httph)], b"A: 1\r\n\r\nB: 2\r\n\r\n").await;
        let words: Vec<String> = packets.iter().map(http_word).collect();
        assert_eq!(words, ["0 A=1", "eoh", "0 B=2", "eoh"]);
    });
}

// HTP-4: a header waits for the first byte of the next line. HTP-9, HTP-10.
#[test]
fn t63_http_a_header_needs_the_next_byte_and_a_long_line_is_refused() {
    real(2, async {
        let (socket, foreign) = connected([packet(PacketType::Http), active(true)]).await;
        foreign.write(b"GET / HTTP/1.1\r\n");
        assert!(matches!(message(socket).await, Tcp::Http(..)));
        foreign.write(b"Host: a\r\n");
        quiet::<Tcp>().await;
        foreign.write(b"\tb\r\n");
        quiet::<Tcp>().await;
        foreign.write(b"\r");
        match message(socket).await {
            Tcp::Http(_, http) => assert_eq!(http_word(&Data::Http(http)), r"14 Host=a\r\n\tb"),
            other => panic!("came {other:?}"),
        }
        foreign.write(b"\n");
        match message(socket).await {
            Tcp::Http(_, http) => assert_eq!(http.packet, HttpPacket::EndOfHeaders),
            other => panic!("came {other:?}"),
        }
        for options in [vec![packet_size(20)], vec![buffer(20)]] {
            let options = [vec![packet(PacketType::Http)], options].concat();
            let (packets, end) = all(&options, b"GET / HTTP/1.1\r\nx: 45678901234567890\r\n").await;
            assert_eq!((packets.len(), end), (1, Error::Emsgsize));
        }
        // With a larger packet_size the buffer does not matter.
        let options = [packet(PacketType::Http), packet_size(20_000), buffer(20)];
        let line = format!("GET /{} HTTP/1.1\r\n", "a".repeat(9000));
        let (packets, end) = all(&options, line.as_bytes()).await;
        assert_eq!((packets.len(), end), (1, Error::Closed));
    });
}

/// A record of TLS as it is told.
fn record(content_type: u8, version: (u8, u8), data: &'static [u8]) -> SslTls {
    let data = bytes::Bytes::from_static(data);
    SslTls {
        content_type,
        version,
        data,
    }
}

// 6.3, 3.1
#[test]
fn t65_ssl_tls_is_a_tuple_and_an_sslv2_hello_is_converted() {
    real(2, async {
        let input = b"\x16\x03\x01\0\x02\x01\x02\x80\x05\x01\x03\x01\0\0\x17\x03\x03\0\0";
        let expected = [
            record(22, (3, 1), b"\x01\x02"),
            record(22, (3, 1), b"\x01\0\0\x04\x03\x01\0\0"),
            record(23, (3, 3), b""),
        ];
        for form in [binary(), list()] {
            let options = [packet(PacketType::SslTls), form];
            let (packets, end) = all(&options, input).await;
            assert_eq!(
                packets,
                expected
                    .clone()
                    .map(|record| Data::SslTls(Box::new(record)))
            );
            assert_eq!(end, Error::Closed);
            let (socket, foreign) = connected(options.into_iter().chain([active(3)])).await;
            foreign.write(input);
            for record in expected.clone() {
                assert_eq!(message(socket).await, Tcp::SslTls(socket, Box::new(record)));
            }
            assert_eq!(
                message(socket).await,
                Tcp::Passive(socket),
                "each counts as one"
            );
        }
    });
}
