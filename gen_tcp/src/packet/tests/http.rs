//! Types http, httph and their binary forms: 6.5, and the recorded behaviour that goes beyond.

use super::*;

#[test]
fn request_lines_of_the_contract() {
    for (line, request) in REQUESTS {
        let expected = format!("{{http_request,{request}}}");
        for end in ["\r\n", "\n"] {
            check_first(Kind::Http, &[(&format!("{line}{end}"), &expected)]);
            check_first(Kind::HttpBin, &[(&format!("{line}{end}behind"), &expected)]);
        }
    }
    // Of several CR one belongs to the end of the line.
    let cr = (
        "GET /\r\r\n",
        "{http_request,'GET',{abs_path,\"/\\r\"},{0,9}}",
    );
    check_first(Kind::Http, &[cr]);
    for method in ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE"] {
        let expected = format!("{{http_request,'{method}',{{abs_path,\"/\"}},{{0,9}}}}");
        check_first(Kind::Http, &[(&format!("{method} /\n"), &expected)]);
    }
}

#[test]
fn an_empty_line_is_never_too_long() {
    for (input, consumed) in [("\r\n", 2), ("\nGET", 1)] {
        let mut decoder = Decoder::new(Kind::Http);
        decoder.set_packet_size(1);
        let Ok(Step::Packet(packet)) = decoder.decode(input.as_bytes()) else {
            panic!("no packet: {input:?}");
        };
        assert_eq!(packet.consumed, consumed);
    }
}

#[test]
fn plain_lines_are_bytes_and_lead_to_no_headers() {
    let mut decoder = Decoder::new(Kind::Http);
    decoder.set_plain(true);
    // A start line ends with its newline, whatever follows; so does each line here.
    for line in ["GET / HTTP/1.1\r\n", "A: b\r\n", " c\r\n", "\r\n"] {
        let input = format!("{line} behind");
        assert_eq!(
            decoder.decode(input.as_bytes()),
            Ok(Step::bytes(line.len(), 0..line.len())),
        );
    }
}

#[test]
fn status_lines_of_the_contract() {
    check_first(
        Kind::Http,
        &[
            ("HTTP/1.1 200 OK\r\n", "{http_response,{1,1},200,\"OK\"}"),
            ("HTTP/1.1 200\r\n", "{http_response,{1,1},200,\"\"}"),
            ("HTTP/1.1 200 \r\n", "{http_response,{1,1},200,\"\"}"),
            (
                "HTTP/1.0 99999 a b  \r\n",
                "{http_response,{1,0},99999,\"a b  \"}",
            ),
            ("HTTP/1.1 \t007\t OK\n", "{http_response,{1,1},7,\"OK\"}"),
            ("HTTP/1.1 \n", "{http_response,{1,1},0,\"\"}"),
        ],
    );
}

#[test]
fn lines_that_cannot_be_parsed_come_whole() {
    let start_lines = [
        "G(T / HTTP/1.1",
        " GET / HTTP/1.1",
        "GET",
        "GET ",
        "GET /a b HTTP/1.1",
        "GET / HTTP/1",
        "GET / HTTP/1.",
        "GET / HTTP/.1",
        "GET / http/1.1",
        "HTTP/1.1 xx OK",
        "HTTP/1.1  OK",
        "HTTP/1.1 200OK",
        "HTTP/1.1",
        "HTTP/",
        "",
        // Where OTP's numbers wrap.
        "GET / HTTP/4294967297.1",
        "HTTP/1.1 99999999999 OK",
    ];
    for line in start_lines {
        let line = format!("{line}\r\n");
        let expected = format!("{{http_error,{}}}", string(line.as_bytes()));
        check_first(Kind::Http, &[(&line, &expected)]);
    }
    for line in [
        "Host : a",
        "Host",
        "a b: c",
        " b: c",
        "GET / HTTP/1.1",
        "Host\r\n : a",
    ] {
        let line = format!("{line}\r\n");
        let expected = format!("{{http_error,{}}}", string(line.as_bytes()));
        check_first(Kind::HttpHeader, &[(&format!("{line}x"), &expected)]);
    }
}

