//! Tests that need a process of the system for themselves: they change what all of it shares, or
//! count what all of it has.
//!
//! Such a test runs the test program again, for itself alone, and takes its verdict.

use std::fs::File;
use std::process::{Command, Output};

/// Set for the child, to the name of its test.
const CHILD: &str = "TEST_ALONE";

/// So many descriptors at least are used up.
const ROOM: u64 = 8;

/// Runs the body in a process of its own. `name` is the test's full name.
///
/// # Panics
/// Where the body does; what it wrote is printed.
pub fn alone(name: &str, body: impl FnOnce()) {
    if is_child(name) {
        return body();
    }
    let output = child(name, name);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "alone, it ended with {}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    print!("{text}");
}

/// Whether this process was started by [`child`] for this role.
#[must_use]
pub fn is_child(role: &str) -> bool {
    std::env::var(CHILD).is_ok_and(|found| found == role)
}

/// Runs one test of this program in a process of its own, in a role that it can ask for.
///
/// # Panics
/// Where the program cannot be started.
#[must_use]
pub fn child(name: &str, role: &str) -> Output {
    child_with(name, role, &[])
}

/// As [`child`], with these in its environment.
///
/// # Panics
/// As [`child`].
#[must_use]
pub fn child_with(name: &str, role: &str, environment: &[(&str, &str)]) -> Output {
    let program = std::env::current_exe().expect("this program has a path");
    Command::new(program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CHILD, role)
        .envs(environment.iter().copied())
        .output()
        .expect("the test program starts again")
}

/// Sets how much address space this process may use beyond what it has; `None` for any amount.
///
/// # Panics
/// Where the system refuses.
pub fn set_space_limit(more: Option<u64>) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let statm = std::fs::read_to_string("/proc/self/statm").expect("the system tells");
    let pages: Option<u64> = statm.split(' ').next().and_then(|pages| pages.parse().ok());
    let has = pages.expect("a number of pages") * rustix::param::page_size() as u64;
    let mut limits = getrlimit(Resource::As);
    limits.current = more.map(|more| has + more);
    setrlimit(Resource::As, limits).expect("the limit may be set");
}

/// Sets how many descriptors this process may have.
///
/// # Panics
/// Where the system refuses.
pub fn set_descriptor_limit(limit: u64) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limits = getrlimit(Resource::Nofile);
    limits.current = Some(limit);
    setrlimit(Resource::Nofile, limits).expect("the limit may be set");
}

/// Opens files until there is no descriptor left. Each of them that is dropped makes room for one.
///
/// # Panics
/// Where the system refuses the limit.
#[must_use]
pub fn use_up_descriptors() -> Vec<File> {
    set_descriptor_limit(descriptors().last().map_or(0, |last| last + 1) + ROOM);
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

/// The descriptors that this process has, in order.
///
/// # Panics
/// Where the system does not tell.
#[must_use]
pub fn descriptors() -> Vec<u64> {
    let folder = std::fs::read_dir("/proc/self/fd").expect("the system tells");
    let number = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse::<u64>().ok()
    };
    let mut all: Vec<u64> = folder.filter_map(number).collect();
    all.sort_unstable();
    // One of them was the folder itself.
    all.retain(|fd| std::fs::read_link(format!("/proc/self/fd/{fd}")).is_ok());
    all
}
