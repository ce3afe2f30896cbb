//! The cli stage.
