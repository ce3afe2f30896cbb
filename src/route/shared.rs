//! The one place where the rules in force are found.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Table;

/// The table in force. Readers never wait, and keep the table they took for as long as they hold
/// it: one request is matched against one table.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<ArcSwap<Table>>);

impl Shared {
    /// The table in force now.
    pub fn load(&self) -> Arc<Table> {
        self.0.load_full()
    }

    /// Puts another table in force.
    pub fn store(&self, table: Table) {
        self.0.store(Arc::new(table));
    }
}
