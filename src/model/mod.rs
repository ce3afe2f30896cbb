//! The nouns every stage speaks of: bucket, key, ARN, event type, event, record, message.
//!
//! Each type is checked when it is made and cannot hold an invalid value afterwards. Nothing
//! here does I/O, waits, or reads a clock.

mod arn;
mod attributes;
mod bucket;
pub mod count;
mod destination;
mod event;
mod event_id;
mod event_type;
mod form;
mod key;
mod keyed;
mod message;
mod one_line;
mod owner;
pub mod positive;
mod record;
mod secret;
mod sequencer;
pub mod size;
pub mod wait;
pub mod wildcard;

pub use arn::{Arn, ArnError, BusArn, FunctionArn, QueueArn, TopicArn};
pub use attributes::Attributes;
pub use bucket::{BucketName, BucketNameError};
pub use destination::{Destination, DestinationError, Service};
pub use event::{Annotation, Details, Event, Replication, Restore, Retention, RetentionHold};
pub use event_id::{EventId, GroupId};
pub use event_type::{EventPattern, EventType, EventTypeSet, UnknownEventType};
pub use key::{KeyError, ObjectKey, decode_form, is_raw_in_form};
pub use keyed::{Keyed, Whole, given, given_object, given_whole, whole};
pub use message::{Again, Message};
pub use one_line::OneLine;
pub use owner::{AccountId, OwnerError, Owners, Region};
pub use record::{Record, RecordError, RuleId, RuleIdError};
pub use secret::Secret;
pub use sequencer::Sequencer;
