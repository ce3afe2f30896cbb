//! Any bytes, read as a document in JSON.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the daemon uses the rest")]

#[path = "../../../src/model/mod.rs"]
mod model;
#[path = "../oracle.rs"]
mod oracle;
#[path = "../../../src/rules/mod.rs"]
mod rules;

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    oracle::json(text);
});
