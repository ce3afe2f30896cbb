//! The settings file. Each stage owns its section; this composes them and reads the file.

mod listen;
mod load;
mod quotable;
mod settings;
#[cfg(test)]
mod tests;

pub use listen::{Listen, SharedPort};
pub use load::LoadError;
pub use settings::Config;
