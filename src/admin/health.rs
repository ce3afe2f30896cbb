//! The answer of `/readyz`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How the daemon is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether it takes events. A broken document does not change that: the other buckets go on.
    pub ready: bool,
    /// Why the journal takes nothing, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// Buckets with a notification document in force.
    pub documents: usize,
    /// Documents that cannot be used.
    pub broken_documents: Vec<Document>,
}

/// A document that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// What the bucket has instead.
    pub in_force: String,
}
