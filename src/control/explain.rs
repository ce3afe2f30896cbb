//! Why rules want an event: of the documents in force, or of the files, where no daemon is asked.

use std::path::Path;

use tokio::sync::watch;

use super::{
    GetError, OpenError, Requests, Scope, Status, Stopped, last_good::LastGood, listing,
    read::read_document,
};
use crate::{
    model::{BucketName, Destination, OneLine},
    rules::{self, Document, Explanation, Question, Standing},
};

/// Explains what is in force.
#[derive(Clone, Debug)]
pub struct Explainer {
    scope: Scope,
    documents: Requests,
    status: watch::Receiver<Status>,
}

impl Explainer {
    /// `scope` is what the documents in force were compiled against.
    pub fn new(scope: Scope, documents: Requests, status: watch::Receiver<Status>) -> Self {
        Self { scope, documents, status }
    }

    /// Why each rule in force wants the event or does not.
    pub async fn explain(&self, question: &Question) -> Result<Explanation, Stopped> {
        let (document, problem) = self.document(&question.bucket).await?;
        let standing = Standing { document: document.as_ref(), problem: problem.as_deref() };
        Ok(rules::explain(question, standing, &self.scope.bus, &self.scope.rules))
    }

    /// The document in force for a bucket, if there is any, and why its file cannot be used, if it
    /// cannot.
    pub async fn document(
        &self,
        bucket: &BucketName,
    ) -> Result<(Option<Document>, Option<String>), Stopped> {
        let document = match self.documents.document(bucket.clone()).await {
            Ok(document) => document,
            // The problem tells why.
            Err(GetError::Unreadable(_)) => None,
            Err(GetError::Stopped(stopped)) => return Err(stopped),
        };
        Ok((document, self.problem(bucket)))
    }

    /// Where the events go of a bucket that has EventBridge on.
    pub fn bus(&self) -> &Destination {
        &self.scope.bus
    }

    fn problem(&self, bucket: &BucketName) -> Option<String> {
        let status = self.status.borrow();
        let of_bucket = |file: &Path| listing::stem_of(file).as_deref() == Some(bucket.as_str());
        let broken = status.broken.iter().find(|broken| of_bucket(&broken.file))?;
        Some(format!("{}: {}", OneLine(broken.file.display()), broken.problem))
    }
}

/// Why each rule that a daemon would put in force now, from these files, wants the event or does
/// not. A broken document is no error: the explanation tells of it.
pub fn explain_files(
    directory: &Path,
    scope: &Scope,
    question: &Question,
) -> Result<Explanation, OpenError> {
    let listing = listing::list(directory)
        .map_err(|source| OpenError::Directory { path: directory.into(), source })?;
    let bucket = question.bucket.as_str();
    let read = listing.get(bucket).map(|found| {
        let file = found.files.first().map(|(path, _)| path.display().to_string());
        let read = found.file().and_then(|path| read_document(path, scope));
        read.map_err(|cause| format!("{}: {cause}", OneLine(file.unwrap_or_default())))
    });
    let (read, problem) = match read {
        Some(Ok(read)) => (Some(read), None),
        Some(Err(problem)) => (LastGood::new(directory).read(bucket, scope), Some(problem)),
        None => (None, None),
    };
    let document = read.as_ref().map(|(_, document)| document);
    let standing = Standing { document, problem: problem.as_deref() };
    Ok(rules::explain(question, standing, &scope.bus, &scope.rules))
}
