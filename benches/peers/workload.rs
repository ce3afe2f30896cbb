//! Rules and events of the route bench, in files that a program in any language reads.
//!
//! `rules`: event types with commas, prefix, suffix. `events`: event type, key, number of matches
//! by the plain scan; empty where the scan would take too long. Lines end in `\n`, columns in a
//! tab; no value needs an escape in JSON or in a pattern.

use std::{fs, io::Write as _, path::Path};

use fanfare::{
    model::{Destination, EventType},
    route::{Bucket, Rule},
    rules::KeyMatch,
};
use fastrand::Rng;

use super::rules::{Hostile, Query, Wish, hostile, usual, usual_queries};

/// Rules that the plain scan asks, all in all.
const SCANNED: usize = 40_000_000;
/// Events whose matches are known, at most.
const CHECKED_MAX: usize = 10_000;
/// Of one key, as many events: a window of them is longer than the clock is coarse.
const EVENTS_MIN: usize = 1 << 10;

/// Of the hostile sets, those that peers are known to be slow with.
const HOSTILE: [&str; 3] = [
    "nested prefixes, all match",
    "nested prefixes, no suffix matches",
    "one prefix, as many suffixes",
];

/// Rules of a bucket, and events in it.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) rules: Vec<Wish>,
    pub(crate) events: Vec<Query>,
    /// The first so many events are different ones.
    different: usize,
}

/// So many rules, and events of which every one or none is wanted.
pub(crate) fn usual_workloads(count: usize, events: usize) -> [Workload; 2] {
    let mut random = Rng::with_seed(7);
    let rules = usual(count, &mut random);
    [100, 0].map(|hits| Workload {
        name: format!("usual, {hits} % hits"),
        events: usual_queries(&rules, events, hits, &mut random),
        different: events,
        rules: rules.clone(),
    })
}

/// So many rules that are meant to be slow.
pub(crate) fn hostile_workloads(count: usize) -> Vec<Workload> {
    let sets = hostile(count, &mut Rng::with_seed(7));
    let picked: Vec<Workload> = sets
        .into_iter()
        .filter(|set| HOSTILE.contains(&set.name))
        .map(|Hostile { name, wishes, queries }| Workload {
            name: name.to_owned(),
            rules: wishes,
            different: queries.len(),
            events: queries.iter().cycle().take(queries.len().max(EVENTS_MIN)).cloned().collect(),
        })
        .collect();
    assert_eq!(picked.len(), HOSTILE.len(), "a hostile set has another name now");
    // Of some there are no more than a key has bytes.
    picked.into_iter().filter(|workload| workload.rules.len() == count).collect()
}

impl Workload {
    pub(crate) fn compile(&self, destination: &Destination) -> Bucket {
        let rules = self.rules.iter().map(|wish| Rule {
            id: None,
            destination,
            event_types: wish.events,
            prefix: &wish.prefix,
            suffix: &wish.suffix,
            conditions: None,
        });
        Bucket::new(rules, KeyMatch::Aws)
    }

    /// Asks every rule.
    pub(crate) fn scan(&self, (event, key): &Query) -> usize {
        let key = key.as_str();
        // A comparison with no bytes goes to the C library, which on AVX-512 reads them under an
        // empty mask: 70 ns where an empty `String` points, and the scan would look bad for it.
        let wants = |wish: &&Wish| {
            wish.events.contains(*event)
                && (wish.prefix.is_empty() || key.starts_with(&wish.prefix))
                && (wish.suffix.is_empty() || key.ends_with(&wish.suffix))
        };
        self.rules.iter().filter(wants).count()
    }

    /// The events for which the plain scan is affordable.
    pub(crate) fn checked(&self) -> &[Query] {
        let count = (SCANNED / self.rules.len()).clamp(1, CHECKED_MAX).min(self.different);
        self.events.get(..count).unwrap_or_default()
    }

    /// Writes both files.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        let mut rules = Vec::new();
        for Wish { events, prefix, suffix } in &self.rules {
            let types: Vec<&str> = events.iter().map(EventType::name).collect();
            anyhow::ensure!(is_plain(prefix) && is_plain(suffix), "{prefix:?} or {suffix:?}");
            writeln!(rules, "{}\t{prefix}\t{suffix}", types.join(","))?;
        }
        fs::write(folder.join("rules"), rules)?;

        let mut matches = self.checked().iter().map(|query| self.scan(query).to_string());
        let mut events = Vec::new();
        for (event, key) in &self.events {
            anyhow::ensure!(is_plain(key.as_str()), "{key:?}");
            writeln!(events, "{event}\t{}\t{}", key.as_str(), matches.next().unwrap_or_default())?;
        }
        Ok(fs::write(folder.join("events"), events)?)
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"*\\\"".contains(&byte))
}
