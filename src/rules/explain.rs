//! Why each rule of a bucket wants an event, or does not.
//!
//! It says yes exactly where the compiled rules do; a test holds the two equal. It is slow and
//! thorough where they are fast: every reason is given, not the first.

use serde::{Deserialize, Serialize};

use crate::model::{Destination, EventType};

use super::{
    Config, Document, EventBridge, Question, Rule,
    reason::{self, Reason, ReasonKind},
};

/// What is known of the bucket's document.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The document in force, if there is any.
    pub document: Option<&'a Document>,
    /// Why the file cannot be used, if it cannot.
    pub problem: Option<&'a str>,
}

/// The answer, in the form in which `fanfare explain --json` and the admin port give it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The bucket.
    pub bucket: String,
    /// The event, with its `s3:`.
    pub event: String,
    /// The key, raw.
    pub key: String,
    /// The key as Amazon writes it into `s3.object.key`, which filter values are compared with.
    pub encoded_key: String,
    /// Which document the rules are from.
    pub document: InForce,
    /// Why the bucket's file cannot be used, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Every rule in the order of the document; at the end EventBridge, if the bucket has it on.
    pub rules: Vec<Explained>,
    /// Where the event goes: the destinations of the rules that match, each once.
    pub destinations: Vec<String>,
}

/// Which document a bucket's rules are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InForce {
    /// The bucket's file, which is fine.
    Current,
    /// The bucket's file is broken; these are the last ones that could be read.
    LastGood,
    /// The bucket has no file, and so no rules.
    Missing,
    /// The bucket's file is broken and never was readable: its events go to the quarantine.
    Unreadable,
}

/// One rule and the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// The rule's id; `null` for EventBridge, which is switched on for a whole bucket.
    pub id: Option<String>,
    /// The ARN of its destination.
    pub destination: String,
    /// Whether the rule wants the event.
    pub matched: bool,
    /// Every reason why it does not.
    pub reasons: Vec<Reason>,
}

/// Answers for every rule of the document. `bus` is where events go if EventBridge is on.
pub fn explain(
    question: &Question,
    standing: Standing<'_>,
    bus: &Destination,
    config: &Config,
) -> Explanation {
    let rules: Vec<_> = standing
        .document
        .into_iter()
        .flat_map(|document| {
            let rules = document.rules().iter().map(|rule| explain_rule(question, rule, config));
            let event_bridge = (document.event_bridge() == EventBridge::On)
                .then(|| Explained::new(None, bus, event_bridge(question.event_type)));
            rules.chain(event_bridge)
        })
        .collect();
    let mut destinations = Vec::new();
    for rule in rules.iter().filter(|rule| rule.matched) {
        if !destinations.contains(&rule.destination) {
            destinations.push(rule.destination.clone());
        }
    }
    Explanation {
        bucket: question.bucket.to_string(),
        event: format!("s3:{}", question.event_type),
        key: question.key.to_string(),
        encoded_key: question.key.to_form(),
        document: standing.in_force(),
        problem: standing.problem.map(str::to_owned),
        rules,
        destinations,
    }
}

impl Explanation {
    /// As JSON, indented.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("every key is a string")
    }
}

fn explain_rule(question: &Question, rule: &Rule, config: &Config) -> Explained {
    let is_covered = rule.event_types().contains(question.event_type);
    let event = (!is_covered).then(|| reason::event(question.event_type, &rule.events));
    let filter = reason::filter(&rule.filter, &question.key, config.key_match);
    let conditions = rule.filter.conditions().map(|c| reason::conditions(c, &question.key));
    let conditions = conditions.into_iter().flatten();
    let reasons = event.into_iter().chain(filter).chain(conditions).collect();
    Explained::new(Some(rule.id.to_string()), &rule.destination, reasons)
}

fn event_bridge(event_type: EventType) -> Vec<Reason> {
    if event_type.goes_to_event_bridge() {
        return Vec::new();
    }
    vec![Reason {
        kind: ReasonKind::NotForEventBridge,
        text: format!("EventBridge has no such event: s3:{event_type} goes to rules only"),
        write: None,
    }]
}

impl Explained {
    fn new(id: Option<String>, destination: &Destination, reasons: Vec<Reason>) -> Self {
        let (destination, matched) = (destination.to_string(), reasons.is_empty());
        Self { id, destination, matched, reasons }
    }
}

impl Standing<'_> {
    fn in_force(&self) -> InForce {
        match (self.document, self.problem) {
            (Some(_), None) => InForce::Current,
            (Some(_), Some(_)) => InForce::LastGood,
            (None, None) => InForce::Missing,
            (None, Some(_)) => InForce::Unreadable,
        }
    }
}
