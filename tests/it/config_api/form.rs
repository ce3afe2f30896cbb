//! What is wrong with a document by itself is refused in Amazon's words, whether or not the
//! destinations are to be validated.

use super::{
    Client, FUNCTION, NOTIFICATION, QUEUE, Request, SKIP, TOPIC, error, home, invalid, malformed,
};
use crate::harness::Home;

const SQS_PATTERN: &str = "The ARN failed to satisfy constraint: Member must satisfy regular \
    expression pattern: \
    ^arn:aws[\\p{Alpha}\\-]*:sqs:[\\p{Alnum}\\-]+:[\\p{Digit}]{12}:[\\p{Alnum}\\-_]{1,80}$";
const SNS_PATTERN: &str = "The ARN failed to satisfy constraint: Member must satisfy regular \
    expression pattern: \
    ^arn:aws[\\p{Alpha}\\-]*:sns:[\\p{Alnum}\\-]+:[\\p{Digit}]{12}:[\\p{Alnum}\\-_]{1,256}$";
const LAMBDA_PATTERN: &str = "The ARN failed to satisfy constraint: Member must satisfy regular \
    expression pattern: \
    ^arn:aws[a-zA-Z\\-]*:lambda:[a-zA-Z0-9\\-]+:[0-9]{12}:function:[a-zA-Z0-9\\-_]+\
    (:[a-zA-Z0-9$_\\-]+)?$";

/// A daemon that has nothing to send to: no destination may be asked.
fn bare_home() -> Home {
    super::with_keys(Home::without_aws())
}

fn document(content: &str) -> String {
    format!(
        "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{content}\
         </NotificationConfiguration>"
    )
}

/// A rule for the queue, with these elements besides.
fn queue_with(elements: &str) -> String {
    format!(
        "<QueueConfiguration>{elements}<Queue>{QUEUE}</Queue><Event>s3:ObjectCreated:*</Event>\
         </QueueConfiguration>"
    )
}

fn queue(arn: &str) -> String {
    queue_with("").replace(QUEUE, arn)
}

fn topic(arn: &str) -> String {
    queue(arn).replace("Queue", "Topic")
}

fn function(arn: &str) -> String {
    queue(arn).replace("Queue", "CloudFunction")
}

/// A filter of these rules: names and values.
fn filter(rules: &[(&str, &str)]) -> String {
    let rule = |(name, value): &(&str, &str)| {
        format!("<FilterRule><Name>{name}</Name><Value>{value}</Value></FilterRule>")
    };
    let rules: String = rules.iter().map(rule).collect();
    format!("<Filter><S3Key>{rules}</S3Key></Filter>")
}

/// Puts the document twice, with validation and without, and expects the same refusal.
#[track_caller]
fn refuses(client: &mut Client, document: &str, expected: &(u16, Vec<(&str, &str)>)) {
    for headers in [&[SKIP][..], &[]] {
        let answer = client.send(&Request { headers, body: document, ..Request::default() });
        assert_eq!(answer.refused(), *expected, "{document}");
    }
}

#[test]
fn what_is_no_document_is_malformed() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    for content in [
        // A rule of a filter lacks its name, its value, or both.
        queue_with("<Filter><S3Key><FilterRule><Value>a</Value></FilterRule></S3Key></Filter>"),
        queue_with("<Filter><S3Key><FilterRule><Name>prefix</Name></FilterRule></S3Key></Filter>"),
        queue_with("<Filter><S3Key><FilterRule/></S3Key></Filter>"),
        // A filter has no rules.
        queue_with("<Filter/>"),
        queue_with("<Filter><S3Key/></Filter>"),
        queue_with("<Filter><S3Key></S3Key></Filter>"),
        // No events, no ARN, something unknown.
        format!("<QueueConfiguration><Queue>{QUEUE}</Queue></QueueConfiguration>"),
        "<QueueConfiguration><Event>s3:ObjectCreated:*</Event></QueueConfiguration>".to_owned(),
        queue_with("<Unknown/>"),
        "<Unknown/>".to_owned(),
        topic(TOPIC).replace("Topic>arn", "Queue>arn").replace("t</Topic>", "t</Queue>"),
        "text".to_owned(),
    ] {
        refuses(client, &document(&content), &malformed());
    }
    for text in ["", "not XML", "{}", "<NotificationConfiguration>", "<a></b>"] {
        refuses(client, text, &malformed());
    }
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaa\">]><NotificationConfiguration/>";
    refuses(client, bomb, &malformed());
}

#[test]
fn an_arn_that_cannot_be_parsed_is_shown() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let unparseable = "The ARN could not be parsed";
    for arn in ["invalid-queue", "arn:aws:sqs", ""] {
        for (rule, name) in
            [(queue(arn), "Queue"), (topic(arn), "Topic"), (function(arn), "CloudFunction")]
        {
            let expected = invalid(unparseable, &[("ArgumentName", name), ("ArgumentValue", arn)]);
            refuses(client, &document(&rule), &expected);
        }
    }
}

#[test]
fn an_arn_of_another_shape_is_told_the_pattern() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    for (rule, pattern) in [
        (queue(TOPIC), SQS_PATTERN),
        (queue("arn:minio:sqs::1:webhook"), SQS_PATTERN),
        (queue("arn:aws:sqs:us-east-1:123:q"), SQS_PATTERN),
        (topic(QUEUE), SNS_PATTERN),
        // A FIFO topic has no words of its own.
        (topic(&format!("{TOPIC}.fifo")), SNS_PATTERN),
        (function(QUEUE), LAMBDA_PATTERN),
        (function("arn:aws:lambda:us-east-1:123456789012:layer:f"), LAMBDA_PATTERN),
    ] {
        refuses(client, &document(&rule), &invalid(pattern, &[]));
    }
}

