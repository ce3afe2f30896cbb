//! The metrics of the process as a whole, and all that is looked at when somebody asks for them.

use ::metrics::{Unit, describe_gauge, gauge};
use jiff::Timestamp;
use metrics_process::Collector;
use tokio::sync::watch;

use crate::{control, deliver, ingest, journal, reload, replay, telemetry, tls};

const BUILD: &str = "fanfare_build_info";
const GENERATION: &str = "fanfare_config_generation";
const APPLIED: &str = "fanfare_config_applied_timestamp_seconds";
const RELOAD_FAILED: &str = "fanfare_config_reload_failed";

/// Installs the recorder, and describes every metric to it.
pub(super) fn install() -> Result<telemetry::Metrics, telemetry::InstallError> {
    let metrics = telemetry::Metrics::install()?;
    describe_gauge!(BUILD, "Always 1; the label says which version runs.");
    describe_gauge!(
        GENERATION,
        "Grows with each change that is put in force: of documents, or by a reload of the settings."
    );
    describe_gauge!(
        APPLIED,
        Unit::Seconds,
        "When what is in force was put in force, in seconds since 1970."
    );
    describe_gauge!(RELOAD_FAILED, "1 if the last reload of the settings changed nothing.");
    ingest::describe();
    journal::describe();
    deliver::describe();
    replay::describe();
    control::describe();
    tls::describe();
    Collector::default().describe();
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1);
    Ok(metrics)
}

/// What is looked at for an answer.
pub(super) struct Observed {
    pub(super) journal: journal::Journal,
    pub(super) lanes: deliver::Statuses,
    pub(super) documents: watch::Receiver<control::Status>,
    pub(super) reloads: watch::Receiver<reload::Status>,
}

impl Observed {
    /// Brings every gauge up to date.
    pub(super) fn observe(&self) {
        journal::observe(&self.journal);
        deliver::observe(&self.journal, &self.lanes);
        control::observe(&self.documents.borrow());
        observe_config(InForce::of(&self.documents.borrow(), &self.reloads.borrow()));
        gauge!(RELOAD_FAILED).set(u8::from(self.reloads.borrow().problem.is_some()));
        Collector::default().collect();
    }
}

/// Which configuration is in force: that of the documents and that of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InForce {
    /// Grows with each change; 1 is what was found at the start.
    pub(super) generation: u64,
    /// When the last change came.
    pub(super) applied: Timestamp,
}

impl InForce {
    /// Out of what changes by itself.
    pub(super) fn of(documents: &control::Status, reloads: &reload::Status) -> Self {
        let applied = reloads.applied.map_or(documents.applied, |it| it.max(documents.applied));
        Self { generation: documents.generation + reloads.count, applied }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; 2^53 changes are enough")]
fn observe_config(InForce { generation, applied }: InForce) {
    gauge!(GENERATION).set(generation as f64);
    gauge!(APPLIED).set(applied.as_duration().as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_force_is_as_new_as_the_last_change_of_either() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let documents = control::Status { generation: 3, applied: at(10), ..Default::default() };
        let reloads = |count, applied| reload::Status { count, applied, problem: None };
        let in_force = |reloads| InForce::of(&documents, &reloads);
        assert_eq!(in_force(reloads(0, None)), InForce { generation: 3, applied: at(10) });
        assert_eq!(in_force(reloads(1, Some(at(9)))), InForce { generation: 4, applied: at(10) });
        assert_eq!(in_force(reloads(2, Some(at(11)))), InForce { generation: 5, applied: at(11) });
    }
}
