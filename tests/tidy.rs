//! The rules of the house that no compiler and no lint checks.
//!
//! Sources are read line by line and token by token, not parsed: that is enough for code that
//! rustfmt has laid out. A failure says where, and what to do about it.
#![cfg(test)]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Who may import whom: a stage, and what it may name as `crate::…`. Everybody may name itself.
const EDGES: [(&str, &[&str]); 24] = [
    ("model", &[]),
    ("journal", &["failpoint"]),
    ("telemetry", &[]),
    ("stop", &[]),
    ("failpoint", &[]),
    ("durable_file", &[]),
    ("tls", &["model", "stop"]),
    ("serve", &["model", "stop", "tls"]),
    ("trace", &["tls"]),
    ("tail", &["model"]),
    ("rules", &["model"]),
    ("payload", &["model"]),
    ("publish", &["model", "trace"]),
    ("route", &["model", "rules"]),
    ("ingest", &["journal", "model", "route", "serve", "stop", "tail", "tls", "trace"]),
    ("deliver", &["failpoint", "journal", "model", "payload", "publish", "stop", "tail"]),
    ("control", &["durable_file", "model", "route", "rules", "serve", "stop", "tls"]),
    ("replay", &["durable_file", "ingest", "journal", "model", "route", "stop"]),
    ("admin", &["deliver", "ingest", "journal", "model", "replay", "serve", "stop", "tail", "tls"]),
    (
        "config",
        &[
            "admin",
            "control",
            "deliver",
            "ingest",
            "journal",
            "model",
            "payload",
            "publish",
            "rules",
            "telemetry",
            "tls",
            "trace",
        ],
    ),
    (
        "daemon",
        &[
            "admin",
            "config",
            "control",
            "deliver",
            "failpoint",
            "ingest",
            "journal",
            "model",
            "payload",
            "publish",
            "reload",
            "replay",
            "route",
            "rules",
            "serve",
            "stop",
            "tail",
            "telemetry",
            "tls",
            "trace",
            "vitals",
        ],
    ),
    ("reload", &["config", "control", "model", "serve", "telemetry"]),
    ("vitals", &["control", "deliver", "journal", "reload"]),
    (
        "cli",
        &[
            "admin",
            "config",
            "control",
            "daemon",
            "model",
            "reload",
            "replay",
            "rules",
            "serve",
            "telemetry",
            "tls",
        ],
    ),
];

/// The code that is values in, values out.
const PURE: [&str; 16] = [
    "src/model/",
    "src/rules/",
    "src/route/",
    "src/payload/",
    "src/ingest/decode/",
    "src/deliver/backoff.rs",
    "src/deliver/batch.rs",
    "src/deliver/circuit.rs",
    "src/deliver/dead_letter.rs",
    "src/deliver/limiter.rs",
    "src/deliver/policy.rs",
    "src/deliver/rate.rs",
    "src/deliver/ticket.rs",
    "src/deliver/tickets.rs",
    "src/trace/context.rs",
    "src/trace/x_ray.rs",
];

/// What touches the world, the clock or chance, or waits.
const IMPURE: [&str; 20] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Uuid::new_v4",
    "fail",
    "fastrand",
    "metrics",
    "tokio",
    "tracing",
    "async",
    "await",
];
/// A point in time is a value; only `now` reads the clock.
const PURE_ALL_THE_SAME: [&str; 1] = ["tokio::time::Instant"];

/// One source file.
struct Source {
    /// Relative to the package.
    path: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The stage that the file belongs to; none for `lib.rs` and `main.rs`.
    fn stage(&self) -> Option<&str> {
        let path = self.path.strip_prefix("src/")?;
        let stage = path.split_once('/').map_or_else(|| path.strip_suffix(".rs"), |(s, _)| Some(s));
        stage.filter(|stage| !matches!(*stage, "lib" | "main"))
    }

