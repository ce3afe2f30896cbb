//! What a bucket's rules want: on examples, against the naive scan, and at what cost.

mod buckets;
mod conditions;
mod filters;
mod oracle;
mod work;
