//! The scanner: the words, numbers and characters of Erlang's syntax.
//!
//! The parser asks it for what it expects next; there is no list of tokens. The printer asks it
//! which words are reserved.
//!
//! Invariants:
//! 1. `at` never passes the end of the text, and no text makes it panic.
//! 2. The text is read as bytes, as the reference interpreter does: a character outside ASCII
//!    within a string is the bytes of its UTF-8.
//!
//! Left out: comments. A `%` outside quotes belongs to no term, so it is an error.

use std::fmt;

/// Where and why a text does not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The offset of the byte in the text, from 0.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl ParseError {
    pub(super) fn new(at: usize, what: &'static str) -> Self {
        ParseError { at, what }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "column {}: {}", self.at + 1, self.what)
    }
}

impl std::error::Error for ParseError {}

/// What Erlang takes for a word of its own where it stands without quotes.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok()
}

/// A number without a sign.
pub(super) enum Number {
    Int(i128),
    Float(f64),
}

/// A place in a text.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scanner {
            text: text.as_bytes(),
            at: 0,
        }
    }

    /// The byte that comes next.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Takes the byte that comes next.
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Skips spaces and gives the place behind them.
    pub(super) fn space(&mut self) -> usize {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n' | 11 | 12)) {
            self.at += 1;
        }
        self.at
    }

    /// Takes these bytes if they come next, behind spaces.
    pub(super) fn takes(&mut self, bytes: &[u8]) -> bool {
        self.space();
        let found = self.text[self.at..].starts_with(bytes);
        if found {
            self.at += bytes.len();
        }
        found
    }

    /// Takes these bytes, which must come next.
    pub(super) fn expects(&mut self, bytes: &[u8], what: &'static str) -> Result<(), ParseError> {
        if self.takes(bytes) {
            Ok(())
        } else {
            self.wrong(what)
        }
    }

    /// Nothing but spaces may come next.
    pub(super) fn end(&mut self) -> Result<(), ParseError> {
        if self.space() == self.text.len() {
            Ok(())
        } else {
            self.wrong("expected the end")
        }
    }

    /// An error at this place.
    pub(super) fn wrong<T>(&self, what: &'static str) -> Result<T, ParseError> {
        Err(ParseError::new(self.at, what))
    }

    /// Takes the letters, digits, `_` and `@` of an atom or variable.
    pub(super) fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(byte) = self.peek().filter(|byte| is_word(*byte)) {
            word.push(char::from(byte));
            self.at += 1;
        }
        word
    }

    /// Takes a number: `10`, `1_000`, `16#FF`, `1.5`, `1.0e-3`.
    pub(super) fn number(&mut self) -> Result<Number, ParseError> {
        let start = self.at;
        let mut digits = self.digits(10);
        if self.peek() == Some(b'#') && !digits.is_empty() {
            self.at += 1;
            let Ok(radix @ 2..=36) = digits.parse() else {
                return Err(ParseError::new(start, "a base is 2 to 36"));
            };
            digits = self.digits(radix);
            return integer(start, &digits, radix);
        }
        let fraction = self.text.get(self.at + 1);
        if self.peek() != Some(b'.') || !fraction.is_some_and(u8::is_ascii_digit) {
            return integer(start, &digits, 10);
        }
        self.at += 1;
        digits.push('.');
        digits.push_str(&self.digits(10));
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            digits.push('e');
            if let Some(sign @ (b'+' | b'-')) = self.peek() {
                self.at += 1;
                digits.push(char::from(sign));
            }
            digits.push_str(&self.digits(10));
        }
        match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Number::Float(value)),
            _ => Err(ParseError::new(start, "not a float, or out of its range")),
        }
    }

    /// Takes digits, and the underscores that stand between two of them.
    fn digits(&mut self, radix: u32) -> String {
        let is_digit = |byte: Option<u8>| byte.is_some_and(|b| char::from(b).is_digit(radix));
        let mut digits = String::new();
        while let Some(byte) = self.peek() {
            let next = self.text.get(self.at + 1).copied();
            if is_digit(Some(byte)) {
                digits.push(char::from(byte));
            } else if byte != b'_' || digits.is_empty() || !is_digit(next) {
                break;
            }
            self.at += 1;
        }
        digits
    }

    /// Takes `$c`, or `$` and an escape.
    pub(super) fn character(&mut self) -> Result<u32, ParseError> {
        self.at += 1;
        match self.next() {
            Some(b'\\') => self.escape(),
            Some(byte) => Ok(u32::from(byte)),
            None => self.wrong("expected a character, found the end"),
        }
    }

    /// Takes a string, and those that follow it with nothing but spaces between: they are one.
    pub(super) fn strings(&mut self) -> Result<Vec<u32>, ParseError> {
        let mut characters = Vec::new();
        while self.peek() == Some(b'"') {
            characters.append(&mut self.quoted(b'"')?);
            self.space();
        }
        Ok(characters)
    }

    /// Takes what stands between two quotes.
    pub(super) fn quoted(&mut self, quote: u8) -> Result<Vec<u32>, ParseError> {
        let start = self.at;
        self.at += 1;
        let mut characters = Vec::new();
        loop {
            match self.next() {
                Some(byte) if byte == quote => return Ok(characters),
                Some(b'\\') => characters.push(self.escape()?),
                Some(byte) => characters.push(u32::from(byte)),
                None => return Err(ParseError::new(start, "a quote that does not end")),
            }
        }
    }

    /// Takes what stands behind a backslash.
    fn escape(&mut self) -> Result<u32, ParseError> {
        let Some(byte) = self.next() else {
            return self.wrong("expected an escape, found the end");
        };
        Ok(u32::from(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'b' => 8,
            b'f' => 12,
            b'e' => 27,
            b's' => b' ',
            b'd' => 127,
            b'x' => return self.hexadecimal(),
            b'^' => match self.next() {
                Some(byte) => byte & 31,
                None => return self.wrong("expected a control character, found the end"),
            },
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else {
                        break;
                    };
                    value = value * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                return Ok(value);
            }
            byte => byte,
        }))
    }

    /// Takes the digits of `\xHH` or `\x{H...}`.
    fn hexadecimal(&mut self) -> Result<u32, ParseError> {
        let rest = &self.text[self.at..];
        let (digits, len) = match (rest, rest.iter().position(|byte| *byte == b'}')) {
            ([b'{', ..], Some(end)) if end > 1 => (&rest[1..end], end + 1),
            ([_, _, ..], _) => (&rest[..2], 2),
            _ => return self.wrong("expected two digits, found the end"),
        };
        let value = digits.iter().try_fold(0u32, |value, digit| {
            value
                .checked_mul(16)?
                .checked_add(char::from(*digit).to_digit(16)?)
        });
        match value {
            Some(value) if char::from_u32(value).is_some() => {
                self.at += len;
                Ok(value)
            }
            _ => self.wrong("expected a character in hexadecimal"),
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'@'
}

fn integer(at: usize, digits: &str, radix: u32) -> Result<Number, ParseError> {
    match i128::from_str_radix(digits, radix) {
        Ok(value) => Ok(Number::Int(value)),
        Err(_) => Err(ParseError::new(
            at,
            "an integer without digits, or of over 127 bits",
        )),
    }
}

/// In alphabetical order.
const RESERVED: [&str; 27] = [
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case",
    "catch", "cond", "div", "end", "fun", "if", "let", "not", "of", "or", "orelse", "receive",
    "rem", "try", "when", "xor",
];
