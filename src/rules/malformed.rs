//! Where a text stops being a notification document, and why.
//!
//! Amazon has one sentence for all of it, which helps nobody to mend a file; these are the details
//! that go with it.

use std::sync::Arc;

use super::draft::Place;

/// What kept a text from being read. Reading stops there.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Malformed {
    /// Nothing where a JSON document should be.
    #[error("the file is empty; write {{}} for no notifications")]
    NoJson,
    /// Not JSON, or not the shape of a document; says which line, column and key.
    #[error("the JSON is wrong: {error}")]
    Json { error: Arc<serde_json::Error> },
    /// Not XML, or not the grammar of a document.
    #[error("the XML is wrong at line {line}, column {column}: {fault}")]
    Xml { line: usize, column: usize, fault: XmlFault },
    /// A filter that only Ceph has, where it is not allowed. Amazon does not know the element.
    #[error(
        "{place} has the filter `{element}`; remove it, or set `{key} = \"allow\"` in `[rules]`"
    )]
    Ceph { place: Place, element: &'static str, key: &'static str },
}

/// What is wrong in a piece of XML.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum XmlFault {
    #[error("the text is not UTF-8")]
    NotUtf8,
    #[error("the encoding is said to be `{name}`; save the file as UTF-8")]
    Encoding { name: Box<str> },
    #[error("{error}")]
    Syntax { error: quick_xml::Error },
    #[error("`<!DOCTYPE` is refused; remove it")]
    DocumentType,
    #[error("`&{name};` is unknown; write `&amp;` for an ampersand")]
    Entity { name: Box<str> },
    #[error("XML cannot hold the character U+{:04X}", u32::from(*.char))]
    Character { char: char },
    #[error("there is no element; an empty document is `<NotificationConfiguration/>`")]
    NoElement,
    #[error("the element has no name")]
    Nameless,
    #[error("only comments may stand around the outermost element")]
    Outside,
    #[error("`{parent}` is never closed")]
    Unclosed { parent: &'static str },
    #[error("`{parent}` cannot hold text")]
    Text { parent: &'static str },
    #[error("`{parent}` cannot hold `{child}`")]
    Unknown { parent: &'static str, child: Box<str> },
    #[error("`{parent}` holds more than one `{child}`")]
    Repeated { parent: &'static str, child: &'static str },
    #[error("`{parent}` lacks its `{child}`")]
    Missing { parent: &'static str, child: &'static str },
}
