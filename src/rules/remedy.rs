//! What to do about a problem. Amazon's messages stop where these begin.

use crate::model::{Arn, ArnError, EventPattern};

use super::{
    draft::Group,
    event_name::nearest,
    filter::REGEX,
    nearest_arn,
    problem::{Clash, Fault},
};

/// The remedy for one fault, as a clause without a full stop.
pub(super) fn of(fault: &Fault) -> String {
    match fault {
        Fault::Malformed(malformed) => malformed.to_string(),
        Fault::TooMany { sent, max } => format!(
            "the document has {sent}: merge or remove {}, or raise `per_bucket_max` in `[rules]`",
            sent.saturating_sub(max.get())
        ),
        Fault::TooManyPatterns { sent } => {
            format!("the document has {sent}; write prefixes and suffixes in place of some")
        }
        Fault::TooManyPairs { sent } => format!("the filter has {sent}; ask for less"),
        Fault::Arn { error: ArnError::FifoQueue, .. } => {
            "use a standard queue: S3 does not deliver to FIFO queues; or set `fifo = \"allow\"` in \
             `[rules]`"
                .into()
        }
        Fault::Arn { group, arn, region, .. } => malformed_arn(*group, arn, region),
        Fault::Region { arn, region } => {
            format!("`{arn}` is not in the bucket's region `{region}`; use a destination that is")
        }
        Fault::FilterName { name } if name.eq_ignore_ascii_case(REGEX) => {
            "write `prefix` or `suffix` in place of `regex`, or set `regex = \"allow\"` in `[rules]`"
                .into()
        }
        Fault::FilterName { name } => format!("write `prefix` or `suffix` in place of `{name}`"),
        Fault::SecondPrefix => "keep one prefix, and give each other one a rule of its own".into(),
        Fault::SecondSuffix => "keep one suffix, and give each other one a rule of its own".into(),
        Fault::SecondRegex => "keep one regex; `|` in it stands for `or`".into(),
        Fault::Regex { pattern, error } => format!("mend `{pattern}`: {error}"),
        Fault::FilterValue { bytes } => {
            format!("the value has {bytes} bytes; cut it to what the keys have in common")
        }
        Fault::LongId { chars } => format!("the id has {chars} characters; shorten it"),
        Fault::UnknownEvent { name } => match nearest(name, EventPattern::all()) {
            Some(event) => format!("`{name}` is no event of S3; did you mean `{event}`?"),
            None => format!("`{name}` is no event of S3; name one such as `s3:ObjectCreated:*`"),
        },
        Fault::SameId { first, second } => {
            format!("{first} and {second} both use it; give one of them another")
        }
        Fault::RepeatedEvent { event, covering } if event == covering => {
            format!("the rule lists `{event}` twice; remove one")
        }
        Fault::RepeatedEvent { event, covering } => {
            format!("the rule lists `{covering}` and `{event}`, which share events; remove one")
        }
        Fault::OverlapUnfiltered(clash) | Fault::OverlapFiltered(clash) => overlap(clash),
    }
}

fn overlap(clash: &Clash) -> String {
    let Clash { first, second, witness } = clash;
    let proof = match witness {
        Some(key) => format!("`{first}` and `{second}` would both match the key `{key}`"),
        None => format!("`{first}` and `{second}` overlap"),
    };
    format!(
        "{proof}: give them different events, or prefixes or suffixes that exclude each other, or \
         set `overlap = \"allow\"` in `[rules]`"
    )
}

fn malformed_arn(group: Group, arn: &str, region: &str) -> String {
    if arn.parse::<Arn>().is_ok_and(|arn| arn.is_fifo()) {
        let example = group.example(region);
        return format!(
            "S3 does not deliver to FIFO topics and queues: `{arn}` has to look like `{example}`; \
             or set `fifo = \"allow\"` in `[rules]`"
        );
    }
    if let Some(right) = nearest_arn::right_group(arn, group) {
        let (what, list) = match right {
            Group::Topic => ("topic", "TopicConfigurations"),
            Group::Queue => ("queue", "QueueConfigurations"),
            Group::Function => ("function", "LambdaFunctionConfigurations"),
        };
        let element = right.element();
        return format!("`{arn}` is a {what}; move it to a `{element}` (JSON: `{list}`)");
    }
    match nearest_arn::nearest(arn, group, region) {
        Some(nearest) => format!("`{arn}` {}; did you mean `{}`?", nearest.is, nearest.arn),
        None => format!("`{arn}` has to look like `{}`", group.example(region)),
    }
}
