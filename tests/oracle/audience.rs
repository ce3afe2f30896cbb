//! One destination of each service, and what each of them got.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Counts, Form, Seen, Told,
    event::{object, read},
    judge,
};
use crate::aws::{Entry, record::Record};

/// A destination, by its name at the endpoint.
#[derive(Debug)]
struct Destination {
    name: &'static str,
    arn: &'static str,
    form: Form,
    wants: fn(u64) -> bool,
}

/// One object of twenty goes to the second queue.
const DESTINATIONS: [Destination; 5] = [
    Destination {
        name: Audience::QUEUE,
        arn: "arn:aws:sqs:us-east-1:123456789012:queue",
        form: Form::Records("queue"),
        wants: |_| true,
    },
    Destination {
        name: "topic",
        arn: "arn:aws:sns:us-east-1:123456789012:topic",
        form: Form::Records("topic"),
        wants: |_| true,
    },
    Destination {
        name: "function",
        arn: "arn:aws:lambda:us-east-1:123456789012:function:function",
        form: Form::Records("function"),
        wants: |_| true,
    },
    Destination {
        name: "default",
        arn: "arn:aws:events:us-east-1:123456789012:event-bus/default",
        form: Form::Detail,
        wants: |_| true,
    },
    Destination {
        name: "sparse",
        arn: "arn:aws:sqs:us-east-1:123456789012:sparse",
        form: Form::Records("sparse"),
        wants: |number| object(number) == 0,
    },
];

/// What all of them got.
#[derive(Debug)]
pub(crate) struct Audience(BTreeMap<&'static str, Seen>);

impl Default for Audience {
    fn default() -> Self {
        let seen = |destination: &Destination| (destination.name, Seen::new(destination.form));
        Self(DESTINATIONS.iter().map(seen).collect())
    }
}

impl Record for Audience {
    fn arrived<'a>(&mut self, destination: &str, entries: impl Iterator<Item = &'a Entry<'a>>) {
        let seen = self.0.get_mut(destination).expect("there is no other destination");
        for entry in entries {
            seen.take(&entry.body());
        }
    }
}

impl Audience {
    /// The name of the queue, by which it is scripted.
    pub(crate) const QUEUE: &'static str = "queue";

    /// The names, by which they are scripted.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        DESTINATIONS.iter().map(|destination| destination.name)
    }

    /// A destination, and an event that came to it after a later one of its object.
    pub(crate) fn late(&self) -> Option<(&'static str, u64)> {
        self.0.iter().find_map(|(name, seen)| Some((*name, seen.late()?)))
    }

    /// The event that a dead letter of this destination tells of, if it is what was posted.
    pub(crate) fn read(arn: &str, payload: &str) -> Option<u64> {
        let destination = DESTINATIONS.iter().find(|destination| destination.arn == arn)?;
        read(payload, destination.form)
    }

    /// Judges every destination; `missing` are the events that may be, by the ARN.
    pub(crate) fn judge(
        &self,
        told: &Told,
        missing: impl Fn(&str) -> BTreeSet<u64>,
    ) -> Result<Counts, String> {
        let mut counts = Counts::ZERO;
        for Destination { name, arn, wants, .. } in &DESTINATIONS {
            let seen = self.0.get(name).expect("every destination has its place");
            let judged = judge(told, seen, *wants, &missing(arn));
            counts += judged.map_err(|wrong| format!("{name}: {wrong}"))?;
        }
        Ok(counts)
    }
}

/// The document that sends each of them what it wants. It needs `rules.overlap = "allow"`.
pub(crate) fn document() -> Value {
    let created = ["s3:ObjectCreated:*"];
    let [queue, topic, function, _, sparse] = DESTINATIONS.each_ref().map(|each| each.arn);
    let only = json!({ "Name": "prefix", "Value": "uploads/object-0" });
    json!({
        "QueueConfigurations": [
            { "Id": "queue", "QueueArn": queue, "Events": created },
            {
                "Id": "sparse",
                "QueueArn": sparse,
                "Events": created,
                "Filter": { "Key": { "FilterRules": [only] } },
            },
        ],
        "TopicConfigurations": [{ "Id": "topic", "TopicArn": topic, "Events": created }],
        "LambdaFunctionConfigurations": [
            { "Id": "function", "LambdaFunctionArn": function, "Events": created }
        ],
        "EventBridgeConfiguration": {},
    })
}
