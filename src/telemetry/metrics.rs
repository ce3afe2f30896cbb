//! The metrics recorder, in the text form of Prometheus.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

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
        Ok(Self(PrometheusBuilder::new().install_recorder()?))
    }

    /// Everything recorded, in Prometheus's text form.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}
