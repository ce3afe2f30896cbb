//! The documents in the directory, and what is in force of them.
//!
//! A scan compares the directory with the last one and reads only what changed. It is plain,
//! blocking file I/O: [`super::Store`] decides when to scan. Whatever cannot be read leaves what
//! was in force; only a name that stays away takes the rules of its bucket along.

use std::{
    collections::BTreeMap,
    io, mem,
    path::PathBuf,
    time::{Duration, Instant},
};

use tracing::{error, info, warn};

use super::{
    Broken, DocumentError, InForce, Scope, Status, Unreadable,
    files::swap,
    last_good::LastGood,
    listing::{Found, Listing, files_of, list},
    metrics,
    read::{is_xml, read_document},
};
use crate::{
    durable_file::Flush,
    model::{BucketName, OneLine},
    route::{Bucket, Shared, Table, compile},
    rules::{self, Document},
};

/// How long after the first look a second one decides: whether a document is gone or about to be
/// replaced, whether one that was just written was written again, whether a disk reads again.
pub(super) const SECOND_LOOK: Duration = Duration::from_secs(1);

/// The directory as it was at the last scan.
#[derive(Debug)]
pub(super) struct Documents {
    directory: PathBuf,
    scope: Scope,
    known: BTreeMap<String, Known>,
    table: Table,
    /// What is in force has changed since somebody asked.
    is_changed: bool,
    last_good: LastGood,
    /// The buckets whose last good document may have no copy yet: rules do not wait for it to be written.
    uncopied: BTreeMap<String, Flush>,
}

#[derive(Debug)]
struct Known {
    found: Found,
    standing: Standing,
    /// When to read it again although nothing tells that it changed.
    read_again: Option<Instant>,
    /// When its name was first found to be missing.
    missing: Option<Instant>,
}

/// What a bucket has.
#[derive(Debug, Default, PartialEq, Eq)]
struct Standing {
    /// The document in force, if there is any.
    document: Option<Document>,
    /// What is wrong with the file, if anything is.
    broken: Option<Broken>,
}

/// What a scan found to have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Something,
    Nothing,
}

impl Documents {
    pub(super) fn new(directory: PathBuf, scope: Scope, routes: Shared) -> Self {
        let last_good = LastGood::new(&directory);
        Self {
            directory,
            scope,
            known: BTreeMap::new(),
            table: Table::new(routes),
            // The first look puts in force what it finds, be it nothing.
            is_changed: true,
            last_good,
            uncopied: BTreeMap::new(),
        }
    }

    /// The document in force for a bucket.
    pub(super) fn document(&self, bucket: &BucketName) -> Result<Option<&Document>, Unreadable> {
        let Some(known) = self.known.get(bucket.as_str()) else { return Ok(None) };
        match &known.standing {
            Standing { document: None, broken: Some(_) } => Err(Unreadable),
            Standing { document, .. } => Ok(document.as_ref()),
        }
    }

    /// The rules in force.
    pub(super) fn table(&mut self) -> &mut Table {
        &mut self.table
    }

    pub(super) fn status(&self) -> Status {
        let standings = || self.known.values().map(|known| &known.standing);
        Status {
            loaded: standings().filter(|standing| standing.document.is_some()).count(),
            broken: standings().filter_map(|standing| standing.broken.clone()).collect(),
            ..Status::default()
        }
    }

    /// Whether what is in force has changed since this was asked last.
    pub(super) fn take_change(&mut self) -> bool {
        mem::take(&mut self.is_changed)
    }

    /// When the next scan is due although nothing tells of a change.
    pub(super) fn look_again_at(&self) -> Option<Instant> {
        let of_one = |known: &Known| {
            let missing = known.missing.map(|since| since + SECOND_LOOK);
            missing.or(known.read_again)
        };
        self.known.values().filter_map(of_one).min()
    }

    /// Brings the table up to date with the directory.
    pub(super) fn scan(&mut self, now: Instant) -> io::Result<Change> {
        let listing = list(&self.directory)?;
        if listing.is_empty() && !self.known.is_empty() && self.last_good.are_lost() {
            // Whoever removes the last document leaves the copies.
            return Err(io::Error::other("it is empty, and so are the copies; is it mounted?"));
        }
        let mut change = Change::Nothing;
        for stem in self.removed(&listing, now) {
            self.forget(&stem);
            change = Change::Something;
        }
        for (stem, found) in listing {
            if self.must_read(&stem, &found, now)
                && self.apply(stem, found, now) == Change::Something
            {
                change = Change::Something;
            }
        }
        Ok(change)
    }

    /// Stores a document in its file and puts it in force; an empty one removes the file. Where the
    /// disk refuses, everything is as it was.
    pub(super) fn put(
        &mut self,
        bucket: &BucketName,
        document: Document,
        now: Instant,
    ) -> io::Result<()> {
        let stem = bucket.as_str();
        // What is there now, not at the last scan: a file that somebody just wrote goes as well.
        let mut files = files_of(&self.directory, stem);
        if document.is_empty() {
            swap(None, &files)?;
            if self.known.contains_key(stem) {
                self.forget(stem);
            }
            return Ok(());
        }
        let path = if files.is_empty() {
            self.directory.join(format!("{stem}.json"))
        } else {
            files.remove(0)
        };
        let text = if is_xml(&path) { document.to_xml() } else { document.to_json() } + "\n";
        swap(Some((&path, text.as_bytes())), &files)?;
        self.take(bucket, document, path, now);
        Ok(())
    }

