//! The rules of a bucket that has few: asked one after the other.
//!
//! Most buckets have a handful. For so few, comparing is quicker than hashing; and a million such
//! buckets have to be small, so the rules are one run of bytes:
//!
//! ```text
//!   12 bytes                                        prefix    suffix
//!   [ events 4 | rule 4 | length of prefix 2, suffix 2 | images/ | .jpeg ] [ …
//! ```

use super::{
    Wish,
    words::{bits, short, take},
    work::Work,
};
use crate::model::{EventType, EventTypeSet};

const HEAD: usize = 12;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan(Box<[u8]>);

impl Scan {
    pub(super) fn new(wishes: &[Wish<'_>]) -> Self {
        let text = |wish: &Wish<'_>| HEAD + wish.prefix.len() + wish.suffix.len();
        let mut bytes = Vec::with_capacity(wishes.iter().map(text).sum());
        for wish in wishes {
            bytes.extend_from_slice(&bits(wish.events).to_le_bytes());
            bytes.extend_from_slice(&wish.rule.to_le_bytes());
            bytes.extend_from_slice(&short(wish.prefix.len()).to_le_bytes());
            bytes.extend_from_slice(&short(wish.suffix.len()).to_le_bytes());
            bytes.extend_from_slice(wish.prefix);
            bytes.extend_from_slice(wish.suffix);
        }
        Self(bytes.into())
    }

    pub(super) fn find(
        &self,
        event_type: EventType,
        key: &[u8],
        work: &mut impl Work,
        mut found: impl FnMut(u32),
    ) {
        let event = bits(EventTypeSet::of(event_type));
        let mut rest = &*self.0;
        while let Some((head, texts)) = rest.split_first_chunk::<HEAD>() {
            work.cell();
            let mut head: &[u8] = head;
            let events = u32::from_le_bytes(take(&mut head));
            let rule = u32::from_le_bytes(take(&mut head));
            let prefix = u16::from_le_bytes(take(&mut head));
            let suffix = u16::from_le_bytes(take(&mut head));
            let Some((prefix, texts)) = texts.split_at_checked(prefix.into()) else { return };
            let Some((suffix, behind)) = texts.split_at_checked(suffix.into()) else { return };
            rest = behind;
            // The two ends are separate conditions and may overlap: `ab` + `bc` accepts `abc`, a
            // glob would not.
            if events & event != 0 && key.starts_with(prefix) && key.ends_with(suffix) {
                found(rule);
            }
        }
    }
}
