//! The control stage.
