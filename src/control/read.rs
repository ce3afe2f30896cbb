//! Reads one document from its file, which is named after its bucket.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::listing::stem_of;
use crate::{
    model::{BucketName, BucketNameError, Destination, Region},
    rules::{self, Context, Document, Problems},
};

/// What the documents are checked and compiled against.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The region that destinations must be in.
    pub region: Region,
    /// Where events of buckets with EventBridge on go.
    pub bus: Destination,
    /// The `[rules]` section.
    pub rules: rules::Config,
}

/// Why a document cannot be used. Shown to people beside the file's name.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The file cannot be read.
    #[error("cannot read it: {0}")]
    Read(io::Error),
    /// Something else has the name of a document.
    #[error("it is no file; remove it or put the document in its place")]
    NoFile,
    /// Amazon S3 would refuse it.
    #[error("{}", in_short(.0))]
    Problems(Problems),
    /// A bucket has two documents.
    #[error("there is also {}; remove one of the two", other.display())]
    Twice {
        /// The second file.
        other: PathBuf,
    },
    /// The file's name is not that of a document.
    #[error("no document has such a name; name it <bucket>.json or <bucket>.xml")]
    Extension,
    /// The file's name is not that of a bucket.
    #[error("name it <bucket>.json or <bucket>.xml: {0}")]
    Name(BucketNameError),
}

/// Reads and checks one document, whose bucket its name tells.
pub fn read_document(path: &Path, scope: &Scope) -> Result<(BucketName, Document), DocumentError> {
    let stem = stem_of(path).ok_or(DocumentError::Extension)?;
    let bucket: BucketName = stem.parse().map_err(DocumentError::Name)?;
    // Reading a pipe would wait for ever.
    if !fs::metadata(path).map_err(DocumentError::Read)?.is_file() {
        return Err(DocumentError::NoFile);
    }
    let text = fs::read(path).map_err(DocumentError::Read)?;
    let context = Context { bucket: &bucket, region: scope.region.as_str(), config: &scope.rules };
    let document = if is_xml(path) {
        Document::from_xml(&text, &context)
    } else {
        Document::from_json(&text, &context)
    };
    Ok((bucket, document.map_err(DocumentError::Problems)?))
}

/// In which of the two forms a document is.
pub(super) fn is_xml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "xml")
}

/// The first problem, because a log and `/readyz` have one line for it.
fn in_short(problems: &Problems) -> String {
    let first = problems.first();
    match problems.iter().count() {
        1 => first.to_string(),
        count => format!("{first} (the first of {count} problems; `fanfare check` shows all)"),
    }
}
