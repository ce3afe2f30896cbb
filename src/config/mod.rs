//! The settings file. Each stage owns its section; this composes them and reads the file.

mod arn_pattern;
mod arn_search;
mod destination;
mod differences;
mod listen;
mod load;
mod quotable;
mod settings;
mod together;
#[cfg(test)]
mod tests;

pub use arn_pattern::{ArnPattern, ArnPatternError};
pub use destination::{Destinations, Override};
pub use listen::{Listen, SharedPort};
pub use load::LoadError;
pub use settings::Config;
pub use together::Contradiction;
