//! What holds for every set of rules and every key: a bucket finds the rules that a scan finds.
//!
//! Bytes are read as rules, then keys, of few pieces, so that values nest and escapes are cut in
//! two. Each key is looked for with several event types in both key modes. Shared by the fuzz target
//! and the plain test, which each have `model`, `route` and `rules` at their root.

use std::sync::Arc;

use crate::{
    model::{Attributes, Destination, EventType, EventTypeSet, ObjectKey, decode_form},
    route::{Bucket, Found, Rule},
    rules::{Conditions, KeyMatch, Pair, Pattern},
};

const KEYS_MAX: usize = 16;
const PIECES: [&str; 16] =
    ["a", "a", "b", "ab", "/", "=", "%3D", "%", "3D", "D", "+", "%20", " ", "ü", "%C3%BC", "\0"];
const PATTERNS: [&str; 16] = [
    "a", "b", "ab", "/", "=", "ü", ".", ".*", "(a|ab)", "b?", "[ab]+", "|", "(?i)A", "$", "a{2}",
    r"\xC3",
];

/// One rule, as it is asked.
struct Asked {
    events: EventTypeSet,
    prefix: String,
    suffix: String,
    /// The pattern, as another compiles it.
    pattern: Option<regex::bytes::Regex>,
    color: Option<&'static str>,
    conditions: Option<Arc<Conditions>>,
}

/// Takes bytes from the front; zeros behind the end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Up to so many pieces, or up to 1,000 times the first of them.
    fn text(&mut self, pieces: &[&str; 16], longest: u8) -> String {
        let length = self.next();
        if length == 255 {
            let (piece, times) = (self.next(), usize::from(self.next()) * 4);
            return pieces[usize::from(piece % 16)].repeat(times).chars().take(500).collect();
        }
        (0..length % (longest + 1)).map(|_| pieces[usize::from(self.next() % 16)]).collect()
    }

    fn events(&mut self) -> EventTypeSet {
        let (kind, bits) = (self.next(), u64::from_le_bytes([0; 8].map(|_: u8| self.next())));
        let types = EventType::ALL.iter().copied().enumerate();
        let is_in = |(number, _): &(usize, EventType)| match kind % 3 {
            0 => true,
            1 => *number == usize::from(kind / 3) % EventType::ALL.len(),
            _ => bits >> (number % 64) & 1 == 1,
        };
        types.filter(is_in).map(|(_, event_type)| event_type).collect()
    }

    fn rule(&mut self) -> Asked {
        let events = self.events();
        let (prefix, suffix) = (self.text(&PIECES, 6), self.text(&PIECES, 6));
        let kind = self.next();
        let text = (kind & 1 == 1).then(|| self.text(&PATTERNS, 6));
        let pattern = text.and_then(|text| Pattern::compile(&text).ok());
        let color = (kind & 6 == 6).then_some(if kind & 8 == 8 { "red" } else { "blue" });
        let whole = |pattern: &Pattern| {
            // An empty one is no condition.
            let whole = if pattern.as_str().is_empty() { "(?s:.*)" } else { pattern.as_str() };
            let whole = regex::bytes::RegexBuilder::new(&format!("^(?:{whole})$"));
            { whole }.unicode(false).build().expect("it was compiled before")
        };
        let (again, pairs) = (pattern.as_ref().map(whole), color.map(|c| Pair::new("color", c)));
        let conditions = Conditions::new(pattern, pairs, []).map(Arc::new);
        Asked { events, prefix, suffix, pattern: again, color, conditions }
    }
}

impl Asked {
    fn wants(&self, event_type: EventType, key: &ObjectKey, key_match: KeyMatch) -> bool {
        let (raw, form) = (key.as_str(), key.to_form());
        let (prefix, suffix) = (&*self.prefix, &*self.suffix);
        let decoded = decode_form(prefix).zip(decode_form(suffix));
        let fits_decoded = decoded.is_some_and(|(p, s)| raw.starts_with(&p) && raw.ends_with(&s));
        let fits = (form.starts_with(prefix) && form.ends_with(suffix))
            || (key_match == KeyMatch::Lenient && fits_decoded);
        fits && self.events.contains(event_type)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(raw.as_bytes()))
            && self.color.is_none_or(|color| color == "red")
    }
}

/// Holds the rules and keys that these bytes are to it.
pub(crate) fn finds_what_a_scan_finds(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let destination: Destination =
        "arn:aws:sqs:us-east-1:000000000000:q".parse().expect("it is an ARN");
    let count = bytes.next();
    let asked: Vec<Asked> = (0..count % 96).map(|_| bytes.rule()).collect();
    let buckets = [KeyMatch::Aws, KeyMatch::Lenient].map(|key_match| {
        let rule = |(number, asked)| rule(number, asked, &destination);
        (key_match, Bucket::new(asked.iter().enumerate().map(rule), key_match))
    });
    let mut found = Found::default();
    for _ in 0..KEYS_MAX {
        let (begin, end) = (bytes.text(&PIECES, 12), bytes.text(&PIECES, 6));
        let Ok(key) = format!("{begin}{end}").parse::<ObjectKey>() else { continue };
        for number in [bytes.next(), 0, 7] {
            let event_type = EventType::ALL[usize::from(number) % EventType::ALL.len()];
            for (key_match, bucket) in &buckets {
                bucket.find_with(event_type, &key, red, &mut found);
                found.sort();
                let found: Vec<_> = bucket.matches(&found).map(|rule| number_of(&rule)).collect();
                let wants =
                    |(_, asked): &(usize, &Asked)| asked.wants(event_type, &key, *key_match);
                let scanned: Vec<_> =
                    asked.iter().enumerate().filter(wants).map(|(number, _)| number).collect();
                assert_eq!(found, scanned, "{key:?}, {event_type}, {key_match:?}");
            }
        }
    }
}

fn rule<'a>(number: usize, asked: &'a Asked, destination: &'a Destination) -> Rule<'a> {
    Rule {
        id: Some(number.to_string().parse().expect("it is an id")),
        destination,
        event_types: asked.events,
        prefix: &asked.prefix,
        suffix: &asked.suffix,
        conditions: asked.conditions.as_ref(),
    }
}

fn number_of(rule: &crate::route::Match<'_>) -> usize {
    rule.id.expect("each has one").as_str().parse().expect("it is a number")
}

fn red() -> Attributes {
    Attributes { metadata: Some(vec![("color".into(), "red".into())]), tags: None }
}