#[test]
fn header_lines_of_the_contract() {
    check_first(
        Kind::HttpHeader,
        &[
            ("Host:a\r\nx", "{http_header,14,'Host',\"Host\",\"a\"}"),
            ("Host: a\r\nx", "{http_header,14,'Host',\"Host\",\"a\"}"),
            (
                "host:  a b  \r\nx",
                "{http_header,14,'Host',\"host\",\"a b  \"}",
            ),
            (
                "CONTENT-TYPE: x\r\nx",
                "{http_header,42,'Content-Type',\"CONTENT-TYPE\",\"x\"}",
            ),
            (
                "X-foo-BAR: v\r\nx",
                "{http_header,0,\"X-Foo-Bar\",\"X-foo-BAR\",\"v\"}",
            ),
            ("Host:\r\nx", "{http_header,14,'Host',\"Host\",\"\"}"),
            (":a\r\nx", "{http_header,0,\"\",\"\",\"a\"}"),
            (
                "Host: a\r\n b\r\nx",
                "{http_header,14,'Host',\"Host\",\"a\\r\\n b\"}",
            ),
            ("\r\n", "http_eoh"),
            ("\n", "http_eoh"),
            // Recorded beyond the contract's table.
            (
                "Host:\r\n a\nx",
                "{http_header,14,'Host',\"Host\",\"\\r\\n a\"}",
            ),
            ("a: b\r\r\nx", "{http_header,0,\"A\",\"a\",\"b\\r\"}"),
            ("--a-b:c\r\nx", "{http_header,0,\"--A-B\",\"--a-b\",\"c\"}"),
            ("x--ab:c\r\nx", "{http_header,0,\"X--ab\",\"x--ab\",\"c\"}"),
            ("\r\n b", "http_eoh"),
            ("a\n b", "{http_error,\"a\\n\"}"),
        ],
    );
}

#[test]
fn long_names_are_not_respelled() {
    for (bytes, respelled) in [(50, true), (51, false)] {
        let name = format!("x-{}", "y".repeat(bytes - 2));
        let field = if respelled {
            name.replace("x-y", "X-Y")
        } else {
            name.clone()
        };
        let expected = format!("{{http_header,0,\"{field}\",\"{name}\",\"v\"}}");
        check_first(
            Kind::HttpHeader,
            &[(&format!("{name}: v\r\n\r\n"), &expected)],
        );
    }
}

#[test]
fn every_known_field_has_its_index_in_any_case() {
    let known = "Cache-Control Connection Date Pragma Transfer-Encoding Upgrade Via Accept \
        Accept-Charset Accept-Encoding Accept-Language Authorization From Host If-Modified-Since \
        If-Match If-None-Match If-Range If-Unmodified-Since Max-Forwards Proxy-Authorization Range \
        Referer User-Agent Age Location Proxy-Authenticate Public Retry-After Server Vary Warning \
        Www-Authenticate Allow Content-Base Content-Encoding Content-Language Content-Length \
        Content-Location Content-Md5 Content-Range Content-Type Etag Expires Last-Modified \
        Accept-Ranges Set-Cookie Set-Cookie2 X-Forwarded-For Cookie Keep-Alive Proxy-Connection";
    let mut count = 0;
    for (index, name) in (1..).zip(known.split_whitespace()) {
        for original in [name.to_string(), name.to_lowercase(), name.to_uppercase()] {
            let expected = format!("{{http_header,{index},'{name}',\"{original}\",\"v\"}}");
            check_first(
                Kind::HttpHeaderBin,
                &[(&format!("{original}:v\n\n"), &expected)],
            );
        }
        count = index;
    }
    assert_eq!(count, 52);
}

