//! The id of an entry that came without one.

use std::collections::HashSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use uuid::Uuid;

use crate::model::{BucketName, RuleId};

use super::draft::{DraftFilter, Entry};

/// What the ids of fanfare are derived under; changing it changes the `configurationId` of every
/// rule without an id.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f2c_8f0e_52a1_4d57_9a7e_3c1f_d4b0_86e3);

/// Makes an id up in the form of Amazon's: base64 of the text of a UUID.
///
/// Amazon's are random and stored. These are derived from the bucket and the entry, because a
/// document in a directory is read anew at every start and its rules must keep their names.
/// `taken` are the ids that the document itself gives.
pub(super) fn derive(entry: &Entry, bucket: &BucketName, taken: &HashSet<&str>) -> RuleId {
    let name = entry_name(entry, bucket);
    (0_u64..)
        .take(taken.len() + 1)
        .map(|attempt| {
            let name = [name.as_bytes(), &attempt.to_be_bytes()].concat();
            BASE64_STANDARD.encode(Uuid::new_v5(&NAMESPACE, &name).hyphenated().to_string())
        })
        .find(|id| !taken.contains(id.as_str()))
        .and_then(|id| id.parse().ok())
        .expect("48 characters are an id, and one attempt more is made than ids are taken")
}

/// Everything that tells the entry from others. No part can hold a NUL, which XML forbids.
fn entry_name(entry: &Entry, bucket: &BucketName) -> String {
    let mut parts = vec![bucket.as_str().to_owned(), entry.place().to_string(), entry.arn.clone()];
    parts.extend(entry.events.iter().cloned());
    // Events and filter rules must not run into each other.
    parts.push(String::new());
    let DraftFilter { key, metadata, tags } = &entry.filter;
    for (element, rules) in [("", key), ("S3Metadata", metadata), ("S3Tags", tags)] {
        if !element.is_empty() && !rules.is_empty() {
            parts.push(element.to_owned());
        }
        parts.extend(rules.iter().flat_map(|rule| [rule.name.clone(), rule.value.clone()]));
    }
    parts.join("\0")
}
