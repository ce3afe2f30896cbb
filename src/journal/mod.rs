//! The journal stage.
