//! `scenario [--sim SEED] FILE...`: runs scenarios on this project's runtime and prints their
//! transcripts. The language is described in `tests/oracle/README.md`.
//!
//! With `--sim` each scenario runs in the simulated world of the seed (decimal, or hexadecimal
//! with `0x`), without sockets. Exit code: 0 where every scenario ran to its end, however its
//! calls ended; 1 where one did not; 2 where the command line, or a call in a simulated world,
//! asks for what there is not.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use examples::scenario::{RunError, Transcript, run, run_simulated};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (seed, files) = match &args[..] {
        [option, seed, files @ ..] if option == "--sim" => match parse_seed(seed) {
            Some(seed) => (Some(seed), files),
            None => return usage(&format!("{seed} is no seed")),
        },
        files => (None, files),
    };
    if files.is_empty() || files[0].starts_with("--") {
        return usage("no files");
    }
    let mut code = 0;
    for file in files {
        match one(Path::new(file), seed) {
            Ok(transcript) => {
                // A reader that has gone away needs no transcript.
                let _ = io::stdout().write_all(transcript.text.as_bytes());
                if let Some(error) = transcript.error {
                    eprintln!("scenario: {file}: {error}");
                    code = code.max(if matches!(error, RunError::Sockets(..)) {
                        2
                    } else {
                        1
                    });
                }
            }
            Err(error) => {
                eprintln!("scenario: {file}: {error}");
                code = code.max(1);
            }
        }
    }
    ExitCode::from(code)
}

fn one(file: &Path, seed: Option<u64>) -> io::Result<Transcript> {
    let text = fs::read_to_string(file)?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    Ok(match seed {
        Some(seed) => run_simulated(&name, &text, seed),
        None => run(&name, &text),
    })
}

fn parse_seed(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn usage(why: &str) -> ExitCode {
    eprintln!("scenario: {why}\nusage: scenario [--sim SEED] FILE...");
    ExitCode::from(2)
}
