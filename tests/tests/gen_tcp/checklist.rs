//! Holds `docs/CHECKLIST.md` to the tests and scenarios that it names.
//!
//! A row of its tables is `| LINE | WHAT | NAMES |`; a row without a number is a heading. A name in
//! backticks is `MODULE::TEST` of this suite or `NAME.scn`. Invariant: all 72 lines are there, in
//! order; each names a test; each test `tNN_…` of this suite stands under its line, and the comment
//! above it cites a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

const LINES: usize = 72;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The numbered tests of this suite, as `module::name`, each with the comment above it.
fn tests() -> BTreeMap<String, String> {
    let mut tests = BTreeMap::new();
    for file in fs::read_dir(root().join("tests/gen_tcp")).expect("the suite is there") {
        let path = file.expect("a readable folder").path();
        let module = path.file_stem().and_then(|stem| stem.to_str());
        let module = module.expect("a file of the suite has a name").to_string();
        let text = fs::read_to_string(&path).expect("a readable file");
        let lines: Vec<&str> = text.lines().collect();
        let marks = lines.iter().enumerate();
        for (at, _) in marks.filter(|(_, line)| **line == "#[test]") {
            let name = lines[at + 1].trim_start_matches("fn ").split('(').next();
            let name = name.expect("a test has a name");
            let above = lines[..at].iter().rev();
            let comment: Vec<&str> = above
                .take_while(|line| line.starts_with("//"))
                .copied()
                .collect();
            tests.insert(format!("{module}::{name}"), comment.join(" "));
        }
    }
    tests
}

/// What stands in backticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(String::from)
        .collect()
}

/// The rows of the table: number and names.
fn rows() -> Vec<(usize, Vec<String>)> {
    let path = root().join("../docs/CHECKLIST.md");
    let text = fs::read_to_string(path).expect("the checklist is there");
    let cells = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
        Some((cells.first()?.parse().ok()?, names(cells.get(2)?)))
    });
    cells.collect()
}

/// Whether a comment has an id of three letters or one (`SND-4`, `P-4`), a number of a section
/// (`3.4`), or a row of part 9.
fn cites(comment: &str) -> bool {
    let words = comment.split(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c)));
    let mut row = false;
    for word in words.filter(|word| !word.is_empty()) {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let id = word.split_once('-').is_some_and(|(letters, number)| {
            letters.bytes().all(|b| b.is_ascii_uppercase())
                && matches!(letters.len(), 1 | 3)
                && is_number(number)
        });
        let section = word
            .split_once('.')
            .is_some_and(|(part, number)| is_number(part) && is_number(number));
        if id || section || (row && is_number(word)) {
            return true;
        }
        row = word == "row" || word == "rows";
    }
    false
}

#[test]
fn the_checklist_names_what_exists_and_all_of_it() {
    let (tests, rows) = (tests(), rows());
    let numbers: Vec<usize> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=LINES).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    let mut listed = BTreeSet::new();
    for (number, names) in &rows {
        let of_line = |name: &String| name.contains(&format!("::t{number:02}_"));
        if !names.iter().any(of_line) {
            wrong.push(format!("line {number} names no test of its own"));
        }
        for name in names {
            let scenario = root().join("oracle/scenarios").join(name);
            let exists = match name.strip_suffix(".scn") {
                Some(_) => scenario.is_file(),
                None => tests.contains_key(name) && of_line(name),
            };
            if !exists {
                wrong.push(format!("line {number}: there is no {name}"));
            }
            listed.insert(name.clone());
        }
    }
    for (name, comment) in &tests {
        let numbered = name.split_once("::t").is_some_and(|(_, rest)| {
            rest.as_bytes()[..2].iter().all(u8::is_ascii_digit) && rest.as_bytes()[2] == b'_'
        });
        if numbered && !listed.contains(name) {
            wrong.push(format!("{name} stands in no line"));
        }
        if numbered && !cites(comment) {
            wrong.push(format!("{name} cites no rule: {comment:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_rule_is_known_by_its_form() {
    for comment in [
        "// CON-6, CON-20",
        "// Section 9 row 6: with it",
        "// 1.21",
        "// P-4",
    ] {
        assert!(cites(comment), "{comment}");
    }
    for comment in [
        "",
        "// so many words",
        "// a half-close of 10 MB",
        "// row by row",
    ] {
        assert!(!cites(comment), "{comment}");
    }
}
