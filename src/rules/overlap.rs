//! Amazon's rule that no event may match two rules of a bucket.
//!
//! Two rules clash if they share an event type and their prefixes nest and their suffixes nest.
//! What Ceph's filters add is not asked, for nobody can tell whether two patterns have a key in
//! common that matters, or what metadata an object will have: a clash may be one in form only.
//! Whether Amazon compares the values as sent or decoded is not known, so either is enough.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html>

use std::borrow::Cow;

use crate::model::{EventTypeSet, ObjectKey, decode_form};

use super::{
    Problem, Rule,
    draft::Entry,
    problem::{Clash, Fault},
    sweep::{self, Span},
};

/// Every pair is compared in a document of at most so many rules.
const PAIRWISE_MAX: usize = 1000;

/// The clashes between different rules: for each the first one behind it, so that a document has
/// fewer problems than rules; one clash, if there is any, in a document of very many rules.
pub(super) fn find(rules: &[(&Entry, Rule)]) -> Vec<Problem> {
    let reaches: Vec<_> = rules.iter().map(|(entry, rule)| Reach::of(entry, rule)).collect();
    if reaches.len() > PAIRWISE_MAX {
        return find_one(&reaches).into_iter().collect();
    }
    let with_its_clash = |(index, first): (usize, &Reach<'_>)| {
        let second = reaches.iter().skip(index + 1).find(|second| first.clashes_with(second))?;
        Some(Problem::of(first.entry, first.fault_with(second)))
    };
    reaches.iter().enumerate().filter_map(with_its_clash).collect()
}

fn find_one(reaches: &[Reach<'_>]) -> Option<Problem> {
    let sent: Vec<_> = reaches.iter().map(|reach| reach.sent.span(reach.types)).collect();
    let decoded: Vec<_> = reaches.iter().map(|reach| reach.decoded.span(reach.types)).collect();
    let (first, second) = sweep::clash(&sent).or_else(|| sweep::clash(&decoded))?;
    let (first, second) = (reaches.get(first)?, reaches.get(second)?);
    Some(Problem::of(first.entry, first.fault_with(second)))
}

/// What a rule matches, ready to be compared.
struct Reach<'a> {
    entry: &'a Entry,
    rule: &'a Rule,
    types: EventTypeSet,
    sent: Ends<'a>,
    decoded: Ends<'a>,
}

/// Both ends of a key; `""` where the rule has no condition.
struct Ends<'a> {
    prefix: Cow<'a, str>,
    suffix: Cow<'a, str>,
}

impl<'a> Reach<'a> {
    fn of(entry: &'a Entry, rule: &'a Rule) -> Self {
        let prefix = rule.filter.prefix().unwrap_or_default();
        let suffix = rule.filter.suffix().unwrap_or_default();
        // What does not decode is no text, so only its sent form can match anything.
        let decoded = |value| decode_form(value).map_or(Cow::Borrowed(value), Cow::Owned);
        Self {
            entry,
            rule,
            types: rule.event_types(),
            sent: Ends { prefix: prefix.into(), suffix: suffix.into() },
            decoded: Ends { prefix: decoded(prefix), suffix: decoded(suffix) },
        }
    }

    fn clashes_with(&self, other: &Self) -> bool {
        !self.types.intersection(other.types).is_empty()
            && (self.sent.nest_with(&other.sent) || self.decoded.nest_with(&other.decoded))
    }

    fn fault_with(&self, other: &Self) -> Fault {
        let clash = Clash {
            first: self.entry.label(),
            second: other.entry.label(),
            witness: self.sent.witness(&other.sent).filter(|_| has_ends_only(self, other)),
        };
        // A filter whose values are `""` counts as a filter here; what Amazon does is not known.
        if self.rule.filter.is_empty() && other.rule.filter.is_empty() {
            Fault::OverlapUnfiltered(clash)
        } else {
            Fault::OverlapFiltered(clash)
        }
    }
}

/// Whether nothing beyond their ends keeps both rules from matching a key.
fn has_ends_only(one: &Reach<'_>, other: &Reach<'_>) -> bool {
    [one, other].iter().all(|reach| reach.rule.filter.conditions().is_none())
}

impl Ends<'_> {
    fn span(&self, types: EventTypeSet) -> Span<'_> {
        Span { types, prefix: &self.prefix, suffix: &self.suffix }
    }

    fn nest_with(&self, other: &Self) -> bool {
        let prefixes =
            self.prefix.starts_with(&*other.prefix) || other.prefix.starts_with(&*self.prefix);
        let suffixes =
            self.suffix.ends_with(&*other.suffix) || other.suffix.ends_with(&*self.suffix);
        prefixes && suffixes
    }

    /// A key with the longer prefix and the longer suffix, if both rules really match it: values
    /// that no encoded key can hold nest like others, but match nothing.
    fn witness(&self, other: &Self) -> Option<ObjectKey> {
        let longer = |a, b| std::cmp::max_by_key(a, b, |text: &&str| text.len());
        let prefix = longer(&*self.prefix, &*other.prefix);
        let suffix = longer(&*self.suffix, &*other.suffix);
        let wanted = if prefix.is_empty() && suffix.is_empty() {
            "anything".to_owned()
        } else {
            format!("{prefix}{suffix}")
        };
        let key = ObjectKey::from_form(&wanted).ok()?;
        let form = key.to_form();
        let matched = [self, other]
            .iter()
            .all(|ends| form.starts_with(&*ends.prefix) && form.ends_with(&*ends.suffix));
        matched.then_some(key)
    }
}
