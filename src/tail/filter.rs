//! Which events a watcher wants to see.

use super::{Sighting, Subject};
use crate::model::{BucketName, wildcard};

/// Every condition that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The object's bucket.
    pub bucket: Option<BucketName>,
    /// What the object's raw key begins with.
    pub prefix: Option<String>,
    /// The destination's ARN, in which a `*` stands for any characters; what has no destination
    /// does not fit.
    pub destination: Option<String>,
}

impl Filter {
    pub(super) fn fits(&self, sighting: &Sighting) -> bool {
        let Self { bucket, prefix, destination } = self;
        let about = |is_so: &dyn Fn(&Subject) -> bool| sighting.subject.as_ref().is_some_and(is_so);
        let arn = sighting.destination.as_deref();
        bucket.as_ref().is_none_or(|bucket| about(&|subject| subject.bucket == *bucket))
            && prefix
                .as_deref()
                .is_none_or(|prefix| about(&|subject| subject.key.as_str().starts_with(prefix)))
            && destination
                .as_deref()
                .is_none_or(|pattern| arn.is_some_and(|arn| wildcard::fits(pattern, arn)))
    }
}
