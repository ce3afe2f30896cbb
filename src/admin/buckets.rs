//! `/buckets`: the rules in force, and how often each wanted an event.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{
    Refusal,
    named::Named,
    parameters::Parameters,
    refusal::json,
    routes::Route,
    server::{Sources, look},
};
use crate::model::{BucketName, BucketNameError};

/// The most buckets that one request lists.
const PAGE_MAX: usize = 1000;
/// The page of a list whose size nobody asked for.
const PAGE: usize = 100;

const KNOWN: [&str; 2] = ["after", "limit"];

/// A bucket with rules. Events are counted since its document was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub bucket: String,
    /// How many rules it has; EventBridge, where it is on, is one.
    pub rules: usize,
    /// Events that were accepted.
    pub events: u64,
    /// Of these, those that at least one rule wanted.
    pub matched: u64,
}

/// Some of the buckets with rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// By name.
    pub buckets: Vec<Bucket>,
    /// The `after` of the request for the next page; none after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A bucket with its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketRules {
    /// Its name.
    pub bucket: String,
    /// Why its document cannot be used, if it cannot; the rules are those that are in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Events that were accepted.
    pub events: u64,
    /// Of these, those that at least one rule wanted.
    pub matched: u64,
    /// In the order of the document; EventBridge, where it is on, is the last.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id; `null` for EventBridge, which is switched on for a whole bucket.
    pub id: Option<String>,
    /// The ARN of its destination.
    pub destination: String,
    /// The events that it asks for.
    pub events: Vec<String>,
    /// Which objects it asks for, in words.
    pub filter: String,
    /// Accepted events that it wanted.
    pub matched: u64,
}

/// The rules of a bucket once they are known; none if it has no document.
pub type Rules = BoxFuture<'static, Result<Option<BucketRules>, Refusal>>;

pub(super) fn routes() -> Vec<Route> {
    vec![("/buckets", get(list)), ("/buckets/{bucket}", get(show))]
}

async fn list(
    State(sources): State<Arc<Sources>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let mut given = Parameters::read(&query.unwrap_or_default(), &KNOWN)?;
    let after: Option<BucketName> = given.value("after")?;
    let limit = given.value("limit")?.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Refusal::parameter("limit", format!("is not from 1 to {PAGE_MAX}")));
    }
    // One more tells whether there is a next page.
    let mut buckets =
        look(&sources, move |sources| (sources.buckets)(after.as_ref(), limit + 1)).await?;
    let is_last = buckets.len() <= limit;
    buckets.truncate(limit);
    let last = buckets.last().filter(|_| !is_last);
    let after = last.map(|last| last.bucket.clone());
    Ok(json(StatusCode::OK, &Buckets { buckets, after }))
}

async fn show(
    State(sources): State<Arc<Sources>>,
    Named(name): Named,
) -> Result<Response, Refusal> {
    let name: BucketName = name
        .parse()
        .map_err(|cause: BucketNameError| Refusal::parameter("bucket", cause.to_string()))?;
    let unknown = format!("bucket {name} has no notification document; nobody wants its events");
    let rules = (sources.rules)(name).await?;
    let rules = rules.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, unknown))?;
    Ok(json(StatusCode::OK, &rules))
}
