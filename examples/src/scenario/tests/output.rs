//! Terms, printing and transcript: what is equal, and how it looks.

use bytes::Bytes;

use super::super::print::{Names, show};
use super::super::transcript::{self, Class, Outcome};
use super::{Everything, Term, bytes, printed, string, value};

// ---------------------------------------------------------------- terms

#[test]
fn a_string_is_the_list_of_its_bytes() {
    let list = Term::list([Term::Int(97), Term::Int(98)]);
    assert_eq!(string("ab"), list);
    assert_eq!(list, string("ab"));
    assert_eq!(string(""), Term::list([]));
    assert_ne!(string("ab"), Term::list([Term::Int(97)]));
    assert_ne!(
        string("ab"),
        Term::list([Term::Int(97), Term::Int(98 + 256)])
    );
    assert_ne!(string("ab"), bytes(b"ab"));
    assert_ne!(Term::Int(1), Term::Float(1.0));
    assert_eq!(list.as_string(), string("ab").as_string());
    assert_eq!(string("ab").elements(), list.elements());
    assert_eq!(bytes(b"ab").elements(), None);
}

#[test]
fn iodata_is_what_erlang_takes() {
    for (text, expected) in [
        ("<<\"ab\">>", Some("ab")),
        ("\"ab\"", Some("ab")),
        ("[]", Some("")),
        (r#"["a",[$b,[]|<<"c">>],[[<<"d">>]]]"#, Some("abcd")),
        ("[$a|$b]", None),
        ("[a]", None),
        ("[256]", None),
        ("[-1]", None),
        ("[[1|b]]", None),
        ("a", None),
        ("1", None),
        ("{\"a\"}", None),
    ] {
        assert_eq!(value(text).iodata(), expected.map(Bytes::from), "{text}");
    }
}

#[test]
fn maps_are_in_order_and_have_each_key_once() {
    assert_eq!(printed("#{}"), "#{}");
    assert_eq!(
        printed(r#"#{<<"a">>=>2, b=>[], 2=>{}, a=>#{k=>S}, 10=>x, 2=>y}"#),
        r#"#{2=>y,10=>x,a=>#{k=>S},b=>[],<<"a">>=>2}"#
    );
}

// ---------------------------------------------------------------- printing

#[test]
fn text_prints_in_quotes_and_the_rest_as_numbers() {
    assert_eq!(printed(r#"[104,105,$\n]"#), r#""hi\n""#);
    assert_eq!(printed(r#"<<"a\"\\\r\t~ ">>"#), r#"<<"a\"\\\r\t~ ">>"#);
    assert_eq!(printed(r#""a\d""#), "[97,127]");
    assert_eq!(printed(r#"<<"a\e">>"#), "<<97,27>>");
    assert_eq!(printed("[[],\"\",<<>>,{}]"), "[[],[],<<>>,{}]");
    assert_eq!(printed("[97,256]"), "[97,256]");
}

#[test]
fn long_data_prints_as_its_checksum() {
    let names = Everything::default();
    let sevens = |len| Term::list(vec![Term::Int(7); len]);
    assert_eq!(printed("dup(\"a\",100)").len(), 106);
    assert_eq!(printed("bytes(256)"), "<<256 bytes crc32=1a5c07a3>>");
    assert_eq!(printed("dup(\"ab\",60)"), "<<120 bytes crc32=afaff250>>");
    assert_eq!(show(&sevens(100), &names).len(), 201);
    assert_eq!(show(&sevens(101), &names), "[101 bytes crc32=01fbd070]");
    assert_eq!(
        show(&Term::string(vec![7; 101]), &names),
        "[101 bytes crc32=01fbd070]"
    );
    let wide = Term::list(vec![Term::Int(256); 101]);
    assert_eq!(show(&wide, &names).len(), 101 * 4 + 1);
}

#[test]
fn atoms_print_in_quotes_where_erlang_wants_them() {
    for atom in [
        "ok", "a@b", "aB_1", "maybe", "else", "query", "'EXIT'", "'_a'", "'1a'",
    ] {
        assert_eq!(printed(atom), atom);
    }
    for atom in [
        "''",
        "'a b'",
        "'a.b'",
        r"'a\'b\\'",
        r"'\b\v\f\t\r\n\e\d'",
        r"'a\000\037'",
    ] {
        assert_eq!(printed(atom), atom);
    }
    for word in [
        "after", "and", "let", "cond", "xor", "when", "receive", "end",
    ] {
        assert_eq!(printed(&format!("'{word}'")), format!("'{word}'"));
    }
    assert_eq!(printed("'ok'"), "ok");
}

#[test]
fn floats_print_the_shorter_way() {
    for float in [
        "0.0",
        "-0.0",
        "1.5",
        "0.1",
        "0.001",
        "0.0001",
        "1.23e-4",
        "1.0e5",
        "12345678.9",
    ] {
        assert_eq!(printed(float), float);
    }
    for float in [
        "9007199254740991.0",
        "9.007199254740992e15",
        "1.0e-7",
        "-2.5e-300",
        "1.0e22",
    ] {
        assert_eq!(printed(float), float);
    }
    assert_eq!(printed("100000.0"), "1.0e5");
    assert_eq!(printed("691200077173504.25"), "691200077173504.2");
    assert_eq!(printed("1.0E+1_0"), "1.0e10");
}

#[test]
fn small_numbers_are_never_ports() {
    struct EveryPort;
    impl Names<String> for EveryPort {
        fn handle(&self, handle: &String) -> String {
            handle.clone()
        }
        fn port_name(&self, _: u16) -> Option<&str> {
            Some("L")
        }
    }
    let numbers = value("{1023,1024,65535,65536,-1024,[1024],1024.0,<<4:16>>}");
    let expected = "{1023,port(L),port(L),65536,-1024,[port(L)],1024.0,<<0,4>>}";
    assert_eq!(show(&numbers, &EveryPort), expected);
}

// ---------------------------------------------------------------- transcript

#[test]
fn a_variable_is_bound_to_what_is_no_error() {
    let bound = |text| Outcome::Returned(value(text)).bound().cloned();
    assert_eq!(bound("{ok,S}"), Some(value("S")));
    assert_eq!(bound("{ok,S,1}"), Some(value("{ok,S,1}")));
    assert_eq!(bound("{error,closed}"), None);
    assert_eq!(bound("{error,a,b}"), Some(value("{error,a,b}")));
    assert_eq!(bound("ok"), Some(value("ok")));
    for outcome in [
        Outcome::Stuck,
        Outcome::Pending,
        Outcome::Died(value("{ok,1}")),
    ] {
        assert_eq!(outcome.bound(), None);
    }
    assert_eq!(Outcome::Raised(Class::Exit, value("{ok,1}")).bound(), None);
}

#[test]
fn the_lines_of_a_transcript() {
    let names = Everything::default();
    let raised = |text| Outcome::Raised(Class::Error, value(text));
    let called = |outcome: &Outcome<String>| transcript::called("a", "f()", outcome, &names);
    assert_eq!(transcript::header("x"), "== x");
    assert_eq!(transcript::started("a", "f()"), "a& f()");
    assert_eq!(
        transcript::waited("a", "f()", &Outcome::Pending, &names),
        "a? f() -> pending"
    );
    assert_eq!(called(&Outcome::Stuck), "a: f() -> STUCK");
    assert_eq!(
        called(&Outcome::Returned(Term::ok(value("S")))),
        "a: f() -> {ok,S}"
    );
    assert_eq!(
        called(&Outcome::Returned(Term::error("closed"))),
        "a: f() -> {error,closed}"
    );
    assert_eq!(
        called(&Outcome::Died(value("{a,\"b\"}"))),
        "a: f() -> DIED {a,\"b\"}"
    );
    assert_eq!(
        called(&raised("{badmatch,1}")),
        "a: f() -> raised error {badmatch,1}"
    );
    assert_eq!(
        called(&raised("{badarg,[{m,f,1,[]},x]}")),
        "a: f() -> raised error badarg"
    );
    assert_eq!(
        called(&raised("{x,[{m,f,1}]}")),
        "a: f() -> raised error {x,[{m,f,1}]}"
    );
}