#[test]
fn requests_and_headers_alternate_by_themselves() {
    let input =
        b"GET / HTTP/1.1\r\nHost: h\r\nbad line\r\n\r\n\r\nHTTP/1.1 304\n\nPOST /f HTTP/1.0\n\nPO";
    let expected = [
        GET,
        "{http_header,14,'Host',\"Host\",\"h\"}",
        "{http_error,\"bad line\\r\\n\"}",
        "http_eoh",
        "{http_error,\"\\r\\n\"}",
        "{http_response,{1,1},304,\"\"}",
        "http_eoh",
        "{http_request,'POST',{abs_path,\"/f\"},{1,0}}",
        "http_eoh",
        "? PO",
    ];
    check(&Decoder::new(Kind::Http), input, &expected);
    check(&Decoder::new(Kind::HttpBin), input, &expected);
}

#[test]
fn httph_knows_headers_only() {
    let input = b"Host: a\r\n\r\nX-b: c\r\n\r\n\r\n\nGET / HTTP/1.1\r\nDate: now\r\n\r\n";
    let expected = [
        "{http_header,14,'Host',\"Host\",\"a\"}",
        "http_eoh",
        "{http_header,0,\"X-B\",\"X-b\",\"c\"}",
        "http_eoh",
        "http_eoh",
        "http_eoh",
        "{http_error,\"GET / HTTP/1.1\\r\\n\"}",
        "{http_header,3,'Date',\"Date\",\"now\"}",
        "http_eoh",
        "? ",
    ];
    check(&Decoder::new(Kind::HttpHeader), input, &expected);
    check(&Decoder::new(Kind::HttpHeaderBin), input, &expected);
}

#[test]
fn a_header_waits_for_the_first_byte_of_the_next_line() {
    let start = "GET / HTTP/1.1\r\n";
    let host = "{http_header,14,'Host',\"Host\",\"h\"}";
    let check = |headers: &str, expected: &[&str]| {
        let input = format!("{start}{headers}");
        super::check(
            &Decoder::new(Kind::Http),
            input.as_bytes(),
            &[&[GET], expected].concat(),
        );
    };
    check("Host: h\r\n", &["? Host: h\\r\\n"]);
    check("Host: h\r\n\r", &[host, "? \\r"]);
    check("Host: h\r\n\r\n", &[host, "http_eoh", "? "]);
    check("Host: h\r\n ", &["? Host: h\\r\\n "]);
    check(
        "X-Long: one\r\n two\r\n\tthree\r\nHost: h\r\n\n",
        &[
            "{http_header,0,\"X-Long\",\"X-Long\",\"one\\r\\n two\\r\\n\\tthree\"}",
            host,
            "http_eoh",
            "? ",
        ],
    );
    check(
        "\r\n not a header\r\n",
        &["http_eoh", "{http_error,\" not a header\\r\\n\"}", "? "],
    );
    check(
        " no\r\n\r\n",
        &["{http_error,\" no\\r\\n\"}", "http_eoh", "? "],
    );
}

#[test]
fn a_line_may_be_as_long_as_the_buffer_or_packet_size() {
    let request = |path_bytes: usize| {
        let path = "x".repeat(path_bytes);
        format!("GET /{path} HTTP/1.1\r\nA: b\r\n\r\n").into_bytes()
    };
    let outcome = |decoder: Decoder, path_bytes| {
        let input = request(path_bytes);
        let packets = all(decoder.clone(), &input);
        assert_eq!(packets, singly(decoder, &input));
        packets.len() == 4
    };
    assert!(outcome(buffered(Kind::HttpBin, 1460), 1444), "1460 bytes");
    assert!(!outcome(buffered(Kind::HttpBin, 1460), 1445), "1461 bytes");
    assert!(outcome(buffered(Kind::HttpBin, 4000), 3000));
    let mut with_packet_size = buffered(Kind::HttpBin, 1460);
    with_packet_size.set_packet_size(4000);
    assert!(outcome(with_packet_size, 3000));
    assert!(outcome(limited(Kind::Http, 1460), 1444));
    assert!(!outcome(limited(Kind::Http, 1460), 1445));
    // Eight kilobytes in a header line: OTP's otp_9389.
    let long = "y".repeat(8192);
    let expected = format!("{{http_header,0,\"X\",\"x\",\"{long}\"}}");
    let header = format!("x: {long}\r\n\r\n").into_bytes();
    check(
        &limited(Kind::HttpHeader, 16384),
        &header,
        &[&expected, "http_eoh", "? "],
    );
}

