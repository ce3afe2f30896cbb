//! The order of Amazon's checks, from a draft to a document.
//!
//! Every problem of every entry is collected, so that one look mends a file. The first is the one
//! that Amazon would have answered with.

use std::collections::{HashMap, HashSet};

use crate::model::{
    Destination, EventPattern, EventTypeSet, RuleId, RuleIdError, UnknownEventType,
};

use super::{
    Config, Context, Document, Extension, Filter, Overlap, Problem, Problems, Rule,
    draft::{Draft, DraftFilter, Entry},
    filter, id,
    malformed::Malformed,
    overlap,
    problem::Fault,
};

/// Checks everything that can be checked without asking a destination.
pub(super) fn document(draft: &Draft, context: &Context<'_>) -> Result<Document, Problems> {
    refuse_extensions(draft, context.config)?;
    refuse_many_patterns(draft, context.config)?;
    let mut problems = Vec::new();
    let (sent, max) = (draft.entries.len(), context.config.per_bucket_max);
    if sent > max.get() {
        problems.push(Problem::of_document(Fault::TooMany { sent, max }));
    }

    let taken = draft.entries.iter().filter_map(|entry| entry.id.as_deref()).collect();
    let mut rules = Vec::new();
    // What is beyond the limit has to go anyway, and a hostile pattern takes its time.
    for entry in draft.entries.iter().take(max.get()) {
        match rule(entry, context, &taken) {
            Ok(rule) => rules.push((entry, rule)),
            Err(faults) => problems.extend(faults.into_iter().map(|f| Problem::of(entry, f))),
        }
    }

    problems.extend(repeated_ids(&draft.entries));
    for (entry, rule) in &rules {
        problems.extend(repeated_event(rule).map(|fault| Problem::of(entry, fault)));
    }
    // The comparison is pairwise, so it waits until the document has a size that is allowed.
    if context.config.overlap == Overlap::Refuse && sent <= max.get() {
        problems.extend(overlap::find(&rules));
    }
    match Problems::new(problems) {
        Some(problems) => Err(problems),
        None => Ok(Document {
            rules: rules.into_iter().map(|(_, rule)| rule).collect(),
            event_bridge: draft.event_bridge,
        }),
    }
}

/// Refuses the elements that Amazon does not know, unless they are allowed.
fn refuse_extensions(draft: &Draft, config: &Config) -> Result<(), Malformed> {
    for entry in &draft.entries {
        let DraftFilter { metadata, tags, .. } = &entry.filter;
        for (element, key, rules, extension) in [
            ("S3Metadata", "metadata", metadata, config.metadata),
            ("S3Tags", "tags", tags, config.tags),
        ] {
            if extension == Extension::Refuse && !rules.is_empty() {
                return Err(Malformed::Ceph { place: entry.place(), element, key });
            }
        }
    }
    Ok(())
}

/// Refuses before the first pattern is compiled: each takes up to milliseconds.
fn refuse_many_patterns(draft: &Draft, config: &Config) -> Result<(), Problems> {
    let keys = draft.entries.iter().flat_map(|entry| &entry.filter.key);
    let sent = keys.filter(|rule| filter::is_regex(rule, config)).count();
    if sent <= filter::PATTERNS_MAX {
        return Ok(());
    }
    let problem = Problem::of_document(Fault::TooManyPatterns { sent });
    Problems::new(vec![problem]).map_or(Ok(()), Err)
}

/// Reads one entry; every fault of its form.
fn rule(entry: &Entry, context: &Context<'_>, taken: &HashSet<&str>) -> Result<Rule, Vec<Fault>> {
    let mut faults = Vec::new();
    let destination = destination(entry, context).map_err(|fault| faults.push(fault));
    let filter = Filter::read(&entry.filter, context.config).map_err(|found| faults.extend(found));
    let id = rule_id(entry, context, taken).map_err(|fault| faults.push(fault));
    let events = events(&entry.events).map_err(|found| faults.extend(found));
    match (destination, filter, id, events) {
        (Ok(destination), Ok(filter), Ok(id), Ok(events)) => {
            Ok(Rule { id, destination, events, filter })
        }
        _ => Err(faults),
    }
}

fn destination(entry: &Entry, context: &Context<'_>) -> Result<Destination, Fault> {
    let arn = || entry.arn.as_str().into();
    let region = || context.region.into();
    let destination = entry
        .group
        .destination(&entry.arn, context.config.fifo)
        .map_err(|error| Fault::Arn { group: entry.group, arn: arn(), region: region(), error })?;
    // Whether Amazon looks at the region before or after the shape is not documented.
    if destination.arn().region() != context.region {
        return Err(Fault::Region { arn: arn(), region: region() });
    }
    Ok(destination)
}

fn rule_id(entry: &Entry, context: &Context<'_>, taken: &HashSet<&str>) -> Result<RuleId, Fault> {
    match entry.id.as_deref().map(str::parse) {
        Some(Ok(id)) => Ok(id),
        Some(Err(RuleIdError::TooLong)) => {
            Err(Fault::LongId { chars: entry.id.iter().flat_map(|id| id.chars()).count() })
        }
        None | Some(Err(RuleIdError::Empty)) => Ok(id::derive(entry, context.bucket, taken)),
    }
}

fn events(names: &[String]) -> Result<Vec<EventPattern>, Vec<Fault>> {
    let mut events = Vec::new();
    let mut unknown = Vec::new();
    for name in names {
        match name.parse() {
            Ok(event) => events.push(event),
            Err(UnknownEventType { name }) => unknown.push(Fault::UnknownEvent { name }),
        }
    }
    if unknown.is_empty() { Ok(events) } else { Err(unknown) }
}

fn repeated_ids(entries: &[Entry]) -> Vec<Problem> {
    let mut owners = HashMap::new();
    let mut problems = Vec::new();
    for entry in entries {
        let Some(id) = &entry.id else { continue };
        let first = *owners.entry(id).or_insert_with(|| entry.place());
        let second = entry.place();
        if first != second {
            problems.push(Problem::of(entry, Fault::SameId { first, second }));
        }
    }
    problems
}

/// The first event that an earlier one of the same rule covers already.
fn repeated_event(rule: &Rule) -> Option<Fault> {
    let mut seen = EventTypeSet::EMPTY;
    for &event in &rule.events {
        let types = event.types();
        if !seen.intersection(types).is_empty() {
            let mut earlier = rule.events.iter().copied();
            let covering = earlier.find(|e| !e.types().intersection(types).is_empty())?;
            return Some(Fault::RepeatedEvent { event, covering });
        }
        seen = seen.union(types);
    }
    None
}