    /// Takes note of a document that was just written.
    fn take(&mut self, bucket: &BucketName, document: Document, path: PathBuf, now: Instant) {
        let stem = bucket.as_str().to_owned();
        let before = self.known.remove(&stem).map(|known| known.standing).unwrap_or_default();
        let standing = self.accept(bucket, document, &before);
        // The document itself is on stable storage already.
        self.uncopied.insert(stem.clone(), Flush::Later);
        let found = Found::just_written(path);
        // Somebody may have written the file since: the second look finds out.
        let read_again = Some(now + SECOND_LOOK);
        self.known.insert(stem, Known { found, standing, read_again, missing: None });
    }

    /// Drops the copies of documents that were removed while nobody looked.
    pub(super) fn forget_the_removed(&mut self) {
        for stem in self.last_good.stems() {
            if !self.known.contains_key(&stem) {
                self.last_good.remove(&stem);
            }
        }
    }

    /// Whether copies wait to be written.
    pub(super) fn has_uncopied(&self) -> bool {
        !self.uncopied.is_empty()
    }

    /// Writes copies of the last good documents, as many as the time allows.
    pub(super) fn copy_for(&mut self, time: Duration) {
        let started = Instant::now();
        while let Some((stem, flush)) = self.uncopied.pop_first() {
            let known = self.known.get(&stem);
            if let Some(document) = known.and_then(|known| known.standing.document.as_ref()) {
                self.last_good.keep(&stem, document, flush);
            }
            if started.elapsed() >= time {
                break;
            }
        }
    }

    /// The documents that were missing at the last look and still are. Editors and deployments
    /// remove a file and write it anew: no event in between may go unmatched.
    fn removed(&mut self, listing: &Listing, now: Instant) -> Vec<String> {
        let mut removed = Vec::new();
        for (stem, known) in &mut self.known {
            if listing.contains_key(stem) {
                known.missing = None;
            } else if now.duration_since(*known.missing.get_or_insert(now)) >= SECOND_LOOK {
                removed.push(stem.clone());
            }
        }
        removed
    }

    fn must_read(&self, stem: &str, found: &Found, now: Instant) -> bool {
        self.known.get(stem).is_none_or(|known| {
            known.found.files != found.files || known.read_again.is_some_and(|at| at <= now)
        })
    }

    fn forget(&mut self, stem: &str) {
        self.known.remove(stem);
        if let Ok(bucket) = stem.parse::<BucketName>() {
            info!(%bucket, "notification document removed");
            self.table.replace(bucket, Bucket::new([], self.scope.rules.key_match));
            self.is_changed = true;
        }
        self.last_good.remove(stem);
    }

    fn apply(&mut self, stem: String, found: Found, now: Instant) -> Change {
        let previous = self.known.remove(&stem);
        let is_new = previous.as_ref().is_none_or(|previous| previous.found.files != found.files);
        let read = found.file().and_then(|path| read_document(path, &self.scope));
        let unreadable = matches!(read, Err(DocumentError::Read(_)));
        let read_again = (unreadable || (found.recent && is_new)).then(|| now + SECOND_LOOK);

        let before = previous.map(|previous| previous.standing).unwrap_or_default();
        let standing = match read {
            Ok((bucket, document)) => self.accept(&bucket, document, &before),
            Err(cause) => self.refuse(&stem, &found, &cause, &before),
        };
        self.uncopied.insert(stem.clone(), flush(&found));
        let change = if standing == before { Change::Nothing } else { Change::Something };
        self.known.insert(stem, Known { found, standing, read_again, missing: None });
        change
    }

    fn accept(&mut self, bucket: &BucketName, document: Document, before: &Standing) -> Standing {
        let standing = Standing { document: Some(document), broken: None };
        if let Some(document) = &standing.document
            && standing != *before
        {
            self.put_in_force(bucket, document);
        }
        standing
    }

    fn refuse(
        &mut self,
        stem: &str,
        found: &Found,
        cause: &DocumentError,
        before: &Standing,
    ) -> Standing {
        let document = before.document.clone().or_else(|| self.restore(stem));
        let in_force = if document.is_some() { InForce::LastGood } else { InForce::Nothing };
        let file = found.files.first().map(|(path, _)| path.clone()).unwrap_or_default();
        let broken = Broken { file, problem: OneLine(cause).to_string(), in_force };
        if before.broken.as_ref() != Some(&broken) {
            metrics::rejected();
            self.is_changed |= document.is_none();
            let (file, cause) = (OneLine(broken.file.display()), &broken.problem);
            error!(%file, %cause, in_force = in_force.words(), "notification document is broken");
        }
        if document.is_none()
            && let Ok(bucket) = stem.parse()
        {
            self.table.set_undecided(bucket);
        }
        Standing { document, broken: Some(broken) }
    }

    fn restore(&mut self, stem: &str) -> Option<Document> {
        let (bucket, document) = self.last_good.read(stem, &self.scope)?;
        self.put_in_force(&bucket, &document);
        Some(document)
    }

    fn put_in_force(&mut self, bucket: &BucketName, document: &Document) {
        info!(%bucket, rules = document.rules().len(), "notification document applied");
        for warning in rules::warnings(document, &self.scope.rules) {
            let warning = OneLine(warning);
            warn!(%bucket, %warning, "notification document has a trap");
        }
        let compiled = compile(document, &self.scope.bus, self.scope.rules.key_match);
        self.table.replace(bucket.clone(), compiled);
        self.is_changed = true;
    }
}

/// A crash that takes a document that was just written must not take its copy too. A document that
/// was there before is safe; and thousands of them would make the first start wait for the disk.
fn flush(found: &Found) -> Flush {
    if found.recent { Flush::Now } else { Flush::Later }
}
