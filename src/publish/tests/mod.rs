//! What the stage promises, by behaviour.

mod probe;
mod service;
mod verdict;
