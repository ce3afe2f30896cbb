//! Where keys and sections meet: what each of them allows, and all of them together do not.
//!
//! A `[[destination]]` may complete or contradict another one and `[deliver]`. What comes of that
//! is asked for destinations that fit them, whether a document names such a one or not.

use std::path::PathBuf;

use bytesize::ByteSize;

use super::{ArnPattern, Config, Override, arn_search::in_common};
use crate::{
    deliver::{self, OverQuota},
    model::Destination,
};

/// Why settings that are fine one by one cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum Contradiction {
    /// `[deliver]` by itself.
    #[error("[deliver] cannot be used")]
    Deliver(#[source] deliver::ConfigError),
    /// A `[[destination]]`, with what stands in `[deliver]`.
    #[error("the [[destination]] `{pattern}` cannot be used")]
    Destination {
        /// Its `match`.
        pattern: ArnPattern,
        /// What is wrong.
        source: deliver::ConfigError,
    },
    /// Two `[[destination]]` tables that are for the same destinations.
    #[error(
        "the [[destination]] `{one}` and `{other}` cannot be used together, as for {destination}"
    )]
    Destinations {
        /// The `match` of the earlier.
        one: ArnPattern,
        /// The `match` of the later.
        other: ArnPattern,
        /// Who fits both.
        destination: Box<Destination>,
        /// What is wrong.
        source: deliver::ConfigError,
    },
    /// What to do above a limit that there is not.
    #[error(
        "{section}: over_quota = \"dead_letter_oldest\" needs a quota; write one such as quota = \
         \"1GiB\", or leave over_quota out"
    )]
    NoQuota {
        /// Where it stands.
        section: String,
    },
    /// A limit that nothing reaches.
    #[error(
        "{section}: quota {quota} is more than journal.size_limit {size_limit}, so it would never \
         count; lower it, or raise journal.size_limit"
    )]
    Quota {
        /// Where it stands.
        section: String,
        /// The limit.
        quota: ByteSize,
        /// What is reached first.
        size_limit: ByteSize,
    },
    /// A request that could never be stored.
    #[error(
        "events.body_limit {body_limit} is more than journal.size_limit {size_limit}, which it has \
         to fit into; lower it, or raise journal.size_limit"
    )]
    Journal {
        /// The largest body.
        body_limit: ByteSize,
        /// What it goes into.
        size_limit: ByteSize,
    },
    /// The journal's own files would be taken for documents.
    #[error(
        "journal.directory and notifications.directory are both {}; give each a directory of its \
         own", directory.display()
    )]
    Directory {
        /// Both of them.
        directory: PathBuf,
    },
    /// Amazon would refuse every entry.
    #[error(
        "event_bridge.source `{source_name}` begins with `aws.`, which Amazon refuses; write \
         another such as \"fanfare.s3\""
    )]
    Source {
        /// The source as given.
        source_name: String,
    },
    /// A list that nobody reads.
    #[error(
        "buckets.known has no effect while every bucket is accepted; set buckets.unknown = \
         \"reject\", or leave known out"
    )]
    Known,
}

impl Config {
    /// Whether all of it makes sense together.
    pub(super) fn check_together(&self) -> Result<(), Contradiction> {
        self.check_sizes()?;
        self.check_sections()?;
        self.deliver.check().map_err(Contradiction::Deliver)?;
        for (at, table) in self.destination.iter().enumerate() {
            let pattern = || table.pattern().clone();
            let refused = |source| Contradiction::Destination { pattern: pattern(), source };
            table.check(&self.deliver).map_err(refused)?;
            self.check_for([table, table]).map_err(|(_, source)| refused(source))?;
            for earlier in self.destination.iter().take(at) {
                self.check_for([earlier, table]).map_err(|(destination, source)| {
                    let one = earlier.pattern().clone();
                    let destination = Box::new(destination);
                    Contradiction::Destinations { one, other: pattern(), destination, source }
                })?;
            }
        }
        self.check_quotas()
    }

    fn check_sizes(&self) -> Result<(), Contradiction> {
        let (body_limit, size_limit) = (self.events.body_limit, self.journal.size_limit);
        if body_limit > size_limit {
            return Err(Contradiction::Journal { body_limit, size_limit });
        }
        Ok(())
    }

