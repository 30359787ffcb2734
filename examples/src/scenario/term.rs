//! `Term`: an Erlang term as the scenario language has it, values and messages alike.
//!
//! The parser's expressions become terms, calls take and give terms, the transcript prints them.
//! What stands for pids, sockets and references is the parameter `H`: this file and the others of
//! the language know nothing of the runtime.
//!
//! Invariants:
//! 1. A string is a list: `Str` of some bytes equals the `List` of the same integers, and every
//!    reader takes both. `Str` exists so that a megabyte in list mode costs a megabyte.
//! 2. An `Improper` list has at least one element, and its tail is not a list. `Term::cons` keeps
//!    that; build improper lists with it.
//! 3. A `Map` has each key once, in Erlang's order of terms. `Term::map` keeps that.
//! 4. Equality is Erlang's `=:=`: the integer 1 and the float 1.0 differ.
//!
//! An integer is an `i128`: it holds every unsigned 64-bit number and its negative, and those just
//! above them. A literal that does not fit is a parse error; nothing here adds or multiplies.
//!
//! Left out: funs, bit strings that end within a byte, map keys that are not integers, atoms or
//! binaries.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;

/// An Erlang term; `H` is what stands for a pid, a socket or a reference.
#[derive(Clone, Debug)]
pub enum Term<H> {
    /// An atom, by its name.
    Atom(Arc<str>),
    /// An integer.
    Int(i128),
    /// A float, which is finite.
    Float(f64),
    /// A binary.
    Binary(Bytes),
    /// A proper list.
    List(Vec<Term<H>>),
    /// A proper list of integers 0 to 255, packed.
    Str(Bytes),
    /// A list whose tail is not a list: `[1,2|<<"rest">>]`.
    Improper(Vec<Term<H>>, Box<Term<H>>),
    /// A tuple.
    Tuple(Vec<Term<H>>),
    /// A map, as its pairs in the order of the keys.
    Map(Vec<(Term<H>, Term<H>)>),
    /// A pid, a socket or a reference.
    Handle(H),
}

impl<H> Term<H> {
    /// The atom of this name.
    pub fn atom(name: impl Into<Arc<str>>) -> Self {
        Term::Atom(name.into())
    }

    /// `true` or `false`.
    pub fn boolean(value: bool) -> Self {
        Term::atom(if value { "true" } else { "false" })
    }

    /// The tuple of these elements.
    pub fn tuple(elements: impl Into<Vec<Self>>) -> Self {
        Term::Tuple(elements.into())
    }

    /// The proper list of these elements.
    pub fn list(elements: impl Into<Vec<Self>>) -> Self {
        Term::List(elements.into())
    }

    /// The list of these bytes.
    pub fn string(bytes: impl Into<Bytes>) -> Self {
        Term::Str(bytes.into())
    }

    /// `{ok,Value}`.
    pub fn ok(value: Self) -> Self {
        Term::Tuple(vec![Term::atom("ok"), value])
    }

    /// `{error,Reason}`, where the reason is an atom.
    pub fn error(reason: impl Into<Arc<str>>) -> Self {
        Term::Tuple(vec![Term::atom("error"), Term::atom(reason)])
    }

    /// `[Front...|Tail]`: a proper list where the tail is one, else an improper one.
    pub fn cons(mut front: Vec<Self>, tail: Self) -> Self {
        match tail {
            tail if front.is_empty() => tail,
            Term::List(rest) => {
                front.extend(rest);
                Term::List(front)
            }
            Term::Str(rest) => {
                front.extend(rest.iter().map(|byte| Term::Int(i128::from(*byte))));
                Term::List(front)
            }
            Term::Improper(rest, tail) => {
                front.extend(rest);
                Term::Improper(front, tail)
            }
            tail => Term::Improper(front, Box::new(tail)),
        }
    }

