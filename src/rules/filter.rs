//! The filter of a rule: at most one prefix and one suffix, kept word for word.

use super::{draft::DraftRule, problem::Fault};

/// Amazon's limit on a filter value, in bytes of UTF-8.
const VALUE_BYTES_MAX: usize = 1024;

/// Which keys a rule wants. Values are kept as sent, never decoded.
///
/// S3 refuses a `Filter` without rules, so a filter is empty exactly if there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    rules: Vec<FilterRule>,
}

/// One condition on the key.
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
    pub(super) fn read(rules: &[DraftRule]) -> Result<Self, Vec<Fault>> {
        let named: Vec<_> = rules.iter().map(|rule| (FilterName::read(&rule.name), rule)).collect();
        let count = |wanted| named.iter().filter(|(name, _)| *name == Some(wanted)).count();
        let unknown = named.iter().filter(|(name, _)| name.is_none());
        let long = rules.iter().filter(|rule| rule.value.len() > VALUE_BYTES_MAX);

        let mut faults: Vec<Fault> = unknown
            .map(|(_, rule)| Fault::FilterName { name: rule.name.as_str().into() })
            .collect();
        if count(FilterName::Prefix) > 1 {
            faults.push(Fault::SecondPrefix);
        }
        if count(FilterName::Suffix) > 1 {
            faults.push(Fault::SecondSuffix);
        }
        faults.extend(long.map(|rule| Fault::FilterValue { bytes: rule.value.len() }));
        if !faults.is_empty() {
            return Err(faults);
        }
        let rule = |(name, rule): (Option<_>, &DraftRule)| {
            name.map(|name| FilterRule { name, value: rule.value.as_str().into() })
        };
        Ok(Self { rules: named.into_iter().filter_map(rule).collect() })
    }

    /// The conditions, in the order in which they were sent.
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

    /// Whether the rule came without a `Filter`. One whose values are `""` is not empty, but
    /// matches every key all the same.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether no key is excluded.
    pub fn accepts_every_key(&self) -> bool {
        self.rules.iter().all(|rule| rule.value.is_empty())
    }

    fn value(&self, name: FilterName) -> Option<&str> {
        self.rules.iter().find(|rule| rule.name == name).map(FilterRule::value)
    }
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