    /// The lines that run: no comments, and nothing of an inline `mod tests`.
    fn code(&self) -> String {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let (code, _) = self.text.split_at(end);
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let lines = lines.map(|line| line.split_once(" // ").map_or(line, |(code, _)| code));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Every path that the code names, those in the groups of a `use` written out.
    fn paths(&self) -> BTreeSet<String> {
        let code = self.code();
        let mut paths: BTreeSet<String> = code
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':')))
            .map(|path| path.trim_matches(':').to_owned())
            .filter(|path| !path.is_empty())
            .collect();
        let starts = code.match_indices('\n').map(|(at, _)| at).chain([0]);
        for start in starts {
            let (_, rest) = code.split_at(start);
            paths
                .extend(import(rest.trim_start()).into_iter().flat_map(|tree| write_out("", tree)));
        }
        paths
    }
}

/// What a `use` brings in, if the code begins with one.
fn import(code: &str) -> Option<&str> {
    let tree = without_visibility(code).strip_prefix("use ")?;
    tree.split_once(';').map(|(tree, _)| tree)
}

fn without_visibility(code: &str) -> &str {
    let Some(rest) = code.strip_prefix("pub") else { return code };
    let rest =
        rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, r)| r);
    rest.trim_start()
}

/// Writes out the groups of a `use`: `std::{fs, io::{self, Read}}` is three paths.
fn write_out(prefix: &str, tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split_once(" as ").map_or(tree, |(path, _)| path);
        return vec![format!("{prefix}{path}").trim_end_matches("::self").to_owned()];
    };
    let (group, _) = group.rsplit_once('}').expect("rustfmt leaves no group open");
    let prefix = format!("{prefix}{head}");
    let mut depth = 0_usize;
    let parts = group.split(move |c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    let parts = parts.filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| write_out(&prefix, part)).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files under these folders of the package, by path.
fn sources(folders: &[&str]) -> Vec<Source> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut files);
    }
    files.sort();
    let read = |file: &PathBuf| Source {
        path: relative(file),
        text: fs::read_to_string(file).expect("a source is UTF-8"),
    };
    files.iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn relative(file: &Path) -> String {
    let path = file.strip_prefix(root()).expect("it is in the package");
    path.to_str().expect("a source has a plain name").to_owned()
}

/// Fails with every place that breaks a rule, and the remedy once.
#[track_caller]
fn none(broken: Vec<String>, remedy: &str) {
    let count = broken.len();
    let list = broken.into_iter().fold(String::new(), |mut list, place| {
        writeln!(list, "  {place}").expect("a text takes every line");
        list
    });
    assert!(count == 0, "{remedy}\n{list}");
}

#[test]
fn a_stage_imports_only_what_the_table_allows() {
    let mut broken = Vec::new();
    for source in sources(&["src"]).iter().filter(|source| !source.is_test()) {
        let Some(stage) = source.stage() else { continue };
        let Some((_, allowed)) = EDGES.iter().find(|(from, _)| *from == stage) else {
            broken.push(format!("{}: `{stage}` has no row in the table", source.path));
            continue;
        };
        let paths = source.paths();
        let named: BTreeSet<_> = paths
            .iter()
            .filter_map(|path| path.strip_prefix("crate::"))
            .map(|path| path.split_once("::").map_or(path, |(first, _)| first))
            .collect();
        for to in named.into_iter().filter(|to| *to != stage && !allowed.contains(to)) {
            broken.push(format!("{}: {stage} -> {to}", source.path));
        }
    }
    none(
        broken,
        "move the code, or argue for the edge in ARCHITECTURE.md and add it to EDGES here",
    );
}

