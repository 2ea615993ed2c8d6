//! Opens whatever comes. The same body runs over the kept corpus in `make test` (`tests/fuzz_open.rs`).
#![no_main]

#[path = "../open_any.rs"]
mod open_any;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| open_any::open_any(bytes));
