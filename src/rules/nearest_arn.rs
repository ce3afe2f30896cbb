//! The legal ARN that comes nearest to what somebody wrote instead.
//!
//! People bring what they had: the ARNs of other stores, a queue's URL, a bare name. Enough of the
//! right ARN is in each of them to be shown.

use crate::model::{Destination, Region};

use super::{Extension, draft::Group};

/// Stands for an account that the text does not tell.
const ACCOUNT: &str = "123456789012";

/// What the text seems to be, and the ARN to write for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nearest {
    /// Begins after the text itself: `is a target of MinIO`.
    pub(super) is: &'static str,
    pub(super) arn: String,
}

/// What is known of the resource.
#[derive(Clone, Copy)]
struct Known<'a> {
    partition: &'a str,
    region: &'a str,
    account: &'a str,
    /// The name, and what may follow it: a function's version.
    name: &'a str,
}

/// Finds it; none if the text tells too little, or its correction is no legal ARN.
pub(super) fn nearest(text: &str, group: Group, region: &str) -> Option<Nearest> {
    let trimmed = text.trim();
    if trimmed != text && group.destination(trimmed, Extension::Refuse).is_ok() {
        return Some(Nearest { is: "has blanks around it", arn: trimmed.to_owned() });
    }
    let (is, known) = of_url(trimmed, region)
        .filter(|_| group == Group::Queue)
        .or_else(|| of_arn(trimmed, group, region))
        .or_else(|| of_name(trimmed, region))?;
    let arn = known.arn(group);
    let legal = group.destination(&arn, Extension::Refuse).is_ok() && arn != text;
    legal.then_some(Nearest { is, arn })
}

/// The group that an ARN belongs to, if that is another one than it stands in.
pub(super) fn right_group(text: &str, group: Group) -> Option<Group> {
    let destination: Destination = text.trim().parse().ok()?;
    Group::of(&destination).filter(|right| *right != group)
}

/// A queue's URL: `https://sqs.us-east-1.amazonaws.com/123456789012/q`.
fn of_url<'a>(text: &'a str, region: &'a str) -> Option<(&'static str, Known<'a>)> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let path = path.trim_end_matches('/');
    let (before, name) = path.rsplit_once('/')?;
    let account = before.rsplit('/').next()?;
    let in_host = host.strip_prefix("sqs.").and_then(|host| host.split('.').next());
    let region = in_host.filter(|region| region.contains('-')).unwrap_or(region);
    is_account(account).then_some((
        "is the URL of a queue",
        Known { partition: partition_of(region), region, account, name },
    ))
}

/// An ARN that is not quite one, or another store's.
fn of_arn<'a>(
    text: &'a str,
    group: Group,
    bucket_region: &'a str,
) -> Option<(&'static str, Known<'a>)> {
    let mut parts = text.splitn(6, ':');
    let (scheme, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    if scheme != "arn" {
        return None;
    }
    let known = Known {
        partition: partition_of(bucket_region),
        region: bucket_region,
        account: if is_account(account) { account } else { ACCOUNT },
        name: resource,
    };
    match partition {
        // Where Amazon has the account they have the id of a target, then its kind.
        "minio" => return Some(("is a target of MinIO", Known { name: account, ..known })),
        "rustfs" => return Some(("is a target of RustFS", Known { name: account, ..known })),
        _ if !partition.starts_with("aws") => return None,
        _ => {}
    }
    let amazon = Known { partition, region, ..known };
    match group {
        Group::Topic if service == "sns" && !is_account(account) => {
            Some(("is a topic of Ceph, or lacks its account", known))
        }
        Group::Topic if service == "sns" => {
            let (topic, _) = resource.split_once(':')?;
            Some(("is a subscription to a topic", Known { name: topic, ..amazon }))
        }
        Group::Function if service == "lambda" && !resource.starts_with("function:") => {
            Some(("lacks `function:`", amazon))
        }
        _ => None,
    }
}

fn of_name<'a>(text: &'a str, region: &'a str) -> Option<(&'static str, Known<'a>)> {
    let is_name = !text.is_empty() && !text.contains([':', '/']);
    let known = Known { partition: partition_of(region), region, account: ACCOUNT, name: text };
    is_name.then_some(("is a name, not an ARN", known))
}

impl Known<'_> {
    fn arn(self, group: Group) -> String {
        let Self { partition, region, account, name } = self;
        let (service, kind) = match group {
            Group::Topic => ("sns", ""),
            Group::Queue => ("sqs", ""),
            Group::Function => ("lambda", "function:"),
        };
        format!("arn:{partition}:{service}:{region}:{account}:{kind}{name}")
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn partition_of(region: &str) -> &'static str {
    Region::try_from(region.to_owned()).map_or("aws", |region| region.partition())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn meant(text: &str, group: Group) -> String {
        nearest(text, group, "us-east-1").map(|nearest| nearest.arn).unwrap_or_default()
    }

    #[test]
    fn what_other_stores_and_services_call_a_queue_is_understood() {
        let queue = |account: &str, name: &str| format!("arn:aws:sqs:us-east-1:{account}:{name}");
        for (text, account, name) in [
            ("arn:minio:sqs::primary:webhook", ACCOUNT, "primary"),
            ("arn:rustfs:sqs:us-east-1:primary:webhook", ACCOUNT, "primary"),
            ("https://sqs.us-east-1.amazonaws.com/210987654321/q", "210987654321", "q"),
            ("http://localhost:4566/000000000000/q", "000000000000", "q"),
            ("http://localhost:4566/queue/us-east-1/000000000000/q/", "000000000000", "q"),
            ("http://sqs.localhost.localstack.cloud:4566/000000000000/q", "000000000000", "q"),
            ("uploads", ACCOUNT, "uploads"),
            (" arn:aws:sqs:us-east-1:210987654321:q\n", "210987654321", "q"),
        ] {
            assert_eq!(meant(text, Group::Queue), queue(account, name), "{text}");
        }
        let german = nearest(
            "https://sqs.eu-central-1.amazonaws.com/210987654321/q",
            Group::Queue,
            "us-east-1",
        );
        assert_eq!(german.unwrap().arn, "arn:aws:sqs:eu-central-1:210987654321:q");
    }

    #[test]
    fn topics_and_functions_are_understood() {
        let topic = "arn:aws:sns:us-east-1:123456789012:topic";
        for text in [
            "arn:aws:sns:default::topic",
            "arn:aws:sns:zonegroup:tenant:topic",
            "arn:minio:sqs::topic:webhook",
            "arn:aws:sns:us-east-1:123456789012:topic:6b0e71bd-7e97-4d97-80ce-4a0994e55286",
        ] {
            assert_eq!(meant(text, Group::Topic), topic, "{text}");
        }
        let function = "arn:aws:lambda:us-east-1:123456789012:function:resize";
        for text in ["arn:aws:lambda:us-east-1:123456789012:resize", "resize"] {
            assert_eq!(meant(text, Group::Function), function, "{text}");
        }
    }

    #[test]
    fn nothing_is_made_of_what_tells_too_little() {
        for text in
            ["", "arn:aws:sqs:us-east-1:q", "a b", "https://example.com/hook", "arn:x:y:z::"]
        {
            assert_eq!(meant(text, Group::Queue), "", "{text}");
        }
        assert_eq!(meant("https://sqs.us-east-1.amazonaws.com/123456789012/q", Group::Topic), "");
        let topic = "arn:aws:sns:us-east-1:123456789012:t";
        assert_eq!(right_group(topic, Group::Queue), Some(Group::Topic));
        assert_eq!(right_group(topic, Group::Topic), None);
    }
}