    /// The map of these pairs; of two with the same key the later one counts.
    ///
    /// `None` where a key is of a kind that the language has no order for.
    pub fn map(pairs: Vec<(Self, Self)>) -> Option<Self> {
        let mut sorted: Vec<(Self, Self)> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            key_order(&key, &key)?;
            let place =
                sorted.binary_search_by(|(old, _)| key_order(old, &key).unwrap_or(Ordering::Less));
            match place {
                Ok(index) => sorted[index] = (key, value),
                Err(index) => sorted.insert(index, (key, value)),
            }
        }
        Some(Term::Map(sorted))
    }

    /// The name, of an atom.
    pub fn as_atom(&self) -> Option<&str> {
        match self {
            Term::Atom(name) => Some(name),
            _ => None,
        }
    }

    /// Whether this is the atom of that name.
    pub fn is_atom(&self, name: &str) -> bool {
        self.as_atom() == Some(name)
    }

    /// Whether this is the atom `true`.
    pub fn is_true(&self) -> bool {
        self.is_atom("true")
    }

    /// The value of the atoms `true` and `false`.
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_atom()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The value, of an integer.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Term::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements, of a tuple.
    pub fn as_tuple(&self) -> Option<&[Self]> {
        match self {
            Term::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// The pid, socket or reference, of a term that is one.
    pub fn as_handle(&self) -> Option<&H> {
        match self {
            Term::Handle(handle) => Some(handle),
            _ => None,
        }
    }

    /// The bytes, of a proper list of integers 0 to 255; the empty list has none.
    pub fn as_string(&self) -> Option<Bytes> {
        match self {
            Term::Str(bytes) => Some(bytes.clone()),
            Term::List(elements) => elements.iter().map(byte).collect(),
            _ => None,
        }
    }

    /// The bytes of an `iodata()`: a binary, or a list of bytes, binaries and such lists, whose
    /// tail may be a binary. `None` for any other term.
    pub fn iodata(&self) -> Option<Bytes> {
        match self {
            Term::Binary(bytes) | Term::Str(bytes) => Some(bytes.clone()),
            Term::List(_) | Term::Improper(..) => {
                let mut flat = Vec::new();
                self.flatten(&mut flat)?;
                Some(Bytes::from(flat))
            }
            _ => None,
        }
    }

    /// Appends an element of an iolist. As deep as the term, which a script's literals and
    /// variables nest a few dozen levels.
    fn flatten(&self, flat: &mut Vec<u8>) -> Option<()> {
        match self {
            Term::Int(_) => flat.push(byte(self)?),
            Term::Binary(bytes) | Term::Str(bytes) => flat.extend_from_slice(bytes),
            Term::List(elements) => {
                for element in elements {
                    element.flatten(flat)?;
                }
            }
            Term::Improper(front, tail) => {
                for element in front {
                    element.flatten(flat)?;
                }
                let Term::Binary(bytes) = &**tail else {
                    return None;
                };
                flat.extend_from_slice(bytes);
            }
            _ => return None,
        }
        Some(())
    }
}

impl<H: Clone> Term<H> {
    /// The elements, of a proper list in either form.
    pub fn elements(&self) -> Option<Cow<'_, [Self]>> {
        match self {
            Term::List(elements) => Some(Cow::Borrowed(elements)),
            Term::Str(bytes) => {
                let elements = bytes.iter().map(|byte| Term::Int(i128::from(*byte)));
                Some(Cow::Owned(elements.collect()))
            }
            _ => None,
        }
    }
}

impl<H: PartialEq> PartialEq for Term<H> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Term::Atom(a), Term::Atom(b)) => a == b,
            (Term::Int(a), Term::Int(b)) => a == b,
            (Term::Float(a), Term::Float(b)) => a == b,
            (Term::Binary(a), Term::Binary(b)) | (Term::Str(a), Term::Str(b)) => a == b,
            (Term::List(a), Term::List(b)) | (Term::Tuple(a), Term::Tuple(b)) => a == b,
            (Term::Str(bytes), Term::List(list)) | (Term::List(list), Term::Str(bytes)) => {
                list.len() == bytes.len()
                    && list
                        .iter()
                        .zip(bytes)
                        .all(|(term, b)| byte(term) == Some(*b))
            }
            (Term::Improper(a, s), Term::Improper(b, t)) => a == b && s == t,
            (Term::Map(a), Term::Map(b)) => a == b,
            (Term::Handle(a), Term::Handle(b)) => a == b,
            _ => false,
        }
    }
}

/// The value of an integer 0 to 255.
fn byte<H>(term: &Term<H>) -> Option<u8> {
    u8::try_from(term.as_int()?).ok()
}

/// Erlang's order of the terms that may be keys: integers, then atoms, then binaries.
fn key_order<H>(a: &Term<H>, b: &Term<H>) -> Option<Ordering> {
    Some(match (a, b) {
        (Term::Int(a), Term::Int(b)) => a.cmp(b),
        (Term::Atom(a), Term::Atom(b)) => a.cmp(b),
        (Term::Binary(a), Term::Binary(b)) => a.cmp(b),
        (a, b) => key_rank(a)?.cmp(&key_rank(b)?),
    })
}

fn key_rank<H>(term: &Term<H>) -> Option<u8> {
    match term {
        Term::Int(_) => Some(0),
        Term::Atom(_) => Some(1),
        Term::Binary(_) => Some(2),
        _ => None,
    }
}
