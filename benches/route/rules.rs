//! Rules and keys: what people write, and what somebody would write to make a matcher slow.

use fanfare::model::{EventPattern, EventType, EventTypeSet, ObjectKey};
use fastrand::Rng;

/// A usual key has this many bytes.
const KEY_BYTES: usize = 67;
const KEY_BYTES_MAX: usize = 1024;
const SUFFIXES: [&str; 30] = [
    ".jpg",
    ".png",
    ".json",
    ".parquet",
    ".csv",
    ".gz",
    ".mp4",
    ".txt",
    ".xml",
    ".log",
    ".avro",
    ".pdf",
    ".jpeg",
    ".webp",
    ".zip",
    ".tar",
    ".orc",
    ".html",
    ".svg",
    ".tiff",
    ".mov",
    ".wav",
    ".bin",
    ".tmp",
    ".docx",
    ".xlsx",
    ".yaml",
    ".heic",
    "_SUCCESS",
    ".metadata.json",
];
const SERVICES: [&str; 8] =
    ["web", "api", "auth", "billing", "search", "worker", "ingest", "gateway"];

/// A rule, as the index is asked to find it.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) events: EventTypeSet,
    pub(crate) prefix: String,
    pub(crate) suffix: String,
}

/// An event of a key.
pub(crate) type Query = (EventType, ObjectKey);

/// A bucket that is meant to be slow.
pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    pub(crate) wishes: Vec<Wish>,
    pub(crate) queries: Vec<Query>,
}

fn types(pattern: &str) -> EventTypeSet {
    pattern.parse::<EventPattern>().expect("a pattern").types()
}

fn digits(random: &mut Rng, count: usize, base: u32) -> String {
    let digit = |_| char::from_digit(random.u32(..base), base).expect("a digit");
    (0..count).map(digit).collect()
}

/// The prefix of somebody's own: a tenant, a user, a day of a service, an hour of a table.
fn own_prefix(random: &mut Rng) -> String {
    let service = random.choice(SERVICES).expect("there are some");
    let (year, month) = (random.u32(2015..2035), random.u32(1..=12));
    let (day, hour) = (random.u32(1..=28), random.u32(..24));
    match random.u8(..5) {
        0 => format!("tenants/{}/uploads/", digits(random, 8, 10)),
        1 => format!("users/{}/{}/avatars/", digits(random, 2, 16), digits(random, 32, 16)),
        2 => format!("logs/{service}-{:03}/{year}/{month:02}/{day:02}/", random.u32(..500)),
        3 => format!(
            "lake/{service}-{:03}/dt-{year}-{month:02}-{day:02}/hr-{hour:02}/",
            random.u32(..500)
        ),
        _ => format!("projects/{}/", digits(random, 12, 16)),
    }
}

/// Rules as people write them: one for each of many tenants, users, days.
pub(crate) fn usual(count: usize, random: &mut Rng) -> Vec<Wish> {
    let (created, removed) = (types("s3:ObjectCreated:*"), types("s3:ObjectRemoved:*"));
    let wish = |_| Wish {
        events: match random.u8(..20) {
            0..12 => created,
            12..15 => removed,
            15..17 => created.union(removed),
            17..19 => EventTypeSet::of(EventType::ObjectCreatedPut),
            _ => types("s3:ObjectTagging:*"),
        },
        prefix: own_prefix(random),
        suffix: if random.u8(..100) < 45 {
            String::new()
        } else {
            // The first ones are the usual ones.
            let rank = random.usize(..SUFFIXES.len()).min(random.usize(..SUFFIXES.len()));
            SUFFIXES.get(rank).copied().unwrap_or_default().to_owned()
        },
    };
    (0..count).map(wish).collect()
}

/// As many keys, so many of a hundred of which a rule wants. The others look the same, but belong
/// to somebody who has no rule.
pub(crate) fn usual_queries(
    wishes: &[Wish],
    count: usize,
    hits: u8,
    random: &mut Rng,
) -> Vec<Query> {
    let query = |_| {
        let wish = random.choice(wishes).expect("there are rules");
        let prefix = if random.u8(..100) < hits { wish.prefix.clone() } else { own_prefix(random) };
        let types: Vec<EventType> = wish.events.iter().collect();
        let event = random.choice(types).expect("a rule has event types");
        (event, key(prefix, &wish.suffix, KEY_BYTES, random))
    };
    (0..count).map(query).collect()
}

fn key(mut key: String, suffix: &str, bytes: usize, random: &mut Rng) -> ObjectKey {
    while key.len() + suffix.len() < bytes {
        key.push(random.alphanumeric());
    }
    (key + suffix).parse().expect("a key")
}

