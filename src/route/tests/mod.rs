//! What a bucket's rules want: on examples, against the naive scan, and at what cost.

mod buckets;
mod conditions;
mod filters;
mod hits;
mod oracle;
mod work;
