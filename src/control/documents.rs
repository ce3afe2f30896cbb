//! The documents in the directory, and what is in force of them.
//!
//! A scan compares the directory with the last one and reads only what changed. It is plain,
//! blocking file I/O: [`super::Store`] decides when to scan.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use tracing::{error, info, warn};

use super::{OpenError, durable_file};
use crate::{
    model::{BucketName, BucketNameError, Destination, Region},
    route::{Bucket, Table, compile},
    rules::{self, Context, Document, Problems},
};

/// Where copies of the last readable documents are kept, for a restart beside a broken one.
const LAST_GOOD: &str = ".last-good";

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

/// How the documents are doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Buckets with a document in force.
    pub loaded: usize,
    /// Documents that cannot be used.
    pub broken: Vec<Broken>,
}

/// A document that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// What the bucket has instead.
    pub in_force: InForce,
}

/// What a bucket with a broken document has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForce {
    /// The last readable document.
    LastGood,
    /// Nothing: its events go to the quarantine until the document is readable.
    Nothing,
}

impl InForce {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::LastGood => "the last document that could be read",
            Self::Nothing => "nothing; the bucket's events go to the quarantine",
        }
    }
}

/// Why a document cannot be used. One line: it is shown to people beside the file's name.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The file cannot be read.
    #[error("cannot read it: {0}")]
    Read(io::Error),
    /// Amazon S3 would refuse it.
    #[error(transparent)]
    Problems(#[from] Problems),
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

/// The directory as it was at the last scan.
#[derive(Debug)]
pub(super) struct Documents {
    directory: PathBuf,
    scope: Scope,
    /// By file stem, so that a file with an impossible name is a broken document too.
    known: BTreeMap<String, Known>,
    table: Table,
}

#[derive(Debug)]
struct Known {
    found: Found,
    document: Option<Document>,
    broken: Option<Broken>,
}

/// The files of one bucket: one, unless somebody left two.
#[derive(Clone, Debug, Default)]
struct Found {
    files: Vec<(PathBuf, Stamp)>,
    /// A file that was written a moment ago may be written again without a change of its time.
    recent: bool,
}

/// What tells one state of a file from another: when it was written, and its length.
type Stamp = (Option<SystemTime>, u64);

/// How old a file's time must be to tell every later write from this one.
const RECENT: Duration = Duration::from_secs(1);

/// What a scan found to have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Something,
    Nothing,
}

impl Documents {
    pub(super) fn new(directory: PathBuf, scope: Scope) -> Self {
        Self { directory, scope, known: BTreeMap::new(), table: Table::default() }
    }

    /// The rules in force.
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn status(&self) -> Status {
        Status {
            loaded: self.known.values().filter(|known| known.document.is_some()).count(),
            broken: self.known.values().filter_map(|known| known.broken.clone()).collect(),
        }
    }

    /// Whether a document was read so soon after it was written that it has to be read again.
    pub(super) fn must_look_again(&self) -> bool {
        self.known.values().any(|known| known.found.recent)
    }

    /// Brings the table up to date with the directory.
    pub(super) fn scan(&mut self) -> io::Result<Change> {
        let found = list(&self.directory)?;
        let gone: Vec<_> =
            self.known.keys().filter(|stem| !found.contains_key(*stem)).cloned().collect();
        let mut change = Change::Nothing;
        for stem in gone {
            self.forget(&stem);
            change = Change::Something;
        }
        for (stem, found) in found {
            let seen = |known: &Known| !known.found.recent && known.found.files == found.files;
            if !self.known.get(&stem).is_some_and(seen)
                && self.apply(stem, found) == Change::Something
            {
                change = Change::Something;
            }
        }
        Ok(change)
    }

    /// Drops the copies of documents that were removed while nobody looked: a later, broken
    /// document of that bucket must not bring back what an operator took away.
    pub(super) fn forget_the_removed(&self) -> io::Result<()> {
        let copies = self.directory.join(LAST_GOOD);
        if !copies.is_dir() {
            return Ok(());
        }
        for stem in list(&copies)?.into_keys().filter(|stem| !self.known.contains_key(stem)) {
            fs::remove_file(self.last_good(&stem))?;
        }
        Ok(())
    }

    fn forget(&mut self, stem: &str) {
        self.known.remove(stem);
        if let Ok(bucket) = stem.parse::<BucketName>() {
            info!(%bucket, "notification document removed");
            self.table.replace(bucket, Bucket::default());
        }
        drop(fs::remove_file(self.last_good(stem)));
    }

