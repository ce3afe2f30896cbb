//! Documents in `tests/data/rules`, each with its outcome beside it.
//!
//! `x.xml` or `x.json` is read for the bucket `photos` in `us-east-1`. If there is an `x.xml.ok`,
//! the document is accepted, and the file holds what fanfare makes of it: its JSON, its XML, its
//! warnings. If there is an `x.xml.err`, it is refused, and the file holds each problem: code and
//! message, then the argument if there is one, then rule and remedy.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use crate::rules::{Config, Context, Document, Problem, Problems, warnings};

fn documents() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rules");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let is_document = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "xml" || extension == "json")
    };
    let mut documents: Vec<_> = files.filter(is_document).collect();
    documents.sort();
    documents
}

fn read(path: &Path) -> Result<Document, Problems> {
    let bucket = "photos".parse().unwrap();
    let config = Config::default();
    let context = Context { bucket: &bucket, region: "us-east-1", config: &config };
    let text = fs::read(path).unwrap();
    if path.extension() == Some(OsStr::new("xml")) {
        Document::from_xml(&text, &context)
    } else {
        Document::from_json(&text, &context)
    }
}

fn accepted(document: &Document) -> String {
    let warnings = warnings(document, &Config::default());
    let mut lines = vec![document.to_json(), document.to_xml()];
    lines.extend(warnings.iter().map(ToString::to_string));
    lines.join("\n") + "\n"
}

fn refused(problem: &Problem) -> String {
    let argument = problem.arguments().map(|(name, value)| format!("    {name} = {value}\n"));
    format!(
        "{}: {}\n{}    {}: {}\n",
        problem.code(),
        problem.message(),
        argument.unwrap_or_default(),
        problem.rule().unwrap_or("document"),
        problem.remedy(),
    )
}

#[test]
fn every_document_has_the_outcome_beside_it() {
    let documents = documents();
    assert!(documents.len() > 50, "the documents are gone");
    for path in documents {
        let (kind, outcome) = match read(&path) {
            Ok(document) => ("ok", accepted(&document)),
            Err(problems) => ("err", problems.iter().map(refused).collect()),
        };
        let expected = PathBuf::from(format!("{}.{kind}", path.display()));
        assert_eq!(
            fs::read_to_string(&expected).unwrap_or_default(),
            outcome,
            "{}",
            expected.display()
        );
    }
}

#[test]
fn a_document_in_both_forms_means_the_same() {
    let mut pairs = 0;
    for xml in documents().iter().filter(|path| path.extension() == Some(OsStr::new("xml"))) {
        let json = xml.with_extension("json");
        if let (true, Ok(document)) = (json.exists(), read(xml)) {
            assert_eq!(document, read(&json).unwrap(), "{}", json.display());
            pairs += 1;
        }
    }
    assert!(pairs >= 4, "{pairs}");
}
