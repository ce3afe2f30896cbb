//! Events whose rule or destination is gone.
//!
//! A document that is replaced is away for a moment, so what is not asked for is only gone when it
//! was not asked for twice, some seconds apart.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::model::{BucketName, Destination, Event, RuleId};

/// How long a rule has to be absent before its events are given up.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// Rules that are remembered as absent. One that is forgotten is only given up later.
const RULES_MAX: usize = 1024;

type Question = dyn Fn(&Event, Option<&RuleId>, &Destination) -> bool + Send + Sync;

/// Tells whether a rule still asks for the events of a bucket for this destination. The answer
/// depends on nothing else of the event: one answer is good for the next event of that rule.
#[derive(Clone)]
pub struct StillWanted(Arc<Question>);

/// The rules that were found to be absent.
#[derive(Debug, Default)]
pub(super) struct Absences(HashMap<(BucketName, Option<RuleId>), Absence>);

#[derive(Clone, Copy, Debug)]
struct Absence {
    first: Instant,
    last: Instant,
}

/// What an absence means for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Here,
    /// It may come back until then.
    Away(Instant),
    Gone,
}

impl StillWanted {
    /// From a question that does not wait.
    pub fn new(
        question: impl Fn(&Event, Option<&RuleId>, &Destination) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(question))
    }

    pub(super) fn asks(&self, event: &Event, rule: Option<&RuleId>, of: &Destination) -> bool {
        self.0(event, rule, of)
    }
}

impl fmt::Debug for StillWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StillWanted(..)")
    }
}

impl Absences {
    /// A rule is there.
    pub(super) fn here(&mut self, bucket: &BucketName, rule: Option<&RuleId>) -> Presence {
        if !self.0.is_empty() {
            self.0.remove(&(bucket.clone(), rule.cloned()));
        }
        Presence::Here
    }

    /// A rule is not there.
    pub(super) fn away(
        &mut self,
        bucket: &BucketName,
        rule: Option<&RuleId>,
        now: Instant,
    ) -> Presence {
        if self.0.len() >= RULES_MAX {
            self.0.retain(|_, absence| now < absence.last + 2 * GRACE);
        }
        let (new, key) = (Absence { first: now, last: now }, (bucket.clone(), rule.cloned()));
        if self.0.len() >= RULES_MAX && !self.0.contains_key(&key) {
            // Its turn comes when those that are remembered are given up.
            return Presence::Away(now + GRACE);
        }
        let absence = self.0.entry(key).or_insert(new);
        // Nobody looked for long: it may have been there in between.
        if now > absence.last + 2 * GRACE {
            *absence = new;
        }
        absence.last = now;
        let until = absence.first + GRACE;
        if until <= now { Presence::Gone } else { Presence::Away(until) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket() -> BucketName {
        "photos".parse().unwrap()
    }

    #[test]
    fn a_rule_is_gone_when_it_was_away_for_some_seconds() {
        let (mut absences, now) = (Absences::default(), Instant::now());
        assert_eq!(absences.away(&bucket(), None, now), Presence::Away(now + GRACE));
        assert_eq!(absences.away(&bucket(), None, now + SECOND), Presence::Away(now + GRACE));
        assert_eq!(absences.away(&bucket(), None, now + GRACE), Presence::Gone);
    }

    #[test]
    fn a_rule_that_came_back_is_away_anew() {
        let (mut absences, now) = (Absences::default(), Instant::now());
        absences.away(&bucket(), None, now);
        assert_eq!(absences.here(&bucket(), None), Presence::Here);
        let then = now + GRACE;
        assert_eq!(absences.away(&bucket(), None, then), Presence::Away(then + GRACE));
    }

    #[test]
    fn a_rule_that_nobody_looked_for_may_have_come_back() {
        let (mut absences, now) = (Absences::default(), Instant::now());
        absences.away(&bucket(), None, now);
        let then = now + 100 * SECOND;
        assert_eq!(absences.away(&bucket(), None, then), Presence::Away(then + GRACE));
    }

    #[test]
    fn the_rules_remembered_are_bounded() {
        let (mut absences, now) = (Absences::default(), Instant::now());
        for n in 0..5_000 {
            absences.away(&format!("bucket-{n}").parse().unwrap(), None, now);
            assert!(absences.0.len() <= RULES_MAX);
        }
    }

    #[test]
    fn however_many_rules_are_gone_each_is_given_up_at_last() {
        let (mut absences, mut now) = (Absences::default(), Instant::now());
        let buckets = (0..3 * RULES_MAX).map(|n| format!("bucket-{n}").parse().unwrap());
        let mut waiting: Vec<BucketName> = buckets.collect();
        for _ in 0..20 {
            waiting.retain(|bucket| absences.away(bucket, None, now) != Presence::Gone);
            now += GRACE;
        }
        assert_eq!(waiting.len(), 0);
    }
}