    fn check_sections(&self) -> Result<(), Contradiction> {
        let directory = &self.journal.directory;
        if *directory == self.notifications.directory {
            return Err(Contradiction::Directory { directory: directory.clone() });
        }
        let source = &self.event_bridge.source;
        if source.starts_with("aws.") && self.may_send_to_event_bridge_of_amazon() {
            return Err(Contradiction::Source { source_name: source.clone() });
        }
        if self.buckets.knows_in_vain() {
            return Err(Contradiction::Known);
        }
        Ok(())
    }

    /// Whether the settings name no other place for any bus. A table that does may be for all there are.
    fn may_send_to_event_bridge_of_amazon(&self) -> bool {
        let is_bus = |arn: &Destination| matches!(arn, Destination::Bus(_));
        let moves_buses = |table: &Override| {
            table.has_endpoint() && in_common("*", table.pattern().as_str()).any(|arn| is_bus(&arn))
        };
        self.aws.event_bridge_is_amazons() && !self.destination.iter().any(moves_buses)
    }

    /// Whether destinations that fit both tables can be treated as all tables together say.
    fn check_for(&self, tables: [&Override; 2]) -> Result<(), (Destination, deliver::ConfigError)> {
        let mut merged = self.deliver.clone();
        for table in tables {
            table.apply(&mut merged);
        }
        if merged.check().is_ok() {
            return Ok(());
        }
        let [one, other] = tables.map(|table| table.pattern().as_str());
        let all = self.destinations();
        in_common(one, other).try_for_each(|destination| {
            all.deliver(&destination).check().map_err(|wrong| (destination, wrong))
        })
    }

    fn check_quotas(&self) -> Result<(), Contradiction> {
        let deliver = (&self.deliver.quota, Some(self.deliver.over_quota), None);
        let tables = self.destination.iter().map(|table| {
            let (quota, over_quota) = table.quota();
            (quota, over_quota, Some(table))
        });
        let size_limit = self.journal.size_limit;
        for (quota, over_quota, table) in [deliver].into_iter().chain(tables) {
            let section = || table.map_or("[deliver]".to_owned(), section_of);
            if let Some(quota) = *quota
                && quota > size_limit
            {
                return Err(Contradiction::Quota { section: section(), quota, size_limit });
            }
            if over_quota == Some(OverQuota::DeadLetterOldest) && !self.has_quota(table) {
                return Err(Contradiction::NoQuota { section: section() });
            }
        }
        Ok(())
    }

    /// Whether any destination of the table has a quota; without a table, any at all.
    fn has_quota(&self, table: Option<&Override>) -> bool {
        // Most tables have their own, and are not compared with all others.
        if table.is_some_and(|table| table.quota().0.is_some()) {
            return true;
        }
        let of = table.map_or("*", |table| table.pattern().as_str());
        let gives = |other: &Override| {
            other.quota().0.is_some() && in_common(of, other.pattern().as_str()).next().is_some()
        };
        self.deliver.quota.is_some() || self.destination.iter().any(gives)
    }
}

