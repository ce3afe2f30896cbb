//! Every section in one place.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Destinations, Listen, Override};
use crate::{
    admin, control, deliver, ingest, journal,
    model::{AccountId, Destination, Owners, Region, wait},
    payload, publish, rules, telemetry, tls, trace,
};

/// The settings of a daemon. `config/fanfare.toml` names every key, its default, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The region that is stamped on every event; destinations must be in it.
    pub region: Region,
    /// The owner of every bucket that `[buckets]` does not give another.
    pub account_id: AccountId,
    /// How long a stop waits for requests on the wire.
    #[serde(with = "wait")]
    pub shutdown_grace: Duration,
    /// `[listen]`.
    pub listen: Listen,
    /// `[tls]`.
    pub tls: tls::Config,
    /// `[admin]`.
    pub admin: admin::Config,
    /// `[events]`.
    pub events: ingest::Config,
    /// `[notifications]`.
    pub notifications: control::Config,
    /// `[s3]`.
    pub s3: control::ApiConfig,
    /// `[buckets]`.
    pub buckets: control::Buckets,
    /// `[[credentials]]`.
    #[serde(skip_serializing_if = "control::CredentialsConfig::is_empty")]
    pub credentials: control::CredentialsConfig,
    /// `[rules]`.
    pub rules: rules::Config,
    /// `[journal]`.
    pub journal: journal::Config,
    /// `[deliver]`.
    pub deliver: deliver::Config,
    /// `[[destination]]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination: Vec<Override>,
    /// `[payload]`.
    pub payload: payload::Config,
    /// `[aws]`.
    pub aws: publish::Config,
    /// `[event_bridge]`.
    pub event_bridge: publish::EventBridgeConfig,
    /// `[log]`.
    pub log: telemetry::Config,
    /// `[telemetry]`.
    pub telemetry: trace::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: Region::default(),
            account_id: AccountId::default(),
            shutdown_grace: Duration::from_secs(15),
            listen: Listen::default(),
            tls: tls::Config::default(),
            admin: admin::Config::default(),
            events: ingest::Config::default(),
            notifications: control::Config::default(),
            s3: control::ApiConfig::default(),
            buckets: control::Buckets::default(),
            credentials: control::CredentialsConfig::default(),
            rules: rules::Config::default(),
            journal: journal::Config::default(),
            deliver: deliver::Config::default(),
            destination: Vec::new(),
            payload: payload::Config::default(),
            aws: publish::Config::default(),
            event_bridge: publish::EventBridgeConfig::default(),
            log: telemetry::Config::default(),
            telemetry: trace::Config::default(),
        }
    }
}

impl Config {
    /// Who owns which bucket.
    pub fn owners(&self) -> Owners {
        let overrides = self.buckets.owners();
        let overrides = overrides.map(|(bucket, owner)| (bucket.clone(), owner.clone()));
        Owners::new(self.account_id.clone(), overrides)
    }

    /// What each destination is to be treated like.
    pub fn destinations(&self) -> Destinations {
        Destinations::new(self.deliver.clone(), self.destination.clone())
    }

    /// The bus that buckets with EventBridge on send to.
    pub fn bus(&self) -> Result<Destination, super::LoadError> {
        let (region, account) = (self.region.as_str(), self.account_id.as_str());
        let (partition, bus) = (self.region.partition(), &self.event_bridge.bus);
        let arn = format!("arn:{partition}:events:{region}:{account}:event-bus/{bus}");
        arn.parse().map_err(|source| super::LoadError::Bus { bus: bus.clone(), source })
    }
}
