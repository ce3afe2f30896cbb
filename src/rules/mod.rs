//! What was asked: one bucket's notification document, read from JSON or XML and checked.
//!
//! A document comes in as boto3 and the AWS CLI write it or as S3's API does, each in its current
//! and its deprecated form. Both become one draft, which is held against everything that
//! Amazon checks without asking a destination: the form of each entry, then ids, then overlap. What
//! is left is a [`Document`], and no one asks again. Whoever asked for something else gets every
//! [`Problem`], in Amazon's words and Amazon's order, each with a remedy.
//!
//! Of a [`Document`] one can ask what traps it has ([`warnings`]) and why an event is wanted or not
//! ([`explain()`]).
//!
//! Nothing here touches a disk or the network: where documents live is `control`'s business.

mod check;
mod conditions;
mod config;
mod document;
mod draft;
mod event_name;
mod explain;
mod filter;
mod filter_words;
mod id;
mod json;
mod malformed;
mod nearest_arn;
mod overlap;
mod pattern;
mod problem;
mod question;
mod raw_form;
mod reason;
mod remedy;
mod sweep;
mod value;
mod warning;
mod xml;

#[cfg(test)]
mod tests;

pub use conditions::{Conditions, Pair};
pub use config::{Config, Extension, KeyMatch, Overlap};
pub use document::{Context, Document, EventBridge, Rule};
pub use draft::is_xml_char;
pub use event_name::{EventNameError, event_type_named};
pub use explain::{Explained, Explanation, InForce, Standing, explain};
pub use filter::{Filter, FilterName, FilterRule};
pub use pattern::{Pattern, PatternError};
pub use problem::{Problem, Problems};
pub use question::{Question, QuestionError};
pub use raw_form::RawForm;
pub use reason::{Reason, ReasonKind};
pub use warning::{Warning, warnings};