#[test]
fn the_way_up_is_one_step() {
    // `super::super`, and `super` where it is the crate, would be ways around the table.
    let top = |source: &Source| {
        let inner = source.path.strip_prefix("src/").unwrap_or_default();
        !inner.contains('/') || (inner.ends_with("/mod.rs") && inner.matches('/').count() == 1)
    };
    let broken = sources(&["src"]).into_iter().filter(|source| {
        let paths = source.paths();
        paths.iter().any(|path| {
            path.starts_with("super::super") || (top(source) && path.starts_with("super::"))
        })
    });
    none(broken.map(|source| source.path).collect(), "write the path from `crate::` on");
}

#[test]
fn the_pure_code_does_no_io_and_reads_no_clock() {
    let mut broken = Vec::new();
    for source in sources(&["src"]).iter().filter(|source| !source.is_test()) {
        if !PURE.iter().any(|pure| source.path.starts_with(pure)) {
            continue;
        }
        for path in source.paths() {
            let impure = IMPURE.iter().any(|impure| holds(&path, impure));
            if impure && !PURE_ALL_THE_SAME.contains(&path.as_str()) {
                broken.push(format!("{}: {path}", source.path));
            }
        }
    }
    none(broken, "make it an argument, or move it to the caller that does I/O");
}

/// Whether the path has these segments in a row; a lone one has to be its first.
fn holds(path: &str, segments: &str) -> bool {
    if !segments.contains("::") {
        return path.split("::").next() == Some(segments);
    }
    format!("::{path}::").contains(&format!("::{segments}::"))
}

#[test]
fn every_pure_place_exists() {
    let gone = PURE.iter().filter(|place| !root().join(place).exists());
    none(gone.map(ToString::to_string).collect(), "it has moved: correct PURE here");
}

#[test]
fn every_file_is_part_of_a_target() {
    let all = sources(&["src", "tests", "benches"]);
    let mut reached = BTreeSet::new();
    let mut next: Vec<String> =
        all.iter().map(|source| source.path.clone()).filter(|path| is_target(path)).collect();
    while let Some(path) = next.pop() {
        // Paths may lead in a circle.
        if reached.contains(&path) {
            continue;
        }
        let source = all.iter().find(|source| source.path == path);
        next.extend(source.into_iter().flat_map(children));
        reached.insert(path);
    }
    let orphans = all.iter().filter(|source| !reached.contains(&source.path));
    none(
        orphans.map(|source| source.path.clone()).collect(),
        "nobody compiles it: add its `mod` line, or remove it",
    );
}

/// Whether cargo or cargo-fuzz starts here: `src/lib.rs`, `tests/tidy.rs`, `tests/it/main.rs`.
fn is_target(path: &str) -> bool {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["src", file] => matches!(*file, "lib.rs" | "main.rs"),
        ["tests" | "benches", _]
        | ["tests" | "benches", _, "main.rs"]
        | ["tests", "fuzz", "targets", _] => true,
        _ => false,
    }
}

/// The files that this one's `mod` lines may mean, and those that a `#[path]` names.
fn children(source: &Source) -> Vec<String> {
    let (folder, file) = source.path.rsplit_once('/').expect("every source is in a folder");
    let folder = match file {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => format!("{folder}/{}", file.trim_end_matches(".rs")),
    };
    let elsewhere = source.text.lines().filter_map(|line| {
        let (path, _) = line.trim_start().strip_prefix("#[path = \"")?.split_once('"')?;
        Some(upwards_resolved(&format!("{folder}/{path}")))
    });
    let declared = source.text.lines().filter_map(declared_module);
    declared
        .flat_map(|module| [format!("{folder}/{module}.rs"), format!("{folder}/{module}/mod.rs")])
        .chain(elsewhere)
        .collect()
}

/// `benches/a/../../tests/b.rs` is `tests/b.rs`.
fn upwards_resolved(path: &str) -> String {
    let parts = path.split('/').fold(Vec::new(), |mut parts, part| {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
        parts
    });
    parts.join("/")
}

/// The name in `mod name;`, whatever its visibility.
fn declared_module(line: &str) -> Option<&str> {
    let (name, _) = without_visibility(line).strip_prefix("mod ")?.split_once(';')?;
    Some(name)
}

