//! Syntax and script: what each form means, and where the error is in what has none.

use bytes::Bytes;

use super::super::parse::{BINARY_BYTES_MAX, Expr, NESTING_MAX, parse_call, parse_term};
use super::super::script::{EvalError, Step, evaluate, named, parse_line, parse_script};
use super::{Everything, Term, bytes, printed, string, value};

fn eval_error(text: &str) -> EvalError {
    let expr = parse_term(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    match evaluate(&expr, &mut Everything::default()) {
        Err(error) => error,
        Ok(value) => panic!("{text}: {value:?}"),
    }
}

// ---------------------------------------------------------------- syntax

#[test]
fn integers_of_every_form() {
    for (text, expected) in [
        ("007", 7),
        ("1_000", 1000),
        ("16#fF", 255),
        ("2#101", 5),
        ("36#Z_z", 35 * 36 + 35),
        ("- -1", 1),
        ("+1", 1),
        ("-(5)", -5),
        ("$a", 97),
        ("-$a", -97),
        ("$ ", 32),
        ("$\\n", 10),
        ("$\\x41", 65),
        ("$\\^A", 1),
        ("4294967297", 4_294_967_297),
        ("18446744073709551616", 1 << 64),
        ("-18446744073709551616", -(1 << 64)),
        ("170141183460469231731687303715884105727", i128::MAX),
    ] {
        assert_eq!(value(text), Term::Int(expected), "{text}");
    }
    assert_eq!(printed("-18446744073709551616"), "-18446744073709551616");
}

#[test]
fn escapes_in_strings_and_quoted_atoms() {
    assert_eq!(
        value(r#""\n\r\t\v\b\f\e\s\d\"\\""#),
        string("\n\r\t\x0b\x08\x0c\x1b \x7f\"\\")
    );
    assert_eq!(value(r#""\q\^A\1234\0\x4a\x{4B}""#), string("q\x01S4\0JK"));
    assert_eq!(value(r#""a" "b""#), string("ab"));
    assert_eq!(
        value("\"\u{e9}\""),
        string("\u{e9}"),
        "the bytes of the file"
    );
    assert_eq!(
        value(r#""a\x{100}""#),
        Term::list([Term::Int(97), Term::Int(256)])
    );
    assert_eq!(value(r"'a\'\\\n b'"), Term::atom("a'\\\n b"));
}

#[test]
fn binaries_of_every_segment() {
    assert_eq!(value("<<>>"), bytes(b""));
    assert_eq!(value("<< >>"), bytes(b""));
    assert_eq!(value(r#"<<"">>"#), bytes(b""));
    assert_eq!(value(r#"<<1,2,"x" "y",$z, 3>>"#), bytes(b"\x01\x02xyz\x03"));
    assert_eq!(value(r#"<<"a\x{1ff}b">>"#), bytes(b"a\xffb"));
    assert_eq!(value("<<300,-1,(7),+8>>"), bytes(b"\x2c\xff\x07\x08"));
    assert_eq!(value("<<5:16,- 5:24,1:0>>"), bytes(b"\0\x05\xff\xff\xfb"));
    assert_eq!(value("<<1:4,2:4>>"), bytes(b"\x12"));
    assert_eq!(value(r#"<<"ab":16>>"#), bytes(b"\0a\0b"));
    assert_eq!(
        value("<<-1:136>>"),
        Term::Binary(Bytes::from(vec![255; 17]))
    );
}

#[test]
fn lists_with_a_tail() {
    assert_eq!(value("[1|[2|[]]]"), value("[1,2]"));
    assert_eq!(value(r#"["a"|"b"]"#), value(r#"["a",98]"#));
    assert_eq!(printed("[a|[b|c]]"), "[a,b|c]");
    assert_eq!(printed("[pid(b)|S]"), "[pid(b)|S]");
    assert_eq!(printed(r#"[1, 2 | <<"rest">>]"#), r#"[1,2|<<"rest">>]"#);
}

#[test]
fn errors_have_their_place() {
    for (text, at, what) in [
        ("", 0, "expected a term, found the end"),
        ("{a,", 3, "expected a term, found the end"),
        ("{a b}", 3, "expected ',' or '}'"),
        ("[1,]", 3, "expected a term"),
        ("[a|b|c]", 4, "expected ']'"),
        ("a.b", 1, "expected the end"),
        ("a:b", 1, "expected the end"),
        ("'a'b", 3, "expected the end"),
        ("1e5", 1, "expected the end"),
        ("1_", 1, "expected the end"),
        ("1.0e400", 0, "not a float, or out of its range"),
        ("1.0e", 0, "not a float, or out of its range"),
        ("{37#1}", 1, "a base is 2 to 36"),
        ("16#-1", 0, "an integer without digits, or of over 127 bits"),
        ("170141183460469231731687303715884105728", 0, INTEGER),
        ("{after}", 1, "a reserved word"),
        ("--1", 1, "two signs that touch"),
        ("+ a", 2, "expected a number behind '+'"),
        ("\"abc", 0, "a quote that does not end"),
        (r#""\xg1""#, 3, "expected a character in hexadecimal"),
        (r#""\x{}""#, 3, "expected a character in hexadecimal"),
        (r#""\x{41""#, 3, "expected a character in hexadecimal"),
        (r#""\x{d800}""#, 3, "expected a character in hexadecimal"),
        (r"$\x4", 3, "expected two digits, found the end"),
        ("'\u{e9}'", 0, "an atom with characters outside ASCII"),
        ("<<\"abc\">", 7, "expected ',' or '>>'"),
        ("< <1>>", 0, "expected '<<'"),
        ("<<X>>", 2, "expected an integer or a string"),
        ("<<1.5>>", 2, "expected an integer or a string"),
        (
            "<<1:16/little>>",
            6,
            "types of segments are not in the language",
        ),
        ("{<<1:4>>}", 1, "a binary that ends within a byte"),
        ("<<1:99999999999>>", 2, "a binary that is too long"),
        ("#{a:=1}", 3, "expected '=>'"),
    ] {
        let error = parse_term(text).expect_err(text);
        assert_eq!((error.at, error.what), (at, what), "{text}");
    }
}

const INTEGER: &str = "an integer without digits, or of over 127 bits";

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let limit = usize::try_from(NESTING_MAX).expect("it is small");
    assert!(parse_term(&nested(limit)).is_ok());
    let error = parse_term(&nested(limit + 1)).expect_err("one too deep");
    assert_eq!((error.at, error.what), (limit, "nested too deeply"));
    for open in ["{", "(", "- ", "#{", "f(", "<<"] {
        assert!(parse_term(&open.repeat(100_000)).is_err(), "{open}");
    }
    let wide = format!("[{}]", "[],{},".repeat(10_000) + "a");
    assert!(parse_term(&wide).is_ok());
}

// ---------------------------------------------------------------- script

#[test]
fn a_line_is_a_step() {
    let args = vec![Expr::Var("S".into()), Expr::Int(0)];
    let step = parse_line("  b2& X = recv( S , 0 ) %% waits\r").expect("a step");
    assert_eq!(
        step,
        Some(Step::Call {
            process: "b2".into(),
            background: true,
            var: Some("X".into()),
            function: "recv".into(),
            args,
            shown: "X = recv( S , 0 )".into(),
        })
    );
    for blank in ["", " \t", "% a", "  %% a: b()"] {
        assert_eq!(parse_line(blank), Ok(None), "{blank}");
    }
    for (line, expected) in [("a?", None), ("a? 200 %% ms", Some(200)), ("a?+5", Some(5))] {
        let process = "a".to_string();
        let step = Step::Outcome {
            process,
            limit_ms: expected,
        };
        assert_eq!(parse_line(line), Ok(Some(step)), "{line}");
    }
    assert!(parse_call("(sleep(1))").is_ok());
    assert_eq!(
        parse_call("'send'(S)").map(|call| call.function),
        Ok("send".to_string())
    );
}

#[test]
fn a_comment_wants_a_space_before_it() {
    let shown = |line| match parse_line(line) {
        Ok(Some(Step::Call { shown, .. })) => Ok(shown),
        Err(error) => Err((error.at, error.what)),
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(
        shown(r#"a: f("%%x")  %%% y %% z"#),
        Ok(r#"f("%%x")"#.to_string())
    );
    assert_eq!(shown("a: f()%% y"), Err((6, "expected the end")));
    assert_eq!(shown("a: f() % y"), Err((7, "expected the end")));
    assert_eq!(
        shown(r#"a: f("b %% c")"#),
        Err((5, "a quote that does not end"))
    );
    assert_eq!(
        shown("a? %% y"),
        Err((3, "expected a number of milliseconds"))
    );
}

#[test]
fn what_is_not_a_step_is_refused() {
    for (line, at, what) in [
        ("A: f()", 0, "expected the name of a process"),
        ("  1: f()", 2, "expected the name of a process"),
        ("a : f()", 1, "expected ':', '&' or '?'"),
        ("a", 1, "expected ':', '&' or '?'"),
        ("a:", 2, "expected a term, found the end"),
        (" a:  X", 5, "expected a call"),
        ("a: X = 5", 7, "expected a call"),
        ("a: X = Y = f()", 7, "expected a call"),
        ("a: {ok,X} = f()", 3, "only a variable may stand before '='"),
        ("a: f().", 6, "expected the end"),
        ("a: f(), g()", 6, "expected the end"),
        ("a? soon", 3, "expected a number of milliseconds"),
        ("a? -1", 3, "expected a number of milliseconds"),
    ] {
        let error = parse_line(line).expect_err(line);
        assert_eq!((error.at, error.what), (at, what), "{line}");
    }
    let error = parse_script("a: f()\n\n% c\na: f(\n?").expect_err("line 4");
    assert_eq!(
        error.to_string(),
        "line 4, column 6: expected a term, found the end"
    );
}

#[test]
fn processes_named_in_arguments() {
    let call = parse_call("f(pid(b), [pid(a)|{pid(c)}], #{k=>pid(d)}, dup(pid(b),1), pid(X))");
    assert_eq!(named(&call.expect("a call").args), ["a", "b", "c", "d"]);
}

#[test]
fn bytes_and_dup_make_binaries() {
    assert_eq!(value("bytes(0)"), bytes(b""));
    let Term::Binary(pattern) = value("bytes(600)") else {
        panic!("not a binary")
    };
    assert_eq!(pattern.len(), 600);
    assert_eq!(pattern[..4], [0, 7, 14, 21]);
    assert_eq!(pattern[256], 1);
    assert_eq!(pattern[599], ((599 * 7 + 2) % 256) as u8);
    assert_eq!(value(r#"dup("ab", 2)"#), bytes(b"abab"));
    assert_eq!(value(r#"dup(["a",<<"b">>], 2)"#), bytes(b"abab"));
    assert_eq!(value("dup(bytes(2), 0)"), bytes(b""));
    assert_eq!(printed("{port(L),[port(L)]}"), "{port(L),[port(L)]}");
}

#[test]
fn arguments_without_a_value() {
    let long = format!("bytes({})", BINARY_BYTES_MAX + 1);
    assert_eq!(eval_error(&long), EvalError::BinaryTooLong);
    assert_eq!(
        eval_error("dup(\"ab\", 18446744073709551616)"),
        EvalError::BinaryTooLong
    );
    assert_eq!(eval_error("bytes(-1)"), EvalError::BadArgument("bytes"));
    assert_eq!(eval_error("dup(\"a\", -2)"), EvalError::BadArgument("dup"));
    assert_eq!(
        eval_error("dup(\"\\x{100}\", 2)"),
        EvalError::BadArgument("dup")
    );
    assert_eq!(
        eval_error("[a, Unbound]"),
        EvalError::Unbound("Unbound".into())
    );
    assert_eq!(eval_error("-[]"), EvalError::NotANumber);
    assert_eq!(eval_error("port(1)"), EvalError::NoPort);
    assert_eq!(eval_error("{x()}"), EvalError::UnknownCall("x".into(), 0));
    assert_eq!(
        eval_error("pid(\"a\")"),
        EvalError::UnknownCall("pid".into(), 1)
    );
    assert_eq!(eval_error("#{1.0=>a}"), EvalError::BadKey);
}
