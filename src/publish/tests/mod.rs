//! What the stage promises, by behaviour.

mod answers;
mod classes;
mod fifo;
mod limits;
mod probe;
mod roles;
mod service;
mod verdict;
