//! The `[listen]` section: three ports, no two of which are the same.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The three ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Draft")]
pub struct Listen {
    /// Stores post here.
    pub events: SocketAddr,
    /// The S3 API.
    pub s3: SocketAddr,
    /// Health, readiness, metrics.
    pub admin: SocketAddr,
}

/// Why the listeners cannot all be opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "listen.{} {} and listen.{} {} share a port; give each a port of its own",
    one.0, one.1, other.0, other.1
)]
pub struct SharedPort {
    one: (&'static str, SocketAddr),
    other: (&'static str, SocketAddr),
}

/// `[listen]` as it is written.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Draft {
    events: SocketAddr,
    s3: SocketAddr,
    admin: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self { events: loopback(9710), s3: loopback(9711), admin: loopback(9712) }
    }
}

impl Default for Draft {
    fn default() -> Self {
        let Listen { events, s3, admin } = Listen::default();
        Self { events, s3, admin }
    }
}

impl TryFrom<Draft> for Listen {
    type Error = SharedPort;

    fn try_from(Draft { events, s3, admin }: Draft) -> Result<Self, Self::Error> {
        let [first, second, third] = [("events", events), ("s3", s3), ("admin", admin)];
        for (one, other) in [(first, second), (first, third), (second, third)] {
            if share_a_port(one.1, other.1) {
                return Err(SharedPort { one, other });
            }
        }
        Ok(Self { events, s3, admin })
    }
}

/// Port 0 is a new port each time. An unspecified address is every one of its family, and that of
/// IPv6 every one of both.
fn share_a_port(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |one: SocketAddr, other: SocketAddr| {
        one.ip().is_unspecified() && (one.is_ipv6() || other.is_ipv4())
    };
    let is_same_ip = one.ip().to_canonical() == other.ip().to_canonical()
        || covers(one, other)
        || covers(other, one);
    one.port() != 0 && one.port() == other.port() && is_same_ip
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(section: &str) -> String {
        let read = toml::from_str::<Listen>(section);
        read.map_or_else(|wrong| wrong.message().to_owned(), |_| "fine".to_owned())
    }

    #[test]
    fn no_two_listeners_share_a_port() {
        let told_of_the_default = told("admin = \"127.0.0.1:9711\"");
        let expected = "listen.s3 127.0.0.1:9711 and listen.admin 127.0.0.1:9711 share a port; \
                        give each a port of its own";
        assert_eq!(told_of_the_default, expected);
        for (section, fault) in [
            ("events = \"0.0.0.0:9712\"", "listen.events 0.0.0.0:9712 and listen.admin 127"),
            ("events = \"[::1]:1\"\ns3 = \"[::]:1\"", "listen.events [::1]:1 and listen.s3 [::]:1"),
            ("events = \"[::]:9712\"", "listen.events [::]:9712 and listen.admin 127"),
            ("s3 = \"[::ffff:127.0.0.1]:9712\"", "listen.s3 [::ffff:127.0.0.1]:9712 and listen.ad"),
            ("events = \"127.0.0.2:9712\"", "fine"),
            ("events = \"127.0.0.1:0\"\ns3 = \"127.0.0.1:0\"", "fine"),
            ("events = \"[::1]:9712\"", "fine"),
        ] {
            assert!(told(section).starts_with(fault), "{section}: {}", told(section));
        }
    }
}
