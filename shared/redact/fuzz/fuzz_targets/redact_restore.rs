//! One of the two targets; `tests/fuzz_text.rs` runs the same bodies over the kept corpora in `make test`.
#![no_main]

#[path = "../any_text.rs"]
mod any_text;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any_text::redact_restore(bytes));
