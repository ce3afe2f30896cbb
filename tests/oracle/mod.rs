//! What must be true after any fault: nothing lost, nothing foreign, every payload as it has to be,
//! order kept where it was promised.
//!
//! Tests and the soak share it. Its stores remember what each event was and what they were told;
//! what destinations got is judged by that alone, and by nothing that fanfare says of itself.

mod audience;
mod event;
mod judge;
mod stores;

pub(crate) use audience::{Audience, document};
pub(crate) use event::{BUCKET, Form, is_poison};
pub(crate) use judge::{Counts, Seen, judge};
pub(crate) use stores::{Stores, Told};
