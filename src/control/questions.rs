//! Questions to the task that owns the documents.

use tokio::sync::{mpsc, oneshot};

use crate::{model::BucketName, rules::Document};

/// Questions that wait for the store, which may be in a scan. A further asker waits.
const QUESTIONS_MAX: usize = 64;

/// Where to ask.
#[derive(Clone, Debug)]
pub struct Questions(mpsc::Sender<Question>);

/// Where the store hears.
pub(super) type Asked = mpsc::Receiver<Question>;

/// What document is in force for this bucket?
#[derive(Debug)]
pub(super) struct Question {
    bucket: BucketName,
    reply: oneshot::Sender<Option<Document>>,
}

/// Makes the two ends.
pub(super) fn questions() -> (Questions, Asked) {
    let (sender, asked) = mpsc::channel(QUESTIONS_MAX);
    (Questions(sender), asked)
}

impl Questions {
    /// The document in force for a bucket; none also if the store has stopped.
    pub async fn document(&self, bucket: BucketName) -> Option<Document> {
        let (reply, document) = oneshot::channel();
        self.0.send(Question { bucket, reply }).await.ok()?;
        document.await.ok().flatten()
    }
}

impl Question {
    pub(super) fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    pub(super) fn answer(self, document: Option<Document>) {
        // An asker that has gone needs no answer.
        drop(self.reply.send(document));
    }
}
