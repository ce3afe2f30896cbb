//! `fanfare check`: every problem of the documents, with file, rule and remedy.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{
    config::Config,
    control::{self, DocumentError, Scope},
    rules,
};

/// What the check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Findings {
    /// Every document can be used.
    None,
    /// Some cannot.
    Problems,
}

/// Checks the documents, those of the directory if none is named, and prints what it finds.
pub fn check(
    config: &Config,
    files: Vec<PathBuf>,
    out: &mut impl Write,
) -> anyhow::Result<Findings> {
    let files = if files.is_empty() {
        control::documents_in(&config.notifications.directory)?
    } else {
        files
    };
    let (region, rules) = (config.region.clone(), config.rules.clone());
    let scope = Scope { region, bus: config.bus()?, rules };
    let mut problems = 0;
    for file in &files {
        problems += check_one(file, &scope, out)?;
    }
    problems += check_names(&files, out)?;
    writeln!(out, "{} documents, {problems} problems", files.len())?;
    Ok(if problems == 0 { Findings::None } else { Findings::Problems })
}

fn check_one(file: &Path, scope: &Scope, out: &mut impl Write) -> io::Result<usize> {
    let name = file.display();
    match control::read_document(file, scope) {
        Ok((_, document)) => {
            for warning in rules::warnings(&document, &scope.rules) {
                writeln!(out, "{name}: warning: {warning}")?;
            }
            Ok(0)
        }
        Err(DocumentError::Problems(problems)) => {
            for problem in &problems {
                writeln!(out, "{name}: {problem}")?;
            }
            Ok(problems.iter().count())
        }
        Err(problem) => {
            writeln!(out, "{name}: {problem}")?;
            Ok(1)
        }
    }
}

/// One bucket has one document.
fn check_names(files: &[PathBuf], out: &mut impl Write) -> io::Result<usize> {
    let mut by_stem: BTreeMap<_, Vec<&PathBuf>> = BTreeMap::new();
    for file in files {
        by_stem.entry(file.with_extension("")).or_default().push(file);
    }
    let mut problems = 0;
    for files in by_stem.values() {
        if let [one, other, ..] = files.as_slice() {
            writeln!(
                out,
                "{}: there is also {}; remove one of the two",
                one.display(),
                other.display()
            )?;
            problems += 1;
        }
    }
    Ok(problems)
}
