//! The fields of a store's record that fanfare reads, borrowed from the body where possible.
//!
//! Absent, `null` and empty mean the same. Unknown fields are skipped unread.

use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref};

use serde::{Deserialize, Deserializer, de::Visitor};
use serde_json::value::RawValue;

use crate::model::Keyed;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    pub(super) event_source: Text<'a>,
    #[serde(borrow)]
    pub(super) event_time: Text<'a>,
    #[serde(borrow)]
    pub(super) event_name: Text<'a>,
    #[serde(borrow, deserialize_with = "keyed_or_default")]
    pub(super) user_identity: Identity<'a>,
    #[serde(borrow, deserialize_with = "keyed_or_default")]
    pub(super) request_parameters: RequestParameters<'a>,
    #[serde(borrow, deserialize_with = "keyed_or_default")]
    pub(super) response_elements: ResponseElements<'a>,
    #[serde(borrow, deserialize_with = "keyed_or_default")]
    pub(super) s3: S3<'a>,
    #[serde(borrow)]
    pub(super) glacier_event_data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) replication_event_data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) intelligent_tiering_event_data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) lifecycle_event_data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) object_retention_event_data: Option<&'a RawValue>,
    /// The record itself, when a store's message queue wrapped it once more.
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Identity<'a> {
    #[serde(borrow)]
    pub(super) principal_id: Text<'a>,
}

/// RustFS copies every header of its client in here: read these two and nothing else.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RequestParameters<'a> {
    #[serde(borrow, rename = "sourceIPAddress")]
    pub(super) source_ip: Text<'a>,
    #[serde(borrow, rename = "x-amz-request-id")]
    pub(super) request_id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ResponseElements<'a> {
    #[serde(borrow, rename = "x-amz-request-id")]
    pub(super) request_id: Text<'a>,
    #[serde(borrow, rename = "x-amz-id-2")]
    pub(super) host_id: Text<'a>,
    /// MinIO's.
    #[serde(borrow, rename = "x-minio-deployment-id")]
    pub(super) deployment: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct S3<'a> {
    #[serde(borrow, deserialize_with = "keyed_or_default")]
    pub(super) bucket: Bucket<'a>,
    #[serde(borrow, deserialize_with = "keyed_or_default")]
    pub(super) object: Object<'a>,
    #[serde(borrow)]
    pub(super) object_annotation: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Bucket<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Object<'a> {
    #[serde(borrow)]
    pub(super) key: Text<'a>,
    pub(super) size: Size,
    #[serde(borrow, rename = "eTag")]
    pub(super) etag: Text<'a>,
    #[serde(borrow)]
    pub(super) version_id: Text<'a>,
    #[serde(borrow)]
    pub(super) sequencer: Text<'a>,
    /// Ceph's.
    #[serde(borrow)]
    pub(super) metadata: Option<&'a RawValue>,
    /// MinIO's and RustFS's.
    #[serde(borrow)]
    pub(super) user_metadata: Option<&'a RawValue>,
    /// Ceph's.
    #[serde(borrow)]
    pub(super) tags: Option<&'a RawValue>,
}

/// A string, `null`, or nothing; the latter two are empty.
#[derive(Default)]
pub(super) struct Text<'a>(Cow<'a, str>);

/// A whole number, its digits, or nothing; any other number or text is nothing, since an event is
/// worth more than its size.
#[derive(Default)]
pub(super) struct Size(pub(super) Option<u64>);

fn keyed_or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::<Keyed<T>>::deserialize(deserializer)?.map(|Keyed(value)| value).unwrap_or_default())
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Text<'_> {
    /// The text, unless it is empty.
    pub(super) fn given(&self) -> Option<&str> {
        Some(&**self).filter(|text| !text.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor<'a>(PhantomData<Text<'a>>);

        impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
            type Value = Text<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_none<E>(self) -> Result<Text<'a>, E> {
                Ok(Text::default())
            }

            fn visit_some<D: Deserializer<'de>>(self, text: D) -> Result<Text<'a>, D::Error> {
                text.deserialize_str(self)
            }
        }

        deserializer.deserialize_option(TextVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;

        impl Visitor<'_> for SizeVisitor {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size in bytes")
            }

            fn visit_u64<E>(self, size: u64) -> Result<Size, E> {
                Ok(Size(Some(size)))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Size, E> {
                Ok(Size(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Size, E> {
                Ok(Size(None))
            }

            fn visit_str<E>(self, size: &str) -> Result<Size, E> {
                Ok(Size(size.parse().ok()))
            }

            fn visit_unit<E>(self) -> Result<Size, E> {
                Ok(Size(None))
            }
        }

        deserializer.deserialize_any(SizeVisitor)
    }
}
