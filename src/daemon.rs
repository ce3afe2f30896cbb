//! Wiring: start, run, stop.
