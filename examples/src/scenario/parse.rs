//! The parser: the text of a call or a term to an `Expr`, in Erlang's syntax.
//!
//! `script` parses the call of each line with it, the tests single terms. It takes what the
//! language uses of Erlang's terms: atoms, integers, floats, characters, strings, binaries,
//! tuples, lists, maps, variables, and calls anywhere within them; spaces where Erlang has them.
//!
//! Invariants:
//! 1. Parsing never panics, whatever the text: an error is a value, with the place and the reason.
//! 2. The depth of the recursion has a limit, `NESTING_MAX`, and so has the size of what a short
//!    text can make, `BINARY_BYTES_MAX`.
//! 3. Whether a call within a term exists, and a variable has a value, is found when the term is
//!    evaluated, not here.
//!
//! Left out, each a parse error: comments, operators other than a sign, segments of a binary that
//! are not integers or strings or have a type (`<<1:16/little>>`), bit strings that end within a
//! byte, atoms of characters outside ASCII, remote calls, funs and records.

use bytes::Bytes;

use super::scan::{self, Number, Scanner};

pub use super::scan::ParseError;

/// The deepest nesting of brackets, calls and signs in a term.
pub const NESTING_MAX: u32 = 100;

/// The size of the longest binary that a term may make.
pub const BINARY_BYTES_MAX: usize = 64 << 20;

/// An unevaluated term.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// An atom, by its name.
    Atom(String),
    /// An integer or a character.
    Int(i128),
    /// A float.
    Float(f64),
    /// A string, where all its characters are bytes.
    Str(Bytes),
    /// A binary.
    Binary(Bytes),
    /// A tuple.
    Tuple(Vec<Expr>),
    /// The elements of a list, and what stands behind `|`.
    List(Vec<Expr>, Option<Box<Expr>>),
    /// The pairs of a map, as they stand.
    Map(Vec<(Expr, Expr)>),
    /// A variable, by its name.
    Var(String),
    /// The negative of what is not a literal number.
    Neg(Box<Expr>),
    /// A function and its arguments.
    Call(String, Vec<Expr>),
}

/// A call as it stands on a line: `X = function(args)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The variable that takes the result.
    pub var: Option<String>,
    /// The name of the function.
    pub function: String,
    /// Its arguments.
    pub args: Vec<Expr>,
}

/// Parses a text that is one term.
pub fn parse_term(text: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser::new(text);
    let term = parser.expr()?;
    parser.scan.end()?;
    Ok(term)
}

/// Parses a text that is one call, perhaps with a variable for its result.
pub fn parse_call(text: &str) -> Result<Call, ParseError> {
    let mut parser = Parser::new(text);
    let mut start = parser.scan.space();
    let mut term = parser.expr()?;
    let mut var = None;
    if parser.scan.takes(b"=") {
        let Expr::Var(name) = term else {
            return Err(ParseError::new(
                start,
                "only a variable may stand before '='",
            ));
        };
        var = Some(name);
        start = parser.scan.space();
        term = parser.expr()?;
    }
    let Expr::Call(function, args) = term else {
        return Err(ParseError::new(start, "expected a call"));
    };
    parser.scan.end()?;
    Ok(Call {
        var,
        function,
        args,
    })
}

