//! The `[[destination]]` tables: what some destinations do differently.
//!
//! All tables that fit a destination apply, in the order of the file, and a later one wins key by
//! key. A stage is given plain settings, and does not know where they come from.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::ArnPattern;
use crate::{
    deliver::{self, Backoff, Bounds},
    model::{Destination, count, positive, size, wait},
    publish::{self, EndpointUrl, RequestBytes, RoleArn},
};

/// The settings of each destination. A clone shares them.
#[derive(Clone, Debug)]
pub struct Destinations(Arc<Sections>);

#[derive(Debug)]
struct Sections {
    deliver: deliver::Config,
    overrides: Vec<Override>,
}

/// One `[[destination]]`: the destinations that it is for, and the keys that it has of those that
/// [`publish::DestinationConfig`] and [`deliver::Config`] explain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    #[serde(rename = "match")]
    pattern: ArnPattern,
    endpoint_url: Option<EndpointUrl>,
    role_arn: Option<RoleArn>,
    request_bytes: Option<RequestBytes>,
    #[serde(default, with = "count::optional")]
    concurrency_max: Option<NonZeroUsize>,
    #[serde(default, with = "count::optional")]
    concurrency_min: Option<NonZeroUsize>,
    #[serde(default, with = "size::optional")]
    in_flight_bytes: Option<ByteSize>,
    #[serde(default, with = "wait::optional")]
    linger: Option<Duration>,
    #[serde(default, with = "count::optional")]
    max_attempts: Option<NonZeroU32>,
    #[serde(default, with = "positive::optional")]
    max_age: Option<Duration>,
    #[serde(default, with = "count::optional")]
    unknown_attempts: Option<NonZeroU32>,
    ordering: Option<deliver::Ordering>,
    removal: Option<deliver::Removal>,
    #[serde(default, with = "size::optional")]
    quota: Option<ByteSize>,
    over_quota: Option<deliver::OverQuota>,
    when_full: Option<deliver::WhenFull>,
    #[serde(default, with = "positive::optional")]
    probe_interval: Option<Duration>,
    paused: Option<bool>,
    #[serde(default)]
    backoff: BackoffOverride,
}

/// `[destination.backoff]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BackoffOverride {
    #[serde(with = "positive::optional")]
    base: Option<Duration>,
    #[serde(with = "positive::optional")]
    throttled: Option<Duration>,
    #[serde(with = "positive::optional")]
    cap: Option<Duration>,
}

impl Destinations {
    pub(super) fn new(deliver: deliver::Config, overrides: Vec<Override>) -> Self {
        Self(Arc::new(Sections { deliver, overrides }))
    }

    /// When this destination is sent to.
    pub fn deliver(&self, destination: &Destination) -> deliver::Config {
        let mut config = self.0.deliver.clone();
        let mut bounds = Bounds::from(config.backoff.clone());
        for table in self.of(destination) {
            table.apply(&mut config);
            table.backoff.apply(&mut bounds);
        }
        // Two tables that are sound by themselves may disagree; then the cap has the last word.
        bounds.base = bounds.base.min(bounds.cap);
        bounds.throttled = bounds.throttled.min(bounds.cap);
        config.backoff = Backoff::new(bounds).expect("no table holds a wait of zero");
        if destination.is_fifo() {
            // Out of order is what nobody asks such a destination for.
            config.ordering = deliver::Ordering::PerKey;
        }
        config
    }

    /// Where this destination is, in whose name it is sent to, and how much at once.
    pub fn publish(&self, destination: &Destination) -> publish::DestinationConfig {
        let mut config = publish::DestinationConfig::default();
        for Override { endpoint_url, role_arn, request_bytes, .. } in self.of(destination) {
            replace(&mut config.endpoint_url, endpoint_url.as_ref());
            replace(&mut config.role_arn, role_arn.as_ref());
            replace(&mut config.request_bytes, request_bytes.as_ref());
        }
        config
    }

    /// Every role that a destination may be sent to in the name of.
    pub fn roles(&self) -> impl Iterator<Item = RoleArn> + '_ {
        self.0.overrides.iter().filter_map(|table| table.role_arn.clone())
    }

    fn of<'a>(&'a self, destination: &'a Destination) -> impl Iterator<Item = &'a Override> {
        self.0.overrides.iter().filter(|table| table.pattern.fits(destination))
    }
}

impl Override {
    /// The destinations that it is for.
    pub fn pattern(&self) -> &ArnPattern {
        &self.pattern
    }

    /// Whether it says what becomes of events that nobody asks for any more, so that it may be for
    /// destinations that no document names.
    pub fn is_about_removal(&self) -> bool {
        self.removal.is_some()
    }

    /// Whether its waits can be kept beside those of `[deliver.backoff]`.
    pub(super) fn check(&self, deliver: &deliver::Config) -> Result<(), deliver::ConfigError> {
        let mut bounds = Bounds::from(deliver.backoff.clone());
        self.backoff.apply(&mut bounds);
        Ok(Backoff::new(bounds).map(drop)?)
    }

    /// Whether it says where its destinations are.
    pub(super) fn has_endpoint(&self) -> bool {
        self.endpoint_url.is_some()
    }

    /// What may be pending, and what happens above that, as far as it says so.
    pub(super) fn quota(&self) -> (&Option<ByteSize>, Option<deliver::OverQuota>) {
        (&self.quota, self.over_quota)
    }

    pub(super) fn apply(&self, config: &mut deliver::Config) {
        set(&mut config.concurrency_max, self.concurrency_max);
        set(&mut config.concurrency_min, self.concurrency_min);
        set(&mut config.in_flight_bytes, self.in_flight_bytes);
        set(&mut config.linger, self.linger);
        replace(&mut config.max_attempts, self.max_attempts.as_ref());
        replace(&mut config.max_age, self.max_age.as_ref());
        set(&mut config.unknown_attempts, self.unknown_attempts);
        set(&mut config.ordering, self.ordering);
        set(&mut config.removal, self.removal);
        replace(&mut config.quota, self.quota.as_ref());
        set(&mut config.over_quota, self.over_quota);
        set(&mut config.when_full, self.when_full);
        set(&mut config.probe_interval, self.probe_interval);
        set(&mut config.paused, self.paused);
    }
}

impl BackoffOverride {
    fn apply(&self, bounds: &mut Bounds) {
        set(&mut bounds.base, self.base);
        set(&mut bounds.throttled, self.throttled);
        set(&mut bounds.cap, self.cap);
    }
}

fn set<T>(key: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *key = value;
    }
}

fn replace<T: Clone>(key: &mut Option<T>, value: Option<&T>) {
    if let Some(value) = value {
        *key = Some(value.clone());
    }
}
