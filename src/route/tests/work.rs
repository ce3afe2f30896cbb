//! The work of a search, counted: bounds that hold whatever the rules say, and without a clock.

use fastrand::Rng;

use crate::{
    model::{Destination, EventType, EventTypeSet, ObjectKey},
    route::{
        Bucket, Found, Rule,
        index::{Index, Wish, Work},
    },
    rules::KeyMatch,
};

const PUT: EventType = EventType::ObjectCreatedPut;

/// The steps of a search.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    probes: usize,
    texts: usize,
    paths: usize,
    cells: usize,
}

impl Work for Counted {
    fn probe(&mut self) {
        self.probes += 1;
    }
    fn text(&mut self) {
        self.texts += 1;
    }
    fn path(&mut self) {
        self.paths += 1;
    }
    fn cell(&mut self) {
        self.cells += 1;
    }
}

/// The work of finding the rules of a key, and how many there are.
fn work(rules: &[(String, String)], keys: &[String]) -> Vec<(Counted, usize)> {
    let events = EventTypeSet::of(PUT);
    let wishes: Vec<Wish<'_>> = (0..)
        .zip(rules)
        .map(|(rule, (prefix, suffix))| Wish {
            rule,
            events,
            prefix: prefix.as_bytes(),
            suffix: suffix.as_bytes(),
        })
        .collect();
    let index = Index::new(&wishes, 7);
    let of_key = |key: &String| {
        let (mut counted, mut found) = (Counted::default(), 0);
        index.find(PUT, key.as_bytes(), &mut counted, |_| found += 1);
        (counted, found)
    };
    keys.iter().map(of_key).collect()
}

/// One rule for each of so many tenants, in a few shapes.
fn tenants(count: usize, random: &mut Rng) -> Vec<(String, String)> {
    let suffix = |random: &mut Rng| random.choice(["", ".jpg", ".json", ".metadata.json"]).unwrap();
    let rule = |_| {
        let number = random.u32(..100_000_000);
        let prefix = match number % 3 {
            0 => format!("tenants/{number:08}/uploads/"),
            1 => format!("users/{:02x}/{:032x}/", number % 256, random.u128(..)),
            _ => format!("logs/{:03}/2026/{:02}/{:02}/", number % 1000, number % 12, number % 28),
        };
        (prefix, suffix(random).to_owned())
    };
    (0..count).map(rule).collect()
}

#[test]
fn a_usual_search_does_the_same_work_among_any_number_of_rules() {
    for count in [100, 1_000, 20_000] {
        let mut random = Rng::with_seed(7);
        let rules = tenants(count, &mut random);
        let keys: Vec<String> =
            rules.iter().take(2_000).map(|(prefix, suffix)| format!("{prefix}x{suffix}")).collect();
        let of_all = work(&rules, &keys);
        let sum = |of: fn(&Counted) -> usize| of_all.iter().map(|(c, _)| of(c)).sum::<usize>();
        let found: usize = of_all.iter().map(|(_, found)| found).sum();
        assert!(found >= keys.len());
        // In tenths a key.
        let each = |of| 10 * sum(of) / keys.len();
        assert!(each(|c| c.probes) <= 20, "{count}: {}", each(|c| c.probes));
        assert!(each(|c| c.texts) <= 20, "{count}: {}", each(|c| c.texts));
        assert!(each(|c| c.paths) <= 10, "{count}: {}", each(|c| c.paths));
        assert!(sum(|c| c.cells) <= found + keys.len(), "{count}: {}", sum(|c| c.cells));
    }
}

/// A chain of 25 texts, then a crowd of others beside the next chain: every chain is a path of its
/// own, and no path has few rules.
fn ladder(levels: usize) -> (Vec<String>, String) {
    let (mut texts, mut spine) = (Vec::new(), String::new());
    for level in (0..=levels).rev() {
        for _ in 0..25 {
            spine.push('a');
            texts.push(spine.clone());
        }
        let others = if level == 0 { 0 } else { 25 << level };
        texts.extend((0..others).map(|number| format!("{spine}b{number:05}")));
        texts.push(format!("{spine}b"));
        spine.push('c');
    }
    (texts, spine)
}

#[test]
fn no_rules_make_a_search_slow() {
    let line = "n".repeat(1024);
    let begin = |length: usize| "n".repeat(length % 1025);
    let distinct = |number: usize| format!("-{number:07}");
    let (texts, spine) = ladder(8);
    let text = |number: usize| texts[number % texts.len()].clone();
    let turned = |text: String| text.chars().rev().collect::<String>();
    let count = 20_000;
    let all = |of: &dyn Fn(usize) -> (String, String)| (0..count).map(of).collect::<Vec<_>>();
    let sets = [
        (all(&|n| (begin(n), distinct(n))), line.clone()),
        (all(&|n| (begin(n), begin(n / 7))), line.clone()),
        (all(&|n| (begin(n % 500), begin(1024 - n % 500 + n % 3))), "n".repeat(1000)),
        (all(&|n| ("in/".to_owned(), distinct(n))), format!("in/x{}", distinct(77))),
        (all(&|_| ("in/".to_owned(), ".bin".to_owned())), "in/x.bin".to_owned()),
        (
            all(&|n| match n % 2 {
                0 => (text(n / 2), turned(text(n * 31) + "x")),
                _ => (text(n * 31) + "x", turned(text(n / 2))),
            }),
            format!("{spine}{}", turned(spine.clone())),
        ),
    ];
    for (rules, key) in sets {
        let (prefix, _) = &rules[1];
        let (counted, found) = work(&rules, &[key])[0];
        let paths = 15; // log2(rules) + 1 on either side.
        assert!(counted.paths <= paths + paths * paths, "{prefix}: {counted:?}");
        assert!(counted.probes <= 2 * 14 + 2 * paths * paths, "{prefix}: {counted:?}");
        assert!(counted.texts <= 2 * 15, "{prefix}: {counted:?}");
        // Blocks of rows, and every row of a block in which something was found.
        let rows = 1025 / 16 * 2 * paths;
        assert!(counted.cells <= rows + 17 * (found + paths * paths), "{prefix}: {counted:?}");
    }
}

#[test]
fn a_search_allocates_nothing() {
    let destination: Destination = "arn:aws:sqs:us-east-1:000000000000:q".parse().unwrap();
    let mut random = Rng::with_seed(7);
    let mut rules = tenants(1000, &mut random);
    rules.extend((0..100).map(|n| ("in/".to_owned(), format!("{n:02}.bin"))));
    rules.extend((0..100).map(|n| ("in/".to_owned(), format!(".bin{n:02}"))));
    let rules = rules.iter().map(|(prefix, suffix)| Rule {
        id: None,
        destination: &destination,
        event_types: EventTypeSet::of(PUT),
        prefix,
        suffix,
        conditions: None,
    });
    let bucket = Bucket::new(rules, KeyMatch::Lenient);
    let keys = ["in/ü 77.bin", "in/x.bin42", "tenants/1", "x"];
    let keys: Vec<ObjectKey> = keys.iter().map(|key| key.parse().unwrap()).collect();
    let mut found = Found::default();
    let mut search = || {
        let mut all = 0;
        for key in &keys {
            bucket.find(PUT, key, &mut found);
            found.sort();
            all += bucket.matches(&found).count();
        }
        all
    };
    assert_eq!(search(), 2);
    let counted = allocation_counter::measure(|| assert_eq!(search(), 2));
    assert_eq!(counted.count_total, 0);
}
