//! The storms (`tests/storms`) as they are, without a sanitizer: a few rounds of each come to their
//! end and leave nothing.

use std::process::Command;

#[test]
fn storms_leave_nothing_behind() {
    for storm in ["actors", "sockets"] {
        let program = env!("CARGO_BIN_EXE_storm");
        let output = Command::new(program).args([storm, "3", "1000"]).output();
        let output = output.expect("the program is there");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{storm}: {said}{errors}");
        assert!(said.ends_with("nothing is left\n"), "{storm}: {said}");
    }
}
