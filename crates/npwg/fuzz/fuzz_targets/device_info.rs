//! Fuzzes `npwg::fuzz::device_info`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| npwg::fuzz::device_info(bytes));
