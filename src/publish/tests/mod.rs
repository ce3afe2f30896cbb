//! What the stage promises, by behaviour.

mod answers;
mod classes;
mod probe;
mod service;
mod verdict;
