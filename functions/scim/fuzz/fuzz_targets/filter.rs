//! Any filter or path. The same body runs over the kept corpus in `make test` (`tests/fuzz_requests.rs`).
#![no_main]

#[path = "../any_request.rs"]
mod any_request;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any_request::filter(bytes));
