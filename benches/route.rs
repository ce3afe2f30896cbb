//! What it costs to find the rules that want an event, beside the naive scan: encode the key,
//! then ask every rule with `starts_with` and `ends_with`.
//!
//! Both are asked about the same keys, ready-made and all different, and the best of some passes
//! counts. A key that misses has the prefix of a rule and another suffix, so that it is not
//! turned away at its first byte. `cargo bench --bench route`; without `--bench` it does one tiny
//! pass and measures nothing.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use fanfare::{
    model::{BucketName, Destination, EventPattern, EventType, EventTypeSet, ObjectKey},
    route::{Bucket, KeyFilter, Rule, Table},
    rules::KeyMatch,
};

const KEYS: usize = 1 << 17;
const KEY_BYTES: usize = 67;
const PASSES: usize = 5;
const EVENT: EventType = EventType::ObjectCreatedPut;
const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:queue";

/// One rule as a document has it, which is all that the naive scan knows.
struct Wish {
    event_types: EventTypeSet,
    prefix: String,
    suffix: &'static str,
}

fn main() {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (keys, passes) = if measured { (KEYS, PASSES) } else { (1 << 7, 1) };
    println!(
        "{:>6} {:>6} {:>9} {:>9} {:>7} {:>12} {:>12}",
        "rules", "hits", "ns", "naive ns", "x", "allocations", "naive"
    );
    for rules in [1, 10, 100, 1000] {
        for (hits, suffix) in [("0 %", ".png"), ("100 %", ".jpeg")] {
            compare(rules, hits, &random_keys(keys, rules, suffix), passes);
        }
    }
}

fn compare(rules: usize, hits: &str, keys: &[ObjectKey], passes: usize) {
    let wishes: Vec<Wish> = (0..rules).map(wish).collect();
    let bucket: BucketName = "photos".parse().expect("a bucket's name");
    let table = compiled(&bucket, &wishes);
    let compiled = |key: &ObjectKey| table.matching(&bucket, EVENT, black_box(key)).count();
    let naive = |key: &ObjectKey| scan(&wishes, black_box(key));
    let found: usize = keys.iter().map(compiled).sum();
    assert_eq!(found, keys.iter().map(naive).sum::<usize>(), "both find the same");
    assert_eq!(found, if hits == "0 %" { 0 } else { keys.len() }, "as many as the row says");

    let (ours, theirs) = (best(keys, passes, compiled), best(keys, passes, naive));
    println!(
        "{rules:>6} {hits:>6} {ours:>9.1} {theirs:>9.1} {:>6.1}x {:>12} {:>12}",
        theirs / ours,
        allocations(keys, compiled),
        allocations(keys, naive),
    );
}

/// Each rule has a directory of its own, since Amazon refuses rules that overlap.
fn wish(number: usize) -> Wish {
    let event_types = "s3:ObjectCreated:*".parse::<EventPattern>().expect("a pattern").types();
    Wish { event_types, prefix: directory(number), suffix: ".jpeg" }
}

fn directory(rule: usize) -> String {
    format!("uploads/camera-{rule:03}/")
}

fn compiled(bucket: &BucketName, wishes: &[Wish]) -> Table {
    let destination: Destination = QUEUE.parse().expect("an ARN");
    let rule = |(number, wish): (usize, &Wish)| Rule {
        id: Some(format!("rule-{number}").parse().expect("a rule's id")),
        destination: destination.clone(),
        lane: QUEUE.into(),
        event_types: wish.event_types,
        filter: KeyFilter::new(&wish.prefix, wish.suffix, KeyMatch::Aws),
    };
    let mut table = Table::default();
    table.replace(bucket.clone(), Bucket::new(wishes.iter().enumerate().map(rule).collect()));
    table
}

fn scan(wishes: &[Wish], key: &ObjectKey) -> usize {
    let form = key.to_form();
    let wants = |wish: &&Wish| {
        wish.event_types.contains(EVENT)
            && form.starts_with(&wish.prefix)
            && form.ends_with(wish.suffix)
    };
    wishes.iter().filter(wants).count()
}

/// Keys of the rules' directories with something random in the middle, the same in every run.
fn random_keys(count: usize, rules: usize, suffix: &str) -> Vec<ObjectKey> {
    const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/ =";
    let mut random = fastrand::Rng::with_seed(7);
    let mut key = || {
        let mut key = directory(random.usize(..rules));
        while key.len() + suffix.len() < KEY_BYTES {
            key.extend(random.choice(ALPHABET).copied().map(char::from));
        }
        (key + suffix).parse().expect("a key")
    };
    (0..count).map(|_| key()).collect()
}

/// Nanoseconds a key, in the best pass.
#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn best(keys: &[ObjectKey], passes: usize, find: impl Fn(&ObjectKey) -> usize) -> f64 {
    let pass = || {
        let begin = Instant::now();
        for key in keys {
            black_box(find(key));
        }
        begin.elapsed()
    };
    let best: Duration = (0..passes).map(|_| pass()).min().unwrap_or_default();
    best.as_secs_f64() * 1e9 / keys.len() as f64
}

/// Allocations a key.
fn allocations(keys: &[ObjectKey], find: impl Fn(&ObjectKey) -> usize) -> f64 {
    let counted = allocation_counter::measure(|| {
        for key in keys {
            black_box(find(key));
        }
    });
    #[expect(clippy::cast_precision_loss, reason = "a number for people")]
    let each = counted.count_total as f64 / keys.len() as f64;
    each
}
