//! Which ARNs of destinations patterns have in common: a search through what ARNs are made of.
//!
//! Everything is a row of parts, a pattern as well as the shape of an ARN. A text fits if its bytes
//! lead through all rows at once; the search finds the shortest such text.

use std::{
    collections::{HashMap, VecDeque},
    iter, mem,
};

use crate::model::Destination;

/// What a byte may be.
#[derive(Clone, Copy, Debug)]
enum Class {
    Any,
    Byte(u8),
    Digit,
    /// Of a partition.
    Letter,
    /// Of a region.
    Name,
    /// Of the names of queues, topics and functions.
    Word,
    /// Of a function's version or alias.
    Version,
    /// Of a bus.
    Path,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    One(Class),
    /// Any number, none included.
    Many(Class),
}

/// How far a text has led in each row: in the shape and in two patterns.
type Places = [usize; 3];

/// One of each kind that the classes tell apart, beside the bytes that the rows name.
const BYTES: &[u8] = b"a0-_./$:";

/// A destination of each shape whose ARN fits both patterns, in which a `*` stands for any run of
/// characters; none of a shape that does not.
pub(super) fn in_common(one: &str, other: &str) -> impl Iterator<Item = Destination> {
    let patterns = [one, other].map(pattern);
    shapes().into_iter().filter_map(move |shape| {
        let [one, other] = &patterns;
        shortest([&shape, one, other])?.parse().ok()
    })
}

fn pattern(text: &str) -> Vec<Part> {
    let part = |byte| match byte {
        b'*' => Part::Many(Class::Any),
        byte => Part::One(Class::Byte(byte)),
    };
    text.bytes().map(part).collect()
}

/// Every shape of an ARN that [`Destination`] takes, with names of any length.
fn shapes() -> [Vec<Part>; 7] {
    let some = |class| [Part::One(class), Part::Many(class)];
    let named = |before: &str, class, after: &str| {
        [pattern(before), some(class).to_vec(), pattern(after)].concat()
    };
    let version = [named("function:", Class::Word, ":"), some(Class::Version).to_vec()].concat();
    [
        ("sqs", named("", Class::Word, "")),
        ("sqs", named("", Class::Word, ".fifo")),
        ("sns", named("", Class::Word, "")),
        ("sns", named("", Class::Word, ".fifo")),
        ("lambda", named("function:", Class::Word, "")),
        ("lambda", version),
        ("events", named("event-bus/", Class::Path, "")),
    ]
    .map(|(service, resource)| {
        let partition = [pattern("arn:aws"), vec![Part::Many(Class::Letter)]].concat();
        let region = named(&format!(":{service}:"), Class::Name, ":");
        let account = iter::repeat_n(Part::One(Class::Digit), 12).collect();
        [partition, region, account, pattern(":"), resource].concat()
    })
}

/// The shortest text that leads to the end of all rows.
fn shortest(rows: [&[Part]; 3]) -> Option<String> {
    let named = rows.into_iter().flatten().filter_map(|part| match part {
        Part::One(Class::Byte(byte)) => Some(*byte),
        _ => None,
    });
    let mut bytes: Vec<u8> = named.chain(BYTES.iter().copied()).collect();
    bytes.sort_unstable();
    bytes.dedup();

    let start = [0; 3];
    let mut came_from: HashMap<Places, Option<(Places, u8)>> = HashMap::from([(start, None)]);
    let mut next = VecDeque::from([start]);
    while let Some(places) = next.pop_front() {
        if rows.iter().zip(places).all(|(row, place)| is_end(row, place)) {
            return Some(spelled(&came_from, places));
        }
        for &byte in &bytes {
            for further in steps(rows, places, byte) {
                came_from.entry(further).or_insert_with(|| {
                    next.push_back(further);
                    Some((places, byte))
                });
            }
        }
    }
    None
}

/// Where this byte leads in all rows at once.
fn steps(
    [shape, one, other]: [&[Part]; 3],
    [first, second, third]: Places,
    byte: u8,
) -> impl Iterator<Item = Places> {
    after(shape, first, byte).flat_map(move |first| {
        after(one, second, byte).flat_map(move |second| {
            after(other, third, byte).map(move |third| [first, second, third])
        })
    })
}

/// Where this byte leads in a row: any number of parts that may be empty are passed over.
fn after(row: &[Part], place: usize, byte: u8) -> impl Iterator<Item = usize> {
    let mut is_past = false;
    let reached = row.iter().enumerate().skip(place);
    let reached =
        reached.take_while(move |(_, part)| !mem::replace(&mut is_past, part.is_needed()));
    reached.filter_map(move |(at, part)| match part {
        Part::One(class) => class.has(byte).then_some(at + 1),
        Part::Many(class) => class.has(byte).then_some(at),
    })
}

fn is_end(row: &[Part], place: usize) -> bool {
    !row.iter().skip(place).any(|part| part.is_needed())
}

fn spelled(came_from: &HashMap<Places, Option<(Places, u8)>>, end: Places) -> String {
    let steps = iter::successors(came_from.get(&end).copied().flatten(), |(before, _)| {
        came_from.get(before).copied().flatten()
    });
    let bytes: Vec<u8> = steps.map(|(_, byte)| byte).collect();
    bytes.into_iter().rev().map(char::from).collect()
}

impl Part {
    fn is_needed(self) -> bool {
        matches!(self, Self::One(_))
    }
}

impl Class {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Any => true,
            Self::Byte(one) => byte == one,
            Self::Digit => byte.is_ascii_digit(),
            Self::Letter => byte.is_ascii_alphabetic() || byte == b'-',
            Self::Name => byte.is_ascii_alphanumeric() || byte == b'-',
            Self::Word => byte.is_ascii_alphanumeric() || b"-_".contains(&byte),
            Self::Version => byte.is_ascii_alphanumeric() || b"-_$".contains(&byte),
            Self::Path => byte.is_ascii_alphanumeric() || b"-_./".contains(&byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::wildcard;

    #[test]
    fn each_shape_has_an_arn_that_is_a_destination() {
        let all: Vec<_> = in_common("*", "*").collect();
        assert_eq!(all.len(), shapes().len(), "{all:?}");
        assert_eq!(all[0].as_str(), "arn:aws:sqs:-:000000000000:-");
    }

    #[test]
    fn what_is_found_fits_both_patterns() {
        for (one, other) in [
            ("arn:aws:sqs:*:*:slow-*", "*:slow-a"),
            ("*slow*", "arn:aws:s?s:*".replace('?', "n").as_str()),
            ("*:us-*-1:*", "*a*b*c*"),
            ("*.fifo", "arn:aws-cn:*"),
            ("*$LATEST", "*:function:*"),
            ("*event-bus/*", "*x/y*"),
        ] {
            let found: Vec<_> = in_common(one, other).collect();
            assert!(!found.is_empty(), "{one} {other}");
            for arn in found {
                let fits = |pattern| wildcard::fits(pattern, arn.as_str());
                assert!(fits(one) && fits(other), "{one} {other}: {arn}");
            }
        }
    }

    #[test]
    fn what_has_nothing_in_common_is_found_to_have_nothing() {
        for (one, other) in [
            ("arn:aws:sqs:*", "arn:aws:sns:*"),
            ("*:slow-a", "*:slow-b"),
            ("arn:aws:sqs:*:1234:*", "*"),
            ("arn:aws:sqs:*.fifoo", "*"),
            ("arn:aws:sqs:*:*:a.b*", "*"),
            ("arn:aws:lambda:*.fifo", "*"),
        ] {
            assert_eq!(in_common(one, other).count(), 0, "{one} {other}");
        }
    }
}