fn section_of(table: &Override) -> String {
    format!("[[destination]] `{}`", table.pattern())
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    /// What is said of these settings.
    fn told(text: &str) -> String {
        match toml::from_str::<Config>(text).unwrap().check_together() {
            Ok(()) => "fine".to_owned(),
            Err(wrong) => match wrong.source() {
                Some(source) => format!("{wrong}: {source}"),
                None => wrong.to_string(),
            },
        }
    }

    const SLOW: &str = "[[destination]]\nmatch = \"*:slow\"\n";
    const ALL: &str = "[[destination]]\nmatch = \"*\"\n";

    #[test]
    fn what_is_shipped_makes_sense() {
        assert_eq!(told(""), "fine");
    }

    #[test]
    fn the_least_is_not_more_than_the_most_whoever_says_so() {
        let wrong = "concurrency_min 8 is more than concurrency_max 4; lower the one or raise";
        for (text, place) in [
            ("[deliver]\nconcurrency_min = 8\nconcurrency_max = 4".to_owned(), "[deliver] cannot"),
            (
                format!("[deliver]\nconcurrency_min = 8\n{SLOW}concurrency_max = 4"),
                "the [[destination]] `*:slow` cannot be used: ",
            ),
            (
                format!("{ALL}concurrency_min = 8\n{SLOW}concurrency_max = 4"),
                "the [[destination]] `*` and `*:slow` cannot be used together, as for arn:aws:sqs:-",
            ),
        ] {
            let told = told(&text);
            assert!(told.starts_with(place) && told.contains(wrong), "{text}: {told}");
        }
        for text in [
            format!("{ALL}concurrency_min = 8\n{SLOW}concurrency_max = 4\nconcurrency_min = 1"),
            format!("{SLOW}concurrency_min = 60\n{ALL}concurrency_max = 99"),
            "[[destination]]\nmatch = \"*:a\"\nconcurrency_min = 8\n\
             [[destination]]\nmatch = \"*:b\"\nconcurrency_max = 4"
                .to_owned(),
        ] {
            assert_eq!(told(&text), "fine", "{text}");
        }
        assert!(told("[deliver]\nconcurrency_max = 1000000").contains("write 10000 or less"));
    }

    #[test]
    fn a_wait_for_company_ends_before_the_message_is_given_up() {
        let told = told(&format!("[deliver]\nmax_age = \"1m\"\n{SLOW}linger = \"1m\""));
        let expected = "linger 60s is not less than max_age 60s: messages would be given up";
        assert!(told.contains(expected), "{told}");
    }

    #[test]
    fn what_to_do_above_a_quota_needs_one() {
        let oldest = "over_quota = \"dead_letter_oldest\"\n";
        let quota = "quota = \"1GiB\"\n";
        let needs =
            |text: &str| told(text).contains("dead_letter_oldest\" needs a quota; write one");
        assert!(needs(&format!("[deliver]\n{oldest}")));
        assert!(needs(&format!("{SLOW}{oldest}")));
        assert!(needs(&format!(
            "[[destination]]\nmatch = \"arn:aws:sqs:*\"\n{oldest}\
             [[destination]]\nmatch = \"arn:aws:sns:*\"\n{quota}"
        )));
        for text in [
            format!("[deliver]\n{oldest}{quota}"),
            format!("[deliver]\n{oldest}{SLOW}{quota}"),
            format!("[deliver]\n{quota}{SLOW}{oldest}"),
            format!("{ALL}{oldest}{SLOW}{quota}"),
        ] {
            assert_eq!(told(&text), "fine", "{text}");
        }
        let never = told(&format!("{SLOW}quota = \"11GiB\""));
        assert!(never.contains("so it would never count; lower it, or raise journal"), "{never}");
    }

    #[test]
    fn what_is_taken_can_be_kept() {
        for (text, expected) in [
            (
                "[journal]\nsize_limit = \"8MiB\"",
                "events.body_limit 16.0 MiB is more than journal.size_limit 8.0 MiB, which it has to",
            ),
            (
                "[journal]\ndirectory = \"/x\"\n[notifications]\ndirectory = \"/x/\"",
                "journal.directory and notifications.directory are both /x; give each",
            ),
            ("[event_bridge]\nsource = \"aws.s3\"", "begins with `aws.`, which Amazon refuses"),
            ("[buckets]\nknown = [\"a\"]", "buckets.known has no effect while every bucket is"),
        ] {
            assert!(told(text).contains(expected), "{text}: {}", told(text));
        }
        let source = "[event_bridge]\nsource = \"aws.s3\"\n";
        let elsewhere = "endpoint_url = \"http://moto\"\n";
        for text in [
            format!("{source}[aws]\n{elsewhere}"),
            format!("{source}[[destination]]\nmatch = \"*:event-bus/*\"\n{elsewhere}"),
            "[journal]\nquarantine_limit = \"8MiB\"".to_owned(),
        ] {
            assert_eq!(told(&text), "fine", "{text}");
        }
        let queues = format!("{source}[[destination]]\nmatch = \"arn:aws:sqs:*\"\n{elsewhere}");
        assert!(told(&queues).contains("which Amazon refuses"));
    }
}
