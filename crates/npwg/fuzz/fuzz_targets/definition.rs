//! Fuzzes `npwg::fuzz::definition`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| npwg::fuzz::definition(bytes));
