//! What it costs to find the rules that want an event, however many there are and however hostile.
//!
//! Beside it stands the plain scan, which asks every rule with `starts_with` and `ends_with`. Keys
//! are ready-made and all different; `clock` says how time is taken. `cargo bench --bench route`;
//! without `--bench` it does one tiny pass and measures nothing.
#![expect(clippy::print_stdout, reason = "the tables are the result")]

mod clock;
mod rules;

use std::hint::black_box;

use fanfare::{
    model::{BucketName, Destination, RuleId},
    route::{Bucket, Found, Rule, Shared, Standing, Table},
    rules::KeyMatch,
};
use fastrand::Rng;

use self::{
    clock::{nanoseconds, time},
    rules::{Hostile, Query, Wish, hostile, usual, usual_queries},
};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:queue";

/// How much is done.
struct Size {
    rules: &'static [usize],
    keys: usize,
    passes: usize,
    hostile: usize,
    buckets: usize,
    /// Rules that the plain scan asks, all in all.
    scanned: usize,
}

const MEASURED: Size = Size {
    rules: &[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000],
    keys: 1 << 17,
    passes: 9,
    hostile: 100_000,
    buckets: 1_000_000,
    scanned: 40_000_000,
};
const TRIED: Size = Size {
    rules: &[1, 10, 100],
    keys: 1 << 8,
    passes: 1,
    hostile: 2_000,
    buckets: 100,
    scanned: 1,
};

fn main() {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let size = if measured { MEASURED } else { TRIED };
    usual_rules(&size);
    hostile_rules(&size);
    many_buckets(&size);
}

/// Rules, with ids that exist anyhow.
struct Source {
    wishes: Vec<Wish>,
    ids: Vec<RuleId>,
    destination: Destination,
}

impl Source {
    fn new(wishes: Vec<Wish>) -> Self {
        let id = |number| format!("rule-{number}").parse().expect("a rule's id");
        let ids = (0..wishes.len()).map(id).collect();
        Self { wishes, ids, destination: QUEUE.parse().expect("an ARN") }
    }

    fn compile(&self) -> Bucket {
        let rules = self.wishes.iter().zip(&self.ids).map(|(wish, id)| Rule {
            id: Some(id.clone()),
            destination: &self.destination,
            event_types: wish.events,
            prefix: &wish.prefix,
            suffix: &wish.suffix,
            conditions: None,
        });
        Bucket::new(rules, KeyMatch::Aws)
    }

    /// The bucket, and the bytes that it has.
    fn weigh(&self) -> (Bucket, f64) {
        let mut bucket = None;
        let weighed = allocation_counter::measure(|| bucket = Some(self.compile()));
        #[expect(clippy::cast_precision_loss, reason = "a number for people")]
        let bytes = weighed.bytes_current as f64 + size_of::<Bucket>() as f64;
        (bucket.expect("it was compiled"), bytes)
    }

    /// The best rate of some compilations, in millions of rules a second.
    #[expect(clippy::cast_precision_loss, reason = "a number for people")]
    fn rate(&self, passes: usize) -> f64 {
        let repeats = (10_000 / self.wishes.len()).max(1);
        let pass = |_| {
            let (taken, ()) = time(|| {
                for _ in 0..repeats {
                    black_box(self.compile());
                }
            });
            taken
        };
        let best = (0..passes).map(pass).min().unwrap_or_default();
        (self.wishes.len() * repeats) as f64 / best.as_secs_f64() / 1e6
    }

    fn scan(&self, (event, key): &Query) -> usize {
        let key = key.as_str();
        let wants = |wish: &&Wish| {
            wish.events.contains(*event)
                // To ask for an empty end is slow: it compares at an address that is not there.
                && (wish.prefix.is_empty() || key.starts_with(&wish.prefix))
                && (wish.suffix.is_empty() || key.ends_with(&wish.suffix))
        };
        self.wishes.iter().filter(wants).count()
    }
}

fn find(bucket: &Bucket, (event, key): &Query, found: &mut Found) -> usize {
    bucket.find(*event, key, found);
    found.len()
}

