//! What the tests run against, from `tests/components`.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The Python that has moto and boto3; fetched on first use, so that `cargo test` needs no step
/// before it.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let fetched = Command::new("tests/components").current_dir(root()).status();
        assert!(
            fetched.expect("bash runs tests/components").success(),
            "tests/components succeeds"
        );
        root().join("target/components/venv/bin/python")
    })
}

/// Whether this machine has the Ceph gateway; `tests/components --ceph` installs it.
pub(crate) fn ceph_is_installed() -> bool {
    ["radosgw", "ceph-mon", "ceph-osd", "ceph"]
        .iter()
        .all(|program| Path::new("/usr/bin").join(program).exists())
}

/// One of Prometheus's programs, if it is there; else it says that the test is skipped.
pub(crate) fn prometheus(program: &str) -> Option<PathBuf> {
    let path = root().join("target/components/prometheus/usr/bin").join(program);
    if path.exists() {
        return Some(path);
    }
    let skipped = format!("skipped: no {program}; tests/components --prometheus fetches it");
    // Straight to the stream: the test harness keeps what a passing test prints.
    writeln!(io::stderr(), "{skipped}").expect("stderr is open");
    None
}

/// The package's directory.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
