//! The shipped units: what systemd's own tools say of them.

use std::{fs, process::Command};

use crate::harness::root;

/// systemd's grade of the sandbox, times ten: 20 of 100 at the most.
const EXPOSURE_MAX: &str = "--threshold=20";

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn the_sandbox_is_tight() {
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", EXPOSURE_MAX]);
    let Ok(graded) = analyze.arg(root().join("config/fanfare.service")).output() else {
        eprintln!("skipped: this machine has no systemd-analyze; tests/components fetches it");
        return;
    };
    let grade = String::from_utf8_lossy(&graded.stdout);
    assert!(graded.status.success(), "the exposure is above 2.0:\n{grade}");
    assert!(grade.contains("Overall exposure level for fanfare.service"), "{grade}");
}

#[test]
fn every_listener_has_a_socket_with_the_address_of_the_settings() {
    let read = |file: &str| fs::read_to_string(root().join("config").join(file));
    let settings = read("fanfare.toml").expect("it is shipped");
    let settings: toml::Table = settings.parse().expect("it is TOML");
    for listener in ["events", "s3", "admin"] {
        let unit = read(&format!("fanfare-{listener}.socket")).expect("it is shipped");
        let address = settings["listen"][listener].as_str().expect("an address is a text");
        for line in [
            format!("ListenStream={address}"),
            format!("FileDescriptorName={listener}"),
            "Service=fanfare.service".into(),
        ] {
            assert!(unit.lines().any(|found| found == line), "{line} in {unit}");
        }
    }
}
