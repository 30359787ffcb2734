//! Printing: a term as the transcript shows it, byte for byte as the reference interpreter does.
//!
//! The lines of the transcript are made with it. It is Erlang's own way to write a term (`~w`)
//! with these differences: text prints in quotes, what is long as its size and CRC-32, and a
//! handle as the name that the scenario gave it, for no two runs have the same.
//!
//! Invariants:
//! 1. Printing never fails, and needs no more of the scenario than `Names` gives.
//! 2. Equal terms print alike: a string does not show whether it is packed.
//! 3. What prints without a handle, a port or a CRC parses back to an equal term.
//!
//! Left out: atoms with characters outside ASCII print in quotes, but not with Erlang's escapes.

use super::scan;
use super::term::Term;

/// More bytes than these print as their number and CRC-32.
pub const SHOWN_BYTES_MAX: usize = 100;

/// Smaller integers never print as a port: they are sizes, counts and times too often.
pub const PORT_MIN: u16 = 1024;

/// The names that a scenario has given so far.
pub trait Names<H> {
    /// The text for a handle: the first variable that was bound to it, else `pid(a)` for the
    /// process `a`, else `Port?`, `Pid?` or `Ref?`.
    fn handle(&self, handle: &H) -> String;

    /// The variable of the first named socket that had this local port.
    fn port_name(&self, port: u16) -> Option<&str>;
}

/// The text of a term.
pub fn show<H>(term: &Term<H>, names: &impl Names<H>) -> String {
    let mut out = String::new();
    write_term(&mut out, term, names);
    out
}

fn write_term<H>(out: &mut String, term: &Term<H>, names: &impl Names<H>) {
    match term {
        Term::Atom(name) => write_atom(out, name),
        Term::Int(value) => match port_name(*value, names) {
            Some(name) => out.push_str(&format!("port({name})")),
            None => out.push_str(&format!("{value}")),
        },
        Term::Float(value) => out.push_str(&float(*value)),
        Term::Binary(bytes) if bytes.len() > SHOWN_BYTES_MAX => {
            let crc = crc32fast::hash(bytes);
            out.push_str(&format!("<<{} bytes crc32={crc:08x}>>", bytes.len()));
        }
        Term::Binary(bytes) => {
            out.push_str("<<");
            write_bytes(out, bytes);
            out.push_str(">>");
        }
        Term::Str(bytes) => write_string(out, bytes),
        Term::List(elements) => match term.as_string() {
            Some(bytes) => write_string(out, &bytes),
            None => write_all(out, "[", elements, "]", names),
        },
        Term::Improper(front, tail) => {
            write_all(out, "[", front, "|", names);
            write_term(out, tail, names);
            out.push(']');
        }
        Term::Tuple(elements) => write_all(out, "{", elements, "}", names),
        Term::Map(pairs) => {
            out.push_str("#{");
            for (index, (key, value)) in pairs.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_term(out, key, names);
                out.push_str("=>");
                write_term(out, value, names);
            }
            out.push('}');
        }
        Term::Handle(handle) => out.push_str(&names.handle(handle)),
    }
}

fn port_name<H>(value: i128, names: &impl Names<H>) -> Option<&str> {
    let port = u16::try_from(value).ok().filter(|port| *port >= PORT_MIN)?;
    names.port_name(port)
}

/// The terms with commas between them.
fn write_all<H>(
    out: &mut String,
    open: &str,
    terms: &[Term<H>],
    close: &str,
    names: &impl Names<H>,
) {
    out.push_str(open);
    for (index, term) in terms.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        write_term(out, term, names);
    }
    out.push_str(close);
}

/// A list whose elements are all bytes.
fn write_string(out: &mut String, bytes: &[u8]) {
    if bytes.len() > SHOWN_BYTES_MAX {
        let crc = crc32fast::hash(bytes);
        out.push_str(&format!("[{} bytes crc32={crc:08x}]", bytes.len()));
    } else if is_printable(bytes) {
        write_bytes(out, bytes);
    } else {
        out.push('[');
        write_bytes(out, bytes);
        out.push(']');
    }
}

/// The inside of a binary or list: text in quotes, other bytes as numbers.
fn write_bytes(out: &mut String, bytes: &[u8]) {
    if !is_printable(bytes) {
        for (index, byte) in bytes.iter().enumerate() {
            out.push_str(&format!("{}{byte}", if index == 0 { "" } else { "," }));
        }
        return;
    }
    out.push('"');
    for byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            byte => out.push(char::from(*byte)),
        }
    }
    out.push('"');
}

fn is_printable(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes
            .iter()
            .all(|b| matches!(b, 32..=126 | b'\n' | b'\r' | b'\t'))
}

/// An atom, in quotes where Erlang needs them to read it back.
fn write_atom(out: &mut String, name: &str) {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '@')
        && !scan::is_reserved(name);
    if is_plain {
        out.push_str(name);
        return;
    }
    out.push('\'');
    for character in name.chars() {
        match character {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            '\x1b' => out.push_str("\\e"),
            '\x7f' => out.push_str("\\d"),
            '\0'..='\x1f' => out.push_str(&format!("\\{:03o}", u32::from(character))),
            character => out.push(character),
        }
    }
    out.push('\'');
}

/// The shortest digits that read back as the same float: in scientific form where that is shorter,
/// or where not every integer of that size is a float.
fn float(value: f64) -> String {
    let shortest = value.to_string();
    let places = shortest
        .find('.')
        .map_or(1, |point| shortest.len() - point - 1);
    // Of two that are equally near Erlang takes the even one, and so does a given number of places.
    let decimal = format!("{value:.places$}");
    let mut scientific = format!("{value:e}");
    if let (false, Some(place)) = (scientific.contains('.'), scientific.find('e')) {
        scientific.insert_str(place, ".0");
    }
    let is_large = value.abs() >= 9_007_199_254_740_992.0;
    if is_large || scientific.len() < decimal.len() {
        scientific
    } else {
        decimal
    }
}
