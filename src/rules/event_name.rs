//! The names of events, and which one a wrong name was probably meant to be.

use std::cmp::Reverse;

use crate::model::{EventPattern, EventType};

/// How many letters of an event's name may be wrong for it to be recognised.
const TYPOS_MAX: usize = 3;
/// No name of an event is as long; what is longer is no typing error.
const EVENT_BYTES_MAX: usize = 80;

/// Why a text does not name one event.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum EventNameError {
    /// Nothing like it happens.
    #[error("`{name}` is no event of S3; name one such as `s3:ObjectCreated:Put`")]
    Unknown {
        /// The name as given.
        name: Box<str>,
    },
    /// Something like it happens.
    #[error("`{name}` is no event of S3; did you mean `{meant}`?")]
    Mistyped {
        /// The name as given.
        name: Box<str>,
        /// The nearest name.
        meant: EventPattern,
    },
    /// A wildcard, where one event is asked for.
    #[error("`{name}` stands for several events; name one of them, such as `{one}`")]
    Several {
        /// The name as given.
        name: Box<str>,
        /// One of them.
        one: EventPattern,
    },
}

/// The one event type of this name; `s3:` in front may be left out.
pub fn event_type_named(name: &str) -> Result<EventType, EventNameError> {
    let pattern = with_scheme(name).parse().map(EventPattern::types);
    if let Some(event_type) = pattern.iter().flat_map(|types| types.iter()).next() {
        return match EventType::from_name(name) {
            Some(event_type) => Ok(event_type),
            None => Err(EventNameError::Several {
                name: name.into(),
                one: EventPattern::One(event_type),
            }),
        };
    }
    let types = EventType::ALL.iter().copied().map(EventPattern::One);
    Err(match nearest(name, types) {
        Some(meant) => EventNameError::Mistyped { name: name.into(), meant },
        None => EventNameError::Unknown { name: name.into() },
    })
}

/// Of these, the event that an unknown name was probably meant to be: right but for its case or its
/// `s3:`, else the one with the fewest wrong letters.
pub(super) fn nearest(
    name: &str,
    known: impl IntoIterator<Item = EventPattern>,
) -> Option<EventPattern> {
    if name.len() > EVENT_BYTES_MAX {
        return None;
    }
    let wanted = with_scheme(&name.trim().to_ascii_lowercase());
    let scored = known.into_iter().map(|event| {
        let known = event.to_string().to_ascii_lowercase();
        // Of two as near as each other, the one that agrees longer from its beginning.
        let agreed = wanted.chars().zip(known.chars()).take_while(|(a, b)| a == b).count();
        (distance(&wanted, &known), Reverse(agreed), event)
    });
    let (typos, _, event) = scored.min_by_key(|&(typos, agreed, _)| (typos, agreed))?;
    (typos <= TYPOS_MAX).then_some(event)
}

fn with_scheme(name: &str) -> String {
    if name.starts_with("s3:") { name.to_owned() } else { format!("s3:{name}") }
}

/// How many letters to insert, remove or replace to get from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (index, a) in from.chars().enumerate() {
        let mut next = vec![index + 1];
        let mut left = index + 1;
        for ((b, diagonal), above) in to.chars().zip(&row).zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != b)).min(left + 1).min(above + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_that_was_meant_is_found() {
        for (sent, meant) in [
            ("s3:objectcreated:put", "s3:ObjectCreated:Put"),
            ("ObjectCreated:*", "s3:ObjectCreated:*"),
            ("s3:ObjectCreate:*", "s3:ObjectCreated:*"),
            ("s3:ObjectCreated:Posst", "s3:ObjectCreated:Post"),
            ("s3:ObjectRemoved:Deleted", "s3:ObjectRemoved:Delete"),
            ("s3:ObjectAcl:*", "s3:ObjectAcl:Put"),
        ] {
            let found = nearest(sent, EventPattern::all()).map(|event| event.to_string());
            assert_eq!(found.as_deref(), Some(meant));
        }
        for sent in ["s3:*", "s3:Scanner:BigPrefix", "", &"s3:ObjectCreated:*".repeat(1000)] {
            assert_eq!(nearest(sent, EventPattern::all()), None, "{sent}");
        }
    }

    #[test]
    fn one_event_is_named_with_or_without_its_scheme() {
        for name in ["s3:ObjectCreated:Put", "ObjectCreated:Put"] {
            assert_eq!(event_type_named(name), Ok(EventType::ObjectCreatedPut));
        }
        for (name, error) in [
            ("ObjectCreated:put", "did you mean `s3:ObjectCreated:Put`?"),
            ("s3:ObjectCreated:*", "stands for several events; name one of them, such as"),
            ("s3:ObjectAcl:*", "did you mean `s3:ObjectAcl:Put`?"),
            ("s3:s3:ObjectCreated:Put", "did you mean `s3:ObjectCreated:Put`?"),
            ("Created", "name one such as `s3:ObjectCreated:Put`"),
        ] {
            let said = event_type_named(name).unwrap_err().to_string();
            assert!(said.contains(error), "{said}");
        }
    }

    #[test]
    fn distance_counts_letters() {
        for (from, to, typos) in
            [("", "", 0), ("", "ab", 2), ("kitten", "sitting", 3), ("ü", "u", 1)]
        {
            assert_eq!((distance(from, to), distance(to, from)), (typos, typos));
        }
    }
}
