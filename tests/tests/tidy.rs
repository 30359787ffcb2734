//! Holds the tree to its own rules: layers, sizes, headers, unsafe code, clocks, dependencies.
//!
//! Run by `cargo test` like any other test. What is known and not yet mended stands in
//! `tidy.ratchet`, whose numbers may only fall.
//!
//! The layers are read from the block of `docs/ARCHITECTURE.md` that begins with three backticks
//! and `layers`. A line is `N: FILE FILE …`; several lines may have one N; `#` begins a comment. A
//! file is named by its path in `runtime/src`, or with `gen_tcp:` before it by its path in
//! `gen_tcp/src`. A name that ends in `/` stands for all files below it that have no name of their
//! own. A file imports from its own layer and from lower ones. A path that leads to no file, such
//! as a re-export at the root, counts as an import from `lib.rs`.
//!
//! Files with `unsafe` are read from the tables of `docs/UNSAFE.md`: the rows whose first cell is
//! the file's path from the root in backticks.
//!
//! Unit tests (`tests.rs`, `…_tests.rs`, folders `tests`, modules under `#[cfg(test)]`) may import
//! what they like, start threads, and have files of any length. `tests/peers` is held to the rules
//! for text alone.

#[path = "tidy/rust.rs"]
mod rust;
#[path = "tidy/tree.rs"]
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use rust::{functions, has, imports, target};
use tree::{File, Layers, Offence, files, judge, ratchet, read};

const RULES: [&str; 13] = [
    "clock",
    "columns",
    "dependencies",
    "file-lines",
    "function-lines",
    "header",
    "layers",
    "machine-paths",
    "real-and-sim",
    "safety",
    "trailing-blanks",
    "unfinished",
    "unsafe-table",
];
const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;
const HEADER_LINES_MAX: usize = 25;
const SAFETY_LINES_ABOVE_MAX: usize = 6;
const CLOCK_FILES: [&str; 4] = ["real.rs", "clock.rs", "blocking.rs", "park.rs"];
const CLOCK_WORDS: [&str; 5] = [
    "Instant::now",
    "SystemTime::now",
    "thread::spawn",
    "thread::sleep",
    "thread::Builder",
];
const RUNTIMES: [&str; 5] = ["tokio", "mio", "async-std", "smol", "dashmap"];
/// In two parts, so that this file does not find itself.
const MACHINE_PATHS: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/ba", "sh_jobs"),
];

#[test]
fn the_ratchet_names_rules_and_files_that_exist() {
    let files: BTreeSet<String> = files().into_iter().map(|file| file.path).collect();
    for (path, rule, _) in ratchet() {
        assert!(
            RULES.contains(&&rule[..]),
            "ratchet: there is no rule {rule}"
        );
        assert!(files.contains(&path), "ratchet: there is no file {path}");
    }
}

#[test]
fn every_file_of_the_crates_has_one_layer() {
    let layers = Layers::read();
    let files: Vec<File> = files().into_iter().filter(File::is_product).collect();
    let unnamed = files.iter().filter(|file| layers.of(&file.path).is_none());
    let unnamed: Vec<&str> = unnamed.map(|file| &file.path[..]).collect();
    assert!(unnamed.is_empty(), "in no line of the layers: {unnamed:#?}");
    let is_empty = |name: &String| {
        let is_folder = name.ends_with('/');
        !files
            .iter()
            .any(|file| file.path == *name || (is_folder && file.path.starts_with(name)))
    };
    let empty: Vec<String> = layers.0.into_keys().filter(is_empty).collect();
    assert!(empty.is_empty(), "in the layers, but no file: {empty:#?}");
}

#[test]
fn no_file_imports_from_a_higher_layer() {
    let layers = Layers::read();
    let files = files();
    let known: BTreeSet<&str> = files.iter().map(|file| &file.path[..]).collect();
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| file.is_product()) {
        let Some(own) = layers.of(&file.path) else {
            continue;
        };
        for (line, path) in imports(&file.product_code()) {
            let Some(target) = target(&file.path, &path, &known) else {
                continue;
            };
            if let Some(layer) = layers.of(&target).filter(|layer| *layer > own) {
                let text = format!("in layer {own}, imports {target} of layer {layer}");
                offences.push(file.offence(line, text));
            }
        }
    }
    judge(
        "layers",
        "move what is needed down, or have it passed in from above",
        offences,
    );
}

#[test]
fn the_real_and_the_simulated_bodies_do_not_import_each_other() {
    let side = |part: &str| match part.trim_end_matches(".rs") {
        "real" => Some("real"),
        "sim" => Some("sim"),
        _ => None,
    };
    let mut offences = Vec::new();
    for file in files().iter().filter(|file| file.is_product()) {
        let Some(own) = file.path.split('/').find_map(side) else {
            continue;
        };
        for (line, path) in imports(&file.product_code()) {
            if path
                .iter()
                .filter_map(|part| side(part))
                .any(|other| other != own)
            {
                offences.push(file.offence(line, format!("imports {}", path.join("::"))));
            }
        }
    }
    judge(
        "real-and-sim",
        "what both need belongs beside them, under the seam's trait",
        offences,
    );
}