    fn apply(&mut self, stem: String, found: Found) -> Change {
        let previous = self.known.remove(&stem);
        let (known, change) = match found.file().and_then(|path| read_document(path, &self.scope)) {
            Ok((bucket, document)) => {
                let same = previous.as_ref().is_some_and(|previous| {
                    previous.broken.is_none() && previous.document.as_ref() == Some(&document)
                });
                if !same {
                    self.put_in_force(&bucket, &document);
                    self.keep_last_good(&stem, &document);
                }
                let change = if same { Change::Nothing } else { Change::Something };
                (Known { found, document: Some(document), broken: None }, change)
            }
            Err(cause) => {
                let kept = previous.and_then(|previous| previous.document);
                let document = kept.or_else(|| self.restore_last_good(&stem));
                (self.broken(&stem, found, document, &cause), Change::Something)
            }
        };
        self.known.insert(stem, known);
        change
    }

    fn put_in_force(&mut self, bucket: &BucketName, document: &Document) {
        info!(%bucket, rules = document.rules().len(), "notification document applied");
        for warning in rules::warnings(document, &self.scope.rules) {
            warn!(%bucket, %warning, "notification document has a trap");
        }
        let compiled = compile(document, &self.scope.bus, self.scope.rules.key_match);
        self.table.replace(bucket.clone(), compiled);
    }

    fn broken(
        &mut self,
        stem: &str,
        found: Found,
        document: Option<Document>,
        cause: &DocumentError,
    ) -> Known {
        let file = found.files.first().map(|(path, _)| path.clone()).unwrap_or_default();
        let in_force = if document.is_some() { InForce::LastGood } else { InForce::Nothing };
        error!(file = %file.display(), %cause, ?in_force, "notification document is broken");
        if document.is_none()
            && let Ok(bucket) = stem.parse()
        {
            self.table.set_undecided(bucket);
        }
        let broken = Broken { file, problem: cause.to_string(), in_force };
        Known { found, document, broken: Some(broken) }
    }

    fn last_good(&self, stem: &str) -> PathBuf {
        self.directory.join(LAST_GOOD).join(format!("{stem}.json"))
    }

    fn keep_last_good(&self, stem: &str, document: &Document) {
        let path = self.last_good(stem);
        let kept = fs::create_dir_all(self.directory.join(LAST_GOOD))
            .and_then(|()| durable_file::replace(&path, document.to_json().as_bytes()));
        if let Err(cause) = kept {
            warn!(path = %path.display(), %cause, "cannot keep a copy of the document; if it breaks, a restart will find nothing in its place");
        }
    }

    fn restore_last_good(&mut self, stem: &str) -> Option<Document> {
        let path = self.last_good(stem);
        let (bucket, document) = read_document(&path, &self.scope).ok()?;
        self.put_in_force(&bucket, &document);
        Some(document)
    }
}

impl Found {
    /// The one file of the bucket.
    fn file(&self) -> Result<&Path, DocumentError> {
        match self.files.as_slice() {
            [(path, _)] => Ok(path),
            [_, (other, _), ..] => Err(DocumentError::Twice { other: other.clone() }),
            [] => Err(DocumentError::Read(io::ErrorKind::NotFound.into())),
        }
    }
}

/// Reads and checks one document, whose bucket its name tells.
pub fn read_document(path: &Path, scope: &Scope) -> Result<(BucketName, Document), DocumentError> {
    let stem = stem_of(path).ok_or(DocumentError::Extension)?;
    let bucket: BucketName = stem.parse().map_err(DocumentError::Name)?;
    let text = fs::read(path).map_err(DocumentError::Read)?;
    let context = Context { bucket: &bucket, region: scope.region.as_str(), config: &scope.rules };
    let document = if is_xml(path) {
        Document::from_xml(&text, &context)?
    } else {
        Document::from_json(&text, &context)?
    };
    Ok((bucket, document))
}

/// The documents of a directory.
pub fn documents_in(directory: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let found = list(directory)
        .map_err(|source| OpenError::Directory { path: directory.into(), source })?;
    let files = found.into_values().flat_map(|found| found.files);
    Ok(files.map(|(path, _)| path).collect())
}

fn is_xml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "xml")
}

/// The documents of the directory by file stem. Names that begin with a dot are not documents:
/// editors and Kubernetes keep their own files under such names.
fn list(directory: &Path) -> io::Result<BTreeMap<String, Found>> {
    let mut documents: BTreeMap<String, Found> = BTreeMap::new();
    let now = SystemTime::from(Timestamp::now());
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let Some(stem) = stem_of(&path) else { continue };
        // A file that disappears between the listing and the look at it is gone.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_file() {
            let modified = metadata.modified().ok();
            let age = modified.and_then(|modified| now.duration_since(modified).ok());
            let found = documents.entry(stem).or_default();
            found.recent |= age.is_none_or(|age| age < RECENT);
            found.files.push((path, (modified, metadata.len())));
        }
    }
    for found in documents.values_mut() {
        found.files.sort_by(|a, b| a.0.cmp(&b.0));
    }
    Ok(documents)
}

fn stem_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".xml"))?;
    (!stem.starts_with('.')).then(|| stem.to_owned())
}
