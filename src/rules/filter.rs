//! The filter of a rule: at most one prefix and one suffix, kept word for word, and whatever Ceph's
//! filters add to them.

use std::sync::Arc;

use super::{
    Conditions, Config, Extension, Pair, Pattern,
    draft::{DraftFilter, DraftRule},
    problem::Fault,
};

/// The name of Ceph's third condition on the key, as Ceph shows it.
pub(super) const REGEX: &str = "regex";

/// Amazon's limit on a filter value, in bytes of UTF-8.
const VALUE_BYTES_MAX: usize = 1024;
/// The patterns of one document; each takes time and memory.
pub(super) const PATTERNS_MAX: usize = 100;
/// What one filter may ask of an object's metadata, and of its tags.
pub(super) const PAIRS_MAX: usize = 50;

/// Which keys a rule wants. Values are kept as sent, never decoded.
///
/// S3 refuses a `Filter` without rules, so a filter is empty exactly if there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    rules: Vec<FilterRule>,
    conditions: Option<Arc<Conditions>>,
}

/// One condition on an end of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterRule {
    name: FilterName,
    value: Box<str>,
}

/// Which end of the key a condition is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterName {
    /// The key begins with the value.
    Prefix,
    /// The key ends with the value.
    Suffix,
}

impl Filter {
    /// Reads the rules as sent; every fault, in the order of Amazon's checks.
    pub(super) fn read(filter: &DraftFilter, config: &Config) -> Result<Self, Vec<Fault>> {
        let DraftFilter { key, metadata, tags } = filter;
        let (regexes, ends): (Vec<_>, Vec<_>) = key.iter().partition(|rule| is_regex(rule, config));
        let rules = read_ends(&ends).map_err(|mut faults| {
            faults.extend(read_regex(&regexes).err().into_iter().flatten());
            faults
        })?;
        for pairs in [metadata, tags] {
            refuse_large(pairs)?;
        }
        let [metadata, tags] = [metadata, tags]
            .map(|rules| rules.iter().map(|rule| Pair::new(&rule.name, &rule.value)));
        let conditions = Conditions::new(read_regex(&regexes)?, metadata, tags);
        Ok(Self { rules, conditions: conditions.map(Arc::new) })
    }

    /// The conditions on the ends of the key, in the order in which they were sent.
    pub fn rules(&self) -> &[FilterRule] {
        &self.rules
    }

    /// The value that keys begin with, as sent.
    pub fn prefix(&self) -> Option<&str> {
        self.value(FilterName::Prefix)
    }

    /// The value that keys end with, as sent.
    pub fn suffix(&self) -> Option<&str> {
        self.value(FilterName::Suffix)
    }

    /// What Ceph's filters ask beyond that, if there are any.
    pub fn conditions(&self) -> Option<&Arc<Conditions>> {
        self.conditions.as_ref()
    }

    /// Whether the rule came without a `Filter`. One whose values are `""` is not empty, but
    /// matches every key all the same.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.conditions.is_none()
    }

    /// Whether no object is excluded.
    pub fn accepts_every_object(&self) -> bool {
        self.conditions.is_none() && self.rules.iter().all(|rule| rule.value.is_empty())
    }

    fn value(&self, name: FilterName) -> Option<&str> {
        self.rules.iter().find(|rule| rule.name == name).map(FilterRule::value)
    }
}

/// Whether this is a pattern, and may be one.
pub(super) fn is_regex(rule: &DraftRule, config: &Config) -> bool {
    config.regex == Extension::Allow && rule.name.eq_ignore_ascii_case(REGEX)
}

/// Each pair is looked for among all of an object's.
fn refuse_large(pairs: &[DraftRule]) -> Result<(), Vec<Fault>> {
    if pairs.len() > PAIRS_MAX {
        return Err(vec![Fault::TooManyPairs { sent: pairs.len() }]);
    }
    let lengths = pairs.iter().map(|pair| pair.name.len().max(pair.value.len()));
    match lengths.max() {
        Some(bytes) if bytes > VALUE_BYTES_MAX => Err(vec![Fault::FilterValue { bytes }]),
        _ => Ok(()),
    }
}

fn read_ends(rules: &[&DraftRule]) -> Result<Vec<FilterRule>, Vec<Fault>> {
    let named: Vec<_> = rules.iter().map(|rule| (FilterName::read(&rule.name), *rule)).collect();
    let count = |wanted| named.iter().filter(|(name, _)| *name == Some(wanted)).count();
    let unknown = named.iter().filter(|(name, _)| name.is_none());

    let mut faults: Vec<Fault> =
        unknown.map(|(_, rule)| Fault::FilterName { name: rule.name.as_str().into() }).collect();
    if count(FilterName::Prefix) > 1 {
        faults.push(Fault::SecondPrefix);
    }
    if count(FilterName::Suffix) > 1 {
        faults.push(Fault::SecondSuffix);
    }
    faults.extend(too_long(rules));
    if !faults.is_empty() {
        return Err(faults);
    }
    let rule = |(name, rule): (Option<_>, &DraftRule)| {
        name.map(|name| FilterRule { name, value: rule.value.as_str().into() })
    };
    Ok(named.into_iter().filter_map(rule).collect())
}

fn read_regex(rules: &[&DraftRule]) -> Result<Option<Pattern>, Vec<Fault>> {
    let mut faults: Vec<_> = too_long(rules).collect();
    if rules.len() > 1 {
        faults.insert(0, Fault::SecondRegex);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let compile = |rule: &&DraftRule| {
        let pattern = || rule.value.as_str().into();
        Pattern::compile(&rule.value)
            .map_err(|error| vec![Fault::Regex { pattern: pattern(), error }])
    };
    rules.first().map(compile).transpose()
}

fn too_long(rules: &[&DraftRule]) -> impl Iterator<Item = Fault> {
    let lengths = rules.iter().map(|rule| rule.value.len());
    lengths.filter(|bytes| *bytes > VALUE_BYTES_MAX).map(|bytes| Fault::FilterValue { bytes })
}

impl FilterRule {
    /// Which end of the key.
    pub fn name(&self) -> FilterName {
        self.name
    }

    /// What is to be there, as sent: form-encoded, if its author knew.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl FilterName {
    /// S3 takes the name in any case, and shows it capitalised.
    fn read(name: &str) -> Option<Self> {
        [Self::Prefix, Self::Suffix].into_iter().find(|n| n.as_str().eq_ignore_ascii_case(name))
    }

    /// The name as S3 shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prefix => "Prefix",
            Self::Suffix => "Suffix",
        }
    }
}