#[test]
fn folded_lines_count_as_one() {
    let decoder = limited(Kind::HttpHeader, 8);
    check(
        &decoder,
        b"a: b\n c\n\n",
        &["{http_header,0,\"A\",\"a\",\"b\\n c\"}", "http_eoh", "? "],
    );
    check(&decoder, b"a: bc\n d\n\n", &["emsgsize"]);
    check(&decoder, b"a: bcde\n", &["? a: bcde\\n"]);
    check(&decoder, b"a: bcde\n d", &["emsgsize"]);
    check(&decoder, b"a: bcdef", &["emsgsize"]);
}

#[test]
fn section_9_30_addresses_in_brackets() {
    let vectors = [
        ("http://[::1]:80/", "\"[::1]\",80,\"/\""),
        ("http://[::1]:77/v6", "\"[::1]\",77,\"/v6\""),
        ("http://[::1]/v6", "\"[::1]\",undefined,\"/v6\""),
        ("http://[::1]", "\"[::1]\",undefined,\"/\""),
        ("http://[::1]:", "\"[::1]\",undefined,\"/\""),
        ("http://[::1]:x", "\"[::1]\",undefined,\"/\""),
        ("http://[::1]80", "\"[::1]\",undefined,\"/\""),
        ("http://[fe80]/v6", "\"[fe80]\",undefined,\"/v6\""),
        ("http://[::1/", "\"[\",undefined,\"/\""),
        ("http://a[::1]:80/", "\"a[\",undefined,\"/\""),
    ];
    for (target, parts) in vectors {
        let expected = format!("{{http_request,'GET',{{absoluteURI,http,{parts}}},{{1,1}}}}");
        check_first(
            Kind::Http,
            &[(&format!("GET {target} HTTP/1.1\r\n"), &expected)],
        );
    }
}

/// In OTP 25 only the end of the headers ends header mode.
#[test]
fn section_9_36_another_type_starts_the_parser_anew() {
    let mut terms = Vec::new();
    let mut step = |decoder: &mut Decoder, input: &mut Vec<u8>| {
        let Ok(Step::Packet(packet)) = decoder.decode(input) else {
            panic!("no packet in {:?}", input.escape_ascii().to_string());
        };
        terms.push(term(&packet, input));
        input.drain(..packet.consumed);
    };
    let mut decoder = Decoder::new(Kind::Http);
    let mut input = b"GET /\nHost: a\nFrom: b\nDate: c\n\nGET /2\n\n".to_vec();
    step(&mut decoder, &mut input);
    decoder.set_kind(Kind::Http);
    step(&mut decoder, &mut input);
    // The binary form is the same type.
    decoder.set_kind(Kind::HttpBin);
    step(&mut decoder, &mut input);
    // Another type in between is not, nor is httph.
    decoder.set_kind(Kind::Raw);
    decoder.set_kind(Kind::HttpBin);
    step(&mut decoder, &mut input);
    decoder.set_kind(Kind::HttpHeader);
    decoder.set_kind(Kind::HttpHeader);
    step(&mut decoder, &mut input);
    decoder.set_kind(Kind::Http);
    assert_eq!(decoder.kind(), Kind::Http);
    step(&mut decoder, &mut input);
    decoder.set_kind(Kind::HttpHeaderBin);
    step(&mut decoder, &mut input);
    let expected = [
        "{http_request,'GET',{abs_path,\"/\"},{0,9}}",
        "{http_header,14,'Host',\"Host\",\"a\"}",
        "{http_header,13,'From',\"From\",\"b\"}",
        "{http_error,\"Date: c\\n\"}",
        "http_eoh",
        "{http_request,'GET',{abs_path,\"/2\"},{0,9}}",
        "http_eoh",
    ];
    assert_eq!(terms, expected);
}

