//! How much memory the program takes, as the kernel sees it.
//!
//! Asked by the programs that measure it.

/// What the kernel holds of this program in memory, in bytes.
///
/// # Panics
/// Where the system has no `/proc`.
#[must_use]
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number of kB")
        * 1024
}