#[test]
fn a_fifo_queue_and_another_region_have_words_of_their_own() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let fifo = document(&queue(&format!("{QUEUE}.fifo")));
    refuses(client, &fifo, &invalid("FIFO SQS queues are not supported.", &[]));
    let message = "The notification destination service region is not valid for the bucket \
                   location constraint";
    for rule in [queue(QUEUE), topic(TOPIC), function(FUNCTION)] {
        let rule = rule.replace("us-east-1", "eu-central-1");
        refuses(client, &document(&rule), &invalid(message, &[]));
    }
}

#[test]
fn a_filter_has_one_prefix_and_one_suffix() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let name = "filter rule name must be either prefix or suffix";
    for sent in ["regex", "", "pre fix"] {
        let rule = queue_with(&filter(&[(sent, "a")]));
        let arguments = [("ArgumentName", "FilterRule.Name"), ("ArgumentValue", sent)];
        refuses(client, &document(&rule), &invalid(name, &arguments));
    }
    let twice = |name| document(&queue_with(&filter(&[(name, "a"), (name, "b")])));
    let prefixes = "Cannot specify more than one prefix rule in a filter.";
    refuses(client, &twice("prefix"), &invalid(prefixes, &[]));
    let suffixes = "Cannot specify more than one suffix rule in a filter.";
    refuses(client, &twice("Suffix"), &invalid(suffixes, &[]));
}

#[test]
fn values_ids_and_rules_have_limits() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    // In bytes for a value, in characters for an id.
    let value = |text: &str| document(&queue_with(&filter(&[("prefix", text)])));
    let id = |text: &str| document(&queue_with(&format!("<Id>{text}</Id>")));
    let rules = |count: usize| {
        let rule = |n| queue_with(&filter(&[("prefix", &format!("{n}/"))]));
        document(&(0..count).map(rule).collect::<String>())
    };
    for within in [value(&"ü".repeat(512)), id(&"ü".repeat(255)), rules(100)] {
        let request = Request { headers: &[SKIP], body: &within, ..Request::default() };
        client.send(&request).accepted();
    }
    let long_value = "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation";
    refuses(client, &value(&format!("{}x", "ü".repeat(512))), &invalid(long_value, &[]));
    let long_id = "ID length exceeded allowed limit of 255";
    refuses(client, &id(&"ü".repeat(256)), &invalid(long_id, &[]));
    let many = "Too many configurations submitted. The maximum number of configurations is 100";
    refuses(client, &rules(101), &error("InvalidRequest", many, &[]));
}

#[test]
fn an_id_is_used_once_in_all_three_lists() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let removed = topic(TOPIC).replace("ObjectCreated", "ObjectRemoved");
    let same = "Same ID used for multiple configurations. IDs must be unique.";
    let with_id = |rule: &str| rule.replacen("Configuration>", "Configuration><Id>a</Id>", 1);
    let both = [queue(QUEUE), removed].map(|rule| with_id(&rule)).concat();
    refuses(client, &document(&both), &invalid(same, &[]));
}

#[test]
fn an_unknown_event_is_named() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let unknown = "The event is not supported for notifications";
    for event in ["s3:ObjectCreated", "s3:*", "s3:TestEvent", "ObjectCreated:Put", ""] {
        let rule = queue(QUEUE).replace("s3:ObjectCreated:*", event);
        let arguments = [("ArgumentName", "Event"), ("ArgumentValue", event)];
        refuses(client, &document(&rule), &invalid(unknown, &arguments));
    }
}

#[test]
fn of_several_faults_amazon_s_first_one_is_told() {
    let home = home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let unparseable = |value| {
        let arguments = [("ArgumentName", "Queue"), ("ArgumentValue", value)];
        invalid("The ARN could not be parsed", &arguments)
    };
    // The form of every rule comes before the destination of any.
    let missing = queue("arn:aws:sqs:us-east-1:123456789012:nobody-made-this");
    let both = document(&[missing, queue("second")].concat());
    refuses(client, &both, &unparseable("second"));
    let both = document(&[queue("first"), queue("second")].concat());
    refuses(client, &both, &unparseable("first"));
    // Topics before queues before functions, however they were sent.
    let three = document(&[function("f"), queue("q"), topic("t")].concat());
    let arguments = [("ArgumentName", "Topic"), ("ArgumentValue", "t")];
    refuses(client, &three, &invalid("The ARN could not be parsed", &arguments));
    // The form of every rule comes before what rules are to each other.
    let overlapping = document(&[queue(QUEUE), queue(QUEUE), queue("third")].concat());
    refuses(client, &overlapping, &unparseable("third"));
}

#[test]
fn a_refusal_changes_nothing() {
    let home = bare_home();
    let _daemon = home.start();
    let client = &mut Client::of(&home);
    let kept = document(&queue_with("<Id>kept</Id>"));
    let request = Request { headers: &[SKIP], body: &kept, ..Request::default() };
    client.send(&request).accepted();
    let before = client.get("photos");
    refuses(
        client,
        &document(&queue("bad")),
        &invalid(
            "The ARN could not be parsed",
            &[("ArgumentName", "Queue"), ("ArgumentValue", "bad")],
        ),
    );
    refuses(client, "", &malformed());
    assert_eq!(client.get("photos"), before);
    let again = Request { method: "GET", query: NOTIFICATION, ..Request::default() };
    assert!(client.send(&again).body.contains("<Id>kept</Id>"));
}
