//! What the stage promises, by behaviour.

mod verdict;
