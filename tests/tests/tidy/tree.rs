//! The tree as tidy sees it: its text files, its layers, and the ratchet of known offences.
//!
//! Used by the rules. Reads, never writes; a document that is missing or malformed fails the test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::rust::{CRATES, code_of};

/// A text file of the tree, by its path from the root.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A place where a rule is broken.
pub(crate) struct Offence {
    pub(crate) path: String,
    pub(crate) line: usize,
    /// How badly: lines beyond a limit, or 1.
    pub(crate) amount: usize,
    pub(crate) text: String,
}

impl File {
    /// Rust that is held to the rules of style.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs") && !self.path.starts_with("tests/peers/")
    }

    pub(crate) fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"))
    }

    /// Rust of the two crates that is not there for their tests.
    pub(crate) fn is_product(&self) -> bool {
        let in_crates = CRATES.iter().any(|folder| self.path.starts_with(folder));
        in_crates && self.is_rust() && !self.is_test()
    }

    pub(crate) fn code(&self) -> String {
        code_of(&self.text)
    }

    /// The code without modules under `#[cfg(test)]`, at the same lines.
    pub(crate) fn product_code(&self) -> String {
        let mut code = String::new();
        let (mut after_cfg, mut in_tests) = (false, false);
        for line in self.code().lines().map(str::trim_end) {
            in_tests |= after_cfg && line.starts_with("mod ") && line.ends_with('{');
            code.push_str(if in_tests { "" } else { line });
            code.push('\n');
            in_tests &= line != "}";
            after_cfg = line == "#[cfg(test)]";
        }
        code
    }

    pub(crate) fn offence(&self, line: usize, text: impl Into<String>) -> Offence {
        Offence {
            path: self.path.clone(),
            line,
            amount: 1,
            text: text.into(),
        }
    }

    /// An offence for each line of `code` that `is_wrong` finds, with the line as it is written.
    pub(crate) fn offences(&self, code: &str, is_wrong: impl Fn(&str) -> bool) -> Vec<Offence> {
        let lines = code.lines().zip(self.text.lines()).enumerate();
        let wrong = lines.filter(|(_, (code, _))| is_wrong(code));
        wrong
            .map(|(i, (_, line))| self.offence(i + 1, line.trim()))
            .collect()
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The text of a file that the rules rest on.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All text files but those that are made: `target`, and hidden ones other than `.ci`.
pub(crate) fn files() -> Vec<File> {
    let mut folders = vec![String::new()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("a folder of the tree") {
            let entry = entry.expect("an entry of a folder");
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("the kind of an entry");
            let path = format!("{folder}{name}");
            if name == "target" || (name.starts_with('.') && name != ".ci") {
                continue;
            } else if kind.is_dir() {
                folders.push(path + "/");
            } else if let Ok(text) = fs::read_to_string(entry.path()) {
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The layer of each file or folder, by its path from the root.
pub(crate) struct Layers(pub(crate) BTreeMap<String, u32>);

impl Layers {
    pub(crate) fn read() -> Self {
        let text = read("docs/ARCHITECTURE.md");
        let (_, block) = text
            .split_once("\n```layers\n")
            .expect("a block that begins ```layers");
        let (block, _) = block
            .split_once("\n```")
            .expect("an end of the block of layers");
        let mut layers = BTreeMap::new();
        for line in block
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim())
        {
            if line.is_empty() {
                continue;
            }
            let (number, names) = line.split_once(':').expect("layers: `N: FILE FILE …`");
            let number = number.parse().expect("layers: `N: FILE FILE …`");
            for name in names.split_whitespace() {
                let path = match name.strip_prefix("gen_tcp:") {
                    Some(name) => format!("gen_tcp/src/{name}"),
                    None => format!("runtime/src/{name}"),
                };
                assert!(
                    layers.insert(path, number).is_none(),
                    "layers: {name} stands there twice"
                );
            }
        }
        Layers(layers)
    }

    /// The layer of a file, or of the nearest folder around it that has one.
    pub(crate) fn of(&self, path: &str) -> Option<u32> {
        let folders = path.rmatch_indices('/').map(|(i, _)| &path[..=i]);
        [path]
            .into_iter()
            .chain(folders)
            .find_map(|name| self.0.get(name))
            .copied()
    }
}

/// The lines of `tidy.ratchet`: path, rule, number.
pub(crate) fn ratchet() -> Vec<(String, String, usize)> {
    let entry = |line: &str| {
        let [path, rule, number] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("tidy.ratchet: not PATH RULE NUMBER: {line}");
        };
        let number = number
            .parse()
            .unwrap_or_else(|_| panic!("tidy.ratchet: no number: {line}"));
        (path.to_owned(), rule.to_owned(), number)
    };
    let text = read("tests/tests/tidy.ratchet");
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(entry)
        .collect()
}

/// Fails with a list of the offences that the ratchet does not know, or that it knows in vain.
pub(crate) fn judge(rule: &str, advice: &str, offences: Vec<Offence>) {
    let mut files: BTreeMap<String, (usize, Vec<Offence>)> = BTreeMap::new();
    for (path, _, known) in ratchet().into_iter().filter(|(_, of, _)| of == rule) {
        files.entry(path).or_default().0 += known;
    }
    for offence in offences {
        files
            .entry(offence.path.clone())
            .or_default()
            .1
            .push(offence);
    }
    let mut report = String::new();
    for (path, (known, offences)) in files {
        let actual: usize = offences.iter().map(|offence| offence.amount).sum();
        if actual > known {
            for Offence { line, text, .. } in offences {
                writeln!(report, "{path}:{line}: {text}").expect("a string takes all");
            }
        } else if actual < known {
            let now = if actual == 0 {
                "mended: drop its line"
            } else {
                "better: lower its number"
            };
            writeln!(
                report,
                "tidy.ratchet: {path} {rule} is {now} ({actual} are left)"
            )
            .expect("a string takes all");
        }
    }
    assert!(report.is_empty(), "rule {rule}: {advice}\n{report}");
}
