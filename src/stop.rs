//! The two moments of a shutdown.