fn usual_rules(size: &Size) {
    println!(
        "| rules | 0 % ns | 1 % ns | 100 % ns | plain scan ns | ratio | compile M/s | B/rule | allocations |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for &count in size.rules {
        let mut random = Rng::with_seed(7);
        let source = Source::new(usual(count, &mut random));
        let (bucket, bytes) = source.weigh();
        let mut found = Found::default();
        let mut of_hits = |hits| {
            let queries = usual_queries(&source.wishes, size.keys, hits, &mut random);
            for query in queries.iter().take((size.scanned / count).min(1000)) {
                assert_eq!(find(&bucket, query, &mut found), source.scan(query), "{query:?}");
            }
            nanoseconds(&queries, size.passes, |query| find(&bucket, query, &mut found))
        };
        let (none, few, all) = (of_hits(0), of_hits(1), of_hits(100));
        let queries = usual_queries(&source.wishes, size.keys, 100, &mut random);
        let scanned = queries.get(..(size.scanned / count).clamp(1, queries.len()));
        let plain = nanoseconds(scanned.unwrap_or_default(), 2, |query| source.scan(query));
        let counted = allocation_counter::measure(|| {
            for query in &queries {
                black_box(find(&bucket, query, &mut found));
            }
        });
        #[expect(clippy::cast_precision_loss, reason = "a number for people")]
        let bytes = bytes / count as f64;
        println!(
            "| {count} | {none:.1} | {few:.1} | {all:.1} | {plain:.0} | {:.1}x | {:.2} | {bytes:.0} | {} |",
            plain / all,
            source.rate(size.passes.min(3)),
            counted.count_total,
        );
    }
}

fn hostile_rules(size: &Size) {
    println!(
        "\n| hostile rules | rules | matches | ns | 2 µs + 2 ns a match | plain scan ns | compile ms | MB of values | B/rule |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for Hostile { name, wishes, queries } in hostile(size.hostile, &mut Rng::with_seed(7)) {
        let source = Source::new(wishes);
        let (compiled_in, _) = time(|| source.compile());
        let (bucket, bytes) = source.weigh();
        let mut found = Found::default();
        let mut matches = 0;
        for query in queries.iter().take(3) {
            matches = find(&bucket, query, &mut found);
            assert_eq!(matches, source.scan(query), "{name}");
        }
        let repeated: Vec<&Query> = queries.iter().cycle().take(size.keys.min(4096)).collect();
        let ns = nanoseconds(&repeated, size.passes, |query| find(&bucket, query, &mut found));
        let plain =
            nanoseconds(repeated.get(..2).unwrap_or_default(), 2, |query| source.scan(query));
        let text: usize =
            source.wishes.iter().map(|wish| wish.prefix.len() + wish.suffix.len()).sum();
        #[expect(clippy::cast_precision_loss, reason = "a number for people")]
        let (megabytes, each) = (text as f64 / 1e6, bytes / source.wishes.len() as f64);
        println!(
            "| {name} | {} | {matches} | {ns:.0} | {} | {plain:.0} | {:.1} | {megabytes:.1} | {each:.0} |",
            source.wishes.len(),
            2000 + 2 * matches,
            compiled_in.as_secs_f64() * 1e3,
        );
    }
}

/// Buckets with one to three rules each, asked in random order.
#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn many_buckets(size: &Size) {
    let mut random = Rng::with_seed(7);
    let sources: Vec<Source> =
        (0..3).map(|rules| Source::new(usual(rules + 1, &mut random))).collect();
    let name = |number: usize| -> BucketName {
        format!("tenant-bucket-{number:06}").parse().expect("a bucket's name")
    };
    let names: Vec<BucketName> = (0..size.buckets).map(name).collect();
    let shared = Shared::default();
    let mut table = Table::new(shared.clone());
    let source = |number: usize| sources.get(number % 3).expect("one of three");
    let mut filled = None;
    let weighed = allocation_counter::measure(|| {
        let put = || {
            for (number, name) in names.iter().enumerate() {
                table.replace(name.clone(), source(number).compile());
            }
        };
        filled = Some(time(put).0);
    });
    let filled = filled.expect("it was filled").as_secs_f64() / names.len() as f64;

    let queries: Vec<(&BucketName, Query)> = (0..size.keys)
        .map(|_| {
            let number = random.usize(..names.len());
            let query = usual_queries(&source(number).wishes, 1, 100, &mut random).pop();
            (names.get(number).expect("one of them"), query.expect("one query"))
        })
        .collect();
    let mut found = Found::default();
    let ask = |(name, query): &(&BucketName, Query)| match shared.reader().bucket(name) {
        Some(Standing::Rules(bucket)) => find(bucket, query, &mut found),
        _ => 0,
    };
    let ns = nanoseconds(&queries, size.passes, ask);
    let replaced: Vec<usize> =
        (0..size.keys.min(10_000)).map(|_| random.usize(..names.len())).collect();
    let again = nanoseconds(&replaced, 1, |number| {
        table.replace(names.get(*number).expect("one of them").clone(), source(*number).compile());
        0
    });
    println!(
        "\n| buckets | ns a match, with the look-up | first PUT µs | further PUT µs | B/bucket |"
    );
    println!("|---|---|---|---|---|");
    println!(
        "| {} | {ns:.0} | {:.1} | {:.1} | {:.0} |",
        names.len(),
        filled * 1e6,
        again / 1e3,
        weighed.bytes_current as f64 / names.len() as f64,
    );
}
