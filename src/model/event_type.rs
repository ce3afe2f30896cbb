//! What happened to an object: Amazon's event types, sets of them, and the names that rules use.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! event_types {
    ($($variant:ident = $name:literal,)*) => {
        /// One of the things that Amazon S3 notifies of.
        ///
        /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html>
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum EventType {
            $(#[doc = concat!("`s3:", $name, "`")] $variant,)*
        }

        impl EventType {
            /// Every event type.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name as it stands in a record's `eventName`: `ObjectCreated:Put`, without `s3:`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

event_types! {
    ObjectCreatedPut = "ObjectCreated:Put",
    ObjectCreatedPost = "ObjectCreated:Post",
    ObjectCreatedCopy = "ObjectCreated:Copy",
    ObjectCreatedCompleteMultipartUpload = "ObjectCreated:CompleteMultipartUpload",
    ObjectRemovedDelete = "ObjectRemoved:Delete",
    ObjectRemovedDeleteMarkerCreated = "ObjectRemoved:DeleteMarkerCreated",
    ObjectRestorePost = "ObjectRestore:Post",
    ObjectRestoreCompleted = "ObjectRestore:Completed",
    ObjectRestoreDelete = "ObjectRestore:Delete",
    ReplicationOperationFailedReplication = "Replication:OperationFailedReplication",
    ReplicationOperationMissedThreshold = "Replication:OperationMissedThreshold",
    ReplicationOperationReplicatedAfterThreshold = "Replication:OperationReplicatedAfterThreshold",
    ReplicationOperationNotTracked = "Replication:OperationNotTracked",
    LifecycleExpirationDelete = "LifecycleExpiration:Delete",
    LifecycleExpirationDeleteMarkerCreated = "LifecycleExpiration:DeleteMarkerCreated",
    ObjectTaggingPut = "ObjectTagging:Put",
    ObjectTaggingDelete = "ObjectTagging:Delete",
    ObjectAnnotationPut = "ObjectAnnotation:Put",
    ObjectAnnotationDelete = "ObjectAnnotation:Delete",
    ObjectRetentionPut = "ObjectRetention:Put",
    ObjectAclPut = "ObjectAcl:Put",
    LifecycleTransition = "LifecycleTransition",
    IntelligentTiering = "IntelligentTiering",
    ReducedRedundancyLostObject = "ReducedRedundancyLostObject",
}

const _: () = assert!(EventType::ALL.len() <= 64, "an event type is one bit of a u64");

impl EventType {
    /// Finds the type with this name; `s3:` in front is allowed. Names are case-sensitive.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.strip_prefix("s3:").unwrap_or(name);
        Self::ALL.iter().copied().find(|event_type| event_type.name() == name)
    }

    /// Whether EventBridge gets events of this type: it gets all but replication and lost objects.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-mapping-troubleshooting.html>
    pub const fn goes_to_event_bridge(self) -> bool {
        !matches!(
            self,
            Self::ReplicationOperationFailedReplication
                | Self::ReplicationOperationMissedThreshold
                | Self::ReplicationOperationReplicatedAfterThreshold
                | Self::ReplicationOperationNotTracked
                | Self::ReducedRedundancyLostObject
        )
    }

    /// The part of the name before its colon, if a wildcard of that family exists in S3.
    ///
    /// A type that stands alone (`LifecycleTransition`) has none. `ObjectAcl` and
    /// `ObjectRetention` have a single member each, and Amazon defines no wildcard for them.
    pub fn family(self) -> Option<&'static str> {
        let (family, _) = self.name().split_once(':')?;
        (!matches!(family, "ObjectAcl" | "ObjectRetention")).then_some(family)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(UnknownEventType { name: (&*name).into() }))
    }
}

/// A set of event types, one bit each.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct EventTypeSet(u64);

impl EventTypeSet {
    /// The set without members.
    pub const EMPTY: Self = Self(0);

