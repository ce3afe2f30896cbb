//! The reasons why a rule does not want an event, in words and for machines.

use serde::{Deserialize, Serialize};

use crate::model::{EventPattern, EventType, ObjectKey};

use super::{
    Conditions, Filter, FilterName, KeyMatch, Pair,
    value::{Reach, decoded_ends, encoded, rewritten},
};

/// One reason why a rule does not want an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// For machines.
    pub kind: ReasonKind,
    /// For people.
    pub text: String,
    /// What to write in place of the filter value, if that is what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<String>,
}

/// The kinds of [`Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// The rule lists other events.
    EventNotCovered,
    /// EventBridge gets no event of this type.
    NotForEventBridge,
    /// The key begins otherwise.
    PrefixDiffers,
    /// The key ends otherwise.
    SuffixDiffers,
    /// No key begins so, once it is encoded.
    PrefixNeverMatches,
    /// No key ends so, once it is encoded.
    SuffixNeverMatches,
    /// A lenient rule's prefix fits one reading of the key only, and its suffix the other.
    EndsDisagree,
    /// The whole key does not fit the pattern.
    RegexDiffers,
    /// The rule asks for metadata, and nobody knows the object's.
    NoMetadata,
    /// The rule asks for tags, and nobody knows the object's.
    NoTags,
}

/// A rule's condition on one end of the key.
struct End<'a> {
    name: FilterName,
    value: &'a str,
    /// What a lenient rule also compares with the raw key.
    decoded: Option<String>,
}

/// The rule lists only other events.
pub(super) fn event(event_type: EventType, listed: &[EventPattern]) -> Reason {
    let listed: Vec<_> = listed.iter().map(ToString::to_string).collect();
    let text = format!("the rule lists {}, not s3:{event_type}", listed.join(", "));
    Reason { kind: ReasonKind::EventNotCovered, text, write: None }
}

/// Every reason why the filter does not accept the key.
pub(super) fn filter(filter: &Filter, key: &ObjectKey, key_match: KeyMatch) -> Vec<Reason> {
    let form = key.to_form();
    let (prefix, suffix) = match key_match {
        KeyMatch::Aws => None,
        KeyMatch::Lenient => decoded_ends(filter),
    }
    .unzip();
    let end = |name, value: Option<_>, decoded| End { name, value: value.unwrap_or(""), decoded };
    let ends = [
        end(FilterName::Prefix, filter.prefix(), prefix),
        end(FilterName::Suffix, filter.suffix(), suffix),
    ];
    let misfits = ends.iter().filter(|end| !end.fits_form(&form) && !end.fits_raw(key));
    let reasons: Vec<_> = misfits.map(|end| end.reason(key, &form)).collect();
    let one_reading_fits =
        ends.iter().all(|end| end.fits_form(&form)) || ends.iter().all(|end| end.fits_raw(key));
    if reasons.is_empty() && !one_reading_fits {
        return vec![Reason {
            kind: ReasonKind::EndsDisagree,
            text: "one end of the filter fits the encoded key only and the other the raw key \
                   only; both have to fit the same one"
                .into(),
            write: None,
        }];
    }
    reasons
}

/// Every reason why what Ceph's filters ask is not so. A question has no metadata and no tags.
pub(super) fn conditions(conditions: &Conditions, key: &ObjectKey) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |kind, text| reasons.push(Reason { kind, text, write: None });
    if let Some(pattern) = conditions.pattern().filter(|pattern| !pattern.fits(key)) {
        let text = format!("regex `{}` does not fit the whole key `{key}`", pattern.as_str());
        add(ReasonKind::RegexDiffers, text);
    }
    let (metadata, tags) = (conditions.metadata(), conditions.tags());
    for (kind, what, pairs) in
        [(ReasonKind::NoMetadata, "metadata", metadata), (ReasonKind::NoTags, "tags", tags)]
    {
        if !pairs.is_empty() {
            add(kind, without(what, pairs));
        }
    }
    reasons
}

fn without(what: &str, pairs: &[Pair]) -> String {
    let pair = |pair: &Pair| format!("`{}` = `{}`", pair.name(), pair.value());
    let pairs: Vec<_> = pairs.iter().map(pair).collect();
    format!(
        "the rule wants the {what} {}, and none are given here; if the store sends no {what}, it \
         never matches",
        pairs.join(", ")
    )
}

impl End<'_> {
    fn fits_form(&self, form: &str) -> bool {
        self.name.fits(form, self.value)
    }

    fn fits_raw(&self, key: &ObjectKey) -> bool {
        self.decoded.as_ref().is_some_and(|value| self.name.fits(key.as_str(), value))
    }

    /// Why it fits the key in no reading.
    fn reason(&self, key: &ObjectKey, form: &str) -> Reason {
        let never = self.decoded.is_none() && Reach::of(self.name, self.value) == Reach::Nothing;
        // Whoever wrote the key itself into the filter meant this key.
        let meant = self.name.fits(key.as_str(), self.value).then(|| encoded(self.value)).flatten();
        if never {
            return self.never(form, meant.or_else(|| rewritten(self.value)));
        }
        let (word, verb) = (self.name.word(), self.name.verb());
        let shown = self.name.shown(form, meant.as_deref().unwrap_or(self.value).len());
        let write = meant.as_ref().map(|write| format!("; write `{write}`")).unwrap_or_default();
        Reason {
            kind: match self.name {
                FilterName::Prefix => ReasonKind::PrefixDiffers,
                FilterName::Suffix => ReasonKind::SuffixDiffers,
            },
            text: format!(
                "{word} `{}` does not fit: the encoded key {verb}s with `{shown}`{write}",
                self.value
            ),
            write: meant,
        }
    }

    fn never(&self, form: &str, write: Option<String>) -> Reason {
        let (value, word, verb) = (self.value, self.name.word(), self.name.verb());
        let because = match &write {
            Some(write) => {
                let shown = self.name.shown(form, write.len());
                let fits = self.name.fits(form, write);
                let but = if fits {
                    String::new()
                } else {
                    format!(", though this key does not {verb} so either")
                };
                format!("Amazon compares the encoded key `{shown}`: write `{write}`{but}")
            }
            None => "its escapes are not whole UTF-8 characters".into(),
        };
        Reason {
            kind: match self.name {
                FilterName::Prefix => ReasonKind::PrefixNeverMatches,
                FilterName::Suffix => ReasonKind::SuffixNeverMatches,
            },
            text: format!("{word} `{value}` never matches because {because}"),
            write,
        }
    }
}
