//! The admin stage.
