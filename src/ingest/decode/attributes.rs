//! An object's metadata and tags, which only some stores send, each in its own form.
//!
//! Amazon documents neither, so they are for rules that ask for them and go no further. Few do, so
//! they are kept as they came, and read when they are asked for: whatever a store put there then
//! costs no more memory than it took in the body. What has another form than these is not there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::wire::Object;
use crate::model::{Attributes, Keyed, decode_form};

/// Where RustFS has the tags of an object: in its metadata, as its client wrote the header.
const TAGGING: &str = "x-amz-tagging";

/// Names and values.
type Pairs = Vec<(String, String)>;

/// What a store sent with an event beside the event itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sent {
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Box<RawValue>>,
}

/// How Ceph writes a pair.
#[derive(Deserialize)]
struct Pair {
    key: String,
    val: String,
}

impl Sent {
    pub(super) fn with(object: &Object<'_>) -> Self {
        let metadata = object.metadata.or(object.user_metadata);
        Self { metadata: metadata.map(ToOwned::to_owned), tags: object.tags.map(ToOwned::to_owned) }
    }

    /// Reads it.
    pub fn attributes(&self) -> Attributes {
        let [metadata, tags] = [&self.metadata, &self.tags].map(|json| pairs(json.as_deref()?));
        let tags = tags.or_else(|| {
            let is_tagging = |(name, _): &&(String, String)| name.eq_ignore_ascii_case(TAGGING);
            let (_, header) = metadata.iter().flatten().find(is_tagging)?;
            Some(header.split('&').filter_map(tag).collect())
        });
        Attributes { metadata, tags }
    }
}

/// Ceph has a list of pairs, MinIO and RustFS have an object.
fn pairs(json: &RawValue) -> Option<Pairs> {
    if json.get().starts_with('[') {
        let pairs: Vec<Keyed<Pair>> = serde_json::from_str(json.get()).ok()?;
        return Some(pairs.into_iter().map(|Keyed(Pair { key, val })| (key, val)).collect());
    }
    let members: BTreeMap<String, Value> = serde_json::from_str(json.get()).ok()?;
    let text = |(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    };
    Some(members.into_iter().filter_map(text).collect())
}

fn tag(encoded: &str) -> Option<(String, String)> {
    let (key, value) = encoded.split_once('=').unwrap_or((encoded, ""));
    decode_form(key).zip(decode_form(value))
}
