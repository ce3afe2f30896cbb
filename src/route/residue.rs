//! What the few rules with Ceph's filters ask beyond the ends of a key.
//!
//! The index has found them by their ends, those that their pattern implies among them; here the
//! rest is asked, of these rules only. A bucket without such rules has none of this.

use std::{cell::LazyCell, sync::Arc};

use crate::{
    model::{Attributes, ObjectKey},
    rules::Conditions,
};

/// The conditions of rules, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Residue(Box<[(u32, Arc<Conditions>)]>);

impl Residue {
    /// Takes them in the order of their rules' numbers; `None` if there are none.
    pub(super) fn new(conditions: Vec<(u32, Arc<Conditions>)>) -> Option<Self> {
        (!conditions.is_empty()).then(|| Self(conditions.into()))
    }

    /// Leaves the rules that want the object. Its attributes are read only if a rule asks for them.
    pub(super) fn retain(
        &self,
        found: &mut Vec<u32>,
        key: &ObjectKey,
        attributes: impl FnOnce() -> Attributes,
    ) {
        let attributes = LazyCell::new(attributes);
        found.retain(|rule| {
            let Ok(at) = self.0.binary_search_by_key(rule, |(rule, _)| *rule) else { return true };
            self.0.get(at).is_none_or(|(_, conditions)| {
                conditions.accept_key(key)
                    && (!conditions.ask_attributes() || conditions.accept_attributes(&attributes))
            })
        });
    }
}
