//! `fanfare check`: every problem of the settings' files and of the documents, one a line, with
//! file, rule and remedy.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsStr,
    fmt::{self, Display},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::surroundings;
use crate::{
    config::{Config, Override},
    control::{self, Buckets, DocumentError, Scope},
    model::{BucketName, Destination, OneLine},
    rules::{self, Document, EventBridge},
};

/// What the check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Findings {
    /// Everything can be used.
    None,
    /// Something cannot.
    Problems,
}

/// Where the findings go.
struct Report<'out, W> {
    out: &'out mut W,
    problems: usize,
    warnings: usize,
    /// Who is named by the documents so far.
    destinations: Vec<Destination>,
}

/// Checks the documents, those of the directory if none is named, and prints what it finds.
pub fn check(
    config: &Config,
    files: Vec<PathBuf>,
    out: &mut impl Write,
) -> anyhow::Result<Findings> {
    let (region, rules) = (config.region.clone(), config.rules.clone());
    let scope = Scope { region, bus: config.bus()?, rules };
    let mut report = Report { out, problems: 0, warnings: 0, destinations: Vec::new() };
    if let Err(cause) = config.events.check_token() {
        report.problem(format_args!("{:#}", anyhow::Error::from(cause)))?;
    }
    if let Err(cause) = config.admin.check_token() {
        report.problem(format_args!("{:#}", anyhow::Error::from(cause)))?;
    }
    if let Err(cause) = config.tls.check_files() {
        report.problem(format_args!("{:#}", anyhow::Error::from(cause)))?;
    }
    if let Err(cause) = config.credentials.check_secrets() {
        report.problem(format_args!("{:#}", anyhow::Error::from(cause)))?;
    }
    let are_all = files.is_empty();
    let files =
        if are_all { report.list(&config.notifications.directory)? } else { each_once(files) };
    for file in &files {
        report.check_document(file, &scope, &config.buckets)?;
    }
    report.check_names(&files)?;
    if are_all && report.problems == 0 {
        report.check_destinations(&config.destination)?;
    }
    if are_all {
        report.warn_of(surroundings::warnings(config))?;
    }
    let problems = report.problems;
    report.line(report.summary(files.len()))?;
    Ok(if problems == 0 { Findings::None } else { Findings::Problems })
}

impl<W: Write> Report<'_, W> {
    fn line(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.out, "{}", OneLine(line))
    }

    fn problem(&mut self, problem: impl Display) -> io::Result<()> {
        self.problems += 1;
        self.line(problem)
    }

    fn warning(&mut self, file: &Path, warning: impl Display) -> io::Result<()> {
        self.warnings += 1;
        self.line(format_args!("{}: warning: {warning}", file.display()))
    }

    fn warn_of(&mut self, warnings: impl Iterator<Item = String>) -> io::Result<()> {
        for warning in warnings {
            self.warnings += 1;
            self.line(warning)?;
        }
        Ok(())
    }

    /// What was found in how many documents.
    fn summary(&self, documents: usize) -> String {
        let found =
            format!("{}, {}", count(documents, "document"), count(self.problems, "problem"));
        match self.warnings {
            0 => found,
            warnings => format!("{found}, {}", count(warnings, "warning")),
        }
    }

    /// The documents of the directory; none if it cannot be read.
    fn list(&mut self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let files = match control::documents_in(directory) {
            Ok(files) => files,
            Err(cause) => {
                self.problem(format_args!("{:#}", anyhow::Error::from(cause)))?;
                return Ok(Vec::new());
            }
        };
        for file in control::misnamed_in(directory)? {
            self.warning(&file, "nobody reads it; name it <bucket>.json or <bucket>.xml")?;
        }
        Ok(files)
    }

    fn check_document(&mut self, file: &Path, scope: &Scope, buckets: &Buckets) -> io::Result<()> {
        let name = file.display();
        match control::read_document(file, scope) {
            Ok((bucket, document)) => {
                if !buckets.contain(&bucket) {
                    self.warning(file, Unlisted(&bucket))?;
                }
                self.destinations.extend(named(&document, scope));
                let warnings = rules::warnings(&document, &scope.rules);
                warnings.iter().try_for_each(|warning| self.warning(file, warning))
            }
            Err(DocumentError::Problems(problems)) => problems
                .iter()
                .try_for_each(|problem| self.problem(format_args!("{name}: {problem}"))),
            Err(problem) => self.problem(format_args!("{name}: {problem}")),
        }
    }

    /// A table that is for nobody is as good as misspelt.
    fn check_destinations(&mut self, tables: &[Override]) -> io::Result<()> {
        let named = tables.iter().filter(|table| !table.is_about_removal());
        for pattern in named.map(Override::pattern) {
            if !self.destinations.iter().any(|destination| pattern.fits(destination)) {
                self.warnings += 1;
                self.line(format_args!(
                    "[[destination]] {pattern}: warning: no document names such a destination; \
                     correct `match`, or remove the table"
                ))?;
            }
        }
        Ok(())
    }

    /// One bucket has one document.
    fn check_names(&mut self, files: &[PathBuf]) -> io::Result<()> {
        let mut by_stem: BTreeMap<_, Vec<&PathBuf>> = BTreeMap::new();
        let named = |file: &&PathBuf| {
            matches!(file.extension().and_then(OsStr::to_str), Some("json" | "xml"))
        };
        for file in files.iter().filter(named) {
            by_stem.entry(file.with_extension("")).or_default().push(file);
        }
        for files in by_stem.values() {
            if let [one, other, ..] = files.as_slice() {
                let problem = DocumentError::Twice { other: (*other).clone() };
                self.problem(format_args!("{}: {problem}", one.display()))?;
            }
        }
        Ok(())
    }
}

/// Everyone who gets events by this document.
fn named(document: &Document, scope: &Scope) -> impl Iterator<Item = Destination> {
    let bus = (document.event_bridge() == EventBridge::On).then(|| scope.bus.clone());
    document.rules().iter().map(|rule| rule.destination.clone()).chain(bus)
}

/// A bucket that has a document, and does not exist for the S3 API.
struct Unlisted<'a>(&'a BucketName);

impl Display for Unlisted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its events are routed, but the S3 API answers NoSuchBucket; add `{}` to `known` in \
             `[buckets]`, or remove the file",
            self.0
        )
    }
}

/// A file that is named twice is no second document.
fn each_once(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    files
}

fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}
