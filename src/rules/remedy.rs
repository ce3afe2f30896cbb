//! What to do about a problem. Amazon's messages stop where these begin.

use std::cmp::Reverse;

use crate::model::{ArnError, EventPattern};

use super::problem::{Clash, Fault};

/// How many letters of an event's name may be wrong for it to be recognised.
const TYPOS_MAX: usize = 3;
/// No name of an event is as long; what is longer is no typing error.
const EVENT_BYTES_MAX: usize = 80;

/// The remedy for one fault, as a clause without a full stop.
pub(super) fn of(fault: &Fault) -> String {
    match fault {
        Fault::Malformed(malformed) => malformed.to_string(),
        Fault::TooMany { sent, max } => format!(
            "the document has {sent}: merge or remove {}, or raise `per_bucket_max` in `[rules]`",
            sent.saturating_sub(max.get())
        ),
        Fault::Arn { error: ArnError::FifoQueue, .. } => {
            "use a standard queue: S3 does not deliver to FIFO queues".into()
        }
        Fault::Arn { group, arn, region, .. } => {
            let fifo = if arn.ends_with(".fifo") {
                "S3 does not deliver to FIFO topics and queues; "
            } else {
                ""
            };
            format!("{fifo}`{arn}` has to look like `{}`", group.example(region))
        }
        Fault::Region { arn, region } => {
            format!("`{arn}` is not in the bucket's region `{region}`; use a destination that is")
        }
        Fault::FilterName { name } => format!("write `prefix` or `suffix` in place of `{name}`"),
        Fault::SecondPrefix => "keep one prefix, and give each other one a rule of its own".into(),
        Fault::SecondSuffix => "keep one suffix, and give each other one a rule of its own".into(),
        Fault::FilterValue { bytes } => {
            format!("the value has {bytes} bytes; cut it to what the keys have in common")
        }
        Fault::LongId { chars } => format!("the id has {chars} characters; shorten it"),
        Fault::UnknownEvent { name } => match nearest(name) {
            Some(event) => format!("`{name}` is no event of S3; did you mean `{event}`?"),
            None => format!("`{name}` is no event of S3; name one such as `s3:ObjectCreated:*`"),
        },
        Fault::SameId { first, second } => {
            format!("{first} and {second} both use it; give one of them another")
        }
        Fault::RepeatedEvent { event, covering } if event == covering => {
            format!("the rule lists `{event}` twice; remove one")
        }
        Fault::RepeatedEvent { event, covering } => {
            format!("the rule lists `{covering}` and `{event}`, which share events; remove one")
        }
        Fault::OverlapUnfiltered(clash) | Fault::OverlapFiltered(clash) => overlap(clash),
    }
}

fn overlap(clash: &Clash) -> String {
    let Clash { first, second, witness } = clash;
    let proof = match witness {
        Some(key) => format!("`{first}` and `{second}` would both match the key `{key}`"),
        None => format!("`{first}` and `{second}` overlap"),
    };
    format!(
        "{proof}: give them different events, or prefixes or suffixes that exclude each other, or \
         set `overlap = \"allow\"` in `[rules]`"
    )
}

/// The event that an unknown name was probably meant to be: right but for its case or its `s3:`,
/// else the one with the fewest wrong letters.
fn nearest(name: &str) -> Option<EventPattern> {
    if name.len() > EVENT_BYTES_MAX {
        return None;
    }
    let wanted = with_scheme(&name.trim().to_ascii_lowercase());
    let scored = EventPattern::all().into_iter().map(|event| {
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
            assert_eq!(nearest(sent).map(|event| event.to_string()).as_deref(), Some(meant));
        }
        for sent in ["s3:*", "s3:Scanner:BigPrefix", "", &"s3:ObjectCreated:*".repeat(1000)] {
            assert_eq!(nearest(sent), None, "{sent}");
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
