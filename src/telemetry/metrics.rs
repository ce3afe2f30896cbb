//! The metrics recorder, in the text form of Prometheus.
//!
//! Stages name and describe their own metrics. What a histogram's name ends in decides its buckets:
//! `_duration_seconds` is of something that somebody waits for, `_delay_seconds` may be of days.

use std::{convert::Infallible, time::Duration};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::{MissedTickBehavior, interval};

/// How often samples are folded into their histograms. Until then each takes 16 bytes, so that
/// 60,000 events a second take 2 MB.
const UPKEEP: Duration = Duration::from_secs(2);

/// The upper bounds of the buckets of what is waited for, in seconds: half a millisecond to a minute.
const DURATIONS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];
/// The same of what a dead destination makes late: a millisecond to a day.
const DELAYS: [f64; 16] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 10800.0,
    86400.0,
];

/// Why metrics cannot be recorded.
#[derive(Debug, thiserror::Error)]
#[error("cannot install the metrics recorder")]
pub struct InstallError(#[from] BuildError);

/// The recorder of this process.
#[derive(Clone, Debug)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the recorder. Counters made before this go nowhere.
    pub fn install() -> Result<Self, InstallError> {
        Ok(Self(builder()?.install_recorder()?))
    }

    /// Everything recorded, in Prometheus's text form.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps the recorder small where nobody asks for the metrics. Runs until it is dropped.
    pub async fn keep_small(&self) -> Infallible {
        let mut due = interval(UPKEEP);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            self.0.run_upkeep();
        }
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".into()), &DURATIONS)?
        .set_buckets_for_metric(Matcher::Suffix("_delay_seconds".into()), &DELAYS)
}

#[cfg(test)]
mod tests {
    use metrics::{histogram, with_local_recorder};

    use super::*;

    const SAMPLES: usize = 100_000;

    /// Bytes that so many samples leave behind.
    fn left_by(samples: usize, after: fn(&PrometheusHandle)) -> i64 {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        let record = || {
            let histogram = histogram!("fanfare_test_duration_seconds");
            for _ in 0..samples / 1_000 {
                histogram.record_many(0.003, 1_000);
                after(&handle);
            }
        };
        with_local_recorder(&recorder, || allocation_counter::measure(record)).bytes_current
    }

    #[test]
    fn samples_that_nobody_asks_for_take_no_memory_after_the_upkeep() {
        let kept = left_by(SAMPLES, |_| {});
        assert!(kept > 16 * i64::try_from(SAMPLES).unwrap(), "the recorder keeps each: {kept}");
        let (few, many) = (
            left_by(SAMPLES, PrometheusHandle::run_upkeep),
            left_by(10 * SAMPLES, PrometheusHandle::run_upkeep),
        );
        assert!(many < few + kept / 4, "{few}, then {many}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_upkeep_loses_no_sample() {
        let recorder = builder().unwrap().build_recorder();
        let metrics = Metrics(recorder.handle());
        let record = || {
            histogram!("fanfare_test_duration_seconds").record(0.003);
            histogram!("fanfare_test_delay_seconds").record(7_200.0);
        };
        with_local_recorder(&recorder, record);
        let kept = tokio::time::timeout(3 * UPKEEP, metrics.keep_small()).await;
        assert!(kept.is_err(), "it never ends");
        with_local_recorder(&recorder, record);
        let text = metrics.render();
        for line in [
            "# TYPE fanfare_test_duration_seconds histogram",
            "fanfare_test_duration_seconds_bucket{le=\"0.0025\"} 0",
            "fanfare_test_duration_seconds_bucket{le=\"0.005\"} 2",
            "fanfare_test_duration_seconds_count 2",
            "fanfare_test_delay_seconds_bucket{le=\"1800\"} 0",
            "fanfare_test_delay_seconds_bucket{le=\"10800\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }
}
