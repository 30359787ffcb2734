//! Rust source as far as tidy reads it: code without comments, functions, imported paths.
//!
//! Used by the rules. Invariant: blanking leaves each line at its number and its indentation. This
//! is no parser: functions are told by the indentation of rustfmt, macros are taken as they stand.

use std::collections::BTreeSet;
use std::ops::Range;

/// The folders of the crates that have layers.
pub(crate) const CRATES: [&str; 2] = ["runtime/src/", "gen_tcp/src/"];

const BEFORE_FN: [&str; 6] = ["pub", "const", "async", "unsafe", "extern", "default"];

/// The source with comments, strings and characters made blank, line by line as it was.
pub(crate) fn code_of(text: &str) -> String {
    let source = text.as_bytes();
    let mut code = source.to_vec();
    let mut at = 0;
    while at < source.len() {
        let end = literal_end(source, at).unwrap_or(at).min(source.len());
        for byte in code[at..end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at = end.max(at + 1);
    }
    String::from_utf8(code).expect("only whole characters were made blank")
}

/// The end of the comment, string or character that begins here; `None` where none does.
fn literal_end(source: &[u8], at: usize) -> Option<usize> {
    let rest = &source[at..];
    let len = match rest {
        [b'/', b'/', ..] => rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len()),
        [b'/', b'*', ..] => comment_len(rest),
        [b'r', b'"' | b'#', ..] if begins_word(source, at) => raw_string_len(rest)?,
        [b'"', ..] => quoted_len(rest, b'"'),
        [b'\'', b'\\', ..] => quoted_len(rest, b'\''),
        [b'\'', first, ..] => {
            let char_len = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            // Without a second quote it is a lifetime.
            (rest.get(1 + char_len) == Some(&b'\'')).then_some(char_len + 2)?
        }
        _ => return None,
    };
    Some(at + len)
}

