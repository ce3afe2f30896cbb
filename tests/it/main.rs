//! The real binary against real components; a module per promise.
#![cfg(test)]
