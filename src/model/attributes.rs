//! What stores tell of an object that Amazon does not.

/// An object's metadata and tags. They decide who wants an event, and go no further: no record
/// and no message has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Names and values of the metadata; `None` if the store sends none of any object.
    pub metadata: Option<Vec<(String, String)>>,
    /// Keys and values of the tags; `None` if the store sends none of any object.
    pub tags: Option<Vec<(String, String)>>,
}
