//! The index against a scan of all rules.
//!
//! Texts of few letters are prefixes of each other all the time, and every part of the index is
//! there for them. They are bytes, not text: the index knows of no encoding.

use fastrand::Rng;

use crate::{
    model::{EventPattern, EventType, EventTypeSet},
    route::index::{Index, Wish},
};

/// A rule that owns its texts.
#[derive(Debug)]
struct Owned {
    events: EventTypeSet,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
}

impl Owned {
    fn wish(&self, rule: u32) -> Wish<'_> {
        Wish { rule, events: self.events, prefix: &self.prefix, suffix: &self.suffix }
    }
}

#[track_caller]
fn equals_the_scan(rules: &[Owned], keys: &[Vec<u8>], seed: u64) {
    let wishes: Vec<Wish<'_>> = (0..).zip(rules).map(|(rule, owned)| owned.wish(rule)).collect();
    let index = Index::new(&wishes, seed);
    for key in keys {
        for event in [EventType::ObjectCreatedPut, EventType::ObjectRemovedDelete] {
            let mut found = Vec::new();
            index.find(event, key, &mut (), |rule| found.push(rule));
            found.sort_unstable();
            let wants = |wish: &&Wish<'_>| {
                wish.events.contains(event)
                    && key.starts_with(wish.prefix)
                    && key.ends_with(wish.suffix)
            };
            let naive: Vec<u32> = wishes.iter().filter(wants).map(|wish| wish.rule).collect();
            assert_eq!(found, naive, "seed {seed}, key {key:?}, {event}, rules {rules:?}");
        }
    }
}

fn random_text(random: &mut Rng, letters: u8, longest: usize) -> Vec<u8> {
    // NUL is among them: padding must not be taken for it.
    (0..random.usize(..=longest)).map(|_| random.u8(..letters)).collect()
}

/// A text that often goes on where another ended.
fn nested_text(random: &mut Rng, texts: &[Vec<u8>], letters: u8, longest: usize) -> Vec<u8> {
    let Some(base) = random.choice(texts).filter(|_| random.bool()) else {
        return random_text(random, letters, longest);
    };
    let mut text = base.clone();
    text.extend(random_text(random, letters, 3));
    text
}

fn random_events(random: &mut Rng, patterns: &[EventPattern]) -> EventTypeSet {
    let pick = |random: &mut Rng| random.choice(patterns).map(|p| p.types()).unwrap_or_default();
    match random.u8(..4) {
        0 => EventTypeSet::of(EventType::ObjectCreatedPut),
        1 => pick(random).union(pick(random)),
        2 => EventType::ALL.iter().copied().filter(|_| random.bool()).collect(),
        _ => pick(random),
    }
}

#[test]
fn random_rules_are_found_as_by_a_scan() {
    let patterns = EventPattern::all();
    for seed in 0..600 {
        let mut random = Rng::with_seed(seed);
        let letters = random.u8(1..=3);
        let most = random.choice([10, 60, 400]).unwrap();
        let count = random.usize(..most);
        let longest = random.choice([2, 9, 17, 40]).unwrap();
        let (mut prefixes, mut suffixes) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let prefix = nested_text(&mut random, &prefixes, letters, longest);
            prefixes.push(prefix);
            let suffix = nested_text(&mut random, &suffixes, letters, longest);
            suffixes.push(suffix);
        }
        let rules: Vec<Owned> = prefixes
            .iter()
            .zip(&suffixes)
            .map(|(prefix, suffix)| Owned {
                events: random_events(&mut random, &patterns),
                prefix: prefix.clone(),
                suffix: suffix.clone(),
            })
            .collect();
        let keys: Vec<Vec<u8>> = (0..60)
            .map(|_| {
                let mut key = nested_text(&mut random, &prefixes, letters, longest);
                if random.bool() {
                    key.extend(random_text(&mut random, letters, 3));
                    key.extend(nested_text(&mut random, &suffixes, letters, longest));
                }
                key
            })
            .collect();
        equals_the_scan(&rules, &keys, seed);
    }
}

#[test]
fn every_pair_of_nested_ends_is_found_as_by_a_scan() {
    let events = EventTypeSet::of(EventType::ObjectCreatedPut);
    let key = [b'a'; 40];
    let mut rules = Vec::new();
    for prefix in 0..30 {
        for suffix in 0..30 {
            if (prefix * 31 + suffix * 17) % 3 != 0 {
                let (prefix, suffix) = (key[..prefix].to_vec(), key[..suffix].to_vec());
                rules.push(Owned { events, prefix, suffix });
            }
        }
    }
    let keys: Vec<Vec<u8>> = (0..40)
        .flat_map(|length| {
            let broken = move |at: usize| {
                let mut key = key[..length].to_vec();
                key[at] = b'b';
                key
            };
            (0..length).map(broken).chain([key[..length].to_vec()])
        })
        .collect();
    equals_the_scan(&rules, &keys, 1);
}

#[test]
fn keys_of_every_length_are_compared_to_their_ends() {
    let events = EventTypeSet::of(EventType::ObjectCreatedPut);
    let text: Vec<u8> = (1..=40).collect();
    let rule = |length: usize| Owned {
        events,
        prefix: text[..length].to_vec(),
        suffix: text[40 - length..].to_vec(),
    };
    let rules: Vec<Owned> = (0..=33).map(rule).collect();
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for length in 0..=40 {
        keys.push(text[..length].to_vec());
        keys.push(text[length..].to_vec());
        keys.push([&text[..length], &text[40 - length..]].concat());
        keys.push([&text[..length], &[0][..], &text[length..]].concat());
    }
    equals_the_scan(&rules, &keys, 2);
}

#[test]
fn many_small_sets_of_nested_prefixes_are_found_as_by_a_scan() {
    let events = EventTypeSet::of(EventType::ObjectCreatedPut);
    for seed in 0..3000 {
        let mut random = Rng::with_seed(seed);
        let mut prefixes = Vec::new();
        for _ in 0..random.usize(9..14) {
            let prefix = nested_text(&mut random, &prefixes, 2, 6);
            prefixes.push(prefix);
        }
        let rule = |prefix: &Vec<u8>| Owned { events, prefix: prefix.clone(), suffix: Vec::new() };
        let rules: Vec<Owned> = prefixes.iter().map(rule).collect();
        let keys: Vec<_> = (0..30).map(|_| nested_text(&mut random, &prefixes, 2, 6)).collect();
        equals_the_scan(&rules, &keys, seed);
    }
}