const GET: &str = "{http_request,'GET',{abs_path,\"/\"},{1,1}}";

/// Lines without their end, and the request.
const REQUESTS: &[(&str, &str)] = &[
    ("GET / HTTP/1.1", "'GET',{abs_path,\"/\"},{1,1}"),
    ("get / HTTP/1.1", "\"get\",{abs_path,\"/\"},{1,1}"),
    ("PATCH / HTTP/1.1", "\"PATCH\",{abs_path,\"/\"},{1,1}"),
    ("GET * HTTP/1.1", "'GET','*',{1,1}"),
    (
        "GET http://a:80/x?y HTTP/1.1",
        "'GET',{absoluteURI,http,\"a\",80,\"/x?y\"},{1,1}",
    ),
    (
        "GET http://a HTTP/1.1",
        "'GET',{absoluteURI,http,\"a\",undefined,\"/\"},{1,1}",
    ),
    (
        "GET HTTP://a:b/ HTTP/1.1",
        "'GET',{absoluteURI,http,\"a\",undefined,\"/\"},{1,1}",
    ),
    (
        "GET https://a/ HTTP/1.1",
        "'GET',{absoluteURI,https,\"a\",undefined,\"/\"},{1,1}",
    ),
    (
        "GET http:// HTTP/1.1",
        "'GET',{absoluteURI,http,\"\",undefined,\"/\"},{1,1}",
    ),
    (
        "GET foo:bar HTTP/1.1",
        "'GET',{scheme,\"foo\",\"bar\"},{1,1}",
    ),
    (
        "CONNECT a:443 HTTP/1.1",
        "\"CONNECT\",{scheme,\"a\",\"443\"},{1,1}",
    ),
    ("GET xy HTTP/1.1", "'GET',\"xy\",{1,1}"),
    ("GET x HTTP/1.1", "'GET',{abs_path,\"x\"},{1,1}"),
    ("GET /", "'GET',{abs_path,\"/\"},{0,9}"),
    ("GET  /  HTTP/1.1  ", "'GET',{abs_path,\"/\"},{1,1}"),
    ("GET / HTTP/12.34", "'GET',{abs_path,\"/\"},{12,34}"),
    // Recorded beyond the contract's table.
    (
        "GET  \t/15\t  HTTP/1.1  \t",
        "'GET',{abs_path,\"/15\"},{1,1}",
    ),
    ("GET / HTTP/1.1 and more", "'GET',{abs_path,\"/\"},{1,1}"),
    ("G\x7fT : HTTP/1.1", "\"G\\x7fT\",{abs_path,\":\"},{1,1}"),
    ("GET :x HTTP/1.1", "'GET',{scheme,\"\",\"x\"},{1,1}"),
    ("GET ** HTTP/1.1", "'GET',\"**\",{1,1}"),
    (
        "GET http:/x HTTP/1.1",
        "'GET',{scheme,\"http\",\"/x\"},{1,1}",
    ),
    (
        "GET hTTpS://b:99999/ HTTP/1.1",
        "'GET',{absoluteURI,https,\"b\",99999,\"/\"},{1,1}",
    ),
    (
        "GET http://h:0/ HTTP/1.1",
        "'GET',{absoluteURI,http,\"h\",undefined,\"/\"},{1,1}",
    ),
    (
        "GET http://h:+1 HTTP/1.1",
        "'GET',{absoluteURI,http,\"h\",undefined,\"/\"},{1,1}",
    ),
    (
        "GET http://h:1:2 HTTP/1.1",
        "'GET',{absoluteURI,http,\"h\",undefined,\"/\"},{1,1}",
    ),
    (
        "GET https://m@h?q HTTP/1.1",
        "'GET',{absoluteURI,https,\"m@h?q\",undefined,\"/\"},{1,1}",
    ),
];
