//! A filter in words, for people. What it says is what stands in the document: values are as sent.

use std::fmt;

use super::{Conditions, Filter, FilterName, Pair};

/// `every object`, or what the object has to be: `key begins with "a/" and ends with ".jpg"`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.accepts_every_object() {
            return f.write_str("every object");
        }
        let ends = self.rules().iter().filter(|rule| !rule.value().is_empty()).map(|rule| {
            let verb = match rule.name() {
                FilterName::Prefix => "begins with",
                FilterName::Suffix => "ends with",
            };
            format!("{verb} {:?}", rule.value())
        });
        let conditions = self.conditions().map(AsRef::as_ref);
        let pattern = conditions.and_then(Conditions::pattern);
        let pattern = pattern.map(|pattern| format!("fits {:?}", pattern.as_str()));
        let key = ends.chain(pattern).collect::<Vec<_>>().join(" and ");
        let key = (!key.is_empty()).then(|| format!("key {key}"));
        let pairs = |what: &'static str, pairs: fn(&Conditions) -> &[Pair]| {
            let pairs = conditions.map(pairs).unwrap_or_default();
            pairs.iter().map(move |pair| format!("{what} {:?} is {:?}", pair.name(), pair.value()))
        };
        let attributes =
            pairs("metadata", Conditions::metadata).chain(pairs("tag", Conditions::tags));
        f.write_str(&key.into_iter().chain(attributes).collect::<Vec<_>>().join(" and "))
    }
}