    /// The set of one.
    pub const fn of(event_type: EventType) -> Self {
        Self(1 << event_type as u8)
    }

    /// Whether the type is a member.
    pub const fn contains(self, event_type: EventType) -> bool {
        self.0 & Self::of(event_type).0 != 0
    }

    /// The members of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The members of both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The members of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The members, one bit each.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether there is no member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in the order of [`EventType::ALL`].
    pub fn iter(self) -> impl Iterator<Item = EventType> {
        EventType::ALL.iter().copied().filter(move |&event_type| self.contains(event_type))
    }
}

impl FromIterator<EventType> for EventTypeSet {
    fn from_iter<I: IntoIterator<Item = EventType>>(types: I) -> Self {
        types.into_iter().fold(Self::EMPTY, |set, event_type| set.union(Self::of(event_type)))
    }
}

impl fmt::Debug for EventTypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(EventType::name)).finish()
    }
}

/// What a rule lists under `Event`: one type, or a family's wildcard such as `s3:ObjectCreated:*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventPattern {
    /// Exactly this type.
    One(EventType),
    /// Every type of this family.
    Family(&'static str),
}

/// A name that Amazon S3 does not define.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{name}` is no event type of Amazon S3")]
pub struct UnknownEventType {
    /// The name as given.
    pub name: Box<str>,
}

impl EventPattern {
    /// Every name that S3 accepts in a configuration: the wildcards first, then the types.
    pub fn all() -> Vec<Self> {
        let mut families: Vec<_> = EventType::ALL.iter().filter_map(|t| t.family()).collect();
        families.dedup();
        let types = EventType::ALL.iter().copied().map(Self::One);
        families.into_iter().map(Self::Family).chain(types).collect()
    }

    /// The types that the name stands for. A wildcard covers its own family and nothing else.
    pub fn types(self) -> EventTypeSet {
        match self {
            Self::One(event_type) => EventTypeSet::of(event_type),
            Self::Family(family) => {
                let member = |t: &EventType| t.family() == Some(family);
                EventType::ALL.iter().copied().filter(member).collect()
            }
        }
    }
}

impl FromStr for EventPattern {
    type Err = UnknownEventType;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownEventType { name: name.into() };
        let bare = name.strip_prefix("s3:").filter(|bare| !bare.starts_with("s3:"));
        let bare = bare.ok_or_else(unknown)?;
        if let Some(family) = bare.strip_suffix(":*") {
            let families = EventType::ALL.iter().filter_map(|event_type| event_type.family());
            return families
                .into_iter()
                .find(|known| *known == family)
                .map(Self::Family)
                .ok_or_else(unknown);
        }
        EventType::from_name(bare).map(Self::One).ok_or_else(unknown)
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(event_type) => write!(f, "s3:{event_type}"),
            Self::Family(family) => write!(f, "s3:{family}:*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_the_31_names_of_amazon_s3() {
        let names: Vec<String> = EventPattern::all().iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), 31, "{names:?}");
        for name in &names {
            assert_eq!(name.parse::<EventPattern>().unwrap().to_string(), *name);
        }
    }

    #[test]
    fn a_wildcard_covers_its_own_family_only() {
        let removed: EventPattern = "s3:ObjectRemoved:*".parse().unwrap();
        let members: Vec<_> = removed.types().iter().map(EventType::name).collect();
        assert_eq!(members, ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"]);
    }

    #[test]
    fn names_that_amazon_does_not_define_are_unknown() {
        for name in [
            "s3:*",
            "s3:ObjectAcl:*",
            "s3:ObjectRetention:*",
            "s3:LifecycleTransition:*",
            "s3:objectcreated:put",
            "ObjectCreated:Put",
            "s3:s3:ObjectCreated:Put",
            "s3:ObjectAccessed:Get",
            "s3:TestEvent",
            "",
        ] {
            assert!(name.parse::<EventPattern>().is_err(), "{name}");
        }
    }
}
