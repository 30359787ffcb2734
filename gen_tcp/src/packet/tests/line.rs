//! Type line: 6.4.

use super::*;

#[test]
fn lines_keep_their_delimiter_and_cr_is_a_byte() {
    let expected = ["<one\\n>", "<two\\r\\n>", "<\\n>", "<\\r\\n>", "? thr"];
    check(
        &Decoder::new(Kind::Line),
        b"one\ntwo\r\n\n\r\nthr",
        &expected,
    );
}

#[test]
fn a_line_longer_than_the_buffer_comes_in_pieces() {
    let input = b"0123456789abcdefghijKLM\nshort\n123456789\n1234567890\nno newline";
    let expected = [
        "<0123456789>",
        "<abcdefghij>",
        "<KLM\\n>",
        "<short\\n>",
        "<123456789\\n>",
        "<1234567890>",
        "<\\n>",
        "<no newline>",
        "? ",
    ];
    check(&buffered(Kind::Line, 10), input, &expected);
    check(&buffered(Kind::Line, 0), b"a\n", &["<a>", "<\\n>", "? "]);
    assert_eq!(
        decode(Kind::Line, &[b'x'; 100_000], 0),
        Ok(Step::More { total: None })
    );
}

#[test]
fn packet_size_counts_the_delimiter() {
    let decoder = limited(Kind::Line, 6);
    check(&decoder, b"12345\n123456", &["<12345\\n>", "? 123456"]);
    check(&decoder, b"12345\n123456\n", &["<12345\\n>", "emsgsize"]);
    check(&decoder, b"12345\n1234567", &["<12345\\n>", "emsgsize"]);
    check(&decoder, b"much too long\nok\n", &["emsgsize"]);
}

/// OTP cuts at the buffer even then.
#[test]
fn section_9_18_packet_size_and_not_the_buffer_is_the_limit() {
    let mut decoder = buffered(Kind::Line, 8);
    decoder.set_packet_size(20);
    check(
        &decoder,
        b"a line of 15 ch\n",
        &["<a line of 15 ch\\n>", "? "],
    );
    check(&decoder, b"and one of more than twenty\n", &["emsgsize"]);
}

#[test]
fn the_delimiter_changes_with_bytes_already_searched() {
    let mut decoder = Decoder::new(Kind::Line);
    let mut input = b"a;b".to_vec();
    let mut terms = Vec::new();
    assert_eq!(drain(&mut decoder, &mut input, &mut terms), "? a;b");
    decoder.set_delimiter(b';');
    assert_eq!(decoder.delimiter(), b';');
    assert_eq!(drain(&mut decoder, &mut input, &mut terms), "? b");
    input.extend_from_slice(b"\n;\xff\0");
    decoder.set_delimiter(0xff);
    assert_eq!(drain(&mut decoder, &mut input, &mut terms), "? \\x00");
    decoder.set_delimiter(0);
    assert_eq!(drain(&mut decoder, &mut input, &mut terms), "? ");
    assert_eq!(terms, ["<a;>", "<b\\n;\\xff>", "<\\x00>"]);
}

#[test]
fn bytes_put_back_in_front_are_searched_after_rescan() {
    let mut decoder = Decoder::new(Kind::Line);
    assert_eq!(decoder.decode(b"tail"), Ok(Step::More { total: None }));
    decoder.rescan();
    let mut terms = Vec::new();
    assert_eq!(
        drain(&mut decoder, &mut b"x\ntail".to_vec(), &mut terms),
        "? tail"
    );
    assert_eq!(terms, ["<x\\n>"]);
}

#[test]
fn a_smaller_limit_holds_for_bytes_already_searched() {
    let mut decoder = Decoder::new(Kind::Line);
    let mut input = b"0123456789".to_vec();
    let mut terms = Vec::new();
    assert_eq!(drain(&mut decoder, &mut input, &mut terms), "? 0123456789");
    decoder.set_line_max(4);
    assert_eq!(drain(&mut decoder, &mut input, &mut terms), "? 89");
    assert_eq!(terms, ["<0123>", "<4567>"]);
    decoder.set_packet_size(1);
    assert_eq!(decoder.decode(&input), Err(TooLong));
    assert_eq!(decoder.decode(&input), Err(TooLong), "and again");
    decoder.set_packet_size(0);
    assert_eq!(decoder.packet_size(), 0);
    assert_eq!(drain(&mut decoder, &mut input, &mut terms), "? 89");
}