/// Comments of this kind nest.
fn comment_len(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (1, 2);
    while depth > 0 && at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn quoted_len(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_string_len(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None; // a raw name
    }
    let close = [b"\"", &rest[1..=hashes]].concat();
    let body = &rest[hashes + 2..];
    let body_len = body.windows(close.len()).position(|window| window == close);
    Some(hashes + 2 + body_len.map_or(body.len(), |len| len + close.len()))
}

/// Whether a word begins here, or one letter before, as in `br""`.
fn begins_word(source: &[u8], at: usize) -> bool {
    let prefix = at
        .checked_sub(1)
        .filter(|&i| b"bc".contains(&source[i]))
        .unwrap_or(at);
    !is_word(prefix.checked_sub(1).and_then(|i| source.get(i)))
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Whether a line has the words, and not as part of longer ones.
pub(crate) fn has(line: &str, words: &str) -> bool {
    let bytes = line.as_bytes();
    let ends_in_word = is_word(words.as_bytes().last());
    line.match_indices(words).any(|(i, _)| {
        let before = i.checked_sub(1).and_then(|i| bytes.get(i));
        let after = bytes.get(i + words.len());
        !(is_word(before) || (ends_in_word && is_word(after)))
    })
}

/// The lines of each function that has a body, counted from 0.
pub(crate) fn functions(code: &str) -> Vec<Range<usize>> {
    let lines: Vec<&str> = code.lines().map(str::trim_end).collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut functions = Vec::new();
    for (start, first) in lines.iter().enumerate() {
        let Some((before, _)) = first.split_once("fn ") else {
            continue;
        };
        let introduces = |word: &str| {
            BEFORE_FN.contains(&word) || word.starts_with(['$', 'p']) || word.ends_with(')')
        };
        if !before.split_whitespace().all(introduces) {
            continue;
        }
        let rest = lines[start..].iter().enumerate();
        let mut aligned =
            rest.filter(|(_, line)| !line.is_empty() && indent(line) == indent(first));
        let end = match aligned.find(|(_, line)| line.ends_with(['{', '}', ';'])) {
            Some((i, line)) if line.ends_with('}') => Some(i),
            Some((_, line)) if line.ends_with('{') => aligned
                .find(|(_, line)| line.trim_start().starts_with('}'))
                .map(|(i, _)| i),
            _ => None,
        };
        functions.extend(end.map(|end| start..start + end + 1));
    }
    functions
}

/// A line, counted from 1, and the path that stands there.
pub(crate) type Import = (usize, Vec<String>);

/// The paths that begin with `crate`, `runtime`, or at the start of a line with `self` or `super`.
pub(crate) fn imports(code: &str) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut end = 0;
    for (at, _) in code.match_indices("::").filter(|(at, _)| *at > 0) {
        let word = code[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_');
        let word = word.map_or(0, |i| i + 1);
        let line_start = code[..at].rfind('\n').map_or(0, |i| i + 1);
        let is_root = match &code[word..at] {
            "crate" | "runtime" => true,
            "self" | "super" => !code[line_start..].starts_with(' '),
            _ => false,
        };
        let before = &code[..word];
        if !is_root || at < end || before.ends_with(['$', ':']) || before.ends_with("(in ") {
            continue;
        }
        let mut paths = Vec::new();
        end = path_tree(code.as_bytes(), word, &mut Vec::new(), &mut paths);
        let line = before.matches('\n').count() + 1;
        imports.extend(paths.into_iter().map(|path| (line, path)));
    }
    imports
}

/// Reads a path that continues `stem`, with its branches in braces; returns where it ends.
fn path_tree(code: &[u8], at: usize, stem: &mut Vec<String>, out: &mut Vec<Vec<String>>) -> usize {
    let depth = stem.len();
    let mut at = after_blanks(code, at);
    while is_word(code.get(at)) {
        let start = at;
        while is_word(code.get(at)) {
            at += 1;
        }
        at += usize::from(code.get(at) == Some(&b'!'));
        stem.push(String::from_utf8_lossy(&code[start..at]).into_owned());
        let next = after_blanks(code, at);
        if code.get(next..next + 2) != Some(b"::") {
            break;
        }
        at = after_blanks(code, next + 2);
    }
    if code.get(at) == Some(&b'{') {
        while code.get(at).is_some_and(|&byte| byte != b'}') {
            at = path_tree(code, at + 1, stem, out);
            // Over `as NAME` and `*`.
            at += code[at..]
                .iter()
                .take_while(|byte| !b",}".contains(byte))
                .count();
        }
        at = code.len().min(at + 1);
    } else if stem.len() > depth {
        out.push(stem.clone());
    }
    stem.truncate(depth);
    at
}

fn after_blanks(code: &[u8], at: usize) -> usize {
    at + code[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

/// The file that a path leads to, seen from the file `from`; none for other crates and for macros
/// at the root, whose place the path does not tell.
pub(crate) fn target(from: &str, path: &[String], known: &BTreeSet<&str>) -> Option<String> {
    let folder = CRATES.iter().find(|folder| from.starts_with(**folder))?;
    let own = from[folder.len()..].trim_end_matches(".rs").split('/');
    let mut module: Vec<&str> = own.filter(|part| !["lib", "mod"].contains(part)).collect();
    for (i, part) in path.iter().enumerate() {
        match &part[..] {
            "crate" if i == 0 => module.clear(),
            "runtime" if i == 0 => return None,
            "self" => {}
            "super" => drop(module.pop()),
            part if module.is_empty() && part.ends_with('!') => return None,
            part => module.push(part),
        }
    }
    while !module.is_empty() {
        let stem = format!("{folder}{}", module.join("/"));
        let names = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
        if let Some(name) = names.into_iter().find(|name| known.contains(&name[..])) {
            return Some(name);
        }
        module.pop();
    }
    Some(format!("{folder}lib.rs"))
}