#[test]
fn files_are_not_too_long() {
    let mut offences = Vec::new();
    for file in files()
        .iter()
        .filter(|file| file.is_rust() && !file.is_test())
    {
        let len = file.text.lines().count();
        if len > FILE_LINES_MAX {
            let amount = len - FILE_LINES_MAX;
            offences.push(Offence {
                amount,
                ..file.offence(len, format!("{len} lines"))
            });
        }
    }
    judge(
        "file-lines",
        "a file is one noun of at most 500 lines: which two are in it?",
        offences,
    );
}

#[test]
fn functions_are_not_too_long() {
    let mut offences = Vec::new();
    for file in files().iter().filter(|file| file.is_rust()) {
        for lines in functions(&file.code()) {
            let len = lines.len();
            if len > FUNCTION_LINES_MAX {
                let amount = len - FUNCTION_LINES_MAX;
                let text = format!("a function of {len} lines");
                offences.push(Offence {
                    amount,
                    ..file.offence(lines.start + 1, text)
                });
            }
        }
    }
    judge(
        "function-lines",
        "70 lines at most: branch above, compute in leaves",
        offences,
    );
}

#[test]
fn lines_are_not_too_wide() {
    let wide = |file: &File, line: &str| file.is_rust() && line.chars().count() > COLUMNS_MAX;
    judge(
        "columns",
        "100 columns at most; run cargo fmt, break strings",
        lines_where(wide),
    );
}

#[test]
fn no_line_ends_in_blanks() {
    let blank = |file: &File, line: &str| {
        !file.path.starts_with("tests/oracle/") && line.ends_with(char::is_whitespace)
    };
    judge("trailing-blanks", "remove the blanks", lines_where(blank));
}

#[test]
fn every_file_begins_with_a_header() {
    let mut offences = Vec::new();
    for file in files().iter().filter(|file| file.is_rust()) {
        let header = file.text.lines().take_while(|line| line.starts_with("//!"));
        let (mut len, mut in_example) = (0, false);
        for line in header {
            // The crate's runnable example is not prose.
            let fence = file.path.ends_with("/lib.rs") && line.starts_with("//! ```");
            len += usize::from(!fence && !in_example);
            in_example ^= fence;
        }
        if !(1..=HEADER_LINES_MAX).contains(&len) {
            offences.push(file.offence(1, format!("a header of {len} lines")));
        }
    }
    judge(
        "header",
        "begin with `//!`: what, who calls, invariant, what is left out",
        offences,
    );
}

#[test]
fn unsafe_code_stands_where_the_table_says() {
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let table = read("docs/UNSAFE.md");
    let rows = table.lines().enumerate();
    let mut listed: BTreeMap<String, usize> = rows
        .filter_map(|(i, line)| Some((row(line)?, i + 1)))
        .collect();
    let mut offences = Vec::new();
    for file in files().iter().filter(|file| file.is_rust()) {
        let code = file.code();
        let Some(i) = code.lines().position(|line| has(line, "unsafe")) else {
            continue;
        };
        if listed.remove(&file.path).is_none() {
            offences.push(file.offence(i + 1, "unsafe, and not in docs/UNSAFE.md"));
        }
    }
    for (name, line) in listed {
        let text = format!("{name} has no unsafe code, or does not exist");
        offences.push(Offence {
            path: "docs/UNSAFE.md".into(),
            line,
            amount: 1,
            text,
        });
    }
    judge(
        "unsafe-table",
        "list the file with its reason, or do without",
        offences,
    );
}

#[test]
fn unsafe_code_says_why_it_is_sound() {
    let mut offences = Vec::new();
    for file in files().iter().filter(|file| file.is_rust()) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (i, code) in file.code().lines().enumerate() {
            let is_type = code.contains("fn(");
            if !has(code, "unsafe") || is_type {
                continue;
            }
            let promises = has(code, "unsafe {") || has(code, "unsafe impl");
            let words: &[&str] = if promises {
                &["SAFETY:"]
            } else {
                &["SAFETY:", "# Safety"]
            };
            if !is_explained(&lines, i, words) {
                offences.push(file.offence(i + 1, format!("no `{}` above", words.join("` or `"))));
            }
        }
    }
    judge(
        "safety",
        "say above it why it is sound, or what the caller must keep to",
        offences,
    );
}

/// One of the words stands on the line, within a few lines above, or in the comment right above.
fn is_explained(lines: &[&str], at: usize, words: &[&str]) -> bool {
    let says = |line: &str| words.iter().any(|word| line.contains(word));
    let beside = lines[at.saturating_sub(SAFETY_LINES_ABOVE_MAX)..=at]
        .iter()
        .any(|line| says(line));
    let is_note = |line: &&&str| line.trim_start().starts_with(['/', '#']);
    beside
        || lines[..at]
            .iter()
            .rev()
            .take_while(is_note)
            .any(|line| says(line))
}

