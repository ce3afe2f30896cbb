//! The Debian package, installed, upgraded, removed and purged under a real systemd.
//!
//! `boot` starts a Debian in a container, `proof` is what happens there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::harness::root;

/// What `boot` ends with where the machine boots no container, as a container of its own may not.
const NO_CONTAINER: i32 = 77;

/// The package of the binary that the tests run, if cargo-deb is there to make it.
fn package() -> Option<&'static Path> {
    static PACKAGE: OnceLock<Option<PathBuf>> = OnceLock::new();
    PACKAGE.get_or_init(build).as_deref()
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn build() -> Option<PathBuf> {
    if !root().join("target/components/cargo-deb/bin/cargo-deb").exists() {
        eprintln!(
            "skipped: this machine has no cargo-deb; tests/components --cargo-deb fetches it"
        );
        return None;
    }
    let mut build = Command::new("config/package/build");
    let built = build.args(["--built", "dev"]).current_dir(root()).output().expect("bash starts");
    let said = String::from_utf8_lossy(&built.stdout).into_owned();
    assert!(built.status.success(), "{said}{}", String::from_utf8_lossy(&built.stderr));
    Some(root().join(said.lines().last().expect("it says where the package is")))
}

/// What `dpkg-deb` says of the package.
fn dpkg_deb(package: &Path, question: &[&str]) -> String {
    let answer = Command::new("dpkg-deb").args(question).arg(package).output();
    let answer = answer.expect("dpkg-deb starts");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8_lossy(&answer.stdout).into_owned()
}

#[test]
fn the_package_holds_the_units_the_manual_and_the_completions() {
    let Some(package) = package() else { return };
    let contents = dpkg_deb(package, &["--contents"]);
    let files: Vec<&str> = contents
        .lines()
        .filter(|line| !line.starts_with('d'))
        .filter_map(|line| line.split_whitespace().next_back())
        .map(|path| path.trim_start_matches('.'))
        .collect();
    for file in [
        "/etc/fanfare/fanfare.toml",
        "/usr/bin/fanfare",
        "/usr/lib/systemd/system/fanfare.service",
        "/usr/lib/systemd/system/fanfare-events.socket",
        "/usr/lib/systemd/system/fanfare-s3.socket",
        "/usr/lib/systemd/system/fanfare-admin.socket",
        "/usr/share/bash-completion/completions/fanfare",
        "/usr/share/doc/fanfare/docs/connect.md",
        "/usr/share/doc/fanfare/docs/dashboard.png",
        "/usr/share/doc/fanfare/docs/operate.md",
        "/usr/share/doc/fanfare/examples/grafana/fanfare.json",
        "/usr/share/doc/fanfare/examples/prometheus/alerts.yml",
        "/usr/share/fish/vendor_completions.d/fanfare.fish",
        "/usr/share/man/man1/fanfare.1.gz",
        "/usr/share/man/man1/fanfare-serve.1.gz",
        "/usr/share/zsh/vendor-completions/_fanfare",
    ] {
        assert!(files.contains(&file), "{file} in {files:#?}");
    }
    let services = files.iter().filter(|file| file.ends_with(".service")).count();
    assert_eq!(services, 1, "{files:#?}");
    let info = dpkg_deb(package, &["--info"]);
    assert_eq!(info.matches("conffiles").count(), 1);
    let described = info.lines().map(str::trim).find(|line| line.starts_with("Description: "));
    assert!(described.is_some_and(|line| line.ends_with(" store")), "not cut: {described:?}");
}

#[test]
fn the_manual_names_files_environment_and_exit_codes() {
    let Some(package) = package() else { return };
    let unpacked = tempfile::tempdir().expect("a directory");
    let unpack = Command::new("dpkg-deb").arg("-x").arg(package).arg(unpacked.path()).status();
    assert!(unpack.expect("dpkg-deb starts").success());
    let page = unpacked.path().join("usr/share/man/man1/fanfare.1.gz");
    let page = Command::new("zcat").arg(page).output().expect("zcat starts").stdout;
    let page = String::from_utf8(page).expect("the manual is text");
    for section in [".SH FILES", ".SH ENVIRONMENT", ".SH \"EXIT STATUS\""] {
        assert!(page.contains(section), "{section} in {page}");
    }
    assert!(page.contains("\\fI/etc/fanfare/environment\\fR"), "{page}");
}

/// What the source includes from outside of `src`, as far as the program needs it.
fn included(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("the source is there") {
        let path = entry.expect("the source is readable").path();
        if path.is_dir() {
            included(&path, found);
        } else if !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).expect("the source is text");
            let after = text.split("include_str!(\"").skip(1);
            let named = after.filter_map(|rest| rest.split('"').next());
            found.extend(named.map(|path| path.trim_start_matches("../").to_owned()));
        }
    }
}

#[test]
fn the_image_is_built_from_all_that_the_source_includes() {
    let recipe = fs::read_to_string(root().join("config/Containerfile")).expect("it is shipped");
    let copied: Vec<&str> = recipe
        .lines()
        .filter_map(|line| line.strip_prefix("COPY ")?.split_whitespace().next())
        .collect();
    let mut files = Vec::new();
    included(&root().join("src"), &mut files);
    for file in files {
        assert!(copied.iter().any(|part| file.starts_with(part)), "{file} in {copied:?}");
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn the_package_lives_its_whole_life_on_a_debian() {
    let Some(package) = package() else { return };
    if !root().join("target/components/debian/.complete").exists() {
        eprintln!(
            "skipped: there is no Debian to install into; as root, tests/components --debian makes it"
        );
        return;
    }
    let booted = Command::new("tests/it/package/boot").arg(package).current_dir(root()).output();
    let booted = booted.expect("bash starts");
    let said = [booted.stdout, booted.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    if booted.status.code() == Some(NO_CONTAINER) {
        eprintln!("skipped: no container boots here: {said}");
        return;
    }
    assert!(booted.status.success(), "{said}");
}
