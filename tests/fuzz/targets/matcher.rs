//! Any bytes, read as rules and keys.
#![no_main]
#![expect(dead_code, unused_imports, reason = "the daemon uses the rest")]

#[path = "../matcher.rs"]
mod matcher;
#[path = "../../../src/model/mod.rs"]
mod model;
#[path = "../../../src/route/mod.rs"]
mod route;
#[path = "../../../src/rules/mod.rs"]
mod rules;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    matcher::finds_what_a_scan_finds(bytes);
});
