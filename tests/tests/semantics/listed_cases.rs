//! Holds `docs/CASES.md` to the tests that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The cases that were chosen of all that the suites have.
#[rustfmt::skip]
const CASES: [u32; 70] = [
    1, 2, 3, 4, 5, 6, 7, 10, 11, 14, 19, 27, 36, 38, 39, 45, 47, 55, 63, 64, 65, 69, 70, 71, 74, 75,
    76, 79, 83, 84, 85, 86, 92, 93, 94, 98, 101, 102, 106, 108, 109, 110, 111, 116, 118, 125, 127,
    132, 134, 136, 137, 138, 139, 141, 145, 146, 147, 148, 156, 159, 161, 168, 171, 172, 173, 175,
    177, 178, 179, 180,
];
/// The rest, for which there was no room in a line.
const MORE: [u32; 3] = [182, 183, 184];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The file of a module, as the table names it.
fn file(module: &str) -> PathBuf {
    let path = if module.contains('/') {
        format!("{module}.rs")
    } else {
        format!("tests/tests/semantics/{module}.rs")
    };
    root().join(path)
}

/// The names of the tests of a file; `None` where there is no such file.
fn tests_of(path: &Path) -> Option<BTreeSet<String>> {
    let text = fs::read_to_string(path).ok()?;
    let mut tests = BTreeSet::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        let rest = line.strip_prefix("fn ").filter(|_| marked);
        if let Some((name, _)) = rest.and_then(|rest| rest.split_once('(')) {
            tests.insert(name.to_owned());
        }
        marked = line == "#[test]" || (marked && line.starts_with("#["));
    }
    Some(tests)
}

/// What stands in backticks and names a test.
fn names(cell: &str) -> Vec<(String, String)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|name| name.split_once("::"))
        .map(|(module, test)| (module.to_owned(), test.to_owned()))
        .collect()
}

/// The numbers of cases in the name of a test: `case_001_and_002_…`, `case_175_to_177_…`.
fn numbers(test: &str) -> Vec<u32> {
    let words = test.strip_prefix("case_").unwrap_or_default().split('_');
    words
        .take_while(|word| *word == "and" || *word == "to" || word.parse::<u32>().is_ok())
        .filter_map(|word| word.parse().ok())
        .collect()
}

#[test]
fn the_list_of_cases_names_what_exists_and_all_of_it() {
    let text = fs::read_to_string(root().join("docs/CASES.md")).expect("the list is there");
    let mut listed: BTreeMap<u32, Vec<(String, String)>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let named = names(cells[cells.len() - 2]);
        for (module, test) in &named {
            if !tests_of(&file(module)).is_some_and(|tests| tests.contains(test)) {
                wrong.push(format!("there is no {module}::{test}"));
            }
        }
        if let Ok(number) = cells[1].parse() {
            if named.is_empty() {
                wrong.push(format!("case {number} names no test"));
            }
            if listed.insert(number, named).is_some() {
                wrong.push(format!("case {number} is there twice"));
            }
        }
    }
    let expected: Vec<u32> = CASES.into_iter().chain(MORE).collect();
    assert_eq!(listed.keys().copied().collect::<Vec<u32>>(), expected);
    for module in ["cases_of_processes", "cases_of_ports"] {
        for test in tests_of(&file(module)).expect("the file is there") {
            let own = (module.to_owned(), test.clone());
            let numbers = numbers(&test);
            let stands = |number: &u32| listed.get(number).is_some_and(|row| row.contains(&own));
            if numbers.is_empty() || !numbers.iter().all(stands) {
                wrong.push(format!(
                    "{module}::{test} does not stand in the rows of its numbers"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
