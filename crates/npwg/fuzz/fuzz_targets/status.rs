//! Fuzzes `npwg::fuzz::status`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| npwg::fuzz::status(bytes));
