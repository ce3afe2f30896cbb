//! What holds for every text that either parser is given, however odd.
//!
//! Nothing panics. What is refused is refused with a code, words and a remedy, one line each; what
//! is accepted keeps every promise of [`Document`], and reads back as itself from both of its
//! forms. Shared by the fuzz targets and the plain test, which each have `model` and `rules` at
//! their root.

use std::{collections::BTreeSet, num::NonZeroUsize};

use crate::{
    model::BucketName,
    rules::{Config, Context, Document, Extension, Filter, Overlap, Problems, Rule, warnings},
};

const REGION: &str = "us-east-1";
const CODES: [&str; 3] = ["MalformedXML", "InvalidRequest", "InvalidArgument"];

type Parser = fn(&[u8], &Context<'_>) -> Result<Document, Problems>;

/// Holds the XML parser to it; whether it accepts the text as Amazon would.
pub(crate) fn xml(text: &[u8]) -> bool {
    holds(Document::from_xml, text)
}

/// Holds the JSON parser to it; whether it accepts the text as Amazon would.
pub(crate) fn json(text: &[u8]) -> bool {
    holds(Document::from_json, text)
}

fn holds(parser: Parser, text: &[u8]) -> bool {
    let bucket: BucketName = "photos".parse().expect("it is a name");
    let few = NonZeroUsize::new(3).expect("3 is not zero");
    let amazon = Config::default();
    // With overlap and Ceph's filters allowed more is accepted, and so held to the rest.
    let [regex, metadata, tags] = [Extension::Allow; 3];
    let overlap = Overlap::Allow;
    let lenient =
        Config { overlap, per_bucket_max: few, regex, metadata, tags, ..Config::default() };
    let [accepted, _] = [&amazon, &lenient].map(|config| {
        let context = Context { bucket: &bucket, region: REGION, config };
        let outcome = parser(text, &context);
        match &outcome {
            Ok(document) => keeps_its_promises(document, &context),
            Err(problems) => says_what_is_wrong(problems),
        }
        outcome.is_ok()
    });
    accepted
}

fn keeps_its_promises(document: &Document, context: &Context<'_>) {
    let rules = document.rules();
    assert!(rules.len() <= context.config.per_bucket_max.get(), "too many rules");
    let ids: BTreeSet<_> = rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids.len(), rules.len(), "an id is there twice");
    for rule in rules {
        keeps_a_rule_s_promises(rule);
    }
    if context.config.overlap == Overlap::Refuse {
        for (n, first) in rules.iter().enumerate() {
            let clashes = rules.iter().skip(n + 1).any(|second| clash(first, second));
            assert!(!clashes, "{first:?} overlaps another rule");
        }
    }
    for warning in warnings(document, context.config) {
        is_a_line(&warning.to_string());
    }
    let again = Document::from_xml(document.to_xml().as_bytes(), context);
    assert_eq!(again.as_ref().ok(), Some(document), "as XML: {again:?}");
    let again = Document::from_json(document.to_json().as_bytes(), context);
    assert_eq!(again.as_ref().ok(), Some(document), "as JSON: {again:?}");
}

fn keeps_a_rule_s_promises(rule: &Rule) {
    let chars = rule.id.as_str().chars().count();
    assert!((1..=255).contains(&chars), "an id of {chars} characters");
    let arn = rule.destination.arn();
    assert!(matches!(arn.service(), "sns" | "sqs" | "lambda"), "{arn:?}");
    assert_eq!(arn.region(), REGION);
    assert!(arn.account().len() == 12 && !arn.as_str().contains(['\n', '.']), "{arn:?}");
    let reparsed = arn.as_str().parse().expect("an accepted ARN is an ARN");
    assert_eq!(rule.destination, reparsed);
    assert!(!rule.events.is_empty(), "no events");
    let types: usize = rule.events.iter().map(|event| event.types().iter().count()).sum();
    assert_eq!(types, rule.event_types().iter().count(), "an event is covered twice");
    keeps_a_filter_s_promises(&rule.filter);
}

fn keeps_a_filter_s_promises(filter: &Filter) {
    let names: BTreeSet<_> = filter.rules().iter().map(|rule| rule.name().as_str()).collect();
    assert_eq!(names.len(), filter.rules().len(), "two rules for one end of the key");
    for rule in filter.rules() {
        assert!(rule.value().len() <= 1024, "a value of {} bytes", rule.value().len());
    }
}

/// Amazon's rule, as its user guide has it, for the values as they stand.
fn clash(first: &Rule, second: &Rule) -> bool {
    let (a, b) = (&first.filter, &second.filter);
    let prefixes = (a.prefix().unwrap_or_default(), b.prefix().unwrap_or_default());
    let suffixes = (a.suffix().unwrap_or_default(), b.suffix().unwrap_or_default());
    !first.event_types().intersection(second.event_types()).is_empty()
        && (prefixes.0.starts_with(prefixes.1) || prefixes.1.starts_with(prefixes.0))
        && (suffixes.0.ends_with(suffixes.1) || suffixes.1.ends_with(suffixes.0))
}

fn says_what_is_wrong(problems: &Problems) {
    assert!(problems.iter().count() > 0, "refused without a reason");
    for problem in problems {
        assert!(CODES.contains(&problem.code()), "{problem:?}");
        is_a_line(&problem.message());
        is_a_line(&problem.to_string());
        assert!(!problem.remedy().is_empty(), "{problem:?}");
    }
}

/// One line, with something on it that a terminal shows.
#[track_caller]
fn is_a_line(text: &str) {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    assert!(!text.trim().is_empty() && !text.contains(breaks), "{text:?}");
}