struct Parser<'a> {
    scan: Scanner<'a>,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Parser {
            scan: Scanner::new(text),
            depth: 0,
        }
    }

    fn expr(&mut self) -> Result<Expr, ParseError> {
        let start = self.scan.space();
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return self.scan.wrong("nested too deeply");
        }
        let Some(first) = self.scan.peek() else {
            return self.scan.wrong("expected a term, found the end");
        };
        let term = match first {
            b'a'..=b'z' => self.word(start)?,
            b'\'' => self.quoted_word(start)?,
            b'A'..=b'Z' | b'_' => Expr::Var(self.scan.word()),
            b'0'..=b'9' => number(self.scan.number()?),
            b'$' => Expr::Int(i128::from(self.scan.character()?)),
            b'"' => string(self.scan.strings()?),
            b'(' => self.bracketed()?,
            b'{' => {
                self.scan.next();
                Expr::Tuple(self.sequence(b"}", "expected ',' or '}'")?)
            }
            b'[' => self.list()?,
            b'<' => self.binary()?,
            b'#' => self.map()?,
            b'-' | b'+' => self.signed(first)?,
            _ => return self.scan.wrong("expected a term"),
        };
        self.depth -= 1;
        Ok(term)
    }

    fn word(&mut self, start: usize) -> Result<Expr, ParseError> {
        let name = self.scan.word();
        if scan::is_reserved(&name) {
            return Err(ParseError::new(start, "a reserved word"));
        }
        self.atom_or_call(name)
    }

    fn quoted_word(&mut self, start: usize) -> Result<Expr, ParseError> {
        let ascii = |character| char::from_u32(character).filter(char::is_ascii);
        match self.scan.quoted(b'\'')?.into_iter().map(ascii).collect() {
            Some(name) => self.atom_or_call(name),
            None => Err(ParseError::new(
                start,
                "an atom with characters outside ASCII",
            )),
        }
    }

    fn atom_or_call(&mut self, name: String) -> Result<Expr, ParseError> {
        if !self.scan.takes(b"(") {
            return Ok(Expr::Atom(name));
        }
        Ok(Expr::Call(
            name,
            self.sequence(b")", "expected ',' or ')'")?,
        ))
    }

    fn bracketed(&mut self) -> Result<Expr, ParseError> {
        self.scan.next();
        let term = self.expr()?;
        self.scan.expects(b")", "expected ')'")?;
        Ok(term)
    }

    /// The terms up to the closing bracket; the opening one has been taken.
    fn sequence(&mut self, close: &[u8], what: &'static str) -> Result<Vec<Expr>, ParseError> {
        let mut terms = Vec::new();
        if self.scan.takes(close) {
            return Ok(terms);
        }
        loop {
            terms.push(self.expr()?);
            if self.scan.takes(close) {
                return Ok(terms);
            }
            self.scan.expects(b",", what)?;
        }
    }

    fn list(&mut self) -> Result<Expr, ParseError> {
        self.scan.next();
        let mut front = Vec::new();
        if self.scan.takes(b"]") {
            return Ok(Expr::List(front, None));
        }
        loop {
            front.push(self.expr()?);
            if self.scan.takes(b"]") {
                return Ok(Expr::List(front, None));
            }
            if self.scan.takes(b"|") {
                let tail = self.expr()?;
                self.scan.expects(b"]", "expected ']'")?;
                return Ok(Expr::List(front, Some(Box::new(tail))));
            }
            self.scan.expects(b",", "expected ',', '|' or ']'")?;
        }
    }

    fn map(&mut self) -> Result<Expr, ParseError> {
        self.scan.expects(b"#", "expected '#'")?;
        self.scan.expects(b"{", "expected '{'")?;
        let mut pairs = Vec::new();
        if self.scan.takes(b"}") {
            return Ok(Expr::Map(pairs));
        }
        loop {
            let key = self.expr()?;
            self.scan.expects(b"=>", "expected '=>'")?;
            pairs.push((key, self.expr()?));
            if self.scan.takes(b"}") {
                return Ok(Expr::Map(pairs));
            }
            self.scan.expects(b",", "expected ',' or '}'")?;
        }
    }

    /// A sign and its operand. Two signs that touch are another operator in Erlang.
    fn signed(&mut self, sign: u8) -> Result<Expr, ParseError> {
        self.scan.next();
        if self.scan.peek() == Some(sign) {
            return self.scan.wrong("two signs that touch");
        }
        let start = self.scan.space();
        Ok(match (sign, self.expr()?) {
            (b'-', Expr::Int(value)) => Expr::Int(-value),
            (b'-', Expr::Float(value)) => Expr::Float(-value),
            (b'-', operand) => Expr::Neg(Box::new(operand)),
            (_, operand @ (Expr::Int(_) | Expr::Float(_))) => operand,
            _ => return Err(ParseError::new(start, "expected a number behind '+'")),
        })
    }

    fn binary(&mut self) -> Result<Expr, ParseError> {
        let start = self.scan.space();
        self.scan.expects(b"<<", "expected '<<'")?;
        let mut bits = Bits::default();
        if !self.scan.takes(b">>") {
            loop {
                self.segment(&mut bits)?;
                if self.scan.takes(b">>") {
                    break;
                }
                self.scan.expects(b",", "expected ',' or '>>'")?;
            }
        }
        if !bits.len.is_multiple_of(8) {
            return Err(ParseError::new(start, "a binary that ends within a byte"));
        }
        Ok(Expr::Binary(Bytes::from(bits.bytes)))
    }

    /// One segment of a binary, big-endian, of 8 bits where it does not say how many.
    fn segment(&mut self, bits: &mut Bits) -> Result<(), ParseError> {
        let start = self.scan.space();
        let values: Vec<i128> = if self.scan.peek() == Some(b'"') {
            self.scan.strings()?.into_iter().map(i128::from).collect()
        } else {
            let Expr::Int(value) = self.expr()? else {
                return Err(ParseError::new(start, "expected an integer or a string"));
            };
            vec![value]
        };
        let mut size = 8;
        if self.scan.takes(b":") {
            let place = self.scan.space();
            let Number::Int(number) = self.scan.number()? else {
                return Err(ParseError::new(place, "expected a number of bits"));
            };
            size = usize::try_from(number).unwrap_or(usize::MAX);
        }
        if self.scan.peek() == Some(b'/') {
            return self.scan.wrong("types of segments are not in the language");
        }
        if size.saturating_mul(values.len()) > BINARY_BYTES_MAX * 8 - bits.len {
            return Err(ParseError::new(start, "a binary that is too long"));
        }
        values.into_iter().for_each(|value| bits.push(value, size));
        Ok(())
    }
}

fn number(number: Number) -> Expr {
    match number {
        Number::Int(value) => Expr::Int(value),
        Number::Float(value) => Expr::Float(value),
    }
}

/// The characters of a string: packed where each is a byte.
fn string(characters: Vec<u32>) -> Expr {
    match characters
        .iter()
        .map(|c| u8::try_from(*c))
        .collect::<Result<Vec<u8>, _>>()
    {
        Ok(bytes) => Expr::Str(Bytes::from(bytes)),
        Err(_) => {
            let elements = characters.into_iter().map(|c| Expr::Int(i128::from(c)));
            Expr::List(elements.collect(), None)
        }
    }
}

/// The bits of a binary so far. Never more than `BINARY_BYTES_MAX` bytes of them.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    /// Appends the lowest `size` bits of the value, the highest of them first.
    fn push(&mut self, value: i128, size: usize) {
        for index in (0..size).rev() {
            if self.len.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if (value >> index.min(127)) & 1 == 1 {
                let last = self.len / 8;
                self.bytes[last] |= 0x80 >> (self.len % 8);
            }
            self.len += 1;
        }
    }
}
