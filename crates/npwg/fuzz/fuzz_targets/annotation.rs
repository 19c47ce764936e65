//! Fuzzes `npwg::fuzz::annotation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| npwg::fuzz::annotation(bytes));
