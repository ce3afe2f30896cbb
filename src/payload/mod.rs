//! The payload stage.