#[test]
fn every_file_says_what_it_owns() {
    let silent = sources(&["src", "tests", "benches"]).into_iter();
    let silent = silent.filter(|source| !source.text.starts_with("//! "));
    none(
        silent.map(|source| source.path).collect(),
        "open it with `//!`: what it owns, its invariant, what it must not do",
    );
}

#[test]
fn nothing_is_left_for_later() {
    // In halves, or this file would break its own rule.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["X", "XX"], ["to", "do!"], ["unimple", "mented!"]];
    let mut broken = Vec::new();
    for source in sources(&["src", "tests", "benches"]) {
        for (number, line) in source.text.lines().enumerate() {
            if marks.iter().any(|halves| line.contains(&halves.concat())) {
                broken.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    none(broken, "do it now, or leave it out and say so in ARCHITECTURE.md");
}

#[test]
fn an_error_holds_values_not_prose() {
    let mut broken = Vec::new();
    for source in sources(&["src"]) {
        let mut derives_error = false;
        let mut in_error = false;
        for (number, line) in source.text.lines().enumerate() {
            if let Some(derived) = line.trim_start().strip_prefix("#[derive(") {
                derives_error = holds_word(derived, "Error");
            } else if line.contains("enum ") && line.ends_with('{') {
                in_error = derives_error;
                derives_error = false;
            } else if line.trim_start().starts_with('}') && !line.trim_end().ends_with(',') {
                in_error = false;
            } else if in_error && is_text_variant(line) {
                broken.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    none(
        broken,
        "name what it holds, `Variant { path: PathBuf, source: io::Error }`, and say the rest in \
         its #[error]",
    );
}

fn holds_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|found| found == word)
}

/// `Variant(String)`, whatever the type of the text.
fn is_text_variant(line: &str) -> bool {
    let Some((variant, held)) = line.trim().split_once('(') else { return false };
    let texts = ["String)", "Box<str>)", "Arc<str>)", "&'static str)", "Cow<'static, str>)"];
    variant.chars().all(char::is_alphanumeric) && texts.iter().any(|text| held.starts_with(text))
}

#[test]
fn a_mod_file_is_a_table_of_contents() {
    let mut broken = Vec::new();
    for source in sources(&["src"]).iter().filter(|source| !source.is_test()) {
        if !source.path.ends_with("/mod.rs") {
            continue;
        }
        let code = source.code();
        let items = code.lines().filter(|line| line.starts_with(|c: char| c.is_alphabetic()));
        let listing = ["mod ", "pub mod ", "use ", "pub use ", "pub(super) use ", "pub trait "];
        let others = items.filter(|line| !listing.iter().any(|listed| line.starts_with(listed)));
        broken.extend(others.map(|line| format!("{}: {line}", source.path)));
    }
    none(
        broken,
        "move it to a file of its own; mod.rs holds the doc, `mod`, `pub use` and the stage's trait",
    );
}

#[test]
fn groups_are_written_out() {
    let source = Source {
        path: "src/a/b.rs".into(),
        text: "//! Not `crate::doc`.\nuse std::{fs, io::{self, Read as _}};\nuse crate::{\n    \
               model::{Arn, Event},\n    route,\n};\nfn f() -> crate::stop::Stop {} // crate::no\n\
               #[cfg(test)]\nmod tests {\n    use crate::payload;\n}\n"
            .into(),
    };
    let paths = source.paths();
    for named in ["std::fs", "std::io", "std::io::Read", "crate::model::Arn", "crate::route"] {
        assert!(paths.contains(named), "{named} in {paths:?}");
    }
    assert!(paths.contains("crate::stop::Stop"), "{paths:?}");
    for unnamed in ["doc", "no", "payload"] {
        assert!(!paths.contains(&format!("crate::{unnamed}")), "{unnamed} in {paths:?}");
    }
}