/// Every set of so many rules that is meant to be slow.
pub(crate) fn hostile(count: usize, random: &mut Rng) -> Vec<Hostile> {
    let put = EventType::ObjectCreatedPut;
    let events = EventTypeSet::of(put);
    let line = "n".repeat(KEY_BYTES_MAX);
    let begin = |length: usize| line.get(..length % 1025).unwrap_or_default().to_owned();
    let wish = |prefix: String, suffix: String| Wish { events, prefix, suffix };
    let all = |of: &dyn Fn(usize) -> Wish| (0..count).map(of).collect::<Vec<_>>();
    let one = |key: &str| vec![(put, key.parse().expect("a key"))];
    let half = |letter: &str| letter.repeat(512);
    let crossing = half("n") + &half("m");
    let distinct = |number: usize| format!("-{number:07}.bin");
    let mut sets = vec![
        (
            "nested prefixes, all match",
            all(&|n| wish(begin(n), String::new())).into_iter().take(1025).collect(),
            one(&line),
        ),
        ("nested prefixes, no suffix matches", all(&|n| wish(begin(n), distinct(n))), one(&line)),
        (
            "one prefix, as many suffixes",
            all(&|n| wish("in/".into(), distinct(n))),
            (0..4096)
                .map(|_| (put, key("in/".into(), &distinct(random.usize(..count)), 67, random)))
                .collect(),
        ),
        (
            "crossing chains, no pair matches",
            all(&|n| match n % 2 {
                0 => wish("n".repeat(n / 2 % 500), distinct(n)),
                _ => wish(format!("{}x", distinct(n)), "m".repeat(n / 2 % 500)),
            }),
            one(&crossing),
        ),
        (
            "pairs of chains, beyond the key by one",
            all(&|n| {
                let (p, s) = (n % 500, n / 500 % 500);
                wish("n".repeat(p), "m".repeat(510 - p.min(400) + s))
            }),
            one(&(half("n") + "x" + &"m".repeat(100))),
        ),
        (
            "pairs of chains, all match",
            all(&|n| wish("n".repeat(n % 300), "m".repeat(n / 300 % 400))),
            one(&crossing),
        ),
        (
            "the longest there can be",
            all(&|n| wish(begin(n), format!("{n:07}") + &"m".repeat(1017))),
            one(&line),
        ),
        ("all the same", all(&|_| wish("in/".into(), ".bin".into())), one("in/a.bin")),
    ];
    let mixed = all(&|n| Wish {
        events: EventType::ALL
            .iter()
            .copied()
            .enumerate()
            .filter(|(bit, t)| *t != put && ((n * 0x9E37) >> 4 >> bit) & 1 == 1)
            .map(|(_, t)| t)
            .chain([EventType::ObjectAclPut])
            .collect(),
        prefix: "n".repeat(n % 500),
        suffix: "m".repeat(n / 500 % 500),
    });
    let seen = mixed.into_iter().chain([wish("q".into(), "q".into())]).collect();
    sets.push(("as above, for other events", seen, one(&crossing)));
    sets.push(caterpillar(count, random));
    let named = |(name, wishes, queries)| Hostile { name, wishes, queries };
    sets.into_iter().map(named).collect()
}

/// Texts that put a key on as many paths as can be, each of them crowded, on both sides.
fn caterpillar(count: usize, random: &mut Rng) -> (&'static str, Vec<Wish>, Vec<Query>) {
    const CHAIN: usize = 25;
    let put = EventType::ObjectCreatedPut;
    let mut levels = 0;
    while CHAIN << (levels + 2) < count {
        levels += 1;
    }
    let (texts, spine) = ladder(levels, CHAIN);
    let wish = |number: usize| {
        let text = |number: usize| texts.get(number % texts.len()).cloned().unwrap_or_default();
        let other = random.usize(..texts.len());
        let (prefix, suffix) = match number % 2 {
            0 => (text(number / 2), text(other) + "x"),
            _ => (text(other) + "x", text(number / 2)),
        };
        let suffix = suffix.chars().rev().collect();
        Wish { events: EventTypeSet::of(put), prefix, suffix }
    };
    let wishes = (0..count).map(wish).collect();
    let key = spine.clone() + &spine.chars().rev().collect::<String>();
    ("caterpillar, both sides", wishes, vec![(put, key.parse().expect("a key"))])
}

/// A chain of texts; then a crowd of others, which takes the path on; and beside it the next chain.
fn ladder(levels: usize, chain: usize) -> (Vec<String>, String) {
    let (mut texts, mut spine) = (Vec::new(), String::new());
    for level in (0..=levels).rev() {
        for _ in 0..chain {
            spine.push('a');
            texts.push(spine.clone());
        }
        let crowd = format!("{spine}b");
        let others = if level == 0 { 0 } else { chain << level };
        texts.extend((0..others).map(|number| format!("{crowd}{number:05}")));
        texts.push(crowd);
        spine.push('c');
    }
    (texts, spine)
}
