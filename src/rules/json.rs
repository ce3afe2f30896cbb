//! Documents in JSON: what boto3 and the AWS CLI send and show, in both of their forms.
//!
//! The types below are the shapes and nothing more; serde refuses what does not fit them and says
//! where. Two kinds of noise are let through, because people save what they were shown:
//! `ResponseMetadata`, and the `InvocationRole` of the deprecated form.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use super::{
    Document, EventBridge, Filter, Pair, Rule,
    draft::{Draft, DraftFilter, DraftRule, Entry, Group, illegal_char},
    filter::REGEX,
    malformed::Malformed,
};

/// Reads either form.
pub(super) fn read(text: &[u8]) -> Result<Draft, Malformed> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(Malformed::NoJson);
    }
    draft(text).map_err(|error| Malformed::Json { error: Arc::new(error) })
}

/// Writes the current form, indented.
pub(super) fn write(document: &Document) -> String {
    serde_json::to_string_pretty(&DocumentShape::from(document)).expect("every key is a string")
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
struct DocumentShape {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    topic_configurations: Vec<TopicShape>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queue_configurations: Vec<QueueShape>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lambda_function_configurations: Vec<FunctionShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_bridge_configuration: Option<Empty>,

    #[serde(skip_serializing)]
    topic_configuration: Option<OldTopicShape>,
    #[serde(skip_serializing)]
    queue_configuration: Option<OldQueueShape>,
    #[serde(skip_serializing)]
    cloud_function_configuration: Option<OldFunctionShape>,

    #[serde(skip_serializing, rename = "ResponseMetadata")]
    _response_metadata: Option<IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{}`")]
struct Empty {}

/// The two shapes of one kind of entry, which differ from the other kinds' in a key's name.
macro_rules! entry_shapes {
    (
        $group:expr, $shape:ident with $arn:literal,
        $old_shape:ident with $old_arn:literal $(and $ignored:ident)?
    ) => {
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        struct $shape {
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<Text>,
            #[serde(rename = $arn)]
            arn: Text,
            events: Several<Text>,
            #[serde(skip_serializing_if = "Option::is_none")]
            filter: Option<FilterShape>,
        }

        impl From<$shape> for Entry {
            fn from(shape: $shape) -> Self {
                let $shape { id, arn, events, filter } = shape;
                entry(Self::new($group, arn.0), id, events, filter)
            }
        }

        impl From<&Rule> for $shape {
            fn from(rule: &Rule) -> Self {
                Self {
                    id: Some(Text(rule.id.as_str().into())),
                    arn: Text(rule.destination.as_str().into()),
                    events: Several(rule.events.iter().map(|e| Text(e.to_string())).collect()),
                    filter: FilterShape::of(&rule.filter),
                }
            }
        }

        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        struct $old_shape {
            id: Option<Text>,
            #[serde(rename = $old_arn)]
            arn: Text,
            event: Option<Text>,
            events: Option<Several<Text>>,
            $(#[serde(rename = "InvocationRole")]
            $ignored: Option<IgnoredAny>,)?
        }

        impl TryFrom<$old_shape> for Entry {
            type Error = serde_json::Error;

            fn try_from(shape: $old_shape) -> Result<Self, Self::Error> {
                let $old_shape { id, arn, event, events, .. } = shape;
                Ok(entry(Self::new($group, arn.0), id, old_events($group, event, events)?, None))
            }
        }
    };
}

entry_shapes!(Group::Topic, TopicShape with "TopicArn", OldTopicShape with "Topic");
entry_shapes!(Group::Queue, QueueShape with "QueueArn", OldQueueShape with "Queue");
entry_shapes!(
    Group::Function,
    FunctionShape with "LambdaFunctionArn",
    OldFunctionShape with "CloudFunction" and _invocation_role
);

/// There is a key, unless Ceph's boto3 sent something else.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", try_from = "FilterParts")]
struct FilterShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<RulesShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<RulesShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<RulesShape>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RulesShape {
    filter_rules: Several<RuleShape>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RuleShape {
    name: Text,
    value: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FilterParts {
    key: Option<RulesShape>,
    metadata: Option<RulesShape>,
    tags: Option<RulesShape>,
}

#[derive(Debug, thiserror::Error)]
#[error("missing field `Key`")]
struct MissingKey;

impl TryFrom<FilterParts> for FilterShape {
    type Error = MissingKey;

    fn try_from(parts: FilterParts) -> Result<Self, Self::Error> {
        match parts {
            FilterParts { key: None, metadata: None, tags: None } => Err(MissingKey),
            FilterParts { key, metadata, tags } => Ok(Self { key, metadata, tags }),
        }
    }
}

/// A text that XML can hold.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Text(String);

/// A list with something in it, where the schema wants one element or more.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "Vec<T>")]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Several<T>(Vec<T>);

#[derive(Debug, thiserror::Error)]
#[error("S3 stores XML, which cannot hold the character U+{:04X}", u32::from(*.char))]
struct IllegalChar {
    char: char,
}

#[derive(Debug, thiserror::Error)]
#[error("the list is empty; S3 wants at least one")]
struct EmptyList;

impl TryFrom<String> for Text {
    type Error = IllegalChar;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match illegal_char(&text) {
            Some(char) => Err(IllegalChar { char }),
            None => Ok(Self(text)),
        }
    }
}

impl<T> TryFrom<Vec<T>> for Several<T> {
    type Error = EmptyList;

    fn try_from(list: Vec<T>) -> Result<Self, Self::Error> {
        if list.is_empty() { Err(EmptyList) } else { Ok(Self(list)) }
    }
}

/// Reads the whole of either form; a document that mixes them asks for both.
fn draft(text: &[u8]) -> Result<Draft, serde_json::Error> {
    let shape = serde_json::from_slice::<DocumentShape>(text).map_err(|wrong| {
        let path = list_for_object_in(text).ok().flatten();
        path.and_then(|path| meant_a_list(&path)).unwrap_or(wrong)
    })?;
    if let Some(path) = list_for_object_in(text)? {
        return Err(serde::de::Error::custom(format_args!("{path} is a list; write an object")));
    }
    let mut entries: Vec<Entry> = Vec::new();
    entries.extend(shape.topic_configurations.into_iter().map(Entry::from));
    entries.extend(shape.queue_configurations.into_iter().map(Entry::from));
    entries.extend(shape.lambda_function_configurations.into_iter().map(Entry::from));
    let old = [
        shape.topic_configuration.map(Entry::try_from),
        shape.queue_configuration.map(Entry::try_from),
        shape.cloud_function_configuration.map(Entry::try_from),
    ];
    for entry in old.into_iter().flatten() {
        entries.push(entry?);
    }
    let event_bridge = match shape.event_bridge_configuration {
        Some(Empty {}) => EventBridge::On,
        None => EventBridge::Off,
    };
    Ok(Draft::new(entries, event_bridge))
}

/// The first place where a list stands for an object: serde reads a list as the fields of an
/// object in their order, so that `[]` would be an empty document.
fn list_for_object_in(text: &[u8]) -> Result<Option<String>, serde_json::Error> {
    if text.trim_ascii_start().starts_with(b"[") {
        return Ok(Some("the document".into()));
    }
    // Member by member, since what nobody reads may be nested deeper than a value can be.
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(text)?;
    for (name, member) in members.iter().filter(|(name, _)| *name != "ResponseMetadata") {
        let member =
            Value::from_iter([(name.clone(), serde_json::from_str::<Value>(member.get())?)]);
        if let Some(path) = list_for_object(&member, "the document") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The deprecated form has one entry of each kind, the current one a list under a longer name.
fn meant_a_list(path: &str) -> Option<serde_json::Error> {
    let meant = match path {
        "`TopicConfiguration`" => "TopicConfigurations",
        "`QueueConfiguration`" => "QueueConfigurations",
        "`CloudFunctionConfiguration`" | "`LambdaFunctionConfiguration`" => {
            "LambdaFunctionConfigurations"
        }
        _ => return None,
    };
    Some(serde::de::Error::custom(format_args!("{path} is a list; did you mean `{meant}`?")))
}

fn list_for_object(value: &Value, path: &str) -> Option<String> {
    let Value::Object(members) = value else { return value.is_array().then(|| path.to_owned()) };
    members.iter().find_map(|(name, member)| match (name.as_str(), member) {
        ("Events", _) => None,
        (
            "TopicConfigurations"
            | "QueueConfigurations"
            | "LambdaFunctionConfigurations"
            | "FilterRules",
            Value::Array(list),
        ) => {
            let path = format!("an entry of `{name}`");
            list.iter().find_map(|entry| list_for_object(entry, &path))
        }
        _ => list_for_object(member, &format!("`{name}`")),
    })
}

fn entry(
    bare: Entry,
    id: Option<Text>,
    events: Several<Text>,
    filter: Option<FilterShape>,
) -> Entry {
    Entry {
        id: id.map(|id| id.0).filter(|id| !id.is_empty()),
        events: events.0.into_iter().map(|event| event.0).collect(),
        filter: filter.map(DraftFilter::from).unwrap_or_default(),
        ..bare
    }
}

impl From<FilterShape> for DraftFilter {
    fn from(FilterShape { key, metadata, tags }: FilterShape) -> Self {
        let [key, metadata, tags] = [key, metadata, tags].map(|rules| {
            let rules = rules.map(|rules| rules.filter_rules.0).unwrap_or_default();
            let draft = |rule: RuleShape| DraftRule { name: rule.name.0, value: rule.value.0 };
            rules.into_iter().map(draft).collect()
        });
        Self { key, metadata, tags }
    }
}

/// The events of the deprecated form. boto3 shows them twice, in `Events` and one in `Event`.
fn old_events(
    group: Group,
    event: Option<Text>,
    events: Option<Several<Text>>,
) -> Result<Several<Text>, serde_json::Error> {
    let mut all = events.map(|events| events.0).unwrap_or_default();
    all.extend(event.filter(|event| !all.contains(event)));
    Several::try_from(all).map_err(|EmptyList| {
        let element = group.element();
        serde::de::Error::custom(format_args!("`{element}` lacks `Event` or `Events`"))
    })
}

impl From<&Document> for DocumentShape {
    fn from(document: &Document) -> Self {
        let rules = |group| {
            let of_group = move |rule: &&Rule| Group::of(&rule.destination) == Some(group);
            document.rules().iter().filter(of_group)
        };
        Self {
            topic_configurations: rules(Group::Topic).map(TopicShape::from).collect(),
            queue_configurations: rules(Group::Queue).map(QueueShape::from).collect(),
            lambda_function_configurations: rules(Group::Function)
                .map(FunctionShape::from)
                .collect(),
            event_bridge_configuration: (document.event_bridge() == EventBridge::On)
                .then_some(Empty {}),
            ..Self::default()
        }
    }
}

impl FilterShape {
    fn of(filter: &Filter) -> Option<Self> {
        let conditions = filter.conditions();
        let ends = filter.rules().iter().map(|rule| (rule.name().as_str(), rule.value()));
        let regex = conditions.and_then(|conditions| conditions.pattern());
        let pairs =
            |pairs: &[Pair]| RulesShape::of(pairs.iter().map(|pair| (pair.name(), pair.value())));
        let shape = Self {
            key: RulesShape::of(ends.chain(regex.map(|regex| (REGEX, regex.as_str())))),
            metadata: conditions.and_then(|conditions| pairs(conditions.metadata())),
            tags: conditions.and_then(|conditions| pairs(conditions.tags())),
        };
        (!filter.is_empty()).then_some(shape)
    }
}

impl RulesShape {
    fn of<'a>(rules: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let shape = |(name, value): (&str, &str)| RuleShape {
            name: Text(name.into()),
            value: Text(value.into()),
        };
        Some(Self { filter_rules: Several::try_from(rules.map(shape).collect::<Vec<_>>()).ok()? })
    }
}