#[test]
fn nothing_is_left_unfinished() {
    let unfinished = |line: &str| has(line, "todo!") || has(line, "unimplemented!");
    let mut offences = Vec::new();
    for file in files().iter().filter(|file| file.is_rust()) {
        offences.extend(file.offences(&file.code(), unfinished));
    }
    judge(
        "unfinished",
        "finish it, or answer with an error that says what is missing",
        offences,
    );
}

#[test]
fn clocks_and_threads_stay_behind_the_seams() {
    let mut offences = Vec::new();
    for file in files().iter().filter(|file| file.is_product()) {
        let name = file.path.rsplit('/').next().unwrap();
        if !CLOCK_FILES.contains(&name) && !file.path.contains("/real/") {
            let reads = |line: &str| CLOCK_WORDS.iter().any(|word| has(line, word));
            offences.extend(file.offences(&file.product_code(), reads));
        }
    }
    judge(
        "clock",
        "go through the seam, or a simulation is not the same twice",
        offences,
    );
}

#[test]
fn no_file_names_paths_of_a_machine() {
    let names = |_: &File, line: &str| MACHINE_PATHS.iter().any(|path| line.contains(path));
    judge(
        "machine-paths",
        "the project stands alone: name nothing outside",
        lines_where(names),
    );
}

#[test]
fn the_crates_depend_on_no_other_runtime() {
    let mut offences = Vec::new();
    let manifests = ["runtime/Cargo.toml", "gen_tcp/Cargo.toml"];
    for file in files()
        .iter()
        .filter(|file| manifests.contains(&&file.path[..]))
    {
        let mut in_dependencies = false;
        for (i, line) in file.text.lines().enumerate() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies");
            }
            let setting = line.split('#').next().unwrap_or_default();
            let mut words = setting.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
            if in_dependencies && words.any(|word| RUNTIMES.contains(&word)) {
                offences.push(file.offence(i + 1, line));
            }
        }
    }
    judge(
        "dependencies",
        "the crates are the runtime; they stand on no other",
        offences,
    );
}

/// The lines of text files that are wrong.
fn lines_where(is_wrong: impl Fn(&File, &str) -> bool) -> Vec<Offence> {
    let offences = |file: File| file.offences(&file.text, |line| is_wrong(&file, line));
    files().into_iter().flat_map(offences).collect()
}

#[test]
fn tidy_tells_code_from_comments_and_strings() {
    let source = [
        r##"use crate::{a::B, c::{self, D as E}, f::*};"##,
        r##"let x = "crate::x \" // x"; // crate::x"##,
        r##"/* crate::x /* */ */ f::<'a>('\'', '"', r#"crate::x"#, crate::g::h!(1));"##,
        r##"pub(in crate::x) fn f() { $crate::x(); crate::i::J::<K>::new() }"##,
        r##"    use super::x;"##,
        r##"use super::super::k;"##,
    ];
    let source = source.join("\n");
    let found = imports(&rust::code_of(&source)).into_iter();
    let found: Vec<(usize, String)> = found.map(|(n, path)| (n, path.join(" "))).collect();
    let expected = [
        (1, "crate a B"),
        (1, "crate c self"),
        (1, "crate c D"),
        (1, "crate f"),
        (3, "crate g h!"),
        (4, "crate i J"),
        (6, "super super k"),
    ];
    assert_eq!(found, expected.map(|(n, path)| (n, path.to_owned())));
}

#[test]
fn tidy_finds_the_file_that_a_path_leads_to() {
    let known = [
        "runtime/src/lib.rs",
        "runtime/src/p/mod.rs",
        "runtime/src/p/a.rs",
    ]
    .into();
    let target = |path: &str| {
        let path: Vec<String> = path.split("::").map(str::to_owned).collect();
        target("runtime/src/p/b.rs", &path, &known)
    };
    assert_eq!(target("super::a::X").as_deref(), Some("runtime/src/p/a.rs"));
    assert_eq!(
        target("crate::p::X").as_deref(),
        Some("runtime/src/p/mod.rs")
    );
    assert_eq!(target("crate::X").as_deref(), Some("runtime/src/lib.rs"));
    assert_eq!((target("crate::x!"), target("runtime::x")), (None, None));
}

#[test]
fn tidy_finds_the_ends_of_functions() {
    let source = [
        "fn a() {}",
        "fn b();",
        "impl X {",
        "    pub(crate) const fn c(",
        "        d: fn(E),",
        "    ) -> F",
        "    where",
        "        E: G,",
        "    {",
        "        h(|| {",
        "        })",
        "    }",
        "}",
    ];
    let source = source.join("\n");
    assert_eq!(functions(&rust::code_of(&source)), [0..1, 3..12]);
}
