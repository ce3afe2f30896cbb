//! The telemetry stage.
