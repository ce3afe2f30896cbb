//! What tells one event from every other, and what keeps the events of one object together.
//!
//! Both are hashes of what the store said, so they are the same in every process, on every machine,
//! and for every copy that a store sends of one event.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{Again, BucketName, Event, ObjectKey, RuleId};

/// The id of an event: 32 hex digits.
///
/// A copy that a store sends again has the id of the first, because stores keep what they could not
/// send as it was written. The request is part of it, because a sequencer alone is no proof: MinIO
/// and RustFS send the time of the object's last change, which a second tagging does not move.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(u128);

/// What the events of one object have in common, and those of others have not: 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(u128);

impl EventId {
    /// The id of the test message that a request which set a configuration sends.
    pub fn of_test(bucket: &BucketName, request_id: &str) -> Self {
        Self(digest(["test", bucket.as_str(), request_id]))
    }

    /// The id of the message that this rule asked for.
    pub(super) fn for_rule(self, rule: &RuleId) -> Self {
        Self(digest(["rule", &self.to_string(), rule.as_str()]))
    }

    /// The id of a message that is sent again.
    pub(super) fn sent_again(self, again: Again) -> Self {
        let (why, number) = match again {
            Again::Redriven(number) => ("redriven", number),
            Again::Replayed(number) => ("replayed", number),
        };
        Self(digest([why, &self.to_string(), &number.to_string()]))
    }

    /// The id as a number.
    pub fn as_u128(self) -> u128 {
        self.0
    }
}

impl Event {
    /// Its id.
    pub fn id(&self) -> EventId {
        EventId(digest([
            "event",
            &self.source,
            self.bucket.as_str(),
            self.key.as_str(),
            self.version_id.as_deref().unwrap_or_default(),
            self.sequencer.as_str(),
            self.event_type.name(),
            &self.request_id,
        ]))
    }

    /// What it has in common with the other events of its object, all versions of it included.
    pub fn group(&self) -> GroupId {
        GroupId::of(&self.bucket, &self.key)
    }
}

impl GroupId {
    /// The group of an object.
    pub fn of(bucket: &BucketName, key: &ObjectKey) -> Self {
        Self(digest(["object", bucket.as_str(), key.as_str()]))
    }

    /// The group of what concerns a bucket and no object.
    pub fn of_bucket(bucket: &BucketName) -> Self {
        Self(digest(["bucket", bucket.as_str()]))
    }
}

/// The first half of SHA-256. Each part goes in behind its length, so that no two lists of parts
/// are one text.
fn digest<const N: usize>(parts: [&str; N]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let whole: [u8; 32] = hash.finalize().into();
    whole.iter().take(16).fold(0, |id, byte| id << 8 | u128::from(*byte))
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventType, Sequencer};

    fn event() -> Event {
        Event {
            source: "minio:s3".into(),
            event_type: EventType::ObjectTaggingPut,
            time: "2026-11-22T07:20:47.957712Z".parse().unwrap(),
            bucket: "photos".parse().unwrap(),
            key: "a".parse().unwrap(),
            version_id: None,
            size: Some(5),
            etag: None,
            sequencer: Sequencer::from_hex("1").unwrap(),
            principal_id: "test".into(),
            source_ip: "203.0.113.7".into(),
            request_id: "1".into(),
            host_id: "node-1".into(),
            trace_id: None,
            details: None,
        }
    }

    fn id_with(change: impl FnOnce(&mut Event)) -> EventId {
        let mut event = event();
        change(&mut event);
        event.id()
    }

    /// The digits are a promise: a later version must still know the copies of an earlier event.
    #[test]
    fn the_same_event_has_the_same_32_digits_for_ever() {
        assert_eq!(event().id().to_string(), "b81473c6a5e32b757c01e13d7b4aa6fd");
        assert_eq!(event().group().to_string(), "a49df38c332de55f5de759c450ed956a");
    }

    #[test]
    fn whatever_tells_two_events_apart_tells_their_ids_apart() {
        let ids = [
            event().id(),
            id_with(|event| event.source = "minio:s3/other".into()),
            id_with(|event| event.bucket = "videos".parse().unwrap()),
            id_with(|event| event.key = "b".parse().unwrap()),
            id_with(|event| event.version_id = Some("1".into())),
            id_with(|event| event.sequencer = Sequencer::from_hex("2").unwrap()),
            id_with(|event| event.event_type = EventType::ObjectTaggingDelete),
            id_with(|event| event.request_id = "2".into()),
        ];
        let mut unique = ids.to_vec();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
    }

    #[test]
    fn how_an_event_reached_us_is_no_part_of_its_id() {
        let told_otherwise = id_with(|event| {
            event.trace_id = Some("Root=1".into());
            event.host_id = "node-2".into();
            event.source_ip = "203.0.113.8".into();
        });
        assert_eq!(told_otherwise, event().id());
    }

    #[test]
    fn each_rule_s_message_of_an_event_has_an_id_of_its_own() {
        let rules: [RuleId; 2] = ["a".parse().unwrap(), "b".parse().unwrap()];
        let [one, other] = rules.each_ref().map(|rule| event().id().for_rule(rule));
        assert_ne!(one, other);
        assert_eq!(one, event().id().for_rule(&rules[0]));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(["ab", "c"]), digest(["a", "bc"]));
        assert_ne!(digest(["a", ""]), digest(["", "a"]));
        assert_ne!(digest(["a"]), digest(["a", ""]));
    }

    #[test]
    fn the_versions_of_an_object_are_one_group_and_its_bucket_another() {
        let event = event();
        let versioned = Event { version_id: Some("1".into()), ..event.clone() };
        assert_eq!(versioned.group(), event.group());
        let other = "b".parse().unwrap();
        assert_ne!(GroupId::of(&event.bucket, &other), event.group());
        assert_ne!(GroupId::of_bucket(&event.bucket), event.group());
    }
}
