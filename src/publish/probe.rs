//! Whether a destination would take events, asked before a configuration may name it.
//!
//! One request a destination, and none to a bus: what Amazon S3 does when a configuration is set.
//! It is never sent again. Dropping the future lets go of the request, and a test message that is
//! on the wire by then may still arrive.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html>

use super::{Aws, Cause, DestinationConfig, aws::Target, class::Row};
use crate::model::{Destination, Message};

/// Why a destination is not known to take events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Its service knows no such destination.
    #[error("the destination does not exist; {0}")]
    Missing(Cause),
    /// We may not send there, or may not use the key that encrypts what is sent.
    #[error("the destination may not be used; {0}")]
    Forbidden(Cause),
    /// No answer came, or one that says nothing of the destination: our credentials are no good,
    /// the service is busy.
    #[error("the destination could not be asked; {0}")]
    Unanswered(Cause),
}

impl From<Cause> for Unfit {
    fn from(cause: Cause) -> Self {
        match Row::of(&cause.code) {
            Some(Row::Missing) => Self::Missing(cause),
            Some(Row::Forbidden) => Self::Forbidden(cause),
            Some(
                Row::Throttled
                | Row::Transient
                | Row::Broken
                | Row::Poison
                | Row::TooLarge
                | Row::Malformed,
            )
            | None => Self::Unanswered(cause),
        }
    }
}

impl Aws {
    /// Asks a destination: sends a queue or a topic this message, lets Lambda check our right to
    /// invoke a function, and asks a bus nothing. Answers the id of the message if it went to a
    /// topic.
    ///
    /// Waits no longer than `aws.attempt_timeout`.
    pub async fn probe(
        &self,
        destination: &Destination,
        config: &DestinationConfig,
        message: &Message,
    ) -> Result<Option<String>, Unfit> {
        match self.publisher(destination, config).target {
            Target::Queue(queue) => queue.send_test(message).await.map(|()| None),
            Target::Topic(topic) => topic.send_test(message).await,
            Target::Function(function) => function.dry_run().await.map(|()| None),
            Target::Bus(_) => Ok(None),
        }
        .map_err(Unfit::from)
    }
}
